//! Pools between the budget and the database.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::budget::{
    Block, Budget, Closed, LedgerRecord, PoolKey, PoolState, Reading, Reserved, Settings,
};
use crate::graph::Client;
use crate::store::PoolRow;

/// Takes up pools where an earlier process left them.
pub fn restore_pools(graph: &Client, rows: Vec<PoolRow>, now: DateTime<Utc>) {
    for row in rows {
        if let Some(key) = PoolKey::parse(&row.pool) {
            graph.budget().restore(&key, state(row), now);
        }
    }
}

/// How far each gauge of a pool is used now, in percent, as far as the record of it tells; `None` for a pool that this igsync
/// does not know. The record is taken apart for it.
pub(super) fn estimate(
    settings: &Settings,
    row: PoolRow,
    now: DateTime<Utc>,
) -> Option<(PoolState, [f32; 3])> {
    let key = PoolKey::parse(&row.pool)?;
    let budget = Budget::new(settings.clone());
    let state = state(row);
    budget.restore(&key, state.clone(), now);
    Some((state, budget.levels(&key, now)))
}

/// The pools of these names that something is known of, as the store takes them.
pub(super) fn rows(budget: &Budget, keys: BTreeSet<PoolKey>, now: DateTime<Utc>) -> Vec<PoolRow> {
    let known = |key: PoolKey| Some((budget.state(&key, now)?, key));
    let known = keys.into_iter().filter_map(known);
    known.map(|(state, key)| row(&key, state)).collect()
}

fn row(key: &PoolKey, state: PoolState) -> PoolRow {
    let (reading, observed_at) = state.reading.unzip();
    let Block {
        closed,
        refusals,
        for_all,
    } = state.block;
    let (until, why) = closed.map(|closed| (closed.until, closed.why)).unzip();
    PoolRow {
        pool: key.to_string(),
        gauges: reading.map(|reading| reading.gauges()),
        observed_at,
        closed_until: until,
        closed_why: why,
        closed_for_all: for_all,
        refusals,
        own_calls: state.own_calls,
        reserved: state
            .reserved
            .map(|kept| (kept.calls, kept.times, kept.since)),
        told_by_app: state.told_by_app,
        // Numbers in lists always become JSON.
        ledger: serde_json::to_string(&state.ledger).unwrap_or_default(),
    }
}

fn state(row: PoolRow) -> PoolState {
    let reading = row
        .gauges
        .map(|[call_count, total_cputime, total_time]| Reading {
            call_count,
            total_cputime,
            total_time,
            ..Reading::default()
        });
    let ledger = serde_json::from_str(&row.ledger).unwrap_or_else(|error| {
        tracing::warn!(pool = row.pool, %error, "what was spent of this pool cannot be read; it is learned anew");
        LedgerRecord::default()
    });
    PoolState {
        reading: reading.zip(row.observed_at),
        block: Block {
            closed: row.closed_until.map(|until| Closed {
                until,
                why: row.closed_why.unwrap_or_default(),
            }),
            refusals: row.refusals,
            for_all: row.closed_for_all,
        },
        own_calls: row.own_calls,
        reserved: row.reserved.map(|(calls, times, since)| Reserved {
            calls,
            times,
            since,
        }),
        told_by_app: row.told_by_app,
        ledger,
    }
}
