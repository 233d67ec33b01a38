//! What a decision of the budget costs beside governor's bare check, what a pool weighs, and how much of a pool is used.
//!
//! Fails when a decision costs more than 10 bare checks, a pool weighs 2 kB or more, or a scenario of `tests/it/pools.rs` is missed.
//! `cargo bench --bench budget`.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

#[path = "../tests/it/scenario.rs"]
#[expect(unreachable_pub, reason = "shared with the tests")]
mod scenario;

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use governor::{Quota, RateLimiter};
use igsync::budget::{Budget, Demand, PoolKey, Reading, Settings, Urgency};
use tokio::time::Instant;

const POOLS: u32 = 20_000;
const ROUNDS: usize = 7;

fn main() {
    decision();
    weight();
    let mut failed = false;
    let scenarios = [
        scenario::alone(),
        scenario::uneven(),
        scenario::foreign(),
        scenario::late_headers(),
        scenario::rare_headers(),
        scenario::halved(),
        scenario::killed(),
        scenario::many(),
    ];
    for scenario in scenarios {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let measured = runtime.block_on(scenario.measure());
        let verdict = scenario.wrong(&measured).unwrap_or("fine");
        println!(
            "{}: {measured}, at least {}: {verdict}",
            scenario.name, scenario.at_least
        );
        failed |= verdict != "fine";
    }
    assert!(!failed, "a scenario is missed");
}

fn key(number: u32) -> PoolKey {
    PoolKey::Buc {
        account_id: format!("1784140000{number:07}"),
    }
}

/// A decision about a call, among many pools with a full ledger, beside a bare check.
fn decision() {
    let budget = filled();
    let keys: Vec<[PoolKey; 1]> = (0..POOLS).map(|number| [key(number)]).collect();
    let bare = RateLimiter::direct(Quota::per_second(NonZeroU32::MAX));
    let now = DateTime::UNIX_EPOCH + TimeDelta::hours(30);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..POOLS {
                black_box(bare.check().is_ok());
            }
            let checks = begun.elapsed();
            let begun = Instant::now();
            for pools in &keys {
                black_box(budget.admit(demand(pools), now));
            }
            let decisions = begun.elapsed();
            for pools in &keys {
                budget.settle(demand(pools), now);
            }
            decisions.as_secs_f64() / checks.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ROUNDS / 2];
    println!("a decision costs {median:.1} bare governor checks (median of {ROUNDS})");
    assert!(median <= 10.0, "more than 10");
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

fn weight() {
    let before = resident();
    let budget = filled();
    let bytes = (resident() - before) / u64::from(POOLS);
    println!(
        "a pool weighs {bytes} bytes, {POOLS} of them {} MB",
        bytes * u64::from(POOLS) / 1_000_000
    );
    assert!(bytes < 2_000, "2 kB or more");
    drop(budget);
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
