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

/// Smooths calls. Never rebuilt while the program runs: a rebuilt limiter would hand out a full burst again.
#[derive(Debug)]
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<TokioInstant>>,
}

impl Pace {
    pub(super) fn of(key: &PoolKey) -> Self {
        let per_second = match key {
            PoolKey::Buc { .. } => BUC_PER_SECOND,
            PoolKey::Platform { .. } => PLATFORM_PER_SECOND,
        };
        // A burst of one: governor's default burst would allow twice the quota in the first period.
        let quota = Quota::per_second(per_second).allow_burst(NonZeroU32::MIN);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, TokioClock),
        }
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
