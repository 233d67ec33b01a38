//! One pool: its name, its ledger, its blocks and its pace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex as Queue, Notify};

use super::block::{Block, Closed, whole_second};
use super::ledger::{Foreseen, Ledger, LedgerRecord, Room};
use super::pace::Pace;
use super::{Settings, Urgency};

/// Names a pool. Written as `buc:<account id>`, `messenger:<page id>`, `app:<credential name>` and
/// `user:<credential name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PoolKey {
    /// Business Use Case limits of the app and one Instagram account.
    Buc {
        /// IG User id.
        account_id: String,
    },
    /// Business Use Case limits of the app and one Page's messages, and the two calls a second of its account.
    Messenger {
        /// Page id.
        page_id: String,
    },
    /// Platform limits of an app: Hashtag Search, Business Discovery, app tokens.
    App {
        /// The first credential of the app.
        credential: String,
    },
    /// Platform limits of a token's user: page discovery.
    User {
        /// The credential's name.
        credential: String,
    },
}

impl fmt::Display for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buc { account_id } => write!(f, "buc:{account_id}"),
            Self::Messenger { page_id } => write!(f, "messenger:{page_id}"),
            Self::App { credential } => write!(f, "app:{credential}"),
            Self::User { credential } => write!(f, "user:{credential}"),
        }
    }
}

impl PoolKey {
    /// Reads what `Display` wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (family, owner) = text.split_once(':')?;
        let owner = owner.to_owned();
        Some(match family {
            "buc" => Self::Buc { account_id: owner },
            "messenger" => Self::Messenger { page_id: owner },
            "app" => Self::App { credential: owner },
            "user" => Self::User { credential: owner },
            _ => return None,
        })
    }

    /// Whether Meta counts it among the Platform limits.
    pub fn is_platform(&self) -> bool {
        matches!(self, Self::App { .. } | Self::User { .. })
    }

    /// How long its window is.
    pub fn window(&self, settings: &Settings) -> Duration {
        if self.is_platform() {
            settings.platform_window
        } else {
            settings.buc_window
        }
    }

    /// The first wait after a refusal without a hint. Meta names no time for Platform limits; the BUC window is
    /// a day, so it recovers slowly.
    pub(super) fn first_wait(&self) -> Duration {
        let minutes = if self.is_platform() { 5 } else { 15 };
        Duration::from_secs(minutes * 60)
    }

    /// What a call costs in percent of the smallest quota that the "Rate Limits" page knows, until readings tell: 4,800
    /// for one impression, 200 for one user.
    fn expected_cost(&self) -> f32 {
        match self {
            Self::Buc { .. } => 100.0 / 4_800.0,
            Self::Messenger { .. } | Self::App { .. } | Self::User { .. } => 100.0 / 200.0,
        }
    }
}

/// What Meta said about a pool in one answer's headers, in percent of the allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Share of the allowed calls.
    pub call_count: f32,
    /// Share of the allowed CPU time.
    pub total_cputime: f32,
    /// Share of the allowed wall time.
    pub total_time: f32,
    /// How long until access is regained; zero while nothing is blocked. BUC only.
    pub regain: Duration,
}

impl Reading {
    /// The three gauges, in the order of the fields.
    pub fn gauges(&self) -> [f32; 3] {
        [self.call_count, self.total_cputime, self.total_time]
    }

    /// The gauge that throttles first.
    pub fn tightest(&self) -> f32 {
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

/// Room that bulk calls leave to urgent ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reserved {
    /// Urgent calls that were made together the last time.
    pub calls: u32,
    /// How often they are made in a window.
    pub times: f32,
    /// When the last ones began. Nothing is kept a window later.
    pub since: DateTime<Utc>,
}

/// How often urgent calls come in a window at most, and as long as nobody knows better: stories are looked at every hour of
/// their day.
const URGENT_TIMES: f32 = 24.0;

/// The share of the ceiling that bulk calls have in any case.
const BULK_SHARE: f32 = 0.75;

/// What is known of a pool between two lives of the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolState {
    /// The last reading and when it was made: percentages age.
    pub reading: Option<(Reading, DateTime<Utc>)>,
    /// What closes it.
    pub block: Block,
    /// Own calls inside the window.
    pub own_calls: u64,
    /// What is kept for urgent calls.
    pub reserved: Option<Reserved>,
    /// Whether answers told usage of the app's pool alone.
    pub told_by_app: bool,
    /// What was spent when.
    pub ledger: LedgerRecord,
}

/// What becomes of work that is still to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// When all of it is done.
    pub done_at: DateTime<Utc>,
    /// Calls before the first long wait.
    pub at_once: u64,
    /// The first long wait: until when, and why.
    pub postponed: Option<Closed>,
}

/// May calls of this pool go?
pub(super) enum Verdict {
    Free,
    Busy,
    Closed(Closed),
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) pace: Pace,
    pub(super) ledger: Ledger,
    pub(super) block: Block,
    pub(super) reserved: Option<Reserved>,
    /// Answers tell usage of the app's pool alone.
    pub(super) told_by_app: bool,
    /// Bulk calls wait here, in order.
    pub(super) line: Arc<Queue<()>>,
    pub(super) changed: Arc<Notify>,
}

