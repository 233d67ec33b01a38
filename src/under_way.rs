//! What is under way, and since when nothing was heard of it: the measure of whether this process still makes progress.
//!
//! Owns no judgement: how long something may be silent is said by whoever begins it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Everything of one kind.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<BTreeMap<u64, Instant>>);

/// One thing; over when it is dropped.
pub(crate) struct OnItsWay<'a> {
    all: &'a UnderWay,
    number: u64,
}

impl UnderWay {
    /// Something begins that is not heard of until its end.
    pub(crate) fn begin(&self) -> OnItsWay<'_> {
        let mut all = self.lock();
        let number = all.last_key_value().map_or(0, |(last, _)| last + 1);
        all.insert(number, Instant::now());
        OnItsWay { all: self, number }
    }

    /// Does `work`, which is heard of whenever the runtime goes on with it.
    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        let one = self.begin();
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            self.lock().insert(one.number, Instant::now());
            work.as_mut().poll(context)
        })
        .await
    }

    /// For how long nothing was heard of the one that has been silent for longest.
    pub fn longest(&self) -> Option<Duration> {
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
    use std::sync::Arc;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_tells_how_long_nothing_came_back() {
        let under_way = UnderWay::default();
        assert_eq!(under_way.longest(), None);
        let old = under_way.begin();
        sleep(Duration::from_secs(70)).await;
        let young = under_way.begin();
        assert_eq!(under_way.longest(), Some(Duration::from_secs(70)));
        drop(old);
        assert_eq!(under_way.longest(), Some(Duration::ZERO));
        drop(young);
        assert_eq!(under_way.longest(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_heard_of_as_long_as_it_gets_on() {
        let under_way = Arc::new(UnderWay::default());
        let its = Arc::clone(&under_way);
        let work = tokio::spawn(async move {
            let work = async {
                for _ in 0..10 {
                    sleep(Duration::from_secs(50)).await;
                }
                sleep(Duration::from_secs(500)).await;
            };
            its.watch(work).await;
        });
        let silent = || under_way.longest().map(|silent| silent.as_secs());
        sleep(Duration::from_secs(499)).await;
        assert_eq!(silent(), Some(49));
        sleep(Duration::from_secs(400)).await;
        assert_eq!(silent(), Some(399));
        work.await.unwrap();
        assert_eq!(silent(), None);
        // What is given up is not under way any more.
        let given_up = under_way.watch(std::future::pending::<()>());
        let _ = tokio::time::timeout(Duration::from_secs(5), given_up).await;
        assert_eq!(under_way.longest(), None);
    }
}
