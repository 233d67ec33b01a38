//! Which accounts the tokens reach, as far as it is known, and when to ask again.
//!
//! Asking costs calls of the token's user, and the answer changes when a Page is linked, a role is given or a token is replaced: rarely. So it is
//! asked when a job is due and what is known is older than [`AGE`], not for each start, and never by an idle daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::{JoinError, JoinSet};

use crate::graph::Credential;
use crate::store::StoreError;
use crate::sync::{Account, DISCOVERY, Discovery, Problem, World, discover};

/// How old an answer may be: a nightly job asks each night, an hourly one twice a day, and a new account is read on the day it is linked.
const AGE: TimeDelta = TimeDelta::hours(12);

/// A token that got no answer is asked again after so many minutes, each time later.
const AGAIN: [i64; 6] = [1, 2, 5, 10, 20, 30];

/// A token that cannot be asked now.
#[derive(Debug)]
struct HeldUp {
    until: DateTime<Utc>,
    why: String,
    tries: usize,
}

/// What the tokens reach.
#[derive(Debug, Default)]
pub(super) struct Reach {
    accounts: BTreeMap<String, Account>,
    asked_at: Option<DateTime<Utc>>,
    /// What an operator must do, for each credential.
    refused: BTreeMap<String, Problem>,
    held_up: BTreeMap<String, HeldUp>,
    /// Whether the question that is under way goes to all.
    asks_all: bool,
    asking: JoinSet<(BTreeSet<String>, Result<Discovery, StoreError>)>,
}

/// Who was asked, and what they told.
pub(super) type Answer = Result<(BTreeSet<String>, Result<Discovery, StoreError>), JoinError>;

impl Reach {
    /// What is known.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.accounts.values().cloned().collect()
    }

    /// Whether what is known is young enough for a start.
    pub(super) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.asking.is_empty() && self.asked_at.is_some_and(|at| (now - at).abs() < AGE)
    }

    /// Whether what the tokens reach was asked since this life began.
    pub(super) fn was_asked(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Whether a question is under way.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// The first token that is asked again by itself, and why it could not be asked.
    pub(super) fn held_up(&self) -> Option<(DateTime<Utc>, &str)> {
        let held_up = self
            .held_up
            .values()
            .map(|one| (one.until, one.why.as_str()));
        held_up.min_by_key(|(until, _)| *until)
    }

    /// What an operator must do.
    pub(super) fn refused(&self) -> impl Iterator<Item = &Problem> {
        self.refused.values()
    }

    /// Asks all tokens, unless that is under way.
    pub(super) fn ask_all(&mut self, world: &Arc<World>) {
        if self.asking.is_empty() {
            self.asks_all = true;
            self.ask(world, world.credentials.clone());
        }
    }

    /// Asks tokens again whose time has come.
    pub(super) fn ask_again(&mut self, world: &Arc<World>, now: DateTime<Utc>) {
        let is_due = |credential: &&Arc<Credential>| {
            let held_up = self.held_up.get(credential.name());
            held_up.is_some_and(|one| one.until <= now)
        };
        let due: Vec<_> = world.credentials.iter().filter(is_due).cloned().collect();
        if !due.is_empty() && self.asking.is_empty() {
            self.asks_all = false;
            self.ask(world, due);
        }
    }

    fn ask(&mut self, world: &Arc<World>, credentials: Vec<Arc<Credential>>) {
        let world = Arc::clone(world);
        let names = credentials
            .iter()
            .map(|one| one.name().to_owned())
            .collect();
        self.asking.spawn(async move {
            let answer = discover(&world, DISCOVERY, &credentials, None);
            (names, world.tasks.watch(answer).await)
        });
    }

    /// Waits for the answer; for ever when nobody was asked. Loses nothing when it is dropped.
    pub(super) async fn answer(&mut self) -> Answer {
        match self.asking.join_next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Takes in what tokens told. What one of them could not tell stays as it was.
    pub(super) fn take(&mut self, asked: &BTreeSet<String>, told: Discovery, now: DateTime<Utc>) {
        if self.asks_all {
            self.asked_at = Some(now);
        }
        let mut earlier = std::mem::take(&mut self.held_up);
        self.refused.retain(|name, _| !asked.contains(name));
        let mut untold = BTreeSet::new();
        for problem in told.problems {
            let name = problem.credential.clone();
            untold.insert(name.clone());
            if problem.operator {
                self.refused.insert(name, problem);
                continue;
            }
            let tries = earlier.get(&name).map_or(0, |one| one.tries);
            let pause = TimeDelta::minutes(AGAIN[tries.min(AGAIN.len() - 1)]);
            let held_up = HeldUp {
                until: problem.resume_at.unwrap_or(now + pause),
                why: problem.message,
                tries: tries + 1,
            };
            self.held_up.insert(name, held_up);
        }
        earlier.retain(|name, _| !asked.contains(name));
        self.held_up.append(&mut earlier);
        self.merge(told.accounts, |name| {
            asked.contains(name) && !untold.contains(name)
        });
    }

    /// What was planned by a clock that ran ahead is done when it would be done at the latest.
    pub(super) fn is_set_back(&mut self, now: DateTime<Utc>) {
        let latest = now + TimeDelta::minutes(AGAIN[AGAIN.len() - 1]);
        for one in self.held_up.values_mut() {
            one.until = one.until.min(latest);
        }
    }

    /// Takes in that nobody was heard.
    pub(super) fn failed(&mut self, asked: BTreeSet<String>, now: DateTime<Utc>) {
        self.asked_at = Some(now);
        for name in asked {
            let held_up = HeldUp {
                until: now + TimeDelta::minutes(AGAIN[AGAIN.len() - 1]),
                why: "the question which accounts there are got no answer".to_owned(),
                tries: 0,
            };
            self.held_up.insert(name, held_up);
        }
    }

    /// Routes through tokens that have answered are as they were told now; the others stay.
    fn merge(&mut self, told: Vec<Account>, has_answered: impl Fn(&str) -> bool) {
        let mut known = std::mem::take(&mut self.accounts);
        for account in known.values_mut() {
            let stays = |credential: &Credential| !has_answered(credential.name());
            account.routes.retain(|route| stays(&route.credential));
        }
        for mut account in told {
            if let Some(earlier) = known.remove(&account.id) {
                let is_new = |name: &str| {
                    account
                        .routes
                        .iter()
                        .all(|route| route.credential.name() != name)
                };
                let (more, _): (Vec<_>, Vec<_>) = earlier
                    .routes
                    .into_iter()
                    .partition(|route| is_new(route.credential.name()));
                account.routes.extend(more);
                account
                    .routes
                    .sort_by_key(|route| std::cmp::Reverse(route.tasks.len()));
            }
            self.accounts.insert(account.id.clone(), account);
        }
        known.retain(|_, account| !account.routes.is_empty());
        self.accounts.append(&mut known);
    }
}
