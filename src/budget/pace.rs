//! Pace: how close together our own calls to one pool may be.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::PoolKey;

/// Calls a second to one account. Far above what one connection reaches: it cuts bursts, the gate keeps the budget.
const BUC_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Calls a second of one credential to endpoints with Platform limits, which are few and shared by all accounts.
const PLATFORM_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Conversation calls: Meta allows two a second to an account ("Rate Limits" page). A little more apart than half
/// a second, as they travel at different speeds.
const MESSENGER_PERIOD: Duration = Duration::from_millis(600);

/// Smooths calls. Never rebuilt while the program runs: a rebuilt limiter would hand out a full burst again.
#[derive(Debug)]
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<TokioInstant>>,
    period: Duration,
}

impl Pace {
    pub(super) fn of(key: &PoolKey) -> Self {
        let quota = match key {
            PoolKey::Buc { .. } => Quota::per_second(BUC_PER_SECOND),
            PoolKey::App { .. } | PoolKey::User { .. } => Quota::per_second(PLATFORM_PER_SECOND),
            PoolKey::Messenger { .. } => {
                let quota = Quota::with_period(MESSENGER_PERIOD);
                quota.unwrap_or(Quota::per_second(NonZeroU32::MIN))
            }
        };
        // A burst of one: governor's default burst would allow twice the quota in the first period.
        let quota = quota.allow_burst(NonZeroU32::MIN);
        let limiter = RateLimiter::direct_with_clock(quota, TokioClock);
        if matches!(key, PoolKey::Messenger { .. }) {
            // A process that ended a moment ago may have called.
            let _ = limiter.check();
        }
        Self {
            limiter,
            period: quota.replenish_interval(),
        }
    }

    /// How long so many calls take at least.
    pub(super) fn time_for(&self, calls: u64) -> Duration {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.period.saturating_mul(calls)
    }

    /// A permit for one call, or how long to wait before asking again.
    pub(super) fn permit(&self) -> Result<(), Duration> {
        self.limiter
            .check()
            .map_err(|not_until| not_until.wait_time_from(TokioClock.now()))
    }
}

/// governor's clock over tokio's, so that paused time paces too.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TokioInstant(Instant);

impl Clock for TokioClock {
    type Instant = TokioInstant;

    fn now(&self) -> TokioInstant {
        TokioInstant(Instant::now())
    }
}

impl Reference for TokioInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for TokioInstant {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        Self(self.0 + Duration::from(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn conversations_are_paced_over_a_restart_too() {
        let key = PoolKey::Messenger {
            page_id: "1".to_owned(),
        };
        let mut calls = Vec::new();
        let began = Instant::now();
        // Each process makes some calls and ends at once.
        for of_process in 1..4 {
            let pace = Pace::of(&key);
            for _ in 0..of_process {
                while let Err(wait) = pace.permit() {
                    tokio::time::sleep(wait).await;
                }
                calls.push(began.elapsed());
            }
        }
        let second = Duration::from_secs(1);
        assert!(
            calls.windows(3).all(|three| three[2] - three[0] > second),
            "{calls:?}"
        );
    }
}
