//! A job of the configuration under the daemon: when it is due, and what of its start the engine is still to be given.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::reach::Reach;
use super::timetable;
use crate::clock::instant_text;
use crate::store::{Outcome, StoreError};
use crate::sync::{Account, Askers, Configured, Engine, Job, LOST, Range, Start, World};

/// The resource whose subjects end.
pub(super) const STORIES: &str = "stories";

/// A job and its start.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) job: Configured,
    pub(super) start: Start,
    /// What the engine is still to be given.
    pub(super) to_hand_out: Option<HandOut>,
}

/// What of a start is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandOut {
    /// Everything that the job reads.
    All,
    /// What was not read to its end since the start began.
    WhatIsLeft,
}

impl Scheduled {
    /// Begins a start if the clock says so.
    pub(super) fn begin_if_due(&mut self, now: DateTime<Utc>) {
        let row = &mut self.start.row;
        let Some(due) = row.next_due_at.filter(|due| *due <= now) else {
            return;
        };
        row.due_at = Some(due);
        row.next_due_at = timetable::due_at(&self.job.schedule, None, Some(due), now);
        tracing::info!(job = self.job.name, due = instant_text(due), "is due");
        self.start.begin(now, false);
        self.to_hand_out = Some(HandOut::All);
    }

    /// Gives the start's work to the engine, once it is known of which accounts.
    pub(super) async fn hand_out(
        &mut self,
        world: &Arc<World>,
        reach: &mut Reach,
        engine: &mut Engine,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(what) = self.to_hand_out else {
            return Ok(());
        };
        if !reach.is_fresh(now) {
            reach.ask_all(world);
            return Ok(());
        }
        self.to_hand_out = None;
        let (found, all_told) = (reach.accounts(), reach.held_up().is_none());
        let mut askers = Askers::default();
        let selection = &self.job.selection;
        world
            .share_names(selection, &mut askers, (&found, all_told))
            .await?;
        let jobs = self.jobs(&found, all_told, &askers);
        let [left, done] = match what {
            HandOut::All => [jobs, Vec::new()],
            HandOut::WhatIsLeft => self.start.split(&world.store, jobs).await?,
        };
        self.start.reads(&left, &done, !all_told);
        self.start.waits_for_accounts(reach.held_up());
        for problem in reach.refused() {
            self.start.met(Outcome::Refused, problem.message.clone());
        }
        if all_told {
            self.miss(&found);
            if reach.refused().next().is_none() {
                self.lose(world, &found).await?;
            }
        }
        let row = &self.start.row;
        let began = row.started_at.unwrap_or(now);
        let window = timetable::window(
            usize::try_from(row.accounts).unwrap_or(0),
            began,
            row.next_due_at,
        );
        for job in left {
            let begins = began + timetable::offset(&job.account.id, window);
            engine.add(
                job,
                &self.start.group,
                Some(self.start.number),
                begins.max(now),
            );
        }
        Ok(())
    }

    /// What it reads of the accounts that the tokens reach.
    pub(super) fn jobs(&self, found: &[Account], all_told: bool, askers: &Askers) -> Vec<Job> {
        let selection = &self.job.selection;
        // Only names of a command line can be wrong here, and there are none.
        let accounts = selection.select(found, all_told).unwrap_or_default();
        selection.jobs(&self.job.name, &accounts, Range::default(), askers)
    }

    /// Whether stories are among what it reads.
    pub(super) fn reads_stories(&self) -> bool {
        let mut resources = self.job.selection.resources.iter();
        resources.any(|resource| resource.name == STORIES)
    }

    /// Notes accounts that are to be read and that no token reaches.
    fn miss(&mut self, found: &[Account]) {
        for name in self.job.selection.unreached(found) {
            let message = format!(
                "{name} is named in accounts.include, but no token reaches it: check the name, and that its Page is given to a token's user"
            );
            self.start.met(Outcome::Refused, message);
        }
        if self.start.row.accounts == 0 {
            let message = "no token reaches an account that is to be read: link a professional account to a Page of the token's user";
            self.start.met(Outcome::Refused, message.to_owned());
        }
    }

    /// Notes accounts that were read before and that no token reaches any more.
    async fn lose(&mut self, world: &World, found: &[Account]) -> Result<(), StoreError> {
        for account in world.lost(&self.job.selection, found).await? {
            let message = format!("{account} {LOST}");
            self.start.met(Outcome::Refused, message);
        }
        Ok(())
    }
}
