//! What closes a pool beside its ledger: a refusal, or Meta's word that it is blocked. Pure: time is an argument.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::clock::instant_text;

/// Why and until when a pool is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// No call before this.
    pub until: DateTime<Utc>,
    /// What closed it, for a person.
    pub why: String,
}

/// The blocks of one pool. Survives restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Set by the last block; over when its time has come.
    pub closed: Option<Closed>,
    /// Refusals in a row: each doubles the next wait.
    pub refusals: u32,
    /// Whether the block holds for every call of the token, whatever pool it belongs to.
    pub for_all: bool,
}

/// The longest wait between two probes of a pool that stays blocked, unless Meta itself names a longer one: an hour, in which a Platform
/// pool recovers, and by what refused calls may have lengthened that.
const LONGEST_WAIT: Duration = Duration::from_secs(65 * 60);

/// How long a refusal lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// What Meta says.
    pub(super) told: Option<Duration>,
    /// What the ledger expects.
    pub(super) expected: Duration,
    /// What is waited for at least; it doubles with each refusal in a row.
    pub(super) least: Duration,
}

impl Block {
    /// Why no call may go now; `None` when one may.
    pub(super) fn closed(&self, now: DateTime<Utc>) -> Option<&Closed> {
        self.closed.as_ref().filter(|closed| now < closed.until)
    }

    /// A call was answered: the refusals before it are over, unless it was under way when they came.
    pub(super) fn answered(&mut self, now: DateTime<Utc>) {
        if self.refusals > 0 && self.closed(now).is_none() {
            *self = Self::default();
        }
    }

    /// A call was refused. What Meta says is believed; without a word the pool stays closed until it has recovered as far as
    /// we know, but is asked again after little more than an hour.
    pub(super) fn refuse(&mut self, wait: Wait, why: &str, now: DateTime<Utc>) -> Closed {
        let doubled = wait.least.saturating_mul(1 << self.refusals.min(8));
        let own = doubled.max(wait.told.map_or(wait.expected, |_| Duration::ZERO));
        let longest = own.min(LONGEST_WAIT).max(wait.told.unwrap_or_default());
        self.refusals = self.refusals.saturating_add(1);
        self.close(now, longest, format!("Meta refused a call: {why}"))
    }

    /// Never opens a pool earlier than an earlier verdict said.
    pub(super) fn close(&mut self, now: DateTime<Utc>, wait: Duration, why: String) -> Closed {
        let until = whole_second(now + wait);
        let longer = self.closed.take().filter(|closed| closed.until > until);
        self.closed
            .insert(longer.unwrap_or(Closed { until, why }))
            .clone()
    }
}

/// The next whole second: what is kept is as late as what is meant, so that no restart comes early.
pub(super) fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    match at.duration_trunc(TimeDelta::seconds(1)) {
        Ok(floor) if floor < at => floor + TimeDelta::seconds(1),
        _ => at,
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closed until {}: {}", instant_text(self.until), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn wait(told: Option<u32>, expected: u32) -> Wait {
        Wait {
            told: told.map(|minutes| MINUTE * minutes),
            expected: MINUTE * expected,
            least: MINUTE * 15,
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::minutes(minutes)
    }

    #[test]
    fn refusals_in_a_row_wait_longer_and_an_answer_forgets_them() {
        let (mut block, mut now, mut waits) = (Block::default(), at(0), Vec::new());
        for _ in 0..4 {
            let closed = block.refuse(wait(None, 0), "code 80002", now);
            waits.push((closed.until - now).num_minutes());
            now = closed.until;
        }
        assert_eq!(waits, [15, 30, 60, 65]);
        block.answered(now);
        assert_eq!(block, Block::default());
    }

    #[test]
    fn what_meta_says_is_waited_for_and_the_answer_of_an_earlier_call_opens_nothing() {
        let mut block = Block::default();
        block.refuse(wait(Some(180), 0), "code 80002", at(0));
        block.answered(at(1));
        block.close(at(2), MINUTE, "a shorter one".to_owned());
        assert_eq!(block.refusals, 1);
        assert!(block.closed(at(179)).is_some());
        assert_eq!(block.closed(at(180)), None);
    }

    #[test]
    fn a_block_ends_with_a_whole_second_and_never_early() {
        let now = at(0) + TimeDelta::milliseconds(1);
        let closed = Block::default().refuse(wait(Some(30), 0), "code 80002", now);
        assert_eq!(closed.until, at(30) + TimeDelta::seconds(1));
        let closed = Block::default().refuse(wait(Some(30), 0), "code 80002", at(0));
        assert_eq!(closed.until, at(30));
    }

    #[test]
    fn what_the_ledger_expects_is_waited_for_up_to_the_longest_wait_unless_meta_says_else() {
        for (told, expected, minutes) in [
            (None, 40, 40),
            (None, 5, 15),
            (None, 600, 65),
            (Some(3), 600, 15),
            (Some(90), 20, 90),
        ] {
            let closed = Block::default().refuse(wait(told, expected), "code 80002", at(0));
            assert_eq!(closed.until, at(minutes), "{told:?} {expected}");
        }
    }
}
