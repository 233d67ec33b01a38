//! More work than a pool has room for, in virtual time: how much of the pool is used, and what is refused. The simulator meters; its
//! numbers count, not ours.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use igsync::budget::{Budget, PoolKey, Settings, Urgency};
use igsync::clock::Clock;
use igsync::graph::{self, Client, Credential, Error, Fields, Request, Shape, Tally};
use igsync::stop::stop_pair;
use igsync::store::Store;
use igsync::sync::{self, Range, Selection, Verdict};
use igsync_simulator::{AccountSpec, HashtagSpec, Pool, Simulator, TokenSpec, World, WorldSpec};
use tokio::time::{Instant, sleep, sleep_until};

/// What happens to the pool meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// Others hold so many percent of it from now on.
    Hold(u64),
    /// It allows so many calls from now on.
    Allow(u64),
}

/// A world, a pool in it, and what is to be shown.
pub struct Scenario {
    pub name: &'static str,
    /// Percent.
    pub ceiling: u8,
    /// The least mean use, as a share of the ceiling, or of what others leave of it.
    pub at_least: f64,
    /// The most refused calls, beside one for each step of others that leaves no room.
    pub refusals: usize,
    spec: WorldSpec,
    pool: Pool,
    allowed: u64,
    window: Duration,
    /// Windows that are measured, and those before, which are not.
    windows: (u32, u32),
    /// When, in windows, what happens.
    events: Vec<(f64, Event)>,
    work: Work,
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
    /// Other accounts and hashtags, each waiting for its turn.
    ManySubjects,
}

