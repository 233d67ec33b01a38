//! The one start of a command.
//!
//! The engine reads; here it is decided which jobs there are, what an earlier start has done already, and what the summary says. What is suspended
//! is waited for or left ([`WhenSuspended`]): the engine does the waiting, and discovery that is suspended is put back here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::account_jobs::note_left;
use super::askers::Askers;
use super::discovery::{Discovery, discover};
use super::engine::{Ended, Engine, LONGEST_NAP, WhenSuspended};
use super::group::Group;
use super::job::{Account, BACKFILL, Job, Range};
use super::progress::Waiting;
use super::report::Summary;
use super::selection::{
    Place, Selection, SelectionError, all_over, missing, read_since, unfinished,
};
use super::start::Start;
use super::world::World;
use crate::graph::Credential;
use crate::store::StoreError;

/// Credentials that could not be asked for their accounts.
struct Unasked {
    until: DateTime<Utc>,
    why: String,
    credential: Arc<Credential>,
}

/// One start.
pub(super) struct Work<'a> {
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
    group: Group,
    /// Whether an earlier start left something unfinished.
    goes_on: bool,
    /// What `sync_jobs` is told, for jobs of the configuration.
    pub(super) start: Option<Start>,
    /// What the tokens reach.
    found: Vec<Account>,
    askers: Askers,
    /// Accounts in the order in which they are reported.
    order: BTreeMap<String, usize>,
    engine: Engine,
    unasked: Vec<Unasked>,
}

