//! What calls cost and what happens when there were too many.

mod header;
mod pool;

pub use pool::Pool;

pub(crate) use header::{Gauges, usage_headers};

/// Sizes of the pools. Percentages in usage headers are shares of these.
#[derive(Clone, Debug)]
pub struct MeterSpec {
    /// Calls per day that one impression of an account buys ("Rate Limits" page: 4,800).
    pub calls_per_impression: u64,
}

impl Default for MeterSpec {
    fn default() -> Self {
        Self {
            calls_per_impression: 4_800,
        }
    }
}
