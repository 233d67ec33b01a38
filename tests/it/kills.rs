//! The kill matrix: the real binary, killed at seeded moments of a backfill, of a first night of everything and of a later one, when posts and
//! a comment were deleted and a post is new, and continued until it is done.
//!
//! A moment is "after the n-th call, and so many milliseconds", both from the seed, so that it comes again with it. At each moment the
//! files are what a power cut leaves, too: they are copied while the process stands still, once as they are and once without the last
//! bytes of the WAL. `IGSYNC_MATRIX=full` kills at 200 moments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use igsync::clock::Clock;
use igsync::resource::RESOURCES;
use igsync_simulator::{
    AccountSpec, Call, Fault, HashtagSpec, Match, NewPost, PageSpec, Simulator, WorldSpec,
};
use rusqlite::Connection;

use crate::binary::Folder;
use crate::faults::truth::{Keys, differences, keys};
use crate::running::{Running, ended, serve, signal, spawn};
use crate::snapshot::{assert_sound, copy_files};

/// Moments of an everyday run, and of a full one.
const EVERYDAY: usize = 12;
const FULL: usize = 200;

/// Moments of one backfill or night at most: they come to their end before, or both have some in an everyday run.
const LONGEST_CHAIN: usize = 40;

/// How long each answer takes at least: long enough for a kill to find it on its way.
const LATENCY: Duration = Duration::from_millis(3);

/// The most calls of a start before it is killed.
const MOST_CALLS: u64 = 80;

const ACCOUNTS: [&str; 2] = ["17841400000000001", "17841400000000002"];

/// Numbers from a seed (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What was seen at all moments.
#[derive(Debug, Default)]
struct Totals {
    moments: usize,
    chains: usize,
    power_cuts: usize,
    interrupted: i64,
    compared: usize,
    lost: usize,
    again: usize,
}

/// Everything that the world can tell, in small.
fn everything() -> WorldSpec {
    let account = |number, posts| AccountSpec {
        posts,
        mean_comments: 3,
        stories_per_day: 4,
        tagged_per_year: 150,
        mentions: 3,
        collaborations: 20,
        collaborators_per_mille: 100,
        conversations: 3,
        messages_per_conversation: 5,
        products: 3,
        product_tags_per_mille: 100,
        // Nothing that a minute more changes.
        posts_per_week: 0,
        ..AccountSpec::numbered(number)
    };
    let pages = [account(1, 400), account(2, 20)].into_iter().zip(1..);
    let hashtag = |name: &str| HashtagSpec {
        name: name.to_owned(),
        posts_per_day: 60,
        sensitive: false,
    };
    WorldSpec {
        epoch: Clock::system().now(),
        pages: pages
            .map(|(account, number)| PageSpec::numbered(number, Some(account)))
            .collect(),
        others: (900..902).map(AccountSpec::numbered).collect(),
        hashtags: ["coffee", "tea"].map(hashtag).to_vec(),
        ..WorldSpec::small(1)
    }
}

/// Lets days pass for a database at rest: everything is due again.
fn let_days_pass(folder: &Folder) {
    let database = Connection::open(folder.path("igsync.db")).unwrap();
    let earlier = |table: &str, column: &str| {
        format!(
            "UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%SZ', {column}, '-11 days');"
        )
    };
    let columns = [
        ("sync_reads", "read_at"),
        ("sync_checkpoints", "started_at"),
        ("sync_checkpoints", "finished_at"),
    ];
    let all: String = columns
        .map(|(table, column)| earlier(table, column))
        .concat();
    database.execute_batch(&all).unwrap();
}

/// What happens to an account between two nights.
fn change(simulator: &Simulator) {
    let world = simulator.world();
    let posts: Vec<String> = world.media(ACCOUNTS[0]).map(|post| post.id()).collect();
    for post in [&posts[0], &posts[7], &posts[150]] {
        assert!(world.delete_media(post));
    }
    let commented = world.media(ACCOUNTS[0]).find(|post| {
        let comments = post.comments().count();
        !post.is_deleted() && comments > 1
    });
    let comment = commented.unwrap().comments().next().unwrap().id();
    assert!(world.delete_comment(&comment));
    world.publish(ACCOUNTS[0], NewPost::default()).unwrap();
}

/// A job that reads everything.
fn configure(simulator: &Simulator, folder: &Folder) {
    let world = simulator.world();
    let mentions = ACCOUNTS.iter().flat_map(|account| {
        let posts = world.mentioned_media(account).map(|post| post.id());
        let comments = world.mentioning_comments(account);
        let comments = comments.map(|one| format!("{}/{}", one.media_id(), one.id()));
        let all: Vec<String> = posts.chain(comments).collect();
        all.into_iter()
            .map(move |subject| format!("{account}/{subject}"))
    });
    let mentions: Vec<String> = mentions.collect();
    let resources: Vec<&str> = RESOURCES.iter().map(|resource| resource.name).collect();
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    folder.configure(&format!(
        "{config}\n[[job]]\nname = \"nightly\"\nschedule = \"0 3 * * *\"\nresources = {resources:?}\n\
         hashtags = [\"coffee\", \"tea\"]\nusernames = [\"sim.account.900\", \"sim.account.901\"]\nmentions = {mentions:?}\n"
    ));
}

