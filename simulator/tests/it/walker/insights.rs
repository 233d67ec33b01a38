//! Insights of accounts.

use serde_json::{Value, json};

use super::Walk;

const TOTALS: &str = "views,accounts_engaged,total_interactions,likes,comments,shares,saves,replies,reposts,\
                      profile_links_taps,profile_views,website_clicks";

impl Walk<'_> {
    pub(super) async fn days(&mut self, account: &str) {
        let today = self.probe.world().now().date_naive();
        for back in 4..32_u64 {
            let day = today - chrono::Days::new(back);
            let node = self.probe.world().account(account).unwrap();
            let until = node.end_of_day(day).unwrap().timestamp();
            let since = node
                .end_of_day(day - chrono::Days::new(1))
                .unwrap()
                .timestamp();
            let range = format!("period=day&since={since}&until={until}");
            let totals = self
                .probe
                .ok(&format!(
                    "/v25.0/{account}/insights?metric={TOTALS}&metric_type=total_value&{range}"
                ))
                .await;
            for insight in totals["data"].as_array().unwrap() {
                self.day(
                    account,
                    insight["name"].as_str().unwrap(),
                    day,
                    &insight["total_value"]["value"],
                    until,
                );
            }
            let metrics = if back < 30 {
                "reach,follower_count"
            } else {
                "reach"
            };
            let series = self
                .probe
                .ok(&format!(
                    "/v25.0/{account}/insights?metric={metrics}&{range}"
                ))
                .await;
            for insight in series["data"].as_array().unwrap() {
                let value = &insight["values"].as_array().unwrap().last().unwrap()["value"];
                self.day(
                    account,
                    insight["name"].as_str().unwrap(),
                    day,
                    value,
                    until,
                );
            }
            if back >= 30 && node.followers_count() >= 100 {
                // The API tells new followers of the last 30 days only; what an earlier night read stays true.
                let value = json!(node.insight_on("follower_count", day).unwrap());
                self.day(account, "follower_count", day, &value, until);
            }
        }
    }

    fn day(&mut self, account: &str, name: &str, day: chrono::NaiveDate, value: &Value, end: i64) {
        let end_time = chrono::DateTime::from_timestamp(end, 0)
            .unwrap()
            .format("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let row = json!({"account_id": account, "name": name, "period": "day", "end_time": end_time, "value": value});
        self.add(
            "account_insights",
            format!("{account}/{name}/day/{day}"),
            row,
        );
    }

    pub(super) async fn audience(&mut self, account: &str) {
        let name = "follower_demographics";
        for breakdown in ["age", "city", "country", "gender"] {
            let path = format!(
                "/v25.0/{account}/insights?metric={name}&period=lifetime&metric_type=total_value&breakdown={breakdown}"
            );
            let body = self.probe.ok(&path).await;
            for result in body["data"][0]["total_value"]["breakdowns"][0]["results"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let group = result["dimension_values"][0].as_str().unwrap();
                let row = json!({"account_id": account, "name": name, "breakdown": breakdown, "dimension_value": group, "value": result["value"]});
                self.add(
                    "audience",
                    format!("{account}/{name}/{breakdown}/{group}"),
                    row,
                );
            }
        }
    }
}
