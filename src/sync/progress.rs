//! What is going on right now, as values. Whoever has a terminal draws them; the engine never does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::forecast::told;
use super::job::Job;
use super::report::JobReport;
use crate::store::Outcome;

/// All jobs that began, in that order.
#[derive(Debug, Default)]
pub struct Progress {
    jobs: Mutex<Vec<JobProgress>>,
    waiting: Mutex<Option<Waiting>>,
}

/// Nothing is left but work whose pools are closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When the first of them opens.
    pub until: DateTime<Utc>,
    /// Which pool that is and why it is closed, for a person.
    pub why: String,
    /// How many other accounts and credentials wait as well.
    pub others: usize,
}

/// How far one job is.
#[derive(Clone, Debug)]
pub struct JobProgress {
    /// IG User id.
    pub account_id: String,
    /// What to call the account.
    pub account: String,
    /// The resource.
    pub resource: &'static str,
    /// Objects read in this start.
    pub objects: u64,
    /// Objects expected, where something is known; an estimate, and of no use after a resumption.
    pub expected: Option<u64>,
    /// Set when it ended.
    pub outcome: Option<Outcome>,
}

impl Progress {
    /// A copy of all jobs.
    pub fn jobs(&self) -> Vec<JobProgress> {
        self.lock().clone()
    }

    /// What is waited for, when nothing else is left to do.
    pub fn waiting(&self) -> Option<Waiting> {
        self.lock_waiting().clone()
    }

    /// Forgets jobs that have ended, for processes that never do.
    pub fn forget_ended(&self) {
        self.lock().retain(|job| job.outcome.is_none());
    }

    pub(super) fn wait(&self, waiting: Waiting) {
        *self.lock_waiting() = Some(waiting);
    }

    pub(super) fn begin(&self, job: &Job) {
        let expected = told(job.resource, &job.account);
        self.lock_waiting().take();
        self.lock().push(JobProgress {
            account_id: job.account.id.clone(),
            account: job.account.label().to_owned(),
            resource: job.resource.name,
            objects: 0,
            expected,
            outcome: None,
        });
    }

    pub(super) fn page(&self, job: &Job, objects: usize, resumed: bool) {
        self.change(&job.account.id, job.resource.name, |progress| {
            progress.objects += objects as u64;
            if resumed {
                progress.expected = None;
            }
        });
    }

    pub(super) fn end(&self, report: &JobReport) {
        self.change(&report.account_id, report.resource, |progress| {
            progress.outcome = Some(report.outcome.clone());
        });
    }

    fn change(&self, account_id: &str, resource: &str, work: impl FnOnce(&mut JobProgress)) {
        let mut jobs = self.lock();
        let job = jobs
            .iter_mut()
            .rev()
            .find(|job| job.account_id == account_id && job.resource == resource);
        if let Some(job) = job {
            work(job);
        }
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JobProgress>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
