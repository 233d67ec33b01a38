//! What is taken back while a client runs: metrics, versions, posts, and insights of posts from before a conversion.

use std::time::Duration;

use chrono::{Days, TimeDelta};
use igsync_simulator::{InsightsOf, MediaType, ProductType, Rules, Tables, WorldSpec};
use serde_json::json;

use crate::insights::{post, spec};
use crate::oracle::{DAY, differences, instant};
use crate::probe::{ACCOUNT, Probe, ids};

#[tokio::test(start_paused = true)]
async fn a_metric_is_refused_from_the_instant_on_at_which_it_is_retired() {
    let probe = Probe::of(spec());
    let reel = post(&probe, ProductType::Reels, MediaType::Video);
    let of_media = format!("/{reel}/insights?metric=reach,views");
    let nested = format!("/v21.0/{ACCOUNT}/media?limit=1&fields=insights.metric(views)");
    let of_account = format!("/{ACCOUNT}/insights?metric=views&period=day&metric_type=total_value");
    let retire = |of: InsightsOf| {
        let from = probe.world().now() + TimeDelta::hours(1);
        probe.world().retire_metric(of, "views", from);
    };
    retire(InsightsOf::Media);
    for path in [&of_media, &nested, &of_account] {
        probe.ok(path).await;
    }
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let refused = probe.refused(&of_media).await;
    assert_eq!((refused.status, refused.code), (400, 100));
    assert!(
        refused.message.starts_with(
            "(#100) metric[1] must be one of the following values: impressions, reach,"
        ) && !refused.message.contains(" views"),
        "{}",
        refused.message
    );
    assert_eq!(probe.refused(&nested).await.code, 100, "and the whole page");
    probe.ok(&of_account).await;
    retire(InsightsOf::Account);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let refused = probe.refused(&of_account).await;
    assert!(
        refused
            .message
            .starts_with("(#100) metric[0] must be one of")
    );
    probe.ok(&of_account.replace("views", "likes")).await;
    assert!(!probe.world().restore_metric(InsightsOf::Media, "reach"));
    assert!(probe.world().restore_metric(InsightsOf::Media, "views"));
    probe.ok(&of_media).await;
    probe.ok(&nested).await;
    probe.refused(&of_account).await;
}

/// What an oracle that knows the past expects of rows that cannot be read any more.
#[tokio::test(start_paused = true)]
async fn what_was_read_before_a_metric_was_retired_may_stay_and_no_more_is_expected() {
    let probe = Probe::of(spec());
    let world = probe.world();
    let tables = ["media_insights", "account_insights", "audience"];
    let read: Tables = world.expected(&tables).rows;
    let of = |table: &str, metric: &str| {
        let rows = world.expected(&[table]).rows;
        let name = format!("/{metric}/");
        rows[table].keys().filter(|key| key.contains(&name)).count()
    };
    let retired = [
        ("media_insights", InsightsOf::Media, "saved"),
        ("account_insights", InsightsOf::Account, "saves"),
        ("audience", InsightsOf::Account, "follower_demographics"),
    ];
    for (table, whose, metric) in retired {
        assert!(of(table, metric) > 0, "{metric}");
        world.retire_metric(whose, metric, world.now() + TimeDelta::seconds(1));
    }
    let last_read = instant(world.now());
    tokio::time::advance(2 * DAY).await;
    let account = world.account(ACCOUNT).unwrap();
    let today = world.now().date_naive();
    let ended = instant(account.end_of_day(today - Days::new(1)).unwrap());
    for (table, _, metric) in retired {
        assert_eq!(of(table, metric), 0, "{metric}");
        let is_about = |key: &&String| key.contains(&format!("/{metric}/"));
        let key = read[table].keys().find(is_about).unwrap();
        let value = read[table][key]["value"].clone();
        let row = |observed_at: &str| json!({"value": value, "observed_at": observed_at});
        assert_eq!(
            differences(&probe, table, key, &json!({"value": value})),
            [""; 0]
        );
        assert_eq!(differences(&probe, table, key, &row(&last_read)), [""; 0]);
        let now = instant(world.now());
        let late = differences(&probe, table, key, &row(&now));
        assert!(
            late[0].ends_with(&format!("could not be read at {now}")),
            "{late:?}"
        );
    }
    for (table, whose, metric) in [
        ("media_insights", InsightsOf::Media, "/shares/"),
        ("account_insights", InsightsOf::Account, "/shares/"),
        (
            "audience",
            InsightsOf::Account,
            "/engaged_audience_demographics/",
        ),
    ] {
        let (key, row) = { read[table].iter() }
            .find(|(key, _)| key.contains(metric))
            .unwrap();
        let held = json!({"value": row["value"]});
        assert_eq!(differences(&probe, table, key, &held), [""; 0]);
        let start = world.spec().epoch;
        world.retire_metric(whose, metric.trim_matches('/'), start);
        let never = differences(&probe, table, key, &held);
        assert!(never[0].ends_with("is not in the world"), "{never:?}");
    }
    let key = format!("{ACCOUNT}/saves/day///{ended}");
    let later = differences(&probe, "account_insights", &key, &json!({"value": 0}));
    assert!(later[0].ends_with("is not in the world"), "{later:?}");
}

