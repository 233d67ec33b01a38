//! The queue of the process: accounts side by side, one thing at a time in each.
//!
//! An *entry* is a resource of an account that is to be read. Entries wait in the line of their account, and one of a line asks at a time. Urgent
//! resources go first, in their line and across lines; one that is due while another entry of its line runs has its turn at the next page of that
//! one (`turn`). The others follow in registry order. An entry that waits or runs already is joined,
//! not stacked. What is suspended stays in its line until its pool opens, so a process that is killed meanwhile loses nothing: everything that was
//! read is committed.
//!
//! Commands and the daemon use the same engine. They say what is to be read and hear what came of it ([`Ended`]); when and why is theirs.

mod line;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::account_jobs::{close_panicked, one_job};
use super::group::Group;
use super::job::{Account, Job};
use super::progress::Waiting;
use super::report::JobReport;
use super::world::World;
use crate::store::{Outcome, StoreError};
use line::{Entry, Line, Turn, may_wait_for, place};

/// Accounts that are read at the same time. Each has a pool of its own, so this bounds connections and memory, not budgets.
const SIDE_BY_SIDE: usize = 8;

/// Further places for what is lost when it is not read now.
const FOR_URGENT: usize = 2;

/// The longest sleep before the wall clock is asked again: it may have been set, or the machine have slept.
pub const LONGEST_NAP: Duration = Duration::from_secs(60);

/// Clocks are adjusted all the time; what is more than this was set.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);

/// How often, and after how many minutes each time, an entry without an answer is tried again where that is wanted: an outage of some hours
/// is outlived.
const RETRIES: [i64; 8] = [5, 10, 20, 40, 60, 60, 60, 60];

/// What becomes of work that cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenSuspended {
    /// It is left, with the time it can go on.
    Leave,
    /// A closed pool is waited for.
    Wait,
    /// A closed pool is waited for, and what got no answer is tried again later.
    TryAgain,
}

/// What came of an entry.
#[derive(Debug)]
pub struct Ended {
    /// What was to be read.
    pub job: Job,
    /// Who asked for it.
    pub starts: Vec<u64>,
    /// How it ended; `None`: it was given up with its account, of which nothing can be read.
    pub report: Option<JobReport>,
    /// When it goes on; `None`: it is over.
    pub goes_on_at: Option<DateTime<Utc>>,
}

/// How a task ended.
pub(crate) type Joined = Result<(Id, Result<JobReport, StoreError>), JoinError>;

/// The queue.
#[derive(Debug)]
pub struct Engine {
    world: Arc<World>,
    when_suspended: WhenSuspended,
    lines: HashMap<String, Line>,
    /// The turns of lines that have room.
    agenda: BTreeSet<Turn>,
    running: JoinSet<Result<JobReport, StoreError>>,
    /// Whose task it is: the account, and the entry's number.
    accounts: HashMap<Id, (String, u64)>,
    numbers: u64,
    /// The wall clock as it was last seen, and when that was.
    seen: (DateTime<Utc>, Instant),
}

impl Engine {
    /// An engine with nothing to do.
    pub fn new(world: &Arc<World>, when_suspended: WhenSuspended) -> Self {
        Self {
            world: Arc::clone(world),
            when_suspended,
            lines: HashMap::new(),
            agenda: BTreeSet::new(),
            running: JoinSet::new(),
            accounts: HashMap::new(),
            numbers: 0,
            seen: (world.clock.now(), Instant::now()),
        }
    }

    /// Puts a job into the line of its account, or joins it where it waits or runs already. `start` is told when it ends.
    pub fn add(&mut self, job: Job, group: &Group, start: Option<u64>, not_before: DateTime<Utc>) {
        let line = self.lines.entry(job.account.id.clone()).or_default();
        let account_id = job.account.id.clone();
        let known = line.waiting.iter_mut().chain(&mut line.running);
        if let Some(known) = known.into_iter().find(|entry| entry.job.reads_as(&job)) {
            if let Some(start) = start.filter(|start| !known.starts.contains(start)) {
                known.starts.push(start);
                // Another reason to ask is a reason to ask now; a closed pool stays closed.
                if known.tries > 0 {
                    (known.tries, known.not_before) = (0, not_before);
                }
            }
            // Routes and counts as they were seen last.
            known.job.account = job.account;
        } else {
            self.numbers += 1;
            line.waiting.push(Entry {
                job,
                group: group.clone(),
                starts: start.into_iter().collect(),
                not_before,
                why: None,
                tries: 0,
                number: self.numbers,
            });
        }
        self.arrange(&account_id);
    }

