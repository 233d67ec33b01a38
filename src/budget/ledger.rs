//! The ledger of one pool: how much of it is used, now and later. Pure: time is an argument.
//!
//! Meta tells usage in whole percent, late, and not with every answer; the quota behind it is secret and moves. So the
//! ledger keeps what it saw: for every slice of the window, how far each gauge rose in it. What rose in a slice leaves one
//! window later, whoever spent it. Between two readings it adds what our own calls cost, which it learns from the readings.
//!
//! A reading of 41 means "from 41 up to 42". As long as the estimate lies in there it is kept, which makes it finer
//! than the readings; otherwise it is moved to the nearer end.

mod ahead;
mod cost;
mod record;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Reading;

pub(super) use ahead::Foreseen;
pub use record::LedgerRecord;

use cost::Cost;

/// Slices of a window, and one more: a slice leaves as a whole, when its last moment is one window old.
const SLICES: usize = 73;

/// Just below the next whole percent.
const BELOW_NEXT: f32 = 0.999;

/// A call that seems dearer than so many average ones is taken for somebody else's use.
const DEAREST: f32 = 4.0;

/// Requests under way at the same time while a pool is far from its ceiling.
const MOST_IN_FLIGHT: u32 = 8;

/// No gauge shows more, in percent, that could be meant. Up to here a ledger counts in thousandths.
const HIGHEST: f32 = 10_000.0;

/// What entered in one slice of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slice {
    /// How far each gauge rose, in percent points.
    rose: [f32; 3],
    /// Our own calls that were answered.
    calls: u32,
}

/// May a call go?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes.
    Free,
    /// When a call that is under way has been answered.
    Busy,
    /// Not before this.
    Later(DateTime<Utc>),
}

/// The ledger of one pool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ledger {
    /// Milliseconds.
    slice: i64,
    /// The number of the newest slice; `slices[number % SLICES]`.
    newest: i64,
    /// Apart from the rest, which every decision looks at.
    slices: Box<[Slice; SLICES]>,
    /// When the newest slice ends, in unix milliseconds: until then nothing moves.
    newest_ends: i64,
    /// Sums over all slices, the leaving one included.
    sums: [f32; 3],
    costs: [Cost; 3],
    reading: Option<(Reading, DateTime<Utc>)>,
    /// The fullest gauge when it was read; more than any in a life of the program in which nothing was read yet.
    read_level: f32,
    /// Own calls that were answered without a reading since the last one, and what was booked for them.
    unread: u32,
    guessed: [f32; 3],
    /// Own calls that are under way, and the requests that hold them.
    calls_in_flight: u32,
    requests_in_flight: u32,
}

impl Ledger {
    /// A pool of which nothing is known but its window and what a call may cost at most, in percent.
    pub(super) fn new(window: Duration, call_cost: f32) -> Self {
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let spans = i64::try_from(SLICES).unwrap_or(i64::MAX) - 1;
        Self {
            slice: (window / spans).max(1),
            newest: i64::MIN,
            slices: Box::new([Slice::default(); SLICES]),
            newest_ends: i64::MIN,
            sums: [0.0; 3],
            costs: [Cost::expected(call_cost); 3],
            reading: None,
            read_level: 0.0,
            unread: 0,
            guessed: [0.0; 3],
            calls_in_flight: 0,
            requests_in_flight: 0,
        }
    }

    /// The last reading, and when it was made.
    pub(super) fn reading(&self) -> Option<(Reading, DateTime<Utc>)> {
        self.reading
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.requests_in_flight > 0
    }

