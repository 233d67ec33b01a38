//! Recorded usage headers, and what the live API accepted.

use igsync_simulator::{Media, ProductType, WorldSpec};
use serde_json::Value;

use crate::probe::{ACCOUNT, Probe};
use crate::recordings::{recorded, shape_of};

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_usage_headers_have_the_shape_that_is_told_here() {
    let headers = recorded("headers.json");
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
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn what_the_live_api_accepted_and_refused_is_accepted_and_refused_here() {
    let live = recorded("plinxore/meta_api_reference_v22_2026-06-24.json");
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
