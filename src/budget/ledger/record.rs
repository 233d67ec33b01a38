//! A ledger between two lives of the program.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Cost, Ledger, Reading, Slice, place};

/// What is kept of a ledger: short, as it is written with every page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// For each slice of the window in which something was spent: its start in unix milliseconds, own calls, and how far
    /// calls, CPU time and wall time rose, in percent points.
    pub spent: Vec<(i64, u32, f32, f32, f32)>,
    /// What was learned about the cost of a call: percent points gained, in so many calls; for each gauge.
    pub costs: Vec<(f32, f32)>,
}

impl Ledger {
    /// What is to be kept. Calls under way count as answered.
    pub(in crate::budget) fn record(&self, now: DateTime<Utc>) -> LedgerRecord {
        let mut ledger = self.clone();
        ledger.settle(ledger.calls_in_flight, now);
        let oldest = ledger.newest - ledger.spans();
        let spent = (oldest..=ledger.newest).filter_map(|number| {
            let slice = ledger.slices[place(number)];
            let [calls, cpu, time] = slice.rose.map(short);
            (slice != Slice::default())
                .then(|| (number * ledger.slice, slice.calls, calls, cpu, time))
        });
        let costs = ledger
            .costs
            .map(|cost| (short(cost.gained), short(cost.calls)));
        LedgerRecord {
            spent: spent.collect(),
            costs: costs.to_vec(),
        }
    }

    /// Takes up what was kept; the window may have another length now.
    pub(in crate::budget) fn restore(
        &mut self,
        record: &LedgerRecord,
        reading: Option<(Reading, DateTime<Utc>)>,
        now: DateTime<Utc>,
    ) {
        self.roll(now);
        for &(start, calls, count, cpu, time) in &record.spent {
            let number = start.div_euclid(self.slice);
            if number < self.newest - self.spans() || number > self.newest {
                continue;
            }
            let slice = &mut self.slices[place(number)];
            slice.calls = slice.calls.saturating_add(calls);
            for (sum, rose) in slice.rose.iter_mut().zip([count, cpu, time]) {
                *sum += if rose.is_finite() { rose.max(0.0) } else { 0.0 };
            }
        }
        self.sum();
        for (cost, (gained, calls)) in self.costs.iter_mut().zip(&record.costs) {
            if *gained > 0.0 && *calls > 0.0 && gained.is_finite() && calls.is_finite() {
                *cost = Cost {
                    gained: *gained,
                    calls: *calls,
                };
            }
        }
        self.reading = reading;
        self.read_level = reading.map_or(0.0, |(reading, _)| reading.tightest());
    }
}

/// Three digits behind the point.
fn short(number: f32) -> f32 {
    (number * 1000.0).round() / 1000.0
}
