//! The store against a bare loop of the same prepared statements in the same transactions, side by side.
//!
//! Prints rates and their ratio for four passes over 100,000 posts: all new, all
//! unchanged, all with new signatures of their addresses (what a nightly run meets), all with new counts. Fails when a ratio is
//! below 0.8. `cargo bench --bench store`.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use igsync::clock::instant_text;
use igsync::resource::{self, Decoded, Resource};
use igsync::store::{Checkpoint, CheckpointKey, Commit, NewRun, Row, Store, Table, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params_from_iter};
use serde_json::value::RawValue;
use tokio::time::Instant;

const POSTS: u64 = 100_000;
const PAGE: u64 = 50;
const ROUNDS: u32 = 3;
const TURNS: u64 = 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut sums = [[Duration::ZERO; 2]; 4];
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["store.db", "bare.db"].map(|name| folder.path().join(name));
        for path in &paths {
            prepare(&runtime, path);
        }
        let store = Store::open(&paths[0], "a benchmark").unwrap();
        let mut bare = Bare::open(&paths[1]);
        for (pass, likes, signature) in [(0, 0, 0), (1, 0, 0), (2, 0, 1), (3, 1, 1)] {
            let at = DateTime::from_timestamp(1_780_000_000 + 7200 * i64::from(likes), 0).unwrap();
            // In short turns, so that both meet the same noise of the machine.
            for turn in 0..TURNS {
                let first = turn * POSTS / PAGE / TURNS;
                for who in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
                    let pages = pages(first, likes, signature);
                    sums[pass][who] += if who == 0 {
                        runtime.block_on(through_store(&store, pages, at))
                    } else {
                        bare.run(pages, at)
                    };
                }
            }
        }
        for path in &paths {
            let rows: i64 = Connection::open(path)
                .unwrap()
                .query_row(
                    "SELECT (SELECT count(*) FROM media) + (SELECT count(*) FROM media_snapshots)",
                    [],
                    |row| row.get(0),
                )
                .unwrap();
            assert_eq!(
                rows,
                3 * i64::try_from(POSTS).unwrap(),
                "{}",
                path.display()
            );
        }
    }
    let mut slow = false;
    println!("{POSTS} posts in pages of {PAGE}, sum of {ROUNDS} rounds");
    println!(
        "{:<14} {:>14} {:>14} {:>7}",
        "pass", "store posts/s", "bare posts/s", "ratio"
    );
    for (name, [store, bare]) in ["new", "unchanged", "new addresses", "new counts"]
        .iter()
        .zip(sums)
    {
        let posts = Duration::from_secs(POSTS * u64::from(ROUNDS)).as_secs_f64();
        let (ours, theirs) = (posts / store.as_secs_f64(), posts / bare.as_secs_f64());
        println!(
            "{name:<14} {ours:>14.0} {theirs:>14.0} {:>7.2}",
            ours / theirs
        );
        slow |= ours / theirs < 0.8;
    }
    assert!(!slow, "the store is slower than 0.8 of a bare loop");
}

const ACCOUNT: &str = "17841400000000001";

