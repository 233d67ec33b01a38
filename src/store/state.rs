//! The `sync_…` tables: runs, checkpoints, gaps, pools, calls.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::table::{Row, Written};
use crate::clock::{instant_text, parse_instant};

/// What one page brought, to be written in one transaction.
#[derive(Debug)]
pub struct Commit {
    /// The run that read it.
    pub run: i64,
    /// When it was read.
    pub at: DateTime<Utc>,
    /// How many pages this is: 1, or 0 when only state is written.
    pub pages: u32,
    /// What it says.
    pub rows: Vec<Row>,
    /// Where the job stands after it.
    pub checkpoint: Option<Checkpoint>,
    /// What turned out to be missing.
    pub gaps: Vec<Gap>,
    /// Calls spent since the last commit.
    pub calls: Vec<CallCount>,
    /// The pools as they stand.
    pub pools: Vec<PoolRow>,
}

/// Names a job's place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointKey {
    /// `backfill`, or the name of a configured job.
    pub job: String,
    /// The account.
    pub account_id: String,
    /// The resource.
    pub resource: &'static str,
    /// Empty, or the days asked for.
    pub range: String,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which job.
    pub key: CheckpointKey,
    /// Where the next page begins; `None` at the top of the list.
    pub cursor: Option<String>,
    /// Pages committed since `started_at`.
    pub pages: u32,
    /// When this pass over the list began.
    pub started_at: DateTime<Utc>,
    /// When the pass ended; `None` while pages are left.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// This app, account or post does not have it.
    NotApplicable,
    /// The API does not accept the question.
    Refused,
    /// Too few people for Meta to tell.
    TooFewViewers,
    /// Posted before the account became professional.
    BeforeConversion,
    /// A permission, task or feature is missing.
    NoPermission,
    /// A budget was used up.
    RateLimited,
    /// It was only there for a time.
    Expired,
    /// It is not there any more, or not for this token.
    Gone,
    /// The API shows no older entries.
    ListLimit,
    /// An answer that breaks the API's own rules.
    Unreadable,
    /// No answer.
    Failed,
}

impl Reason {
    /// As `sync_gaps.reason` has it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Refused => "refused",
            Self::TooFewViewers => "too_few_viewers",
            Self::BeforeConversion => "before_conversion",
            Self::NoPermission => "no_permission",
            Self::RateLimited => "rate_limited",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::ListLimit => "list_limit",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The account; `None` for every account of this app.
    pub account_id: Option<String>,
    /// The resource.
    pub resource: &'static str,
    /// The object; `None` for the whole resource.
    pub object_id: Option<String>,
    /// The field; `None` for all of the object.
    pub field: Option<String>,
    /// Why.
    pub reason: Reason,
    /// In words, without secrets.
    pub detail: String,
}

/// Calls of one endpoint in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// The pool, as in `sync_pools`.
    pub pool: String,
    /// The endpoint.
    pub endpoint: &'static str,
    /// Requests sent.
    pub calls: u32,
    /// Of these, requests without a usable answer.
    pub failed: u32,
}

/// What is known of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRow {
    /// Its name.
    pub pool: String,
    /// The three gauges in percent: calls, CPU time, wall time.
    pub gauges: Option<[f64; 3]>,
    /// When Meta told them.
    pub observed_at: Option<DateTime<Utc>>,
    /// No call before this.
    pub closed_until: Option<DateTime<Utc>>,
    /// What closed it.
    pub closed_why: Option<String>,
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The first run of the same start; `None` for that run itself.
    pub started_by: Option<i64>,
    /// `backfill`, or the name of a configured job.
    pub job: String,
    /// The account; `None` for discovery.
    pub account_id: Option<String>,
    /// The resource.
    pub resource: &'static str,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a run ended. The variants are explained at `sync_runs.outcome` in `schema.sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is in the database.
    Complete,
    /// Something is missing, and `sync_gaps` says what.
    Partial,
    /// An operator is needed: token, permission, or a block by Meta.
    Refused,
    /// A budget is used up until then.
    Suspended(DateTime<Utc>),
    /// A signal ended it.
    Stopped,
    /// No answer that can be read.
    Failed,
}

impl Outcome {
    /// As `sync_runs.outcome` has it.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Suspended(_) => "suspended",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing is left to be gone on with: the pass over the list is over, for good or bad.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Complete | Self::Partial | Self::Refused)
    }
}

