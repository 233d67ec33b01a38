//! Copies of the database while igsync writes, and what `check` proves of one.

use igsync::store::Store;
use igsync_simulator::WorldSpec;
use rusqlite::Connection;

use crate::binary::{Folder, open};
use crate::running::{ended, serve, slow, spawn, until_asked};
use crate::snapshot::{assert_sound_file, copy_files};
use crate::world::{World, assert_complete};

/// The command that the README gives, without the program and the file.
fn documented() -> String {
    let readme = include_str!("../../README.md");
    let (_, command) = readme.split_once("sqlite3 igsync.db \"VACUUM").unwrap();
    format!("VACUUM{}", command.split_once('"').unwrap().0)
}

#[tokio::test]
async fn the_documented_backup_is_whole_while_igsync_writes() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    slow(&simulator, 40);
    let backfill = ["backfill", "--resource", "account", "--resource", "media"];
    let child = spawn(&folder, &backfill);
    let sql = documented();
    let mut copies: Vec<(Folder, i64)> = Vec::new();
    for pages in [2, 3, 5, 7] {
        until_asked(&simulator, pages).await;
        let copy = folder.twin();
        let into = copy.path("igsync.db").display().to_string();
        let sql = sql.replace("igsync-backup.db", &into);
        assert!(sql.contains(&into), "{sql}");
        let reader = open(&folder.path("igsync.db"));
        tokio::task::spawn_blocking(move || reader.execute_batch(&sql).unwrap())
            .await
            .unwrap();
        let database = copy.database();
        let number = |sql: &str| -> i64 { database.query_row(sql, [], |row| row.get(0)).unwrap() };
        let posts = number("SELECT count(*) FROM media");
        let read = number("SELECT objects FROM sync_checkpoints WHERE resource = 'media'");
        assert_eq!(posts, read, "half of a page is in the copy");
        drop(database);
        assert_sound_file(&copy.path("igsync.db"));
        copies.push((copy, posts));
    }
    ended(child).await.exits(0);
    assert!(copies.iter().is_sorted_by(|one, next| one.1 < next.1));
    // Put back, it goes on from there.
    simulator.clear_faults();
    let (copy, _) = copies.swap_remove(1);
    copy.run(&backfill).await.exits(0);
    assert_complete(&copy.database(), &simulator);
}

#[tokio::test(start_paused = true)]
async fn a_database_is_proved_or_its_damage_is_named() {
    let world = World::new(WorldSpec::single_account(11, 300)).await;
    world.backfill().await;
    let folder = tempfile::tempdir().unwrap();
    copy_files(world.path().parent().unwrap(), folder.path());
    let path = folder.path().join("igsync.db");
    let problems = || Store::peek(&path).and_then(|peek| peek.prove()).unwrap();
    assert_eq!(problems(), Vec::<String>::new());

    let tampering = Connection::open(&path).unwrap();
    let posts = tampering.execute_batch(
        "PRAGMA foreign_keys = OFF;
             DELETE FROM media WHERE id IN (SELECT media_id FROM media_children LIMIT 1);",
    );
    posts.unwrap();
    drop(tampering);
    let found = problems();
    assert!(
        found
            .iter()
            .any(|problem| problem.starts_with("media_children: ")
                && problem.ends_with("refer to rows of media that are not there")),
        "{found:?}"
    );

    // A page in the middle comes back from the disk as nonsense.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 512].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let found = problems();
    assert!(
        !found.is_empty() && !found[0].contains("refer to rows"),
        "{found:?}"
    );
}
