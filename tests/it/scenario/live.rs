//! Lives through a scenario, and follows the simulator's meters meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use igsync::budget::{Budget, PoolKey, Settings, Urgency};
use igsync::clock::Clock;
use igsync::graph::{self, Client, Credential, Error, Fields, Request, Shape, Tally};
use igsync::stop::stop_pair;
use igsync::store::Store;
use igsync::sync::{self, Range, Selection, Verdict};
use igsync_simulator::{Call, Fault, Match, Simulator, World};
use tokio::time::{Instant, sleep, sleep_until};

use super::{ACCOUNT, Event, Measured, Scenario, Work};

/// How often the meters are looked at in a window.
const LOOKS: u32 = 720;

/// What the meters showed.
#[derive(Default)]
struct Seen {
    /// What we used of what was left, and what was left, summed over all looks.
    used: f64,
    left: f64,
    highest: f64,
    /// When others came or went, and whether that left no room.
    steps: Vec<(Instant, bool)>,
}

impl Scenario {
    /// Lives through it.
    pub async fn measure(&self) -> Measured {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("graph.sock");
        let token = self.spec.tokens[0].clone();
        let secret = self.spec.app.secret.clone();
        let (epoch, anchor) = (self.spec.epoch, Instant::now());
        let simulated = igsync_simulator::Clock::starting_at(epoch);
        let clock = Clock::anchored(epoch);
        let simulator = Simulator::new(World::new(self.spec.clone()), simulated);
        let server = simulator.serve_unix(&socket).await.unwrap();
        simulator.allow(&self.pool, self.allowed);
        if !self.latency.is_zero() {
            simulator.inject(Fault::on(Match::any()).always().delay(self.latency));
        }
        sleep(self.phase).await;
        let begun = Instant::now();
        let credential = Credential::new(&token.name, &token.token, Some(&secret)).unwrap();
        let settings = Settings {
            ceiling_percent: self.ceiling,
            buc_window: self.window,
            ..Settings::default()
        };
        let client = client(&socket, clock.clone(), settings.clone());
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
            let folder = folder.path().to_owned();
            tasks.spawn(lives(folder, Arc::clone(&shared), settings));
        }
        for (subject, requests) in self.subjects(&shared, &simulator).into_iter().enumerate() {
            tasks.spawn(Arc::clone(&shared).work(subject, requests));
        }
        let seen = self.watch(&simulator, begun, end).await;
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        server.abort();
        let pool = self.pool.to_string();
        let mut calls = simulator.journal();
        calls.retain(|call| call.pool.as_ref() == Some(&pool));
        let turns = shared.turns.lock().unwrap();
        let at = |call: &Call| anchor + (call.at - epoch).to_std().unwrap_or_default();
        let refused: Vec<Instant> = calls
            .iter()
            .filter(|call| call.while_blocked)
            .map(at)
            .collect();
        Measured {
            calls: calls.len(),
            refused: refused.len(),
            no_room: seen.steps.iter().filter(|(_, no_room)| *no_room).count(),
            unexcused: unexcused(&refused, &seen.steps),
            use_of_ceiling: seen.used / seen.left,
            highest: seen.highest,
            turns: (
                *turns.values().min().unwrap(),
                *turns.values().max().unwrap(),
            ),
        }
    }

    /// Follows the meters, and lets happen what happens.
    async fn watch(&self, simulator: &Simulator, begun: Instant, end: Instant) -> Seen {
        let from = begun + self.window * self.windows.1;
        let mut events = self.events.iter().peekable();
        let (mut seen, mut held) = (Seen::default(), 0.0);
        while Instant::now() < end {
            sleep(self.window / LOOKS).await;
            let now = begun.elapsed().as_secs_f64() / self.window.as_secs_f64();
            while let Some((_, event)) = events.next_if(|(at, _)| *at <= now) {
                match *event {
                    Event::Hold(percent) => {
                        simulator.hold(&self.pool, percent);
                        held = f64::from(u32::try_from(percent).unwrap());
                        let no_room = simulator.usage_percent(&self.pool) >= 100;
                        seen.steps.push((Instant::now(), no_room));
                    }
                    Event::Allow(calls) => simulator.allow(&self.pool, calls),
                }
            }
            let fullest = simulator.usage(&self.pool).into_iter().fold(0.0, f64::max);
            if Instant::now() >= from {
                let left = (f64::from(self.ceiling) - held).max(0.0);
                seen.highest = seen.highest.max(fullest);
                seen.used += (fullest - held).min(left);
                seen.left += left;
            }
        }
        seen
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
                let others = accounts.iter().zip(self.spec.others.iter().cycle());
                let mut subjects: Vec<Vec<Request>> = others
                    .map(|(account, other)| vec![discovery(account, &other.username)])
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

/// Refusals beyond one for each step that left no room, each counted until the next step.
fn unexcused(refused: &[Instant], steps: &[(Instant, bool)]) -> usize {
    let mut excuses: Vec<(Instant, usize)> = steps
        .iter()
        .map(|(at, no_room)| (*at, usize::from(*no_room)))
        .collect();
    let mut unexcused = 0;
    for refusal in refused {
        let step = excuses.iter_mut().rfind(|(at, _)| at <= refusal);
        match step {
            Some((_, excuse)) if *excuse > 0 => *excuse -= 1,
            _ => unexcused += 1,
        }
    }
    unexcused
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
pub fn client(socket: &Path, clock: Clock, budget: Settings) -> Client {
    let settings = graph::Settings {
        base_url: "http://graph.example".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let http = graph::socket_client(socket).unwrap();
    Client::new(http, settings, Budget::new(budget), clock, stop_pair().1)
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
async fn lives(folder: PathBuf, shared: Arc<Shared>, settings: Settings) {
    let mut lives = 0;
    while Instant::now() < shared.end {
        let death = (Instant::now() + Duration::from_secs(20 * 60)).min(shared.end);
        lives += 1;
        // Ended in the middle of whatever it does.
        let _ = tokio::time::timeout_at(death, life(&folder, &shared, &settings)).await;
        sleep_until(death).await;
    }
    shared.turns.lock().unwrap().insert(0, lives);
}

async fn life(folder: &Path, shared: &Shared, settings: &Settings) {
    let credentials = vec![Arc::new(shared.credential.clone())];
    let store = loop {
        // The process before may still be giving it back.
        match Store::open(&folder.join("igsync.db"), "a test") {
            Ok(store) => break store,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let (_handle, stop) = stop_pair();
    let client = client(
        &folder.join("graph.sock"),
        shared.clock.clone(),
        settings.clone(),
    );
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
