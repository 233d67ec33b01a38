//! When things happen: moments that are spread over a span, in order, without being stored.

use crate::seed::Seed;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const WEEK: i64 = 7 * DAY;

/// Events that follow each other at an even rate with some jitter; event `n` is at [`Timeline::time_of`]`(n)`.
///
/// `before` events are spread over the span before the epoch, then `per_week` follow every week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    pub(crate) seed: Seed,
    pub(crate) epoch: i64,
    pub(crate) before: u64,
    pub(crate) span: i64,
    pub(crate) per_week: u64,
}

impl Timeline {
    /// Strictly within the event's own share of the span, so that the order is that of the indices.
    pub(crate) fn time_of(self, index: u64) -> i64 {
        let jitter = 50 + self.seed.with(index).below(900);
        if index < self.before {
            let share = (i128::from(index) * 1000 + i128::from(jitter)) * i128::from(self.span)
                / (i128::from(self.before) * 1000);
            return self.epoch - self.span + whole(share);
        }
        let later = i128::from(index - self.before) * 1000 + i128::from(jitter);
        match self.per_week {
            0 => i64::MAX,
            per_week => {
                self.epoch + whole(later * i128::from(WEEK) / (i128::from(per_week) * 1000))
            }
        }
    }

    /// How many events have happened by `now`.
    pub(crate) fn count_at(self, now: i64) -> u64 {
        if now < self.epoch {
            return self.first_after(0, self.before, now);
        }
        let weeks_in_milli = i128::from(now - self.epoch) * i128::from(self.per_week);
        let guess = self.before + whole(weeks_in_milli / i128::from(WEEK)).cast_unsigned();
        self.first_after(guess, guess + 1, now)
    }

    /// The first event of `low..high` that lies after `now`, else `high`.
    fn first_after(self, mut low: u64, mut high: u64, now: i64) -> u64 {
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time_of(middle) <= now {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Products of two spans need more than 64 bits, their quotients do not.
pub(super) fn whole(quotient: i128) -> i64 {
    i64::try_from(quotient).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        Timeline {
            seed: Seed::new(3),
            epoch: 1_000_000_000,
            before: 50,
            span: 100 * DAY,
            per_week: 10,
        }
    }

    #[test]
    fn events_keep_their_order_and_go_on_after_the_epoch() {
        let times: Vec<i64> = (0..200).map(|n| timeline().time_of(n)).collect();
        assert!(times.is_sorted_by(|a, b| a < b));
        assert!(times[49] < 1_000_000_000 && times[50] > 1_000_000_000);
    }

    #[test]
    fn the_count_agrees_with_the_times() {
        for now in (900_000_000..1_020_000_000).step_by(77_777) {
            let counted = (0..).take_while(|n| timeline().time_of(*n) <= now).count() as u64;
            assert_eq!(timeline().count_at(now), counted, "at {now}");
        }
    }

    #[test]
    fn without_a_rate_nothing_follows() {
        let ended = Timeline {
            per_week: 0,
            ..timeline()
        };
        assert_eq!(ended.count_at(2_000_000_000), 50);
    }
}
