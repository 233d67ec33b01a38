//! What the ledger expects of the time ahead: when a full pool has room again, and when so much work is done.

use chrono::{DateTime, TimeDelta, Utc};

use super::{HIGHEST, Ledger, Room, approximate, count, fraction, place};

/// Use of others, in percent points, that is worth another look before its time is over; beside it the share of a
/// level that can be an error about what our own calls cost.
const WORTH_A_LOOK: f32 = 4.0;
const UNSURE: f32 = 1.0 / 8.0;

/// A pool that is used up to so far beyond the ceiling is looked at less often, and one that is used up never.
const BEYOND: f32 = 1.0;
const USED_UP: f32 = 99.5;

/// By which part of its window a refused call may lengthen a block.
const LENGTHENED: f32 = 1.0 / 30.0;

/// Percent points that are lost in rounding.
const ENOUGH: f32 = 0.001;

/// So many windows are gone through one by one; what lies behind them is told from the average.
const FORESEEN_WINDOWS: i64 = 3;

/// What becomes of work that is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::budget) struct Foreseen {
    /// When all of it is done.
    pub(in crate::budget) done_at: DateTime<Utc>,
    /// The first long wait: after how many calls, and until when.
    pub(in crate::budget) wait: Option<(u64, DateTime<Utc>)>,
}

impl Ledger {
    /// How many calls may go at once. What they cost is known when they are answered: they take half of the room at most, and of a pool
    /// that was hardly used not more than twice as many as have gone before.
    pub(in crate::budget) fn fit(&mut self, ceiling: f32, now: DateTime<Utc>) -> usize {
        let known = approximate(self.own_calls().saturating_mul(2).max(1));
        self.roll(now);
        let fit = (self.calls_that_fit(ceiling) / 2.0).min(known);
        usize::try_from(number((fit + 0.01).max(0.0))).unwrap_or(usize::MAX)
    }

    /// What becomes of so many calls, one after the other, under the ceiling: the forecast's question. Taken as if nobody
    /// else came and nobody left before their time. A wait that is longer than `patience` is told.
    pub(in crate::budget) fn foresee(
        &self,
        calls: u64,
        ceiling: f32,
        patience: TimeDelta,
        now: DateTime<Utc>,
    ) -> Foreseen {
        let mut ahead = self.clone();
        ahead.roll(now);
        ahead.settle(ahead.calls_in_flight, now);
        ahead.requests_in_flight = 0;
        let (began, mut now, mut left) = (now, now, calls);
        let mut wait = None;
        while left > 0 {
            ahead.roll(now);
            let window = self.slice.saturating_mul(self.spans());
            if (now - began).num_milliseconds() > FORESEEN_WINDOWS * window {
                let dearest = self.call_costs().into_iter().fold(0.0, f32::max);
                let windows = approximate(left) * dearest / ceiling.max(1.0);
                now += fraction(window, windows.min(HIGHEST));
                break;
            }
            let fit = ahead.calls_that_fit(ceiling).floor().max(0.0);
            let fit = number(fit).min(left);
            if fit > 0 {
                for gauge in 0..3 {
                    let cost = ahead.costs[gauge].of_one();
                    ahead.add(gauge, cost * approximate(fit));
                }
                left -= fit;
                continue;
            }
            let slice = TimeDelta::milliseconds(ahead.slice);
            let free = ahead.free_at(1, ceiling, now).max(now + slice);
            if wait.is_none() && free - now > patience {
                wait = Some((calls - left, free));
            }
            now = free;
        }
        Foreseen { done_at: now, wait }
    }

    /// When a full pool may be asked again.
    pub(super) fn later(&mut self, calls: u32, ceiling: f32, now: DateTime<Utc>) -> Room {
        if self.calls_in_flight > 0 {
            return Room::Busy;
        }
        let free = self.free_at(calls, ceiling, now);
        let look = self.look_at(ceiling).map_or(free, |look| look.min(free));
        if look <= now {
            return Room::Free;
        }
        Room::Later(look)
    }

    /// When a used-up pool can be expected to answer again: when enough of our own calls has left it, as others may go on to
    /// use what they use. A call that was refused makes the block longer, by a time that Meta does not tell.
    pub(in crate::budget) fn recovered_at(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.roll(now);
        let mut ours = self.clone();
        for slice in ours.slices.iter_mut() {
            for (rose, cost) in slice.rose.iter_mut().zip(self.costs) {
                *rose = rose.min(count(slice.calls) * cost.of_one());
            }
        }
        ours.sum();
        let mut at = now;
        for gauge in 0..3 {
            let surplus = self.level(gauge) - USED_UP;
            if surplus > 0.0 {
                at = at.max(ours.left_at(gauge, surplus));
            }
        }
        let window = self.slice.saturating_mul(self.spans());
        at + fraction(window, if at > now { LENGTHENED } else { 0.0 })
    }

    /// When enough has left the window.
    fn free_at(&mut self, calls: u32, ceiling: f32, now: DateTime<Utc>) -> DateTime<Utc> {
        let levels = self.levels(now);
        let mut at = now;
        for (gauge, level) in levels.into_iter().enumerate() {
            let surplus = level + count(calls) * self.costs[gauge].of_one() - ceiling;
            // More than there is cannot leave.
            let surplus = surplus.min(self.level(gauge));
            if surplus > ENOUGH {
                at = at.max(self.left_at(gauge, surplus));
            }
        }
        at
    }

    /// When so many percent points of a gauge have left the window.
    fn left_at(&self, gauge: usize, mut surplus: f32) -> DateTime<Utc> {
        for number in self.newest - self.spans()..=self.newest {
            surplus -= self.slices[place(number)].rose[gauge];
            if surplus <= ENOUGH {
                return self.leaves_at(number);
            }
        }
        self.leaves_at(self.newest)
    }

    /// When to look whether others have left the pool: their calls may leave earlier than we saw them come.
    fn look_at(&self, ceiling: f32) -> Option<DateTime<Utc>> {
        let (_, read_at) = self.reading?;
        let (mut level, mut others, mut cost) = (0.0_f32, 0.0_f32, 0.0_f32);
        for gauge in 0..3 {
            let used = self.level(gauge);
            let one = self.costs[gauge].of_one();
            level = level.max(used);
            others = others.max(used * (1.0 - UNSURE) - approximate(self.own_calls()) * one);
            cost = cost.max(one);
        }
        let window = self.slice.saturating_mul(self.spans());
        // One look costs a call: all of them together cost at most a few percent of a window.
        let often = if level < ceiling + BEYOND {
            1.0 / 60.0
        } else {
            1.0 / 24.0
        };
        let pause = fraction(window, (cost / 4.0).clamp(often, 1.0));
        (others > WORTH_A_LOOK && level < USED_UP).then(|| read_at + pause)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and is never negative"
)]
fn number(whole: f32) -> u64 {
    whole as u64
}
