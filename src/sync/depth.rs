//! How far down a list a walk goes. Pure: time and what is known are arguments.
//!
//! A list is walked through from its top to its end on its own schedule, which shows deletions and refreshes old posts. On the other
//! nights the walk ends where it meets known ground that is older than what is due by `[refresh]`: what changes from day to day, and what
//! the rules of more than a day reach down to when they are due.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::job::{Job, Range};
use crate::clock::parse_instant;
use crate::graph::Shape;
use crate::resource::{Refresh, Walk, weekly};
use crate::store::{Checkpoint, Read, Row, Value, Written};

/// The subject under which `sync_reads` keeps when a list was last walked through.
pub(super) const WHOLE_LIST: &str = "whole list";

/// The subject under which `sync_reads` keeps when a walk that was to go to the end did. Short lists end within the first page, and all walks
/// through them are whole; but only these bring metrics along.
const LONG_WALK: &str = "long walk";

/// Its night of the week, among what else is read weekly.
const PLACE: i64 = 0;

/// So many known objects in a row are known ground.
const KNOWN: u64 = 20;

/// Where a walk ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// At the end of the list.
    Whole,
    /// At known objects from before this, or at the end.
    Fresh {
        until: DateTime<Utc>,
        /// The ages of the rules that it keeps, of those of more than a day.
        rules: Vec<Duration>,
        /// Whether one of them has nothing else to bring the metrics that all have in common.
        nested: bool,
    },
}

impl Depth {
    /// How far a walk goes now. The reads say when the list was last walked through, and how far.
    pub(super) fn of(
        job: &Job,
        walk: &Walk,
        reads: &[Read],
        refresh: &Refresh,
        place: Option<&Checkpoint>,
        now: DateTime<Utc>,
    ) -> Self {
        let partial = !job.reads_everything() && job.range == Range::default();
        let Some(last) = read_at(reads, WHOLE_LIST).filter(|_| partial) else {
            return Self::Whole;
        };
        if walk.shape == Shape::Node {
            return Self::Whole;
        }
        let (long, shortest) = match read_at(reads, LONG_WALK) {
            Some(at) => (at, weekly::LONGER),
            None => (last, weekly::SHORTEST),
        };
        if place.is_some_and(|place| is_stuck(place, now)) {
            return Self::Fresh {
                until: before(now, refresh.daily()),
                rules: Vec::new(),
                nested: false,
            };
        }
        if weekly::is_due(&job.account.id, PLACE, shortest, Some(long), now) {
            return Self::Whole;
        }
        Self::fresh(last, reads, refresh, now)
    }

    fn fresh(whole: DateTime<Utc>, reads: &[Read], refresh: &Refresh, now: DateTime<Utc>) -> Self {
        let due = refresh.due_walks(now, |age| read_at(reads, &up_to(age)).max(Some(whole)));
        let ages = due.iter().map(|(age, _)| TimeDelta::from_std(*age));
        let ages = ages.map(|age| age.unwrap_or(TimeDelta::MAX));
        let age = ages.chain([refresh.daily()]).max().unwrap_or_default();
        Self::Fresh {
            until: before(now, age),
            nested: due.iter().any(|(_, alone)| *alone),
            rules: due.into_iter().map(|(age, _)| age).collect(),
        }
    }

    /// Whether a walk begins at the top, and not where the last one failed: old posts that cannot be had must not cost the new ones.
    pub(super) fn leaves(&self, place: &Checkpoint, now: DateTime<Utc>) -> bool {
        matches!(self, Self::Fresh { .. }) && is_stuck(place, now)
    }

    /// Whether the metrics that all have in common come along on a walk like that of a list that was walked through before.
    pub(super) fn brings_metrics(&self) -> bool {
        match self {
            Self::Whole => true,
            Self::Fresh { nested, .. } => *nested,
        }
    }

    /// Notes that the walk came to its end, which may be that of the whole list.
    pub(super) fn reads(&self, is_whole_list: bool, now: DateTime<Utc>) -> Vec<Read> {
        let read = |subject: String| Read {
            subject,
            read_at: Some(now),
            ..Read::default()
        };
        match self {
            Self::Whole if is_whole_list => vec![read(LONG_WALK.to_owned())],
            Self::Whole => Vec::new(),
            Self::Fresh { rules, .. } => rules.iter().map(|age| read(up_to(*age))).collect(),
        }
    }

