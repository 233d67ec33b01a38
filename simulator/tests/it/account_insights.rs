//! Insights of accounts: days, totals, people, and every refusal.

use std::time::Duration;

use chrono::{Datelike, NaiveDate};
use igsync_simulator::{MediaType, ProductType, Rules, WorldSpec};
use serde_json::{Value, json};

use crate::insights::{SMALL, message, post, spec};
use crate::probe::{ACCOUNT, Probe, refusal};

#[tokio::test]
async fn account_insights_name_the_permission_that_is_missing() {
    let mut spec = spec();
    spec.tokens[0]
        .permissions
        .remove("instagram_manage_insights");
    let probe = Probe::of(spec);
    for path in [
        format!("/{ACCOUNT}/insights?metric=reach&period=day"),
        format!(
            "/{}/insights?metric=reach",
            post(&probe, ProductType::Reels, MediaType::Video)
        ),
    ] {
        let refusal = probe.refused(&path).await;
        assert_eq!(refusal.code, 200);
        assert!(
            refusal
                .message
                .starts_with("(#200) Requires instagram_manage_insights permission"),
            "{}",
            refusal.message
        );
    }
}

#[tokio::test]
async fn a_time_series_has_one_value_per_pacific_day() {
    let probe = Probe::of(spec());
    let body = probe.ok(&format!("/v25.0/{ACCOUNT}/insights?metric=reach&period=day&metric_type=time_series&since=2026-09-14&until=2026-09-21&limit=25")).await;
    let values = body["data"][0]["values"].as_array().unwrap();
    let ends: Vec<_> = values
        .iter()
        .map(|value| value["end_time"].as_str().unwrap())
        .collect();
    assert_eq!(ends.len(), 7);
    assert_eq!(
        (ends[0], ends[6]),
        ("2026-09-14T07:00:00+0000", "2026-09-20T07:00:00+0000")
    );
    let account = probe.world().account(ACCOUNT).unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 9, 13).unwrap();
    assert_eq!(
        values[0]["value"],
        account.insight_on("reach", day).unwrap()
    );
    assert_eq!(body["data"][0]["title"], "Reach");
    let (previous, next) = (
        body["paging"]["previous"].as_str().unwrap(),
        body["paging"]["next"].as_str().unwrap(),
    );
    assert!(
        previous.contains("since=1788739199&until=1789343999"),
        "recorded: the window before. {previous}"
    );
    assert!(
        next.contains("since=1789948801&until=1790553601") && !next.contains("limit="),
        "{next}"
    );
    let winter = probe
        .ok(&format!(
            "/{ACCOUNT}/insights?metric=reach&period=day&since=2026-02-02&until=2026-02-04"
        ))
        .await;
    assert_eq!(
        winter["data"][0]["values"][0]["end_time"],
        "2026-02-02T08:00:00+0000"
    );
}

