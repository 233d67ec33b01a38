//! What goes on, in one line for the service manager. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::scheduled::Scheduled;
use crate::store::JobRow;
use crate::sync::CHECK;

/// What there is to tell.
#[derive(Debug, Default)]
pub(super) struct Status<'a> {
    /// What an operator must know first.
    pub(super) complaint: Option<&'a str>,
    /// Of the starts that are under way: accounts that are done, all accounts.
    pub(super) accounts: Option<(u32, u32)>,
    /// What is being read.
    pub(super) resource: Option<&'a str>,
    /// Until when everything that is left waits, and the zone to say it in.
    pub(super) waits_until: Option<DateTime<Utc>>,
    /// When a job is due next.
    pub(super) next: Option<(DateTime<Utc>, Tz)>,
}

impl<'a> Status<'a> {
    /// What is to be told of these jobs while `resource` is being read.
    pub(super) fn of(
        jobs: &[Scheduled],
        resource: Option<&'a str>,
        complaint: Option<&'a str>,
    ) -> Self {
        let rows = jobs.iter().map(|scheduled| &scheduled.start.row);
        let open: Vec<&JobRow> = rows
            .filter(|row| row.unfinished_since().is_some())
            .collect();
        let sum = |count: fn(&JobRow) -> u32| open.iter().map(|row| count(row)).sum();
        let others = jobs.iter().filter(|scheduled| scheduled.job.name != CHECK);
        let next = others.filter_map(|Scheduled { job, start, .. }| {
            Some((start.row.next_due_at?, job.schedule.zone()))
        });
        Self {
            complaint,
            accounts: (!open.is_empty())
                .then(|| (sum(|row| row.accounts_done), sum(|row| row.accounts))),
            resource,
            waits_until: open.iter().filter_map(|row| row.resume_at).min(),
            next: next.min_by_key(|(at, _)| *at),
        }
    }

    /// `3 of 12 accounts, media, next 02:30`.
    pub(super) fn line(&self, now: DateTime<Utc>) -> String {
        let zone = self.next.map_or(Tz::UTC, |(_, zone)| zone);
        let mut parts = Vec::new();
        match self.accounts {
            Some((done, all)) => parts.push(format!("{done} of {all} accounts")),
            None => parts.push("idle".to_owned()),
        }
        match (self.resource, self.waits_until) {
            (Some(resource), _) => parts.push(resource.to_owned()),
            (None, Some(until)) => parts.push(format!("waits until {}", time(until, zone, now))),
            (None, None) => {}
        }
        if let Some((next, zone)) = self.next {
            parts.push(format!("next {}", time(next, zone, now)));
        }
        let line = parts.join(", ");
        match self.complaint {
            Some(complaint) => format!("{complaint}; {line}"),
            None => line,
        }
    }
}

/// The time of day, with the day where it is not within the next 24 hours.
fn time(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
    let format = if at - now < TimeDelta::days(1) {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.with_timezone(&zone).format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_instant;

    #[test]
    fn one_line_says_how_far_what_and_when_next() {
        let now = parse_instant("2026-05-07T13:00:00Z").unwrap();
        let at = |text| parse_instant(text).unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        let mut status = Status {
            accounts: Some((3, 12)),
            resource: Some("media"),
            next: Some((at("2026-05-08T00:30:00Z"), berlin)),
            ..Status::default()
        };
        assert_eq!(status.line(now), "3 of 12 accounts, media, next 02:30");
        status.resource = None;
        status.waits_until = Some(at("2026-05-07T14:10:00Z"));
        assert_eq!(
            status.line(now),
            "3 of 12 accounts, waits until 16:10, next 02:30"
        );
        status.complaint = Some("igsync.toml is not taken over");
        (status.accounts, status.waits_until) = (None, None);
        status.next = Some((at("2026-05-10T00:30:00Z"), berlin));
        assert_eq!(
            status.line(now),
            "igsync.toml is not taken over; idle, next 2026-05-10 02:30"
        );
    }
}
