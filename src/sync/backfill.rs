//! `backfill`: history, accounts side by side, each account's resources in order.
//!
//! A backfill is a set of jobs: the chosen accounts times the chosen resources. If an earlier start left some of them
//! unfinished, only those go on, from the page after the last committed one. Only when all are finished does
//! the next start read everything again.
//!
//! A job whose pool stays closed ends as suspended, and everything of it is committed. [`backfill_and_wait`] puts it back and
//! goes on with it when the pool opens, while the other accounts are read; so a process that is killed while it waits loses nothing.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::{JoinError, JoinSet};

use super::account_jobs::{Ended, note_left, one_account};
use super::discovery::{Discovery, discover};
use super::job::{Account, BACKFILL, Job, Range};
use super::progress::Waiting;
use super::report::Summary;
use super::selection::{Place, Selection, SelectionError, all_over, missing, unfinished};
use super::world::World;
use crate::graph::Credential;
use crate::store::{Outcome, StoreError};

/// Accounts that are read at the same time. Each has a pool of its own, so this bounds connections and memory, not budgets.
const SIDE_BY_SIDE: usize = 8;

/// The longest sleep before the wall clock is asked again: it may have been set, or the machine have slept.
const LONGEST_NAP: Duration = Duration::from_secs(60);

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

/// What becomes of work whose pool stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenSuspended {
    /// It is left, with the time it can go on.
    Leave,
    /// It is waited for.
    Wait,
}

/// Work that waits for a pool.
struct Suspended {
    until: DateTime<Utc>,
    why: String,
    work: Waits,
}

enum Waits {
    /// Credentials that could not be asked for their accounts.
    Discovery(Vec<Arc<Credential>>),
    /// Jobs of one account, in order.
    Jobs(Vec<Job>),
}

/// One start.
struct Work<'a> {
    world: &'a Arc<World>,
    job: &'a str,
    selection: &'a Selection,
    range: Range,
    when_suspended: WhenSuspended,
    summary: Summary,
    /// The places of jobs in the summary.
    reported: BTreeMap<(String, &'static str), usize>,
    /// The run of the first discovery, which groups all others.
    run: Option<i64>,
    /// Whether an earlier start left something unfinished.
    goes_on: bool,
    /// What the tokens reach.
    found: Vec<Account>,
    /// Accounts in the order in which they are reported.
    order: BTreeMap<String, usize>,
    /// Jobs of one account each.
    ready: VecDeque<Vec<Job>>,
    running: JoinSet<Result<Ended, StoreError>>,
    /// In the order in which they were suspended.
    suspended: Vec<Suspended>,
    left: Vec<Job>,
}

impl<'a> Work<'a> {
    fn new(
        world: &'a Arc<World>,
        job: &'a str,
        selection: &'a Selection,
        range: Range,
        when_suspended: WhenSuspended,
    ) -> Self {
        Self {
            world,
            job,
            selection,
            range,
            when_suspended,
            summary: Summary::default(),
            reported: BTreeMap::new(),
            run: None,
            goes_on: false,
            found: Vec::new(),
            order: BTreeMap::new(),
            ready: VecDeque::new(),
            running: JoinSet::new(),
            suspended: Vec::new(),
            left: Vec::new(),
        }
    }

    async fn all(mut self) -> Result<Summary, SelectionError> {
        let all = self.world.credentials.clone();
        let worked = match self.discover(&all).await {
            Ok(()) => self.work().await,
            Err(error) => Err(error),
        };
        // Whatever went wrong, pages in flight are finished and committed.
        while let Some(ended) = self.running.join_next().await {
            self.take(ended)?;
        }
        worked?;
        self.left.extend(self.ready.drain(..).flatten());
        let Self {
            world,
            selection,
            mut summary,
            reported,
            found,
            order,
            left,
            ..
        } = self;
        summary.unreached = missing(&selection.named(), &found);
        summary.not_excluded = missing(&selection.exclude, &found);
        summary.nothing_to_read = order.is_empty();
        summary.stopped =
            world.stop.requested() && (!left.is_empty() || !summary.problems.is_empty());
        // What was suspended before has said so already.
        let began = |job: &Job| reported.contains_key(&job.subject());
        let left: Vec<&Job> = left.iter().filter(|job| !began(job)).collect();
        if let Some(run) = self.run {
            note_left(world, &left, run).await?;
        }
        summary
            .jobs
            .sort_by_key(|job| order.get(&job.account_id).copied());
        summary.served_instead = world.graph.served_instead().map(str::to_owned);
        Ok(summary)
    }

