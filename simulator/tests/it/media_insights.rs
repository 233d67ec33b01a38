//! Insights of media: values, shapes and every refusal.

use std::time::Duration;

use chrono::TimeDelta;
use igsync_simulator::{Media, MediaType, NewPost, ProductType, Rules, WorldSpec};
use serde_json::json;

use crate::insights::{message, post, spec};
use crate::probe::{ACCOUNT, Probe, refusal};

#[tokio::test]
async fn media_insights_have_the_recorded_shape_and_the_values_of_the_world() {
    let probe = Probe::of(spec());
    let reel = probe
        .world()
        .media(ACCOUNT)
        .find(|media| media.media_product_type() == ProductType::Reels)
        .unwrap();
    let metrics = "reach,views,likes,comments,saved,shares,reposts,total_interactions,ig_reels_avg_watch_time,ig_reels_video_view_total_time,reels_skip_rate";
    let body = probe
        .ok(&format!("/v25.0/{}/insights?metric={metrics}", reel.id()))
        .await;
    let rows = body["data"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    for row in rows {
        let name = row["name"].as_str().unwrap();
        assert_eq!(row["period"], "lifetime");
        assert_eq!(
            row["values"],
            json!([{"value": reel.insight(name).unwrap()}])
        );
        assert_eq!(row["id"], format!("{}/insights/{name}/lifetime", reel.id()));
        assert!(row["title"].is_string() && row["description"].is_string());
    }
    assert!(
        rows[10]["values"][0]["value"].is_f64(),
        "the skip rate is a float"
    );
    assert!(body.get("paging").is_none());
}

#[tokio::test]
async fn each_product_type_has_its_metrics_and_one_wrong_one_refuses_all() {
    let probe = Probe::of(spec());
    let image = post(&probe, ProductType::Feed, MediaType::Image);
    let reel = post(&probe, ProductType::Reels, MediaType::Video);
    let story = probe.world().stories(ACCOUNT).next().unwrap().id();
    let does_not_support = |metrics: &str| {
        format!(
            "(#100) The Media Insights API does not support the {metrics} metric for this media product type."
        )
    };
    let insights = async |id: &str, metrics: &str| {
        message(&probe, &format!("/v25.0/{id}/insights?metric={metrics}")).await
    };
    assert_eq!(
        insights(&image, "reach,navigation,replies").await,
        does_not_support("navigation, replies")
    );
    assert_eq!(
        insights(&image, "ig_reels_avg_watch_time").await,
        does_not_support("ig_reels_avg_watch_time")
    );
    assert_eq!(
        insights(&reel, "reach,follows,profile_visits").await,
        does_not_support("follows, profile_visits")
    );
    assert_eq!(
        insights(&reel, "impressions").await,
        does_not_support("impressions")
    );
    assert_eq!(
        insights(&story, "likes,reach,saved").await,
        does_not_support("likes, saved")
    );
    let gone = insights(&image, "impressions").await;
    assert!(gone.starts_with("(#100) Starting from version v22.0 and above, the impressions metric is no longer supported"), "{gone}");
    let unknown = insights(&image, "reach,plays").await;
    assert!(unknown.starts_with("(#100) metric[1] must be one of the following values: impressions, reach, replies, saved,"), "{unknown}");
    let none = probe.refused(&format!("/{image}/insights")).await;
    assert_eq!((none.code, none.subcode), (3001, Some(1_504_028)));
}

#[tokio::test]
async fn what_peers_contradict_is_a_switch() {
    let probe = Probe::of(spec());
    let image = post(&probe, ProductType::Feed, MediaType::Image);
    let video = post(&probe, ProductType::Feed, MediaType::Video);
    probe
        .ok(&format!("/{image}/insights?metric=follows,shares"))
        .await;
    let refused = message(
        &probe,
        &format!("/{video}/insights?metric=reach,saved,views"),
    )
    .await;
    assert_eq!(
        refused,
        "(#100) The Media Insights API does not support the views metric for this media product type."
    );
    let rules = Rules {
        follows_and_shares_on_images: false,
        views_refused_on_feed_videos: false,
        ..Rules::default()
    };
    let other = Probe::of(WorldSpec { rules, ..spec() });
    message(&other, &format!("/{image}/insights?metric=shares")).await;
    other.ok(&format!("/{video}/insights?metric=views")).await;
}

#[tokio::test]
async fn facebook_views_are_fatal_unless_the_post_was_shared_to_facebook() {
    let probe = Probe::of(spec());
    let (mut fatal, mut told) = (0, 0);
    for media in probe.world().media(ACCOUNT) {
        match probe
            .get(&format!("/{}/insights?metric=facebook_views", media.id()))
            .await
            .refusal()
        {
            None => told += 1,
            Some(refusal) => {
                assert_eq!(
                    (refusal.code, refusal.subcode, refusal.message.as_str()),
                    (-1, Some(2_207_086), "Fatal")
                );
                fatal += 1;
            }
        }
    }
    assert!(fatal > 50 && told > 10, "{fatal} {told}");
}

#[tokio::test]
async fn old_versions_still_know_impressions_of_old_posts() {
    let mut spec = spec();
    spec.pages[0].account.as_mut().unwrap().history_days = 3 * 365;
    let probe = Probe::of(spec);
    let is_image = |media: &Media<'_>| media.media_type() == MediaType::Image;
    let oldest = probe
        .world()
        .media(ACCOUNT)
        .filter(is_image)
        .last()
        .unwrap()
        .id();
    let newest = probe.world().media(ACCOUNT).find(is_image).unwrap().id();
    probe
        .ok(&format!("/v21.0/{oldest}/insights?metric=impressions"))
        .await;
    message(
        &probe,
        &format!("/v21.0/{newest}/insights?metric=impressions"),
    )
    .await;
    message(
        &probe,
        &format!("/v22.0/{oldest}/insights?metric=impressions"),
    )
    .await;
}

#[tokio::test]
async fn media_from_before_the_conversion_is_refused_and_takes_a_nested_page_with_it() {
    let mut spec = spec();
    spec.pages[0].account.as_mut().unwrap().converted_at = Some(spec.epoch - TimeDelta::days(100));
    let probe = Probe::of(spec);
    let oldest = probe.world().media(ACCOUNT).last().unwrap().id();
    let reply = probe.get(&format!("/{oldest}/insights?metric=reach")).await;
    let error = &reply.body["error"];
    assert_eq!(
        (reply.status, &error["code"], &error["error_subcode"]),
        (400, &json!(100), &json!(2_108_006))
    );
    assert_eq!(error["message"], "Invalid parameter");
    assert_eq!(
        error["error_user_title"],
        "Media Posted Before Business Account Conversion"
    );
    assert_eq!(error["error_data"], json!({"blame_field_specs": [[""]]}));
    let nested =
        format!("/{ACCOUNT}/media?limit=100&fields=id,insights.metric(reach){{name,values}}");
    assert_eq!(probe.refused(&nested).await.subcode, Some(2_108_006));
    let young = probe
        .ok(&format!(
            "/{ACCOUNT}/media?limit=5&fields=id,insights.metric(reach){{name,values}}"
        ))
        .await;
    assert_eq!(
        crate::probe::keys(&young["data"][4]["insights"]["data"][0]),
        ["id", "name", "values"]
    );
    let nothing = probe
        .get(&format!(
            "/{ACCOUNT}/media?since=2009-01-01&until=2009-02-01&fields=insights.metric(engagement)"
        ))
        .await;
    assert_eq!(
        nothing.text, r#"{"data":[]}"#,
        "recorded: a retired metric over an empty range is not refused"
    );
    message(
        &probe,
        &format!("/{ACCOUNT}/media?limit=1&fields=insights.metric(engagement)"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn stories_with_few_viewers_refuse_and_numbers_come_late_then_settle() {
    let probe = Probe::of(spec());
    let mut quiet = 0;
    for story in probe.world().stories(ACCOUNT) {
        let reply = probe
            .get(&format!("/{}/insights?metric=reach,navigation", story.id()))
            .await;
        if let Some(refusal) = reply.refusal() {
            assert_eq!(
                (refusal.code, refusal.subcode, refusal.status),
                (10, None, 400)
            );
            assert_eq!(
                refusal.message,
                "(#10) Not enough viewers for the media to show insights"
            );
            quiet += 1;
        }
    }
    assert!((1..8).contains(&quiet), "{quiet}");
    let id = probe.world().publish(ACCOUNT, NewPost::default()).unwrap();
    let reach = async || {
        probe.ok(&format!("/{id}/insights?metric=reach")).await["data"][0]["values"][0]["value"]
            .as_i64()
    };
    assert_eq!(reach().await, None, "no data is an empty set, not zero");
    let mut series = Vec::new();
    for _ in 0..70 {
        tokio::time::advance(Duration::from_secs(86_400)).await;
        series.push(reach().await.unwrap());
    }
    assert!(
        series.is_sorted() && series[0] > 0 && series[0] < series[20] && series[62] == series[69],
        "{series:?}"
    );
}

#[tokio::test]
async fn breakdowns_of_media_add_up_and_refuse_other_metrics() {
    let probe = Probe::of(spec());
    let image = probe.world().media(ACCOUNT).find(|media| {
        media.media_type() == MediaType::Image
            && media
                .insight("profile_activity")
                .and_then(|value| value.as_i64())
                > Some(10)
    });
    let image = image.unwrap().id();
    let body = probe
        .ok(&format!(
            "/{image}/insights?metric=profile_activity&breakdown=action_type"
        ))
        .await;
    let row = &body["data"][0];
    let results = row["total_value"]["breakdowns"][0]["results"]
        .as_array()
        .unwrap();
    let sum: i64 = results
        .iter()
        .map(|result| result["value"].as_i64().unwrap())
        .sum();
    assert_eq!(row["values"][0]["value"], sum);
    assert_eq!(
        row["total_value"]["breakdowns"][0]["dimension_keys"],
        json!(["action_type"])
    );
    let refused = message(
        &probe,
        &format!("/{image}/insights?metric=views&breakdown=follow_type"),
    )
    .await;
    assert_eq!(
        refused,
        "(#100) Incompatible breakdowns (follow_type) for metric (views)"
    );
    let unknown = message(
        &probe,
        &format!("/{image}/insights?metric=views&breakdown=media_product_type"),
    )
    .await;
    assert_eq!(
        unknown,
        "(#100) breakdown[0] must be one of the following values: follow_type, surface_type, action_type, story_navigation_action_type"
    );
    let rules = Rules {
        breakdown_refusal_is_unknown_error: true,
        ..Rules::default()
    };
    let documented = Probe::of(WorldSpec { rules, ..spec() });
    assert_eq!(
        documented
            .refused(&format!(
                "/{image}/insights?metric=views&breakdown=follow_type"
            ))
            .await
            .code,
        1
    );
}

#[tokio::test]
async fn periods_and_metric_types_outside_their_enums_are_refused() {
    let probe = Probe::small();
    let post = probe.world().media(ACCOUNT).next().unwrap().id();
    let question = format!("/{post}/insights?metric=reach");
    probe
        .ok(&format!(
            "{question}&period=lifetime&metric_type=total_value"
        ))
        .await;
    for (wrong, message) in [
        (
            "period=year",
            "(#100) period must be one of the following values: day, week, days_28, month, lifetime, total_over_range",
        ),
        (
            "metric_type=nonsense",
            "(#100) metric_type must be one of the following values: time_series, total_value",
        ),
    ] {
        assert_eq!(
            probe.refused(&format!("{question}&{wrong}")).await,
            refusal(400, 100, None, message)
        );
    }
}
