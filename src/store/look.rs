//! What igsync wrote down about its work, read back for whoever asks how it is: one look is one transaction, so that its parts belong
//! together while a run goes on. Each read follows an index: a database of years of nights is looked at as fast as a new one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::health::{self, CredentialRow, WarningRow, instant};
use super::record::{JobRow, PoolRow};
use super::{jobs, state};
use crate::clock::instant_text;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Names of jobs.
    pub jobs: &'a [&'a str],
    /// Names of resources.
    pub resources: &'a [&'static str],
    /// What runs that look for accounts are called.
    pub discovery: &'static str,
    /// Runs that were under way since then are added up.
    pub since: DateTime<Utc>,
}

/// One look at the `sync_…` tables. A database that knows nothing yet has nothing of anything.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Each account: id and username.
    pub accounts: Vec<(String, Option<String>)>,
    /// How accounts were last looked for.
    pub discovery: Option<Ended>,
    /// The last start of each job that was ever started.
    pub starts: Vec<LastStart>,
    /// What the daemon wrote about each configured job.
    pub jobs: Vec<JobRow>,
    /// Each account's resources that were ever begun.
    pub subjects: Vec<Subject>,
    /// Open gaps.
    pub gaps: Vec<GapCount>,
    /// Every pool.
    pub pools: Vec<PoolRow>,
    /// What the last check learned of each credential.
    pub credentials: Vec<CredentialRow>,
    /// What the last check found wrong.
    pub warnings: Vec<WarningRow>,
    /// Why the configuration that was read last is not in force.
    pub refused_configuration: Option<String>,
    /// What the runs that were looked for came to.
    pub totals: Totals,
    /// Calls of the runs that were looked for and began since.
    pub hours: Vec<PoolHour>,
}

/// Calls to a pool by runs that began within an hour.
#[derive(Clone, Debug)]
pub struct PoolHour {
    /// The pool.
    pub pool: String,
    /// When the hour began.
    pub at: DateTime<Utc>,
    /// Calls.
    pub calls: u64,
}

/// The last start of a job: each account's resource by its last run.
#[derive(Clone, Debug)]
pub struct LastStart {
    /// The job.
    pub job: String,
    /// When its first run began.
    pub started_at: DateTime<Utc>,
    /// When its last run ended; `None` while one has not.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many runs ended how.
    pub outcomes: BTreeMap<String, u64>,
    /// When the first suspended one can go on.
    pub resume_at: Option<DateTime<Utc>>,
    /// The last words of a run that was refused or failed.
    pub message: Option<String>,
}

/// An account's resource.
#[derive(Clone, Debug)]
pub struct Subject {
    /// IG User id.
    pub account_id: String,
    /// The resource.
    pub resource: &'static str,
    /// When it was last read to its end and nothing was missing.
    pub last_good_at: Option<DateTime<Utc>>,
    /// When it was last read to its end.
    pub last_read_at: Option<DateTime<Utc>>,
    /// When the first try of it ended.
    pub first_at: Option<DateTime<Utc>>,
    /// When it was last tried to the end, and how that ended.
    pub last: Option<Ended>,
    /// Since when it is being read.
    pub running_since: Option<DateTime<Utc>>,
}

/// How a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    /// When.
    pub finished_at: DateTime<Utc>,
    /// As `sync_runs.outcome` has it.
    pub outcome: String,
    /// What to know about it.
    pub message: Option<String>,
    /// When it can go on, where a budget ended it.
    pub resume_at: Option<DateTime<Utc>>,
}

/// Open gaps of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct GapCount {
    /// The account; `None`: of a credential.
    pub account_id: Option<String>,
    /// The resource.
    pub resource: String,
    /// Why, as `sync_gaps.reason` has it.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// What runs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Runs that began.
    pub runs: u64,
    /// Of these, runs that were refused.
    pub runs_refused: u64,
    /// Of these, runs that failed.
    pub runs_failed: u64,
    /// Requests sent.
    pub calls: u64,
    /// Of these, requests without a usable answer.
    pub calls_refused: u64,
    /// Rows that were new.
    pub rows_inserted: u64,
    /// Rows that differed.
    pub rows_changed: u64,
    /// Rows read and found as they were.
    pub rows_unchanged: u64,
}

