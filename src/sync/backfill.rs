//! `backfill`: history, accounts side by side, each account's resources in order.
//!
//! A backfill is a set of jobs: the chosen accounts times the chosen resources. If an earlier start left some of them
//! unfinished, only those go on, from the page after the last committed one. Only when all are finished does
//! the next start read everything again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::discovery::{Discovery, discover};
use super::job::{Account, BACKFILL, Job, Range};
use super::report::{JobReport, Summary};
use super::run::run;
use super::world::World;
use crate::resource::{RESOURCES, Resource};
use crate::store::{Outcome, StoreError};

/// Accounts that are read at the same time. Each has a pool of its own, so this bounds connections and memory, not budgets.
const SIDE_BY_SIDE: usize = 8;

/// Which accounts and resources.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Ids or usernames from the command line; empty: all.
    pub accounts: Vec<String>,
    /// Ids or usernames from `accounts.include`; empty: all.
    pub include: Vec<String>,
    /// Ids or usernames from `accounts.exclude`.
    pub exclude: Vec<String>,
    /// Resources; empty: all.
    pub resources: Vec<&'static Resource>,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// A name that no token reaches, or that the configuration leaves out.
    #[error("no account `{name}`; the tokens reach: {known}")]
    NoSuchAccount {
        /// As it was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads history and reports.
///
/// # Errors
/// [`SelectionError`]; refusals of the API are in the summary.
pub async fn backfill(
    world: &Arc<World>,
    selection: &Selection,
    range: Range,
) -> Result<Summary, SelectionError> {
    let discovery = discover(world, BACKFILL).await?;
    let accounts = select(selection, &discovery)?;
    let missing = unreached(selection, &discovery);
    let mut summary = Summary {
        discovery_calls: discovery.calls,
        problems: discovery.problems,
        unreached: missing,
        nothing_to_read: accounts.is_empty(),
        unlinked_pages: discovery.unlinked_pages,
        ..Summary::default()
    };
    let order: BTreeMap<String, usize> = accounts
        .iter()
        .enumerate()
        .map(|(place, account)| (account.id.clone(), place))
        .collect();
    let mut jobs = open_jobs(world, accounts, selection, range, &mut summary).await?;
    jobs.reverse();

    let mut running = JoinSet::new();
    loop {
        while running.len() < SIDE_BY_SIDE
            && !world.stop.requested()
            && let Some(jobs) = jobs.pop()
        {
            running.spawn(one_account(Arc::clone(world), jobs, discovery.run));
        }
        match running.join_next().await {
            Some(Ok(reports)) => summary.jobs.extend(reports?),
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None => break,
        }
    }
    let left = !jobs.is_empty() || !summary.problems.is_empty();
    summary.stopped = world.stop.requested() && left;
    summary
        .jobs
        .sort_by_key(|job| order.get(&job.account_id).copied());
    summary.served_instead = world.graph.served_instead().map(str::to_owned);
    Ok(summary)
}

/// The accounts that are meant.
fn select(
    selection: &Selection,
    discovery: &Discovery,
) -> Result<Vec<Arc<Account>>, SelectionError> {
    let named =
        |account: &Account, names: &[String]| names.iter().any(|name| account.is_called(name));
    let allowed: Vec<&Account> = discovery
        .accounts
        .iter()
        .filter(|account| selection.include.is_empty() || named(account, &selection.include))
        .filter(|account| !named(account, &selection.exclude))
        .collect();
    for name in &selection.accounts {
        // When a token could not be asked, the account may well exist.
        let known = allowed.iter().any(|account| account.is_called(name));
        if !known && discovery.problems.is_empty() {
            let known: Vec<&str> = allowed.iter().map(|account| account.label()).collect();
            return Err(SelectionError::NoSuchAccount {
                name: name.clone(),
                known: known.join(", "),
            });
        }
    }
    Ok(allowed
        .into_iter()
        .filter(|account| selection.accounts.is_empty() || named(account, &selection.accounts))
        .map(|account| Arc::new(account.clone()))
        .collect())
}

/// Names in `accounts.include` that no token reaches.
fn unreached(selection: &Selection, discovery: &Discovery) -> Vec<String> {
    let reached = |name: &String| {
        discovery
            .accounts
            .iter()
            .any(|account| account.is_called(name))
    };
    selection
        .include
        .iter()
        .filter(|name| !reached(name))
        .cloned()
        .collect()
}

/// The jobs that are to be run, by account: those that are unfinished, or all when none is.
async fn open_jobs(
    world: &World,
    accounts: Vec<Arc<Account>>,
    selection: &Selection,
    range: Range,
    summary: &mut Summary,
) -> Result<Vec<Vec<Job>>, StoreError> {
    let wanted = |resource: &Resource| {
        let chosen = &selection.resources;
        chosen.is_empty() || chosen.iter().any(|one| one.name == resource.name)
    };
    let mut jobs = Vec::new();
    for account in accounts {
        let resources = RESOURCES.iter().filter(|resource| wanted(resource));
        for resource in resources {
            let job = Job {
                name: BACKFILL.to_owned(),
                account: Arc::clone(&account),
                resource,
                range,
            };
            let checkpoint = world.store.checkpoint(job.checkpoint_key()).await?;
            let finished = checkpoint.is_some_and(|checkpoint| checkpoint.finished_at.is_some());
            jobs.push((job, finished));
        }
    }
    let all_finished = jobs.iter().all(|(_, finished)| *finished);
    let mut by_account: Vec<Vec<Job>> = Vec::new();
    for (job, finished) in jobs {
        if finished && !all_finished {
            let done = format!("{} {}", job.account.label(), job.resource.name);
            summary.done_before.push(done);
            continue;
        }
        match by_account.last_mut() {
            Some(jobs) if jobs[0].account.id == job.account.id => jobs.push(job),
            _ => by_account.push(vec![job]),
        }
    }
    Ok(by_account)
}

/// Runs an account's jobs one after the other.
async fn one_account(
    world: Arc<World>,
    jobs: Vec<Job>,
    started_by: i64,
) -> Result<Vec<JobReport>, StoreError> {
    let mut reports = Vec::new();
    for job in &jobs {
        let report = run(&world, job, started_by).await?;
        let stopped = report.outcome == Outcome::Stopped;
        reports.push(report);
        if stopped {
            break;
        }
    }
    Ok(reports)
}