#[tokio::test]
async fn without_a_range_the_last_two_days_come_back() {
    let probe = Probe::of(spec());
    let body = probe
        .ok(&format!(
            "/{ACCOUNT}/insights?metric=reach,follower_count&period=day"
        ))
        .await;
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert_eq!(body["data"][0]["values"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn totals_are_sums_and_reach_is_not_additive() {
    let probe = Probe::of(spec());
    let total = async |metric: &str, since: u32, until: u32| {
        let path = format!(
            "/{ACCOUNT}/insights?metric={metric}&period=day&metric_type=total_value&since=2026-09-{since:02}T07:00:00Z&until=2026-09-{until:02}T07:00:00Z"
        );
        probe.ok(&path).await["data"][0]["total_value"]["value"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(
        total("likes", 1, 2).await + total("likes", 2, 3).await,
        total("likes", 1, 3).await
    );
    assert!(total("reach", 1, 2).await + total("reach", 2, 3).await > total("reach", 1, 3).await);
    let body = probe.ok(&format!("/{ACCOUNT}/insights?metric=reach&period=day&metric_type=total_value&breakdown=media_product_type,follow_type&since=2026-09-01&until=2026-09-05")).await;
    let value = &body["data"][0]["total_value"];
    let results = value["breakdowns"][0]["results"].as_array().unwrap();
    let sum: i64 = results
        .iter()
        .map(|result| result["value"].as_i64().unwrap())
        .sum();
    assert_eq!(value["value"], sum);
    assert_eq!(results[0]["dimension_values"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn follows_and_unfollows_need_their_breakdown_and_a_hundred_followers() {
    let probe = Probe::of(spec());
    let path = |account: &str, breakdown: &str| {
        format!(
            "/{account}/insights?metric=follows_and_unfollows&period=day&metric_type=total_value&since=2026-09-01&until=2026-09-20{breakdown}"
        )
    };
    let bare = probe.ok(&path(ACCOUNT, "")).await;
    assert!(bare["data"][0].get("total_value").is_none());
    let split = probe.ok(&path(ACCOUNT, "&breakdown=follow_type")).await;
    assert!(
        split["data"][0]["total_value"]["breakdowns"][0]["results"][0]["value"]
            .as_i64()
            .unwrap()
            > 0
    );
    assert_eq!(
        probe.ok(&path(SMALL, "&breakdown=follow_type")).await["data"],
        json!([])
    );
    assert_eq!(
        probe
            .ok(&format!(
                "/{SMALL}/insights?metric=online_followers&period=lifetime"
            ))
            .await["data"],
        json!([])
    );
}

#[tokio::test]
async fn wrong_account_insights_are_refused_in_the_recorded_words() {
    let probe = Probe::of(spec());
    for (query, expected) in [
        (
            "metric=comments,reach,total_interactions,views&period=day",
            "(#100) The following metrics (comments,total_interactions,views) should be specified with parameter metric_type=total_value",
        ),
        (
            "metric=follower_demographics&period=lifetime",
            "(#100) The following metrics (follower_demographics) should be specified with parameter metric_type=total_value",
        ),
        (
            "metric=follower_count&period=day&metric_type=total_value",
            "(#100) The following metric (follower_count) is incompatible with the metric type (total_value)",
        ),
        (
            "metric=online_followers&period=week",
            "(#100) The following periods (week) are incompatible with the metric (online_followers)",
        ),
        (
            "metric=likes&period=week&metric_type=total_value",
            "(#100) The following periods (week) are incompatible with the metric (likes)",
        ),
        (
            "metric=views&period=day&metric_type=total_value&breakdown=follow_type",
            "(#100) Incompatible breakdowns (follow_type) for metric (views)",
        ),
        (
            "metric=accounts_engaged&period=day&metric_type=total_value&breakdown=media_product_type",
            "(#100) Incompatible breakdowns (media_product_type) for metric (accounts_engaged)",
        ),
        (
            "metric=reach&period=day&since=2026-08-01&until=2026-09-20",
            "(#100) There cannot be more than 30 days (2592000 s) between since and until",
        ),
        (
            "metric=reach&period=day&since=2027-01-01&until=2027-01-03",
            "(#100) since param is not valid. Metrics data is available for the last 2 years",
        ),
        (
            "metric=reach&period=day&since=2023-01-01&until=2023-01-03",
            "(#100) since param is not valid. Metrics data is available for the last 2 years",
        ),
        (
            "metric=follower_count&period=day&since=2026-08-01&until=2026-08-20",
            "(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day",
        ),
    ] {
        assert_eq!(
            message(&probe, &format!("/{ACCOUNT}/insights?{query}")).await,
            expected,
            "{query}"
        );
    }
    let unknown = message(
        &probe,
        &format!("/{ACCOUNT}/insights?metric=reach,impressions&period=day"),
    )
    .await;
    assert!(unknown.starts_with("(#100) metric[1] must be one of the following values: reach, follower_count, website_clicks,"), "{unknown}");
    assert!(
        unknown.ends_with("threads_views, threads_clicks, threads_reposts"),
        "{unknown}"
    );
    let rules = Rules {
        views_breakdown: Some("follow_type".to_owned()),
        ..Rules::default()
    };
    let other = Probe::of(WorldSpec { rules, ..spec() });
    other.ok(&format!("/{ACCOUNT}/insights?metric=views&period=day&metric_type=total_value&breakdown=follow_type")).await;
}

#[tokio::test]
async fn rolling_reach_and_online_hours_have_their_own_shapes() {
    let probe = Probe::of(spec());
    let week = probe
        .ok(&format!(
            "/{ACCOUNT}/insights?metric=reach&period=week&since=2026-09-01&until=2026-09-05"
        ))
        .await;
    let day = probe
        .ok(&format!(
            "/{ACCOUNT}/insights?metric=reach&period=day&since=2026-09-01&until=2026-09-05"
        ))
        .await;
    let value = |body: &Value| body["data"][0]["values"][0]["value"].as_i64().unwrap();
    assert!(value(&week) > value(&day));
    let online = probe.ok(&format!("/{ACCOUNT}/insights?metric=online_followers&period=lifetime&since=2026-09-10&until=2026-09-20")).await;
    let hours = online["data"][0]["values"][1]["value"].as_object().unwrap();
    assert!(hours.len() <= 24 && hours.keys().all(|hour| hour.parse::<u8>().unwrap() < 24));
}

#[tokio::test]
async fn demographics_come_by_breakdown_and_not_for_small_audiences() {
    let probe = Probe::of(spec());
    let path = |account: &str, metric: &str, rest: &str| {
        format!("/{account}/insights?metric={metric}&period=lifetime&metric_type=total_value{rest}")
    };
    let body = probe
        .ok(&path(
            ACCOUNT,
            "follower_demographics",
            "&breakdown=country",
        ))
        .await;
    let results = body["data"][0]["total_value"]["breakdowns"][0]["results"]
        .as_array()
        .unwrap();
    assert_eq!(results.len(), 45, "the 45 largest groups");
    let sizes: Vec<_> = results
        .iter()
        .map(|result| result["value"].as_i64().unwrap())
        .collect();
    assert!(sizes.is_sorted_by(|left, right| left >= right));
    assert!(
        sizes.iter().sum::<i64>() < 12_000,
        "the sum is lower than the followers"
    );
    let framed = probe
        .ok(&path(
            ACCOUNT,
            "engaged_audience_demographics",
            "&breakdown=age,gender&timeframe=this_month",
        ))
        .await;
    for people in [&body, &framed] {
        assert_eq!(people.get("paging"), None, "there is no window beside it");
    }
    let breakdown = &framed["data"][0]["total_value"]["breakdowns"][0];
    assert_eq!(
        breakdown["dimension_keys"],
        json!(["timeframe", "age", "gender"])
    );
    assert_eq!(breakdown["results"][0]["dimension_values"][0], "THIS_MONTH");
    assert!(
        probe.ok(&path(ACCOUNT, "follower_demographics", "")).await["data"][0]
            .get("total_value")
            .is_none()
    );
    assert_eq!(
        probe
            .ok(&path(SMALL, "follower_demographics", "&breakdown=age"))
            .await["data"],
        json!([])
    );
    let engaged = path(
        SMALL,
        "engaged_audience_demographics",
        "&breakdown=age&timeframe=this_week",
    );
    assert_eq!(probe.refused(&engaged).await.subcode, Some(2_874_010));
    message(
        &probe,
        &path(
            ACCOUNT,
            "engaged_audience_demographics",
            "&breakdown=age&timeframe=last_30_days",
        ),
    )
    .await;
    let rules = Rules {
        small_audience_is_refused: false,
        follower_demographics_need_timeframe: true,
        ..Rules::default()
    };
    let other = Probe::of(WorldSpec { rules, ..spec() });
    assert_eq!(other.ok(&engaged).await["data"], json!([]));
    message(
        &other,
        &path(ACCOUNT, "follower_demographics", "&breakdown=age"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_day_grows_until_two_days_after_its_end() {
    let probe = Probe::of(spec());
    let account = || probe.world().account(ACCOUNT).unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 10, 5).unwrap();
    assert_eq!(
        account().insight_on("views", today),
        None,
        "numbers lag behind"
    );
    let mut series = Vec::new();
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(3600)).await;
        series.extend(account().insight_on("views", today));
    }
    assert!(
        series.is_sorted() && series[0] < series[30] && series[30] < series[60],
        "{series:?}"
    );
    assert_eq!(series[80], series[95]);
    assert_eq!(today.weekday(), chrono::Weekday::Mon);
}

#[tokio::test]
async fn metric_types_outside_the_enum_are_refused() {
    let probe = Probe::small();
    let expected = refusal(
        400,
        100,
        None,
        "(#100) metric_type must be one of the following values: time_series, total_value",
    );
    for metric_type in ["nonsense", "total_values"] {
        assert_eq!(
            probe
                .refused(&format!(
                    "/{ACCOUNT}/insights?metric=reach&period=day&metric_type={metric_type}"
                ))
                .await,
            expected
        );
    }
    let period = probe
        .refused(&format!("/{ACCOUNT}/insights?metric=reach&period=year"))
        .await;
    assert_eq!(
        period.message,
        "(#100) period must be one of the following values: day, week, days_28, month, lifetime, total_over_range"
    );
}