    /// How long the window is.
    pub(super) fn window(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.slice.saturating_mul(self.spans()))
    }

    /// Own calls in the window.
    pub(super) fn own_calls(&self) -> u64 {
        let answered: u64 = self.slices.iter().map(|slice| u64::from(slice.calls)).sum();
        answered + u64::from(self.calls_in_flight)
    }

    /// What one call costs in each gauge, in percent.
    pub(super) fn call_costs(&self) -> [f32; 3] {
        self.costs.map(Cost::of_one)
    }

    /// How far each gauge is used, in percent, with what is under way.
    pub(super) fn levels(&mut self, now: DateTime<Utc>) -> [f32; 3] {
        self.roll(now);
        self.levels_with_pending()
    }

    fn levels_with_pending(&self) -> [f32; 3] {
        let pending = count(self.calls_in_flight);
        std::array::from_fn(|gauge| self.level(gauge) + pending * self.costs[gauge].of_one())
    }

    /// Whether so many calls fit under the ceiling now. Calls that never fit go alone, when nothing else is counted any more.
    pub(super) fn room(&mut self, calls: u32, ceiling: f32, now: DateTime<Utc>) -> Room {
        self.roll(now);
        let fit = self.calls_that_fit(ceiling);
        let level = self.fullest();
        let empty = level <= 0.0 && self.calls_in_flight == 0;
        // The last call fits in spite of rounding.
        if fit + 0.01 < count(calls) && !empty {
            return self.later(calls, ceiling, now);
        }
        // What time is supposed to have freed is believed when a reading says so; until then one call at a time.
        let unconfirmed = self.reading.is_none() || level + 1.0 < self.read_level;
        let most = if unconfirmed {
            1.0
        } else {
            (fit / DEAREST).clamp(1.0, count(MOST_IN_FLIGHT))
        };
        if count(self.requests_in_flight) + 0.5 > most {
            return Room::Busy;
        }
        Room::Free
    }

    /// Books a request as sent.
    pub(super) fn send(&mut self, calls: u32) {
        self.calls_in_flight = self.calls_in_flight.saturating_add(calls);
        self.requests_in_flight = self.requests_in_flight.saturating_add(1);
    }

    /// Books a request as answered. Until a reading tells more, it cost what such calls cost.
    pub(super) fn settle(&mut self, calls: u32, now: DateTime<Utc>) {
        self.roll(now);
        self.calls_in_flight = self.calls_in_flight.saturating_sub(calls);
        self.requests_in_flight = self.requests_in_flight.saturating_sub(1);
        self.unread = self.unread.saturating_add(calls);
        let slice = self.newest_slice();
        slice.calls = slice.calls.saturating_add(calls);
        for gauge in 0..3 {
            let cost = count(calls) * self.costs[gauge].of_one();
            self.guessed[gauge] += self.add(gauge, cost);
        }
    }

    /// Books what Meta said.
    pub(super) fn read(&mut self, reading: Reading, now: DateTime<Utc>) {
        self.roll(now);
        for (gauge, told) in reading.gauges().into_iter().enumerate() {
            self.read_gauge(gauge, believable(told), now);
        }
        (self.unread, self.guessed) = (0, [0.0; 3]);
        self.reading = Some((reading, now));
        self.read_level = self.fullest();
    }

    fn read_gauge(&mut self, gauge: usize, told: f32, now: DateTime<Utc>) {
        let since = self.reading.map(|(_, at)| at);
        let (calls, guessed) = (count(self.unread), self.guessed[gauge]);
        let most = told + BELOW_NEXT;
        self.let_go(gauge, most);
        let level = self.level(gauge);
        // What is under way may have been counted already.
        let pending = count(self.calls_in_flight) * self.costs[gauge].of_one();
        let mut ours = guessed;
        if level > most {
            let too_much = (level - most).min(guessed);
            self.take_back(gauge, too_much);
            ours -= too_much;
            let level = level - too_much;
            if level > most {
                self.scale(gauge, most / level);
            }
        } else if level + pending < told {
            let missing = told - level - pending;
            let dear = (DEAREST - 1.0) * guessed + calls.min(1.0) / 4.0;
            let more = missing.min(dear);
            ours += self.add(gauge, more);
            self.spread(gauge, missing - more, since, now);
        }
        // What was used before the first reading tells nothing about the cost of a call.
        if since.is_some() && calls > 0.0 {
            self.costs[gauge].learn(calls, ours);
        }
    }

    fn calls_that_fit(&self, ceiling: f32) -> f32 {
        let levels = self.levels_with_pending();
        (0..3).fold(f32::MAX, |least, gauge| {
            let room = (ceiling - levels[gauge]) / self.costs[gauge].of_one();
            least.min(room)
        })
    }

    /// How far the fullest gauge is used, without what is under way.
    fn fullest(&self) -> f32 {
        (0..3).fold(0.0, |most, gauge| self.level(gauge).max(most))
    }

    /// Moves the window.
    fn roll(&mut self, now: DateTime<Utc>) {
        let now = now.timestamp_millis();
        if now < self.newest_ends {
            return;
        }
        let number = now.div_euclid(self.slice);
        let slices = i64::try_from(SLICES).unwrap_or(i64::MAX);
        if self.newest == i64::MIN || number - self.newest >= slices {
            *self.slices = [Slice::default(); SLICES];
        } else {
            for fresh in self.newest + 1..=number {
                self.slices[place(fresh)] = Slice::default();
            }
        }
        self.newest = number;
        self.newest_ends = number.saturating_add(1).saturating_mul(self.slice);
        self.sum();
    }

    /// Sums anew: adding and taking away for weeks would add up errors of rounding.
    fn sum(&mut self) {
        self.sums = std::array::from_fn(|gauge| self.slices.iter().map(|s| s.rose[gauge]).sum());
    }

    fn level(&self, gauge: usize) -> f32 {
        self.sums[gauge].max(0.0)
    }

    /// Gives what was added: a gauge that is full of nonsense rises no further.
    fn add(&mut self, gauge: usize, rose: f32) -> f32 {
        let rose = rose.min(HIGHEST - self.sums[gauge]).max(0.0);
        self.newest_slice().rose[gauge] += rose;
        self.sums[gauge] += rose;
        rose
    }

    /// Books what others spent since the last reading, nobody knows when: evenly.
    fn spread(
        &mut self,
        gauge: usize,
        rose: f32,
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        if rose <= 0.0 {
            return;
        }
        let spans = self.spans();
        let since = since.map_or(i64::MAX, |at| (now - at).num_milliseconds() / self.slice);
        let slices = since.clamp(0, spans - 1) + 1;
        let each = rose / approximate(slices.unsigned_abs());
        for number in self.newest - (slices - 1)..=self.newest {
            self.slices[place(number)].rose[gauge] += each;
        }
        self.sums[gauge] += rose;
    }

    /// Lets go of what is about to leave the window, as far as the level is too high: Meta's slices are others than ours.
    fn let_go(&mut self, gauge: usize, most: f32) {
        let too_much = self.level(gauge) - most;
        let leaving = &mut self.slices[place(self.newest - self.spans())].rose[gauge];
        let gone = too_much.min(*leaving).max(0.0);
        *leaving -= gone;
        self.sums[gauge] -= gone;
    }

    /// Takes back what was booked last.
    fn take_back(&mut self, gauge: usize, mut amount: f32) {
        self.sums[gauge] -= amount;
        for number in (self.newest - self.spans()..=self.newest).rev() {
            let rose = &mut self.slices[place(number)].rose[gauge];
            let taken = amount.min(*rose);
            *rose -= taken;
            amount -= taken;
            if amount <= 0.0 {
                return;
            }
        }
    }

    fn scale(&mut self, gauge: usize, factor: f32) {
        for slice in self.slices.iter_mut() {
            slice.rose[gauge] *= factor;
        }
        self.sums[gauge] *= factor;
    }

    fn newest_slice(&mut self) -> &mut Slice {
        &mut self.slices[place(self.newest)]
    }

    fn spans(&self) -> i64 {
        i64::try_from(SLICES).unwrap_or(i64::MAX) - 1
    }

    /// When a slice leaves.
    fn leaves_at(&self, number: i64) -> DateTime<Utc> {
        let number = number.saturating_add(self.spans() + 1);
        let at = DateTime::from_timestamp_millis(number.saturating_mul(self.slice));
        at.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// A share in percent that somebody told.
fn believable(told: f32) -> f32 {
    if told.is_nan() {
        return 0.0;
    }
    told.clamp(0.0, HIGHEST)
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(i64::try_from(SLICES).unwrap_or(i64::MAX))).unwrap_or(0)
}

/// Exact up to 16 million.
#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate in percent needs no more"
)]
fn count(number: u32) -> f32 {
    number as f32
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate in percent needs no more"
)]
fn approximate(number: u64) -> f32 {
    number as f32
}

/// A part of some milliseconds, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "parts of a window are far below the limits"
)]
fn fraction(milliseconds: i64, part: f32) -> TimeDelta {
    TimeDelta::milliseconds((milliseconds as f64 * f64::from(part)).ceil() as i64)
}

#[cfg(test)]
mod tests;
