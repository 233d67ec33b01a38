//! `plan`: what work would cost, before it is done. Spends discovery calls and nothing else; writes nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::askers::Askers;
use super::discovery::{Problem, survey};
use super::forecast::{self, Forecast, JobForecast, forecast};
use super::hashtags::Spent;
use super::job::{Job, Known, Range};
use super::pools::restore_pools;
use super::selection::{Selection, SelectionError, all_over, unfinished};
use super::world::memory;
use crate::clock::Clock;
use crate::graph::{Client, Credential, Tally};
use crate::resource::{Facts, Meter, Refresh, Work};
use crate::store::{Checkpoint, HashtagRow, OpenError, Peek};

/// What was asked for, as one or several jobs.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `backfill`, or the name of a configured job.
    pub job: String,
    /// Which accounts and resources.
    pub selection: Selection,
    /// Over which days.
    pub range: Range,
}

/// What the work would cost.
#[derive(Debug)]
pub struct Preview {
    /// Calls, times and what is postponed.
    pub forecast: Forecast,
    /// Jobs that an earlier start finished, as `account resource`: they are not run again before the others are finished, too.
    pub done_before: Vec<String>,
    /// Hashtags that have to wait.
    pub waiting: Vec<WaitingHashtags>,
    /// Credentials that could not be asked: what only they reach is missing here.
    pub problems: Vec<Problem>,
    /// Calls that were spent to find the accounts.
    pub discovery_calls: u64,
}

/// Hashtags of one account that would be more than the 30 that it may ask for.
#[derive(Debug)]
pub struct WaitingHashtags {
    /// The account.
    pub account: String,
    /// Their names.
    pub names: Vec<String>,
    /// When the first of them can be asked for.
    pub next_at: DateTime<Utc>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// A name that means no account.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The database cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Asks the tokens for their accounts and counts what jobs would cost that begin now.
///
/// # Errors
/// [`PreviewError`]; refusals of the API are in the preview.
pub async fn preview(
    graph: &Client,
    credentials: &[Arc<Credential>],
    database: &Peek,
    clock: &Clock,
    refresh: &Refresh,
    asked: &[Asked],
) -> Result<Preview, PreviewError> {
    restore_pools(graph, database.pools()?, clock.now());
    let mut tally = Tally::default();
    let survey = survey(graph, credentials, &mut tally).await;
    let (mut work, mut done_before, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for one in asked {
        let all_asked = survey.problems.is_empty();
        let accounts = one.selection.select(&survey.accounts, all_asked)?;
        let mut askers = Askers::default();
        for (resource, names) in one.selection.named_resources() {
            let known = database.askers(resource)?;
            let (names, found) = ((resource, &names[..]), (&survey.accounts[..], all_asked));
            one.selection.share(&mut askers, names, &known, found);
        }
        let mut places = Vec::new();
        for job in one.selection.jobs(&one.job, &accounts, one.range, &askers) {
            let checkpoint = database.checkpoint(job.checkpoint_key())?;
            places.push((job, checkpoint));
        }
        let (open, over) = if all_over(&places) {
            (places, Vec::new())
        } else {
            unfinished(places)
        };
        let name = |job: &Job| format!("{} {}", job.account.label(), job.resource.name);
        done_before.extend(over.iter().map(|(job, _)| name(job)));
        for (mut job, checkpoint) in open {
            if job.resource.meter == Meter::Hashtags {
                let spent = database.hashtags(&job.account.id)?;
                waiting.extend(keep_back(&mut job, spent, clock.now()));
            }
            let mut at_least = false;
            let objects = match &job.resource.work {
                Work::Walk(_) => {
                    let held = database.held(&forecast::held_by(&job))?;
                    forecast::objects(&job, held)
                }
                Work::Questions(questions) => {
                    let facts = facts(database, clock, refresh, &job, checkpoint.as_ref())?;
                    let (calls, more) = forecast::due(&job, questions, &facts);
                    at_least = more;
                    Some(calls)
                }
            };
            work.push(JobForecast {
                pool: job.pool(&job.account.routes[0]),
                calls: forecast::calls(job.resource, objects, checkpoint.as_ref()),
                at_least,
                job,
            });
        }
    }
    let calls = tally.take();
    Ok(Preview {
        forecast: forecast(work, graph.budget(), clock.now()),
        done_before,
        waiting,
        problems: survey.problems,
        discovery_calls: calls.iter().map(|(_, _, calls, _)| u64::from(*calls)).sum(),
    })
}

/// Takes the hashtags out of a job that it may not ask for now.
fn keep_back(job: &mut Job, spent: Vec<HashtagRow>, now: DateTime<Utc>) -> Option<WaitingHashtags> {
    let mut ledger = Spent::new(spent);
    let mut next_at = None;
    let names = std::mem::take(&mut job.names).into_iter();
    let (may, waiting) = names.partition(|name| match ledger.book(name, now) {
        Ok(_) => true,
        Err(at) => {
            next_at = next_at.max(Some(std::cmp::Reverse(at)));
            false
        }
    });
    job.names = may;
    let std::cmp::Reverse(next_at) = next_at?;
    Some(WaitingHashtags {
        account: job.account.label().to_owned(),
        names: waiting,
        next_at,
    })
}

fn facts(
    database: &Peek,
    clock: &Clock,
    refresh: &Refresh,
    job: &Job,
    checkpoint: Option<&Checkpoint>,
) -> Result<Facts, OpenError> {
    let now = clock.now();
    let refused = database.refused_metrics(&job.account.id, job.resource.name, memory(now))?;
    Ok(job.facts(
        checkpoint,
        Known {
            posts: database.posts(&job.account.id)?,
            conversations: database.conversations(&job.account.id)?,
            reads: database.reads(&job.account.id, job.resource.name)?,
            refused,
            refresh: refresh.clone(),
        },
        now,
    ))
}
