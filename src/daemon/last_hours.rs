//! Stories that are in their last hour, between the schedules.
//!
//! A story's numbers are final in the last of its 24 hours. A job that runs every hour reads each story then; one that runs less often would miss
//! most of them. So a story that no scheduled start has read in its last hour is read when half of that hour is left: late enough for numbers that
//! hardly change any more, early enough for another try.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Daemon;
use super::scheduled::STORIES;
use crate::store::{Store, StoreError};
use crate::sync::{Askers, Group};

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

impl Daemon<'_> {
    /// Looks which stories an earlier process has left to be read in their last hour.
    pub(super) async fn take_up_stories(&mut self) -> Result<(), StoreError> {
        let (store, now) = (&self.world.store, self.world.clock.now());
        let storytellers = || self.jobs.iter().filter(|job| job.reads_stories());
        if storytellers().next().is_none() {
            return Ok(());
        }
        let mut accounts = store.accounts().await?;
        accounts.retain(|(id, username)| {
            storytellers().any(|one| one.job.selection.means(id, username.as_deref()))
        });
        let accounts = accounts.into_iter().map(|(id, _)| id).collect();
        self.last_hours.look(store, accounts, now, now).await
    }

    /// Reads stories that no start has read in their last hour.
    pub(super) fn read_last_hours(&mut self, now: DateTime<Utc>) {
        if !self.reach.was_asked() {
            // An earlier process has left them, and this one does not know yet by which token.
            if self.last_hours.next().is_some_and(|at| at <= now) {
                self.reach.ask_all(self.world);
            }
            return;
        }
        // A token that could not be asked yet brings its accounts' stories back when it tells of them.
        for account_id in self.last_hours.take_due(now) {
            let found: Vec<_> = self
                .reach
                .accounts()
                .into_iter()
                .filter(|one| one.id == account_id)
                .collect();
            let job = self
                .jobs
                .iter()
                .filter(|scheduled| scheduled.reads_stories());
            let jobs = job.flat_map(|scheduled| scheduled.jobs(&found, true, &Askers::default()));
            let stories = jobs.into_iter().find(|job| job.resource.name == STORIES);
            if let Some(stories) = stories {
                tracing::info!(
                    account = stories.account.label(),
                    "a story is in its last hour"
                );
                self.engine.add(stories, &Group::default(), None, now);
            }
        }
    }
}
