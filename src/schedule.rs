//! When a job is due: cron lines as people write them, in the time zone they live in. Pure.
//!
//! Owns the meaning of a schedule: five fields (six with seconds), weekdays counted as Unix does (0 and 7 are Sunday),
//! day and weekday alternatives when both are restricted. The line is evaluated over civil time and then mapped to
//! an instant: a time that a spring gap swallows happens at the first instant after the gap, a time that autumn
//! repeats happens once, at its first pass. A line that names no hour means every hour that passes: it leaves none out in autumn and
//! squeezes none in in spring.

use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// A cron line in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// As it was written.
    line: String,
    /// Two when day and weekday are both restricted: either is enough.
    alternatives: Vec<cron::Schedule>,
    /// Whether the line names no hour.
    every_hour: bool,
    zone: Tz,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Wrong number of fields.
    #[error(
        "has {0} fields; write five (minute hour day month weekday), or six with seconds first"
    )]
    Fields(usize),
    /// A weekday that is none.
    #[error("`{0}` is no weekday; write 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    Weekday(String),
    /// Another field cannot be read.
    #[error("cannot be read as a cron line: {0}")]
    Line(String),
    /// A line without a date, as 30 February.
    #[error("never happens")]
    Never,
}

impl Schedule {
    /// Reads a cron line of five or six fields.
    ///
    /// # Errors
    /// [`ScheduleError`] with what to write instead.
    pub fn parse(line: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields[..] else {
            return Err(ScheduleError::Fields(fields.len()));
        };
        let weekday = weekdays(weekday)?;
        let quartz = |day: &str, weekday: &str| {
            let line = format!("{second} {minute} {hour} {day} {month} {weekday}");
            cron::Schedule::from_str(&line).map_err(|error| {
                // Some causes come below a drawing of the line.
                let cause = error.to_string();
                ScheduleError::Line(cause.lines().last().unwrap_or_default().to_owned())
            })
        };
        let alternatives = if day != "*" && weekday != "*" {
            vec![quartz(day, "*")?, quartz("*", &weekday)?]
        } else {
            vec![quartz(day, &weekday)?]
        };
        let schedule = Self {
            line: line.to_owned(),
            alternatives,
            every_hour: hour == "*",
            zone,
        };
        match schedule.next_after(DateTime::UNIX_EPOCH + Duration::days(365 * 50)) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }

    /// The line as it was written.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The time zone in which the line is meant.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first instant after `instant` at which the job is due.
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = |line: &cron::Schedule| {
            if self.every_hour {
                self.next_elapsed(line, instant)
            } else {
                self.next_civil(line, instant)
            }
        };
        self.alternatives.iter().filter_map(next).min()
    }

    /// Of a line that names hours. What is later by the clocks on the wall is never earlier, so nothing before `instant`'s own civil time
    /// can be due after it.
    fn next_civil(&self, line: &cron::Schedule, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let civil = instant.with_timezone(&self.zone).naive_local().and_utc();
        line.after(&civil)
            .filter_map(|civil| first_instant(self.zone, civil.naive_utc()))
            .find(|due| *due > instant)
    }

    /// Of a line that means every hour: an hour that the clocks repeat is an hour, and one that they leave out is none.
    fn next_elapsed(&self, line: &cron::Schedule, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut from = instant;
        let mut shown = self.offset(from);
        let mut civil = from + shown;
        loop {
            let due = line.after(&civil).next()? - shown;
            if self.offset(due) == shown {
                return Some(due);
            }
            // The clocks change on the way, and show something else from then on.
            from = self.change(from, due)?;
            shown = self.offset(from);
            civil = from + shown - Duration::seconds(1);
        }
    }

    fn offset(&self, at: DateTime<Utc>) -> Duration {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc());
        Duration::seconds(offset.fix().local_minus_utc().into())
    }

    /// The second between two instants at which the offset of the earlier one ends.
    fn change(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = |second: i64| DateTime::from_timestamp(second, 0);
        let (mut before, mut after) = (from.timestamp(), to.timestamp());
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(at(middle)?) == self.offset(from) {
                before = middle;
            } else {
                after = middle;
            }
        }
        at(after)
    }
}

/// The first instant at which the clocks of the zone show `civil` or, in a gap, something later.
fn first_instant(zone: Tz, civil: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(instant) = zone.from_local_datetime(&civil).earliest() {
        return Some(instant.to_utc());
    }
    // In a gap. The offset before it maps the gap's times behind it; step back to the gap's end.
    let before = zone
        .from_local_datetime(&(civil - Duration::days(1)))
        .earliest()?;
    let mut end = before.to_utc() + Duration::days(1);
    while zone
        .from_utc_datetime(&(end - Duration::seconds(1)).naive_utc())
        .naive_local()
        > civil
    {
        end -= Duration::seconds(1);
    }
    Some(end)
}

