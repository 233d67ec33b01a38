//! How fast we may go: pools, what is used of them, and what closes them.
//!
//! Owns the answer to "may this call go now, and if not, when". Refuses to know what a call is for, and never
//! sleeps: it answers with a time, and the caller waits or gives up.
//!
//! A pool is what Meta meters (Graph API "Rate Limits" page). Three parts decide about each, and all must agree:
//!
//! - *Ledger*: how much is used, estimated from usage readings and our own calls, against the ceiling.
//! - *Block*: a refusal, or Meta's word that the pool is blocked, closes it for a time.
//! - *Pace* (governor): smooths our own calls, and holds the limits that are fixed.
//!
//! Ledgers and blocks survive restarts through [`Budget::states`] and [`Budget::restore`].

mod block;
mod hashtags;
mod ledger;
mod pace;
mod pool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex as Queue, Notify, OwnedMutexGuard};

pub use block::{Block, Closed};
pub use hashtags::{HASHTAG_WINDOW, HASHTAGS, HashtagLedger, SpentHashtag};
pub use ledger::LedgerRecord;
pub use pool::{Ahead, PoolKey, PoolState, Reading, Reserved};

use block::Wait;
use pool::{Pool, Verdict};

/// What the configuration says about budgets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The share of every pool that igsync may use up to, 1 to 100.
    pub ceiling_percent: u8,
    /// How long Meta's BUC window is.
    pub buc_window: Duration,
    /// How long Meta's Platform window is.
    pub platform_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ceiling_percent: 80,
            buc_window: Duration::from_secs(24 * 3600),
            platform_window: Duration::from_secs(3600),
        }
    }
}

/// What may wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// What can be read later as well. Leaves what is reserved for urgent calls, and waits in one line for each pool.
    #[default]
    Bulk,
    /// What will be gone: stories near their end. Goes first, and up to the ceiling.
    Urgent,
}

/// Pools that one request is metered in, at most: its own, and the app's where nobody can tell.
const MOST_POOLS: usize = 2;

/// What a request asks of the budgets.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// The pools that it is metered in, at most two.
    pub pools: &'a [PoolKey],
    /// How many calls Meta counts it for: more than one for a batch.
    pub calls: u32,
    /// What may wait.
    pub urgency: Urgency,
}

/// May a call go?
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// Yes, and it is counted as sent.
    Go,
    /// Not yet: pace. Ask again after this.
    After(Duration),
    /// Not before a request that is under way has been answered. Wait for [`Budget::changed`].
    Busy(PoolKey),
    /// No: the pool is closed.
    Closed(PoolKey, Closed),
}

/// All pools of the program.
#[derive(Debug)]
pub struct Budget {
    settings: Settings,
    pools: Mutex<Pools>,
}

/// Pools are never taken away, so that a place stays good. They lie close together, as a decision waits for memory more than for
/// anything else, and in parts that never move, as what grows by moving leaves holes.
#[derive(Debug, Default)]
struct Pools {
    places: HashMap<PoolKey, usize>,
    parts: Vec<Vec<Pool>>,
}

/// Pools in one part.
const PART: usize = 256;

/// A place at the head of the line for a pool. The next in line comes when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedMutexGuard<()>,
}

