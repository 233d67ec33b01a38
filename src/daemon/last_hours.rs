//! Stories that are in their last hour, between the schedules.
//!
//! A story's numbers are final in the last of its 24 hours. A job that runs every hour reads each story then; one that runs less often would miss
//! most of them. So a story that no scheduled start has read in its last hour is read when half of that hour is left: late enough for numbers that
//! hardly change any more, early enough for another try.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{Store, StoreError};

/// The age at which a story is read that was not read in its last hour yet.
const LATE: TimeDelta = TimeDelta::minutes(23 * 60 + 30);

/// After a reading that did not reach it, it is tried again after this. The list of stories is not read more often, either.
pub(super) const AGAIN: TimeDelta = TimeDelta::minutes(10);

/// When each account has a story to be read.
#[derive(Debug, Default)]
pub(super) struct LastHours(BTreeMap<String, DateTime<Utc>>);

impl LastHours {
    /// Looks what is known of the stories of accounts, which are not to be read before `earliest`.
    pub(super) async fn look(
        &mut self,
        store: &Store,
        accounts: Vec<String>,
        now: DateTime<Utc>,
        earliest: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for account in &accounts {
            self.0.remove(account);
        }
        for (account, posted) in store.unread_stories(accounts, now).await? {
            self.0.insert(account, (posted + LATE).max(earliest));
        }
        Ok(())
    }

    /// Reads an account's stories at this time and not before: now nobody knows how.
    pub(super) fn put_off(&mut self, account: String, until: DateTime<Utc>) {
        self.0.insert(account, until);
    }

    /// When the first of them is to be read.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.0.values().min().copied()
    }

    /// Accounts whose stories are to be read now; each is told once.
    pub(super) fn take_due(&mut self, now: DateTime<Utc>) -> Vec<String> {
        if self.next().is_none_or(|at| at > now) {
            return Vec::new();
        }
        let (due, later): (BTreeMap<_, _>, _) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(_, at)| *at <= now);
        self.0 = later;
        due.into_keys().collect()
    }
}
