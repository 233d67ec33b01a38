//! Days of an account: what happened on each of them, and who its people are.
//!
//! Days end at midnight Pacific time ("Instagram Account Insights" page and recorded `end_time`s).

use chrono::{DateTime, Days, NaiveDate, TimeZone};

use crate::seed::Seed;

use super::account::Account;
use super::insight::split;
use super::timeline::DAY;

/// After the end of a day its numbers still grow for this long.
const SETTLED_AFTER: i64 = 2 * DAY;
/// What is known of a day at its end, in 10,000ths.
const KNOWN_AT_ONCE: i64 = 9_200;

/// Metrics that count people: they do not add up over days.
const UNIQUE: [&str; 2] = ["reach", "accounts_engaged"];

impl Account<'_> {
    /// The value of a metric for one day, as the API tells it now; none before the day has begun.
    pub fn insight_on(&self, metric: &str, day: NaiveDate) -> Option<i64> {
        let (start, end) = self.bounds(day)?;
        let known_until = self.now() - self.world().spec().rules.insights_delay_seconds;
        if known_until <= start {
            return None;
        }
        let whole = self.whole_day(metric, day)?;
        let ten_thousandths = if known_until < end {
            KNOWN_AT_ONCE * (known_until - start) / (end - start)
        } else {
            let settling = (known_until - end).min(SETTLED_AFTER);
            KNOWN_AT_ONCE + (10_000 - KNOWN_AT_ONCE) * settling / SETTLED_AFTER
        };
        Some(whole * ten_thousandths / 10_000)
    }

    /// The instant at which a day ends; insights of the day carry it as `end_time`.
    pub fn end_of_day(&self, day: NaiveDate) -> Option<DateTime<chrono::Utc>> {
        self.bounds(day)
            .and_then(|(_, end)| DateTime::from_timestamp(end, 0))
    }

    /// The value of a metric over several days: a sum, or an estimate of different people.
    pub fn insight_over(&self, metric: &str, days: &[NaiveDate]) -> i64 {
        let sum: i64 = days
            .iter()
            .filter_map(|day| self.insight_on(metric, *day))
            .sum();
        if UNIQUE.contains(&metric) && days.len() > 1 {
            sum * 70 / 100
        } else {
            sum
        }
    }
}