impl Budget {
    /// Budgets under these settings, all pools open.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            pools: Mutex::default(),
        }
    }

    /// What the configuration says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks for a permit. [`Admission::Go`] must be followed by [`Budget::settle`].
    pub fn admit(&self, demand: Demand<'_>, now: DateTime<Utc>) -> Admission {
        let mut pools = self.lock();
        let mut places = [0; MOST_POOLS];
        for (place, key) in places.iter_mut().zip(demand.pools) {
            *place = pools.place(key, &self.settings);
            let pool = pools.at_mut(*place);
            match pool.verdict(demand.calls, demand.urgency, &self.settings, now) {
                Verdict::Free => {}
                Verdict::Busy => return Admission::Busy(key.clone()),
                Verdict::Closed(closed) => return Admission::Closed(key.clone(), closed),
            }
        }
        let places = &places[..demand.pools.len().min(MOST_POOLS)];
        for place in places {
            if let Err(wait) = pools.at(*place).pace.permit() {
                return Admission::After(wait);
            }
        }
        for place in places {
            pools.at_mut(*place).ledger.send(demand.calls);
        }
        Admission::Go
    }

    /// Waits in the line for a pool: bulk calls go one after the other, in the order in which they came.
    pub async fn turn(&self, key: &PoolKey) -> Turn {
        let line: Arc<Queue<()>> = self.with(key, |_, pool| Arc::clone(&pool.line));
        Turn {
            _place: line.lock_owned().await,
        }
    }

    /// Told when a request of the pool has been answered.
    pub fn changed(&self, key: &PoolKey) -> Arc<Notify> {
        self.with(key, |_, pool| Arc::clone(&pool.changed))
    }

    /// Books that a request which was let go is over, whatever came of it.
    pub fn settle(&self, demand: Demand<'_>, now: DateTime<Utc>) {
        for key in demand.pools {
            self.with(key, |_, pool| {
                pool.ledger.settle(demand.calls, now);
                pool.changed.notify_waiters();
            });
        }
    }

    /// Books what Meta said about the pool in an answer's headers.
    pub fn observe(&self, key: &PoolKey, reading: Reading, now: DateTime<Utc>) {
        self.with(key, |_, pool| pool.observe(reading, now));
    }

    /// Books that a call of the pool was answered and not refused.
    pub fn answered(&self, key: &PoolKey, now: DateTime<Utc>) {
        self.with(key, |_, pool| pool.block.answered(now));
    }

    /// Books that Meta refused a call for want of budget; `hint` is how long it says that lasts. Says until when
    /// the pool is closed now.
    pub fn refuse(
        &self,
        key: &PoolKey,
        hint: Option<Duration>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Closed {
        self.with(key, |settings, pool| {
            let recovered = pool.ledger.recovered_at(now) - now;
            let wait = Wait {
                told: hint,
                expected: recovered.to_std().unwrap_or_default(),
                least: key.first_wait().min(key.window(settings)),
            };
            pool.block.refuse(wait, why, now)
        })
    }

    /// Books a block of the token's user or app: as [`Budget::refuse`], and [`Budget::blocked`] tells it to every
    /// call of the token.
    pub fn block(&self, key: &PoolKey, hint: Option<Duration>, why: &str, now: DateTime<Utc>) {
        self.refuse(key, hint, why, now);
        self.with(key, |_, pool| pool.block.for_all = true);
    }

    /// Whether the last block of the pool held for every call of the token.
    pub fn is_for_all(&self, key: &PoolKey) -> bool {
        self.lock()
            .known(key)
            .is_some_and(|pool| pool.block.for_all)
    }

    /// Why no call of the token that the pool belongs to may go now.
    pub fn blocked(&self, key: &PoolKey, now: DateTime<Utc>) -> Option<Closed> {
        let pools = self.lock();
        let block = &pools.known(key)?.block;
        block.closed(now).filter(|_| block.for_all).cloned()
    }

    /// Notes urgent calls that were made, and keeps room for the next ones: for a window, as many as were made together, as often
    /// as they came in the last one. Bulk calls end that much below the ceiling, by at most a quarter of it.
    pub fn reserve(&self, key: &PoolKey, calls: u32, now: DateTime<Utc>) {
        self.with(key, |settings, pool| {
            pool.reserve(calls, now, key.window(settings));
        });
    }

    /// Notes whether answers to the pool's calls tell usage of the app's pool alone.
    pub fn tell_by_app(&self, key: &PoolKey, is_by_app: bool) {
        self.with(key, |_, pool| pool.told_by_app = is_by_app);
    }

    /// Whether answers to the pool's calls told usage of the app's pool alone.
    pub fn is_told_by_app(&self, key: &PoolKey) -> bool {
        self.lock().known(key).is_some_and(|pool| pool.told_by_app)
    }

    /// How far calls of this urgency may fill a pool now, in percent.
    pub fn ceiling(&self, key: &PoolKey, urgency: Urgency, now: DateTime<Utc>) -> f32 {
        self.with(key, |settings, pool| pool.ceiling(urgency, settings, now))
    }

    /// How far each gauge is used now, in percent: calls, CPU time, wall time.
    pub fn levels(&self, key: &PoolKey, now: DateTime<Utc>) -> [f32; 3] {
        self.with(key, |_, pool| pool.ledger.levels(now))
    }

    /// How many calls fit under the ceiling now.
    pub fn fit(&self, key: &PoolKey, urgency: Urgency, now: DateTime<Utc>) -> usize {
        self.with(key, |settings, pool| pool.fit(urgency, settings, now))
    }

    /// What becomes of so many bulk calls of a pool if it has nothing else to do. A wait that is longer than `patience`
    /// postpones them.
    pub fn ahead(
        &self,
        key: &PoolKey,
        calls: u64,
        patience: Duration,
        now: DateTime<Utc>,
    ) -> Ahead {
        self.with(key, |settings, pool| {
            pool.ahead(calls, patience, settings, now)
        })
    }

    /// Every pool as it stands, in the order of their names.
    pub fn states(&self, now: DateTime<Utc>) -> Vec<(PoolKey, PoolState)> {
        let pools = self.lock();
        let mut states: Vec<_> = pools
            .places
            .iter()
            .map(|(key, place)| (key.clone(), pools.at(*place).state(now)))
            .collect();
        states.sort_by_key(|(key, _)| key.to_string());
        states
    }

    /// One pool as it stands; `None` when nothing is known of it.
    pub fn state(&self, key: &PoolKey, now: DateTime<Utc>) -> Option<PoolState> {
        self.lock().known(key).map(|pool| pool.state(now))
    }

    /// Takes up a pool where an earlier process left it.
    pub fn restore(&self, key: &PoolKey, state: PoolState, now: DateTime<Utc>) {
        self.with(key, |_, pool| pool.restore(state, now));
    }

    fn with<T>(&self, key: &PoolKey, work: impl FnOnce(&Settings, &mut Pool) -> T) -> T {
        let mut pools = self.lock();
        let place = pools.place(key, &self.settings);
        work(&self.settings, pools.at_mut(place))
    }

    fn lock(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pools {
    fn known(&self, key: &PoolKey) -> Option<&Pool> {
        self.places.get(key).map(|place| self.at(*place))
    }

    fn at(&self, place: usize) -> &Pool {
        &self.parts[place / PART][place % PART]
    }

    fn at_mut(&mut self, place: usize) -> &mut Pool {
        &mut self.parts[place / PART][place % PART]
    }

    fn place(&mut self, key: &PoolKey, settings: &Settings) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let place = self.places.len();
        if place.is_multiple_of(PART) {
            self.parts.push(Vec::with_capacity(PART));
        }
        self.parts[place / PART].push(Pool::new(key, settings));
        self.places.insert(key.clone(), place);
        place
    }
}

#[cfg(test)]
mod tests;
