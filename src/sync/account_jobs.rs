//! The jobs of one account, one after the other.

use std::sync::Arc;

use super::forecast;
use super::job::Job;
use super::report::JobReport;
use super::run::run;
use super::world::World;
use crate::resource::Work;
use crate::store::{Commit, Gap, Outcome, Reason, StoreError};

/// How an account's jobs ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) reports: Vec<JobReport>,
    /// Those whose pools are closed.
    pub(super) suspended: Vec<Job>,
    /// Those that did not begin because of a signal.
    pub(super) left: Vec<Job>,
}

/// Runs an account's jobs one after the other.
pub(super) async fn one_account(
    world: Arc<World>,
    jobs: Vec<Job>,
    started_by: Option<i64>,
) -> Result<Ended, StoreError> {
    let mut ended = Ended::default();
    let mut jobs = jobs.into_iter();
    for mut job in jobs.by_ref() {
        job.forecast_calls = Some(forecast_calls(&world, &job).await?);
        let report = run(&world, &job, started_by.unwrap_or_default()).await?;
        let leaves = report.leaves_account;
        let stopped = report.outcome == Outcome::Stopped;
        if matches!(report.outcome, Outcome::Suspended(_)) {
            ended.suspended.push(job);
        }
        ended.reports.push(report);
        if leaves {
            ended.suspended.clear();
            return Ok(ended);
        }
        if stopped {
            break;
        }
    }
    ended.left = jobs.collect();
    Ok(ended)
}

/// What a job is expected to cost that begins now.
async fn forecast_calls(world: &World, job: &Job) -> Result<u64, StoreError> {
    let checkpoint = world.store.checkpoint(job.checkpoint_key()).await?;
    let objects = match &job.resource.work {
        Work::Walk(_) => {
            let held = world.store.held(forecast::held_by(job)).await?;
            forecast::objects(job, held)
        }
        Work::Questions(questions) => {
            let facts = world.facts(job, checkpoint.as_ref()).await?;
            forecast::due(job, questions, &facts)
        }
    };
    Ok(forecast::calls(job.resource, objects, checkpoint.as_ref()))
}

/// Notes jobs that a signal kept from beginning.
pub(super) async fn note_left(world: &World, left: &[&Job], run: i64) -> Result<(), StoreError> {
    if left.is_empty() {
        return Ok(());
    }
    let gap = |job: &&Job| Gap {
        account_id: Some(job.account.id.clone()),
        resource: job.resource.name,
        object_id: None,
        field: None,
        reason: Reason::Stopped,
        detail: "stopped by a signal before it began".to_owned(),
    };
    let commit = Commit {
        run,
        at: world.clock.now(),
        pages: 0,
        rows: Vec::new(),
        checkpoint: None,
        gaps: left.iter().map(gap).collect(),
        calls: Vec::new(),
        pools: Vec::new(),
        reads: Vec::new(),
        answered: Vec::new(),
    };
    world.store.commit(commit).await.map(drop)
}
