//! What calls cost, and what happens when there were too many.
//!
//! Meta's page: "Rate Limits" (developers.facebook.com/docs/graph-api/overview/rate-limiting).

mod header;
mod ledger;
mod pool;
mod refusal;
mod spec;

use std::collections::{HashMap, VecDeque};

use crate::reader::Effort;
use crate::world::World;

pub use pool::Pool;
pub use spec::{Foreign, MeterSpec};

pub(crate) use header::usage_headers;
pub(crate) use ledger::Gauges;
pub(crate) use refusal::{throttled, too_many_conversation_calls};

use ledger::{Ledger, Spent};

/// The meters of all pools.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    ledgers: Vec<Ledger>,
    /// Where the ledger of a pool stands.
    places: HashMap<Pool, usize>,
    /// Per account the instants of its latest conversation calls, in microseconds.
    conversation_calls: HashMap<String, VecDeque<i64>>,
}

/// Whether a pool lets a call through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Open,
    Blocked,
}

impl Meters {
    /// Asks before a call is answered. A call against a blocked pool lengthens the block.
    pub(crate) fn admit(&mut self, world: &World, pool: &Pool, now: i64) -> Admission {
        let penalty = world.spec().meters.penalty_seconds;
        let ledger = self.ledger(world, pool, now);
        if !ledger.is_blocked(now) {
            return Admission::Open;
        }
        ledger.lengthen(now, penalty);
        Admission::Blocked
    }

    /// Counts a call, refused ones included, and says how full the pool is.
    pub(crate) fn charge(
        &mut self,
        world: &World,
        pool: &Pool,
        effort: Effort,
        now: i64,
    ) -> Gauges {
        let spent = spent(world, effort);
        let ledger = self.ledger(world, pool, now);
        ledger.add(now, spent);
        ledger.gauges(now)
    }

    /// Counts calls of other users of the same pool.
    pub(crate) fn consume(&mut self, world: &World, pool: &Pool, calls: u64, now: i64) {
        let spent = spent(world, Effort::default()).times(calls);
        self.ledger(world, pool, now).add(now, spent);
    }

    /// Lets others hold so many percent of a pool from now on.
    pub(crate) fn hold(&mut self, world: &World, pool: &Pool, percent: u64, now: i64) {
        self.ledger(world, pool, now).hold(percent);
    }

    /// Changes what a pool allows.
    pub(crate) fn allow(&mut self, world: &World, pool: &Pool, calls: u64, now: i64) {
        self.ledger(world, pool, now).allow(calls);
    }

    pub(crate) fn shares(&mut self, world: &World, pool: &Pool, now: i64) -> [f64; 3] {
        self.ledger(world, pool, now).shares()
    }

    pub(crate) fn gauges(&mut self, world: &World, pool: &Pool, now: i64) -> Gauges {
        self.ledger(world, pool, now).gauges(now)
    }

    /// Whether this call's answer tells usage: not the first ones of a pool, and then every so often.
    pub(crate) fn tells_usage(&mut self, world: &World, pool: &Pool, now: i64) -> bool {
        let spec = &world.spec().meters;
        let answers = self.ledger(world, pool, now).next_answer();
        answers > spec.headers_after_calls && answers.is_multiple_of(spec.headers_every.max(1))
    }

    /// Two conversation calls per second and account.
    pub(crate) fn admit_conversation(
        &mut self,
        world: &World,
        account: &str,
        now_micros: i64,
    ) -> Admission {
        let most = world.spec().meters.conversation_calls_per_second;
        let calls = self
            .conversation_calls
            .entry(account.to_owned())
            .or_default();
        while calls.front().is_some_and(|at| now_micros - at >= 1_000_000) {
            calls.pop_front();
        }
        calls.push_back(now_micros);
        if calls.len() > most {
            Admission::Blocked
        } else {
            Admission::Open
        }
    }

    fn ledger(&mut self, world: &World, pool: &Pool, now: i64) -> &mut Ledger {
        let spec = &world.spec().meters;
        let place = self.places.get(pool).copied().unwrap_or_else(|| {
            let foreign = spec.foreign.iter().find(|foreign| foreign.pool == *pool);
            self.ledgers.push(Ledger::new(
                spec.window_seconds(pool),
                foreign.map_or(0, |foreign| foreign.calls_per_hour),
                world.spec().epoch.timestamp(),
            ));
            let place = self.ledgers.len() - 1;
            self.places.insert(pool.clone(), place);
            place
        });
        let ledger = &mut self.ledgers[place];
        ledger.roll_to(now, spent(world, Effort::default()), |allowed| {
            spec.quota(world, pool, allowed)
        });
        ledger
    }
}

/// Calls, CPU time and wall time of a call.
fn spent(world: &World, effort: Effort) -> Spent {
    let spec = &world.spec().meters;
    let nested = if world.spec().rules.nested_edges_count_as_calls {
        effort.nested_edges
    } else {
        0
    };
    Spent {
        calls: 1 + nested,
        cpu_ms: spec.cpu_ms_per_call + spec.cpu_ms_per_object * effort.objects,
        time_ms: spec.time_ms_per_call + spec.time_ms_per_object * effort.objects,
    }
}
