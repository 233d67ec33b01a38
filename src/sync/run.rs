//! The sentence: job → plan → request → budget → HTTP → page → rows → store.

use super::depth::{Depth, WHOLE_LIST, oldest};
use super::group::Group;
use super::inquire::inquire;
use super::job::Job;
use super::plan::{Plan, Recovery};
use super::report::{JobReport, hint};
use super::turn::Turn;
use super::world::World;
use crate::graph::{Credential, Page, Reaction, Tally};
use crate::resource::{Decoded, Walk, Work};
use crate::store::{
    Checkpoint, Commit, FinishedRun, Gap, Listing, NewRun, Outcome, Read, Row, StoreError,
};

/// Runs one job to its end, whatever that is, and reports. The group is what ran together.
///
/// # Errors
/// Only when the database cannot be written; everything else is an outcome.
pub(super) async fn run(
    world: &World,
    job: &Job,
    group: &Group,
    turn: Turn,
) -> Result<JobReport, StoreError> {
    let id = begin(world, job, group).await?;
    tracing::Span::current().record("run", id);
    tracing::info!("begins");
    let checkpoint = world.store.checkpoint(job.checkpoint_key()).await?;
    match &job.resource.work {
        Work::Walk(walk) => walk_through(world, job, walk, id, checkpoint, turn).await,
        Work::Questions(questions) => inquire(world, job, questions, id, checkpoint, turn).await,
    }
}

/// One list, page by page.
async fn walk_through(
    world: &World,
    job: &Job,
    walk: &'static Walk,
    id: i64,
    checkpoint: Option<Checkpoint>,
    mut turn: Turn,
) -> Result<JobReport, StoreError> {
    let first_route = world.route(&job.account, 0);
    let credential = first_route.map_or("", |(_, route)| route.credential.name());
    let refused = world.refused_fields(job.resource, credential).await?;
    let reads = world
        .store
        .reads(job.account.id.clone(), job.resource.name)
        .await?;
    let now = world.clock.now();
    let reads: Vec<Read> = reads.into_iter().map(|read| read.at(now)).collect();
    let is_known = reads.iter().any(|read| read.subject == WHOLE_LIST);
    let depth = Depth::of(job, walk, &reads, &world.refresh, checkpoint.as_ref(), now);
    let checkpoint = checkpoint.filter(|place| !depth.leaves(place, now));
    let mut plan = Plan::start(job, walk, checkpoint, refused, id, now);
    if depth.brings_metrics() && is_known && !job.reads_everything() {
        plan.nest(world.known_posts(job, walk).await?);
    }
    let mut report = JobReport::new(job, plan.is_resumed());
    let (mut tally, mut tried) = (Tally::default(), 0);

    let ended = loop {
        turn.give_way().await;
        let Some(request) = plan.next_request() else {
            break None;
        };
        let Some((place, route)) = world.route(&job.account, tried) else {
            let why = report.message.get_or_insert_with(|| NO_TOKEN.to_owned());
            break Some(plan.no_token(why));
        };
        match world
            .graph
            .get(&route.credential, &request, &mut tally)
            .await
        {
            Ok(mut page) => {
                report.message = None;
                let rows = rows(job, walk, &route.credential, &mut plan, &page);
                page.next = page.next.filter(|_| !plan.repeats(&rows));
                let (now, oldest) = (world.clock.now(), oldest(&rows));
                let checkpoint = plan.advance(&page, now);
                let (calls, pools) = world.spent(&mut tally);
                report.spent(&calls);
                let gaps = plan.take_gaps();
                report.gaps += gaps.len();
                let written = world
                    .store
                    .commit(Commit {
                        run: id,
                        at: now,
                        pages: 1,
                        rows,
                        checkpoint: Some(checkpoint),
                        gaps,
                        calls,
                        pools,
                        reads: Vec::new(),
                        answered: Vec::new(),
                    })
                    .await?;
                if depth.is_reached(&written, oldest) {
                    plan.end_here();
                }
                plan.goes_on_behind(oldest);
                report.wrote(&written, page.items.len());
                world.progress.page(job, page.items.len(), report.resumed);
            }
            Err(error) => {
                let why = format!("{error}{}", hint(job.resource, &error, &route.credential));
                let credential = route.credential.name();
                let recovery = plan.recover(&error, &why, credential);
                report.message = Some(why);
                report.leaves_account |= error.reaction() == Reaction::DisableAccount;
                match recovery {
                    Recovery::Ask => {
                        world.refuse_fields(job.resource, credential, plan.refused());
                    }
                    Recovery::OtherToken { dead } => {
                        if dead {
                            world.bury(route.credential.name());
                        }
                        tried = place + 1;
                    }
                    Recovery::End(outcome) => break Some(outcome),
                }
            }
        }
    };
    report.outcome = ended.unwrap_or_else(|| plan.outcome());
    let mut walked = plan.whole_list(world.clock.now());
    if plan.is_done() {
        let is_whole_list = !walked.is_empty() && plan.is_of_one_run();
        walked.extend(depth.reads(is_whole_list, world.clock.now()));
    }
    let ending = Ending {
        gaps: plan.take_gaps(),
        checkpoint: plan.last_checkpoint(&report.outcome, world.clock.now()),
        listing: plan.listing(),
        is_to_the_end: plan.is_whole(),
        judges_objects: plan.is_whole(),
        reads: walked,
        pass: plan.first_run,
        pass_is_over: plan.is_done(),
        fields: plan.fields().names().map(str::to_owned).collect(),
    };
    finish(world, job, ending, &mut tally, &mut report, id).await?;
    Ok(report)
}

