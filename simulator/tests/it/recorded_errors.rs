//! Recorded errors, usage headers, and what the live API accepted.

use std::time::Duration;

use chrono::TimeDelta;
use igsync_simulator::{Media, MediaType, ProductType, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe};
use crate::recordings::{recorded, shape_of};

#[tokio::test]
async fn recorded_errors_have_the_texts_codes_and_keys_that_are_told_here() {
    let Some(errors) = recorded("errors.json") else {
        return;
    };
    let mut spec = WorldSpec::demo(3);
    spec.rules.expired_token_subcode = 0;
    spec.tokens[0].expires_at = Some(spec.epoch + TimeDelta::hours(1));
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.converted_at, account.quiet_stories_per_mille) =
        (Some(spec.epoch - TimeDelta::days(60)), 1000);
    let video = spec.pages[1].account.as_mut().unwrap();
    video.videos_per_mille = 300;
    let old = |media: &Media<'_>, probe: &Probe| {
        media.timestamp() < probe.world().now() - TimeDelta::days(61)
    };
    let feed_video = |media: &Media<'_>| {
        media.media_type() == MediaType::Video && media.media_product_type() == ProductType::Feed
    };
    let mut compared = 0;
    for error in errors.as_array().unwrap() {
        let probe = Probe::of(spec.clone());
        let world = probe.world();
        let recorded = &error["body"]["error"];
        let question = match (
            recorded["code"].as_i64().unwrap(),
            recorded["error_subcode"].as_i64(),
        ) {
            (100, Some(2_108_006)) => format!(
                "/{}/insights?metric=reach",
                world
                    .media(ACCOUNT)
                    .find(|media| old(media, &probe))
                    .unwrap()
                    .id()
            ),
            (100, None) => format!(
                "/{}/insights?metric=reach,saved,views",
                world
                    .media("17841400000000002")
                    .find(feed_video)
                    .unwrap()
                    .id()
            ),
            (100, Some(33)) if recorded["type"] == "GraphMethodException" => {
                "/18066122755137560".to_owned()
            }
            (10, None) => format!(
                "/{}/insights?metric=reach",
                world.stories(ACCOUNT).next().unwrap().id()
            ),
            // Provoked with time or with meters in tests of their own.
            _ => continue,
        };
        let reply = probe.get(&question).await;
        assert_eq!(json!(reply.status), error["http_status"]);
        let told = &reply.body["error"];
        for (key, value) in recorded
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| *key != "fbtrace_id")
        {
            assert_eq!(&told[key], value, "{question}: {key}");
        }
        compared += 1;
    }
    assert_eq!(compared, 4);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_refused_in_the_recorded_words() {
    let Some(errors) = recorded("errors.json") else {
        return;
    };
    let recorded = errors
        .as_array()
        .unwrap()
        .iter()
        .find(|error| error["body"]["error"]["error_subcode"] == 0)
        .unwrap();
    let mut spec = WorldSpec {
        epoch: "2025-12-01T18:59:55Z".parse().unwrap(),
        ..WorldSpec::small(1)
    };
    spec.rules.expired_token_subcode = 0;
    spec.tokens[0].expires_at = Some("2025-12-01T19:00:00Z".parse().unwrap());
    let probe = Probe::of(spec);
    tokio::time::advance(Duration::from_secs(22 * 3600 + 60)).await;
    let told = probe.get("/me").await.body["error"].clone();
    let recorded = &recorded["body"]["error"];
    assert_eq!(
        (&told["message"], &told["error_subcode"]),
        (&recorded["message"], &recorded["error_subcode"])
    );
    assert_eq!(crate::probe::keys(&told), crate::probe::keys(recorded));
}

#[tokio::test]
async fn recorded_usage_headers_have_the_shape_that_is_told_here() {
    let Some(headers) = recorded("headers.json") else {
        return;
    };
    let probe = Probe::small();
    let reply = probe.get(&format!("/{ACCOUNT}")).await;
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    // Ids are keys here: only what stands below them is compared.
    let below = |usage: Value| usage.as_object().unwrap().values().next().unwrap().clone();
    let mut compared = 0;
    for header in headers.as_array().unwrap() {
        let (name, Some(value)) = (header["header"].as_str().unwrap(), header["value"].as_str())
        else {
            assert!(reply.header("retry-after").is_none(), "never recorded");
            continue;
        };
        let told = parsed(reply.header(name).unwrap());
        if name == "x-app-usage" {
            assert_eq!(shape_of(&told), shape_of(&parsed(value)));
        } else {
            assert_eq!(shape_of(&below(told)), shape_of(&below(parsed(value))));
        }
        compared += 1;
    }
    assert!(compared > 5);
}

#[tokio::test]
async fn what_the_live_api_accepted_and_refused_is_accepted_and_refused_here() {
    let Some(live) = recorded("plinxore/meta_api_reference_v22_2026-06-24.json") else {
        return;
    };
    let probe = Probe::of(WorldSpec {
        epoch: "2026-06-24T17:00:00Z".parse().unwrap(),
        ..WorldSpec::small(1)
    });
    let media: Vec<Media<'_>> = probe.world().media(ACCOUNT).collect();
    let of_type = |kind: &str| {
        let fits = |media: &&Media<'_>| {
            media.media_type().as_str() == kind
                && (kind != "VIDEO" || media.media_product_type() == ProductType::Reels)
        };
        media.iter().find(fits).unwrap().id()
    };
    let reel = of_type("VIDEO");
    for (node, section) in [(ACCOUNT, "ig_user"), (reel.as_str(), "ig_media")] {
        for field in live[section]["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let fields = if name == "id" {
                "id".to_owned()
            } else {
                format!("id,{name}")
            };
            assert_alike(&probe, &format!("/v22.0/{node}?fields={fields}"), field).await;
        }
    }
    for metric in live["ig_user_insights"]["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap();
        assert_alike(
            &probe,
            &format!("/v22.0/{ACCOUNT}/insights?metric={name}&period=day&metric_type=total_value"),
            metric,
        )
        .await;
    }
    for (kind, metrics) in live["ig_media_insights"]["by_media_type"]
        .as_object()
        .unwrap()
    {
        let id = of_type(kind);
        for metric in metrics.as_array().unwrap() {
            let name = metric["name"].as_str().unwrap();
            assert_alike(
                &probe,
                &format!("/v22.0/{id}/insights?metric={name}"),
                metric,
            )
            .await;
        }
    }
}

async fn assert_alike(probe: &Probe, path: &str, recorded: &Value) {
    let reply = probe.get(path).await;
    match (reply.refusal(), recorded["status"].as_str().unwrap()) {
        (None, "ok") => {}
        (Some(refusal), "error" | "unsupported") => assert_eq!(
            refusal.message,
            recorded["note"].as_str().unwrap(),
            "{path}"
        ),
        (refusal, status) => panic!("{path}: recorded {status}, told {refusal:?}"),
    }
}
