//! Insights of media and of accounts.

use chrono::{DateTime, Days};
use serde_json::{Value, json};

use super::Walk;

/// Metrics of `metric_type=total_value`, and the breakdown that all of them are asked with.
const TOTALS: [(&str, &str); 6] = [
    (
        "views,accounts_engaged,total_interactions,likes,comments,shares,saves,replies,reposts,profile_links_taps,\
         profile_views,website_clicks",
        "",
    ),
    (
        "reach,views,total_interactions,likes,comments,shares,saves",
        "media_product_type",
    ),
    ("reach", "follow_type"),
    ("reach", "media_product_type,follow_type"),
    ("follows_and_unfollows", "follow_type"),
    ("profile_links_taps", "contact_button_type"),
];
const DAY: i64 = 86_400;

impl Walk<'_> {
    /// `metrics` may bring its breakdown.
    pub(super) async fn insights(&mut self, table: &str, media: &str, metrics: &str) {
        let path = format!("/v25.0/{media}/insights?metric={metrics}");
        let reply = self.probe.get(&path).await;
        for insight in reply.body["data"].as_array().into_iter().flatten() {
            let name = insight["name"].as_str().unwrap();
            let row = json!({"media_id": media, "name": name});
            let key = format!("{media}/{name}");
            if metrics.contains("breakdown") {
                self.parts(table, &key, &row, "", &insight["total_value"]);
            } else {
                let value = &insight["values"][0]["value"];
                self.value(table, &key, row, ("", "", ""), value);
            }
        }
    }

    pub(super) async fn insights_of_account(&mut self, account: &str) {
        let now = self.probe.world().now();
        let days: Vec<_> = (4..32)
            .rev()
            .map(|back| now.date_naive() - Days::new(back))
            .collect();
        let node = self.probe.world().account(account).unwrap();
        let end = |day| node.end_of_day(day).unwrap().timestamp();
        let ends: Vec<i64> = days.iter().map(|day| end(*day)).collect();
        let (first, last) = (ends[0], ends[ends.len() - 1]);
        let starts: Vec<i64> = days.iter().map(|day| end(*day - Days::new(1))).collect();
        let recent = now.timestamp() - 30 * DAY;
        for (metric, period, since, until) in [
            ("reach", "day", first, last),
            ("reach", "week", first, last),
            ("reach", "days_28", first, last),
            ("follower_count", "day", recent, now.timestamp()),
            ("online_followers", "lifetime", recent, now.timestamp()),
        ] {
            let range = format!("period={period}&since={since}&until={until}");
            self.series(account, metric, &range).await;
        }
        for (since, until) in starts.into_iter().zip(ends) {
            for (metrics, breakdown) in TOTALS {
                self.totals(account, metrics, breakdown, since, until).await;
            }
        }
        self.audience(account).await;
    }

    async fn series(&mut self, account: &str, metric: &str, range: &str) {
        let path = format!("/v25.0/{account}/insights?metric={metric}&{range}");
        let body = self.probe.ok(&path).await;
        for insight in body["data"].as_array().unwrap() {
            let period = insight["period"].as_str().unwrap();
            for point in insight["values"].as_array().unwrap() {
                let end_time = point["end_time"].as_str().unwrap().replace("+0000", "Z");
                let key = format!("{account}/{metric}/{period}");
                let row = json!({"account_id": account, "name": metric, "period": period, "end_time": end_time});
                let Some(hours) = point["value"].as_object() else {
                    let place = ("", "", end_time.as_str());
                    self.value("account_insights", &key, row, place, &point["value"]);
                    continue;
                };
                for (hour, people) in hours {
                    let place = ("hour", hour.as_str(), end_time.as_str());
                    self.value("account_insights", &key, row.clone(), place, people);
                }
            }
        }
    }

    async fn totals(
        &mut self,
        account: &str,
        metrics: &str,
        breakdown: &str,
        since: i64,
        until: i64,
    ) {
        let range = format!("period=day&since={since}&until={until}&breakdown={breakdown}");
        let path =
            format!("/v25.0/{account}/insights?metric={metrics}&metric_type=total_value&{range}");
        let end_time = DateTime::from_timestamp(until, 0)
            .unwrap()
            .format("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let body = self.probe.ok(&path).await;
        for insight in body["data"].as_array().unwrap() {
            let name = insight["name"].as_str().unwrap();
            let key = format!("{account}/{name}/day");
            let row =
                json!({"account_id": account, "name": name, "period": "day", "end_time": end_time});
            let total = &insight["total_value"];
            if breakdown.is_empty() {
                let place = ("", "", end_time.as_str());
                self.value("account_insights", &key, row, place, &total["value"]);
            } else {
                self.parts("account_insights", &key, &row, &end_time, total);
            }
        }
    }

    async fn audience(&mut self, account: &str) {
        for (metric, timeframe) in [
            ("follower_demographics", ""),
            ("engaged_audience_demographics", "this_week"),
            ("engaged_audience_demographics", "this_month"),
            ("reached_audience_demographics", "this_week"),
            ("reached_audience_demographics", "this_month"),
        ] {
            for breakdown in ["age", "city", "country", "gender", "age,gender"] {
                let mut path = format!(
                    "/v25.0/{account}/insights?metric={metric}&period=lifetime&metric_type=total_value&breakdown={breakdown}"
                );
                if !timeframe.is_empty() {
                    path.push_str("&timeframe=");
                    path.push_str(timeframe);
                }
                let reply = self.probe.get(&path).await;
                let too_few = reply
                    .refusal()
                    .is_some_and(|refusal| refusal.subcode == Some(2_874_010));
                assert!(reply.status == 200 || too_few, "{path}: {}", reply.text);
                for insight in reply.body["data"].as_array().into_iter().flatten() {
                    let key = format!("{account}/{metric}/{timeframe}");
                    let row =
                        json!({"account_id": account, "name": metric, "timeframe": timeframe});
                    self.parts("audience", &key, &row, "", &insight["total_value"]);
                }
            }
        }
    }

    /// The rows of a `total_value` with breakdowns. A timeframe among the dimensions is no dimension of the row.
    fn parts(&mut self, table: &str, key: &str, row: &Value, end_time: &str, total: &Value) {
        for breakdown in total["breakdowns"].as_array().into_iter().flatten() {
            let texts = |list: &Value| -> Vec<String> {
                let list = list.as_array().unwrap().iter();
                list.map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let names = texts(&breakdown["dimension_keys"]);
            let is_dimension = |at: &usize| names[*at] != "timeframe";
            let kept: Vec<usize> = (0..names.len()).filter(is_dimension).collect();
            let joined = |texts: &[String]| {
                let kept: Vec<&str> = kept.iter().map(|at| texts[*at].as_str()).collect();
                kept.join(",")
            };
            for result in breakdown["results"].as_array().into_iter().flatten() {
                let (names, values) = (joined(&names), joined(&texts(&result["dimension_values"])));
                let place = (names.as_str(), values.as_str(), end_time);
                self.value(table, key, row.clone(), place, &result["value"]);
            }
        }
    }

    /// Stores one value under its breakdown, dimension and, where there is one, end time.
    fn value(
        &mut self,
        table: &str,
        key: &str,
        mut row: Value,
        (breakdown, dimension, end_time): (&str, &str, &str),
        value: &Value,
    ) {
        row["breakdown"] = json!(breakdown);
        row["dimension_value"] = json!(dimension);
        row["value"] = value.clone();
        let mut key = format!("{key}/{breakdown}/{dimension}");
        if !end_time.is_empty() {
            key.push('/');
            key.push_str(end_time);
        }
        self.add(table, key, row);
    }
}