impl Pool {
    pub(super) fn new(key: &PoolKey, settings: &Settings) -> Self {
        Self {
            pace: Pace::of(key),
            ledger: Ledger::new(key.window(settings), key.expected_cost()),
            block: Block::default(),
            reserved: None,
            told_by_app: false,
            line: Arc::default(),
            changed: Arc::default(),
        }
    }

    pub(super) fn verdict(
        &mut self,
        calls: u32,
        urgency: Urgency,
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> Verdict {
        if let Some(closed) = self.block.closed(now) {
            return Verdict::Closed(closed.clone());
        }
        // A pool that was refused is asked by one call when its time has come, not by all that wait.
        if self.block.refusals > 0 {
            return if self.ledger.is_busy() {
                Verdict::Busy
            } else {
                Verdict::Free
            };
        }
        let ceiling = self.ceiling(urgency, settings, now);
        match self.ledger.room(calls, ceiling, now) {
            Room::Free => Verdict::Free,
            Room::Busy => Verdict::Busy,
            Room::Later(until) => {
                let used = self.ledger.levels(now).into_iter().fold(0.0, f32::max);
                let why = format!("{used:.0} % of the pool is used, the ceiling is {ceiling:.0} %");
                let until = whole_second(until);
                Verdict::Closed(Closed { until, why })
            }
        }
    }

    pub(super) fn fit(
        &mut self,
        urgency: Urgency,
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> usize {
        let ceiling = self.ceiling(urgency, settings, now);
        self.ledger.fit(ceiling, now)
    }

    pub(super) fn observe(&mut self, reading: Reading, now: DateTime<Utc>) {
        self.ledger.read(reading, now);
        if !reading.regain.is_zero() {
            let why = format!(
                "Meta says that the pool is used up, {:.0} % of it",
                reading.tightest()
            );
            self.block.close(now, reading.regain, why);
        }
    }

    pub(super) fn ahead(
        &self,
        calls: u64,
        patience: Duration,
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> Ahead {
        let block = self.block.closed(now);
        let opens = block.map_or(now, |closed| closed.until);
        let ceiling = self.ceiling(Urgency::Bulk, settings, opens);
        let patience = TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX);
        let Foreseen { done_at, wait } = self.ledger.foresee(calls, ceiling, patience, opens);
        let full = wait.map(|(at_once, until)| {
            let why = format!("the ceiling of {ceiling:.0} % is reached");
            (at_once, Closed { until, why })
        });
        let blocked = block.map(|closed| (0, closed.clone()));
        let (at_once, postponed) = match blocked.or(full) {
            Some((at_once, closed)) if calls > 0 => (at_once, Some(closed)),
            _ => (calls, None),
        };
        Ahead {
            done_at: done_at.max(opens + self.pace.time_for(calls)),
            at_once,
            postponed,
        }
    }

    pub(super) fn state(&self, now: DateTime<Utc>) -> PoolState {
        PoolState {
            reading: self.ledger.reading(),
            block: self.block.clone(),
            own_calls: self.ledger.own_calls(),
            reserved: self.reserved,
            told_by_app: self.told_by_app,
            ledger: self.ledger.record(now),
        }
    }

    pub(super) fn restore(&mut self, state: PoolState, now: DateTime<Utc>) {
        self.ledger.restore(&state.ledger, state.reading, now);
        self.block = state.block;
        self.reserved = state.reserved;
        self.told_by_app = state.told_by_app;
    }

    /// Books urgent calls. Those that come within half the shortest pause belong to the ones before: they are made together.
    pub(super) fn reserve(&mut self, calls: u32, now: DateTime<Utc>, window: Duration) {
        let mut reserved = Reserved {
            calls,
            times: URGENT_TIMES,
            since: now,
        };
        if let Some(last) = self.reserved {
            let pause = (now - last.since).to_std().unwrap_or_default();
            let times = window.as_secs_f32() / pause.as_secs_f32();
            if times > 2.0 * URGENT_TIMES {
                reserved = Reserved {
                    calls: last.calls.saturating_add(calls),
                    ..last
                };
            } else {
                reserved.times = times.clamp(1.0, URGENT_TIMES);
            }
        }
        self.reserved = Some(reserved);
    }

    /// How far calls of this urgency may fill the pool.
    pub(super) fn ceiling(&self, urgency: Urgency, settings: &Settings, now: DateTime<Utc>) -> f32 {
        let ceiling = f32::from(settings.ceiling_percent);
        let window = self.ledger.window();
        let reserved = self.reserved.filter(|last| now < last.since + window);
        match (urgency, reserved) {
            (Urgency::Bulk, Some(reserved)) => {
                let dearest = self.ledger.call_costs().into_iter().fold(0.0, f32::max);
                #[expect(clippy::cast_precision_loss, reason = "a few calls")]
                let kept = reserved.calls as f32 * reserved.times * dearest;
                (ceiling - kept).max(ceiling * BULK_SHARE)
            }
            _ => ceiling,
        }
    }
}