/// Looks.
pub(super) fn look(connection: &Connection, wanted: &Wanted<'_>) -> rusqlite::Result<Look> {
    let transaction = connection.unchecked_transaction()?;
    let accounts = accounts(&transaction)?;
    let mut subjects = Vec::new();
    for (account_id, _) in &accounts {
        for resource in wanted.resources {
            subjects.extend(subject(&transaction, account_id, resource)?);
        }
    }
    let mut starts = Vec::new();
    for job in wanted.jobs {
        starts.extend(start(&transaction, job)?);
    }
    Ok(Look {
        accounts,
        discovery: last_run(&transaction, None, wanted.discovery)?,
        starts,
        jobs: jobs::all(&transaction)?,
        subjects,
        gaps: gaps(&transaction)?,
        pools: state::pools(&transaction)?,
        credentials: health::credentials(&transaction)?,
        warnings: health::warnings(&transaction)?,
        refused_configuration: health::refused_configuration(&transaction)?,
        totals: totals(&transaction, wanted.since)?,
        hours: hours(&transaction, wanted.since)?,
    })
}

pub(super) fn accounts(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    connection
        .prepare_cached("SELECT id, username FROM accounts ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn start(connection: &Connection, job: &str) -> rusqlite::Result<Option<LastStart>> {
    let began = connection
        .prepare_cached(
            "SELECT started_by, min(started_at), max(finished_at), count(*) = count(finished_at) FROM sync_runs
             WHERE job = ?1 AND started_by = (SELECT max(started_by) FROM sync_runs WHERE job = ?1)",
        )?
        .query_row([job], |row| {
            let started_by: Option<i64> = row.get(0)?;
            let over: bool = row.get(3)?;
            let finished_at = instant(row, 2)?.filter(|_| over);
            Ok(started_by.zip(instant(row, 1)?).map(|began| (began, finished_at)))
        })?;
    let Some(((started_by, started_at), finished_at)) = began else {
        return Ok(None);
    };
    let mut start = LastStart {
        job: job.to_owned(),
        started_at,
        finished_at,
        outcomes: BTreeMap::new(),
        resume_at: None,
        message: None,
    };
    let mut last_runs = connection.prepare_cached(
        "WITH latest AS (SELECT max(id) AS id FROM sync_runs WHERE job = ? AND started_by = ?
                         GROUP BY account_id, resource, range)
         SELECT outcome, count(*), min(resume_at), max(id) FROM sync_runs JOIN latest USING (id)
         GROUP BY outcome",
    )?;
    let mut rows = last_runs.query(params![job, started_by])?;
    let mut worst = None;
    while let Some(row) = rows.next()? {
        let outcome: String = row.get(0)?;
        if outcome == "suspended" {
            start.resume_at = instant(row, 2)?;
        }
        // An operator who is needed comes before what may get better by itself.
        if outcome == "refused" || outcome == "failed" && worst.is_none() {
            worst = Some(row.get::<_, i64>(3)?);
        }
        start
            .outcomes
            .insert(outcome, row.get::<_, i64>(1)?.cast_unsigned());
    }
    if let Some(run) = worst {
        start.message = connection
            .prepare_cached("SELECT message FROM sync_runs WHERE id = ?")?
            .query_row([run], |row| row.get(0))?;
    }
    Ok(Some(start))
}

fn subject(
    connection: &Connection,
    account_id: &str,
    resource: &'static str,
) -> rusqlite::Result<Option<Subject>> {
    let subject = params![account_id, resource];
    let last_at = |outcomes: &str| {
        let sql = format!(
            "SELECT max(finished_at) FROM sync_runs WHERE account_id = ? AND resource = ? AND range = ''
             AND outcome IN ({outcomes})"
        );
        connection
            .prepare_cached(&sql)?
            .query_row(subject, |row| instant(row, 0))
    };
    let running_since = connection
        .prepare_cached(
            "SELECT max(started_at) FROM sync_runs WHERE account_id = ? AND resource = ? AND finished_at IS NULL",
        )?
        .query_row(subject, |row| instant(row, 0))?;
    let last = last_run(connection, Some(account_id), resource)?;
    if last.is_none() && running_since.is_none() {
        return Ok(None);
    }
    let first_at = connection
        .prepare_cached(
            "SELECT min(finished_at) FROM sync_runs WHERE account_id = ? AND resource = ? AND finished_at IS NOT NULL",
        )?
        .query_row(subject, |row| instant(row, 0))?;
    Ok(Some(Subject {
        first_at,
        account_id: account_id.to_owned(),
        resource,
        last_good_at: last_at("'complete'")?,
        last_read_at: last_at("'complete', 'partial'")?,
        last,
        running_since,
    }))
}

