//! What happened, as values: per job, and all together.

use chrono::{DateTime, Utc};

use super::discovery::Problem;
use super::job::Job;
use crate::graph::{Credential, Error, Reaction};
use crate::resource::Resource;
use crate::store::{CallCount, Outcome, Written};

/// What became of one job.
#[derive(Clone, Debug)]
pub struct JobReport {
    /// IG User id.
    pub account_id: String,
    /// What to call the account.
    pub account: String,
    /// The resource.
    pub resource: &'static str,
    /// Whether it went on where an earlier start stopped.
    pub resumed: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The last thing that went wrong; `None` after a complete run.
    pub message: Option<String>,
    /// Whether nothing else of the account is worth asking until an operator acts.
    pub leaves_account: bool,
    /// Pages committed.
    pub pages: u64,
    /// Objects read.
    pub objects: u64,
    /// Requests sent, retries included.
    pub calls: u64,
    /// Requests expected when it began.
    pub forecast_calls: Option<u64>,
    /// Rows that turned out to be deleted.
    pub deleted: u64,
    /// Gaps noted.
    pub gaps: usize,
    /// What became of the rows of each table.
    pub tables: Vec<(&'static str, Written)>,
}

impl JobReport {
    pub(super) fn new(job: &Job, resumed: bool) -> Self {
        Self {
            account_id: job.account.id.clone(),
            account: job.account.label().to_owned(),
            resource: job.resource.name,
            resumed,
            outcome: Outcome::Failed,
            message: None,
            leaves_account: false,
            pages: 0,
            objects: 0,
            calls: 0,
            forecast_calls: job.forecast_calls,
            deleted: 0,
            gaps: 0,
            tables: Vec::new(),
        }
    }

    /// Which job of a start it speaks of.
    pub(super) fn subject(&self) -> (String, &'static str) {
        (self.account_id.clone(), self.resource)
    }

    pub(super) fn spent(&mut self, calls: &[CallCount]) {
        self.calls += calls
            .iter()
            .map(|count| u64::from(count.calls))
            .sum::<u64>();
    }

