//! What a decision of the budget costs beside governor's bare check, what a pool weighs, and how much of a pool is used.
//!
//! Fails when a decision costs more than 10 bare checks, a pool weighs 2 kB or more, or a scenario of `tests/it/pools.rs` is missed.
//! `cargo bench --bench budget`.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

#[path = "../tests/it/scenario/mod.rs"]
#[expect(unreachable_pub, reason = "shared with the tests")]
mod scenario;

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use governor::{Quota, RateLimiter};
use igsync::budget::{Admission, Budget, Demand, PoolKey, Reading, Settings, Urgency};
use scenario::Scenario;
use tokio::time::Instant;

const POOLS: u32 = 20_000;
const ROUNDS: usize = 21;
/// Decisions that are timed together.
const STRETCH: usize = 100;

/// Longer than what lies between two calls to one pool, with room for a machine that has other work.
const PACE: Duration = Duration::from_millis(100);

/// Each takes a variation.
const SCENARIOS: [fn(u32) -> Scenario; 8] = [
    scenario::alone,
    scenario::uneven,
    scenario::foreign,
    scenario::late_headers,
    scenario::rare_headers,
    scenario::halved,
    scenario::killed,
    scenario::many,
];

fn main() {
    // Weighed before anything else: memory that was given back would be taken up again unseen.
    let budget = weight();
    decision(&budget);
    drop(budget);
    assert!(scenarios(), "a scenario is missed");
}

/// Lives through every variation of each scenario; true when none is missed.
fn scenarios() -> bool {
    let mut fine = true;
    for variations in SCENARIOS {
        let (mut name, mut at_least) = ("", 0.0);
        let (mut least, mut most, mut refused) = (f64::MAX, 0.0_f64, Vec::new());
        for scenario in (0..scenario::VARIATIONS).map(variations) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            let measured = runtime.block_on(scenario.measure());
            let wrong = scenario.wrong(&measured);
            println!("  {measured}: {}", wrong.unwrap_or("fine"));
            fine &= wrong.is_none();
            (name, at_least) = (scenario.name, scenario.at_least);
            least = least.min(measured.use_of_ceiling);
            most = most.max(measured.use_of_ceiling);
            refused.push(measured.refused);
        }
        println!("{name}: refused {refused:?}, use {least:.3} to {most:.3}, at least {at_least}");
    }
    fine
}

fn key(number: u32) -> PoolKey {
    PoolKey::Buc {
        account_id: format!("1784140000{number:07}"),
    }
}

/// A decision about a call, among many pools with a full ledger, beside a bare check. Both in short stretches, of which the
/// median counts, so that a machine with other work to do measures the same.
fn decision(budget: &Budget) {
    let keys: Vec<[PoolKey; 1]> = (0..POOLS).map(|number| [key(number)]).collect();
    let bare = RateLimiter::direct(Quota::per_second(NonZeroU32::MAX));
    let now = DateTime::UNIX_EPOCH + TimeDelta::hours(30);
    let (mut checks, mut decisions) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for stretch in keys.chunks(STRETCH) {
            let check = Instant::now();
            for _ in stretch {
                black_box(bare.check().is_ok());
            }
            checks.push(check.elapsed());
            let decision = Instant::now();
            let mut gone = 0;
            for pools in stretch {
                gone += usize::from(black_box(budget.admit(demand(pools), now)) == Admission::Go);
            }
            decisions.push(decision.elapsed());
            assert_eq!(gone, stretch.len(), "not all of them were let go");
        }
        let ended = Instant::now();
        for pools in &keys {
            budget.settle(demand(pools), now);
        }
        // Every pool's pace lets one through again, however long this round was held up.
        while ended.elapsed() < PACE {
            std::hint::spin_loop();
        }
    }
    let ratio = median(decisions) / median(checks);
    println!("a decision costs {ratio:.1} bare governor checks");
    assert!(ratio <= 10.0, "more than 10");
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn demand(pools: &[PoolKey]) -> Demand<'_> {
    Demand {
        pools,
        calls: 1,
        urgency: Urgency::Bulk,
    }
}

/// Many pools, each with something in every slice of its window.
fn filled() -> Budget {
    let budget = Budget::new(Settings::default());
    for number in 0..POOLS {
        let key = key(number);
        for hour in 0..30 {
            let reading = Reading {
                call_count: 2.0,
                total_cputime: 3.0,
                total_time: 1.0,
                regain: Duration::ZERO,
            };
            budget.observe(&key, reading, DateTime::UNIX_EPOCH + TimeDelta::hours(hour));
        }
    }
    budget
}

/// Gives what was weighed.
fn weight() -> Budget {
    let before = resident();
    let budget = filled();
    let bytes = (resident() - before) / u64::from(POOLS);
    println!(
        "a pool weighs {bytes} bytes, {POOLS} of them {} MB",
        bytes * u64::from(POOLS) / 1_000_000
    );
    assert!(bytes < 2_000, "2 kB or more");
    // Less than its window of slices alone would mean that nothing was weighed.
    assert!(bytes > 1_500, "not weighed");
    budget
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
