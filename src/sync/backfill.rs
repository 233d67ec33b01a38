//! What commands start.
//!
//! A backfill is a set of jobs: the chosen accounts times the chosen resources. If an earlier start left some of them
//! unfinished, only those go on, from the page after the last committed one. Only when all are finished does
//! the next start read everything again. A job of the configuration reads what is due of all its accounts.

use std::sync::Arc;

use super::engine::WhenSuspended;
use super::job::{BACKFILL, Range};
use super::report::Summary;
use super::selection::{Selection, SelectionError};
use super::start::{Configured, Start};
use super::work::Work;
use super::world::World;

/// Reads history and reports. What a pool holds up is left to the next start.
///
/// # Errors
/// [`SelectionError`]; refusals of the API are in the summary.
pub async fn backfill(
    world: &Arc<World>,
    selection: &Selection,
    range: Range,
) -> Result<Summary, SelectionError> {
    Work::new(world, BACKFILL, selection, range, WhenSuspended::Leave)
        .all()
        .await
}

/// Reads history and reports. What a pool holds up is waited for, until a stop.
///
/// # Errors
/// [`SelectionError`]; refusals of the API are in the summary.
pub async fn backfill_and_wait(
    world: &Arc<World>,
    selection: &Selection,
    range: Range,
) -> Result<Summary, SelectionError> {
    Work::new(world, BACKFILL, selection, range, WhenSuspended::Wait)
        .all()
        .await
}

/// Runs a job of the configuration and reports: what is due, not everything.
///
/// # Errors
/// [`SelectionError`]; refusals of the API are in the summary.
pub async fn run_job(
    world: &Arc<World>,
    name: &str,
    selection: &Selection,
    when_suspended: WhenSuspended,
) -> Result<Summary, SelectionError> {
    Work::new(world, name, selection, Range::default(), when_suspended)
        .all()
        .await
}

/// Runs a job of the configuration and writes into `sync_jobs` how far it is; goes on with a start of it that was never finished.
///
/// # Errors
/// [`SelectionError`]; refusals of the API are in the summary.
pub async fn run_configured(
    world: &Arc<World>,
    job: &Configured,
    when_suspended: WhenSuspended,
) -> Result<Summary, SelectionError> {
    let mut rows = world.store.jobs().await?.into_iter();
    let row = rows.find(|row| row.job == job.name);
    let mut start = Start::of(job, 0, row);
    let goes_on = start.row.unfinished_since().is_some();
    start.begin(world.clock.now(), goes_on);
    let range = Range::default();
    let mut work = Work::new(world, &job.name, &job.selection, range, when_suspended);
    work.start = Some(start);
    work.all().await
}
