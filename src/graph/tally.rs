//! Calls, counted where they are sent.

use super::request::Request;
use crate::budget::PoolKey;

/// Calls that one job spent, per pool and endpoint.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    entries: Vec<(PoolKey, &'static str, u32, u32)>,
}

impl Tally {
    pub(super) fn count(&mut self, request: &Request, failed: bool) {
        let failed = u32::from(failed);
        let known = self
            .entries
            .iter_mut()
            .find(|(pool, endpoint, ..)| *pool == request.pool && *endpoint == request.endpoint);
        match known {
            Some((_, _, calls, failures)) => {
                *calls += 1;
                *failures += failed;
            }
            None => self
                .entries
                .push((request.pool.clone(), request.endpoint, 1, failed)),
        }
    }

    /// What was counted since the last time: pool, endpoint, calls, and how many of them had no usable answer.
    pub fn take(&mut self) -> Vec<(PoolKey, &'static str, u32, u32)> {
        std::mem::take(&mut self.entries)
    }
}