/// What came of it.
pub struct Measured {
    /// Calls that were answered.
    pub calls: usize,
    /// Calls that the API refused for want of budget.
    pub refused: usize,
    /// Steps of others that left no room.
    pub no_room: usize,
    /// Mean use as a share of the ceiling, or of what others left of it.
    pub use_of_ceiling: f64,
    /// The highest use, in percent of the pool, ours and others'.
    pub highest: f64,
    /// The fewest and the most turns of a subject.
    pub turns: (usize, usize),
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, {} refused ({} steps left no room), highest {:.1} %, {} to {} turns each, use {:.3} of the ceiling",
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

fn platform(name: &'static str, ceiling: u8) -> Scenario {
    let mut spec = WorldSpec::small(1);
    spec.others = vec![AccountSpec::numbered(900)];
    Scenario {
        name,
        ceiling,
        at_least: 0.95,
        refusals: 0,
        spec,
        pool: Pool::PlatformApp,
        allowed: 200,
        window: HOUR,
        windows: (4, 1),
        events: Vec::new(),
        work: Work::Discovery,
    }
}

pub fn alone() -> Scenario {
    Scenario {
        at_least: 0.97,
        ..platform("Platform pool of 200/h, alone, p = 95", 95)
    }
}

pub fn uneven() -> Scenario {
    let mut spec = WorldSpec::single_account(1, 400);
    spec.meters.cpu_ms_allowed_per_call = 40;
    Scenario {
        spec,
        pool: Pool::BucInstagram(ACCOUNT.to_owned()),
        allowed: 4_800,
        window: DAY,
        windows: (3, 1),
        work: Work::Pages,
        ..platform(
            "BUC pool of 4,800/24 h, calls of uneven CPU cost, p = 90",
            90,
        )
    }
}

pub fn foreign() -> Scenario {
    let steps = [20, 40, 60, 40, 60, 50, 30, 20, 40, 20, 0, 20, 0];
    let times = (1..).map(|step| 0.3 + 0.65 * f64::from(step));
    let name = "a foreign consumer takes 0 to 60 % in steps of up to 20, p = 80";
    Scenario {
        at_least: 0.93,
        windows: (8, 1),
        events: times.zip(steps.map(Event::Hold)).collect(),
        ..platform(name, 80)
    }
}

pub fn late_headers() -> Scenario {
    let mut scenario = platform("headers absent for the first 50 calls, p = 80", 80);
    scenario.at_least = 0.90;
    scenario.spec.meters.headers_after_calls = 50;
    scenario
}

pub fn rare_headers() -> Scenario {
    let mut scenario = platform("headers on every 10th answer, p = 80", 80);
    scenario.at_least = 0.90;
    scenario.spec.meters.headers_every = 10;
    scenario
}

pub fn halved() -> Scenario {
    Scenario {
        at_least: 0.93,
        refusals: 1,
        allowed: 400,
        // In the second window; the third is not measured either.
        windows: (3, 3),
        events: vec![(1.6, Event::Allow(200))],
        ..platform("the quota halves without notice, p = 80", 80)
    }
}

pub fn killed() -> Scenario {
    let mut spec = WorldSpec::single_account(1, 8_000);
    // Pages of 50 posts are as dear as calls.
    spec.meters.cpu_ms_allowed_per_call = 1_000;
    Scenario {
        spec,
        pool: Pool::BucInstagram(ACCOUNT.to_owned()),
        allowed: 400,
        window: DAY,
        windows: (3, 1),
        work: Work::Killed,
        ..platform(
            "kill and restart every 20 minutes, BUC pool of 400/24 h, p = 80",
            80,
        )
    }
}

pub fn many() -> Scenario {
    let name = "500 accounts, 40 hashtags, 300 discovered accounts, p = 80";
    Scenario {
        spec: many_subjects(),
        allowed: 2_000,
        work: Work::ManySubjects,
        ..platform(name, 80)
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
        let others = self
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::Hold(_)));
        if measured.refused > self.refusals + measured.no_room {
            Some("calls were refused")
        } else if measured.use_of_ceiling < self.at_least {
            Some("too little is used")
        } else if measured.turns.0 == 0 {
            Some("somebody never had a turn")
        } else if !others && self.refusals == 0 && measured.highest > f64::from(self.ceiling) + 2.0
        {
            Some("the ceiling was passed")
        } else {
            None
        }
    }

    /// Lives through it.
    pub async fn measure(&self) -> Measured {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("graph.sock");
        let token = self.spec.tokens[0].clone();
        let secret = self.spec.app.secret.clone();
        let (epoch, begun) = (self.spec.epoch, Instant::now());
        let simulated = igsync_simulator::Clock::starting_at(epoch);
        let simulator = Simulator::new(World::new(self.spec.clone()), simulated);
        let server = simulator.serve_unix(&socket).await.unwrap();
        simulator.allow(&self.pool, self.allowed);
        let credential = Credential::new(&token.name, &token.token, Some(&secret)).unwrap();
        let clock = Clock::anchored(epoch);
        let client = client(&socket, clock.clone(), self.ceiling);
        let end = begun + self.window * (self.windows.0 + self.windows.1);
        let shared = Arc::new(Shared {
            client,
            clock,
            credential,
            end,
            turns: Mutex::default(),
        });
        let mut tasks = tokio::task::JoinSet::new();
        if self.work == Work::Killed {
            tasks.spawn(lives(
                folder.path().to_owned(),
                Arc::clone(&shared),
                self.ceiling,
            ));
        }
        for (subject, requests) in self.subjects(&shared, &simulator).into_iter().enumerate() {
            tasks.spawn(Arc::clone(&shared).work(subject, requests));
        }
        let measured = self.watch(&simulator, begun, end).await;
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        server.abort();
        let journal = simulator.journal();
        let pool = self.pool.to_string();
        let metered = || {
            journal
                .iter()
                .filter(|call| call.pool.as_ref() == Some(&pool))
        };
        let turns = shared.turns.lock().unwrap();
        Measured {
            calls: metered().count(),
            refused: metered().filter(|call| call.while_blocked).count(),
            no_room: measured.2,
            use_of_ceiling: measured.0,
            highest: measured.1,
            turns: (
                *turns.values().min().unwrap(),
                *turns.values().max().unwrap(),
            ),
        }
    }

    /// Follows the meters, and lets happen what happens.
    async fn watch(
        &self,
        simulator: &Simulator,
        begun: Instant,
        end: Instant,
    ) -> (f64, f64, usize) {
        let pause = self.window / 720;
        let from = begun + self.window * self.windows.1;
        let mut events = self.events.iter().peekable();
        let (mut used, mut left, mut highest, mut held) = (0.0, 0.0, 0.0_f64, 0_u64);
        let mut no_room = 0;
        while Instant::now() < end {
            sleep(pause).await;
            let now = begun.elapsed().as_secs_f64() / self.window.as_secs_f64();
            while let Some((_, event)) = events.next_if(|(at, _)| *at <= now) {
                match *event {
                    Event::Hold(percent) => {
                        simulator.hold(&self.pool, percent);
                        held = percent;
                        no_room += usize::from(simulator.usage_percent(&self.pool) >= 100);
                    }
                    Event::Allow(calls) => simulator.allow(&self.pool, calls),
                }
            }
            let tightest = simulator.usage(&self.pool).into_iter().fold(0.0, f64::max);
            if Instant::now() >= from {
                highest = highest.max(tightest);
                let held = f64::from(u32::try_from(held).unwrap());
                used += tightest - held;
                left += f64::from(self.ceiling) - held;
            }
        }
        (used / left, highest, no_room)
    }

    fn subjects(&self, shared: &Shared, simulator: &Simulator) -> Vec<Vec<Request>> {
        let app = shared.credential.app_pool();
        let discovery = |account: &str, username: &str| {
            let posts = Fields::of(["id", "caption", "like_count"]);
            let profile = Fields::of(["username", "followers_count"]).with("media.limit(5)", posts);
            let field = format!("business_discovery.username({username})");
            let fields = Fields::default().with(&field, profile);
            request(&format!("/{account}"), fields, None, &app)
        };
        let world = simulator.world();
        match self.work {
            Work::Killed => Vec::new(),
            Work::Pages => {
                let pool = PoolKey::Buc {
                    account_id: ACCOUNT.to_owned(),
                };
                let page = |limit| {
                    let fields = Fields::of(["id", "caption", "like_count"]);
                    request(&format!("/{ACCOUNT}/media"), fields, Some(limit), &pool)
                };
                vec![[1, 100, 3, 100, 20, 70, 2].map(page).to_vec(); 4]
            }
            Work::Discovery => {
                let other = &self.spec.others[0].username;
                vec![vec![discovery(ACCOUNT, other)]; 4]
            }
            Work::ManySubjects => {
                let accounts: Vec<_> = world
                    .accounts()
                    .map(|account| account.id().to_owned())
                    .collect();
                let others = self.spec.others.iter().zip(accounts.iter().cycle());
                let mut subjects: Vec<Vec<Request>> = others
                    .map(|(other, account)| vec![discovery(account, &other.username)])
                    .collect();
                for (number, hashtag) in self.spec.hashtags.iter().enumerate() {
                    // Not more than 30 for one account.
                    let account = &accounts[number % 2];
                    let id = world.hashtag_id(&hashtag.name).unwrap();
                    let fields = Fields::of(["id", "caption"]);
                    let mut request =
                        request(&format!("/{id}/recent_media"), fields, Some(50), &app);
                    request.params = vec![("user_id", account.clone())];
                    subjects.push(vec![request]);
                }
                subjects
            }
        }
    }
}

