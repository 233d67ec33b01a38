//! SQL of `sync_jobs`, and what the daemon asks beside it.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, named_params, params};

use super::ending::Outcome;
use super::look;
use super::record::{CheckpointKey, JobRow};
use super::{Store, StoreError};
use crate::clock::{instant_text, parse_instant};

impl Store {
    /// The jobs of the configuration, as far as an igsync has seen them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        self.call("read jobs", |connection| all(connection)).await
    }

    /// Writes where a job stands.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn write_job(&self, job: JobRow) -> Result<(), StoreError> {
        self.write("record a job", move |connection| write(connection, &job))
            .await
    }

    /// Forgets jobs with other names.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn keep_jobs(&self, names: Vec<String>) -> Result<(), StoreError> {
        self.write("forget jobs", move |connection| keep(connection, &names))
            .await
    }

    /// Ends the record of a job's runs that cannot end it themselves.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn close_runs(
        &self,
        key: CheckpointKey,
        outcome: Outcome,
        message: String,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write("record the end of a run", move |connection| {
            close_runs(connection, &key, &outcome, &message, at)
        })
        .await
    }

    /// The accounts that were read, with their handles.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(&self) -> Result<Vec<(String, Option<String>)>, StoreError> {
        self.call("read accounts", |connection| look::accounts(connection))
            .await
    }

    /// Those of the accounts with stories that are shown and were not read in their last hour, and when the first of these
    /// was posted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_stories(
        &self,
        accounts: Vec<String>,
        now: DateTime<Utc>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        self.call("read stories", move |connection| {
            unread_stories(connection, &accounts, now)
        })
        .await
    }
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<JobRow>> {
    let instant = |text: Option<String>| text.as_deref().and_then(parse_instant);
    connection
        .prepare_cached(
            "SELECT job, schedule, timezone, resources, next_due_at, due_at, started_at, finished_at, run_id, outcome,
                    accounts, accounts_done, resume_at, message
             FROM sync_jobs ORDER BY job",
        )?
        .query_map([], |row| {
            let resources: String = row.get(3)?;
            Ok(JobRow {
                job: row.get(0)?,
                schedule: row.get(1)?,
                timezone: row.get(2)?,
                resources: serde_json::from_str(&resources).unwrap_or_default(),
                next_due_at: instant(row.get(4)?),
                due_at: instant(row.get(5)?),
                started_at: instant(row.get(6)?),
                finished_at: instant(row.get(7)?),
                run: row.get(8)?,
                outcome: row.get(9)?,
                accounts: row.get(10)?,
                accounts_done: row.get(11)?,
                resume_at: instant(row.get(12)?),
                message: row.get(13)?,
            })
        })?
        .collect()
}

pub(super) fn write(connection: &Connection, job: &JobRow) -> rusqlite::Result<()> {
    let text = |instant: Option<DateTime<Utc>>| instant.map(instant_text);
    connection
        .prepare_cached(
            "INSERT INTO sync_jobs (job, schedule, timezone, resources, next_due_at, due_at, started_at, finished_at, run_id,
                                    outcome, accounts, accounts_done, resume_at, message)
             VALUES (:job, :schedule, :timezone, :resources, :next_due_at, :due_at, :started_at, :finished_at, :run,
                     :outcome, :accounts, :accounts_done, :resume_at, :message)
             ON CONFLICT DO UPDATE SET schedule = :schedule, timezone = :timezone, resources = :resources,
             next_due_at = :next_due_at, due_at = :due_at, started_at = :started_at, finished_at = :finished_at, run_id = :run,
             outcome = :outcome, accounts = :accounts, accounts_done = :accounts_done, resume_at = :resume_at,
             message = :message",
        )?
        .execute(named_params! {
            ":job": job.job,
            ":schedule": job.schedule,
            ":timezone": job.timezone,
            ":resources": serde_json::Value::from(job.resources.clone()).to_string(),
            ":next_due_at": text(job.next_due_at),
            ":due_at": text(job.due_at),
            ":started_at": text(job.started_at),
            ":finished_at": text(job.finished_at),
            ":run": job.run,
            ":outcome": job.outcome,
            ":accounts": job.accounts,
            ":accounts_done": job.accounts_done,
            ":resume_at": text(job.resume_at),
            ":message": job.message,
        })?;
    Ok(())
}

/// Takes away jobs that the configuration does not have any more.
pub(super) fn keep(connection: &Connection, names: &[String]) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM sync_jobs WHERE job NOT IN (SELECT value FROM json_each(?))",
        [serde_json::Value::from(names).to_string()],
    )?;
    Ok(())
}

/// Ends the record of runs of a job that cannot end it themselves.
pub(super) fn close_runs(
    connection: &Connection,
    key: &CheckpointKey,
    outcome: &Outcome,
    message: &str,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sync_runs SET outcome = ?, message = ?, finished_at = ?
             WHERE outcome = 'running' AND job = ? AND account_id = ? AND resource = ? AND range = ?",
        )?
        .execute(params![
            outcome.text(),
            message,
            instant_text(at),
            key.job,
            key.account_id,
            key.resource,
            key.range
        ])?;
    Ok(())
}

/// For each of these accounts with stories that are shown and were not read in their last hour: when the first of them was
/// posted.
pub(super) fn unread_stories(
    connection: &Connection,
    accounts: &[String],
    now: DateTime<Utc>,
) -> rusqlite::Result<Vec<(String, DateTime<Utc>)>> {
    let shown_since = instant_text(now - TimeDelta::hours(24));
    let rows = connection
        .prepare_cached(
            "SELECT m.account_id, min(m.timestamp)
             FROM json_each(?1) AS a
             JOIN media m ON m.account_id = a.value AND m.timestamp > ?2 AND m.media_product_type = 'STORY'
             LEFT JOIN sync_reads r ON r.account_id = m.account_id AND r.resource = 'stories' AND r.subject = m.id
             WHERE ifnull(r.closed, 0) = 0
               AND ifnull(r.read_at NOT BETWEEN strftime('%Y-%m-%dT%H:%M:%SZ', m.timestamp, '+23 hours')
                                           AND strftime('%Y-%m-%dT%H:%M:%SZ', m.timestamp, '+25 hours'), 1)
             GROUP BY m.account_id",
        )?
        .query_map(
            params![serde_json::Value::from(accounts).to_string(), shown_since],
            |row| Ok((row.get(0)?, row.get::<_, String>(1)?)),
        )?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let rows = rows.into_iter();
    Ok(rows
        .filter_map(|(account, posted)| Some((account, parse_instant(&posted)?)))
        .collect())
}