/// A run that ends.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// Which run.
    pub run: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What to know about it.
    pub message: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Fields that were asked for and answered: gaps that name them are closed.
    pub asked: Vec<String>,
}

fn opt(instant: Option<DateTime<Utc>>) -> Option<String> {
    instant.map(instant_text)
}

/// Writes everything of a commit but its rows.
pub(super) fn record(
    connection: &Connection,
    commit: &Commit,
    written: &[(&'static str, Written)],
) -> rusqlite::Result<()> {
    if let Some(checkpoint) = &commit.checkpoint {
        write_checkpoint(connection, checkpoint, commit.at)?;
    }
    for gap in &commit.gaps {
        write_gap(connection, gap, commit.at)?;
    }
    for calls in &commit.calls {
        write_calls(connection, commit.run, calls)?;
    }
    for pool in &commit.pools {
        write_pool(connection, pool)?;
    }
    let mut rows = Written::default();
    for (_, one) in written {
        rows += *one;
    }
    let calls: u32 = commit.calls.iter().map(|count| count.calls).sum();
    connection
        .prepare_cached(
            "UPDATE sync_runs SET pages = pages + ?, calls = calls + ?, rows_inserted = rows_inserted + ?,
             rows_changed = rows_changed + ?, rows_unchanged = rows_unchanged + ? WHERE id = ?",
        )?
        .execute(params![
            commit.pages,
            calls,
            rows.inserted.cast_signed(),
            rows.changed.cast_signed(),
            rows.unchanged.cast_signed(),
            commit.run
        ])?;
    Ok(())
}

fn write_checkpoint(
    connection: &Connection,
    checkpoint: &Checkpoint,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_checkpoints
             (job, account_id, resource, range, cursor, pages, started_at, updated_at, finished_at)
             VALUES (:job, :account_id, :resource, :range, :cursor, :pages, :started_at, :at, :finished_at)
             ON CONFLICT DO UPDATE SET cursor = :cursor, pages = :pages, started_at = :started_at,
             updated_at = :at, finished_at = :finished_at",
        )?
        .execute(named_params! {
            ":job": checkpoint.key.job,
            ":account_id": checkpoint.key.account_id,
            ":resource": checkpoint.key.resource,
            ":range": checkpoint.key.range,
            ":cursor": checkpoint.cursor,
            ":pages": checkpoint.pages,
            ":started_at": instant_text(checkpoint.started_at),
            ":at": instant_text(at),
            ":finished_at": opt(checkpoint.finished_at),
        })?;
    Ok(())
}

fn write_gap(connection: &Connection, gap: &Gap, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_gaps
             (account_id, resource, object_id, field, reason, detail, first_seen_at, last_seen_at)
             VALUES (:account_id, :resource, :object_id, :field, :reason, :detail, :at, :at)
             ON CONFLICT (ifnull(account_id, ''), resource, ifnull(object_id, ''), ifnull(field, ''), reason)
             DO UPDATE SET detail = :detail, last_seen_at = :at, resolved_at = NULL",
        )?
        .execute(named_params! {
            ":account_id": gap.account_id,
            ":resource": gap.resource,
            ":object_id": gap.object_id,
            ":field": gap.field,
            ":reason": gap.reason.text(),
            ":detail": gap.detail,
            ":at": instant_text(at),
        })?;
    Ok(())
}

fn write_calls(connection: &Connection, run: i64, calls: &CallCount) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_calls (run_id, pool, endpoint, calls, failed) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET calls = calls + ?4, failed = failed + ?5",
        )?
        .execute(params![
            run,
            calls.pool,
            calls.endpoint,
            calls.calls,
            calls.failed
        ])?;
    Ok(())
}

fn write_pool(connection: &Connection, pool: &PoolRow) -> rusqlite::Result<()> {
    let gauge = |at: usize| pool.gauges.map(|gauges| gauges[at]);
    connection
        .prepare_cached(
            "INSERT INTO sync_pools
             (pool, call_count, total_cputime, total_time, observed_at, closed_until, closed_why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET call_count = ?2, total_cputime = ?3, total_time = ?4,
             observed_at = ?5, closed_until = ?6, closed_why = ?7",
        )?
        .execute(params![
            pool.pool,
            gauge(0),
            gauge(1),
            gauge(2),
            opt(pool.observed_at),
            opt(pool.closed_until),
            pool.closed_why
        ])?;
    Ok(())
}

pub(super) fn begin_run(connection: &Connection, run: &NewRun) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO sync_runs (started_by, job, account_id, resource, started_at, outcome)
             VALUES (ifnull(?1, (SELECT ifnull(max(id), 0) + 1 FROM sync_runs)), ?2, ?3, ?4, ?5, 'running')",
        )?
        .execute(params![
            run.started_by,
            run.job,
            run.account_id,
            run.resource,
            instant_text(run.at)
        ])?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn close_interrupted_runs(
    connection: &Connection,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE sync_runs SET outcome = 'interrupted', finished_at = ?,
         message = 'the process ended without a word; committed pages are kept'
         WHERE outcome = 'running'",
        [instant_text(at)],
    )?;
    Ok(())
}

