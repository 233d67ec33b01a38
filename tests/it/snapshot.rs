//! The files of a database at one moment, as a kill or a power cut leaves them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::binary::Folder;
use crate::running::{Running, signal};

/// Copies a database and its WAL, from `igsync.db` of a folder to that of another one. `-shm` is left out: a power cut takes
/// it, and it is made anew.
pub fn copy_files(from: &Path, to: &Path) {
    for name in ["igsync.db", "igsync.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// Holds a process still, copies the files of its database and lets it go on. The moment is inside whatever it was doing.
pub async fn copy_in_the_middle(running: &Running, folder: &Folder) -> Folder {
    let copy = folder.twin();
    signal(running, "STOP");
    let stat = format!("/proc/{}/stat", running.id());
    // The state stands behind the name, which is in brackets.
    let is_still = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
    while !is_still() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    copy_files(&folder.path(""), &copy.path(""));
    signal(running, "CONT");
    copy
}

/// Fails unless SQLite finds the database of a folder whole. Looks at a copy, as looking recovers what a crash left behind.
#[track_caller]
pub fn assert_sound(folder: &Path) {
    let copy = tempfile::tempdir().unwrap();
    copy_files(folder, copy.path());
    assert_sound_file(&copy.path().join("igsync.db"));
}

/// Fails unless SQLite finds a database whole.
#[track_caller]
pub fn assert_sound_file(path: &Path) {
    let database = Connection::open(path).unwrap();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok", "{}", path.display());
    let broken: i64 = database
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0, "{}", path.display());
}

/// All that stands in the files whose names begin like the database's; what is no text is replaced.
pub fn texts_of(database: &Path) -> Vec<(PathBuf, String)> {
    let begin = database.file_name().unwrap().to_string_lossy().into_owned();
    let files = std::fs::read_dir(database.parent().unwrap()).unwrap();
    let mut found = Vec::new();
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(&begin) && path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(!found.is_empty());
    found
}
