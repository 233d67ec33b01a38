//! Rows of account insights.
//!
//! Meta's page: "Instagram Account Insights"
//! (…/documentation/instagram-platform/api-reference/instagram-user/insights).

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};

use crate::world::{Account, DAY, InsightsOf, World};

use super::Expectation;
use super::collect::instant;
use super::reading::Told;

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
/// Metrics by their breakdowns.
const BREAKDOWNS: [(&str, &str); 10] = [
    ("reach", "media_product_type"),
    ("reach", "follow_type"),
    ("views", "media_product_type"),
    ("total_interactions", "media_product_type"),
    ("likes", "media_product_type"),
    ("comments", "media_product_type"),
    ("shares", "media_product_type"),
    ("saves", "media_product_type"),
    ("follows_and_unfollows", "follow_type"),
    ("profile_links_taps", "contact_button_type"),
];
/// Not told of accounts with fewer than 100 followers.
const NEED_FOLLOWERS: [&str; 3] = [
    "follower_count",
    "online_followers",
    "follows_and_unfollows",
];
const FOLLOWERS_NEEDED: i64 = 100;
/// Told for the last 30 days only.
const RECENT_ONLY: [&str; 2] = ["follower_count", "online_followers"];
const RECENT: i64 = 30 * DAY;

/// A key: account id/name/period/breakdown/dimension value/end time.
struct Key<'k> {
    account: &'k str,
    metric: &'k str,
    period: &'k str,
    breakdown: &'k str,
    dimension: &'k str,
    end_time: &'k str,
}

impl<'k> Key<'k> {
    fn parse(key: &'k str) -> Option<Self> {
        let mut parts = key.splitn(5, '/');
        let (account, metric) = (parts.next()?, parts.next()?);
        let (period, breakdown) = (parts.next()?, parts.next()?);
        let (dimension, end_time) = parts.next()?.rsplit_once('/')?;
        Some(Self {
            account,
            metric,
            period,
            breakdown,
            dimension,
            end_time,
        })
    }

    /// The own account, and the day that ends then.
    fn resolve<'w>(&self, world: &'w World, now: i64) -> Option<(Account<'w>, NaiveDate)> {
        let account = world.account(self.account)?.as_of(now);
        world.page_of_account(account.index())?;
        let end = DateTime::parse_from_rfc3339(self.end_time).ok()?.to_utc();
        let seconds = end.timestamp();
        let day = account.days_ending_within(seconds, seconds).pop()?;
        (instant(end) == self.end_time).then_some((account, day))
    }

    /// The value, and how far rounding may have moved it while the day grew.
    fn value(&self, account: Account<'_>, day: NaiveDate) -> Option<(i64, i64)> {
        let told = told(account, self.metric, self.period, self.breakdown, day);
        let rounding = told.len() as i64;
        let found = told.into_iter().find(|(name, _)| name == self.dimension)?;
        Some((found.1, rounding))
    }

    fn row(&self, value: i64) -> Value {
        json!({
            "account_id": self.account,
            "name": self.metric,
            "period": self.period,
            "breakdown": self.breakdown,
            "dimension_value": self.dimension,
            "end_time": self.end_time,
            "value": value,
        })
    }

    /// How far back it is told, in seconds.
    fn reach_back(&self, world: &World) -> i64 {
        if RECENT_ONLY.contains(&self.metric) {
            // The first of the 30 days is asked for from its beginning.
            RECENT + DAY
        } else {
            world.spec().rules.insights_retention_days * DAY
        }
    }
}

pub(super) fn at(world: &World, key: &str, now: i64) -> Option<Value> {
    let key = Key::parse(key)?;
    let (account, day) = key.resolve(world, now)?;
    let end = account.end_of_day(day)?.timestamp();
    if end < now - key.reach_back(world) {
        return None;
    }
    key.value(account, day).map(|(value, _)| key.row(value))
}

pub(super) fn until_now(world: &World, key: &str) -> Option<Told> {
    let key = Key::parse(key)?;
    let (account, day) = key.resolve(world, last_told(world, key.metric)?)?;
    let end = account.end_of_day(day)?.timestamp();
    if end < world.start_seconds() - key.reach_back(world) {
        return None;
    }
    let (value, rounding) = key.value(account, day)?;
    let has_settled = account.has_settled(day) && key.metric != "online_followers";
    let most = if has_settled || key.breakdown.is_empty() {
        value
    } else {
        value + rounding
    };
    Some(Told::latest(key.row(most), has_settled))
}

/// When a metric could last be told: now, unless it is retired. None if that was before the simulation started.
pub(super) fn last_told(world: &World, metric: &str) -> Option<i64> {
    let retired_at = world.metric_retired_at(InsightsOf::Account, metric);
    let last = retired_at
        .map_or(i64::MAX, |at| at - 1)
        .min(world.now_seconds());
    (last >= world.start_seconds()).then_some(last)
}

