//! More work than a pool has room for, in virtual time: how much of the pool is used, and what is refused. The simulator meters; its
//! numbers count, not ours.
//!
//! *Use* is measured in the pool's fullest gauge, 720 times in each window: what we use of it, but no more than the ceiling leaves beside
//! what others hold at that moment; its sum is given as a share of the sum of what was left. So what lies above the ceiling, or
//! above what others left when they came, is not counted as use.
//!
//! Each scenario has variations: other worlds, other moments of beginning, answers that take time, others who come and go at random.

pub mod live;

use std::fmt;
use std::time::Duration;

use igsync_simulator::{AccountSpec, HashtagSpec, Pool, TokenSpec, WorldSpec};

/// Variations of a scenario, from 0.
pub const VARIATIONS: u32 = 5;

/// What happens to the pool meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// Others hold so many percent of it from now on.
    Hold(u64),
    /// It allows so many calls from now on.
    Allow(u64),
}

/// A world, a pool in it, and what is to be shown.
pub struct Scenario {
    pub name: &'static str,
    /// The least mean use.
    pub at_least: f64,
    /// Percent.
    ceiling: u8,
    /// The most refused calls, beside one for each step of others that leaves no room.
    refusals: usize,
    spec: WorldSpec,
    pool: Pool,
    allowed: u64,
    window: Duration,
    /// Windows that are measured, and those before, which are not.
    windows: (u32, u32),
    /// When, in windows, what happens.
    events: Vec<(f64, Event)>,
    work: Work,
    /// How long after the world it begins.
    phase: Duration,
    /// How long a call is on its way.
    latency: Duration,
}

/// What is asked again and again.
#[derive(PartialEq)]
enum Work {
    /// `igsync backfill`, killed and started again every 20 minutes.
    Killed,
    /// Pages of an account's list, of very different size.
    Pages,
    /// The profiles and posts of one other account.
    Discovery,
    /// Other accounts, each account asking for one, and hashtags; each waits for its turn.
    ManySubjects,
}

/// What came of it.
pub struct Measured {
    /// Calls that were answered.
    calls: usize,
    /// Calls that the API refused for want of budget.
    pub refused: usize,
    /// Steps of others that left no room.
    no_room: usize,
    /// Refusals beyond one for each of these steps.
    unexcused: usize,
    /// Mean use.
    pub use_of_ceiling: f64,
    /// The highest use, in percent of the pool, ours and others'.
    highest: f64,
    /// The fewest and the most turns of a subject.
    turns: (usize, usize),
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, {} refused ({} steps left no room), highest {:.1} %, {} to {} turns each, use {:.3}",
            self.calls,
            self.refused,
            self.no_room,
            self.highest,
            self.turns.0,
            self.turns.1,
            self.use_of_ceiling
        )
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ACCOUNT: &str = "17841400000000001";

fn platform(name: &'static str, ceiling: u8, variation: u32) -> Scenario {
    let mut spec = WorldSpec::small(1);
    spec.others = vec![AccountSpec::numbered(900)];
    Scenario {
        name,
        at_least: 0.95,
        ceiling,
        refusals: 0,
        spec,
        pool: Pool::PlatformApp,
        allowed: 200,
        window: HOUR,
        windows: (4, 1),
        events: Vec::new(),
        work: Work::Discovery,
        // Nothing that anybody's slices of time are a multiple of.
        phase: Duration::from_secs(1_009) * variation,
        latency: Duration::from_millis([0, 300, 1_000, 2_500, 8_000][variation as usize]),
    }
}

pub fn alone(variation: u32) -> Scenario {
    Scenario {
        at_least: 0.97,
        ..platform("Platform pool of 200/h, alone, p = 95", 95, variation)
    }
}

pub fn uneven(variation: u32) -> Scenario {
    let mut spec = WorldSpec::single_account(1 + u64::from(variation), 400);
    spec.meters.cpu_ms_allowed_per_call = 40;
    let name = "BUC pool of 4,800/24 h, calls of uneven CPU cost, p = 90";
    Scenario {
        spec,
        pool: Pool::BucInstagram(ACCOUNT.to_owned()),
        allowed: 4_800,
        window: DAY,
        windows: (3, 1),
        work: Work::Pages,
        ..platform(name, 90, variation)
    }
}

