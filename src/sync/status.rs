//! How igsync is: one value, read from the database alone, for people, scripts, monitoring and the web page.
//!
//! It holds with or without an igsync at work, and asks Meta nothing. What somebody should do about it is decided in `judge`.

mod judge;
mod parts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::Serialize;

use super::job::{BACKFILL, DISCOVERY};
use super::selection::Selection;
use super::start::Configured;
use crate::budget;
use crate::resource::RESOURCES;
use crate::store::{
    CredentialRow, Ended, GapCount, Look, OpenError, Severity, Store, Totals, Wanted, WarningRow,
};

pub use judge::Finding;
pub(super) use judge::{credential as judge_credential, headline};

/// What is looked at, as the configuration has it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The database.
    pub database: PathBuf,
    /// Jobs that run by themselves.
    pub jobs: Vec<Configured>,
    /// Names of credentials.
    pub credentials: Vec<String>,
    /// Which accounts are meant.
    pub accounts: Selection,
    /// How pools are counted.
    pub budget: budget::Settings,
}

/// How igsync is.
#[derive(Debug, Serialize)]
pub struct Status {
    /// When this was so.
    pub at: DateTime<Utc>,
    /// The worst of the findings.
    pub severity: Severity,
    /// One line: what to do, or that all is well and what comes next.
    pub headline: String,
    /// What somebody should know, the worst first.
    pub findings: Vec<Finding>,
    /// The database.
    pub database: PathBuf,
    /// Whether it is there and of this version.
    pub database_is_known: bool,
    /// Which igsync writes to it right now.
    pub held_by: Option<String>,
    /// Jobs of the configuration, and the backfill if there ever was one.
    pub jobs: Vec<JobStatus>,
    /// Each account that was ever found and that the configuration means.
    pub accounts: Vec<AccountStatus>,
    /// How accounts were last looked for.
    pub discovery: Option<Ended>,
    /// Open gaps by reason, all accounts together.
    pub gaps: BTreeMap<String, u64>,
    /// Those of them that are no account's: of discovery, of tokens.
    pub gaps_of_no_account: Vec<GapCount>,
    /// Each pool that something is known of.
    pub pools: Vec<PoolStatus>,
    /// Each credential of the configuration.
    pub credentials: Vec<CredentialStatus>,
    /// What the last check found wrong.
    pub warnings: Vec<WarningRow>,
    /// Why the igsync at work goes on with an older configuration than the one that was read last.
    pub refused_configuration: Option<String>,
    /// What runs came to that were under way in the last 24 hours.
    pub last_day: Totals,
}

/// A job.
#[derive(Debug, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub job: String,
    /// When its last start began.
    pub started_at: Option<DateTime<Utc>>,
    /// When that ended; nothing while it is at work, and after it was interrupted.
    pub finished_at: Option<DateTime<Utc>>,
    /// Whether it is at work.
    pub is_running: bool,
    /// How many runs of that start ended how.
    pub outcomes: BTreeMap<String, u64>,
    /// When the first suspended one can go on.
    pub resume_at: Option<DateTime<Utc>>,
    /// The last words of a run that was refused or failed.
    pub message: Option<String>,
    /// Accounts of the start at work, and those of them that are done, where the daemon runs it.
    pub accounts: Option<u32>,
    /// See `accounts`.
    pub accounts_done: Option<u32>,
    /// When the schedule wants it next.
    pub next_at: Option<DateTime<Utc>>,
    /// The time of the schedule at which it should have begun and did not.
    pub overdue_since: Option<DateTime<Utc>>,
    /// What was read last before this is stale. Nothing for a backfill, which has no schedule.
    pub stale_before: Option<DateTime<Utc>>,
    /// What it reads.
    pub resources: Vec<&'static str>,
}

/// An account.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// IG User id.
    pub id: String,
    /// Handle without `@`.
    pub username: Option<String>,
    /// Each resource that was ever begun, in the order in which they are read.
    pub resources: Vec<ResourceStatus>,
}

impl AccountStatus {
    /// What to call it in front of people.
    pub fn label(&self) -> &str {
        self.username.as_deref().unwrap_or(&self.id)
    }
}

/// A resource of an account.
#[derive(Debug, Serialize)]
pub struct ResourceStatus {
    /// Its name.
    pub resource: &'static str,
    /// When it was last read to its end and nothing was missing.
    pub last_good_at: Option<DateTime<Utc>>,
    /// When it was last read to its end.
    pub last_read_at: Option<DateTime<Utc>>,
    /// When the first try of it ended.
    pub first_at: Option<DateTime<Utc>>,
    /// The last run that ended.
    pub last: Option<Ended>,
    /// Since when it is being read.
    pub running_since: Option<DateTime<Utc>>,
    /// Open gaps by reason.
    pub gaps: BTreeMap<String, u64>,
}

