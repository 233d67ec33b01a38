//! Rows of insights.

use chrono::Days;
use serde_json::json;

use crate::node::{MEDIA_METRICS, is_metric_of};
use crate::world::{Account, Media, World};

use super::Expectation;
use super::collect::instant;

/// Days of account insights that are compared.
const DAYS: u64 = 28;

/// Metrics that an account tells for single days, with or without `metric_type=total_value`.
const DAILY: [&str; 14] = [
    "reach",
    "views",
    "accounts_engaged",
    "total_interactions",
    "likes",
    "comments",
    "shares",
    "saves",
    "replies",
    "reposts",
    "profile_links_taps",
    "profile_views",
    "website_clicks",
    "follower_count",
];

/// Everything that is told about a media: nothing from before the conversion, and nothing that throws.
pub(super) fn of_media(
    world: &World,
    table: &str,
    media: &Media<'_>,
    expectation: &mut Expectation,
) {
    if media.is_from_before_conversion() || media.is_too_quiet() {
        return;
    }
    let latest = u32::MAX;
    for name in MEDIA_METRICS {
        let throws =
            matches!(name, "facebook_views" | "crossposted_views") && !media.is_crossposted();
        if throws || !is_metric_of(&world.spec().rules, latest, media, name) {
            continue;
        }
        if let Some(value) = media.insight(name) {
            let row = json!({ "media_id": media.id(), "name": name, "value": value });
            expectation.add(table, format!("{}/{name}", media.id()), row);
        }
    }
}

/// The last days that are complete and settled.
pub(super) fn of_days(account: Account<'_>, expectation: &mut Expectation) {
    let today = account.world().now().date_naive();
    for back in 4..4 + DAYS {
        let Some(day) = today.checked_sub_days(Days::new(back)) else {
            continue;
        };
        let Some(end_time) = account.end_of_day(day) else {
            continue;
        };
        for name in DAILY {
            let needs_followers = name == "follower_count" && account.followers_count() < 100;
            let Some(value) = account.insight_on(name, day).filter(|_| !needs_followers) else {
                continue;
            };
            let row = json!({
                "account_id": account.id(),
                "name": name,
                "period": "day",
                "end_time": instant(end_time),
                "value": value,
            });
            expectation.add(
                "account_insights",
                format!("{}/{name}/day/{day}", account.id()),
                row,
            );
        }
    }
}

/// Followers by one breakdown at a time.
pub(super) fn audience(account: Account<'_>, expectation: &mut Expectation) {
    if account.followers_count() < 100 {
        return;
    }
    let name = "follower_demographics";
    for breakdown in ["age", "city", "country", "gender"] {
        for (path, value) in account.audience(name, &[breakdown]) {
            let group = path.join(",");
            let row = json!({
                "account_id": account.id(),
                "name": name,
                "breakdown": breakdown,
                "dimension_value": group,
                "value": value,
            });
            expectation.add(
                "audience",
                format!("{}/{name}/{breakdown}/{group}", account.id()),
                row,
            );
        }
    }
}
