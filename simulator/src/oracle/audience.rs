//! Rows of demographics.
//!
//! Meta's page: "Instagram Account Insights", its table of demographic metrics.

use serde_json::{Value, json};

use crate::world::{Account, InsightsOf, World};

use super::Expectation;
use super::account_insights::last_told;
use super::reading::Told;

/// Told of so many followers, engaged or reached people and more.
const PEOPLE_NEEDED: i64 = 100;
const FOLLOWERS: &str = "follower_demographics";
const METRICS: [&str; 3] = [
    FOLLOWERS,
    "engaged_audience_demographics",
    "reached_audience_demographics",
];
const TIMEFRAMES: [&str; 2] = ["this_week", "this_month"];
/// The page still lists these for followers.
const OLD_TIMEFRAMES: [&str; 4] = ["last_14_days", "last_30_days", "last_90_days", "prev_month"];
/// What must be there; other combinations may be.
const BREAKDOWNS: [&str; 5] = ["age", "city", "country", "gender", "age,gender"];

pub(super) fn at(world: &World, key: &str, now: i64) -> Option<Value> {
    value(world, key, now).map(|(key, value, _)| key.row(value))
}

/// Demographics never settle.
pub(super) fn until_now(world: &World, key: &str) -> Option<Told> {
    let metric = Key::parse(key)?.metric;
    let (key, value, rounding) = value(world, key, last_told(world, metric)?)?;
    Some(Told::latest(key.row(value + rounding), false))
}

/// What is told now: of followers without a timeframe where that is possible, of other people with each.
pub(super) fn of_people(account: Account<'_>, expectation: &mut Expectation<'_>) {
    let rules = &account.world().spec().rules;
    for metric in METRICS {
        let timeframes: &[&str] =
            if metric == FOLLOWERS && !rules.follower_demographics_need_timeframe {
                &[""]
            } else {
                &TIMEFRAMES
            };
        for timeframe in timeframes {
            for breakdown in BREAKDOWNS {
                for (dimension, value) in groups(account, metric, breakdown) {
                    let key = Key {
                        account: account.id(),
                        metric,
                        timeframe,
                        breakdown,
                        dimension: &dimension,
                    };
                    let name = format!(
                        "{}/{metric}/{timeframe}/{breakdown}/{dimension}",
                        account.id()
                    );
                    expectation.add("audience", name, key.row(value));
                }
            }
        }
    }
}

/// A key: account id/name/timeframe/breakdown/dimension value.
struct Key<'k> {
    account: &'k str,
    metric: &'k str,
    timeframe: &'k str,
    breakdown: &'k str,
    dimension: &'k str,
}

impl<'k> Key<'k> {
    fn parse(key: &'k str) -> Option<Self> {
        let mut parts = key.splitn(5, '/');
        Some(Self {
            account: parts.next()?,
            metric: parts.next()?,
            timeframe: parts.next()?,
            breakdown: parts.next()?,
            dimension: parts.next()?,
        })
    }

    fn is_askable(&self, world: &World) -> bool {
        let rules = &world.spec().rules;
        let is_about_followers = self.metric == FOLLOWERS;
        let has_timeframe = match self.timeframe {
            "" => is_about_followers && !rules.follower_demographics_need_timeframe,
            timeframe if TIMEFRAMES.contains(&timeframe) => true,
            timeframe => is_about_followers && OLD_TIMEFRAMES.contains(&timeframe),
        };
        let mut breakdowns = self.breakdown.split(',');
        has_timeframe
            && METRICS.contains(&self.metric)
            && breakdowns.all(|name| matches!(name, "age" | "city" | "country" | "gender"))
    }

    fn row(&self, value: i64) -> Value {
        json!({
            "account_id": self.account,
            "name": self.metric,
            "timeframe": self.timeframe,
            "breakdown": self.breakdown,
            "dimension_value": self.dimension,
            "value": value,
        })
    }
}

/// The value under a key, and how far rounding may have moved it while the audience grew.
fn value<'k>(world: &World, key: &'k str, now: i64) -> Option<(Key<'k>, i64, i64)> {
    let key = Key::parse(key).filter(|key| key.is_askable(world))?;
    let account = world.account(key.account)?.as_of(now);
    world.page_of_account(account.index())?;
    let groups = groups(account, key.metric, key.breakdown);
    let rounding = groups.len() as i64;
    let found = groups.into_iter().find(|(name, _)| name == key.dimension)?;
    Some((key, found.1, rounding))
}

fn groups(account: Account<'_>, metric: &str, breakdown: &str) -> Vec<(String, i64)> {
    let of_accounts = InsightsOf::Account;
    let is_retired = !account
        .world()
        .has_metric(of_accounts, metric, account.now());
    if is_retired || account.audience_size(metric) < PEOPLE_NEEDED {
        return Vec::new();
    }
    let breakdowns: Vec<&str> = breakdown.split(',').collect();
    let groups = account.audience(metric, &breakdowns).into_iter();
    groups
        .map(|(path, people)| (path.join(","), people))
        .collect()
}
