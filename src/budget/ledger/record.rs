//! A ledger between two lives of the program.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Cost, HIGHEST, Ledger, Reading, Slice, believable, place};

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
                *sum = believable(*sum + believable(rose));
            }
        }
        self.sum();
        for gauge in 0..3 {
            if self.sums[gauge] > HIGHEST {
                self.scale(gauge, HIGHEST / self.sums[gauge]);
            }
        }
        for (cost, (gained, calls)) in self.costs.iter_mut().zip(&record.costs) {
            let believed = 0.0..f32::MAX / 2.0;
            if believed.contains(gained) && believed.contains(calls) && *calls > 0.0 {
                *cost = Cost {
                    gained: *gained,
                    calls: *calls,
                };
            }
        }
        self.reading = reading;
        self.read_level = f32::INFINITY;
    }
}

/// Three digits behind the point.
fn short(number: f32) -> f32 {
    (number * 1000.0).round() / 1000.0
}