/// Everything about the wanted days that is told now.
pub(super) fn of_days(
    account: Account<'_>,
    days: &RangeInclusive<NaiveDate>,
    expectation: &mut Expectation<'_>,
) {
    let (now, retention) = (
        account.now(),
        account.world().spec().rules.insights_retention_days * DAY,
    );
    let plain = DAILY.map(|metric| (metric, "day", ""));
    let parts = BREAKDOWNS.map(|(metric, breakdown)| (metric, "day", breakdown));
    let others = [
        ("reach", "week", ""),
        ("reach", "days_28", ""),
        ("online_followers", "lifetime", "hour"),
    ];
    let asked: Vec<_> = plain.into_iter().chain(parts).chain(others).collect();
    for day in days.start().iter_days().take_while(|day| day <= days.end()) {
        let Some(end) = account.end_of_day(day) else {
            continue;
        };
        let start = end.timestamp() - DAY;
        for (metric, period, breakdown) in &asked {
            let reach = if RECENT_ONLY.contains(metric) {
                RECENT
            } else {
                retention
            };
            if start < now - reach || end.timestamp() > now {
                continue;
            }
            let end_time = instant(end);
            for (dimension, value) in told(account, metric, period, breakdown, day) {
                let key = Key {
                    account: account.id(),
                    metric,
                    period,
                    breakdown,
                    dimension: &dimension,
                    end_time: &end_time,
                };
                let name = format!(
                    "{}/{metric}/{period}/{breakdown}/{dimension}/{end_time}",
                    account.id()
                );
                expectation.add("account_insights", name, key.row(value));
            }
        }
    }
}

/// Dimensions and their values; one without a name where there is no breakdown.
fn told(
    account: Account<'_>,
    metric: &str,
    period: &str,
    breakdown: &str,
    day: NaiveDate,
) -> Vec<(String, i64)> {
    let lacks_followers = account.followers_count() < FOLLOWERS_NEEDED;
    let of_accounts = InsightsOf::Account;
    if !account
        .world()
        .has_metric(of_accounts, metric, account.now())
        || !account.has_begun(day)
        || (lacks_followers && NEED_FOLLOWERS.contains(&metric))
    {
        return Vec::new();
    }
    let plain = |value| vec![(String::new(), value)];
    match (metric, period, breakdown) {
        ("follower_count", "day", "") => {
            let value = account.insight_on(metric, day);
            value.map_or_else(Vec::new, plain)
        }
        // A total of a day of which nothing is known yet is 0.
        (_, "day", "") if DAILY.contains(&metric) => {
            plain(account.insight_on(metric, day).unwrap_or(0))
        }
        ("reach", "week" | "days_28", "") if account.insight_on(metric, day).is_some() => {
            let length = if period == "week" { 7 } else { 28 };
            let window: Vec<NaiveDate> = day.iter_days().rev().take(length).collect();
            plain(account.insight_over(metric, &window))
        }
        ("online_followers", "lifetime", "hour") if account.insight_on("reach", day).is_some() => {
            let hours = account.online_followers(day).into_iter();
            hours
                .map(|(hour, people)| (hour.to_string(), people))
                .collect()
        }
        ("follows_and_unfollows", "day", "follow_type") => {
            let changes = account.follows_and_unfollows(day);
            let (gained, lost) = changes.unwrap_or_default();
            [("FOLLOWER", gained), ("NON_FOLLOWER", lost)]
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec()
        }
        (_, "day", breakdown) if has_breakdowns(account.world(), metric, breakdown) => {
            parts(account, metric, breakdown, day)
        }
        _ => Vec::new(),
    }
}

fn has_breakdowns(world: &World, metric: &str, breakdowns: &str) -> bool {
    let of_views = world.spec().rules.views_breakdown.as_deref();
    breakdowns.split(',').all(|breakdown| {
        BREAKDOWNS.contains(&(metric, breakdown))
            || (metric == "views" && of_views == Some(breakdown))
    })
}

fn parts(
    account: Account<'_>,
    metric: &str,
    breakdowns: &str,
    day: NaiveDate,
) -> Vec<(String, i64)> {
    let total = account.insight_on(metric, day).unwrap_or(0);
    let mut found = vec![(String::new(), total)];
    for breakdown in breakdowns.split(',') {
        let values: &[&str] = match breakdown {
            "media_product_type" => &["AD", "CAROUSEL_CONTAINER", "POST", "REEL", "STORY"],
            "contact_button_type" => &[
                "BOOK_NOW",
                "CALL",
                "DIRECTION",
                "EMAIL",
                "INSTANT_EXPERIENCE",
                "TEXT",
                "UNDEFINED",
            ],
            _ => &["FOLLOWER", "NON_FOLLOWER", "UNKNOWN"],
        };
        let split = |(path, total): (String, i64)| {
            let parts = account.parts(metric, total, breakdown, values);
            parts.into_iter().map(move |(part, share)| {
                let joint = if path.is_empty() { "" } else { "," };
                (format!("{path}{joint}{part}"), share)
            })
        };
        found = found.into_iter().flat_map(split).collect();
    }
    found.retain(|(_, share)| *share > 0);
    found
}
