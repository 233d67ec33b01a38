//! SQL of the `sync_…` tables: runs, checkpoints, gaps, pools, calls.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::ending::{FinishedRun, Outcome};
use super::health;
use super::record::{CallCount, Checkpoint, CheckpointKey, Commit, Gap, NewRun, PoolRow};
use super::table::Written;
use super::{listing, reads};
use crate::clock::{instant_text, parse_instant};

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
    for answered in &commit.answered {
        reads::close_gaps(connection, commit, answered)?;
        if let Some(list) = &answered.list {
            listing::mark_unseen(connection, list, commit.run, commit.at)?;
        }
    }
    // What an answer itself proves to be missing stays so.
    for gap in &commit.gaps {
        write_gap(connection, gap, commit.run, commit.at)?;
    }
    for calls in &commit.calls {
        write_calls(connection, commit.run, calls)?;
    }
    for pool in &commit.pools {
        write_pool(connection, pool)?;
    }
    for read in &commit.reads {
        reads::write(connection, commit.run, read)?;
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
             (job, account_id, resource, range, cursor, pages, objects, failures, first_run_id, started_at, updated_at, finished_at)
             VALUES (:job, :account_id, :resource, :range, :cursor, :pages, :objects, :failures, :first_run, :started_at, :at, :finished_at)
             ON CONFLICT DO UPDATE SET cursor = :cursor, pages = :pages, objects = :objects, failures = :failures, first_run_id = :first_run, started_at = :started_at,
             updated_at = :at, finished_at = :finished_at",
        )?
        .execute(named_params! {
            ":job": checkpoint.key.job,
            ":account_id": checkpoint.key.account_id,
            ":resource": checkpoint.key.resource,
            ":range": checkpoint.key.range,
            ":cursor": checkpoint.cursor,
            ":pages": checkpoint.pages,
            ":objects": checkpoint.objects.cast_signed(),
            ":failures": checkpoint.failures,
            ":first_run": checkpoint.first_run,
            ":started_at": instant_text(checkpoint.started_at),
            ":at": instant_text(at),
            ":finished_at": opt(checkpoint.finished_at),
        })?;
    Ok(())
}

pub(super) fn write_gap(
    connection: &Connection,
    gap: &Gap,
    run: i64,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_gaps
             (account_id, resource, object_id, field, reason, detail, first_seen_at, last_seen_at, last_run_id)
             VALUES (:account_id, :resource, :object_id, :field, :reason, :detail, :at, :at, :run)
             ON CONFLICT (ifnull(account_id, ''), resource, ifnull(object_id, ''), ifnull(field, ''), reason)
             DO UPDATE SET detail = :detail, last_seen_at = :at, last_run_id = :run, resolved_at = NULL",
        )?
        .execute(named_params! {
            ":account_id": gap.account_id,
            ":resource": gap.resource,
            ":object_id": gap.object_id,
            ":field": gap.field,
            ":reason": gap.reason.text(),
            ":detail": gap.detail,
            ":at": instant_text(at),
            ":run": run,
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
             (pool, call_count, total_cputime, total_time, observed_at, closed_until, closed_why,
              closed_for_all, refusals, own_calls, reserved_calls, reserved_times,
              reserved_since, told_by_app, ledger)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO UPDATE SET call_count = ?2, total_cputime = ?3, total_time = ?4,
             observed_at = ?5, closed_until = ?6, closed_why = ?7, closed_for_all = ?8, refusals = ?9,
             own_calls = ?10, reserved_calls = ?11, reserved_times = ?12, reserved_since = ?13,
             told_by_app = ?14, ledger = ?15",
        )?
        .execute(params![
            pool.pool,
            gauge(0),
            gauge(1),
            gauge(2),
            opt(pool.observed_at),
            opt(pool.closed_until),
            pool.closed_why,
            pool.closed_for_all,
            pool.refusals,
            i64::try_from(pool.own_calls).unwrap_or(i64::MAX),
            pool.reserved.map(|(calls, ..)| calls),
            pool.reserved.map(|(_, times, _)| times),
            opt(pool.reserved.map(|(.., since)| since)),
            pool.told_by_app,
            pool.ledger
        ])?;
    Ok(())
}

