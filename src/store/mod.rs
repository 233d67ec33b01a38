//! The database: one SQLite file, written by one igsync, read by anybody.
//!
//! Owns SQL, transactions, threads and locking. Refuses to know HTTP, tokens or the Graph API: cursors are
//! opaque text here, and what a row means is said by the [`Table`] it brings along.
//!
//! # Transactions
//!
//! [`Store::commit`] writes rows, checkpoint, gaps, calls and pools of one page in one transaction. There is no
//! other way to write rows, so a crash leaves either all of a page or nothing of it.
//!
//! # Threads
//!
//! SQLite blocks; every call runs through `spawn_blocking` behind one mutex (`threads`). One writer is enough: pages
//! arrive at the pace of a metered API.

mod around;
mod count;
mod ending;
mod forget;
mod hashtags;
mod health;
mod jobs;
mod listing;
mod lock;
mod look;
mod lost;
mod open;
mod peek;
mod proof;
mod reads;
mod record;
mod state;
mod table;
mod threads;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use crate::clock::instant_text;
use crate::under_way::UnderWay;

pub use around::{Around, Disk, HashtagUse, Refused};
pub use ending::{FinishedRun, Outcome};
pub use forget::{AccountRows, ForgetError, KnownAccount};
pub use health::{CredentialRow, Health, Severity, WarningRow};
pub use look::{Ended, GapCount, LastStart, Look, PoolHour, Subject, Totals, Wanted};
pub use open::{APPLICATION_ID, OpenError, SCHEMA_VERSION};
pub use peek::Peek;
pub use record::{
    Answered, CallCount, Checkpoint, CheckpointKey, Commit, Conversation, Gap, HashtagRow, JobRow,
    Listing, NewRun, Objects, PoolRow, Post, Read, Reason, WholeList,
};
pub use table::{Column, History, Kind, Row, Table, Value, Written};

/// The open database. Cheap to clone; the lock on the file is held until the last clone is gone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    calls: UnderWay,
    _lock: lock::Lock,
}

/// SQLite refused to read or write.
#[derive(Debug, thiserror::Error)]
#[error("database: cannot {action}: {cause}{}", hint(.cause))]
pub struct StoreError {
    action: &'static str,
    /// Told with the error, so no source of it: whoever prints all sources would tell it twice.
    cause: rusqlite::Error,
}

/// What a person can do about it.
fn hint(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; the disk is full: free some space and start again",
        Some(ErrorCode::DatabaseBusy) => {
            "; another program holds a lock on the file: end it and start again"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; give the file and its folder to this user, and see that the disk is not mounted read-only"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "; the disk cannot be read or written: check its space, the quota and the system's log, and start again"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; the file is damaged: put a backup in its place, or save what can be read with: sqlite3 FILE .recover"
        }
        _ => "",
    }
}