/// A bulk request of an account, of a list where it has a limit.
pub fn request(path: &str, fields: Fields, limit: Option<u32>, pool: &PoolKey) -> Request {
    Request {
        endpoint: "/{subject}",
        path: path.to_owned(),
        fields,
        params: Vec::new(),
        limit,
        after: None,
        shape: if limit.is_some() {
            Shape::Edge
        } else {
            Shape::Node
        },
        pool: pool.clone(),
        urgency: Urgency::Bulk,
    }
}

/// A client that asks through a socket.
pub fn client(socket: &Path, clock: Clock, ceiling: u8) -> Client {
    let settings = graph::Settings {
        base_url: "http://graph.example".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let budget = Budget::new(Settings {
        ceiling_percent: ceiling,
        ..Settings::default()
    });
    let http = graph::socket_client(socket).unwrap();
    Client::new(http, settings, budget, clock, stop_pair().1)
}

struct Shared {
    client: Client,
    clock: Clock,
    credential: Credential,
    end: Instant,
    turns: Mutex<BTreeMap<usize, usize>>,
}

impl Shared {
    /// One subject asks again and again, and waits when it is told to.
    async fn work(self: Arc<Self>, subject: usize, requests: Vec<Request>) {
        self.turns.lock().unwrap().insert(subject, 0);
        let mut tally = Tally::default();
        for request in requests.iter().cycle() {
            if Instant::now() >= self.end {
                return;
            }
            match self.client.get(&self.credential, request, &mut tally).await {
                Ok(_) => *self.turns.lock().unwrap().get_mut(&subject).unwrap() += 1,
                Err(Error::Closed { closed, .. }) => {
                    let wait = (closed.until - self.clock.now())
                        .to_std()
                        .unwrap_or_default();
                    sleep_until((Instant::now() + wait).min(self.end)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Processes, each with 20 minutes to live.
async fn lives(folder: PathBuf, shared: Arc<Shared>, ceiling: u8) {
    let mut lives = 0;
    while Instant::now() < shared.end {
        let death = (Instant::now() + Duration::from_secs(20 * 60)).min(shared.end);
        lives += 1;
        // Ended in the middle of whatever it does.
        let _ = tokio::time::timeout_at(death, life(&folder, &shared, ceiling)).await;
        sleep_until(death).await;
    }
    shared.turns.lock().unwrap().insert(0, lives);
}

async fn life(folder: &Path, shared: &Shared, ceiling: u8) {
    let credentials = vec![Arc::new(shared.credential.clone())];
    let store = loop {
        // The process before may still be giving it back.
        match Store::open(&folder.join("igsync.db"), "a test") {
            Ok(store) => break store,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let (_handle, stop) = stop_pair();
    let client = client(&folder.join("graph.sock"), shared.clock.clone(), ceiling);
    let world = sync::World::new(client, store, shared.clock.clone(), stop, credentials);
    let world = Arc::new(world.await.unwrap());
    loop {
        let selection = Selection::default();
        let summary = sync::backfill(&world, &selection, Range::default()).await;
        if let Verdict::Suspended(until) = summary.unwrap().verdict() {
            let wait = until - shared.clock.now();
            sleep(wait.to_std().unwrap_or_default()).await;
        }
    }
}
