//! `igsync forget`: no row, and no byte, is left of an account.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use igsync::resource::RESOURCES;
use igsync::store::ForgetError;
use igsync::sync::{Selection, Verdict, WhenSuspended, daily_check, run_job};
use igsync_simulator::{AccountSpec, Fault, Match, PageSpec, TokenSpec, WorldSpec};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::binary::{Folder, dump, open, run};
use crate::snapshot::{assert_sound, copy_files, texts_of};
use crate::world::{World, selection_of_names};

const FORGOTTEN: &str = "17841400000000001";
const KEPT: &str = "17841400000000002";

/// Two accounts with a little of everything.
fn spec() -> WorldSpec {
    let page = |number| {
        let account = AccountSpec {
            posts: 20,
            history_days: 60,
            stories_per_day: 1,
            mean_comments: 3,
            ..AccountSpec::numbered(number)
        };
        PageSpec::numbered(number, Some(account))
    };
    WorldSpec {
        tokens: vec![TokenSpec::default()],
        pages: vec![page(1), page(2)],
        ..WorldSpec::default()
    }
}

/// A world that was read on three nights: captions have changed, a field is refused, and pools and gaps have rows. With it the
/// captions that were changed.
async fn read_world() -> (World, Vec<String>) {
    let world = World::new(spec()).await;
    let refusal = "(#100) Tried accessing nonexisting field (ig_id) on node type (IGMedia)";
    let media = Match::path_contains(FORGOTTEN).with_parameter("fields", "ig_id");
    world
        .simulator
        .inject(Fault::on(media).always().error(100, None, refusal));
    let everything = RESOURCES.iter().map(|resource| resource.name);
    world.backfill_of(&everything.collect::<Vec<_>>()).await;
    let captions = world.texts(&format!(
        "SELECT caption FROM media WHERE account_id = '{FORGOTTEN}' AND length(caption) > 30 ORDER BY timestamp DESC LIMIT 9"
    ));
    for caption in &captions {
        let id = "SELECT id FROM media WHERE caption = '";
        let id = world.texts(&format!("{id}{}'", caption.replace('\'', "''")));
        let edited = format!("second thoughts about {}", id[0]);
        assert!(world.simulator.world().edit_caption(&id[0], Some(&edited)));
    }
    let blocked = Match::path_ends_with(&format!("{FORGOTTEN}/media"));
    let message = format!("(#80002) There have been too many calls to {FORGOTTEN}.");
    let block = Fault::on(blocked.after_calls(1)).error(80_002, None, &message);
    world.simulator.inject(block);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
        let process = world.process(igsync::stop::stop_pair().1).await;
        let everything = Selection::default();
        run_job(&process, "nightly", &everything, WhenSuspended::Leave)
            .await
            .unwrap();
        // What it finds missing names the accounts.
        assert!(
            world
                .simulator
                .world()
                .set_tasks("134895793791901", &["MODERATE"])
        );
        daily_check(&process, &everything).await.unwrap();
    }
    (world, captions)
}

/// A folder of the real binary with the world's database in it.
async fn folder(world: &World) -> Folder {
    // The process that ended gives the file back, and its WAL with it.
    drop(world.store());
    let folder = Folder::new("http://127.0.0.1:9", "");
    copy_files(world.path().parent().unwrap(), &folder.path(""));
    // Nobody needs a token to forget.
    std::fs::remove_file(folder.path("token")).unwrap();
    folder
}

/// Every text of every table, and of the schema.
fn texts(database: &Connection) -> BTreeSet<String> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' UNION SELECT 'sqlite_schema'";
    let mut tables = database.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut texts = BTreeSet::new();
    for table in tables.map(Result::unwrap) {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for at in 0..columns {
                if let ValueRef::Text(text) = row.get_ref(at).unwrap() {
                    texts.insert(String::from_utf8(text.to_vec()).unwrap());
                }
            }
        }
    }
    texts
}

/// What must be gone: texts that stood in the database and are no part of a text that stays.
fn gone(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let kept = after.iter().cloned().collect::<Vec<_>>().join("\n");
    let is_gone = |text: &&String| text.len() >= 12 && !kept.contains(text.as_str());
    before.iter().filter(is_gone).cloned().collect()
}

