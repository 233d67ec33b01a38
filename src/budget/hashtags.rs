//! Which hashtags an account has spent: 30 different ones within seven days ("Hashtag Search" guide). Asking for one again
//! within its seven days costs nothing and does not lengthen them. Pure: time is an argument.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

/// Different hashtags within [`HASHTAG_WINDOW`].
pub const HASHTAGS: usize = 30;

/// How long a hashtag counts.
pub const HASHTAG_WINDOW: TimeDelta = TimeDelta::days(7);

/// What one account has spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashtagLedger {
    /// When each one was spent, by its key.
    spent: BTreeMap<String, DateTime<Utc>>,
}

impl HashtagLedger {
    /// Takes up what is known to be spent: hashtag ids, and when they were.
    pub fn new(spent: impl IntoIterator<Item = (String, DateTime<Utc>)>) -> Self {
        Self {
            spent: spent.into_iter().collect(),
        }
    }

    /// Whether a hashtag can be asked for now without spending a 31st.
    ///
    /// # Errors
    /// When the next one is free.
    pub fn admit(&self, hashtag: &str, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if self.is_spent(hashtag, now) {
            return Ok(());
        }
        let mut counted: Vec<_> = self.counted(now).map(|(_, at)| at).collect();
        if counted.len() < HASHTAGS {
            return Ok(());
        }
        counted.sort_unstable();
        // More than 30 can be known when another program spends as well: enough of them must leave.
        Err(counted[counted.len() - HASHTAGS] + HASHTAG_WINDOW)
    }

    /// Books that a hashtag was asked for.
    pub fn spend(&mut self, hashtag: &str, now: DateTime<Utc>) {
        if !self.is_spent(hashtag, now) {
            self.spent.insert(hashtag.to_owned(), now);
        }
    }

    /// Books what `recently_searched_hashtags` tells: the API's own list of what was spent within seven days, without times. What
    /// was not known was spent by somebody else; it counts from now on, which is the latest it can be.
    pub fn learn<'a>(&mut self, told: impl IntoIterator<Item = &'a str>, now: DateTime<Utc>) {
        for hashtag in told {
            self.spend(hashtag, now);
        }
    }

    /// How many more can be spent now.
    pub fn free(&self, now: DateTime<Utc>) -> usize {
        HASHTAGS.saturating_sub(self.counted(now).count())
    }

    /// What counts now, and since when.
    pub fn counted(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
        let counts = move |at: DateTime<Utc>| now < at + HASHTAG_WINDOW;
        let spent = self
            .spent
            .iter()
            .map(|(hashtag, at)| (hashtag.as_str(), *at));
        spent.filter(move |(_, at)| counts(*at))
    }

    fn is_spent(&self, hashtag: &str, now: DateTime<Utc>) -> bool {
        let at = self.spent.get(hashtag);
        at.is_some_and(|at| now < *at + HASHTAG_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_thirty_first_waits_for_the_oldest_and_known_ones_are_free() {
        let mut ledger = HashtagLedger::default();
        for hashtag in 0..30 {
            assert_eq!(ledger.admit(&hashtag.to_string(), at(hashtag)), Ok(()));
            ledger.spend(&hashtag.to_string(), at(hashtag));
        }
        assert_eq!(ledger.free(at(30)), 0);
        assert_eq!(ledger.admit("new", at(30)), Err(at(7 * 24)));
        assert_eq!(ledger.admit("0", at(30)), Ok(()));
        // Asking again does not lengthen the seven days.
        ledger.spend("0", at(30));
        assert_eq!(ledger.admit("new", at(7 * 24)), Ok(()));
        assert_eq!(ledger.free(at(7 * 24)), 1);
        assert_eq!(ledger.free(at(7 * 24 + 29)), 30);
    }

    #[test]
    fn what_others_spent_counts_from_the_day_it_is_seen() {
        let mut ledger = HashtagLedger::default();
        ledger.spend("ours", at(0));
        let told: Vec<String> = (0..29).map(|hashtag| hashtag.to_string()).collect();
        let told = told.iter().map(String::as_str).chain(["ours"]);
        ledger.learn(told, at(10));
        assert_eq!(ledger.admit("new", at(10)), Err(at(7 * 24)));
        assert_eq!(ledger.free(at(7 * 24)), 1);
    }

    #[test]
    fn with_more_than_thirty_known_enough_must_leave() {
        let spent = (0..33).map(|hashtag| (hashtag.to_string(), at(hashtag)));
        let ledger = HashtagLedger::new(spent);
        assert_eq!(ledger.free(at(40)), 0);
        assert_eq!(ledger.admit("new", at(40)), Err(at(3 + 7 * 24)));
    }
}