impl<'a> Work<'a> {
    /// Nothing is begun.
    pub(super) fn new(
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
            group: Group::default(),
            goes_on: false,
            start: None,
            found: Vec::new(),
            askers: Askers::default(),
            order: BTreeMap::new(),
            engine: Engine::new(world, when_suspended),
            unasked: Vec::new(),
        }
    }

    /// Runs it to its end.
    pub(super) async fn all(mut self) -> Result<Summary, SelectionError> {
        let all = self.world.credentials.clone();
        let worked = match self.discover(&all).await {
            Ok(()) => self.work().await,
            Err(error) => Err(error),
        };
        // Whatever went wrong, pages in flight are finished and committed.
        while !self.engine.is_quiet() {
            let joined = self.engine.joined().await;
            let ended = self.engine.settle(joined).await?;
            self.take(ended);
        }
        worked?;
        let left = self.engine.drain();
        self.end_start(&left).await?;
        let Self {
            world,
            selection,
            mut summary,
            reported,
            found,
            order,
            ..
        } = self;
        summary.unreached = selection.unreached(&found);
        if summary.problems.is_empty() {
            summary.lost = world.lost(selection, &found).await?;
        }
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

    /// Starts what is ready, takes in what has ended, and asks again for accounts when that can be done.
    async fn work(&mut self) -> Result<(), SelectionError> {
        let stop = &self.world.stop;
        loop {
            self.ask_again().await?;
            self.engine.fill();
            let stopping = stop.requested();
            let nothing_waits = self.engine.is_idle() && self.unasked.is_empty();
            if self.engine.is_quiet() && (nothing_waits || stopping) {
                return Ok(());
            }
            self.say_what_is_waited_for();
            let nap = self.nap();
            let quiet = self.engine.is_quiet();
            tokio::select! {
                joined = self.engine.joined() => {
                    let ended = self.engine.settle(joined).await?;
                    self.take(ended);
                }
                () = tokio::time::sleep(nap), if !stopping => {}
                () = stop.wait(), if quiet => {}
            }
            let now = self.world.clock.now();
            if let Some(start) = &mut self.start {
                start.write(&self.world.store, now, false).await?;
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
        if self.run.is_none() {
            (self.run, self.group) = (Some(run), Group::of(Some(run)));
            if let Some(start) = &mut self.start {
                start.group = self.group.clone();
            }
        }
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
        let (world, askers) = (self.world, &mut self.askers);
        let found = (&self.found[..], all_asked);
        world.share_names(self.selection, askers, found).await?;
        chosen.retain(|account| new_ids.contains(&account.id));
        for account in &chosen {
            self.order.insert(account.id.clone(), self.order.len());
        }
        self.make_ready(&chosen).await?;
        let waits = credentials
            .iter()
            .filter_map(|credential| Some((closed.remove(credential.name())?, credential)));
        if self.when_suspended == WhenSuspended::Wait {
            self.unasked
                .extend(waits.map(|((until, why), credential)| Unasked {
                    until,
                    why,
                    credential: Arc::clone(credential),
                }));
        }
        if let Some(start) = &mut self.start {
            for problem in &self.summary.problems {
                let outcome = problem.outcome();
                start.met(outcome, problem.message.clone());
            }
        }
        Ok(())
    }

    /// Makes the jobs of accounts ready that are to be run.
    async fn make_ready(&mut self, accounts: &[Arc<Account>]) -> Result<(), StoreError> {
        let store = &self.world.store;
        let mut places: Vec<Place> = Vec::new();
        let selection = self.selection;
        for job in selection.jobs(self.job, accounts, self.range, &self.askers) {
            let checkpoint = store.checkpoint(job.checkpoint_key()).await?;
            places.push((job, checkpoint));
        }
        // What one token's accounts go on with, those of a token that could be asked only later do not begin anew.
        self.goes_on |= self.job == BACKFILL && !all_over(&places);
        let since = self
            .start
            .as_ref()
            .and_then(|start| start.row.unfinished_since());
        let (open, over) = match since {
            _ if self.goes_on => unfinished(places),
            Some(since) => read_since(places, since),
            None => (places, Vec::new()),
        };
        if let Some(start) = &mut self.start {
            let [open, over] = [&open, &over].map(|places| {
                let jobs = places.iter().map(|(job, _)| job.clone());
                jobs.collect::<Vec<Job>>()
            });
            start.reads(&open, &over, !self.unasked.is_empty());
        }
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
        let (number, now) = (
            self.start.as_ref().map(|start| start.number),
            self.world.clock.now(),
        );
        for (job, _) in open {
            self.engine.add(job, &self.group, number, now);
        }
        Ok(())
    }

    /// Takes in how jobs ended.
    fn take(&mut self, ended: Vec<Ended>) {
        for ended in ended {
            if let Some(start) = &mut self.start {
                start.ended(&ended);
            }
            let Some(mut report) = ended.report else {
                continue;
            };
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
    }

    /// Writes how the start of a configured job ended. What is left when a command ends is gone on with by the next start.
    async fn end_start(&mut self, left: &[Job]) -> Result<(), StoreError> {
        let Some(start) = &mut self.start else {
            return Ok(());
        };
        let now = self.world.clock.now();
        let stopped = self.world.stop.requested() && !left.is_empty();
        if !stopped {
            start.give_up(now);
        }
        start.write(&self.world.store, now, stopped).await
    }

    /// Asks credentials for their accounts whose pools have opened, in the order in which they were closed.
    async fn ask_again(&mut self) -> Result<(), SelectionError> {
        let now = self.world.clock.now();
        if self.world.stop.requested() {
            return Ok(());
        }
        while let Some(at) = self.unasked.iter().position(|one| one.until <= now) {
            let unasked = self.unasked.remove(at);
            self.discover(&[unasked.credential]).await?;
        }
        Ok(())
    }

    /// How long until something may go on, as far as one sleep goes.
    fn nap(&self) -> Duration {
        let now = self.world.clock.now();
        let waits = self.unasked.iter().map(|unasked| unasked.until - now);
        let first = waits.min().map(|wait| wait.to_std().unwrap_or_default());
        first.unwrap_or(LONGEST_NAP).min(self.engine.nap())
    }

    /// Tells whoever looks what is waited for when nothing else is left.
    fn say_what_is_waited_for(&self) {
        if !self.engine.is_quiet() {
            return;
        }
        let of_jobs = self.engine.waiting();
        let first = self.unasked.iter().min_by_key(|unasked| unasked.until);
        let of_tokens = first.map(|unasked| Waiting {
            until: unasked.until,
            why: unasked.why.clone(),
            others: self.unasked.len() - 1,
        });
        let waiting = match (of_jobs, of_tokens) {
            (Some(one), Some(other)) => {
                let others = one.others + other.others + 1;
                let first = if other.until < one.until { other } else { one };
                Waiting { others, ..first }
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.world.progress.wait(waiting);
    }
}