    /// Starts what is ready, takes in what has ended, and puts back what was suspended when its time has come.
    async fn work(&mut self) -> Result<(), SelectionError> {
        let stop = &self.world.stop;
        loop {
            self.put_back().await?;
            while self.running.len() < SIDE_BY_SIDE
                && !stop.requested()
                && let Some(jobs) = self.ready.pop_front()
            {
                let job = one_account(Arc::clone(self.world), jobs, self.run);
                self.running.spawn(job);
            }
            if self.running.is_empty() && (self.suspended.is_empty() || stop.requested()) {
                return Ok(());
            }
            self.say_what_is_waited_for();
            let nap = self.nap();
            let naps = !self.suspended.is_empty() && !stop.requested();
            tokio::select! {
                Some(ended) = self.running.join_next() => self.take(ended)?,
                () = tokio::time::sleep(nap), if naps => {}
                () = stop.wait(), if self.running.is_empty() => {}
            }
        }
    }

    /// Asks credentials which accounts they reach, and makes the jobs of those that are new.
    async fn discover(&mut self, credentials: &[Arc<Credential>]) -> Result<(), SelectionError> {
        let discovery = discover(self.world, self.job, credentials, self.run).await?;
        let Discovery {
            run,
            accounts,
            unlinked_pages,
            problems,
            calls,
        } = discovery;
        self.run.get_or_insert(run);
        let summary = &mut self.summary;
        summary.discovery_calls += calls;
        for page in unlinked_pages {
            if !summary.unlinked_pages.contains(&page) {
                summary.unlinked_pages.push(page);
            }
        }
        summary.problems.retain(|problem| {
            let asked = |credential: &Arc<Credential>| credential.name() == problem.credential;
            !credentials.iter().any(asked)
        });
        summary.problems.extend(problems);
        let mut closed = BTreeMap::new();
        for problem in &summary.problems {
            if let Some(until) = problem.resume_at {
                closed.insert(problem.credential.clone(), (until, problem.message.clone()));
            }
        }
        let known = |account: &Account| self.found.iter().any(|known| known.id == account.id);
        let new: Vec<Account> = accounts.into_iter().filter(|one| !known(one)).collect();
        let new_ids: BTreeSet<String> = new.iter().map(|account| account.id.clone()).collect();
        self.found.extend(new);
        let all_asked = self.summary.problems.is_empty();
        let mut chosen = self.selection.select(&self.found, all_asked)?;
        chosen.retain(|account| new_ids.contains(&account.id));
        for account in &chosen {
            self.order.insert(account.id.clone(), self.order.len());
        }
        self.make_ready(&chosen).await?;
        let waits = credentials
            .iter()
            .filter_map(|credential| Some((closed.remove(credential.name())?, credential)));
        if self.when_suspended == WhenSuspended::Wait {
            for ((until, why), credential) in waits {
                self.suspended.push(Suspended {
                    until,
                    why,
                    work: Waits::Discovery(vec![Arc::clone(credential)]),
                });
            }
        }
        Ok(())
    }

    /// Makes the jobs of accounts ready that are to be run.
    async fn make_ready(&mut self, accounts: &[Arc<Account>]) -> Result<(), StoreError> {
        let store = &self.world.store;
        let mut places: Vec<Place> = Vec::new();
        for job in self.selection.jobs(self.job, accounts, self.range) {
            let checkpoint = store.checkpoint(job.checkpoint_key()).await?;
            places.push((job, checkpoint));
        }
        // What one token's accounts go on with, those of a token that could be asked only later do not begin anew.
        self.goes_on |= !all_over(&places);
        let (open, over) = if self.goes_on {
            unfinished(places)
        } else {
            (places, Vec::new())
        };
        for (job, checkpoint) in over {
            let name = format!("{} {}", job.account.label(), job.resource.name);
            let partial = match checkpoint {
                Some(checkpoint) => store.has_gaps(checkpoint).await?,
                None => false,
            };
            if partial {
                self.summary.partial_before.push(name);
            } else {
                self.summary.done_before.push(name);
            }
        }
        for (job, _) in open {
            match self.ready.back_mut() {
                Some(jobs) if jobs[0].account.id == job.account.id => jobs.push(job),
                _ => self.ready.push_back(vec![job]),
            }
        }
        Ok(())
    }

