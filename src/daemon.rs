//! `igsync run`: jobs on their schedule, for as long as the process lives.
//!
//! One loop: it asks the clock, starts what is due, and waits for the end of something that runs, for a signal, for a minute at most. It owns *when*;
//! in which order things are read is the engine's, and how the resource's. Everything it must remember is in the database, so that a restart, a
//! crash and a new configuration all come back to the same place: what was begun goes on, what was missed is made up for once.
//!
//! It refuses to know the configuration file, the terminal and signals: jobs are values, and whoever runs it tells it to stop or to read again
//! ([`Orders`]).

mod check;
mod last_hours;
mod reach;
mod scheduled;
mod status;
mod supervisor;
mod timetable;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock::instant_text;
use crate::graph::Credential;
use crate::stop::StopHandle;
use crate::store::{Outcome, StoreError};
use crate::sync::{CHECK, Configured, Ended, Engine, LONGEST_NAP, Start, WhenSuspended, World};
use last_hours::{AGAIN, LastHours};
use reach::Reach;
use scheduled::{HandOut, STORIES, Scheduled};
use status::Status;
pub use supervisor::Supervisor;

/// While a token is refused, its file is looked at so often.
const SECRETS_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What whoever runs the daemon can ask of it.
pub struct Orders<'a> {
    /// Ends it: when a signal asks to, and when it is to begin anew.
    pub stop: &'a StopHandle,
    /// Told when the configuration is to be read again.
    pub hangup: &'a Notify,
    /// Reads and checks the configuration: its credentials, or what is wrong with it.
    pub load: &'a dyn Fn() -> Result<Vec<Arc<Credential>>, String>,
    /// Why the configuration that was read last is not the one in force.
    pub complaint: Option<String>,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Somebody asked it to.
    Stopped,
    /// There is another configuration, which is fine: begin anew with it.
    Reload,
}

struct Daemon<'a> {
    world: &'a Arc<World>,
    orders: Orders<'a>,
    supervisor: &'a mut Supervisor,
    engine: Engine,
    jobs: Vec<Scheduled>,
    reach: Reach,
    last_hours: LastHours,
    checking: JoinSet<(Outcome, String)>,
    reload: bool,
    /// What the clock showed last.
    seen: DateTime<Utc>,
    looked_at_secrets: DateTime<Utc>,
}

/// Runs jobs on their schedule until it is asked to end.
///
/// # Errors
/// [`StoreError`]: without the database there is nothing to be done.
pub async fn run(
    world: &Arc<World>,
    jobs: Vec<Configured>,
    orders: Orders<'_>,
    supervisor: &mut Supervisor,
) -> Result<End, StoreError> {
    let now = world.clock.now();
    let mut daemon = Daemon {
        world,
        orders,
        supervisor,
        engine: Engine::new(world, WhenSuspended::TryAgain),
        jobs: Vec::new(),
        reach: Reach::default(),
        last_hours: LastHours::default(),
        checking: JoinSet::new(),
        reload: false,
        seen: now,
        looked_at_secrets: now,
    };
    if let Some(problem) = daemon.orders.complaint.take() {
        daemon.complain(problem).await?;
    }
    daemon.take_up(jobs).await?;
    daemon.take_up_stories().await?;
    daemon.supervisor.ready();
    daemon.live().await
}