pub(super) fn finish_run(connection: &Connection, run: &FinishedRun) -> rusqlite::Result<()> {
    let resume_at = match run.outcome {
        Outcome::Suspended(until) => Some(instant_text(until)),
        _ => None,
    };
    connection
        .prepare_cached(
            "UPDATE sync_runs SET finished_at = ?, outcome = ?, message = ?, resume_at = ? WHERE id = ?",
        )?
        .execute(params![
            instant_text(run.at),
            run.outcome.text(),
            run.message,
            resume_at,
            run.run
        ])?;
    if matches!(run.outcome, Outcome::Complete | Outcome::Partial) {
        resolve_gaps(connection, run)?;
    }
    Ok(())
}

/// Closes the gaps of the run's account and resource that the run did not meet again, and those of every
/// account that name a field which was answered now.
fn resolve_gaps(connection: &Connection, run: &FinishedRun) -> rusqlite::Result<()> {
    let asked = serde_json::to_string(&run.asked).unwrap_or_else(|_| "[]".to_owned());
    connection
        .prepare_cached(
            "UPDATE sync_gaps SET resolved_at = ?1
             FROM (SELECT account_id AS account, resource AS resource, started_at AS began
                   FROM sync_runs WHERE id = ?2) AS run
             WHERE resolved_at IS NULL AND sync_gaps.resource = run.resource AND last_seen_at < run.began
               AND ((account_id IS run.account AND field IS NULL)
                    OR field IN (SELECT value FROM json_each(?3)))",
        )?
        .execute(params![instant_text(run.at), run.run, asked])?;
    Ok(())
}

pub(super) fn checkpoint(
    connection: &Connection,
    key: CheckpointKey,
) -> rusqlite::Result<Option<Checkpoint>> {
    let stored = connection
        .prepare_cached(
            "SELECT cursor, pages, started_at, finished_at FROM sync_checkpoints
             WHERE job = ? AND account_id = ? AND resource = ? AND range = ?",
        )?
        .query_row(
            params![key.job, key.account_id, key.resource, key.range],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, Option<String>>(3)?,
                ))
            },
        )
        .optional()?;
    Ok(stored.and_then(|(cursor, pages, started_at, finished_at)| {
        Some(Checkpoint {
            key,
            cursor,
            pages,
            started_at: parse_instant(&started_at)?,
            finished_at: finished_at.as_deref().and_then(parse_instant),
        })
    }))
}

pub(super) fn refused_fields(
    connection: &Connection,
    resource: &str,
    since: DateTime<Utc>,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT field FROM sync_gaps
             WHERE resource = ? AND account_id IS NULL AND object_id IS NULL AND field IS NOT NULL
               AND resolved_at IS NULL AND last_seen_at >= ? ORDER BY field",
        )?
        .query_map(params![resource, instant_text(since)], |row| row.get(0))?
        .collect()
}

pub(super) fn pools(connection: &Connection) -> rusqlite::Result<Vec<PoolRow>> {
    let instant = |text: Option<String>| text.as_deref().and_then(parse_instant);
    connection
        .prepare_cached(
            "SELECT pool, call_count, total_cputime, total_time, observed_at, closed_until, closed_why
             FROM sync_pools",
        )?
        .query_map([], |row| {
            let gauge = |at| row.get::<_, Option<f64>>(at);
            let gauges = match (gauge(1)?, gauge(2)?, gauge(3)?) {
                (Some(calls), Some(cpu), Some(time)) => Some([calls, cpu, time]),
                _ => None,
            };
            Ok(PoolRow {
                pool: row.get(0)?,
                gauges,
                observed_at: instant(row.get(4)?),
                closed_until: instant(row.get(5)?),
                closed_why: row.get(6)?,
            })
        })?
        .collect()
}
