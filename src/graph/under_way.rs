//! Requests that wait for their answers, and since when: the measure of whether this process still makes progress.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<BTreeMap<u64, Instant>>);

/// One of them; over when it is dropped.
pub(super) struct OnItsWay<'a> {
    all: &'a UnderWay,
    number: u64,
}

impl UnderWay {
    /// A request begins.
    pub(super) fn begin(&self) -> OnItsWay<'_> {
        let mut requests = self.lock();
        let number = requests.last_key_value().map_or(0, |(last, _)| last + 1);
        requests.insert(number, Instant::now());
        OnItsWay { all: self, number }
    }

    /// How long the oldest of them has been under way.
    pub(super) fn longest(&self) -> Option<Duration> {
        self.lock().values().map(Instant::elapsed).max()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_request_tells_how_long_nothing_came_back() {
        let under_way = UnderWay::default();
        assert_eq!(under_way.longest(), None);
        let old = under_way.begin();
        tokio::time::sleep(Duration::from_secs(70)).await;
        let young = under_way.begin();
        assert_eq!(under_way.longest(), Some(Duration::from_secs(70)));
        drop(old);
        assert_eq!(under_way.longest(), Some(Duration::ZERO));
        drop(young);
        assert_eq!(under_way.longest(), None);
    }
}