impl Daemon<'_> {
    async fn live(mut self) -> Result<End, StoreError> {
        loop {
            let now = self.world.clock.now();
            let stopping = self.world.stop.requested();
            if stopping && !self.reload {
                self.supervisor.stopping();
            }
            if !stopping {
                self.turn(now).await?;
            } else if self.is_quiet() {
                break;
            }
            self.engine.fill();
            self.write(now, stopping).await?;
            self.tell(now);
            let nap = if stopping { LONGEST_NAP } else { self.nap(now) };
            let nap = nap.min(self.supervisor.longest_nap());
            tokio::select! {
                joined = self.engine.joined() => {
                    let ended = self.engine.settle(joined).await?;
                    self.take(ended).await?;
                }
                answer = self.reach.answer() => self.reached(answer).await?,
                Some(checked) = self.checking.join_next() => self.checked(checked),
                () = tokio::time::sleep(nap) => {}
                () = self.world.stop.wait(), if !stopping => {}
                () = self.orders.hangup.notified(), if !stopping => self.read_again().await?,
            }
        }
        self.write(self.world.clock.now(), true).await?;
        Ok(if self.reload {
            End::Reload
        } else {
            End::Stopped
        })
    }

    /// Takes jobs up where an earlier process left them.
    async fn take_up(&mut self, mut jobs: Vec<Configured>) -> Result<(), StoreError> {
        let (store, now) = (&self.world.store, self.world.clock.now());
        // The line is a constant of ours, and read by a test.
        jobs.extend(check::job(&jobs).ok());
        let names = jobs.iter().map(|job| job.name.clone()).collect();
        store.keep_jobs(names).await?;
        let mut rows = store.jobs().await?;
        for (number, job) in (0..).zip(jobs) {
            let at = rows.iter().position(|row| row.job == job.name);
            let row = at.map(|at| rows.swap_remove(at));
            let mut start = Start::of(&job, number, row);
            let row = &mut start.row;
            row.next_due_at = timetable::due_at(&job.schedule, row.next_due_at, row.due_at, now);
            let goes_on = row.unfinished_since().is_some();
            if goes_on {
                start.begin(now, true);
            }
            let to_hand_out = goes_on.then_some(HandOut::WhatIsLeft);
            self.jobs.push(Scheduled {
                job,
                start,
                to_hand_out,
            });
        }
        self.write(now, false).await
    }

    /// What the clock asks for.
    async fn turn(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        if now + TimeDelta::minutes(1) < self.seen {
            tracing::warn!(
                shows = instant_text(now),
                showed = instant_text(self.seen),
                "the clock was set back"
            );
            for Scheduled { job, start, .. } in &mut self.jobs {
                start.row.next_due_at =
                    timetable::due_at(&job.schedule, None, start.row.due_at, now);
            }
            self.reach.is_set_back(now);
            self.take_up_stories().await?;
        }
        self.seen = now;
        for scheduled in &mut self.jobs {
            scheduled.begin_if_due(now);
        }
        self.reach.ask_again(self.world, now);
        for scheduled in &mut self.jobs {
            if scheduled.job.name != CHECK {
                let engine = &mut self.engine;
                scheduled
                    .hand_out(self.world, &mut self.reach, engine, now)
                    .await?;
            } else if scheduled.to_hand_out.take().is_some() {
                let meant = scheduled.job.selection.clone();
                self.checking
                    .spawn(check::daily(Arc::clone(self.world), meant));
            }
        }
        self.read_last_hours(now);
        if self.world.lacks_a_token() && (now - self.looked_at_secrets).abs() >= SECRETS_EVERY {
            self.looked_at_secrets = now;
            self.look_at_secrets();
        }
        Ok(())
    }

    /// Takes in what tokens told of their accounts.
    async fn reached(&mut self, answer: reach::Answer) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        match answer {
            Ok((asked, told)) => self.reach.take(&asked, told?, now),
            Err(panic) => {
                tracing::error!(%panic, "igsync made a mistake when it asked for accounts; please report it");
                let everybody = self.world.credentials.iter();
                self.reach
                    .failed(everybody.map(|one| one.name().to_owned()).collect(), now);
            }
        }
        for scheduled in &mut self.jobs {
            if scheduled.start.lacks_accounts() && scheduled.job.name != CHECK {
                scheduled.to_hand_out.get_or_insert(HandOut::WhatIsLeft);
            }
        }
        if self.jobs.iter().any(Scheduled::reads_stories) {
            let accounts = self.reach.accounts().into_iter().map(|account| account.id);
            self.last_hours
                .look(&self.world.store, accounts.collect(), now, now)
                .await?;
        }
        Ok(())
    }

    fn checked(&mut self, checked: Result<(Outcome, String), tokio::task::JoinError>) {
        let (outcome, message) =
            checked.unwrap_or_else(|panic| (Outcome::Failed, panic.to_string()));
        let now = self.world.clock.now();
        let check = self
            .jobs
            .iter_mut()
            .find(|scheduled| scheduled.job.name == CHECK);
        if let Some(Scheduled { start, .. }) = check {
            // A check that a signal cut short is made by the next process.
            if !self.world.stop.requested() {
                start.met(outcome, message);
                start.reads(&[], &[], false);
                start.finish(now);
            }
        }
    }

    /// Takes in what the engine has ended.
    async fn take(&mut self, ended: Vec<Ended>) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        self.world.progress.forget_ended();
        let mut storytellers = Vec::new();
        for one in ended {
            // After a stop it is the next process that goes on.
            let stopped = one
                .report
                .as_ref()
                .is_some_and(|report| report.outcome == Outcome::Stopped);
            for scheduled in self.jobs.iter_mut().filter(|_| !stopped) {
                if one.starts.contains(&scheduled.start.number) {
                    scheduled.start.ended(&one);
                }
            }
            if one.job.resource.name == STORIES && one.goes_on_at.is_none() {
                storytellers.push(one.job.account.id.clone());
            }
        }
        if !storytellers.is_empty() {
            self.last_hours
                .look(&self.world.store, storytellers, now, now + AGAIN)
                .await?;
        }
        Ok(())
    }

    /// Reads the configuration again, as it was asked to.
    async fn read_again(&mut self) -> Result<(), StoreError> {
        self.supervisor.reloading();
        match (self.orders.load)() {
            Ok(_) => self.begin_anew("the configuration is read again"),
            Err(problem) => {
                let problem =
                    format!("the configuration is not taken over, the old one stays: {problem}");
                tracing::error!("{problem}");
                self.complain(problem).await?;
                self.supervisor.ready();
            }
        }
        Ok(())
    }

    /// Tells the service manager, and whoever looks at the database, that the configuration that was read is not in force.
    async fn complain(&mut self, problem: String) -> Result<(), StoreError> {
        self.orders.complaint = Some(problem.clone());
        let now = self.world.clock.now();
        self.world.store.refuse_configuration(problem, now).await
    }

    /// Looks whether a token that is refused was replaced.
    fn look_at_secrets(&mut self) {
        // What is wrong with the configuration is said when somebody wants it to be read.
        let Ok(credentials) = (self.orders.load)() else {
            return;
        };
        let known = &self.world.credentials;
        let is_new = |one: &Arc<Credential>| !known.iter().any(|known| known.is_same(one));
        if credentials.iter().any(is_new) {
            self.supervisor.reloading();
            self.begin_anew("a token was replaced");
        }
    }

    fn begin_anew(&mut self, why: &str) {
        tracing::info!("{why}: beginning anew with it");
        self.reload = true;
        for scheduled in &mut self.jobs {
            scheduled.start.reopen();
        }
        self.orders.stop.stop();
    }

    /// Writes how far the starts are.
    async fn write(&mut self, now: DateTime<Utc>, stopping: bool) -> Result<(), StoreError> {
        for Scheduled { job, start, .. } in &mut self.jobs {
            if start.finish(now) {
                tracing::info!(job = job.name, "is done");
            }
            start.write(&self.world.store, now, stopping).await?;
        }
        Ok(())
    }

    fn tell(&mut self, now: DateTime<Utc>) {
        self.supervisor.catch_up();
        if !self.world.stands_still() {
            self.supervisor.alive();
        }
        let running = self.world.progress.jobs();
        let resource = running.last().map(|job| job.resource);
        let status = Status::of(&self.jobs, resource, self.orders.complaint.as_deref());
        self.supervisor.status(&status.line(now));
    }

    fn is_quiet(&self) -> bool {
        self.engine.is_quiet() && self.checking.is_empty() && !self.reach.is_asking()
    }

    /// How long until something is to be done, as far as one sleep goes.
    fn nap(&self, now: DateTime<Utc>) -> Duration {
        let due = self
            .jobs
            .iter()
            .filter_map(|scheduled| scheduled.start.row.next_due_at);
        let held_up = self.reach.held_up().filter(|_| !self.reach.is_asking());
        let held_up = held_up.map(|(until, _)| until);
        let waits = !self.reach.was_asked() && self.reach.is_asking();
        let last_hour = self.last_hours.next().filter(|_| !waits);
        let first = due.chain(last_hour).chain(held_up).min();
        let wait = first.map_or(LONGEST_NAP, |at| (at - now).to_std().unwrap_or_default());
        wait.min(self.engine.nap())
    }
}
