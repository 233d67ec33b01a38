//! Recorded questions, asked again: status, texts, pages, key sets and JSON types.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use igsync_simulator::{AccountSpec, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, TOKEN};
use crate::recordings::{Shape, merge, recorded, shape_of};

/// The account behind the recordings: 160 posts, none of them from the last three months.
fn account(epoch: &str, posts: u32) -> Probe {
    let epoch: DateTime<Utc> = epoch.parse().unwrap();
    let account = AccountSpec {
        posts,
        history_days: 9 * 365,
        posts_per_week: 0,
        followers: 280,
        mean_comments: 1,
        hidden_likes_per_mille: 0,
        missing_media_url_per_mille: 0,
        no_caption_per_mille: 0,
        ..AccountSpec::numbered(1)
    };
    let mut spec = WorldSpec {
        epoch,
        ..WorldSpec::small(1)
    };
    spec.pages[0].account = Some(account);
    Probe::of(spec)
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn the_recorded_questions_about_an_account_are_answered_alike() {
    let cassette = recorded("keboola/vcr_v23_account_2026-03-06.json");
    let probe = account("2025-12-05T00:00:00Z", 160);
    tokio::time::advance(
        (TimeDelta::days(91) + TimeDelta::hours(12))
            .to_std()
            .unwrap(),
    )
    .await;
    let shapes = replay(&probe, &cassette).await;
    for (question, (recorded, answered)) in shapes {
        assert_eq!(answered, recorded, "{question}");
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_insights_of_an_account_are_answered_alike() {
    let cassette = recorded("keboola/vcr_v23_user_insights_metric_type_2026-04-21.json");
    let probe = account("2026-04-21T09:13:18Z", 160);
    for (question, (recorded, answered)) in replay(&probe, &cassette).await {
        assert_eq!(answered, recorded, "{question}");
    }
}

/// Asks every recorded question. Cursors are exchanged for the ones that were given out here.
async fn replay(probe: &Probe, cassette: &Value) -> BTreeMap<String, (Shape, Shape)> {
    let mut cursors: BTreeMap<String, String> = BTreeMap::new();
    let mut shapes: BTreeMap<String, (Shape, Shape)> = BTreeMap::new();
    for interaction in cassette["interactions"].as_array().unwrap() {
        let uri = interaction["request"]["uri"].as_str().unwrap();
        let path = uri.strip_prefix("https://graph.facebook.com").unwrap();
        let mut path = path
            .replace("17841403584244541", ACCOUNT)
            .replace("&access_token=REDACTED", "")
            .replace("access_token=REDACTED&", "");
        for (theirs, ours) in &cursors {
            path = path.replace(theirs, ours);
        }
        let text = interaction["response"]["body"]["string"].as_str().unwrap();
        let recorded: Value = serde_json::from_str(text).unwrap();
        // Reading comments was permitted here, reading tags was not.
        if path.contains("/tags") {
            probe
                .world()
                .withdraw_permission(TOKEN, "instagram_manage_comments");
        }
        let reply = probe.get(&path).await;
        assert_eq!(
            json!(reply.status),
            interaction["response"]["status"]["code"],
            "{path}: {}",
            reply.text
        );
        if let Some(error) = recorded.get("error") {
            assert_eq!(reply.body["error"]["message"], error["message"], "{path}");
            assert_eq!(
                crate::probe::keys(&reply.body["error"]),
                crate::probe::keys(error),
                "{path}"
            );
            continue;
        }
        assert_eq!(
            crate::probe::keys(&reply.body),
            crate::probe::keys(&recorded),
            "{path}"
        );
        if let (Some(theirs), Some(ours)) = (
            recorded["paging"]["cursors"]["after"].as_str(),
            reply.body["paging"]["cursors"]["after"].as_str(),
        ) {
            cursors.insert(theirs.to_owned(), ours.to_owned());
            assert_eq!(
                crate::probe::keys(&reply.body["paging"]),
                crate::probe::keys(&recorded["paging"]),
                "{path}"
            );
        }
        assert_same_windows(&recorded, &reply.body, &path);
        let question = path.split("&after=").next().unwrap().to_owned();
        let (theirs, ours) = shapes.entry(question).or_default();
        merge(theirs, shape_of(&recorded));
        merge(ours, shape_of(&reply.body));
    }
    shapes
}

/// Days and neighbouring windows of insights.
fn assert_same_windows(recorded: &Value, answered: &Value, path: &str) {
    if !path.contains("/insights?") {
        return;
    }
    let ends = |body: &Value| -> Vec<Value> {
        let rows = body["data"].as_array().unwrap().iter();
        rows.flat_map(|row| row["values"].as_array().cloned().unwrap_or_default())
            .map(|point| point["end_time"].clone())
            .collect()
    };
    assert_eq!(ends(answered), ends(recorded), "{path}");
    let window = |body: &Value, link: &str| -> BTreeSet<String> {
        let query = body["paging"][link]
            .as_str()
            .unwrap()
            .split_once('?')
            .unwrap()
            .1
            .to_owned();
        query
            .split('&')
            .filter(|pair| pair.starts_with("since=") || pair.starts_with("until="))
            .map(str::to_owned)
            .collect()
    };
    // The recorded clock ran on for a second between question and answer.
    if path.contains("until=") {
        for link in ["previous", "next"] {
            assert_eq!(
                window(answered, link),
                window(recorded, link),
                "{path} {link}"
            );
        }
    }
}