    /// Whether this resource of an account waits or runs.
    pub fn has(&self, account: &Account, resource: &str) -> bool {
        let line = self.lines.get(&account.id);
        let entries = line.map(|line| line.waiting.iter().chain(&line.running));
        let mut entries = entries.into_iter().flatten();
        entries.any(|entry| entry.job.resource.name == resource)
    }

    /// Starts what may run now. Nothing starts after a stop.
    pub fn fill(&mut self) {
        let now = self.world.clock.now();
        self.mind_the_clock(now);
        while !self.world.stop.requested()
            && let Some((may_wait, account_id)) = self.next(now)
        {
            let world = Arc::clone(&self.world);
            let Some(entry) = self.take_out(&account_id, may_wait, now) else {
                return;
            };
            let turn = self.lines.entry(account_id).or_default().turn.clone();
            let work = one_job(world, entry.job.clone(), entry.group.clone(), turn);
            self.run(entry, work);
        }
    }

    /// Moves what waits along when the clock was set back: it would wait for longer than was meant.
    fn mind_the_clock(&mut self, now: DateTime<Utc>) {
        let (then, at) = std::mem::replace(&mut self.seen, (now, Instant::now()));
        let ran = TimeDelta::from_std(at.elapsed()).unwrap_or_default();
        let set = now - then - ran;
        if set > -SET_BACK {
            return;
        }
        let mut waiting = Vec::new();
        for (account_id, line) in &mut self.lines {
            for entry in &mut line.waiting {
                entry.not_before += set;
            }
            waiting.push(account_id.clone());
        }
        for account_id in waiting {
            self.arrange(&account_id);
        }
    }

    /// Waits for the end of a task; for ever if none runs. Loses nothing when it is dropped.
    pub async fn joined(&mut self) -> Joined {
        match self.running.join_next_with_id().await {
            Some(joined) => joined,
            None => std::future::pending().await,
        }
    }