/// Kills one command again and again until it is done, and compares what it leaves with the world.
struct Chain<'a> {
    simulator: &'a Simulator,
    folder: Folder,
    arguments: &'static [&'static str],
    /// What an undisturbed run has read.
    keys: BTreeMap<&'static str, Keys>,
    /// How many jobs it has finished.
    finished: i64,
    /// Whether deletions are to be judged, which takes a walk that nobody has killed.
    is_later: bool,
    totals: &'a mut Totals,
}

const FINISHED: &str = "SELECT count(*) FROM sync_checkpoints WHERE finished_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 days')";

impl Chain<'_> {
    /// Kills at up to so many moments, then lets it come to its end.
    async fn run(mut self, numbers: &mut Numbers, moments: usize) {
        let mut starts: Vec<Vec<Call>> = Vec::new();
        let mut running = 0;
        for _ in 0..moments {
            let (calls, more) = (1 + numbers.below(MOST_CALLS), numbers.below(12));
            let before = self.simulator.journal().len();
            let child = spawn(&self.folder, self.arguments);
            let reached = self
                .until_called(&child, before + usize::try_from(calls).unwrap())
                .await;
            tokio::time::sleep(Duration::from_millis(more)).await;
            if !reached || is_over(&child) {
                let ran = ended(child).await;
                assert!(self.is_well(ran.code), "{ran:?}");
                return self.compare(&starts, running).await;
            }
            self.power_cut(&child, numbers).await;
            signal(&child, "KILL");
            assert_eq!(
                ended(child).await.code,
                -1,
                "it had ended before it was killed"
            );
            assert_sound(&self.folder.path(""));
            running += self.number("SELECT count(*) FROM sync_runs WHERE outcome = 'running'");
            starts.push(self.simulator.journal().split_off(before));
            self.totals.moments += 1;
            if self.number(FINISHED) == self.finished {
                // Nothing was left of it: the next start reads anew.
                break;
            }
        }
        let before = self.simulator.journal().len();
        let goes_on = self.number(FINISHED) < self.finished;
        let ran = self.folder.run(self.arguments).await;
        assert!(self.is_well(ran.code), "{}", ran.stderr);
        if goes_on {
            starts.push(self.simulator.journal().split_off(before));
        }
        self.compare(&starts, running).await;
    }

    /// What is gone and was not seen to be yet is asked for and missing.
    fn is_well(&self, code: i32) -> bool {
        code == 0 || self.is_later && code == 3
    }

    /// Waits for that many calls; false when the process ends before.
    async fn until_called(&self, child: &Running, calls: usize) -> bool {
        let patience = tokio::time::Instant::now();
        while self.simulator.journal().len() < calls {
            assert!(
                patience.elapsed() < Duration::from_secs(60),
                "the binary asks for nothing"
            );
            if is_over(child) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        true
    }

    /// What a power cut leaves at this moment is whole, also without the last bytes of the WAL.
    async fn power_cut(&mut self, child: &Running, numbers: &mut Numbers) {
        signal(child, "STOP");
        let stat = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let copy = tempfile::tempdir().unwrap();
        copy_files(&self.folder.path(""), copy.path());
        assert_sound(copy.path());
        let wal = copy.path().join("igsync.db-wal");
        if let Ok(mut bytes) = std::fs::read(&wal) {
            let torn = numbers.below(bytes.len().min(40_000) as u64 + 1);
            bytes.truncate(bytes.len() - usize::try_from(torn).unwrap());
            std::fs::write(&wal, bytes).unwrap();
            assert_sound(copy.path());
        }
        self.totals.power_cuts += 1;
    }

    fn number(&self, sql: &str) -> i64 {
        let database = Connection::open(self.folder.path("igsync.db")).unwrap();
        database
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn compare(&mut self, starts: &[Vec<Call>], running: i64) {
        if self.is_later {
            let_days_pass(&self.folder);
            self.folder.run(self.arguments).await.exits(0);
        }
        assert_sound(&self.folder.path(""));
        let database = self.folder.database();
        for resource in RESOURCES {
            let keys = &self.keys[resource.name];
            let (lost, rows) = differences(&database, self.simulator, resource, keys);
            assert!(lost.is_empty(), "{}: {lost:#?}", resource.name);
            self.totals.compared += rows;
            self.totals.lost += lost.len();
        }
        let interrupted =
            self.number("SELECT count(*) FROM sync_runs WHERE outcome = 'interrupted'");
        assert_eq!(interrupted, running, "runs that were killed");
        assert_eq!(
            self.number("SELECT count(*) FROM sync_runs WHERE outcome = 'running'"),
            0
        );
        self.totals.interrupted += interrupted;
        self.totals.chains += 1;
        self.totals.again += assert_paid_once(starts);
    }
}

fn is_over(child: &Running) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// What each start asks, as it tells what there is now: the accounts, the hashtags that others have spent; and lists whose cursor tells no
/// place, which begin anew.
fn is_asked_by_every_start(call: &Call) -> bool {
    let every = [
        "/recently_searched_hashtags",
        "/recent_media",
        "/top_media",
        "/debug_token",
        "/permissions",
    ];
    call.path.starts_with("/me") || every.iter().any(|path| call.path.ends_with(path))
}

/// Whose call it is: one thing of an account runs at a time.
fn account_of(call: &Call) -> String {
    let user = call.query.iter().find(|(name, _)| name == "user_id");
    let user = user.map(|(_, id)| id.clone());
    user.or_else(|| call.account.clone()).unwrap_or_default()
}

/// The calls of the last message of each account: what a kill may have kept from being committed.
fn last_messages(calls: &[Call]) -> BTreeSet<String> {
    let mut messages: BTreeMap<String, (usize, BTreeSet<String>)> = BTreeMap::new();
    let mut message = 0;
    for call in calls {
        if !call.in_batch {
            message += 1;
        }
        let last = messages.entry(account_of(call)).or_default();
        if last.0 != message {
            *last = (message, BTreeSet::new());
        }
        last.1.insert(question(call));
    }
    messages
        .into_values()
        .flat_map(|(_, calls)| calls)
        .collect()
}

fn question(call: &Call) -> String {
    let mut query = call.query.clone();
    query.retain(|(name, _)| name != "limit");
    format!("{} {query:?}", call.path)
}

/// Fails if a start asks for what an earlier one has committed. Gives how many calls were made again because a kill came before the commit.
fn assert_paid_once(starts: &[Vec<Call>]) -> usize {
    let mut committed: BTreeSet<String> = BTreeSet::new();
    let mut uncommitted: BTreeSet<String> = BTreeSet::new();
    let mut again = 0;
    for calls in starts {
        let answered = calls
            .iter()
            .filter(|call| call.status == 200 && call.method == "GET");
        let answered = answered.filter(|call| !is_asked_by_every_start(call));
        let answered: BTreeSet<String> = answered.map(question).collect();
        let twice: Vec<&String> = answered.intersection(&committed).collect();
        assert!(twice.is_empty(), "paid for twice: {twice:#?}");
        again += answered.intersection(&uncommitted).count();
        let last = last_messages(calls);
        committed.extend(answered.difference(&last).cloned());
        uncommitted.extend(answered.intersection(&last).cloned());
    }
    again
}

#[expect(
    clippy::disallowed_methods,
    reason = "how much is tried is said from outside"
)]
fn moments() -> usize {
    match std::env::var("IGSYNC_MATRIX").as_deref() {
        Ok("full") => FULL,
        _ => EVERYDAY,
    }
}