/// What is left to be written when a job ends.
pub(super) struct Ending {
    pub(super) gaps: Vec<Gap>,
    pub(super) checkpoint: Checkpoint,
    pub(super) listing: Option<Listing>,
    /// Whether the end of the list was reached, if there is one.
    pub(super) is_to_the_end: bool,
    /// Whether an object that was not met again is missing no more: of a list that was walked through.
    pub(super) judges_objects: bool,
    /// What was read.
    pub(super) reads: Vec<Read>,
    /// The run that began the pass, and whether the pass is over.
    pub(super) pass: i64,
    pub(super) pass_is_over: bool,
    /// Fields that were answered.
    pub(super) fields: Vec<String>,
}

pub(super) const NO_TOKEN: &str = "no working token reaches this account";

async fn begin(world: &World, job: &Job, group: &Group) -> Result<i64, StoreError> {
    let run = NewRun {
        started_by: None,
        job: job.name.clone(),
        account_id: Some(job.account.id.clone()),
        resource: job.resource.name,
        range: job.range.to_string(),
        forecast_calls: job.forecast_calls,
        at: world.clock.now(),
    };
    world.progress.begin(job);
    group.begin(&world.store, run).await
}

/// The page's rows; an object that cannot be read becomes a gap.
fn rows(
    job: &Job,
    walk: &Walk,
    credential: &Credential,
    plan: &mut Plan<'_>,
    page: &Page,
) -> Vec<Row> {
    let mut decoded = Decoded::default();
    for object in &page.items {
        (walk.rows)(&job.account.id, plan.fields(), object, &mut decoded);
    }
    for problem in decoded.problems {
        // The problem quotes the answer, and an answer may hold anything.
        let object = credential.scrub(&problem.object);
        let problem = credential.scrub(&problem.problem);
        tracing::warn!(
            account = job.account.label(),
            resource = job.resource.name,
            object,
            problem,
            "an object in the answer cannot be read"
        );
        plan.unreadable(object, &problem);
    }
    decoded.rows
}

/// Writes what is left to be written: gaps, calls and pools since the last page, and how the run ended.
pub(super) async fn finish(
    world: &World,
    job: &Job,
    ending: Ending,
    tally: &mut Tally,
    report: &mut JobReport,
    run: i64,
) -> Result<(), StoreError> {
    let at = world.clock.now();
    let (calls, pools) = world.spent(tally);
    report.spent(&calls);
    report.gaps += ending.gaps.len();
    if report.outcome == Outcome::Complete {
        report.message = None;
    }
    world
        .store
        .commit(Commit {
            run,
            at,
            pages: 0,
            rows: Vec::new(),
            checkpoint: Some(ending.checkpoint),
            gaps: ending.gaps,
            calls,
            pools,
            reads: Vec::new(),
            answered: Vec::new(),
        })
        .await?;
    (report.outcome, report.deleted) = world
        .store
        .finish_run(FinishedRun {
            run,
            outcome: report.outcome.clone(),
            message: report.message.clone(),
            at,
            listing: ending.listing,
            is_to_the_end: ending.is_to_the_end,
            judges_objects: ending.judges_objects,
            // With the listing, so that no list counts as walked through that was not judged.
            reads: ending.reads,
            pass: ending.pass,
            pass_is_over: ending.pass_is_over,
            answered: answered(report, world, job),
            fields: ending.fields,
        })
        .await?;
    tracing::info!(
        outcome = report.outcome.text(),
        calls = report.calls,
        why = report.message,
        "ends"
    );
    world.progress.end(report);
    Ok(())
}

/// The credential whose questions were answered: what it was refused before and was answered now is no gap any more.
fn answered(report: &JobReport, world: &World, job: &Job) -> Vec<String> {
    let route = world.route(&job.account, 0).filter(|_| report.pages > 0);
    let name = route.map(|(_, route)| route.credential.name().to_owned());
    name.into_iter().collect()
}
