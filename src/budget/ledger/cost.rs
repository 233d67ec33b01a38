//! What a call costs: learned from readings.

use super::HIGHEST;

/// Calls after which half of what was learned about their cost is replaced.
const MEMORY: f32 = 70.0;

/// How many calls the expected cost weighs before anything is learned.
const PRIOR_CALLS: f32 = 8.0;

/// No call is cheaper, in percent: a pool of more than a million calls is not to be counted in percent.
const CHEAPEST: f32 = 0.000_1;

/// What one call costs, in percent of the pool, as far as was learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    pub(super) gained: f32,
    pub(super) calls: f32,
}

impl Cost {
    pub(super) fn expected(percent: f32) -> Self {
        Self {
            gained: percent * PRIOR_CALLS,
            calls: PRIOR_CALLS,
        }
    }

    pub(super) fn of_one(self) -> f32 {
        (self.gained / self.calls).clamp(CHEAPEST, HIGHEST)
    }

    pub(super) fn learn(&mut self, calls: f32, gained: f32) {
        let keep = (-calls / MEMORY).exp2();
        self.gained = self.gained * keep + gained;
        self.calls = self.calls * keep + calls;
    }
}
