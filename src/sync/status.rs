//! How igsync is: one value, read from the database alone, for people, scripts, monitoring and the web page.
//!
//! It holds with or without an igsync at work, and asks Meta nothing. What somebody should do about it is decided in `judge`.

mod judge;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::Serialize;

use super::job::{BACKFILL, DISCOVERY};
use super::pools::estimate;
use super::selection::Selection;
use crate::budget;
use crate::resource::RESOURCES;
use crate::schedule::Schedule;
use crate::store::{
    CredentialRow, Ended, GapCount, JobRow, Look, OpenError, PoolRow, Severity, Start, Store,
    Subject, Totals, Wanted, WarningRow,
};

pub use judge::Finding;
pub(super) use judge::credential as judge_credential;

/// What is looked at, as the configuration has it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The database.
    pub database: PathBuf,
    /// Jobs that run by themselves.
    pub jobs: Vec<WatchedJob>,
    /// Names of credentials.
    pub credentials: Vec<String>,
    /// Which accounts are meant.
    pub accounts: Selection,
    /// How pools are counted.
    pub budget: budget::Settings,
}

/// A configured job.
#[derive(Clone, Debug)]
pub struct WatchedJob {
    /// Its name.
    pub name: String,
    /// When it is due.
    pub schedule: Schedule,
    /// What it reads.
    pub resources: Vec<&'static str>,
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
    /// Each pool that something is known of.
    pub pools: Vec<PoolStatus>,
    /// Each credential of the configuration.
    pub credentials: Vec<CredentialStatus>,
    /// What the last check found wrong.
    pub warnings: Vec<WarningRow>,
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
    pub accounts: Option<u64>,
    /// See `accounts`.
    pub accounts_done: Option<u64>,
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
        let mut gaps = BTreeMap::new();
        for gap in &look.gaps {
            *gaps.entry(gap.reason.clone()).or_default() += gap.count;
        }
        let pool = |row| pool(&watched.budget, row, now);
        let mut known = look.accounts;
        known.retain(|(id, username)| watched.accounts.means(id, username.as_deref()));
        Self {
            at: now,
            severity: Severity::Ok,
            headline: String::new(),
            findings: Vec::new(),
            database: watched.database.clone(),
            database_is_known: false,
            held_by,
            jobs: jobs(watched, &look.starts, &look.jobs, is_held, now),
            accounts: accounts(known, look.subjects, &look.gaps, is_held),
            discovery: look.discovery,
            gaps,
            pools: look.pools.into_iter().filter_map(pool).collect(),
            credentials: credentials(watched, look.credentials, now),
            warnings: look.warnings,
            last_day: look.totals,
        }
    }
}

fn jobs(
    watched: &Watched,
    starts: &[Start],
    rows: &[JobRow],
    is_held: bool,
    now: DateTime<Utc>,
) -> Vec<JobStatus> {
    let status = |name: &str| {
        let start = starts.iter().find(|start| start.job == name);
        let row = rows.iter().find(|row| row.job == name);
        let finished_at = start.and_then(|start| start.finished_at);
        let is_running = is_held && start.is_some() && finished_at.is_none();
        let at_work = row.filter(|_| is_running);
        JobStatus {
            job: name.to_owned(),
            started_at: start.map(|start| start.started_at),
            finished_at,
            is_running,
            outcomes: start
                .map(|start| start.outcomes.clone())
                .unwrap_or_default(),
            resume_at: start.and_then(|start| start.resume_at),
            message: start.and_then(|start| start.message.clone()),
            accounts: at_work.map(|row| row.accounts),
            accounts_done: at_work.map(|row| row.accounts_done),
            next_at: None,
            overdue_since: None,
            stale_before: None,
            resources: Vec::new(),
        }
    };
    let mut jobs: Vec<JobStatus> = Vec::new();
    for job in &watched.jobs {
        let row = rows.iter().find(|row| row.job == job.name);
        let mut status = status(&job.name);
        status.next_at = job.schedule.next_after(now);
        status.resources.clone_from(&job.resources);
        status.stale_before = judge::stale_before(&job.schedule, now);
        if !status.is_running {
            let owed = row.and_then(|row| row.next_due_at);
            status.overdue_since = judge::overdue(&job.schedule, status.started_at, owed, now);
        }
        jobs.push(status);
    }
    let backfill = status(BACKFILL);
    if backfill.started_at.is_some() {
        jobs.push(backfill);
    }
    jobs
}

fn accounts(
    accounts: Vec<(String, Option<String>)>,
    subjects: Vec<Subject>,
    gaps: &[GapCount],
    is_held: bool,
) -> Vec<AccountStatus> {
    let mut open: BTreeMap<(&str, &str), BTreeMap<String, u64>> = BTreeMap::new();
    for gap in gaps {
        let account_id = gap.account_id.as_deref().unwrap_or_default();
        let reasons = open.entry((account_id, &gap.resource)).or_default();
        reasons.insert(gap.reason.clone(), gap.count);
    }
    let mut by_account: BTreeMap<String, Vec<ResourceStatus>> = BTreeMap::new();
    for subject in subjects {
        let gaps = open.get(&(subject.account_id.as_str(), subject.resource));
        let status = ResourceStatus {
            resource: subject.resource,
            last_good_at: subject.last_good_at,
            last_read_at: subject.last_read_at,
            first_at: subject.first_at,
            last: subject.last,
            running_since: subject.running_since.filter(|_| is_held),
            gaps: gaps.cloned().unwrap_or_default(),
        };
        by_account
            .entry(subject.account_id)
            .or_default()
            .push(status);
    }
    accounts
        .into_iter()
        .map(|(id, username)| AccountStatus {
            resources: by_account.remove(&id).unwrap_or_default(),
            id,
            username,
        })
        .collect()
}

fn pool(settings: &budget::Settings, row: PoolRow, now: DateTime<Utc>) -> Option<PoolStatus> {
    let (pool, told, told_at) = (row.pool.clone(), row.gauges, row.observed_at);
    let (state, estimate) = estimate(settings, row, now)?;
    let closed = state.block.closed.filter(|closed| closed.until > now);
    let (closed_until, closed_why) = closed.map(|closed| (closed.until, closed.why)).unzip();
    let rise = |(start, calls, count, cpu, time)| {
        Some(Rise {
            at: DateTime::from_timestamp_millis(start)?,
            calls,
            gauges: [count, cpu, time],
        })
    };
    Some(PoolStatus {
        pool,
        told,
        told_at,
        estimate,
        ceiling_percent: settings.ceiling_percent,
        closed_until,
        closed_why,
        own_calls: state.own_calls,
        rises: state.ledger.spent.into_iter().filter_map(rise).collect(),
    })
}

fn credentials(
    watched: &Watched,
    rows: Vec<CredentialRow>,
    now: DateTime<Utc>,
) -> Vec<CredentialStatus> {
    let days = |until: Option<DateTime<Utc>>| until.map(|until| (until - now).num_days());
    let mut rows: BTreeMap<String, CredentialRow> = rows
        .into_iter()
        .map(|row| (row.credential.clone(), row))
        .collect();
    watched
        .credentials
        .iter()
        .map(|name| {
            let checked = rows.remove(name);
            CredentialStatus {
                credential: name.clone(),
                days_left: days(checked.as_ref().and_then(|row| row.expires_at)),
                data_access_days_left: days(
                    checked.as_ref().and_then(|row| row.data_access_expires_at),
                ),
                checked,
            }
        })
        .collect()
}