    /// Takes in how an account's jobs ended.
    fn take(
        &mut self,
        ended: Result<Result<Ended, StoreError>, JoinError>,
    ) -> Result<(), StoreError> {
        let ended = match ended {
            Ok(ended) => ended?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let mut first: Option<(DateTime<Utc>, String)> = None;
        for mut report in ended.reports {
            if let Outcome::Suspended(until) = report.outcome
                && first.as_ref().is_none_or(|(earliest, _)| until < *earliest)
            {
                first = Some((until, report.message.clone().unwrap_or_default()));
            }
            let jobs = &mut self.summary.jobs;
            match self.reported.entry(report.subject()) {
                Entry::Occupied(place) => {
                    let known = &mut jobs[*place.get()];
                    report.go_on_from(std::mem::replace(known, report.clone()));
                    *known = report;
                }
                Entry::Vacant(place) => {
                    place.insert(jobs.len());
                    jobs.push(report);
                }
            }
        }
        let waits = self.when_suspended == WhenSuspended::Wait && !ended.suspended.is_empty();
        if let Some((until, why)) = first.filter(|_| waits) {
            self.suspended.push(Suspended {
                until,
                why,
                work: Waits::Jobs(ended.suspended),
            });
        }
        self.left.extend(ended.left);
        Ok(())
    }

    /// Puts back what was suspended and whose time has come, in the order in which it was suspended.
    async fn put_back(&mut self) -> Result<(), SelectionError> {
        if self.world.stop.requested() {
            return Ok(());
        }
        for suspended in take_due(&mut self.suspended, self.world.clock.now()) {
            match suspended.work {
                Waits::Jobs(jobs) => self.ready.push_back(jobs),
                Waits::Discovery(credentials) => self.discover(&credentials).await?,
            }
        }
        Ok(())
    }

    /// How long until something that was suspended may go on, as far as one sleep goes.
    fn nap(&self) -> Duration {
        let now = self.world.clock.now();
        let waits = self.suspended.iter().map(|suspended| suspended.until - now);
        let wait = waits.min().and_then(|wait| wait.to_std().ok());
        wait.unwrap_or_default().min(LONGEST_NAP)
    }

    /// Tells whoever looks what is waited for when nothing else is left.
    fn say_what_is_waited_for(&self) {
        let first = self.suspended.iter().min_by_key(|one| one.until);
        if let Some(first) = first.filter(|_| self.running.is_empty()) {
            self.world.progress.wait(Waiting {
                until: first.until,
                why: first.why.clone(),
                others: self.suspended.len() - 1,
            });
        }
    }
}

/// Takes out what was suspended until now or earlier; the order stays.
fn take_due(suspended: &mut Vec<Suspended>, now: DateTime<Utc>) -> Vec<Suspended> {
    let is_due = |one: &Suspended| one.until <= now;
    let (due, rest) = std::mem::take(suspended).into_iter().partition(is_due);
    *suspended = rest;
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_together_goes_on_in_the_order_in_which_it_was_suspended() {
        let at = |minutes| DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes);
        let suspend = |minutes: i64| Suspended {
            until: at(minutes),
            why: minutes.to_string(),
            work: Waits::Jobs(Vec::new()),
        };
        let mut suspended = [30, 10, 40, 20].map(suspend).into();
        let names = |list: &[Suspended]| -> Vec<String> {
            list.iter().map(|one| one.why.clone()).collect()
        };
        assert_eq!(names(&take_due(&mut suspended, at(30))), ["30", "10", "20"]);
        assert_eq!(names(&suspended), ["40"]);
    }
}
