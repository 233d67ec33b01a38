//! When jobs are due, and when each of their accounts begins. Pure: the time is an argument.
//!
//! Clocks are set, machines sleep, and both are met here by one rule: what is due by the present clock is due, once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::schedule::Schedule;

/// A clock that was set back by no more than this repeats nothing. By more: it was wrong, and what was started then does not count.
const SET_BACK: TimeDelta = TimeDelta::days(1);

/// Accounts of a start begin within this.
const LONGEST_SPREAD: TimeDelta = TimeDelta::minutes(10);

/// And within this share of the time to the next start.
const SHARE_OF_INTERVAL: i32 = 10;

/// For each account, as far as the others allow.
const FOR_EACH: TimeDelta = TimeDelta::seconds(1);

/// When a job is due that is to be started by its schedule: `planned` is what was found the last time, `handled` the time for which it was
/// last started. A time in the past was missed.
pub(super) fn due_at(
    schedule: &Schedule,
    planned: Option<DateTime<Utc>>,
    handled: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if let Some(planned) = planned.filter(|planned| *planned <= now) {
        return Some(planned);
    }
    let repeats = |handled: &DateTime<Utc>| *handled > now && *handled - now <= SET_BACK;
    schedule.next_after(handled.filter(repeats).unwrap_or(now))
}

/// The window in which the accounts of a start begin.
pub(super) fn window(
    accounts: usize,
    now: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> TimeDelta {
    let accounts = i32::try_from(accounts).unwrap_or(i32::MAX);
    let to_next = next.map_or(TimeDelta::MAX, |next| next - now);
    (FOR_EACH * accounts)
        .min(to_next / SHARE_OF_INTERVAL)
        .min(LONGEST_SPREAD)
        .max(TimeDelta::zero())
}

/// The place of an account in the window: the same every time.
pub(super) fn offset(account_id: &str, window: TimeDelta) -> TimeDelta {
    // FNV-1a, folded once more: ids differ in their last digits, which reach its low bits only.
    let hash = account_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let share = ((hash ^ (hash >> 32)) % 1_000_000).cast_signed();
    TimeDelta::milliseconds(window.num_milliseconds() * share / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{instant_text, parse_instant};

    /// Nightly in Berlin, hourly: planned, handled, now, due.
    #[test]
    fn what_is_due_by_the_present_clock_is_due_once() {
        let nightly = "30 2 * * *";
        let hourly = "0 * * * *";
        let cases = [
            (
                "a new job waits for its time",
                nightly,
                "",
                "",
                "2026-05-01T12:00:00Z",
                "2026-05-02T00:30:00Z",
            ),
            (
                "not yet",
                nightly,
                "2026-05-02T00:30:00Z",
                "2026-05-01T00:30:00Z",
                "2026-05-02T00:29:59Z",
                "2026-05-02T00:30:00Z",
            ),
            (
                "now",
                nightly,
                "2026-05-02T00:30:00Z",
                "2026-05-01T00:30:00Z",
                "2026-05-02T00:30:00Z",
                "2026-05-02T00:30:00Z",
            ),
            (
                "missed for days: the first of them",
                nightly,
                "2026-05-02T00:30:00Z",
                "",
                "2026-05-09T07:00:00Z",
                "2026-05-02T00:30:00Z",
            ),
            (
                "after it was handled late, the next one",
                nightly,
                "",
                "2026-05-02T00:30:00Z",
                "2026-05-09T07:00:00Z",
                "2026-05-10T00:30:00Z",
            ),
            (
                "set back by an hour after its start: no repetition",
                hourly,
                "2026-05-02T04:00:00Z",
                "2026-05-02T03:00:00Z",
                "2026-05-02T02:10:00Z",
                "2026-05-02T04:00:00Z",
            ),
            (
                "set back by a second",
                hourly,
                "2026-05-02T04:00:00Z",
                "2026-05-02T03:00:00Z",
                "2026-05-02T02:59:59Z",
                "2026-05-02T04:00:00Z",
            ),
            (
                "a clock that was years ahead is forgotten",
                nightly,
                "2031-01-01T01:30:00Z",
                "2030-12-31T01:30:00Z",
                "2026-05-01T12:00:00Z",
                "2026-05-02T00:30:00Z",
            ),
            (
                "a clock that begins in 1970 makes nothing due",
                nightly,
                "2026-05-02T00:30:00Z",
                "2026-05-01T00:30:00Z",
                "1970-01-01T00:00:10Z",
                "1970-01-01T01:30:00Z",
            ),
            (
                "another line since: the planned time is forgotten",
                "0 5 * * *",
                "2026-05-02T00:30:00Z",
                "2026-05-01T00:30:00Z",
                "2026-05-01T20:00:00Z",
                "2026-05-02T03:00:00Z",
            ),
        ];
        for (name, line, planned, handled, now, due) in cases {
            let schedule = Schedule::parse(line, chrono_tz::Europe::Berlin).unwrap();
            let now = parse_instant(now).unwrap();
            let (planned, handled) = (parse_instant(planned), parse_instant(handled));
            let found = due_at(&schedule, planned, handled, now).map(instant_text);
            assert_eq!(found.as_deref(), Some(due), "{name}");
        }
    }

    #[test]
    fn a_start_is_spread_as_far_as_accounts_interval_and_ten_minutes_allow() {
        let now = parse_instant("2026-05-01T12:00:00Z").unwrap();
        let seconds = |accounts, to_next: i64| {
            window(accounts, now, Some(now + TimeDelta::seconds(to_next))).num_seconds()
        };
        assert_eq!(seconds(3, 86_400), 3);
        assert_eq!(seconds(500, 86_400), 500);
        assert_eq!(seconds(10_000, 86_400), 600);
        assert_eq!(seconds(10_000, 3600), 360);
        assert_eq!(seconds(10_000, 60), 6);
        assert_eq!(seconds(10_000, -5), 0);
        assert_eq!(window(10_000, now, None), LONGEST_SPREAD);
    }

    #[test]
    fn ten_thousand_accounts_begin_evenly_and_each_at_the_same_place_every_time() {
        let window = TimeDelta::minutes(10);
        let mut seconds = [0; 600];
        for number in 0..10_000_u64 {
            let id = format!("1784140{:010}", number + 1);
            let offset = offset(&id, window);
            assert_eq!(offset, super::offset(&id, window));
            let second = usize::try_from(offset.num_seconds()).unwrap();
            seconds[second] += 1;
        }
        let most = seconds.iter().max().unwrap();
        assert!(*most <= 45, "{most} accounts begin in one second");
        assert!(seconds.iter().filter(|count| **count == 0).count() < 5);
    }
}
