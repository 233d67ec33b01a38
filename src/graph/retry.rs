//! How long to wait between attempts. The only file that knows the `backoff` crate, and it knows only its delay
//! sequence: attempts and time are counted by the caller, whose clock can be paused.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// The delays between attempts: each about twice the one before, with jitter, up to a cap.
#[derive(Debug)]
pub(super) struct Delays {
    sequence: ExponentialBackoff,
}

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Half to one and a half times the delay, so that accounts that failed together do not come back together.
const JITTER: f64 = 0.5;

impl Delays {
    /// A fresh sequence.
    pub(super) fn new() -> Self {
        let mut sequence = ExponentialBackoff {
            initial_interval: FIRST,
            randomization_factor: JITTER,
            multiplier: 2.0,
            max_interval: LONGEST,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        sequence.reset();
        Self { sequence }
    }

    /// The next delay; a server's own wish, if longer, comes first, up to the cap.
    pub(super) fn next(&mut self, wish: Option<Duration>) -> Duration {
        let delay = self.sequence.next_backoff().unwrap_or(LONGEST);
        delay.max(wish.unwrap_or_default()).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_jitter_and_stay_under_the_cap() {
        let mut delays = Delays::new();
        for doubling in 0..12 {
            let plain = FIRST.saturating_mul(1 << doubling).min(LONGEST);
            let delay = delays.next(None);
            assert!(
                delay >= plain.mul_f64(1.0 - JITTER) && delay <= LONGEST,
                "{delay:?} at {doubling}"
            );
            assert!(
                delay <= plain.mul_f64(1.0 + JITTER),
                "{delay:?} at {doubling}"
            );
        }
    }

    #[test]
    fn a_servers_wish_is_honoured_up_to_the_cap() {
        let wish = |seconds| Delays::new().next(Some(Duration::from_secs(seconds)));
        assert_eq!(wish(20), Duration::from_secs(20));
        assert_eq!(wish(3600), LONGEST);
    }
}
