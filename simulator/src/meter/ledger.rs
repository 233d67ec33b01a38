//! A rolling window over what was spent. Pure: time comes as an argument.

use std::collections::VecDeque;

/// Slices of a window; calls leave it slice by slice.
const SLICES: i64 = 1_440;
const HOUR: i64 = 3600;

/// An amount of everything that is metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) calls: u64,
    pub(crate) cpu_ms: u64,
    pub(crate) time_ms: u64,
}

/// Used shares of a pool in whole percent, and the minutes until a blocked one opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gauges {
    pub(crate) call_count: u64,
    pub(crate) total_cputime: u64,
    pub(crate) total_time: u64,
    pub(crate) regain_minutes: u64,
}

/// The meter of one pool.
#[derive(Debug)]
pub(crate) struct Ledger {
    window: i64,
    slice: i64,
    /// Beginning of a slice, and what was spent in it.
    slices: VecDeque<(i64, Spent)>,
    sum: Spent,
    quota: Spent,
    quota_until: i64,
    blocked_until: i64,
    foreign_calls_per_hour: u64,
    foreign_counted_until: i64,
    /// What others hold of the pool all the time, in percent of the quota.
    foreign_percent: u64,
    answers: u64,
    /// Calls that it allows, where somebody said so.
    allowed: Option<u64>,
}

impl Spent {
    pub(crate) fn times(self, factor: u64) -> Self {
        Self {
            calls: self.calls * factor,
            cpu_ms: self.cpu_ms * factor,
            time_ms: self.time_ms * factor,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            cpu_ms: self.cpu_ms + other.cpu_ms,
            time_ms: self.time_ms + other.time_ms,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            cpu_ms: self.cpu_ms.saturating_sub(other.cpu_ms),
            time_ms: self.time_ms.saturating_sub(other.time_ms),
        }
    }

    /// Any of the three gauges closes the pool.
    fn reaches(self, quota: Self) -> bool {
        self.calls >= quota.calls || self.cpu_ms >= quota.cpu_ms || self.time_ms >= quota.time_ms
    }
}

impl Gauges {
    /// The fullest of the three.
    pub(crate) fn percent(self) -> u64 {
        self.call_count.max(self.total_cputime).max(self.total_time)
    }
}

impl Ledger {
    pub(super) fn new(window: i64, foreign_calls_per_hour: u64, since: i64) -> Self {
        Self {
            window,
            slice: (window / SLICES).max(1),
            slices: VecDeque::new(),
            sum: Spent::default(),
            quota: Spent {
                calls: 1,
                cpu_ms: 1,
                time_ms: 1,
            },
            quota_until: i64::MIN,
            blocked_until: i64::MIN,
            foreign_calls_per_hour,
            foreign_counted_until: since,
            foreign_percent: 0,
            answers: 0,
            allowed: None,
        }
    }

    /// Forgets what has left the window, counts what others did, and asks for the quota once an hour.
    pub(super) fn roll_to(
        &mut self,
        now: i64,
        foreign_call: Spent,
        quota: impl FnOnce(Option<u64>) -> Spent,
    ) {
        if now >= self.quota_until {
            self.quota = quota(self.allowed);
            self.quota_until = now - now.rem_euclid(HOUR) + HOUR;
        }
        self.count_foreign(now, foreign_call);
        while let Some((start, spent)) = self.slices.front().copied() {
            if start + self.slice + self.window > now {
                return;
            }
            self.sum = self.sum.minus(spent);
            self.slices.pop_front();
        }
    }

    pub(super) fn add(&mut self, now: i64, spent: Spent) {
        self.sum = self.sum.plus(spent);
        let start = now - now.rem_euclid(self.slice);
        match self.slices.back_mut() {
            Some((last, sum)) if *last == start => *sum = sum.plus(spent),
            _ => self.slices.push_back((start, spent)),
        }
    }

    pub(super) fn is_blocked(&self, now: i64) -> bool {
        now < self.blocked_until || self.used(self.sum).reaches(self.quota)
    }

    pub(super) fn lengthen(&mut self, now: i64, penalty: i64) {
        self.blocked_until = self.opens_at(now) + penalty;
    }

    pub(super) fn gauges(&self, now: i64) -> Gauges {
        let percent = |used: u64, quota: u64| used * 100 / quota.max(1);
        let seconds = if self.is_blocked(now) {
            self.opens_at(now) - now
        } else {
            0
        };
        let used = self.used(self.sum);
        Gauges {
            call_count: percent(used.calls, self.quota.calls),
            total_cputime: percent(used.cpu_ms, self.quota.cpu_ms),
            total_time: percent(used.time_ms, self.quota.time_ms),
            regain_minutes: u64::try_from(seconds).unwrap_or(0).div_ceil(60),
        }
    }

    /// How far each gauge is used, in percent and exactly: calls, CPU time, wall time.
    pub(super) fn shares(&self) -> [f64; 3] {
        let used = self.used(self.sum);
        let share = |used: u64, quota: u64| used as f64 * 100.0 / quota.max(1) as f64;
        [
            share(used.calls, self.quota.calls),
            share(used.cpu_ms, self.quota.cpu_ms),
            share(used.time_ms, self.quota.time_ms),
        ]
    }