#[expect(clippy::disallowed_macros, reason = "says what was tried")]
#[tokio::test]
async fn killed_at_any_moment_of_everything_nothing_is_lost_doubled_or_pretended() {
    let moments = moments();
    let mut totals = Totals::default();
    let mut numbers = Numbers(7);
    while totals.moments < moments {
        let arguments: &[&str] = match totals.chains % 3 {
            0 => &["backfill", "--no-wait"],
            _ => &["sync", "nightly", "--no-wait"],
        };
        let (simulator, undisturbed) = serve(everything()).await;
        configure(&simulator, &undisturbed);
        simulator.inject(Fault::on(Match::any()).always().delay(LATENCY));
        undisturbed.run(arguments).await.exits(0);
        let folder = undisturbed.twin();
        let is_later = totals.chains % 3 == 2;
        if is_later {
            let_days_pass(&undisturbed);
            change(&simulator);
            copy_files(&undisturbed.path(""), &folder.path(""));
            undisturbed.run(arguments).await.exits(0);
        }
        let database = undisturbed.database();
        let read = RESOURCES
            .iter()
            .map(|resource| (resource.name, keys(&database, resource)));
        let keys = read.collect();
        let finished = database.query_row(FINISHED, [], |row| row.get(0)).unwrap();
        let left = moments - totals.moments;
        let chain = Chain {
            simulator: &simulator,
            folder,
            arguments,
            keys,
            finished,
            is_later,
            totals: &mut totals,
        };
        let most = left.min(LONGEST_CHAIN).min(moments / 3);
        chain.run(&mut numbers, most).await;
    }
    println!(
        "{} moments killed, {} power cuts, in {} chains; {} runs interrupted, {} calls made again, {} rows compared, {} rows lost",
        totals.moments,
        totals.power_cuts,
        totals.chains,
        totals.interrupted,
        totals.again,
        totals.compared,
        totals.lost
    );
    assert!(totals.moments >= moments);
    assert!(totals.interrupted > 0 && totals.compared > 1000);
}