const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A weekday field in Unix's numbers as the cron crate wants it: a list of names.
fn weekdays(field: &str) -> Result<String, ScheduleError> {
    if field == "*" || field == "?" {
        return Ok("*".to_owned());
    }
    let wrong = || ScheduleError::Weekday(field.to_owned());
    let mut days = [false; 7];
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().map_err(|_| wrong())?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (weekday(from), weekday(to)),
            None if range == "*" => (Some(0), Some(6)),
            None => (weekday(range), weekday(range)),
        };
        let (Some(from), Some(mut to)) = (from, to) else {
            return Err(wrong());
        };
        if to < from && to == 0 {
            to = 7;
        }
        if step == 0 || to < from {
            return Err(wrong());
        }
        for day in (from..=to).step_by(step) {
            days[day % 7] = true;
        }
    }
    let names: Vec<&str> = (0..7)
        .filter(|&day| days[day])
        .map(|day| NAMES[day])
        .collect();
    Ok(names.join(","))
}

fn weekday(text: &str) -> Option<usize> {
    let named = NAMES
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    named.or_else(|| text.parse().ok().filter(|&day| day <= 7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{instant_text, parse_instant};

    fn runs(line: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(line, zone.parse().unwrap()).unwrap();
        let mut now = parse_instant(from).unwrap();
        let mut runs = Vec::new();
        for _ in 0..count {
            now = schedule.next_after(now).unwrap();
            runs.push(instant_text(now));
        }
        runs
    }

    #[test]
    fn awkward_cases() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            // Spring: 02:30 does not exist on 29 March 2026 in Berlin; 03:00 summer time is the first instant after.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T00:00:00Z",
                &[
                    "2026-03-28T01:30:00Z",
                    "2026-03-29T01:00:00Z",
                    "2026-03-30T00:30:00Z",
                ],
            ),
            // Autumn: 02:30 happens twice on 25 October 2026; the job runs once.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            ),
            // New York changes at 02:00; 01:30 is the repeated one there.
            (
                "30 1 * * *",
                "America/New_York",
                "2026-10-31T12:00:00Z",
                &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
            ),
            // Half an hour: Lord Howe Island.
            (
                "15 2 * * *",
                "Australia/Lord_Howe",
                "2026-10-02T18:00:00Z",
                &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
            ),
            // Weekdays as Unix counts them: 1 is Monday, 0 and 7 are Sunday. 23 November 2026 is a Monday.
            (
                "0 0 * * 1",
                "UTC",
                "2026-11-20T00:00:00Z",
                &["2026-11-23T00:00:00Z"],
            ),
            (
                "0 0 * * 0",
                "UTC",
                "2026-11-20T00:00:00Z",
                &["2026-11-22T00:00:00Z"],
            ),
            (
                "0 0 * * 7",
                "UTC",
                "2026-11-20T00:00:00Z",
                &["2026-11-22T00:00:00Z"],
            ),
            (
                "0 0 * * 5-7",
                "UTC",
                "2026-11-19T12:00:00Z",
                &[
                    "2026-11-20T00:00:00Z",
                    "2026-11-21T00:00:00Z",
                    "2026-11-22T00:00:00Z",
                    "2026-11-27T00:00:00Z",
                ],
            ),
            // Day and weekday both given: either is enough.
            (
                "0 0 1 * MON",
                "UTC",
                "2026-11-24T00:00:00Z",
                &[
                    "2026-11-30T00:00:00Z",
                    "2026-12-01T00:00:00Z",
                    "2026-12-07T00:00:00Z",
                ],
            ),
            // Six fields begin with seconds.
            (
                "30 0 3 * * *",
                "UTC",
                "2026-11-24T00:00:00Z",
                &["2026-11-24T03:00:30Z"],
            ),
            // Every hour is every hour: in spring there is one less, in autumn one more.
            (
                "30 * * * *",
                "Europe/Berlin",
                "2026-03-28T23:40:00Z",
                &[
                    "2026-03-29T00:30:00Z",
                    "2026-03-29T01:30:00Z",
                    "2026-03-29T02:30:00Z",
                ],
            ),
            (
                "30 * * * *",
                "Europe/Berlin",
                "2026-10-24T23:40:00Z",
                &[
                    "2026-10-25T00:30:00Z",
                    "2026-10-25T01:30:00Z",
                    "2026-10-25T02:30:00Z",
                ],
            ),
            // Where the clocks change by half an hour, they leave two o'clock out, and later show twenty to two twice.
            (
                "0 * * * *",
                "Australia/Lord_Howe",
                "2026-10-03T14:40:00Z",
                &["2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z"],
            ),
            (
                "*/20 * * * *",
                "Australia/Lord_Howe",
                "2026-04-04T14:20:00Z",
                &[
                    "2026-04-04T14:40:00Z",
                    "2026-04-04T15:10:00Z",
                    "2026-04-04T15:30:00Z",
                ],
            ),
            // The repeated half hour of Lord Howe's autumn: 01:45 happens twice, and once.
            (
                "45 1 * * *",
                "Australia/Lord_Howe",
                "2026-04-03T20:00:00Z",
                &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
            ),
            // Samoa left out the 30th of December 2011: a night that never was is made up for at the next day's first instant.
            (
                "30 2 * * *",
                "Pacific/Apia",
                "2011-12-29T00:00:00Z",
                &[
                    "2011-12-29T12:30:00Z",
                    "2011-12-30T10:00:00Z",
                    "2011-12-30T12:30:00Z",
                ],
            ),
            // A zone that changed its rule: Turkey has kept summer time since 2016.
            (
                "30 3 * * *",
                "Europe/Istanbul",
                "2016-10-29T12:00:00Z",
                &["2016-10-30T00:30:00Z", "2016-10-31T00:30:00Z"],
            ),
            (
                "30 3 * * *",
                "Europe/Istanbul",
                "2015-11-07T12:00:00Z",
                &["2015-11-08T00:30:00Z", "2015-11-09T01:30:00Z"],
            ),
            // Midnight that does not exist: Beirut's spring begins at 00:00.
            (
                "0 0 * * *",
                "Asia/Beirut",
                "2026-03-28T12:00:00Z",
                &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
            ),
            // Months without a 31st are left out.
            (
                "0 0 31 * *",
                "UTC",
                "2026-03-31T00:00:00Z",
                &["2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z"],
            ),
            // Ranges, steps and lists.
            (
                "0,30 8-10/2 * * 1-5",
                "UTC",
                "2026-11-27T08:00:00Z",
                &[
                    "2026-11-27T08:30:00Z",
                    "2026-11-27T10:00:00Z",
                    "2026-11-27T10:30:00Z",
                    "2026-11-30T08:00:00Z",
                ],
            ),
            (
                "0 0 * * sun",
                "UTC",
                "2026-11-22T00:00:00Z",
                &["2026-11-29T00:00:00Z"],
            ),
            // Less than a second before, and exactly then.
            (
                "30 2 * * *",
                "UTC",
                "2026-11-24T02:29:59.999Z",
                &["2026-11-24T02:30:00Z", "2026-11-25T02:30:00Z"],
            ),
            (
                "0 0 29 2 *",
                "UTC",
                "2026-11-24T00:00:00Z",
                &["2028-02-29T00:00:00Z"],
            ),
        ];
        for (line, zone, from, expected) in cases {
            assert_eq!(
                runs(line, zone, from, expected.len()),
                *expected,
                "{line} in {zone}"
            );
        }
    }

    #[test]
    fn a_year_of_nights_has_one_run_a_day() {
        for zone in [
            "Europe/Berlin",
            "America/Los_Angeles",
            "Australia/Sydney",
            "Asia/Kolkata",
        ] {
            let nights = runs("30 2 * * *", zone, "2026-01-01T12:00:00Z", 365);
            let zone: Tz = zone.parse().unwrap();
            let days: std::collections::BTreeSet<_> = nights
                .iter()
                .map(|night| {
                    parse_instant(night)
                        .unwrap()
                        .with_timezone(&zone)
                        .date_naive()
                })
                .collect();
            assert_eq!(days.len(), 365, "{zone}");
        }
    }

    #[test]
    fn a_year_of_hours_has_no_hole_and_no_double() {
        for zone in ["Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
            let hours = runs("17 * * * *", zone, "2026-01-01T00:00:00Z", 365 * 24);
            for (one, next) in hours.iter().zip(&hours[1..]) {
                let [one, next] = [one, next].map(|text| parse_instant(text).unwrap());
                assert_eq!(next - one, Duration::hours(1), "{zone} {one}");
            }
        }
    }

    #[test]
    fn bad_lines_say_what_to_write() {
        let error = |line| Schedule::parse(line, Tz::UTC).unwrap_err();
        assert_eq!(error("0 2 * *"), ScheduleError::Fields(4));
        assert_eq!(error(""), ScheduleError::Fields(0));
        assert_eq!(error("0 2 * * 8"), ScheduleError::Weekday("8".into()));
        assert_eq!(error("0 2 * * 5-2"), ScheduleError::Weekday("5-2".into()));
        assert!(matches!(error("61 2 * * *"), ScheduleError::Line(_)));
        assert!(matches!(error("x 2 * * *"), ScheduleError::Line(_)));
        assert_eq!(
            error("*/0 2 * * *"),
            ScheduleError::Line("range step cannot be zero".into())
        );
        assert_eq!(error("0 0 30 2 *"), ScheduleError::Never);
    }
}
