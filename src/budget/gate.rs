//! The gate of one pool: pure, time is an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{PoolKey, Settings};
use crate::clock::instant_text;

/// What Meta said about a pool in one answer's headers, in percent of the allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Share of the allowed calls.
    pub call_count: f64,
    /// Share of the allowed CPU time.
    pub total_cputime: f64,
    /// Share of the allowed wall time.
    pub total_time: f64,
    /// How long until access is regained; zero while nothing is blocked. BUC only.
    pub regain: Duration,
}

impl Reading {
    /// The gauge that throttles first.
    pub fn tightest(&self) -> f64 {
        self.call_count.max(self.total_cputime).max(self.total_time)
    }

    /// The worse of two readings, gauge by gauge.
    pub fn max(self, other: Self) -> Self {
        Self {
            call_count: self.call_count.max(other.call_count),
            total_cputime: self.total_cputime.max(other.total_cputime),
            total_time: self.total_time.max(other.total_time),
            regain: self.regain.max(other.regain),
        }
    }
}

/// Why and until when a pool is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// No call before this.
    pub until: DateTime<Utc>,
    /// What closed it, for a person.
    pub why: String,
}

/// What is known of a pool. Survives restarts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateState {
    /// The last reading and when it was made: percentages age.
    pub reading: Option<(Reading, DateTime<Utc>)>,
    /// Set while the pool is closed.
    pub closed: Option<Closed>,
    /// Refusals in a row: each doubles the next wait.
    pub refusals: u32,
    /// Whether the block holds for every call of the token, whatever pool it belongs to.
    pub for_all: bool,
}

/// The first wait after a refusal without a hint. Meta names no time for Platform limits; the BUC window is
/// a day, so it recovers slowly.
fn first_wait(key: &PoolKey) -> Duration {
    match key {
        PoolKey::Buc { .. } => Duration::from_secs(15 * 60),
        PoolKey::Platform { .. } => Duration::from_secs(5 * 60),
    }
}

/// The longest wait between two probes of a pool that stays blocked, unless Meta itself names a longer one.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

impl GateState {
    /// Why no call may go now; `None` when one may.
    pub(super) fn closed(&self, now: DateTime<Utc>) -> Option<Closed> {
        self.closed.clone().filter(|closed| now < closed.until)
    }

    pub(super) fn observe(
        &mut self,
        reading: Reading,
        settings: &Settings,
        key: &PoolKey,
        now: DateTime<Utc>,
    ) {
        self.reading = Some((reading, now));
        let ceiling = f64::from(settings.ceiling_percent);
        if reading.tightest() < ceiling && reading.regain.is_zero() {
            // A good reading of a closed pool comes from a call that was under way before, and opens nothing.
            if self.closed(now).is_none() {
                self.closed = None;
            }
            return;
        }
        let why = format!(
            "{:.0} % of the pool is used, the ceiling is {ceiling:.0} %",
            reading.tightest()
        );
        let wait = if reading.regain.is_zero() {
            first_wait(key).min(window(settings, key))
        } else {
            reading.regain
        };
        let _ = self.close(now, wait, why);
    }

    /// A call was answered: the refusals before it are over.
    pub(super) fn answered(&mut self, now: DateTime<Utc>) {
        if self.closed(now).is_none() {
            self.refusals = 0;
            self.for_all = false;
        }
    }

    pub(super) fn refuse(
        &mut self,
        hint: Option<Duration>,
        why: &str,
        settings: &Settings,
        key: &PoolKey,
        now: DateTime<Utc>,
    ) -> Closed {
        let doubled = first_wait(key).saturating_mul(1 << self.refusals.min(8));
        let wait = doubled
            .min(LONGEST_WAIT)
            .min(window(settings, key))
            .max(hint.unwrap_or_default());
        self.refusals = self.refusals.saturating_add(1);
        self.close(now, wait, format!("Meta refused a call: {why}"))
    }

    /// Never opens a pool earlier than an earlier verdict said.
    fn close(&mut self, now: DateTime<Utc>, wait: Duration, why: String) -> Closed {
        let until = now + wait;
        let longer = self.closed.take().filter(|closed| closed.until > until);
        self.closed
            .insert(longer.unwrap_or(Closed { until, why }))
            .clone()
    }
}

fn window(settings: &Settings, key: &PoolKey) -> Duration {
    match key {
        PoolKey::Buc { .. } => settings.buc_window,
        PoolKey::Platform { .. } => settings.platform_window,
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "closed until {}: {}", instant_text(self.until), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PoolKey {
        PoolKey::Buc {
            account_id: "1".into(),
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::minutes(minutes)
    }

    fn percent(call_count: f64) -> Reading {
        Reading {
            call_count,
            ..Reading::default()
        }
    }

    #[test]
    fn the_ceiling_closes_and_time_opens() {
        let (mut gate, settings) = (GateState::default(), Settings::default());
        gate.observe(percent(79.0), &settings, &key(), at(0));
        assert_eq!(gate.closed(at(0)), None);
        gate.observe(percent(80.0), &settings, &key(), at(0));
        assert!(gate.closed(at(14)).is_some());
        assert_eq!(gate.closed(at(15)), None);
    }

    #[test]
    fn any_of_the_three_gauges_closes() {
        for reading in [
            Reading {
                total_cputime: 81.0,
                ..Reading::default()
            },
            Reading {
                total_time: 81.0,
                ..Reading::default()
            },
        ] {
            let mut gate = GateState::default();
            gate.observe(reading, &Settings::default(), &key(), at(0));
            assert!(gate.closed(at(1)).is_some(), "{reading:?}");
        }
    }

    #[test]
    fn regain_minutes_are_believed() {
        let mut gate = GateState::default();
        let reading = Reading {
            regain: Duration::from_secs(90 * 60),
            ..percent(100.0)
        };
        gate.observe(reading, &Settings::default(), &key(), at(0));
        assert!(gate.closed(at(89)).is_some());
        assert_eq!(gate.closed(at(90)), None);
    }

    #[test]
    fn refusals_in_a_row_wait_longer_and_an_answer_forgets_them() {
        let (mut gate, settings) = (GateState::default(), Settings::default());
        let mut waits = Vec::new();
        for _ in 0..4 {
            gate.closed = None;
            gate.refuse(None, "code 80002", &settings, &key(), at(0));
            waits.push((gate.closed.clone().unwrap().until - at(0)).num_minutes());
        }
        assert_eq!(waits, [15, 30, 60, 60]);
        // A refusal can carry a good reading; only an answer ends the row.
        gate.observe(percent(3.0), &settings, &key(), at(61));
        assert_eq!((gate.refusals, gate.closed(at(61))), (4, None));
        gate.answered(at(61));
        assert_eq!(gate.refusals, 0);
    }

    #[test]
    fn a_good_reading_of_a_call_that_was_under_way_opens_nothing() {
        let (mut gate, settings) = (GateState::default(), Settings::default());
        gate.refuse(None, "code 80002", &settings, &key(), at(0));
        gate.observe(percent(40.0), &settings, &key(), at(1));
        assert!(gate.closed(at(14)).is_some());
        assert_eq!(gate.refusals, 1);
    }

    #[test]
    fn a_later_verdict_never_opens_earlier() {
        let (mut gate, settings) = (GateState::default(), Settings::default());
        let hint = Some(Duration::from_secs(3 * 3600));
        gate.refuse(hint, "code 80002", &settings, &key(), at(0));
        gate.observe(percent(90.0), &settings, &key(), at(1));
        assert!(gate.closed(at(179)).is_some());
    }
}
