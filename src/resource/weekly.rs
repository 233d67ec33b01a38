//! What is read once a week: each on a night of its own, and another one for each account, so that no night has to pay for all. Pure.

use chrono::{DateTime, TimeDelta, Utc};

const NIGHTS: i64 = 7;

/// What was due and did not happen is made up for after this.
const LONGEST: TimeDelta = TimeDelta::days(10);

/// Two readings of what costs one call are at least this far apart.
pub const SHORTEST: TimeDelta = TimeDelta::hours(20);

/// The same of what costs several: when it was read the night before its own, it is left for the next one, a week later.
pub const LONGER: TimeDelta = TimeDelta::hours(44);

/// Whether something of an account that was last read then is to be read tonight. Places are small numbers: what has the same place
/// is read in the same night.
pub fn is_due(
    account_id: &str,
    place: i64,
    shortest: TimeDelta,
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    let Some(last) = last else {
        return true;
    };
    let age = now - last;
    let tonight = night(now) == (night_of(account_id) + place).rem_euclid(NIGHTS);
    age >= LONGEST || (age >= shortest && tonight)
}

fn night(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(24 * 3600).rem_euclid(NIGHTS)
}

/// Ids of accounts differ in their last digits.
fn night_of(account_id: &str) -> i64 {
    let digits = account_id.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |sum, digit| {
        (sum * 10 + i64::from(digit - b'0')).rem_euclid(NIGHTS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_night_and_each_account_another_one() {
        let first = DateTime::from_timestamp(1_791_187_200, 0).unwrap();
        let night_of = |account: &str, place| -> Vec<i64> {
            let mut last = Some(first);
            let mut nights = Vec::new();
            for day in 1..=21 {
                let now = first + TimeDelta::days(day);
                // More than one start in a night.
                for now in [now, now + TimeDelta::hours(3)] {
                    if is_due(account, place, SHORTEST, last, now) {
                        nights.push(day);
                        last = Some(now);
                    }
                }
            }
            nights
        };
        let nights = night_of("17", 0);
        assert_eq!(nights.len(), 3, "{nights:?}");
        assert!(nights.windows(2).all(|pair| pair[1] - pair[0] == 7));
        assert_ne!(night_of("17", 1), nights);
        assert_ne!(night_of("18", 0), nights);
        assert_eq!(night_of("18", 0), night_of("17", 1));
    }

    #[test]
    fn what_costs_several_calls_and_was_read_the_night_before_its_own_waits_for_the_next_one() {
        let first = DateTime::from_timestamp(1_791_187_200, 0).unwrap();
        let nights = |shortest| -> Vec<i64> {
            // All of it is read in the first night.
            let next = |place| {
                let is_due = |day: &i64| {
                    let now = first + TimeDelta::days(*day);
                    is_due("17", place, shortest, Some(first), now)
                };
                (1..=10).find(is_due).unwrap()
            };
            let mut nights: Vec<i64> = (0..NIGHTS).map(next).collect();
            nights.sort_unstable();
            nights
        };
        assert_eq!(nights(SHORTEST), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(nights(LONGER), [2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn what_never_happened_is_due_and_what_was_missed_is_made_up_for() {
        let now = DateTime::from_timestamp(1_791_187_200, 0).unwrap();
        let after = |days| {
            let last = Some(now - TimeDelta::days(days));
            (0..7).map(move |place| is_due("17", place, SHORTEST, last, now))
        };
        assert!(is_due("17", 0, SHORTEST, None, now));
        assert_eq!(after(9).filter(|due| *due).count(), 1);
        assert_eq!(after(10).filter(|due| *due).count(), 7);
    }
}
