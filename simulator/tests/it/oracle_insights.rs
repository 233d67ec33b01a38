//! Rows of account insights beyond the required ones are checked against the world, too.

use chrono::{Days, NaiveDate};
use igsync_simulator::Tables;
use serde_json::{Value, json};

use crate::insights::{SMALL, spec};
use crate::oracle::{DAY, differences, fits, instant};
use crate::probe::{ACCOUNT, Probe};

fn day(probe: &Probe, back: u64) -> NaiveDate {
    probe.world().now().date_naive() - Days::new(back)
}

fn end_time(probe: &Probe, day: NaiveDate) -> String {
    let account = probe.world().account(ACCOUNT).unwrap();
    instant(account.end_of_day(day).unwrap())
}

/// `account_insights` of a day, with the value as it is told.
async fn total(probe: &Probe, metric: &str, day: NaiveDate, breakdown: &str) -> Value {
    let account = probe.world().account(ACCOUNT).unwrap();
    let end = |day| account.end_of_day(day).unwrap().timestamp();
    let (since, until) = (end(day - Days::new(1)), end(day));
    let path = format!(
        "/{ACCOUNT}/insights?metric={metric}&period=day&metric_type=total_value&since={since}&until={until}\
         &breakdown={breakdown}"
    );
    probe.ok(&path).await["data"][0]["total_value"].clone()
}