/// A pool. Gauges are calls, CPU time and wall time, in percent of what Meta allows.
#[derive(Debug, Serialize)]
pub struct PoolStatus {
    /// Its name.
    pub pool: String,
    /// As Meta last told.
    pub told: Option<[f32; 3]>,
    /// When it did.
    pub told_at: Option<DateTime<Utc>>,
    /// As far as can be known now.
    pub estimate: [f32; 3],
    /// Up to where igsync uses it.
    pub ceiling_percent: u8,
    /// No call before this.
    pub closed_until: Option<DateTime<Utc>>,
    /// What closed it.
    pub closed_why: Option<String>,
    /// Own calls inside the window, when last recorded.
    pub own_calls: u64,
    /// How far it rose in the window, oldest first.
    pub rises: Vec<Rise>,
    /// Own calls of the last 24 hours by the hour in which their run began, oldest first; the last one is the present hour.
    pub hours: Vec<u64>,
}

/// What happened to a pool in a slice of its window.
#[derive(Debug, Serialize)]
pub struct Rise {
    /// When the slice began.
    pub at: DateTime<Utc>,
    /// Own calls.
    pub calls: u32,
    /// How far each gauge rose, in percent points, whoever spent it.
    pub gauges: [f32; 3],
}

/// A credential.
#[derive(Debug, Serialize)]
pub struct CredentialStatus {
    /// Its name.
    pub credential: String,
    /// What the last check learned; nothing before the first.
    pub checked: Option<CredentialRow>,
    /// Whole days until it ends; nothing when it never does, or nobody knows.
    pub days_left: Option<i64>,
    /// Whole days until it ceases to read.
    pub data_access_days_left: Option<i64>,
}

impl Status {
    /// Looks at the database as it is `now`.
    ///
    /// # Errors
    /// [`OpenError`] for a file that cannot be read or is none of ours. One that is missing or older is a finding.
    pub fn read(watched: &Watched, now: DateTime<Utc>) -> Result<Self, OpenError> {
        let now = now.trunc_subsecs(0);
        let resources: Vec<&'static str> = RESOURCES.iter().map(|resource| resource.name).collect();
        let mut jobs: Vec<&str> = watched.jobs.iter().map(|job| job.name.as_str()).collect();
        jobs.push(BACKFILL);
        // Who holds it is asked first: what runs then is seen as running, or has ended meanwhile.
        let held_by = Store::holder(&watched.database);
        let peek = Store::watch(&watched.database)?;
        let look = peek.look(&Wanted {
            jobs: &jobs,
            resources: &resources,
            discovery: DISCOVERY,
            since: now - TimeDelta::days(1),
        })?;
        let mut status = Self::of(watched, look, held_by, now);
        status.database_is_known = peek.is_known();
        judge::judge(&mut status, watched.database.exists());
        Ok(status)
    }

    fn of(watched: &Watched, look: Look, held_by: Option<String>, now: DateTime<Utc>) -> Self {
        let is_held = held_by.is_some();
        let holder = held_by.as_deref();
        let mut gaps = BTreeMap::new();
        for gap in &look.gaps {
            *gaps.entry(gap.reason.clone()).or_default() += gap.count;
        }
        let of_no_account = look.gaps.iter().filter(|gap| gap.account_id.is_none());
        let of_no_account = of_no_account.cloned().collect();
        let pool = |row| parts::pool(&watched.budget, row, &look.hours, now);
        let mut known = look.accounts;
        known.retain(|(id, username)| watched.accounts.means(id, username.as_deref()));
        Self {
            at: now,
            severity: Severity::Ok,
            headline: String::new(),
            findings: Vec::new(),
            database: watched.database.clone(),
            database_is_known: false,
            jobs: parts::jobs(watched, &look.starts, &look.jobs, holder, now),
            held_by,
            accounts: parts::accounts(known, look.subjects, &look.gaps, is_held),
            discovery: look.discovery,
            gaps,
            gaps_of_no_account: of_no_account,
            pools: look.pools.into_iter().filter_map(pool).collect(),
            credentials: parts::credentials(watched, look.credentials, now),
            warnings: look.warnings,
            // What a process that is gone did not take over is read by the next one.
            refused_configuration: look.refused_configuration.filter(|_| is_held),
            last_day: look.totals,
        }
    }
}
