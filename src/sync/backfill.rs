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
use super::plan::is_over;
use super::report::{JobReport, Summary};
use super::run::run;
use super::world::World;
use crate::resource::{RESOURCES, Resource};
use crate::store::{Commit, Gap, Outcome, Reason, StoreError};

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
    let unreached = missing(&selection.include, &discovery);
    let not_excluded = missing(&selection.exclude, &discovery);
    let mut summary = Summary {
        discovery_calls: discovery.calls,
        problems: discovery.problems,
        unreached,
        not_excluded,
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

    let mut left = Vec::new();
    let mut running = JoinSet::new();
    loop {
        while running.len() < SIDE_BY_SIDE
            && !world.stop.requested()
            && let Some(jobs) = jobs.pop()
        {
            running.spawn(one_account(Arc::clone(world), jobs, discovery.run));
        }
        match running.join_next().await {
            Some(Ok(account)) => {
                let (reports, rest) = account?;
                summary.jobs.extend(reports);
                left.extend(rest);
            }
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None => break,
        }
    }
    left.extend(jobs.into_iter().flatten());
    summary.stopped = world.stop.requested() && (!left.is_empty() || !summary.problems.is_empty());
    note_left(world, &left, discovery.run).await?;
    summary
        .jobs
        .sort_by_key(|job| order.get(&job.account_id).copied());
    summary.served_instead = world.graph.served_instead().map(str::to_owned);
    Ok(summary)
}

/// Notes jobs that a signal kept from beginning.
async fn note_left(world: &World, left: &[Job], run: i64) -> Result<(), StoreError> {
    if left.is_empty() {
        return Ok(());
    }
    let gap = |job: &Job| Gap {
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

/// The accounts that are meant.
fn select(
    selection: &Selection,
    discovery: &Discovery,
) -> Result<Vec<Arc<Account>>, SelectionError> {
    let named =
        |account: &Account, names: &[String]| names.iter().any(|name| account.is_called(name));
    let excluded_all = missing(&selection.exclude, discovery).is_empty();
    let allowed: Vec<&Account> = discovery
        .accounts
        .iter()
        .filter(|account| selection.include.is_empty() || named(account, &selection.include))
        .filter(|account| !named(account, &selection.exclude))
        // An account whose name nobody told may be one that is to be left out.
        .filter(|account| account.username.is_some() || excluded_all)
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

/// Those of the names that mean no account which a token reaches.
fn missing(names: &[String], discovery: &Discovery) -> Vec<String> {
    let reached = |name: &String| {
        let mut accounts = discovery.accounts.iter();
        accounts.any(|account| account.is_called(name))
    };
    names
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
                names: Vec::new(),
            };
            let checkpoint = world.store.checkpoint(job.checkpoint_key()).await?;
            jobs.push((job, checkpoint.filter(is_over)));
        }
    }
    let all_over = jobs.iter().all(|(_, over)| over.is_some());
    let mut by_account: Vec<Vec<Job>> = Vec::new();
    for (job, over) in jobs {
        if let Some(checkpoint) = over.filter(|_| !all_over) {
            let name = format!("{} {}", job.account.label(), job.resource.name);
            if world.store.has_gaps(checkpoint).await? {
                summary.partial_before.push(name);
            } else {
                summary.done_before.push(name);
            }
            continue;
        }
        match by_account.last_mut() {
            Some(jobs) if jobs[0].account.id == job.account.id => jobs.push(job),
            _ => by_account.push(vec![job]),
        }
    }
    Ok(by_account)
}

/// Runs an account's jobs one after the other; those that did not begin because of a signal come back.
async fn one_account(
    world: Arc<World>,
    jobs: Vec<Job>,
    started_by: i64,
) -> Result<(Vec<JobReport>, Vec<Job>), StoreError> {
    let mut reports = Vec::new();
    let mut jobs = jobs.into_iter();
    for job in jobs.by_ref() {
        let report = run(&world, &job, started_by).await?;
        let leaves = report.leaves_account;
        let stopped = report.outcome == Outcome::Stopped;
        reports.push(report);
        if leaves {
            return Ok((reports, Vec::new()));
        }
        if stopped {
            break;
        }
    }
    Ok((reports, jobs.collect()))
}
