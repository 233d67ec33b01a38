//! Nights in worlds of known size, with what the simulator counted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use igsync::budget::{Budget, Settings};
use igsync::clock::{Clock, instant_text};
use igsync::graph::{self, Client, Credential};
use igsync::resource::{RESOURCES, Resource};
use igsync::stop::stop_pair;
use igsync::store::Store;
use igsync::sync::{self, Selection, WhenSuspended};
use igsync_simulator::{AccountSpec, PageSpec, Simulator, TokenSpec, World, WorldSpec};
use rusqlite::Connection;
use tokio::time::sleep;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is read every night here. The others need names, a shop or a feature of the app.
pub const NIGHTLY: [&str; 8] = [
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
    /// post on average, and replies. Nights begin at half past two.
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
            mean_comments: 4,
            stories_per_day: 5,
            quiet_stories_per_mille: 0,
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

    /// The same accounts with so many comments a post, on average.
    pub fn with_comments(mut self, mean: u32) -> Self {
        for account in self.accounts() {
            account.mean_comments = mean;
        }
        self
    }

    /// The same accounts, with next to no viewers of so many in a thousand stories: those are refused their numbers.
    pub fn with_quiet_stories(mut self, per_mille: u32) -> Self {
        for account in self.accounts() {
            account.quiet_stories_per_mille = per_mille;
        }
        self
    }

    fn accounts(&mut self) -> impl Iterator<Item = &mut AccountSpec> {
        let pages = self.spec.pages.iter_mut();
        pages.filter_map(|page| page.account.as_mut())
    }

    /// So many nights, the first of an empty database. Calls and round trips of each, as the simulator counted them. Fails
    /// when a night leaves out what it should have read.
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
            let began = clock.now();
            one_night(&path, &socket, &clock, &credentials).await;
            assert_fresh(&Connection::open(&path).unwrap(), &simulator, began);
            let journal = simulator.journal();
            // The message of a batch is no call: its parts are.
            let messages = journal.iter().filter(|call| !call.in_batch).count();
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

/// Fails unless a night has read every count and number of posts younger than 30 days, the last three days of every account, every
/// story that is shown, and every comment and reply.
fn assert_fresh(database: &Connection, simulator: &Simulator, began: DateTime<Utc>) {
    let world = simulator.world();
    let began = instant_text(began);
    let read = |what: &str, key: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {what} AND confirmed_at >= ?");
        let row = database.query_row(&sql, [key, &began], |row| row.get(0));
        row.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    for account in world.accounts() {
        let id = account.id();
        assert_eq!(
            read("account_snapshots WHERE account_id = ?", id),
            1,
            "counts of {id}"
        );
        let posts = world.media(id).filter(|post| !post.is_deleted());
        for post in posts.filter(|post| world.now() - post.timestamp() < TimeDelta::days(30)) {
            let id = post.id();
            assert_eq!(read("media_current WHERE id = ?", &id), 1, "counts of {id}");
            // A post of the last hours has no numbers yet.
            if post.insight("reach").is_some() {
                let told = "media_insights_current WHERE breakdown = '' AND media_id = ?";
                let numbers = read(told, &id);
                assert_eq!(numbers, 14, "numbers of {id}");
            }
        }
        for back in 1..=3 {
            let day = world.now().with_timezone(&Los_Angeles).date_naive() - TimeDelta::days(back);
            let totals = "account_insights_current WHERE period = 'day' AND breakdown = ''";
            let totals = format!("{totals} AND day = '{day}' AND account_id = ?");
            assert_eq!(read(&totals, id), 14, "{day} of {id}");
        }
        for story in world
            .stories(id)
            .filter(|story| story.insight("views").is_some())
        {
            let told = "media_insights_current WHERE breakdown = '' AND media_id = ?";
            let refused = "SELECT count(*) FROM sync_gaps WHERE reason = 'too_few_viewers' AND object_id = ? AND last_seen_at >= ? AND resolved_at IS NULL";
            let refused: i64 = database
                .query_row(refused, [&story.id(), &began], |row| row.get(0))
                .unwrap();
            assert_eq!(read(told, &story.id()) + refused * 12, 12, "{}", story.id());
        }
    }
    let expected = world.expected(&["comments"]);
    let comments = database
        .prepare("SELECT id, text, parent_id, media_id FROM comments")
        .and_then(|mut rows| {
            let row = |row: &rusqlite::Row<'_>| {
                let names = ["id", "text", "parent_id", "media_id"];
                let values = names.into_iter().enumerate().map(|(at, name)| {
                    let value: Option<String> = row.get(at)?;
                    Ok((name.to_owned(), value.into()))
                });
                Ok((row.get(0)?, values.collect::<rusqlite::Result<_>>()?))
            };
            rows.query_map([], row)?.collect::<rusqlite::Result<_>>()
        })
        .unwrap();
    let comparison = expected.compare(&[("comments".to_owned(), comments)].into());
    assert_eq!(comparison.differences, [""; 0]);
}
