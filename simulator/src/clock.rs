//! The simulated wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// Wall time that starts at an epoch and follows tokio's clock, so paused time moves it too.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch_micros: i64,
    started: Instant,
    skipped_micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows `epoch` now.
    pub fn starting_at(epoch: DateTime<Utc>) -> Self {
        Self {
            epoch_micros: epoch.timestamp_micros(),
            started: Instant::now(),
            skipped_micros: Arc::default(),
        }
    }

    /// The simulated instant.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.now_micros()).unwrap_or_default()
    }

    /// Moves this clock and all its clones forward without waiting; for programs that run in real time.
    pub fn skip(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.skipped_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn now_micros(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.epoch_micros + elapsed + self.skipped_micros.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_paused_time_and_can_be_moved_by_hand() {
        let epoch = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::starting_at(epoch);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!((clock.now() - epoch).num_seconds(), 3600);
        clock.clone().skip(Duration::from_secs(60));
        assert_eq!((clock.now() - epoch).num_seconds(), 3660);
    }
}