pub(super) fn begin_run(connection: &Connection, run: &NewRun) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO sync_runs (started_by, job, account_id, resource, range, started_at, outcome, forecast_calls)
             VALUES (ifnull(?1, (SELECT ifnull(max(id), 0) + 1 FROM sync_runs)), ?2, ?3, ?4, ?5, ?6, 'running', ?7)",
        )?
        .execute(params![
            run.started_by,
            run.job,
            run.account_id,
            run.resource,
            run.range,
            instant_text(run.at),
            run.forecast_calls.map(u64::cast_signed)
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
    health::forget_refused(connection)
}

pub(super) fn finish_run(connection: &Connection, run: &FinishedRun) -> rusqlite::Result<Outcome> {
    resolve_gaps(connection, run)?;
    for read in &run.reads {
        reads::write(connection, run.run, read)?;
    }
    let mut outcome = run.outcome.clone();
    // What an earlier start of the same pass could not read is missing still.
    if outcome == Outcome::Complete && gaps_of_run(connection, run)? {
        outcome = Outcome::Partial;
    }
    let resume_at = match outcome {
        Outcome::Suspended(until) => Some(instant_text(until)),
        _ => None,
    };
    connection
        .prepare_cached(
            "UPDATE sync_runs SET finished_at = ?, outcome = ?, message = ?, resume_at = ? WHERE id = ?",
        )?
        .execute(params![
            instant_text(run.at),
            outcome.text(),
            run.message,
            resume_at,
            run.run
        ])?;
    Ok(outcome)
}

/// Closes gaps that the run proves closed. A pass that came to its end closes those of its account and resource which it
/// did not meet again: of the whole job if they are of the same range or the pass had none, of objects only if it had
/// none and they were noted before it began. One that did not go to the end of a list does not say what stands there, and a pass of
/// another job that is not over yet misses what it missed. Answers to a credential close what it was refused before.
fn resolve_gaps(connection: &Connection, run: &FinishedRun) -> rusqlite::Result<()> {
    let json = |names: &[String]| serde_json::Value::from(names).to_string();
    connection
        .prepare_cached(
            "UPDATE sync_gaps AS gap SET resolved_at = :at
             FROM (SELECT account_id, resource, range FROM sync_runs WHERE id = :run) AS run
             WHERE resolved_at IS NULL AND gap.resource = run.resource AND last_run_id <> :run AND (
                 (:over AND gap.account_id = run.account_id AND field IS NULL AND object_id IS NULL
                  AND run.range IN ('', (SELECT range FROM sync_runs WHERE id = gap.last_run_id))
                  AND (:to_the_end OR reason <> 'list_limit' AND NOT EXISTS (
                      SELECT 1 FROM sync_checkpoints AS place
                      WHERE place.account_id = gap.account_id AND place.resource = gap.resource
                        AND place.first_run_id <= gap.last_run_id AND place.finished_at IS NULL)))
                 OR (:over AND :objects AND gap.account_id = run.account_id AND object_id IS NOT NULL
                     AND run.range = '' AND last_run_id < :pass)
                 OR (gap.account_id IS NULL AND object_id IN (SELECT value FROM json_each(:answered))
                     AND (field IS NULL OR field IN (SELECT value FROM json_each(:fields))))
             )",
        )?
        .execute(named_params! {
            ":at": instant_text(run.at),
            ":run": run.run,
            ":over": run.pass_is_over,
            ":objects": run.judges_objects,
            ":to_the_end": run.is_to_the_end,
            ":pass": run.pass,
            ":answered": json(&run.answered),
            ":fields": json(&run.fields),
        })?;
    Ok(())
}

fn gaps_of_run(connection: &Connection, run: &FinishedRun) -> rusqlite::Result<bool> {
    let subject: (Option<String>, String) = connection.query_row(
        "SELECT account_id, resource FROM sync_runs WHERE id = ?",
        [run.run],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match subject {
        (Some(account_id), resource) => has_gaps(connection, &account_id, &resource, run.pass),
        (None, _) => Ok(false),
    }
}

/// Whether a pass over an account's resource noted gaps that are open, and that are not the nature of a post.
pub(super) fn has_gaps(
    connection: &Connection,
    account_id: &str,
    resource: &str,
    pass: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sync_gaps WHERE account_id = ? AND resource = ?
             AND resolved_at IS NULL AND last_run_id >= ?
             AND reason NOT IN ('not_applicable', 'before_conversion', 'too_few_viewers', 'expired'))",
        )?
        .query_row(params![account_id, resource, pass], |row| row.get(0))
}

pub(super) fn checkpoint(
    connection: &Connection,
    key: CheckpointKey,
) -> rusqlite::Result<Option<Checkpoint>> {
    let stored = connection
        .prepare_cached(
            "SELECT cursor, pages, objects, failures, first_run_id, started_at, finished_at FROM sync_checkpoints
             WHERE job = ? AND account_id = ? AND resource = ? AND range = ?",
        )?
        .query_row(
            params![key.job, key.account_id, key.resource, key.range],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get::<_, i64>(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get::<_, String>(5)?,
                    row.get::<_, Option<String>>(6)?,
                ))
            },
        )
        .optional()?;
    Ok(stored.and_then(
        |(cursor, pages, objects, failures, first_run, started_at, finished_at)| {
            Some(Checkpoint {
                key,
                cursor,
                pages,
                objects: objects.cast_unsigned(),
                failures,
                first_run,
                started_at: parse_instant(&started_at)?,
                finished_at: finished_at.as_deref().and_then(parse_instant),
            })
        },
    ))
}

pub(super) fn refused_fields(
    connection: &Connection,
    resource: &str,
    credential: &str,
    since: DateTime<Utc>,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT field FROM sync_gaps
             WHERE resource = ? AND account_id IS NULL AND object_id = ? AND field IS NOT NULL
               AND resolved_at IS NULL AND last_seen_at >= ? ORDER BY field",
        )?
        .query_map(params![resource, credential, instant_text(since)], |row| {
            row.get(0)
        })?
        .collect()
}

pub(super) fn pools(connection: &Connection) -> rusqlite::Result<Vec<PoolRow>> {
    let instant = |text: Option<String>| text.as_deref().and_then(parse_instant);
    connection
        .prepare_cached(
            "SELECT pool, call_count, total_cputime, total_time, observed_at, closed_until, closed_why,
                    closed_for_all, refusals, own_calls, reserved_calls, reserved_times,
                    reserved_since, told_by_app, ledger
             FROM sync_pools",
        )?
        .query_map([], |row| {
            let gauge = |at| row.get::<_, Option<f32>>(at);
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
                closed_for_all: row.get(7)?,
                refusals: row.get(8)?,
                own_calls: row.get::<_, i64>(9)?.unsigned_abs(),
                reserved: match (row.get(10)?, row.get(11)?, instant(row.get(12)?)) {
                    (Some(calls), Some(times), Some(since)) => Some((calls, times, since)),
                    _ => None,
                },
                told_by_app: row.get(13)?,
                ledger: row.get(14)?,
            })
        })?
        .collect()
}