    /// Whether a walk ends behind a page: its end was known, and the oldest is old enough. What is new stands at the top.
    pub(super) fn is_reached(
        &self,
        written: &[(&'static str, Written)],
        oldest: Option<DateTime<Utc>>,
    ) -> bool {
        let Self::Fresh { until, .. } = self else {
            return false;
        };
        let known = written.first().is_some_and(|(_, written)| {
            written.inserted == 0 || written.changed + written.unchanged >= KNOWN
        });
        known && oldest.is_none_or(|oldest| oldest < *until)
    }
}

/// So long a walk that failed is gone on with: a start of the same night pays no page twice.
const SAME_NIGHT: TimeDelta = TimeDelta::hours(12);

/// Whether a walk of an earlier night failed in the middle of its list.
fn is_stuck(place: &Checkpoint, now: DateTime<Utc>) -> bool {
    let is_open = place.finished_at.is_none() && place.cursor.is_some();
    is_open && place.failures > 0 && now - place.started_at > SAME_NIGHT
}

fn before(now: DateTime<Utc>, age: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(age).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The subject under which `sync_reads` keeps when posts up to this age were last walked through.
fn up_to(age: Duration) -> String {
    format!("list up to {} hours", age.as_secs() / 3600)
}

fn read_at(reads: &[Read], subject: &str) -> Option<DateTime<Utc>> {
    let read = reads.iter().find(|read| read.subject == subject);
    read.and_then(|read| read.read_at)
}

/// When the oldest object of a page was posted, for tables that tell it.
pub(super) fn oldest(rows: &[Row]) -> Option<DateTime<Utc>> {
    let table = rows.first()?.table;
    let at = table.position("timestamp")?;
    let instants = rows.iter().filter(|row| std::ptr::eq(row.table, table));
    instants
        .filter_map(|row| match row.values.get(at)? {
            Some(Value::Text(text)) => parse_instant(text),
            _ => None,
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn rules(rules: &[(u64, u64)]) -> Refresh {
        let days = |days: u64| Duration::from_secs(days * DAY);
        let rule = |(age, often): &(u64, u64)| (days(*age), days(*often));
        Refresh(rules.iter().map(rule).collect())
    }

    /// How many days down the nights after a whole walk go, and whether metrics come along.
    fn nights(refresh: &Refresh, count: i64) -> Vec<(i64, bool)> {
        let whole = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut reads = Vec::<Read>::new();
        let mut nights = Vec::new();
        for night in 1..=count {
            // A walk takes a while, and not every night begins at the same second.
            let now = whole + TimeDelta::days(night) - TimeDelta::seconds(night % 3 * 20);
            let depth = Depth::fresh(whole, &reads, refresh, now);
            let Depth::Fresh { until, .. } = &depth else {
                panic!("{depth:?}");
            };
            nights.push(((now - *until).num_days(), depth.brings_metrics()));
            for read in depth.reads(false, now + TimeDelta::seconds(90)) {
                reads.retain(|known| known.subject != read.subject);
                reads.push(read);
            }
        }
        nights
    }

    #[test]
    fn a_walk_goes_as_far_down_as_a_rule_is_due() {
        let depths = |refresh: &Refresh| -> Vec<i64> {
            let nights = nights(refresh, 6);
            assert!(nights.iter().all(|(_, metrics)| !metrics), "{nights:?}");
            nights.into_iter().map(|(depth, _)| depth).collect()
        };
        let three = rules(&[(30, 1), (90, 3), (730, 7)]);
        assert_eq!(depths(&three), [30, 30, 90, 30, 30, 90]);
        assert_eq!(depths(&rules(&[(30, 2)])), [0, 30, 0, 30, 0, 30]);
        assert_eq!(depths(&rules(&[(10, 2), (60, 3)])), [0, 10, 60, 10, 0, 60]);
        assert_eq!(depths(&Refresh::default()), [30; 6]);
    }

    #[test]
    fn a_weekly_rule_is_kept_when_the_night_of_the_whole_list_was_missed() {
        let nights = nights(&Refresh::default(), 9);
        assert_eq!(nights[6..], [(30, false), (730, true), (30, false)]);
    }

    #[test]
    fn no_rule_is_too_long() {
        let endless = Refresh(vec![(Duration::MAX, Duration::from_secs(2 * DAY))]);
        assert_eq!(nights(&endless, 2).len(), 2);
    }
}
