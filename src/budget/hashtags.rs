//! Which hashtags an account has spent: 30 different ones within seven days ("Hashtag Search" guide). Asking for one again
//! within its seven days costs nothing and does not lengthen them. Pure: time is an argument.
//!
//! When Meta began to count is known as a span only: a call is booked before it is sent and counted before its answer is here, and of
//! what others spent only that it counts. So a hashtag keeps its place until the end of the span, and is free to be asked again
//! without another place only before its beginning.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

/// Different hashtags within [`HASHTAG_WINDOW`].
pub const HASHTAGS: usize = 30;

/// How long a hashtag counts.
pub const HASHTAG_WINDOW: TimeDelta = TimeDelta::days(7);

/// How long after it was booked a call is counted at the latest, retries included.
const UNDER_WAY: TimeDelta = TimeDelta::hours(1);

/// Clocks that are kept in whole seconds.
const ROUNDING: TimeDelta = TimeDelta::seconds(1);

/// One hashtag that was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentHashtag {
    /// When it was booked, or first seen where others spent it.
    pub spent_at: DateTime<Utc>,
    /// Whether somebody else spent it, so that nobody knows when.
    pub by_others: bool,
    /// Whether Meta has answered a call for it since, so that it is counted for sure.
    pub answered: bool,
    /// Until when it counts at the latest.
    pub counts_until: DateTime<Utc>,
}

impl SpentHashtag {
    fn counts(&self, now: DateTime<Utc>) -> bool {
        now < self.counts_until
    }

    /// Whether a call now is one of its seven days for sure.
    fn is_free(&self, now: DateTime<Utc>) -> bool {
        !self.by_others && self.answered && now < self.spent_at + HASHTAG_WINDOW
    }

    /// Whether its seven days may be over or not, and are over for sure in a moment.
    fn is_leaving(&self, now: DateTime<Utc>) -> bool {
        !self.by_others && self.answered && !self.is_free(now) && self.counts(now)
    }
}

/// What one account has spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashtagLedger {
    spent: BTreeMap<String, SpentHashtag>,
}

impl HashtagLedger {
    /// Takes up what is known to be spent, by the hashtags' keys.
    pub fn new(spent: impl IntoIterator<Item = (String, SpentHashtag)>) -> Self {
        Self {
            spent: spent.into_iter().collect(),
        }
    }

    /// What is known of a hashtag.
    pub fn get(&self, hashtag: &str) -> Option<&SpentHashtag> {
        self.spent.get(hashtag)
    }

    /// Whether a hashtag counts already for sure, so that a call for it now spends nothing.
    pub fn counts(&self, hashtag: &str, now: DateTime<Utc>) -> bool {
        let own = self.spent.get(hashtag);
        own.is_some_and(|own| own.is_free(now))
    }

    /// Whether a hashtag can be asked for now without spending a 31st.
    ///
    /// # Errors
    /// When it can.
    pub fn admit(&self, hashtag: &str, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if self.counts(hashtag, now) {
            return Ok(());
        }
        let own = self.spent.get(hashtag);
        if let Some(own) = own.filter(|own| own.is_leaving(now)) {
            return Err(own.counts_until);
        }
        let others = self.counted(now).filter(|(other, _)| *other != hashtag);
        let mut ends: Vec<_> = others.map(|(_, other)| other.counts_until).collect();
        if ends.len() < HASHTAGS {
            return Ok(());
        }
        ends.sort_unstable();
        // More than 30 can be known when another program spends as well: enough of them must leave.
        Err(ends[ends.len() - HASHTAGS])
    }

    /// Books that a hashtag will be asked for now. True when that must be kept before the call is sent.
    pub fn book(&mut self, hashtag: &str, now: DateTime<Utc>) -> bool {
        let counts_until = now + HASHTAG_WINDOW + UNDER_WAY;
        match self.spent.get_mut(hashtag).filter(|own| own.counts(now)) {
            Some(own) if own.is_free(now) => return false,
            Some(own) if own.by_others || now < own.spent_at + HASHTAG_WINDOW => {
                own.counts_until = counts_until;
            }
            _ => {
                let booked = SpentHashtag {
                    spent_at: now,
                    by_others: false,
                    answered: false,
                    counts_until,
                };
                self.spent.insert(hashtag.to_owned(), booked);
            }
        }
        true
    }

