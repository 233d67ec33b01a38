//! Wall time.
//!
//! Owns the answer to "what time is it". In production it asks the system each time, so a changed clock is
//! noticed; anchored, it follows tokio's clock, so a test that pauses tokio's time moves both together.
//! Waiting is never done here: that is `tokio::time::sleep`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::time::Instant;

/// Where wall time comes from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    anchor: Option<Anchor>,
}

/// What an anchored clock shows follows from these.
#[derive(Clone, Debug)]
struct Anchor {
    epoch: DateTime<Utc>,
    start: Instant,
    /// Milliseconds by which it was set since, forward or back.
    set: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { anchor: None }
    }

    /// A clock that shows `epoch` now and moves with tokio's clock from here on.
    pub fn anchored(epoch: DateTime<Utc>) -> Self {
        Self {
            anchor: Some(Anchor {
                epoch,
                start: Instant::now(),
                set: Arc::default(),
            }),
        }
    }

    /// Sets an anchored clock and its clones, as an administrator sets the system's, or as a machine that slept finds it.
    pub fn set(&self, by: TimeDelta) {
        if let Some(anchor) = &self.anchor {
            anchor
                .set
                .fetch_add(by.num_milliseconds(), Ordering::Relaxed);
        }
    }

    /// The present instant in UTC.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clock"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.anchor {
            Some(Anchor { epoch, start, set }) => {
                *epoch + start.elapsed() + TimeDelta::milliseconds(set.load(Ordering::Relaxed))
            }
            None => Utc::now(),
        }
    }
}

/// An instant as the database and the messages write it: UTC, whole seconds, `2026-05-07T13:00:34Z`.
pub fn instant_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads an instant that [`instant_text`] wrote; `None` for anything else.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_anchored_clock_moves_with_tokio() {
        let epoch = parse_instant("2026-05-07T13:00:34Z").unwrap();
        let clock = Clock::anchored(epoch);
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        assert_eq!(instant_text(clock.now()), "2026-05-07T13:02:04Z");
        clock.clone().set(TimeDelta::hours(-1));
        assert_eq!(instant_text(clock.now()), "2026-05-07T12:02:04Z");
    }

    #[test]
    fn instants_survive_text() {
        for text in ["2026-05-07T13:00:34Z", "1999-12-31T23:59:59Z"] {
            assert_eq!(parse_instant(text).map(instant_text).as_deref(), Some(text));
        }
        assert_eq!(parse_instant("yesterday"), None);
    }
}