    /// Takes in how a task ended: puts its entry back or ends it.
    ///
    /// # Errors
    /// [`StoreError`], the task's or our own.
    pub async fn settle(&mut self, joined: Joined) -> Result<Vec<Ended>, StoreError> {
        let (id, report) = match joined {
            Ok((id, report)) => (id, Ok(report?)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some((account_id, number)) = self.accounts.remove(&id) else {
            return Ok(Vec::new());
        };
        let line = self.lines.entry(account_id.clone()).or_default();
        let mut running = line.running.iter();
        let Some(place) = running.position(|entry| entry.number == number) else {
            return Ok(Vec::new());
        };
        let entry = line.running.remove(place);
        let (report, panicked) = match report {
            Ok(report) => (report, false),
            Err(panic) => (close_panicked(&self.world, &entry.job, panic).await?, true),
        };
        let ended = self.put_back_or_end(&account_id, entry, report, panicked);
        self.arrange(&account_id);
        Ok(ended)
    }

    /// Takes out everything that waits.
    pub fn drain(&mut self) -> Vec<Job> {
        self.agenda.clear();
        let mut entries: Vec<Entry> = Vec::new();
        for line in self.lines.values_mut() {
            line.turns.clear();
            entries.append(&mut line.waiting);
        }
        entries.sort_by_key(|entry| entry.number);
        entries.into_iter().map(|entry| entry.job).collect()
    }

    /// Whether nothing runs.
    pub fn is_quiet(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.agenda.is_empty()
    }

    /// How long until something may start, as far as one sleep goes.
    pub fn nap(&self) -> Duration {
        let now = self.world.clock.now();
        let waits = [false, true].into_iter().filter_map(|may_wait| {
            let (_, at, _, _) = self.first(may_wait)?;
            Some((*at - now).to_std().unwrap_or_default())
        });
        waits.min().unwrap_or(LONGEST_NAP).min(LONGEST_NAP)
    }

    /// What is waited for when nothing runs: the first of what ran before and cannot go on.
    pub fn waiting(&self) -> Option<Waiting> {
        if !self.is_quiet() {
            return None;
        }
        let entries = self.lines.values().flat_map(|line| &line.waiting);
        let held_up = entries.filter_map(|entry| Some((entry, entry.why.clone()?)));
        let accounts: BTreeSet<&str> = held_up
            .clone()
            .map(|(entry, _)| entry.job.account.id.as_str())
            .collect();
        let first = held_up.min_by_key(|(entry, _)| (entry.not_before, entry.number));
        first.map(|(entry, why)| Waiting {
            until: entry.not_before,
            why,
            others: accounts.len() - 1,
        })
    }

    fn run(
        &mut self,
        entry: Entry,
        work: impl Future<Output = Result<JobReport, StoreError>> + Send + 'static,
    ) {
        let account_id = entry.job.account.id.clone();
        let world = Arc::clone(&self.world);
        let task = self
            .running
            .spawn(async move { world.tasks.watch(work).await });
        self.accounts
            .insert(task.id(), (account_id.clone(), entry.number));
        let line = self.lines.entry(account_id.clone()).or_default();
        line.running.push(entry);
        self.arrange(&account_id);
    }

    fn put_back_or_end(
        &mut self,
        account_id: &str,
        mut entry: Entry,
        report: JobReport,
        panicked: bool,
    ) -> Vec<Ended> {
        let now = self.world.clock.now();
        let goes_on_at = match report.outcome {
            Outcome::Suspended(until) if self.when_suspended != WhenSuspended::Leave => Some(until),
            // It would panic again.
            Outcome::Failed if self.when_suspended == WhenSuspended::TryAgain && !panicked => {
                let pause = RETRIES.get(entry.tries).copied().map(TimeDelta::minutes);
                entry.tries += 1;
                pause.map(|pause| now + pause)
            }
            _ => None,
        };
        let line = self.lines.entry(account_id.to_owned()).or_default();
        let given_up = match report.leaves_account {
            true => std::mem::take(&mut line.waiting),
            false => Vec::new(),
        };
        let ended = Ended {
            job: entry.job.clone(),
            starts: entry.starts.clone(),
            goes_on_at: goes_on_at.filter(|_| !report.leaves_account),
            report: Some(report),
        };
        if let Some(at) = ended.goes_on_at {
            entry.not_before = at;
            let report = ended.report.as_ref();
            entry.why = report.map(|report| report.message.clone().unwrap_or_default());
            line.waiting.push(entry);
        }
        let given_up = given_up.into_iter().map(|entry| Ended {
            job: entry.job,
            starts: entry.starts,
            report: None,
            goes_on_at: None,
        });
        std::iter::once(ended).chain(given_up).collect()
    }

    /// Whose turn it is now, as far as there are places.
    fn next(&self, now: DateTime<Utc>) -> Option<(bool, String)> {
        [false, true].into_iter().find_map(|may_wait| {
            let (_, at, _, account_id) = self.first(may_wait)?;
            (*at <= now).then(|| (may_wait, account_id.clone()))
        })
    }

    /// The first turn of what may wait, or of what may not; `None` when there is no place for it, either.
    fn first(&self, may_wait: bool) -> Option<&Turn> {
        let places = if may_wait {
            SIDE_BY_SIDE
        } else {
            SIDE_BY_SIDE + FOR_URGENT
        };
        if self.running.len() >= places {
            return None;
        }
        let from = (may_wait, DateTime::<Utc>::MIN_UTC, 0, String::new());
        let first = self.agenda.range(from..).next();
        first.filter(|(waits, ..)| *waits == may_wait)
    }

    /// The entry of a line whose turn it is: of those that may run now, the first in registry order.
    fn take_out(&mut self, account_id: &str, may_wait: bool, now: DateTime<Utc>) -> Option<Entry> {
        let line = self.lines.get_mut(account_id)?;
        let runnable =
            |entry: &&Entry| may_wait_for(&entry.job) == may_wait && entry.not_before <= now;
        let chosen = line.waiting.iter().filter(runnable);
        let chosen = chosen
            .min_by_key(|entry| (place(&entry.job), entry.number))?
            .number;
        let at = line
            .waiting
            .iter()
            .position(|entry| entry.number == chosen)?;
        Some(line.waiting.remove(at))
    }

    /// Brings the agenda up to date about a line.
    fn arrange(&mut self, account_id: &str) {
        let Some(line) = self.lines.get_mut(account_id) else {
            return;
        };
        for turn in line.turns.drain(..) {
            self.agenda.remove(&turn);
        }
        for may_wait in [false, true] {
            // Beside what may wait, one that may not finds room.
            let in_its_way = |entry: &Entry| may_wait || !may_wait_for(&entry.job);
            if line.running.iter().any(in_its_way) {
                continue;
            }
            let entries = line.waiting.iter();
            let entries = entries.filter(|entry| may_wait_for(&entry.job) == may_wait);
            let first = entries.map(|entry| (entry.not_before, entry.number)).min();
            if let Some((at, number)) = first {
                let turn = (may_wait, at, number, account_id.to_owned());
                line.turns.push(turn.clone());
                self.agenda.insert(turn);
            }
        }
        if line.waiting.is_empty() && line.running.is_empty() {
            self.lines.remove(account_id);
        }
    }
}

#[cfg(test)]
mod tests;