    /// Books that Meta answered a call for a hashtag. True when that is news.
    pub fn answered(&mut self, hashtag: &str, now: DateTime<Utc>) -> bool {
        let Some(own) = self.spent.get_mut(hashtag) else {
            return false;
        };
        if own.answered && !own.by_others {
            return false;
        }
        own.answered = true;
        own.counts_until = now + HASHTAG_WINDOW + ROUNDING;
        true
    }

    /// Books what `recently_searched_hashtags` tells: the API's own list of what counts now, without times. What was not known
    /// was spent by somebody else, from now on at the latest; what others spent and is told no more counts no more. Gives the
    /// hashtags that have changed, and those that are gone.
    pub fn learn<'a>(
        &mut self,
        told: impl IntoIterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> (Vec<String>, Vec<String>) {
        let told: BTreeSet<&str> = told.into_iter().collect();
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        self.spent.retain(|hashtag, spent| {
            let stays = !spent.by_others || told.contains(hashtag.as_str());
            if !stays {
                gone.push(hashtag.clone());
            }
            stays
        });
        for hashtag in told {
            match self.spent.get_mut(hashtag) {
                Some(spent) if spent.counts(now) && spent.answered => {}
                // Booked, and then the process ended: the call was counted.
                Some(spent) if spent.counts(now) => {
                    spent.answered = true;
                    changed.push(hashtag.to_owned());
                }
                _ => {
                    let seen = SpentHashtag {
                        spent_at: now,
                        by_others: true,
                        answered: true,
                        counts_until: now + HASHTAG_WINDOW + ROUNDING,
                    };
                    self.spent.insert(hashtag.to_owned(), seen);
                    changed.push(hashtag.to_owned());
                }
            }
        }
        (changed, gone)
    }

    /// Gives a hashtag another key. Where both were known they are one, and nobody knows which of them Meta counted from.
    pub fn rename(&mut self, from: &str, to: &str) {
        let Some(own) = self.spent.remove(from) else {
            return;
        };
        let merged = match self.spent.get(to) {
            Some(known) => SpentHashtag {
                spent_at: own.spent_at.min(known.spent_at),
                by_others: true,
                answered: true,
                counts_until: own.counts_until.max(known.counts_until),
            },
            None => own,
        };
        self.spent.insert(to.to_owned(), merged);
    }

    /// How many more can be spent now.
    pub fn free(&self, now: DateTime<Utc>) -> usize {
        HASHTAGS.saturating_sub(self.counted(now).count())
    }

