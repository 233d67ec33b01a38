//! Days as Meta counts them: from midnight to midnight Pacific time, 23 or 25 hours long when the clocks change ("Instagram Account
//! Insights" page: `end_time` is 07:00 or 08:00 UTC). Pure.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;

use super::question::{Facts, Lost};

/// The API refuses a longer time between `since` and `until`.
pub(super) const LONGEST_RANGE: TimeDelta = TimeDelta::days(30);

/// Numbers of a day grow for up to 48 hours after its end ("Instagram Account Insights" page); what was read this long after it is final.
pub(super) const SETTLING: TimeDelta = TimeDelta::hours(50);

/// The day that an instant belongs to.
pub(super) fn day_of(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&Los_Angeles).date_naive()
}

/// When a day begins.
pub(super) fn start(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let local = Los_Angeles.from_local_datetime(&midnight).earliest();
    // The clocks change at two: there is a midnight every day.
    local.map_or_else(|| midnight.and_utc(), |local| local.to_utc())
}

/// When a day ends: the `end_time` of its numbers.
pub(super) fn end(day: NaiveDate) -> DateTime<Utc> {
    start(later(day, 1))
}

/// Some days earlier.
pub(super) fn earlier(day: NaiveDate, days: i64) -> NaiveDate {
    day - TimeDelta::days(days)
}

/// Some days later.
pub(super) fn later(day: NaiveDate, days: i64) -> NaiveDate {
    day + TimeDelta::days(days)
}

/// Parameters for a series of days, at most thirty: those that end in between are told. `since` is moved to where the API still
/// answers: thirty days with a longer one among them are an hour too many.
pub(super) fn range(
    first: NaiveDate,
    last: NaiveDate,
    earliest: DateTime<Utc>,
) -> [(&'static str, String); 2] {
    let until = end(last);
    let since = start(first).max(until - LONGEST_RANGE).max(earliest);
    parameters(since, until)
}

/// Parameters for one whole day.
pub(super) fn whole(day: NaiveDate) -> [(&'static str, String); 2] {
    parameters(start(day), end(day))
}

fn parameters(since: DateTime<Utc>, until: DateTime<Utc>) -> [(&'static str, String); 2] {
    [("since", since), ("until", until)].map(|(name, at)| (name, at.timestamp().to_string()))
}

/// The days of the last thirty, up to yesterday, that a series has not told or whose numbers were still growing when it did.
pub(super) fn untold(facts: &Facts, subject: &str) -> [(&'static str, String); 2] {
    let today = day_of(facts.now);
    let oldest = earlier(today, LONGEST_RANGE.num_days());
    let read_at = facts.reads.get(subject).and_then(|read| read.read_at);
    let growing = read_at.map(|at| day_of(at - SETTLING));
    let first = growing.map_or(oldest, |day| day.max(oldest));
    range(first, earlier(today, 1), facts.now - LONGEST_RANGE)
}

/// The days, first and last, that a series of thirty days does not reach any more, although nobody read them or they were still
/// growing when somebody did.
pub(super) fn out_of_reach(facts: &Facts, subject: &str) -> Option<(NaiveDate, NaiveDate)> {
    let growing = day_of(facts.read_at(subject)? - SETTLING);
    let last = earlier(day_of(facts.now), LONGEST_RANGE.num_days() + 1);
    (growing <= last).then_some((growing, last))
}

/// The days of a metric that is told for thirty days only and that was not read in time.
pub(super) fn lost(facts: &Facts, subject: &str, metric: &str) -> Option<Lost> {
    let (first, last) = out_of_reach(facts, subject)?;
    Some(Lost {
        subject: None,
        object_id: None,
        field: Some(format!("{metric} from {first}")),
        detail: format!(
            "it is told for 30 days; the days from {first} to {last} were not read, or not after they had settled"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn text(instant: DateTime<Utc>) -> String {
        instant.to_rfc3339()
    }

    #[test]
    fn a_day_has_23_or_25_hours_when_the_clocks_change() {
        for (of, starts, ends, hours) in [
            ("2026-03-07", "2026-03-07T08", "2026-03-08T08", 24),
            ("2026-03-08", "2026-03-08T08", "2026-03-09T07", 23),
            ("2026-03-09", "2026-03-09T07", "2026-03-10T07", 24),
            ("2026-10-31", "2026-10-31T07", "2026-11-01T07", 24),
            ("2026-11-01", "2026-11-01T07", "2026-11-02T08", 25),
            ("2026-11-02", "2026-11-02T08", "2026-11-03T08", 24),
        ] {
            assert_eq!(text(start(day(of))), format!("{starts}:00:00+00:00"));
            assert_eq!(text(end(day(of))), format!("{ends}:00:00+00:00"));
            assert_eq!((end(day(of)) - start(day(of))).num_hours(), hours);
            assert_eq!(day_of(start(day(of))), day(of));
            assert_eq!(day_of(end(day(of)) - TimeDelta::seconds(1)), day(of));
        }
    }

    #[test]
    fn thirty_days_are_never_longer_than_the_api_takes() {
        let long_ago = start(day("2020-01-01"));
        let seconds = |last: &str| {
            let last = day(last);
            let range = range(earlier(last, 29), last, long_ago);
            let [since, until] = range.map(|(_, value)| value.parse::<i64>().unwrap());
            assert_eq!(until, end(last).timestamp());
            // The first day ends inside.
            assert!(since < end(earlier(last, 29)).timestamp());
            until - since
        };
        assert_eq!(seconds("2026-03-20"), 30 * 86_400 - 3600);
        assert_eq!(seconds("2026-06-20"), 30 * 86_400);
        assert_eq!(seconds("2026-11-10"), 30 * 86_400);
    }
}
