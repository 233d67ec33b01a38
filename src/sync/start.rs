//! A start of a configured job: which of its accounts and resources are left, and what came of the rest. Kept in `sync_jobs`, so that
//! whoever looks sees it, and the next process goes on with it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::engine::Ended;
use super::group::Group;
use super::job::Job;
use super::selection::{Selection, read_since};
use crate::schedule::Schedule;
use crate::store::{JobRow, Outcome, Store, StoreError};

/// How often at most the database is told how far a start is.
const WRITTEN_EVERY: TimeDelta = TimeDelta::seconds(10);

/// A job of the configuration.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Its name.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// What, and of which accounts.
    pub selection: Selection,
}

/// A job and its last start.
#[derive(Debug)]
pub struct Start {
    /// As it stands in the database, or will.
    pub row: JobRow,
    /// Names it to the engine.
    pub number: u64,
    /// Its runs.
    pub group: Group,
    /// What is left, by account: each resource, and until when it waits.
    left: BTreeMap<String, BTreeMap<&'static str, Option<DateTime<Utc>>>>,
    /// Whether some token's accounts are not known yet.
    lacks_accounts: bool,
    /// Until when they cannot be asked for, and why.
    held_up: Option<(DateTime<Utc>, String)>,
    worst: Option<(Outcome, String)>,
    written: (JobRow, DateTime<Utc>),
}

impl Start {
    /// A job as the database knows it, with nothing left of an earlier start.
    pub fn of(job: &Configured, number: u64, row: Option<JobRow>) -> Self {
        let resources = job.selection.resources.iter();
        let row = JobRow {
            job: job.name.clone(),
            schedule: job.schedule.line().to_owned(),
            timezone: job.schedule.zone().name().to_owned(),
            resources: resources.map(|resource| resource.name.to_owned()).collect(),
            ..row.unwrap_or_default()
        };
        Self {
            group: Group::of(row.run.filter(|_| row.finished_at.is_none())),
            number,
            left: BTreeMap::new(),
            lacks_accounts: false,
            held_up: None,
            worst: None,
            written: (JobRow::default(), DateTime::UNIX_EPOCH),
            row,
        }
    }

    /// Begins: anew, or what an earlier process left. What is under way in this process is not stacked but goes on.
    pub fn begin(&mut self, now: DateTime<Utc>, goes_on: bool) {
        let row = &mut self.row;
        if !goes_on {
            row.started_at = Some(now);
            if row.finished_at.take().is_some() || row.run.is_none() {
                self.group = Group::default();
                row.run = None;
                self.left.clear();
            }
        }
        (row.accounts, row.message) = (0, None);
        (self.worst, self.held_up) = (None, None);
        self.lacks_accounts = true;
    }

    /// Takes in jobs of accounts that are to be read, and jobs that the earlier process has done; says whether more accounts
    /// may come.
    pub fn reads(&mut self, jobs: &[Job], done: &[Job], lacks_accounts: bool) {
        let mut ids: Vec<&str> = self.left.keys().map(String::as_str).collect();
        ids.extend(jobs.iter().chain(done).map(|job| job.account.id.as_str()));
        ids.sort_unstable();
        ids.dedup();
        let known = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        self.row.accounts = self.row.accounts.max(known);
        for job in jobs {
            let of_account = self.left.entry(job.account.id.clone()).or_default();
            of_account.entry(job.resource.name).or_insert(None);
        }
        self.lacks_accounts = lacks_accounts;
    }

