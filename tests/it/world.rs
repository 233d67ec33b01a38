//! A simulated world, and igsync in it, in virtual time.
//!
//! Each [`World::start`] is the life of one process: it opens the database, works, and closes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use igsync::budget::{self, Budget, Urgency};
use igsync::clock::Clock;
use igsync::graph::{Client, Credential, Fields, Request, Settings, Shape, Tally};
use igsync::resource::Refresh;
use igsync::stop::{Stop, stop_pair};
use igsync::store::{Around, OpenError, Store};
use igsync::sync::{self, Asked, CheckReport, Preview, Range, Selection, Summary, WhenSuspended};
use igsync_simulator::{Call, Expectation, Simulator, Tables, TokenSpec, WorldSpec};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::binary::open;

pub struct World {
    pub simulator: Simulator,
    folder: tempfile::TempDir,
    clock: Clock,
    version: String,
    credentials: Vec<Arc<Credential>>,
}

impl World {
    /// A world in this test's own runtime, reached over a Unix socket: no other transport holds still when
    /// time is paused.
    pub async fn new(spec: WorldSpec) -> Self {
        let mut credentials = Vec::new();
        for token in &spec.tokens {
            let credential = Credential::new(&token.name, &token.token, Some(&spec.app.secret));
            let credential = credential.unwrap().of_the_app_of(&credentials);
            credentials.push(Arc::new(credential));
        }
        let epoch = spec.epoch;
        let clock = igsync_simulator::Clock::starting_at(epoch);
        let world = Self {
            simulator: Simulator::new(igsync_simulator::World::new(spec), clock),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::anchored(epoch),
            version: "v25.0".to_owned(),
            credentials,
        };
        world.simulator.serve_unix(&world.socket()).await.unwrap();
        world
    }

    /// The same world, unplugged: nothing answers.
    pub fn unplugged(self) -> Self {
        std::fs::remove_file(self.socket()).unwrap();
        self
    }

    /// The same world, asked for another version of the API.
    pub fn asking_for(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The same world, asked with another app secret.
    pub fn with_app_secret(mut self, secret: &str) -> Self {
        let tokens = self.simulator.world().spec().tokens.clone();
        let credential = |token: &TokenSpec| {
            Arc::new(Credential::new(&token.name, &token.token, Some(secret)).unwrap())
        };
        self.credentials = tokens.iter().map(credential).collect();
        self
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("graph.sock")
    }

    pub fn client(&self, stop: Stop) -> Client {
        let http = igsync::graph::socket_client(&self.socket()).unwrap();
        let settings = Settings {
            base_url: "http://graph.example".to_owned(),
            version: self.version.clone(),
            timeout: Duration::from_secs(60),
        };
        let budget = Budget::new(budget::Settings::default());
        Client::new(http, settings, budget, self.clock.clone(), stop)
    }

    pub fn credentials(&self) -> &[Arc<Credential>] {
        &self.credentials
    }

    /// One process: a backfill of accounts and posts.
    pub async fn backfill(&self) -> Summary {
        self.start(&Selection::default(), Range::default(), stop_pair().1)
            .await
    }

    /// One process: a backfill of these resources.
    pub async fn backfill_of(&self, resources: &[&str]) -> Summary {
        self.start(&selection_of(resources), Range::default(), stop_pair().1)
            .await
    }

    /// One process: a backfill; of accounts and posts, if no resource is chosen.
    pub async fn start(&self, selection: &Selection, range: Range, stop: Stop) -> Summary {
        let mut selection = selection.clone();
        if selection.resources.is_empty() {
            selection.resources = of_posts().resources;
        }
        sync::backfill(&self.process(stop).await, &selection, range)
            .await
            .unwrap()
    }

    /// One process: a backfill of accounts and posts that waits for pools.
    pub async fn backfill_and_wait(&self, stop: Stop) -> Summary {
        let process = self.process(stop).await;
        sync::backfill_and_wait(&process, &of_posts(), Range::default())
            .await
            .unwrap()
    }

    /// One process: a job of the configuration, with what is due and fits into the budgets.
    pub async fn night(&self, selection: &Selection) -> Summary {
        let process = self.process(stop_pair().1).await;
        sync::run_job(&process, "nightly", selection, WhenSuspended::Leave)
            .await
            .unwrap()
    }

    /// What a process works with; it ends when this is dropped.
    pub async fn process(&self, stop: Stop) -> Arc<sync::World> {
        // Tasks of a process that was ended in the middle are dropped first.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let store = Self::open_store(&self.path());
        let client = self.client(stop.clone());
        let credentials = self.credentials.clone();
        let world = sync::World::new(client, store, self.clock.clone(), stop, credentials).await;
        Arc::new(world.unwrap())
    }

    /// What a job would cost.
    pub async fn plan(&self, range: Range) -> Preview {
        self.preview(Asked {
            job: "backfill".to_owned(),
            selection: of_posts(),
            range,
        })
        .await
    }

    /// What a job of the configuration would cost.
    pub async fn plan_of(&self, job: &str, selection: &Selection) -> Preview {
        self.preview(Asked {
            job: job.to_owned(),
            selection: selection.clone(),
            range: Range::default(),
        })
        .await
    }

    async fn preview(&self, asked: Asked) -> Preview {
        let database = Store::peek(&self.path()).unwrap();
        let client = self.client(stop_pair().1);
        let (credentials, refresh) = (&self.credentials, Refresh::default());
        let asked = [asked];
        sync::preview(
            &client,
            credentials,
            &database,
            &self.clock,
            &refresh,
            &asked,
        )
        .await
        .unwrap()
    }

    /// One process: a check of everything, which writes nothing.
    pub async fn check(&self) -> CheckReport {
        self.check_of(&Selection::default(), |_| {}).await
    }

    /// A check of a selection, with other surroundings than the real ones.
    pub async fn check_of(
        &self,
        selection: &Selection,
        change: impl FnOnce(&mut Around),
    ) -> CheckReport {
        let now = self.now();
        let mut around = Store::peek(&self.path()).unwrap().around(now).unwrap();
        change(&mut around);
        let client = self.client(stop_pair().1);
        sync::check(&client, &self.credentials, selection, around, now).await
    }

    /// The token of a Page, as `/me/accounts` tells it to its user.
    pub async fn page_token(&self, page: &str) -> String {
        let request = Request {
            endpoint: "/me/accounts",
            path: "/me/accounts".to_owned(),
            fields: Fields::of(["id", "access_token"]),
            params: Vec::new(),
            limit: None,
            after: None,
            shape: Shape::Edge,
            pool: self.credentials[0].user_pool(),
            urgency: Urgency::Bulk,
        };
        let client = self.client(stop_pair().1);
        let mut tally = Tally::default();
        let pages = client.get(&self.credentials[0], &request, &mut tally).await;
        let pages = pages.unwrap().items;
        let pages = pages
            .iter()
            .map(|page| serde_json::from_str::<Value>(page.get()).unwrap());
        let page = pages.into_iter().find(|node| node["id"] == page).unwrap();
        page["access_token"].as_str().unwrap().to_owned()
    }

    /// The clock of igsync; the simulator has its own.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// How many rows of posts, their counts and their parts belong to an account.
    pub fn rows_of_posts(&self, account_id: &str) -> u64 {
        let posts = format!("SELECT id FROM media WHERE account_id = '{account_id}'");
        let rows = [
            "id FROM media",
            "media_id FROM media_children",
            "media_id FROM media_snapshots",
        ];
        let count = |row: &str| {
            let (id, table) = row.split_once(" FROM ").unwrap();
            self.count(&format!(
                "SELECT count(*) FROM {table} WHERE {id} IN ({posts})"
            ))
        };
        rows.into_iter().map(count).sum::<i64>().unsigned_abs()
    }

    /// The database's file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("igsync.db")
    }

