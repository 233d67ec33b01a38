//! One job of one account, from its forecast to its report; and what is written when it could not be brought to its end.

use std::sync::Arc;

use tokio::task::JoinError;
use tracing::Instrument;

use super::forecast;
use super::group::Group;
use super::job::Job;
use super::report::JobReport;
use super::run::run;
use super::turn::{self, Turn};
use super::world::World;
use crate::resource::Work;
use crate::store::{Commit, Gap, Outcome, Reason, StoreError};

/// Runs a job.
pub(super) async fn one_job(
    world: Arc<World>,
    mut job: Job,
    group: Group,
    account: turn::Account,
) -> Result<JobReport, StoreError> {
    // Every line that is logged on the way says whose it is; a span of a lower level would be left out with the lines of that level.
    let span = tracing::error_span!(
        "job",
        job = job.name,
        account = job.account.label(),
        resource = job.resource.name,
        run = tracing::field::Empty
    );
    let work = async {
        let turn = Turn::take(account, &job).await;
        job.forecast_calls = Some(forecast_calls(&world, &job).await?);
        run(&world, &job, &group, turn).await
    };
    work.instrument(span).await
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
            Some(forecast::due(job, questions, &facts).0)
        }
    };
    Ok(forecast::calls(job.resource, objects, checkpoint.as_ref()))
}

/// Writes that a job panicked, and reports it as failed. A panic quotes whatever was at hand, so secrets are taken out.
pub(super) async fn close_panicked(
    world: &World,
    job: &Job,
    panic: JoinError,
) -> Result<JobReport, StoreError> {
    let text = match panic.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned()))
            .unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    let scrub =
        |text: String, credential: &Arc<_>| crate::graph::Credential::scrub(credential, &text);
    let text = world.credentials.iter().fold(text, scrub);
    let message = format!("igsync made a mistake and gave this up: {text}; please report it");
    tracing::error!(
        job = job.name,
        account = job.account.label(),
        resource = job.resource.name,
        "{message}"
    );
    let store = &world.store;
    let at = world.clock.now();
    store
        .close_runs(job.checkpoint_key(), Outcome::Failed, message.clone(), at)
        .await?;
    let mut report = JobReport::new(job, false);
    report.message = Some(message);
    world.progress.end(&report);
    Ok(report)
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