    /// Those of the jobs that are left to this start, and those that it has read to their end already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn split(
        &mut self,
        store: &Store,
        jobs: Vec<Job>,
    ) -> Result<[Vec<Job>; 2], StoreError> {
        let Some(began) = self.row.started_at else {
            return Ok([jobs, Vec::new()]);
        };
        let mut places = Vec::new();
        for job in jobs {
            let checkpoint = store.checkpoint(job.checkpoint_key()).await?;
            places.push((job, checkpoint));
        }
        let (left, read) = read_since(places, began);
        for (job, checkpoint) in &read {
            let checkpoint = checkpoint.clone();
            if let Some(checkpoint) = checkpoint
                && store.has_gaps(checkpoint).await?
            {
                let message = format!(
                    "{} {}: sync_gaps says what is missing",
                    job.account.label(),
                    job.resource.name
                );
                self.met(Outcome::Partial, message);
            }
        }
        Ok([left, read].map(|places| places.into_iter().map(|(job, _)| job).collect()))
    }

    /// Says until when it waits for accounts, and why.
    pub fn waits_for_accounts(&mut self, held_up: Option<(DateTime<Utc>, &str)>) {
        self.held_up = held_up.map(|(until, why)| (until, why.to_owned()));
    }

    /// Takes in how something of it ended.
    pub fn ended(&mut self, ended: &Ended) {
        let account_id = &ended.job.account.id;
        let Some(of_account) = self.left.get_mut(account_id) else {
            return;
        };
        let resource = ended.job.resource.name;
        if let Some(at) = ended.goes_on_at {
            of_account.insert(resource, Some(at));
            return;
        }
        of_account.remove(resource);
        if of_account.is_empty() {
            self.left.remove(account_id);
        }
        if let Some(report) = &ended.report {
            let message = report.message.clone().unwrap_or_default();
            let message = format!("{} {resource}: {message}", report.account);
            self.met(report.outcome.clone(), message);
        }
    }

    /// Takes in something that happened to the start as a whole.
    pub fn met(&mut self, outcome: Outcome, message: String) {
        let worse = self
            .worst
            .as_ref()
            .is_none_or(|(worst, _)| rank(&outcome) > rank(worst));
        if worse {
            self.worst = Some((outcome, message));
        }
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.left.is_empty() && !self.lacks_accounts
    }

    /// Whether it waits to hear of accounts.
    pub fn lacks_accounts(&self) -> bool {
        self.lacks_accounts
    }

    /// Ends it if nothing is left; whether that is so.
    pub fn finish(&mut self, now: DateTime<Utc>) -> bool {
        if self.row.unfinished_since().is_none() || !self.is_over() {
            return false;
        }
        self.row.finished_at = Some(now);
        true
    }

    /// Takes up what was refused, because something has changed since that may let it through.
    pub fn reopen(&mut self) {
        if self.row.outcome.as_deref() == Some(Outcome::Refused.text()) {
            self.row.finished_at = None;
            self.lacks_accounts = true;
        }
    }

    /// Ends it though something is left, which nobody goes on with by himself.
    pub fn give_up(&mut self, now: DateTime<Utc>) {
        self.left.clear();
        self.lacks_accounts = false;
        self.finish(now);
    }

    /// Writes where it stands: at once when it matters, else now and then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write(
        &mut self,
        store: &Store,
        now: DateTime<Utc>,
        stopped: bool,
    ) -> Result<(), StoreError> {
        let (written, at) = &self.written;
        let milestone = |row: &JobRow| (row.next_due_at, row.started_at, row.finished_at);
        let is_news = milestone(written) != milestone(&self.row)
            || written.run.is_none() && self.group.run().is_some();
        if !is_news && !stopped && (now - *at).abs() < WRITTEN_EVERY {
            return Ok(());
        }
        self.describe(now, stopped);
        let changed = self.written.0 != self.row;
        self.written = (self.row.clone(), now);
        if !changed {
            return Ok(());
        }
        store.write_job(self.row.clone()).await
    }

    fn describe(&mut self, now: DateTime<Utc>, stopped: bool) {
        let row = &mut self.row;
        if row.started_at.is_none() {
            return;
        }
        row.run = self.group.run().or(row.run);
        let left = u32::try_from(self.left.len()).unwrap_or(u32::MAX);
        row.accounts_done = row.accounts.saturating_sub(left);
        let waits = || self.left.values().flat_map(BTreeMap::values);
        let held_up = self.held_up.as_ref().filter(|_| self.lacks_accounts);
        let resume_at = waits().flatten().chain(held_up.map(|(until, _)| until));
        row.resume_at = resume_at.min().copied();
        let all_wait = waits().all(|until| until.is_some_and(|at| at > now))
            && (!self.lacks_accounts || held_up.is_some_and(|(until, _)| *until > now));
        let worst = self.worst.as_ref();
        row.outcome = Some(
            match row.finished_at {
                Some(_) => worst.map_or("complete", |(outcome, _)| outcome.text()),
                None if stopped => "stopped",
                None if all_wait => "suspended",
                None => "running",
            }
            .to_owned(),
        );
        let message = worst.filter(|(outcome, _)| *outcome != Outcome::Complete);
        let message = message.map(|(_, message)| message);
        row.message = message.or(held_up.map(|(_, why)| why)).cloned();
    }
}

/// Of several outcomes the one with the highest rank is told: what a person must act on first.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Complete => 0,
        Outcome::Partial => 1,
        Outcome::Stopped => 2,
        Outcome::Suspended(_) => 3,
        Outcome::Failed => 4,
        Outcome::Refused => 5,
    }
}