#[tokio::test(start_paused = true)]
async fn every_day_that_the_api_tells_is_checked() {
    let probe = Probe::small();
    let long_ago = day(&probe, 400);
    let likes = total(&probe, "likes", long_ago, "").await["value"].clone();
    let likes = likes.as_i64().unwrap();
    let key = format!("{ACCOUNT}/likes/day///{}", end_time(&probe, long_ago));
    assert!(fits(&probe, "account_insights", &key, likes));
    for wrong in [0, likes - 1, likes + 1] {
        let row = json!({ "value": wrong });
        let sentence =
            format!("account_insights {key}: value is {wrong}, in the world it is {likes}");
        assert_eq!(
            differences(&probe, "account_insights", &key, &row),
            [sentence]
        );
    }
    let breakdowns = "media_product_type,follow_type";
    let reach = total(&probe, "reach", long_ago, breakdowns).await;
    for result in reach["breakdowns"][0]["results"].as_array().unwrap() {
        let path: Vec<&str> = result["dimension_values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().unwrap())
            .collect();
        let end_time = end_time(&probe, long_ago);
        let key = format!(
            "{ACCOUNT}/reach/day/{breakdowns}/{}/{end_time}",
            path.join(",")
        );
        let value = result["value"].as_i64().unwrap();
        assert!(fits(&probe, "account_insights", &key, value), "{key}");
        assert!(!fits(&probe, "account_insights", &key, value + 1), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_api_cannot_tell_is_not_in_the_world() {
    let probe = Probe::of(spec());
    let (settled, old) = (
        end_time(&probe, day(&probe, 10)),
        end_time(&probe, day(&probe, 45)),
    );
    let untold = [
        format!(
            "{ACCOUNT}/likes/day///{}",
            end_time(&probe, day(&probe, 740))
        ),
        format!(
            "{ACCOUNT}/likes/day///{}",
            end_time(&probe, day(&probe, 0) + Days::new(2))
        ),
        format!(
            "{ACCOUNT}/likes/day///{}",
            settled.replace("07:00:00", "08:00:00")
        ),
        format!("{ACCOUNT}/likes/day///{}", settled.replace('Z', "+00:00")),
        format!("{ACCOUNT}/likes/week///{settled}"),
        format!("{ACCOUNT}/likes/day/follow_type/FOLLOWER/{settled}"),
        format!("{ACCOUNT}/likes/day/media_product_type/IGTV/{settled}"),
        format!("{ACCOUNT}/impressions/day///{settled}"),
        format!("{ACCOUNT}/follows_and_unfollows/day///{settled}"),
        format!("{ACCOUNT}/follower_count/day///{old}"),
        format!("{ACCOUNT}/online_followers/lifetime/hour/12/{old}"),
        format!("{ACCOUNT}/online_followers/lifetime/hour/24/{settled}"),
        format!("{SMALL}/follower_count/day///{settled}"),
        format!("17841400000000077/likes/day///{settled}"),
    ];
    for key in untold {
        let row = json!({ "value": 0 });
        let sentence = format!("account_insights {key}: is not in the world");
        assert_eq!(
            differences(&probe, "account_insights", &key, &row),
            [sentence]
        );
    }
    for (metric, period) in [
        ("follower_count", "day"),
        ("reach", "week"),
        ("reach", "days_28"),
    ] {
        let series = format!("/{ACCOUNT}/insights?metric={metric}&period={period}");
        let values = probe.ok(&series).await["data"][0]["values"].clone();
        let point = &values[0];
        let end_time = point["end_time"].as_str().unwrap().replace("+0000", "Z");
        let key = format!("{ACCOUNT}/{metric}/{period}///{end_time}");
        assert!(
            fits(&probe, "account_insights", &key, point["value"].clone()),
            "{key}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_that_still_grew_when_it_was_read_may_say_less_than_now() {
    let probe = Probe::small();
    let yesterday = day(&probe, 1);
    let then = total(&probe, "reach", yesterday, "").await["value"].clone();
    let key = format!("{ACCOUNT}/reach/day///{}", end_time(&probe, yesterday));
    tokio::time::advance(DAY).await;
    let now = total(&probe, "reach", yesterday, "").await["value"].clone();
    assert!(then.as_i64() < now.as_i64(), "{then} {now}");
    assert!(fits(&probe, "account_insights", &key, then.clone()));
    let more = json!({ "value": now.as_i64().unwrap() + 1 });
    let sentence = format!(
        "account_insights {key}: value is {}, in the world it is between 0 and {now}",
        more["value"]
    );
    assert_eq!(
        differences(&probe, "account_insights", &key, &more),
        [sentence]
    );
    tokio::time::advance(3 * DAY).await;
    assert!(!fits(&probe, "account_insights", &key, then), "settled");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_says_when_it_was_read_says_what_was_true_then() {
    let probe = Probe::small();
    let yesterday = day(&probe, 1);
    let read_at = instant(probe.world().now());
    let then = total(&probe, "reach", yesterday, "").await["value"].clone();
    let key = format!("{ACCOUNT}/reach/day///{}", end_time(&probe, yesterday));
    tokio::time::advance(10 * DAY).await;
    let now = total(&probe, "reach", yesterday, "").await["value"].clone();
    let check = |value: &Value, observed_at: &str| {
        let row = json!({ "value": value, "observed_at": observed_at });
        differences(&probe, "account_insights", &key, &row)
    };
    assert_eq!(check(&then, &read_at), [""; 0]);
    assert_eq!(check(&now, &instant(probe.world().now())), [""; 0]);
    for (value, observed_at, complaint) in [
        (&now, read_at.as_str(), "in the world it is between"),
        (&then, "2026-10-14T08:00:00Z", "in the world it is"),
        (&then, "yesterday", "which is no instant"),
        (&then, "2026-09-01T00:00:00Z", "before the start"),
        (&then, "2027-01-01T00:00:00Z", "after now"),
    ] {
        let found = check(value, observed_at);
        assert!(
            found.len() == 1 && found[0].contains(complaint),
            "{observed_at}: {found:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_required_day_must_be_read_again_until_it_has_settled() {
    let probe = Probe::small();
    let yesterday = day(&probe, 1);
    let key = format!("{ACCOUNT}/reach/day///{}", end_time(&probe, yesterday));
    let early = total(&probe, "reach", yesterday, "").await["value"].clone();
    let row = json!({ "value": early, "observed_at": instant(probe.world().now()) });
    let check = |row: &Value| {
        let held: Tables =
            serde_json::from_value(json!({"account_insights": {&key: row}})).unwrap();
        let expected = probe
            .world()
            .expected_on(&["account_insights"], yesterday..=yesterday);
        let differences = expected.compare(&held).differences.into_iter();
        differences
            .filter(|line| line.contains(&key))
            .collect::<Vec<_>>()
    };
    tokio::time::advance(DAY).await;
    assert_eq!(check(&row), [""; 0], "it still grows");
    tokio::time::advance(3 * DAY).await;
    let settled = total(&probe, "reach", yesterday, "").await["value"].clone();
    let sentence =
        format!("account_insights {key}: value is {early}, in the world it is {settled}");
    assert_eq!(check(&row), [sentence]);
    let row = json!({ "value": settled, "observed_at": instant(probe.world().now()) });
    assert_eq!(check(&row), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_days_that_must_be_there_are_a_choice() {
    let probe = Probe::small();
    let wanted = |first: u64, last: u64| {
        let days = day(&probe, first)..=day(&probe, last);
        let expected = probe.world().expected_on(&["account_insights"], days);
        expected.rows["account_insights"].clone()
    };
    let of = |rows: &std::collections::BTreeMap<String, _>, metric: &str| {
        let prefix = format!("{ACCOUNT}/{metric}/");
        rows.keys().filter(|key| key.starts_with(&prefix)).count()
    };
    let rows = wanted(100, 4);
    assert_eq!(of(&rows, "likes/day//"), 97);
    assert_eq!(of(&rows, "reach/week/"), 97);
    let recent = of(&rows, "follower_count");
    assert_eq!(recent, of(&wanted(30, 4), "follower_count"));
    assert!((25..=27).contains(&recent), "{recent}");
    let all = wanted(1_000, 4);
    assert_eq!(of(&all, "likes/day//"), 726);
    let first = day(&probe, 4) - Days::new(725);
    let key = |day| format!("{ACCOUNT}/likes/day///{}", end_time(&probe, day));
    let told = total(&probe, "likes", first, "").await["value"].clone();
    assert_eq!(all[&key(first)]["value"], told);
    let account = probe.world().account(ACCOUNT).unwrap();
    let before = account.end_of_day(first - Days::new(2)).unwrap();
    let path = format!("/{ACCOUNT}/insights?metric=likes&period=day&metric_type=total_value");
    let range = format!("since={0}&until={0}", before.timestamp());
    probe.refused(&format!("{path}&{range}")).await;
    assert_eq!(of(&wanted(2, 1), "likes/day//"), 2, "unsettled ones");
}

#[tokio::test]
async fn demographics_are_checked_in_every_timeframe_and_breakdown() {
    let probe = Probe::of(spec());
    for (metric, timeframe, breakdown) in [
        ("follower_demographics", "last_90_days", "gender"),
        ("follower_demographics", "", "gender,age"),
        ("engaged_audience_demographics", "this_week", "city,gender"),
        ("reached_audience_demographics", "this_month", "country"),
    ] {
        let mut path = format!(
            "/{ACCOUNT}/insights?metric={metric}&period=lifetime&metric_type=total_value&breakdown={breakdown}"
        );
        if !timeframe.is_empty() {
            path.push_str(&format!("&timeframe={timeframe}"));
        }
        let body = probe.ok(&path).await;
        let results = &body["data"][0]["total_value"]["breakdowns"][0]["results"];
        for result in results.as_array().unwrap() {
            let path = result["dimension_values"].as_array().unwrap().iter();
            let path: Vec<&str> = path
                .skip(usize::from(!timeframe.is_empty()))
                .map(|value| value.as_str().unwrap())
                .collect();
            let key = format!(
                "{ACCOUNT}/{metric}/{timeframe}/{breakdown}/{}",
                path.join(",")
            );
            let value = result["value"].as_i64().unwrap();
            assert!(fits(&probe, "audience", &key, value), "{key}");
            assert!(!fits(&probe, "audience", &key, value + 100), "{key}");
            assert!(!fits(&probe, "audience", &key, -1), "{key}");
        }
    }
    for key in [
        format!("{ACCOUNT}/engaged_audience_demographics//age/25-34"),
        format!("{ACCOUNT}/engaged_audience_demographics/last_90_days/age/25-34"),
        format!("{ACCOUNT}/follower_demographics//language/en"),
        format!("{ACCOUNT}/follower_demographics//age/25-35"),
        format!("{ACCOUNT}/threads_follower_demographics/this_week/age/25-34"),
        format!("{SMALL}/follower_demographics//age/25-34"),
    ] {
        assert!(!fits(&probe, "audience", &key, 1), "{key}");
    }
}