/// A text that is in no row, and in the file all the same: the pages of a table that is gone keep what stood there.
fn leave_behind(database: &Path) -> String {
    let text = "a row that was there once and is no more";
    let connection = rusqlite::Connection::open(database).unwrap();
    let leave = format!(
        "PRAGMA secure_delete = OFF;
         CREATE TABLE left_behind (words TEXT) STRICT;
         INSERT INTO left_behind VALUES ('{text}');
         DROP TABLE left_behind;
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    connection.execute_batch(&leave).unwrap();
    text.to_owned()
}

/// The texts that are somewhere in the files.
fn found<'a>(database: &Path, texts: &'a [String]) -> Vec<&'a String> {
    let files = texts_of(database);
    let is_there = |text: &&String| files.iter().any(|(_, file)| file.contains(text.as_str()));
    texts.iter().filter(is_there).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_forgotten_account_is_left_in_the_file() {
    let (world, mut old_captions) = read_world().await;
    old_captions.push(leave_behind(&world.path()));
    let folder = folder(&world).await;
    let path = folder.path("igsync.db");
    let (before, rows) = (texts(&folder.database()), dump(&folder.database()));
    let refused = "SELECT object_id || ' ' || field FROM sync_gaps WHERE account_id IS NULL";
    let refused_before = world.texts(refused);
    assert!(refused_before.contains(&"main ig_id".to_owned()));

    let ran = folder
        .run(&["forget", "@SIM.account.1", "--yes", "--json"])
        .await;
    let told = ran.exits(0).json();
    assert_eq!(told["account"]["id"], FORGOTTEN);
    for table in [
        "accounts",
        "account_snapshots",
        "account_insights",
        "audience",
        "media",
        "media_children",
        "media_snapshots",
        "media_insights",
        "comments",
        "sync_runs",
        "sync_checkpoints",
        "sync_reads",
        "sync_gaps",
        "sync_pools",
        "sync_calls",
    ] {
        let count = told["rows"][table].as_u64();
        assert!(count.is_some_and(|count| count > 0), "{table}: {told}");
    }

    let database = folder.database();
    let after = texts(&database);
    let gone = gone(&before, &after);
    assert!(gone.len() > 300, "only {} texts are gone", gone.len());
    assert!(gone.contains(&FORGOTTEN.to_owned()));
    // They were all there, so the search finds what there is.
    let was = folder.twin();
    copy_files(world.path().parent().unwrap(), &was.path(""));
    assert_eq!(found(&was.path("igsync.db"), &gone).len(), gone.len());
    assert_eq!(found(&path, &gone), Vec::<&String>::new());
    // What no row had any more was there, too, where SQLite had not written over it.
    let in_no_row = |caption: &String| !before.iter().any(|text| text.contains(caption.as_str()));
    let old_captions: Vec<String> = old_captions.into_iter().filter(in_no_row).collect();
    assert!(!found(&was.path("igsync.db"), &old_captions).is_empty());
    assert_eq!(found(&path, &old_captions), Vec::<&String>::new());
    for name in [FORGOTTEN, "sim.account.1", "Sim Page 1", "134895793791901"] {
        let others = after.iter().filter(|text| text.contains(name)).count();
        assert_eq!(others, 0, "{name}");
    }

    // The other account is as it was, and what the token was refused is remembered.
    let kept: BTreeSet<String> = dump(&database).into_iter().collect();
    let rows: BTreeSet<String> = rows.into_iter().collect();
    assert!(kept.is_subset(&rows));
    let of_others = |row: &&String| row.contains(KEPT);
    assert_eq!(
        kept.iter().filter(of_others).count(),
        rows.iter().filter(of_others).count()
    );
    let removed = rows.difference(&kept).count();
    let told_rows = told["rows"].as_object().unwrap().iter();
    let told_rows = told_rows.filter(|(table, _)| !table.starts_with("sync_"));
    let told_rows: u64 = told_rows.map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!(removed as u64, told_rows);
    let refused_after: Vec<String> = database
        .prepare(refused)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(refused_after, refused_before);
    drop(database);
    assert_sound(&folder.path(""));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_account_is_read_again_while_a_token_reaches_it() {
    let world = World::new(spec()).await;
    world.backfill().await;
    let rows = world.rows_of_posts(FORGOTTEN);
    let process = world.process(igsync::stop::stop_pair().1).await;
    process.store.forget(FORGOTTEN.to_owned()).await.unwrap();
    drop(process);
    assert_eq!(world.rows_of_posts(FORGOTTEN), 0);
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(world.rows_of_posts(FORGOTTEN), rows);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn an_account_of_others_is_forgotten_by_its_name_and_its_neighbour_by_name_stays() {
    let mut spec = spec();
    spec.others = [900, 9000].map(AccountSpec::numbered).to_vec();
    let world = World::new(spec).await;
    let names = ["sim.account.900", "sim.account.9000", "sim_account.900"];
    let names = selection_of_names("business_discovery", &names);
    let process = world.process(igsync::stop::stop_pair().1).await;
    igsync::sync::backfill(&process, &names, igsync::sync::Range::default())
        .await
        .unwrap();
    drop(process);
    let folder = folder(&world).await;
    let id = AccountSpec::numbered(900).id;
    let all = texts(&folder.database());
    assert!(all.contains(&id) && all.contains("sim.account.900"));
    folder
        .run(&["forget", "@Sim.Account.900", "--yes"])
        .await
        .exits(0);
    let left = texts(&folder.database());
    let is_of_it = |text: &&String| {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"._".contains(c));
        words.any(|word| word == id || word == "sim.account.900")
    };
    assert_eq!(left.iter().find(is_of_it), None);
    for name in ["sim.account.9000", "sim_account.900"] {
        assert!(left.contains(name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_old_pages_is_waited_for_and_then_named() {
    let world = World::new(spec()).await;
    world.backfill().await;
    let store = world.store();
    let reader = open(&world.path());
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM media;")
        .unwrap();
    let error = store.forget(FORGOTTEN.to_owned()).await.unwrap_err();
    assert!(matches!(error, ForgetError::NotRewritten(_)), "{error}");
    for words in ["a reader still looks at", "run igsync forget again"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    reader.execute_batch("COMMIT").unwrap();
    assert!(store.finish_forgetting().await.unwrap());
    assert!(!store.finish_forgetting().await.unwrap());
    assert_eq!(
        found(&world.path(), &[FORGOTTEN.to_owned()]),
        Vec::<&String>::new()
    );
}

#[tokio::test(start_paused = true)]
async fn it_asks_and_only_yes_is_yes() {
    let world = World::new(spec()).await;
    world.backfill().await;
    let folder = folder(&world).await;
    let rows = dump(&folder.database());
    let nobody = folder.run(&["forget", "nobody", "--yes"]).await.exits(2);
    let known = "no account `nobody` in the database; it holds: \
                 sim.account.1 (17841400000000001), sim.account.2 (17841400000000002)";
    assert!(nobody.stderr.contains(known), "{}", nobody.stderr);
    let silent = folder.run(&["forget", FORGOTTEN]).await.exits(2);
    assert!(silent.stderr.contains("say --yes"), "{}", silent.stderr);
    // `script` is a terminal that types what it is given.
    for answer in ["no", ""] {
        let typed =
            format!("echo '{answer}' | script -qec \"\\\"$0\\\" forget {FORGOTTEN}\" /dev/null");
        let ran = run(folder.shell(&typed, &[])).await.exits(1);
        assert!(ran.stdout.contains("Type yes to go on:"), "{}", ran.stdout);
        assert!(ran.stdout.contains("nothing was removed"), "{}", ran.stdout);
    }
    assert_eq!(dump(&folder.database()), rows);
    let typed = format!("echo yes | script -qec \"\\\"$0\\\" forget {FORGOTTEN}\" /dev/null");
    folder.write("igsync.db.v1", "an older copy");
    let ran = run(folder.shell(&typed, &[])).await.exits(0);
    for words in [
        "sim.account.1 (17841400000000001) is forgotten",
        "igsync.db.v1 is the copy",
        "accounts.exclude",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?}: {}", ran.stdout);
    }
    assert!(dump(&folder.database()).len() < rows.len());
    // What an interrupted one left to be done.
    folder.write("igsync.db.forgetting", "");
    let ran = folder.run(&["forget", FORGOTTEN, "--yes"]).await.exits(0);
    assert!(
        ran.stdout.contains("an interrupted forget is finished"),
        "{}",
        ran.stdout
    );
    folder.run(&["forget", FORGOTTEN, "--yes"]).await.exits(2);
    assert!(!folder.path("igsync.db.forgetting").exists());
}
