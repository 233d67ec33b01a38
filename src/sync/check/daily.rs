//! The check that runs by itself, and writes down what it found: `sync_credentials`, `sync_warnings`, and the log.

use chrono::TimeDelta;

use super::{CheckReport, ask, found};
use crate::graph::Tally;
use crate::store::{Commit, FinishedRun, Health, NewRun, Severity, StoreError};
use crate::sync::job::CHECK;
use crate::sync::{Selection, World};

/// How old a check may be before the next one. Less than a day, so that one night a little early does not skip it.
const OFTEN_ENOUGH: TimeDelta = TimeDelta::hours(20);

/// Checks, unless that was done within a day, or somebody asked to end.
///
/// # Errors
/// Only when the database cannot be read or written.
pub async fn check_when_due(
    world: &World,
    selection: &Selection,
) -> Result<Option<CheckReport>, StoreError> {
    let now = world.clock.now();
    let known = world.store.credentials().await?;
    let is_fresh = |name: &str| {
        known
            .iter()
            .any(|row| row.credential == name && now - row.checked_at < OFTEN_ENOUGH)
    };
    let fresh = world
        .credentials
        .iter()
        .all(|credential| is_fresh(credential.name()));
    if fresh || world.stop.requested() {
        return Ok(None);
    }
    daily_check(world, selection).await.map(Some)
}

/// Checks what the selection means, says what somebody should do in the log, and writes it down.
///
/// # Errors
/// Only when the database cannot be read or written; a token that cannot be asked is part of the report.
pub async fn daily_check(world: &World, selection: &Selection) -> Result<CheckReport, StoreError> {
    let run = world
        .store
        .begin_run(NewRun {
            started_by: None,
            job: CHECK.to_owned(),
            account_id: None,
            resource: CHECK,
            range: String::new(),
            forecast_calls: None,
            at: world.clock.now(),
        })
        .await?;
    let mut tally = Tally::default();
    let (now, around) = (
        world.clock.now(),
        world.store.around(world.clock.now()).await?,
    );
    let mut report = ask(
        &world.graph,
        &world.credentials,
        selection,
        around,
        now,
        &mut tally,
    )
    .await;
    let (calls, pools) = world.spent(&mut tally);
    report.calls = calls.iter().map(|count| u64::from(count.calls)).sum();
    let at = world.clock.now();
    let commit = Commit {
        run,
        at,
        pages: 0,
        rows: Vec::new(),
        checkpoint: None,
        gaps: Vec::new(),
        calls,
        pools,
        reads: Vec::new(),
        answered: Vec::new(),
    };
    world.store.commit(commit).await?;
    world.store.write_health(health(&report)).await?;
    say(&report);
    world
        .store
        .finish_run(FinishedRun {
            run,
            outcome: report.outcome(world.stop.requested()),
            message: Some(report.headline()).filter(|line| !line.is_empty()),
            at,
            listing: None,
            is_to_the_end: true,
            reads: Vec::new(),
            judges_objects: false,
            pass: run,
            pass_is_over: false,
            answered: Vec::new(),
            fields: Vec::new(),
        })
        .await?;
    Ok(report)
}

fn health(report: &CheckReport) -> Health {
    let rows = report
        .credentials
        .iter()
        .filter_map(|check| check.row.clone());
    let is_complete = report.problems.iter().all(|problem| problem.operator);
    Health {
        credentials: rows.collect(),
        warnings: is_complete.then(|| report.warnings.clone()),
    }
}

/// Says in the log what was found, but for what the client has said itself.
fn say(report: &CheckReport) {
    let said = found::other_version(report);
    for finding in report.findings() {
        if Some(&finding.message) == said.as_ref() {
            continue;
        }
        match finding.severity {
            Severity::Critical => tracing::error!("{}", finding.message),
            Severity::Warning => tracing::warn!("{}", finding.message),
            Severity::Ok => {}
        }
    }
}
