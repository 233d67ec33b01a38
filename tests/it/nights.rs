//! Nights in worlds of known size, with what the simulator counted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use igsync::budget::{Budget, Settings};
use igsync::clock::Clock;
use igsync::graph::{self, Client, Credential};
use igsync::resource::{RESOURCES, Resource};
use igsync::stop::stop_pair;
use igsync::store::Store;
use igsync::sync::{self, Selection, WhenSuspended};
use igsync_simulator::{AccountSpec, PageSpec, Simulator, TokenSpec, World, WorldSpec};
use tokio::time::sleep;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is read every night here. The others need names, a shop or a feature of the app.
const NIGHTLY: [&str; 8] = [
    "stories",
    "account",
    "media",
    "media_insights",
    "comments",
    "account_insights",
    "online_followers",
    "audience",
];

/// A world and its nights.
pub struct Nights {
    spec: WorldSpec,
}

impl Nights {
    /// 2 accounts of 250 posts over two years: 40 % images, 40 % reels, 20 % carousels of up to 5; 10 live stories; 4 comments a
    /// post on average.
    pub fn two_accounts() -> Self {
        Self::of(2, 250, 2 * 365)
    }

    /// So many accounts with so many posts over so many days, of the same kinds.
    pub fn of(accounts: u64, posts: u32, history_days: u32) -> Self {
        let account = |number| AccountSpec {
            posts,
            history_days,
            posts_per_week: (posts * 7).div_ceil(history_days),
            reels_per_mille: 400,
            carousels_per_mille: 200,
            videos_per_mille: 0,
            lives_per_mille: 0,
            max_children: 5,
            mean_comments: std::env::var("MEAN").map_or(4, |q| q.parse().unwrap()),
            stories_per_day: 5,
            quiet_stories_per_mille: std::env::var("QUIET").map_or(0, |q| q.parse().unwrap()),
            ..AccountSpec::numbered(number)
        };
        let page = |number| PageSpec::numbered(number, Some(account(number)));
        Self {
            spec: WorldSpec {
                epoch: "2026-10-05T02:30:00Z".parse().unwrap(),
                tokens: vec![TokenSpec::default()],
                pages: (1..=accounts).map(page).collect(),
                ..WorldSpec::default()
            },
        }
    }

    /// So many nights, the first of an empty database. Calls and round trips of each, as the simulator counted them.
    pub async fn run(self, count: usize) -> Vec<(usize, usize)> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("graph.sock");
        let token = self.spec.tokens[0].clone();
        let secret = self.spec.app.secret.clone();
        let epoch = self.spec.epoch;
        let simulated = igsync_simulator::Clock::starting_at(epoch);
        let simulator = Simulator::new(World::new(self.spec), simulated);
        let server = simulator.serve_unix(&socket).await.unwrap();
        let credential = Credential::new(&token.name, &token.token, Some(&secret)).unwrap();
        let credentials = vec![Arc::new(credential)];
        let clock = Clock::anchored(epoch);
        let mut spent = Vec::new();
        for _ in 0..count {
            simulator.clear_journal();
            let path = folder.path().join("igsync.db");
            one_night(&path, &socket, &clock, &credentials).await;
            let journal = simulator.journal();
            // The message of a batch is no call: its parts are.
            let messages = journal.iter().filter(|call| !call.in_batch).count();
            if std::env::var_os("ENDPOINTS").is_some() {
                let mut by = std::collections::BTreeMap::<String, usize>::new();
                for call in journal.iter().filter(|call| call.pool.is_some()) {
                    let tail = call.path.rsplit('/').next().unwrap_or_default();
                    let account = call.path.contains("/1784140");
                    let metric = call.query.iter().find(|(name, _)| name == "metric").map(|(_, m)| m.split(',').next().unwrap().to_owned());
                    let breakdown = call.query.iter().find(|(name, _)| name == "breakdown").map(|(_, m)| m.clone());
                    let nested = call.fields.as_deref().map(|f| (f.contains("insights.metric"), f.contains("comments.limit")));
                    *by.entry(format!("{account} {tail} {:?} {:?} {nested:?} {}", metric, breakdown, call.status)).or_default() += 1;
                }
                eprintln!("{by:#?}");
            }
            let calls = journal.iter().filter(|call| call.pool.is_some()).count();
            spent.push((calls, messages));
            sleep(DAY).await;
        }
        server.abort();
        spent
    }
}

async fn one_night(path: &Path, socket: &Path, clock: &Clock, credentials: &[Arc<Credential>]) {
    let settings = graph::Settings {
        base_url: "http://graph.example".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let (_handle, stop) = stop_pair();
    let http = graph::socket_client(socket).unwrap();
    let budget = Budget::new(Settings::default());
    let client = Client::new(http, settings, budget, clock.clone(), stop.clone());
    let store = loop {
        // The night before may still be giving it back.
        match Store::open(path, "a test") {
            Ok(store) => break store,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let world = sync::World::new(client, store, clock.clone(), stop, credentials.to_vec());
    let world = Arc::new(world.await.unwrap());
    let nightly = |resource: &&&'static Resource| NIGHTLY.contains(&resource.name);
    let selection = Selection {
        resources: RESOURCES.iter().filter(nightly).copied().collect(),
        ..Selection::default()
    };
    let waits = WhenSuspended::Leave;
    sync::run_job(&world, "nightly", &selection, waits)
        .await
        .unwrap();
}