/// A database with the account that all posts belong to, and a run.
fn prepare(runtime: &tokio::runtime::Runtime, path: &Path) {
    let store = Store::open(path, "a benchmark").unwrap();
    let row = rows(
        resource::find("account").unwrap(),
        &format!("{{\"id\":\"{ACCOUNT}\"}}"),
    );
    runtime.block_on(async {
        let run = NewRun {
            started_by: None,
            job: "backfill".to_owned(),
            account_id: None,
            resource: "media",
            range: String::new(),
            forecast_calls: None,
            at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(store.begin_run(run).await.unwrap(), 1);
        store
            .commit(commit(row, DateTime::UNIX_EPOCH, None))
            .await
            .unwrap();
    });
}

fn rows(resource: &Resource, json: &str) -> Vec<Row> {
    let object = RawValue::from_string(json.to_owned()).unwrap();
    let mut decoded = Decoded::default();
    let walk = resource.walk().unwrap();
    (walk.rows)(ACCOUNT, &(walk.fields)(), &object, &mut decoded);
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    decoded.rows
}

/// The posts of one turn as rows, page by page.
fn pages(first: u64, likes: u32, signature: u32) -> Vec<Vec<Row>> {
    let media = resource::find("media").unwrap();
    let post = |number: u64| {
        let json = format!(
            "{{\"id\":\"{}\",\"caption\":\"A caption of usual length, with words about post {number} and what it shows. #a #b\",\
             \"media_type\":\"IMAGE\",\"media_product_type\":\"FEED\",\"permalink\":\"https://www.instagram.com/p/{number}/\",\
             \"shortcode\":\"{number}\",\"timestamp\":\"2026-05-07T13:00:34+0000\",\"username\":\"a\",\"owner\":{{\"id\":\"{ACCOUNT}\"}},\
             \"is_comment_enabled\":true,\"like_count\":{},\"comments_count\":{},\"saved_count\":3,\
             \"media_url\":\"https://scontent.cdninstagram.com/v/t51/{number}_n.jpg?_nc_cat=105&oh=00_AfxHD{signature}&oe=69B0702E\"}}",
            18_000_000_000_000_000 + number * 7919,
            number % 1000 + u64::from(likes),
            number % 30,
        );
        rows(media, &json)
    };
    (first..first + POSTS / PAGE / TURNS)
        .map(|page| (page * PAGE..(page + 1) * PAGE).flat_map(post).collect())
        .collect()
}

fn commit(rows: Vec<Row>, at: DateTime<Utc>, page: Option<u32>) -> Commit {
    Commit {
        run: 1,
        at,
        pages: u32::from(page.is_some()),
        rows,
        checkpoint: page.map(|pages| Checkpoint {
            key: CheckpointKey {
                job: "backfill".to_owned(),
                account_id: ACCOUNT.to_owned(),
                resource: "media",
                range: String::new(),
            },
            cursor: Some(format!("QVFI{pages}")),
            pages,
            objects: u64::from(pages) * PAGE,
            failures: 0,
            first_run: 1,
            started_at: at,
            finished_at: None,
        }),
        gaps: Vec::new(),
        calls: Vec::new(),
        pools: Vec::new(),
        reads: Vec::new(),
        answered: Vec::new(),
    }
}

async fn through_store(store: &Store, pages: Vec<Vec<Row>>, at: DateTime<Utc>) -> Duration {
    let begun = Instant::now();
    for (number, page) in (1..).zip(pages) {
        store.commit(commit(page, at, Some(number))).await.unwrap();
    }
    begun.elapsed()
}

fn sets(table: &Table, set: impl Fn(&str) -> String) -> String {
    let sets: Vec<String> = table
        .columns
        .iter()
        .map(|column| set(column.name))
        .collect();
    sets.join(", ")
}

/// What somebody would write by hand for these two tables and nothing else.
struct Bare(Connection);

impl Bare {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .pragma_update(None, "synchronous", "FULL")
            .unwrap();
        connection
            .pragma_update(None, "foreign_keys", true)
            .unwrap();
        connection
            .execute_batch("CREATE TEMP TABLE seen (run INTEGER, id TEXT, PRIMARY KEY (run, id)) WITHOUT ROWID")
            .unwrap();
        Self(connection)
    }

    fn run(&mut self, pages: Vec<Vec<Row>>, at: DateTime<Utc>) -> Duration {
        let connection = &mut self.0;
        let (media, snapshots) = (pages[0][0].table, pages[0][1].table);
        let list = |table: &Table| {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            (names.join(", "), vec!["?"; names.len() + 2].join(", "))
        };
        let ((media_columns, media_marks), (snapshot_columns, snapshot_marks)) =
            (list(media), list(snapshots));
        let select_media =
            format!("SELECT {media_columns}, deleted_at IS NOT NULL FROM media WHERE id = ?");
        let insert_media = format!(
            "INSERT INTO media ({media_columns}, first_seen_at, changed_at) VALUES ({media_marks})"
        );
        let select_newest = format!(
            "SELECT {snapshot_columns}, confirmed_at FROM media_snapshots WHERE media_id = ? ORDER BY observed_at DESC LIMIT 1"
        );
        let insert_snapshot = format!(
        "INSERT INTO media_snapshots ({snapshot_columns}, observed_at, confirmed_at) VALUES ({snapshot_marks})
         ON CONFLICT DO UPDATE SET {}, confirmed_at = excluded.confirmed_at",
            sets(snapshots, |name| format!("{name} = excluded.{name}"))
        );
        let update_media = format!(
            "UPDATE media SET {}, changed_at = ifnull(?, changed_at), deleted_at = NULL WHERE id = ?",
            sets(media, |name| format!("{name} = ?"))
        );
        let now = Value::Text(instant_text(at));
        let begun = Instant::now();
        for (number, page) in (1_i64..).zip(pages) {
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .unwrap();
            {
                let mut select_media = transaction.prepare_cached(&select_media).unwrap();
                let mut insert_media = transaction.prepare_cached(&insert_media).unwrap();
                let mut update_media = transaction.prepare_cached(&update_media).unwrap();
                let mut select_newest = transaction.prepare_cached(&select_newest).unwrap();
                let mut insert_snapshot = transaction.prepare_cached(&insert_snapshot).unwrap();
                let mut see = transaction
                    .prepare_cached("INSERT OR IGNORE INTO temp.seen VALUES (1, ?)")
                    .unwrap();
                for row in &page {
                    let entity = std::ptr::eq(row.table, media);
                    let (select, insert) = if entity {
                        (&mut select_media, &mut insert_media)
                    } else {
                        (&mut select_newest, &mut insert_snapshot)
                    };
                    let key = row.values[0].as_ref().unwrap();
                    if entity {
                        see.execute([key]).unwrap();
                    }
                    let same = select
                        .query_row([key], |stored| {
                            for (at, value) in row.values.iter().enumerate() {
                                let same = match (value.as_ref().unwrap(), stored.get_ref(at)?) {
                                    (Value::Text(new), ValueRef::Text(old)) => {
                                        new.as_bytes() == old
                                    }
                                    (Value::Integer(new), ValueRef::Integer(old)) => *new == old,
                                    (Value::Null, ValueRef::Null) => true,
                                    _ => false,
                                };
                                if !same {
                                    return Ok(false);
                                }
                            }
                            Ok(true)
                        })
                        .optional()
                        .unwrap();
                    let values = row.values.iter().flatten();
                    match same {
                        Some(true) => {}
                        Some(false) if entity => {
                            let more = [&Value::Null, key];
                            update_media
                                .execute(params_from_iter(values.chain(more)))
                                .unwrap();
                        }
                        _ => {
                            insert
                                .execute(params_from_iter(values.chain([&now, &now])))
                                .unwrap();
                        }
                    }
                }
            }
            transaction
            .prepare_cached(
                "INSERT INTO sync_checkpoints (job, account_id, resource, range, cursor, pages, objects, failures, first_run_id, started_at, updated_at)
                 VALUES ('backfill', ?1, 'media', '', ?2, ?3, ?4, 0, 1, ?5, ?5)
                 ON CONFLICT DO UPDATE SET cursor = ?2, pages = ?3, objects = ?4, updated_at = ?5",
            )
            .unwrap()
            .execute(rusqlite::params![ACCOUNT, format!("QVFI{number}"), number, number * 50, now])
            .unwrap();
            transaction
            .prepare_cached(
                "UPDATE sync_runs SET pages = pages + 1, calls = calls + 0, rows_inserted = rows_inserted + ?1,
                 rows_changed = rows_changed + ?1, rows_unchanged = rows_unchanged + ?1 WHERE id = 1",
            )
            .unwrap()
            .execute([0])
            .unwrap();
            transaction.commit().unwrap();
        }
        begun.elapsed()
    }
}