#[tokio::test]
async fn an_expired_version_is_served_by_the_oldest_one_left_and_nobody_says_so() {
    let probe = Probe::small();
    let served = async |path: &str| {
        let reply = probe.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        let version = reply.header("facebook-api-version").unwrap().to_owned();
        (version, reply.body)
    };
    let (version, body) = served("/v25.0/me").await;
    assert_eq!(version, "v25.0");
    probe.world().expire_version("v25.0");
    assert_eq!(served("/v25.0/me").await, ("v21.0".to_owned(), body));
    for version in ["v21.0", "v22.0"] {
        probe.world().expire_version(version);
    }
    let path = format!("/v25.0/{ACCOUNT}/media?limit=1");
    let (version, page) = served(&path).await;
    assert_eq!(version, "v23.0");
    let next = page["paging"]["next"].as_str().unwrap();
    assert!(next.contains("/v23.0/"), "{next}");
    assert_eq!(served("/me").await.0, "v23.0", "without a version as well");
    assert_eq!(served("/v26.0/me").await.0, "v26.0");
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_deleted_can_come_back() {
    let mut spec = WorldSpec::small(1);
    spec.pages[0].account.as_mut().unwrap().posts_per_week = 0;
    let probe = Probe::of(spec);
    let world = probe.world();
    let list = format!("/{ACCOUNT}/media?limit=3");
    let all = probe.ids(&list).await;
    let id = &all[1];
    let marked = |at: Option<&str>| {
        let expected = world.expected(&["media"]);
        let mut row = [&expected.rows, &expected.optional]
            .into_iter()
            .find_map(|rows| rows["media"].get(id).cloned())
            .unwrap();
        row.insert("deleted_at".to_owned(), json!(at));
        let held: Tables = [("media".to_owned(), [(id.clone(), row)].into())].into();
        let mut found = expected.compare(&held).differences;
        found.retain(|line| line.contains(id.as_str()));
        found
    };
    assert!(world.delete_media(id) && !world.restore_media("1"));
    tokio::time::advance(DAY).await;
    let deleted_at = instant(world.now());
    assert_eq!(probe.refused(&format!("/{id}")).await.subcode, Some(33));
    assert!(!probe.ids(&list).await.contains(id));
    assert_eq!(marked(Some(&deleted_at)), [""; 0]);
    assert!(marked(None)[0].ends_with("is gone, and deleted_at does not say so"));
    tokio::time::advance(DAY).await;
    assert!(world.restore_media(id));
    assert_eq!(ids(&probe.ok(&list).await), all);
    probe.ok(&format!("/{id}?fields=caption")).await;
    assert_eq!(marked(None), [""; 0]);
    assert!(marked(Some(&deleted_at))[0].contains("still exists"));
    // What was read while it was away is no reading.
    let row = json!({"value": 1, "observed_at": deleted_at});
    let key = format!("{id}/reach//");
    let read = differences(&probe, "media_insights", &key, &row);
    assert!(
        read[0].ends_with(&format!("could not be read at {deleted_at}")),
        "{read:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_conversion_takes_the_insights_of_all_older_posts() {
    let probe = Probe::of(spec());
    let world = probe.world();
    let insights = |id: &str| format!("/{id}/insights?metric=reach");
    let mut posts = world.media(ACCOUNT);
    let older = posts
        .find(|post| post.insight("reach").is_some())
        .unwrap()
        .id();
    let reach = probe.ok(&insights(&older)).await["data"][0]["values"][0]["value"].clone();
    let read_at = instant(world.now());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(world.convert_account(ACCOUNT) && !world.convert_account("1"));
    tokio::time::advance(Duration::from_secs(60)).await;
    let newer = world
        .publish(ACCOUNT, igsync_simulator::NewPost::default())
        .unwrap();
    assert_eq!(
        probe.refused(&insights(&older)).await.subcode,
        Some(2_108_006)
    );
    probe.ok(&insights(&newer)).await;
    let key = format!("{older}/reach//");
    let expected = world.expected(&["media_insights"]);
    assert!(!expected.rows["media_insights"].contains_key(&key));
    let now = instant(world.now());
    for (observed_at, wrong) in [(json!(null), 0), (json!(read_at), 0), (json!(now), 1)] {
        let row = json!({"value": reach, "observed_at": observed_at});
        let found = differences(&probe, "media_insights", &key, &row);
        assert_eq!(found.len(), wrong, "{observed_at}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn insights_of_posts_may_be_kept_for_a_while_only() {
    let rules = Rules {
        media_insights_retention_days: Some(30),
        ..Rules::default()
    };
    let probe = Probe::of(WorldSpec { rules, ..spec() });
    let world = probe.world();
    let aged = |days: i64| {
        let than = world.now() - TimeDelta::days(days);
        let mut posts = world.media(ACCOUNT);
        posts.find(|post| post.timestamp() < than).unwrap().id()
    };
    let (kept, forgotten) = (aged(20), aged(31));
    let told = async |id: &str| probe.ok(&format!("/{id}/insights?metric=reach")).await;
    assert_eq!(told(&forgotten).await, json!({"data": []}));
    let reach = told(&kept).await["data"][0]["values"][0]["value"].clone();
    tokio::time::advance(15 * DAY).await;
    assert_eq!(told(&kept).await, json!({"data": []}));
    let row = json!({"value": reach});
    for (id, is_known) in [(&kept, true), (&forgotten, false)] {
        let found = differences(&probe, "media_insights", &format!("{id}/reach//"), &row);
        assert_eq!(found.is_empty(), is_known, "{id}: {found:?}");
    }
    let always = Probe::of(spec());
    let path = format!("/{forgotten}/insights?metric=reach");
    assert_eq!(always.ok(&path).await["data"][0]["name"], "reach");
}
