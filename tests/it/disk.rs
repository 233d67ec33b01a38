//! Disks that are full, read-only or gone, an analyst's lock, power cuts: a clear word, and nothing lost.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{self, Range, Verdict};
use igsync_simulator::{Fault, Match, Simulator, WorldSpec};
use rusqlite::Connection;

use crate::binary::{Folder, Ran, run};
use crate::running::{ended, serve, slow, spawn, until_asked};
use crate::snapshot::{assert_sound, copy_files, copy_in_the_middle};
use crate::world::{World, assert_complete, of_posts};

const POSTS: [&str; 5] = ["backfill", "--resource", "account", "--resource", "media"];

fn pages(folder: &Folder) -> i64 {
    let number = |sql: &str| {
        let database = folder.database();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // Without its first WAL it is a new file.
    if number("SELECT count(*) FROM sqlite_schema") == 0 {
        return 0;
    }
    number("SELECT ifnull(sum(pages), 0) FROM sync_checkpoints WHERE resource = 'media'")
}

fn asked(simulator: &Simulator) -> i64 {
    let journal = simulator.journal();
    let pages = journal.iter().filter(|call| call.path.ends_with("/media"));
    pages.count().try_into().unwrap()
}

/// The last run reads everything and asks for no page that is committed.
async fn goes_on(simulator: &Simulator, folder: &Folder) {
    assert_sound(&folder.path(""));
    let committed = pages(folder);
    simulator.clear_journal();
    folder.run(&POSTS).await.exits(0);
    assert_complete(&folder.database(), simulator);
    assert_sound(&folder.path(""));
    assert_eq!(
        pages(folder),
        committed + asked(simulator),
        "pages were lost or paid for twice"
    );
}

#[track_caller]
fn says(ran: &Ran, words: &str) {
    assert!(ran.stderr.contains(words), "no {words:?}: {}", ran.stderr);
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
}

/// Mounts something over `disk` for the commands that follow, seen by them alone.
const IN_A_NAMESPACE: &str = "unshare --user --map-root-user --mount";

#[tokio::test]
#[cfg_attr(
    not(namespaces),
    ignore = "needs the right to mount in a namespace (unshare)"
)]
async fn a_full_disk_is_named_and_with_more_space_it_goes_on() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    std::fs::create_dir(folder.path("disk")).unwrap();
    let good = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    folder.configure(&format!("{good}[database]\npath = \"disk/igsync.db\"\n"));
    let script = format!(
        "exec {IN_A_NAMESPACE} sh -c '
            mount -t tmpfs -o size=1m none disk
            \"$0\" \"$@\"; code=$?
            mkdir before && cp disk/igsync.db* before
            mount -o remount,size=64m disk
            \"$0\" \"$@\" || exit 99
            cp disk/igsync.db* .
            exit $code' \"$0\" \"$@\""
    );
    let ran = run(folder.shell(&script, &POSTS)).await.exits(1);
    says(&ran, "the disk is full: free some space and start again");
    assert_sound(&folder.path("before"));
    let before = folder.twin();
    copy_files(&folder.path("before"), &before.path(""));
    assert!(pages(&before) > 0, "it was full before the first page");
    assert_complete(&folder.database(), &simulator);
    assert_sound(&folder.path(""));
}

#[tokio::test]
#[cfg_attr(
    not(namespaces),
    ignore = "needs the right to mount in a namespace (unshare)"
)]
async fn a_disk_that_is_full_or_read_only_from_the_start_is_named() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    std::fs::create_dir(folder.path("disk")).unwrap();
    let good = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    folder.configure(&format!("{good}[database]\npath = \"disk/igsync.db\"\n"));
    let full = "mount -t tmpfs -o size=16k none disk; dd if=/dev/zero of=disk/full 2>/dev/null";
    let read_only = "mount -t tmpfs -o ro none disk";
    for (mount, code, words) in [
        (full, 1, "free some space and start again"),
        (read_only, 2, "mount it for writing, or set database.path"),
    ] {
        let script =
            format!("exec {IN_A_NAMESPACE} sh -c '{mount}; exec \"$0\" \"$@\"' \"$0\" \"$@\"");
        let ran = run(folder.shell(&script, &POSTS)).await.exits(code);
        says(&ran, words);
    }
    assert_eq!(simulator.journal().len(), 0, "calls were spent");
}

#[tokio::test]
#[cfg_attr(
    not(namespaces),
    ignore = "needs a namespace in which this user is nobody special (unshare)"
)]
async fn a_database_that_may_not_be_written_to_is_named() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    folder.run(&POSTS).await.exits(0);
    let calls = simulator.journal().len();
    let file = folder.path("igsync.db");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
    let script = "exec unshare --user \"$0\" \"$@\"";
    let ran = run(folder.shell(script, &POSTS)).await.exits(2);
    says(
        &ran,
        "igsync.db: cannot write here: Permission denied (os error 13); give it to this user",
    );
    assert_eq!(simulator.journal().len(), calls, "calls were spent");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    goes_on_anew(&simulator, &folder).await;
}