    /// Lets others hold so much of the pool from now on.
    pub(super) fn hold(&mut self, percent: u64) {
        self.foreign_percent = percent;
    }

    /// The next call finds so many allowed.
    pub(super) fn allow(&mut self, calls: u64) {
        self.allowed = Some(calls);
        self.quota_until = i64::MIN;
    }

    fn used(&self, own: Spent) -> Spent {
        let held = |quota: u64| quota * self.foreign_percent / 100;
        own.plus(Spent {
            calls: held(self.quota.calls),
            cpu_ms: held(self.quota.cpu_ms),
            time_ms: held(self.quota.time_ms),
        })
    }

    /// Counts the answers of the pool.
    pub(super) fn next_answer(&mut self) -> u64 {
        self.answers += 1;
        self.answers
    }

    /// When the pool lets calls through again, if nobody calls until then.
    fn opens_at(&self, now: i64) -> i64 {
        let mut rest = self.sum;
        let mut opens = now;
        for (start, spent) in &self.slices {
            if !self.used(rest).reaches(self.quota) {
                break;
            }
            rest = rest.minus(*spent);
            opens = start + self.slice + self.window;
        }
        opens.max(self.blocked_until)
    }

    /// Other users call evenly; what they did in a slice is entered at its end.
    fn count_foreign(&mut self, now: i64, call: Spent) {
        if self.foreign_calls_per_hour == 0 || now <= self.foreign_counted_until {
            return;
        }
        let per_hour = i128::from(self.foreign_calls_per_hour);
        let calls_until = |instant: i64| i128::from(instant) * per_hour / i128::from(HOUR);
        let mut from = self.foreign_counted_until.max(now - self.window);
        while from < now {
            let until = (from + self.slice).min(now);
            let calls = u64::try_from(calls_until(until) - calls_until(from)).unwrap_or(0);
            if calls > 0 {
                self.add(until, call.times(calls));
            }
            from = until;
        }
        self.foreign_counted_until = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Spent = Spent {
        calls: 1,
        cpu_ms: 10,
        time_ms: 30,
    };

    fn ledger(calls: u64) -> Ledger {
        let mut ledger = Ledger::new(HOUR, 0, 0);
        ledger.roll_to(0, CALL, |_| Spent {
            calls,
            cpu_ms: calls * 1_000,
            time_ms: calls * 1_000,
        });
        ledger
    }

    fn roll(ledger: &mut Ledger, now: i64) {
        let quota = ledger.quota;
        ledger.roll_to(now, CALL, |_| quota);
    }

    #[test]
    fn percentages_are_whole_and_rounded_down() {
        let mut ledger = ledger(300);
        ledger.add(0, CALL.times(5));
        assert_eq!(ledger.gauges(0).call_count, 1);
        assert_eq!(ledger.gauges(0).regain_minutes, 0);
    }

    #[test]
    fn a_full_pool_is_blocked_until_enough_calls_have_left_the_window() {
        let mut ledger = ledger(100);
        ledger.add(0, CALL.times(60));
        ledger.add(1_800, CALL.times(40));
        assert!(ledger.is_blocked(1_800));
        assert_eq!(ledger.gauges(1_800).regain_minutes, 31);
        roll(&mut ledger, 3_500);
        assert!(ledger.is_blocked(3_500));
        roll(&mut ledger, 3_602);
        assert!(!ledger.is_blocked(3_602));
        assert_eq!(ledger.gauges(3_602).call_count, 40);
    }

    #[test]
    fn a_call_while_blocked_lengthens_the_block() {
        let mut ledger = ledger(10);
        ledger.add(0, CALL.times(10));
        let before = ledger.gauges(60).regain_minutes;
        ledger.lengthen(60, 600);
        assert_eq!(ledger.gauges(60).regain_minutes, before + 10);
        roll(&mut ledger, 3_700);
        assert!(
            ledger.is_blocked(3_700),
            "its own calls are gone, the penalty is not"
        );
        assert!(!ledger.is_blocked(3_602 + 600));
    }

    #[test]
    fn each_gauge_closes_the_pool() {
        let mut ledger = ledger(100);
        ledger.add(
            0,
            Spent {
                calls: 1,
                cpu_ms: 100_000,
                time_ms: 0,
            },
        );
        assert!(ledger.is_blocked(0));
        assert_eq!(
            (ledger.gauges(0).call_count, ledger.gauges(0).total_cputime),
            (1, 100)
        );
    }

    #[test]
    fn others_use_the_pool_evenly() {
        let mut ledger = Ledger::new(HOUR, 120, 0);
        ledger.roll_to(1_800, CALL, |_| Spent {
            calls: 1_000,
            cpu_ms: 1 << 40,
            time_ms: 1 << 40,
        });
        assert_eq!(ledger.sum.calls, 60);
        roll(&mut ledger, 36_000);
        assert!(
            (118..=121).contains(&ledger.sum.calls),
            "{}",
            ledger.sum.calls
        );
    }
}