    /// What counts now.
    pub fn counted(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&str, &SpentHashtag)> {
        let spent = self.spent.iter();
        spent
            .filter(move |(_, spent)| spent.counts(now))
            .map(|(hashtag, spent)| (hashtag.as_str(), spent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: i64 = 7 * 24;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// Asked for and answered in the same moment.
    fn ask(ledger: &mut HashtagLedger, hashtag: &str, now: DateTime<Utc>) {
        assert_eq!(ledger.admit(hashtag, now), Ok(()));
        ledger.book(hashtag, now);
        ledger.answered(hashtag, now);
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|hashtag| hashtag.to_string()).collect()
    }

    fn told(names: &[String]) -> impl Iterator<Item = &str> {
        names.iter().map(String::as_str)
    }

    #[test]
    fn a_thirty_first_waits_for_the_oldest_and_known_ones_are_free() {
        let mut ledger = HashtagLedger::default();
        for hashtag in 0..30 {
            ask(&mut ledger, &hashtag.to_string(), at(hashtag));
        }
        assert_eq!(ledger.free(at(30)), 0);
        assert_eq!(ledger.admit("new", at(30)), Err(at(WEEK) + ROUNDING));
        assert_eq!(ledger.admit("0", at(30)), Ok(()));
        // Asking again does not lengthen the seven days.
        assert!(!ledger.book("0", at(30)));
        assert_eq!(ledger.admit("new", at(WEEK) + ROUNDING), Ok(()));
        assert_eq!(ledger.free(at(WEEK) + ROUNDING), 1);
        assert_eq!(ledger.free(at(WEEK + 29) + ROUNDING), 30);
    }

    #[test]
    fn a_hashtag_whose_days_end_waits_until_they_are_over_for_sure() {
        let mut ledger = HashtagLedger::default();
        ledger.book("a", at(0));
        ledger.answered("a", at(0) + TimeDelta::seconds(20));
        assert_eq!(ledger.admit("a", at(WEEK) - ROUNDING), Ok(()));
        let over = at(WEEK) + TimeDelta::seconds(20) + ROUNDING;
        assert_eq!(ledger.admit("a", at(WEEK)), Err(over));
        assert_eq!(ledger.admit("a", over), Ok(()));
        assert!(ledger.book("a", over), "it is spent anew");
        assert_eq!(ledger.get("a").map(|own| own.spent_at), Some(over));
    }

    #[test]
    fn a_call_that_nobody_saw_answered_may_be_counted_late_or_not_at_all() {
        let mut ledger = HashtagLedger::default();
        assert!(ledger.book("a", at(0)));
        // After a crash it is asked again: from then on it may count.
        assert!(ledger.book("a", at(24)));
        assert_eq!(ledger.free(at(WEEK + 23)), 29);
        assert_eq!(ledger.free(at(WEEK + 25)), 30);
        // The list says that it was counted; from when on nobody knows, so its place is kept.
        let list = ["a".to_owned()];
        assert_eq!(ledger.learn(told(&list), at(25)).0, list);
        assert_eq!(ledger.admit("a", at(26)), Ok(()));
        assert_eq!(ledger.free(at(WEEK + 23)), 29);
    }

    #[test]
    fn what_others_spent_counts_from_the_day_it_is_seen_until_it_is_told_no_more() {
        let mut ledger = HashtagLedger::default();
        ask(&mut ledger, "ours", at(0));
        let mut list = names(29);
        list.push("ours".to_owned());
        assert_eq!(ledger.learn(told(&list), at(10)).0.len(), 29);
        assert_eq!(ledger.admit("new", at(10)), Err(at(WEEK) + ROUNDING));
        assert_eq!(ledger.free(at(WEEK) + ROUNDING), 1);
        let (_, gone) = ledger.learn(told(&list[5..]), at(20));
        assert_eq!((gone.len(), ledger.free(at(20))), (5, 5));
    }

    #[test]
    fn asking_for_what_others_spent_takes_its_place_over() {
        let mut ledger = HashtagLedger::default();
        let list = names(30);
        ledger.learn(told(&list), at(0));
        // It may leave at any moment, and is spent anew then: the place is kept from the last call on.
        for hours in [1, 24, 100] {
            assert_eq!(ledger.admit("7", at(hours)), Ok(()));
            assert!(ledger.book("7", at(hours)));
            ledger.answered("7", at(hours));
        }
        assert_eq!(ledger.free(at(WEEK + 1)), 29);
        assert_eq!(ledger.free(at(WEEK + 101)), 30);
    }

    #[test]
    fn with_more_than_thirty_known_enough_must_leave() {
        let spent = (0..33).map(|hashtag| {
            let spent = SpentHashtag {
                spent_at: at(hashtag),
                by_others: false,
                answered: true,
                counts_until: at(hashtag + WEEK),
            };
            (hashtag.to_string(), spent)
        });
        let ledger = HashtagLedger::new(spent);
        assert_eq!(ledger.free(at(40)), 0);
        assert_eq!(ledger.admit("new", at(40)), Err(at(3 + WEEK)));
    }

    #[test]
    fn a_hashtag_that_was_booked_by_name_and_told_by_id_is_one() {
        let mut ledger = HashtagLedger::default();
        ledger.book("#coffee", at(0));
        let list = ["17".to_owned()];
        ledger.learn(told(&list), at(5));
        assert_eq!(ledger.free(at(5)), 28);
        ledger.rename("#coffee", "17");
        assert_eq!(ledger.free(at(5)), 29);
        assert_eq!(ledger.free(at(WEEK + 4)), 29);
        ledger.rename("#coffee", "18");
        assert_eq!(ledger.get("18"), None);
    }
}