/// The last run that ended; without an account, of what is no account's.
fn last_run(
    connection: &Connection,
    account_id: Option<&str>,
    resource: &str,
) -> rusqlite::Result<Option<Ended>> {
    connection
        .prepare_cached(
            "SELECT finished_at, outcome, message, resume_at FROM sync_runs
             WHERE account_id IS ? AND resource = ? AND finished_at IS NOT NULL
             ORDER BY finished_at DESC, id DESC LIMIT 1",
        )?
        .query_row(params![account_id, resource], |row| {
            Ok(Ended {
                finished_at: instant(row, 0)?.unwrap_or_default(),
                outcome: row.get(1)?,
                message: row.get(2)?,
                resume_at: instant(row, 3)?,
            })
        })
        .optional()
}

fn gaps(connection: &Connection) -> rusqlite::Result<Vec<GapCount>> {
    connection
        .prepare_cached(
            "SELECT account_id, resource, reason, count(*) FROM sync_gaps WHERE resolved_at IS NULL
             GROUP BY account_id, resource, reason ORDER BY account_id, resource, reason",
        )?
        .query_map([], |row| {
            Ok(GapCount {
                account_id: row.get(0)?,
                resource: row.get(1)?,
                reason: row.get(2)?,
                count: row.get::<_, i64>(3)?.cast_unsigned(),
            })
        })?
        .collect()
}

/// Which runs were under way since then, as the index on `finished_at` finds them.
const UNDER_WAY: &str = "(finished_at >= ?1 OR finished_at IS NULL)";

/// Calls by pool and hour. When within its run a call was made is not kept: it counts for the hour in which the run began.
fn hours(connection: &Connection, since: DateTime<Utc>) -> rusqlite::Result<Vec<PoolHour>> {
    connection
        .prepare_cached(&format!(
            "SELECT pool, strftime('%Y-%m-%dT%H:00:00Z', started_at), sum(sync_calls.calls)
             FROM sync_runs JOIN sync_calls ON run_id = id
             WHERE {UNDER_WAY} AND started_at >= ?1 GROUP BY 1, 2 ORDER BY 1, 2"
        ))?
        .query_map([instant_text(since)], |row| {
            Ok(PoolHour {
                pool: row.get(0)?,
                at: instant(row, 1)?.unwrap_or_default(),
                calls: row.get::<_, i64>(2)?.cast_unsigned(),
            })
        })?
        .collect()
}

/// Runs that were under way since then, all of each.
fn totals(connection: &Connection, since: DateTime<Utc>) -> rusqlite::Result<Totals> {
    let since = instant_text(since);
    let count = |row: &Row<'_>, column| {
        Ok(row
            .get::<_, Option<i64>>(column)?
            .map_or(0, i64::cast_unsigned))
    };
    let calls_refused = connection
        .prepare_cached(&format!(
            "SELECT sum(failed) FROM sync_runs JOIN sync_calls ON run_id = id WHERE {UNDER_WAY}"
        ))?
        .query_row([&since], |row| count(row, 0))?;
    connection
        .prepare_cached(&format!(
            "SELECT count(*), sum(outcome = 'refused'), sum(outcome = 'failed'), sum(calls),
                    sum(rows_inserted), sum(rows_changed), sum(rows_unchanged)
             FROM sync_runs WHERE {UNDER_WAY}"
        ))?
        .query_row([&since], |row| {
            Ok(Totals {
                runs: count(row, 0)?,
                runs_refused: count(row, 1)?,
                runs_failed: count(row, 2)?,
                calls: count(row, 3)?,
                calls_refused,
                rows_inserted: count(row, 4)?,
                rows_changed: count(row, 5)?,
                rows_unchanged: count(row, 6)?,
            })
        })
}