    /// The store, as a process of igsync opens it.
    pub fn store(&self) -> Store {
        Self::open_store(&self.path())
    }

    pub fn database(&self) -> Connection {
        open(&self.path())
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.database()
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The first column of a query, as text.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// Calls to paths that end so.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        let journal = self.simulator.journal();
        journal
            .into_iter()
            .filter(|call| call.path.ends_with(path))
            .collect()
    }

    /// Opens the store of the next process. Another test of this crate may be starting the binary at this very moment: until its
    /// child has become the binary, the child shares the lock of the process that just ended here.
    fn open_store(path: &Path) -> Store {
        for _ in 0..1_000_000 {
            match Store::open(path, "a test") {
                Err(OpenError::Held { .. }) => std::thread::yield_now(),
                other => return other.unwrap(),
            }
        }
        panic!("the lock is held for good");
    }

    /// Fails unless a table is as the simulator expects it after what it was asked. Gives the number of rows that were compared.
    #[track_caller]
    pub fn assert_table(&self, table: &str, key: &[&str]) -> usize {
        let rows = rows_of(&self.database(), table, key);
        let expected = self.simulator.expected(&[table]);
        assert_meets(&expected, &[(table.to_owned(), rows)].into())
    }

    /// The gaps that are open, as `resource reason object`.
    pub fn open_gaps(&self) -> Vec<String> {
        self.texts(
            "SELECT resource || ' ' || reason || ifnull(' ' || object_id, '') FROM sync_gaps
             WHERE resolved_at IS NULL ORDER BY 1",
        )
    }

    /// Fails if a page of a list was answered twice.
    #[track_caller]
    pub fn assert_no_page_twice(&self, path: &str) {
        let calls = self.calls(path);
        let answered = calls.iter().filter(|call| call.status == 200);
        let pages: Vec<_> = answered.map(|call| (&call.path, &call.after)).collect();
        let distinct: BTreeSet<_> = pages.iter().collect();
        assert_eq!(distinct.len(), pages.len(), "{pages:?}");
    }

    /// Fails unless the database holds every visible post of every account as it is, and nothing else.
    #[track_caller]
    pub fn assert_complete(&self) {
        assert_complete(&self.database(), &self.simulator);
    }
}