impl Account<'_> {
    /// Whether a day has begun.
    pub(crate) fn has_begun(self, day: NaiveDate) -> bool {
        self.bounds(day)
            .is_some_and(|(start, _)| start <= self.now())
    }

    /// Whether the numbers of a day will stay as they are.
    pub(crate) fn has_settled(self, day: NaiveDate) -> bool {
        let known_until = self.now() - self.world().spec().rules.insights_delay_seconds;
        self.bounds(day)
            .is_some_and(|(_, end)| known_until >= end + SETTLED_AFTER)
    }

    /// The days whose end lies within two instants.
    pub(crate) fn days_ending_within(self, since: i64, until: i64) -> Vec<NaiveDate> {
        let Some(first) = DateTime::from_timestamp(since - 2 * DAY, 0) else {
            return Vec::new();
        };
        let ends_early = |day: &NaiveDate| self.bounds(*day).is_some_and(|(_, end)| end < since);
        let ends_in_time = |day: &NaiveDate| self.bounds(*day).is_some_and(|(_, end)| end <= until);
        first
            .date_naive()
            .iter_days()
            .skip_while(ends_early)
            .take_while(ends_in_time)
            .collect()
    }

    /// A value by one dimension.
    pub(crate) fn parts<'p>(
        self,
        metric: &str,
        total: i64,
        dimension: &str,
        values: &[&'p str],
    ) -> Vec<(&'p str, i64)> {
        split(
            total,
            self.metric_seed(metric).with(name(dimension)).bits(),
            values,
        )
    }

    /// Accounts gained and lost on a day.
    pub(crate) fn follows_and_unfollows(self, day: NaiveDate) -> Option<(i64, i64)> {
        self.insight_on("followers_gained", day)
            .zip(self.insight_on("followers_lost", day))
    }

    /// When followers are online: 24 Pacific hours, some of them unknown, sometimes all.
    pub(crate) fn online_followers(self, day: NaiveDate) -> Vec<(u32, i64)> {
        let seed = self.metric_seed("online_followers").with(number(day));
        if seed.per_mille(60) {
            return Vec::new();
        }
        let followers = self.followers_count();
        let online = |hour: u32| {
            let waking = if (7..23).contains(&hour) { 300 } else { 60 };
            followers
                * seed
                    .with(u64::from(hour))
                    .between(waking / 2, waking)
                    .cast_signed()
                / 1000
        };
        (0..24)
            .filter(|hour| !seed.with(100 + u64::from(*hour)).per_mille(30))
            .map(|hour| (hour, online(hour)))
            .collect()
    }

    pub(crate) fn metric_seed(self, metric: &str) -> Seed {
        self.seed().with(40).with(name(metric))
    }

    fn whole_day(self, metric: &str, day: NaiveDate) -> Option<i64> {
        let of_reach = |low, high| {
            let per_ten_thousand = self
                .metric_seed(metric)
                .with(number(day))
                .between(low, high)
                .cast_signed();
            Some(self.reach_on(day) * per_ten_thousand / 10_000)
        };
        match metric {
            "reach" => Some(self.reach_on(day)),
            "views" => of_reach(11_500, 21_000),
            "likes" => of_reach(200, 700),
            "comments" => of_reach(10, 90),
            "shares" => of_reach(20, 120),
            "saves" => of_reach(20, 150),
            "total_interactions" => ["likes", "comments", "shares", "saves"]
                .iter()
                .map(|part| self.whole_day(part, day))
                .sum(),
            "accounts_engaged" => Some(self.whole_day("total_interactions", day)? * 80 / 100),
            "replies" if self.spec().story_replies_hidden => Some(0),
            "replies" => of_reach(0, 40),
            "reposts" => of_reach(0, 30),
            "profile_links_taps" => of_reach(0, 60),
            "profile_views" => of_reach(100, 600),
            "website_clicks" => of_reach(0, 50),
            "followers_lost" => {
                let most = self.spec().followers_per_day / 2 + 2;
                Some(
                    self.metric_seed(metric)
                        .with(number(day))
                        .below(most)
                        .cast_signed(),
                )
            }
            "followers_gained" | "follower_count" => {
                let (start, end) = self.bounds(day)?;
                let won = self.followers_at(end) - self.followers_at(start);
                Some((won + self.whole_day("followers_lost", day)?).max(0))
            }
            _ => None,
        }
    }

    fn reach_on(self, day: NaiveDate) -> i64 {
        let Some((_, end)) = self.bounds(day) else {
            return 0;
        };
        let seed = self.metric_seed("reach").with(number(day));
        let weekday = [9, 10, 11, 10, 10, 8, 7]
            .get(chrono::Datelike::weekday(&day).num_days_from_monday() as usize);
        let per_ten_thousand = seed.between(300, 1_200).cast_signed() * weekday.unwrap_or(&10) / 10;
        self.followers_at(end) * per_ten_thousand / 10_000 + seed.with(1).below(5).cast_signed()
    }

    fn bounds(self, day: NaiveDate) -> Option<(i64, i64)> {
        let zone = self.world().spec().rules.insights_zone;
        let midnight = |day: NaiveDate| {
            let local = day.and_hms_opt(0, 0, 0)?;
            Some(zone.from_local_datetime(&local).earliest()?.timestamp())
        };
        Some((
            midnight(day)?,
            midnight(day.checked_add_days(Days::new(1))?)?,
        ))
    }
}

fn number(day: NaiveDate) -> u64 {
    u64::from(chrono::Datelike::num_days_from_ce(&day).cast_unsigned())
}

fn name(text: &str) -> u64 {
    text.bytes()
        .fold(0, |hash, byte| Seed::new(hash).with(u64::from(byte)).bits())
}