pub fn foreign(variation: u32) -> Scenario {
    let name = "a foreign consumer takes 0 to 60 % in steps of up to 20, p = 80";
    let stairs = [20, 40, 60, 40, 60, 50, 30, 20, 40, 20, 0, 20, 0];
    let steps: Vec<(f64, u64)> = if variation == 0 {
        (1..)
            .map(|step| 0.3 + 0.65 * f64::from(step))
            .zip(stairs)
            .collect()
    } else {
        random_steps(variation, 9.0)
    };
    Scenario {
        at_least: 0.93,
        windows: (8, 1),
        events: steps
            .into_iter()
            .map(|(at, held)| (at, Event::Hold(held)))
            .collect(),
        ..platform(name, 80, variation)
    }
}

/// Steps of up to 20 up or down between 0 and 60, at moments of their own.
fn random_steps(seed: u32, windows: f64) -> Vec<(f64, u64)> {
    let mut state = u64::from(seed);
    let mut below = |end: u64| {
        // Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let (mut at, mut held, mut steps) = (0.5, 0_u64, Vec::new());
    while at < windows {
        held = (held + below(41)).saturating_sub(20).min(60);
        steps.push((at, held));
        at += 0.2 + f64::from(u32::try_from(below(100)).unwrap()) / 100.0;
    }
    steps
}

pub fn late_headers(variation: u32) -> Scenario {
    let name = "headers absent for the first 50 calls, p = 80";
    let mut scenario = platform(name, 80, variation);
    scenario.at_least = 0.90;
    scenario.spec.meters.headers_after_calls = 50;
    scenario
}

pub fn rare_headers(variation: u32) -> Scenario {
    let name = "headers on every 10th answer, p = 80";
    let mut scenario = platform(name, 80, variation);
    scenario.at_least = 0.90;
    scenario.spec.meters.headers_every = 10;
    scenario
}

pub fn halved(variation: u32) -> Scenario {
    let at = 1.6 + 0.09 * f64::from(variation);
    Scenario {
        at_least: 0.93,
        refusals: 1,
        allowed: 400,
        // In the second window; the third is not measured either.
        windows: (3, 3),
        events: vec![(at, Event::Allow(200))],
        ..platform("the quota halves without notice, p = 80", 80, variation)
    }
}

pub fn killed(variation: u32) -> Scenario {
    let mut spec = WorldSpec::single_account(1 + u64::from(variation), 8_000);
    // A page with all its posts is no dearer than another call: uneven ones are a scenario of their own.
    spec.meters.cpu_ms_allowed_per_call = 10_000;
    spec.meters.time_ms_allowed_per_call = 10_000;
    // A day has 72 lives, each with a database that is opened: the other variations have a shorter window.
    let (window, allowed) = if variation == 0 {
        (DAY, 400)
    } else {
        (DAY / 4, 100)
    };
    spec.meters.buc_seconds = i64::try_from(window.as_secs()).unwrap();
    let name = "kill and restart every 20 minutes, BUC pool of 400/24 h or 100/6 h, p = 80";
    Scenario {
        spec,
        pool: Pool::BucInstagram(ACCOUNT.to_owned()),
        allowed,
        window,
        windows: (3, 1),
        work: Work::Killed,
        ..platform(name, 80, variation)
    }
}

pub fn many(variation: u32) -> Scenario {
    let name = "500 accounts, 40 hashtags, 300 discovered accounts, p = 80";
    Scenario {
        spec: many_subjects(),
        allowed: 2_000,
        work: Work::ManySubjects,
        ..platform(name, 80, variation)
    }
}

fn many_subjects() -> WorldSpec {
    let mut spec = WorldSpec::many_accounts(1, 500, 3);
    spec.others = (10_000..10_300).map(AccountSpec::numbered).collect();
    let hashtag = |number| HashtagSpec {
        name: format!("hashtag{number}"),
        posts_per_day: 10,
        sensitive: false,
    };
    spec.hashtags = (0..40).map(hashtag).collect();
    spec.tokens = vec![TokenSpec::default()];
    spec
}

impl Scenario {
    /// What is wrong with what was measured.
    pub fn wrong(&self, measured: &Measured) -> Option<&'static str> {
        let is_hold = |(_, event): &(f64, Event)| matches!(event, Event::Hold(_));
        let others = self.events.iter().any(is_hold);
        if measured.unexcused > self.refusals {
            Some("calls were refused")
        } else if measured.use_of_ceiling < self.at_least {
            Some("too little is used")
        } else if measured.turns.0 == 0 {
            Some("somebody never had a turn")
        } else if !others && self.refusals == 0 && measured.highest > f64::from(self.ceiling) + 2.0
        {
            // A percent is lost in rounding; calls under way add to that.
            Some("the ceiling was passed")
        } else {
            None
        }
    }
}