    pub(super) fn wrote(&mut self, written: &[(&'static str, Written)], objects: usize) {
        self.pages += 1;
        self.objects += objects as u64;
        self.take_in(written);
    }

    fn take_in(&mut self, written: &[(&'static str, Written)]) {
        for (table, more) in written {
            match self.tables.iter_mut().find(|(name, _)| name == table) {
                Some((_, sum)) => *sum += *more,
                None => self.tables.push((table, *more)),
            }
        }
    }

    /// Whether the forecast was wrong by more than a quarter: too low, or too high for a job that came to its end.
    pub fn is_unforeseen(&self) -> bool {
        let came_to_its_end = matches!(self.outcome, Outcome::Complete | Outcome::Partial);
        self.forecast_calls.is_some_and(|forecast| {
            self.calls * 4 > forecast * 5 || came_to_its_end && self.calls * 4 < forecast * 3
        })
    }

    /// Takes in what became of the same job earlier in the same start, before its pool closed.
    pub(super) fn go_on_from(&mut self, earlier: Self) {
        self.resumed = earlier.resumed;
        self.pages += earlier.pages;
        self.objects += earlier.objects;
        self.calls += earlier.calls;
        self.forecast_calls = earlier.forecast_calls;
        self.deleted += earlier.deleted;
        self.gaps += earlier.gaps;
        let later = std::mem::replace(&mut self.tables, earlier.tables);
        self.take_in(&later);
    }

    /// What became of the rows of all tables.
    pub fn rows(&self) -> Written {
        let mut rows = Written::default();
        for (_, one) in &self.tables {
            rows += *one;
        }
        rows
    }
}

/// What became of everything that was asked for.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Calls that discovery spent.
    pub discovery_calls: u64,
    /// What discovery found wrong.
    pub problems: Vec<Problem>,
    /// Pages without a linked account, which is no error.
    pub unlinked_pages: Vec<String>,
    /// Names in the configuration that no token reaches.
    pub unreached: Vec<String>,
    /// Accounts that were read before and that no token reaches any more.
    pub lost: Vec<String>,
    /// Names in `accounts.exclude` that no token reaches: mistyped, or gone.
    pub not_excluded: Vec<String>,
    /// Whether there is no account to read at all.
    pub nothing_to_read: bool,
    /// Jobs that an earlier start had finished already, as `account resource`.
    pub done_before: Vec<String>,
    /// Those of them that left something missing.
    pub partial_before: Vec<String>,
    /// The jobs, in the order of accounts and resources.
    pub jobs: Vec<JobReport>,
    /// The version that answered, where it is not the one that was asked for.
    pub served_instead: Option<String>,
    /// Whether a signal ended it before every job began.
    pub stopped: bool,
}

/// The one thing to know about a summary. Exit codes follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that was asked for is in the database.
    Complete,
    /// Nothing useful was done.
    Failed,
    /// Something is missing.
    Partial,
    /// A budget is used up; it can go on then.
    Suspended(DateTime<Utc>),
    /// An operator is needed.
    OperatorNeeded,
}

impl Summary {
    /// What it comes to. The worst thing that a person can do something about wins.
    pub fn verdict(&self) -> Verdict {
        let any = |wanted: fn(&Outcome) -> bool| self.jobs.iter().any(|job| wanted(&job.outcome));
        let resume_at = self
            .jobs
            .iter()
            .filter_map(|job| match job.outcome {
                Outcome::Suspended(until) => Some(until),
                _ => None,
            })
            .chain(self.problems.iter().filter_map(|problem| problem.resume_at))
            .min();
        // Tokens that could not be asked may reach what is missing.
        let asked = self.problems.is_empty();
        let operator = self.problems.iter().any(|problem| problem.operator)
            || asked
                && (self.nothing_to_read || !self.unreached.is_empty() || !self.lost.is_empty());
        let useful = self.jobs.iter().any(|job| job.pages > 0) || !self.done_before.is_empty();
        if operator || any(|outcome| *outcome == Outcome::Refused) {
            Verdict::OperatorNeeded
        } else if let Some(until) = resume_at {
            Verdict::Suspended(until)
        } else if self.problems.is_empty()
            && self.partial_before.is_empty()
            && !self.stopped
            && self.jobs.iter().all(|job| job.outcome == Outcome::Complete)
        {
            Verdict::Complete
        } else if useful || self.stopped || any(|outcome| *outcome == Outcome::Stopped) {
            Verdict::Partial
        } else {
            Verdict::Failed
        }
    }
}

/// What a person can do about an error of this job; empty when there is nothing to be done.
pub(super) fn hint(resource: &Resource, error: &Error, credential: &Credential) -> String {
    match error.reaction() {
        Reaction::Disable => format!(
            "; reading {} needs {} and {}: `igsync check` says what is missing",
            resource.name,
            resource.permissions.join(", "),
            resource.also_needs()
        ),
        Reaction::StopCredential => hint_about_token(error, credential),
        Reaction::Block => {
            "; Meta blocks the app: see the app dashboard before starting again".to_owned()
        }
        Reaction::DisableAccount => {
            "; log in to this account on Instagram and see what it asks for".to_owned()
        }
        Reaction::Mistake => "; this is a mistake of igsync's: please report it".to_owned(),
        _ => String::new(),
    }
}

/// What a person can do where nothing is answered with this token.
pub(super) fn hint_about_token(error: &Error, credential: &Credential) -> String {
    let (name, after) = (credential.name(), credential.after_replacement());
    if error.is_about_the_version() {
        "; set a newer `graph.version` in the configuration, or install a newer igsync".to_owned()
    } else if error.is_about_the_app_secret() {
        format!(
            "; put the secret of the app that the token was made for into app_secret_file of credential {name}, {after}"
        )
    } else {
        format!("; replace the token of credential {name}, {after}")
    }
}