impl Store {
    /// Opens the database at `path`, creating or migrating it. `holder` is what another igsync is told when it
    /// finds the database in use. Blocks: call it before the runtime is busy.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do; nothing was changed then.
    pub fn open(path: &Path, holder: &str) -> Result<Self, OpenError> {
        let (connection, lock) = open::open(path, holder)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                connection: Mutex::new(connection),
                calls: UnderWay::default(),
                _lock: lock,
            }),
        })
    }

    /// Writes what one page brought, all or nothing, and says what became of the rows of each table.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn commit(&self, commit: Commit) -> Result<Vec<(&'static str, Written)>, StoreError> {
        self.write("write a page", move |connection| {
            let mut written: Vec<(&'static str, Written)> = Vec::new();
            {
                let mut writer = write::Writer::new(connection, commit.run, commit.at);
                for row in &commit.rows {
                    let one = writer.write(row)?;
                    match written.iter_mut().find(|(name, _)| *name == row.table.name) {
                        Some((_, sum)) => *sum += one,
                        None => written.push((row.table.name, one)),
                    }
                }
            }
            state::record(connection, &commit, &written)?;
            Ok(written)
        })
        .await
    }

    /// Starts the record of a run and gives its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_run(&self, run: NewRun) -> Result<i64, StoreError> {
        self.write("record a run", move |connection| {
            state::begin_run(connection, &run)
        })
        .await
    }

    /// Closes, as interrupted, runs that an earlier process left open: the lock proves that it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn close_interrupted_runs(&self, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("close interrupted runs", move |connection| {
            state::close_interrupted_runs(connection, at)
        })
        .await
    }

    /// Ends the record of a run, closes the gaps that are closed by it, and says how it ended: a run that was
    /// complete by itself is partial when an earlier start of the same pass left gaps. Says too how many rows
    /// turned out to be deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_run(&self, run: FinishedRun) -> Result<(Outcome, u64), StoreError> {
        self.write("record the end of a run", move |connection| {
            let deleted = match &run.listing {
                Some(listing) => listing::mark_deleted(connection, listing, run.run, run.at)?,
                None => 0,
            };
            listing::forget_seen(connection, run.run)?;
            Ok((state::finish_run(connection, &run)?, deleted))
        })
        .await
    }

    /// How many rows each table holds, in the order of `schema.sql`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn contents(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.call("count rows", |connection| count::contents(connection))
            .await
    }

    /// Where a job stands; `None` when it never committed a page.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoint(&self, key: CheckpointKey) -> Result<Option<Checkpoint>, StoreError> {
        self.call("read a checkpoint", move |connection| {
            state::checkpoint(connection, key)
        })
        .await
    }

    /// Whether the pass that a checkpoint speaks of left something missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_gaps(&self, checkpoint: Checkpoint) -> Result<bool, StoreError> {
        self.call("read gaps", move |connection| {
            let CheckpointKey {
                account_id,
                resource,
                ..
            } = &checkpoint.key;
            state::has_gaps(connection, account_id, resource, checkpoint.first_run)
        })
        .await
    }

    /// Fields that the API refused for this resource to a credential since `since`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused_fields(
        &self,
        resource: &'static str,
        credential: String,
        since: DateTime<Utc>,
    ) -> Result<Vec<String>, StoreError> {
        self.call("read refused fields", move |connection| {
            state::refused_fields(connection, resource, &credential, since)
        })
        .await
    }

    /// How far each subject of an account's resource has been read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reads(
        &self,
        account_id: String,
        resource: &'static str,
    ) -> Result<Vec<Read>, StoreError> {
        self.call("read what was read", move |connection| {
            reads::all(connection, &account_id, resource)
        })
        .await
    }

    /// Metrics that are refused to all posts of a family, as far as they were learned since then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused_metrics(
        &self,
        account_id: String,
        resource: &'static str,
        since: DateTime<Utc>,
    ) -> Result<Vec<String>, StoreError> {
        self.call("read refused metrics", move |connection| {
            reads::refused(connection, &account_id, resource, &instant_text(since))
        })
        .await
    }

    /// Metrics that single objects are refused, as far as they were learned since then: the object and the metric.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refused_of_objects(
        &self,
        account_id: String,
        resource: &'static str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.call("read refused metrics of objects", move |connection| {
            reads::refused_of_objects(connection, &account_id, resource, &instant_text(since))
        })
        .await
    }

    /// An account's posts that are not deleted, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn posts(&self, account_id: String) -> Result<Vec<Post>, StoreError> {
        self.call("read posts", move |connection| {
            reads::posts(connection, &account_id)
        })
        .await
    }

    /// An account's conversations, the one that moved last first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversations(&self, account_id: String) -> Result<Vec<Conversation>, StoreError> {
        self.call("read conversations", move |connection| {
            reads::conversations(connection, &account_id)
        })
        .await
    }

    /// Which account has asked for each name of a resource, the latest last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn askers(
        &self,
        resource: &'static str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.call("read who asked", move |connection| {
            reads::askers(connection, resource)
        })
        .await
    }

    /// The pools as they were last recorded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pools(&self) -> Result<Vec<PoolRow>, StoreError> {
        self.call("read pools", |connection| state::pools(connection))
            .await
    }

    /// How many of these objects the database holds; `None` before a pass over everything came to its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn held(&self, objects: Objects) -> Result<Option<u64>, StoreError> {
        self.call("count objects", move |connection| {
            count::held(connection, &objects)
        })
        .await
    }

    /// The hashtags that an account has spent, as far as it is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hashtags(&self, account_id: String) -> Result<Vec<HashtagRow>, StoreError> {
        self.call("read hashtags", move |connection| {
            hashtags::spent(connection, &account_id)
        })
        .await
    }

    /// Writes hashtags of an account, and takes those away that do not count any more, by id.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn write_hashtags(
        &self,
        account_id: String,
        rows: Vec<HashtagRow>,
        gone: Vec<String>,
    ) -> Result<(), StoreError> {
        self.write("write hashtags", move |connection| {
            hashtags::write(connection, &account_id, &rows, &gone)
        })
        .await
    }
}