/// Fails unless the database holds every visible post of every account of the world as it is, and nothing else.
#[track_caller]
pub fn assert_complete(database: &Connection, simulator: &Simulator) {
    for account in simulator.world().accounts() {
        let mut expected = BTreeSet::new();
        for post in simulator
            .world()
            .media(account.id())
            .filter(|post| !post.is_deleted())
        {
            let (caption, children): (Option<String>, i64) = database
                .query_row(
                    "SELECT caption, (SELECT count(*) FROM media_children c WHERE c.media_id = m.id)
                     FROM media m WHERE id = ? AND account_id = ? AND media_type = ? AND media_product_type = ?
                     AND timestamp = ? AND (media_url IS NULL) = ?
                         AND permalink IS ? AND shortcode = ? AND username = ? AND owner_id = ? AND alt_text IS ?
                         AND is_comment_enabled = ? AND is_shared_to_feed IS ? AND media_audio_type IS ?
                         AND is_ai_generated = ? AND eligible_to_boost = 1",
                    rusqlite::params![
                        post.id(),
                        account.id(),
                        post.media_type().as_str(),
                        post.media_product_type().as_str(),
                        igsync::clock::instant_text(post.timestamp()),
                        post.media_url_path().is_none(),
                    post.permalink(),
                    post.shortcode(),
                    post.username(),
                    account.id(),
                    post.alt_text(),
                    post.is_comment_enabled(),
                    post.is_shared_to_feed(),
                    post.media_audio_type(),
                    post.is_ai_generated(),
                    ],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap_or_else(|error| panic!("post {} of {}: {error}", post.id(), account.id()));
            assert_eq!(caption, post.caption(), "caption of {}", post.id());
            assert_eq!(
                children,
                i64::try_from(post.children().count()).unwrap(),
                "children of {}",
                post.id()
            );
            expected.insert(post.id());
        }
        let stored: BTreeSet<String> = database
            .prepare("SELECT id FROM media WHERE account_id = ? AND deleted_at IS NULL")
            .unwrap()
            .query_map([account.id()], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(stored, expected, "posts of {}", account.id());
    }
    let broken: i64 = database
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0);
}

/// Accounts and their posts, of all accounts.
pub fn of_posts() -> Selection {
    selection_of(&["account", "media"])
}

/// These resources of all accounts.
pub fn selection_of(resources: &[&str]) -> Selection {
    let find = |name: &&str| igsync::resource::find(name).unwrap();
    Selection {
        resources: resources.iter().map(find).collect(),
        ..Selection::default()
    }
}

/// A resource of all accounts that is read by names.
pub fn selection_of_names(resource: &str, names: &[&str]) -> Selection {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut selection = selection_of(&["account", resource]);
    if resource == "hashtags" {
        selection.hashtags = names;
    } else {
        selection.usernames = names;
    }
    selection
}

/// What igsync fills of the tables that the oracle knows, with the columns of their keys.
const TABLES: [(&str, &[&str]); 5] = [
    ("accounts", &["id"]),
    ("accounts_current", &["id"]),
    ("media", &["id"]),
    ("media_children", &["media_id", "id"]),
    ("media_current", &["id"]),
];

/// Fails unless the database holds every value that the world would tell at this moment. Gives the number of rows that
/// were compared.
#[track_caller]
pub fn assert_equals_the_world(database: &Connection, simulator: &Simulator) -> usize {
    let read = |(table, key): (&str, &[&str])| (table.to_owned(), rows_of(database, table, key));
    let tables: Tables = TABLES.map(read).into();
    let expected = simulator.world().expected(&TABLES.map(|(table, _)| table));
    assert_meets(&expected, &tables)
}

/// Fails with the first differences, unless tables are as they are expected. Gives the number of rows that were compared.
#[track_caller]
pub fn assert_meets(expected: &Expectation<'_>, tables: &Tables) -> usize {
    let comparison = expected.compare(tables);
    let first: Vec<&String> = comparison.differences.iter().take(5).collect();
    let count = comparison.differences.len();
    assert_eq!(count, 0, "{first:#?}");
    assert_eq!(comparison.not_compared, BTreeSet::new());
    comparison.rows
}

/// The rows of a table by their keys; of those with the same key the last.
pub fn rows_of(
    database: &Connection,
    table: &str,
    key: &[&str],
) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let mut values = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            let value = match row.get_ref(at)? {
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap().into(),
                _ => Value::Null,
            };
            values.insert(name.clone(), value);
        }
        let key: Vec<&str> = key
            .iter()
            .map(|name| values[*name].as_str().unwrap())
            .collect();
        Ok((key.join("/"), values))
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// The outcome of every job, as `account resource outcome`.
pub fn outcomes(summary: &Summary) -> Vec<String> {
    let line =
        |job: &sync::JobReport| format!("{} {} {}", job.account, job.resource, job.outcome.text());
    summary.jobs.iter().map(line).collect()
}