/// The last pass was over: the next one reads everything again.
async fn goes_on_anew(simulator: &Simulator, folder: &Folder) {
    folder.run(&POSTS).await.exits(0);
    assert_complete(&folder.database(), simulator);
    assert_sound(&folder.path(""));
}

#[tokio::test]
async fn a_file_that_may_not_grow_is_named_and_with_more_space_it_goes_on() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    // Without the trap the signal would end it; a disk quota sends none.
    let script = "trap '' XFSZ; ulimit -f 1500; exec \"$0\" \"$@\"";
    let ran = run(folder.shell(script, &POSTS)).await.exits(1);
    says(&ran, "check its space, the quota and the system's log");
    assert!(pages(&folder) > 0, "it failed before the first page");
    goes_on(&simulator, &folder).await;
}

#[tokio::test(start_paused = true)]
async fn an_analysts_lock_of_a_minute_is_waited_for() {
    let world = World::new(WorldSpec::small(1)).await;
    let process = world.process(stop_pair().1).await;
    let begun = tokio::time::Instant::now();
    let analyst = Connection::open(world.path()).unwrap();
    analyst.execute_batch("BEGIN IMMEDIATE").unwrap();
    let backfill =
        tokio::spawn(async move { sync::backfill(&process, &of_posts(), Range::default()).await });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!backfill.is_finished());
    analyst.execute_batch("COMMIT").unwrap();
    let summary = backfill.await.unwrap().unwrap();
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert!(
        begun.elapsed() < Duration::from_secs(70),
        "{:?}",
        begun.elapsed()
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_stays_ends_the_run_and_the_next_one_goes_on() {
    let world = World::new(WorldSpec::single_account(11, 300)).await;
    let pages = Match::path_ends_with("/media");
    let slow = Fault::on(pages).always().delay(Duration::from_secs(10));
    world.simulator.inject(slow);
    let process = world.process(stop_pair().1).await;
    let backfill =
        tokio::spawn(async move { sync::backfill(&process, &of_posts(), Range::default()).await });
    let has_a_page = "SELECT count(*) FROM sync_checkpoints WHERE resource = 'media' AND pages > 0";
    while world.count(has_a_page) == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let analyst = Connection::open(world.path()).unwrap();
    analyst.busy_timeout(Duration::from_secs(5)).unwrap();
    analyst.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = backfill.await.unwrap().unwrap_err().to_string();
    let words = "another program holds a lock on the file: end it and start again";
    assert!(error.ends_with(words), "{error}");
    let committed = world.count("SELECT pages FROM sync_checkpoints WHERE resource = 'media'");
    drop(analyst);
    world.simulator.clear_journal();
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
    let pages = world.count("SELECT pages FROM sync_checkpoints WHERE resource = 'media'");
    let asked = i64::try_from(world.calls("/media").len()).unwrap();
    assert_eq!(pages, committed + asked);
}

/// How the files are found after a power cut.
#[derive(Clone, Copy, Debug)]
enum After {
    /// All that was written is there.
    Whole,
    /// The last bytes of the WAL did not reach the disk, or came out as nonsense: half of what was not waited for.
    Torn,
    /// Somebody has removed the WAL.
    NoWal,
}

#[tokio::test]
async fn after_a_power_cut_at_any_moment_it_goes_on_where_it_was() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    slow(&simulator, 60);
    let child = spawn(&folder, &POSTS);
    let mut moments = Vec::new();
    for (pages, after) in [
        (1, After::Whole),
        (2, After::Torn),
        (3, After::NoWal),
        (4, After::Whole),
        (5, After::Whole),
        (6, After::NoWal),
        (8, After::Whole),
    ] {
        until_asked(&simulator, pages).await;
        // While it waits for an answer it writes nothing; later it may be writing.
        if matches!(after, After::Whole) {
            tokio::time::sleep(Duration::from_millis(11 * pages as u64)).await;
        }
        moments.push((after, copy_in_the_middle(&child, &folder).await));
    }
    ended(child).await.exits(0);
    simulator.clear_faults();
    for (after, copy) in &moments {
        let wal = copy.path("igsync.db-wal");
        match after {
            After::Whole => {}
            After::Torn => {
                let database = copy.path("igsync.db").metadata().unwrap();
                assert!(database.len() <= 4096, "the WAL is in the database already");
                let mut bytes = std::fs::read(&wal).unwrap();
                bytes.truncate(bytes.len() - 2_000);
                bytes.extend([0x5a; 1_000]);
                std::fs::write(&wal, bytes).unwrap();
            }
            After::NoWal => std::fs::remove_file(&wal).unwrap(),
        }
        goes_on(&simulator, copy).await;
    }
}

/// Whatever the umask: nobody but the owner reads what igsync writes.
#[track_caller]
fn assert_private(folder: &Folder) {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let file = folder.path(&format!("igsync.db{ending}"));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn files_are_private_whatever_the_umask() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 300)).await;
    slow(&simulator, 60);
    let command = folder.shell("umask 000; exec \"$0\" \"$@\"", &POSTS);
    let running = tokio::spawn(run(command));
    until_asked(&simulator, 2).await;
    assert_private(&folder);
    running.await.unwrap().exits(0);
}
