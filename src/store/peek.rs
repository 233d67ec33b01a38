//! Reading without the lock, for commands that only ask: they work beside a running igsync.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::open::{self, OpenError};
use super::{
    Around, Checkpoint, CheckpointKey, Conversation, HashtagRow, JobRow, Look, Objects, PoolRow,
    Post, Read, Store, Wanted, around, count, hashtags, jobs, lock, look, reads, state,
};
use crate::clock::instant_text;

impl Store {
    /// The database at `path`, to be read without taking the lock.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn peek(path: &Path) -> Result<Peek, OpenError> {
        Peek::new(path)
    }

    /// The database at `path`, to be read by somebody who may not write here.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn watch(path: &Path) -> Result<Peek, OpenError> {
        Peek::read_only(path)
    }

    /// Who holds the database at `path`; `None` when nobody does.
    pub fn holder(path: &Path) -> Option<String> {
        lock::holder(path)
    }
}

/// A database that is only read. One that is missing, empty or older knows nothing yet.
#[derive(Debug)]
pub struct Peek {
    path: PathBuf,
    connection: Option<Connection>,
}

impl Peek {
    pub(super) fn new(path: &Path) -> Result<Self, OpenError> {
        open::inspect(path)?;
        Ok(Self {
            path: path.to_owned(),
            connection: open::peek(path)?,
        })
    }

    pub(super) fn read_only(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            path: path.to_owned(),
            connection: open::peek_read_only(path)?,
        })
    }

    /// The pools as they were last recorded.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn pools(&self) -> Result<Vec<PoolRow>, OpenError> {
        self.read(state::pools)
    }

    /// The jobs of the configuration, as far as an igsync has seen them.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn jobs(&self) -> Result<Vec<JobRow>, OpenError> {
        self.read(jobs::all)
    }

    /// Where a job stands; `None` when it never committed a page.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn checkpoint(&self, key: CheckpointKey) -> Result<Option<Checkpoint>, OpenError> {
        self.read(|connection| state::checkpoint(connection, key))
    }

    /// See [`Store::held`](super::Store::held).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn held(&self, objects: &Objects) -> Result<Option<u64>, OpenError> {
        self.read(|connection| count::held(connection, objects))
    }

    /// See [`Store::reads`](super::Store::reads).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn reads(&self, account_id: &str, resource: &str) -> Result<Vec<Read>, OpenError> {
        self.read(|connection| reads::all(connection, account_id, resource))
    }

    /// See [`Store::posts`](super::Store::posts).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn posts(&self, account_id: &str) -> Result<Vec<Post>, OpenError> {
        self.read(|connection| reads::posts(connection, account_id))
    }

    /// See [`Store::hashtags`](super::Store::hashtags).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn hashtags(&self, account_id: &str) -> Result<Vec<HashtagRow>, OpenError> {
        self.read(|connection| hashtags::spent(connection, account_id))
    }

    /// See [`Store::conversations`](super::Store::conversations).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn conversations(&self, account_id: &str) -> Result<Vec<Conversation>, OpenError> {
        self.read(|connection| reads::conversations(connection, account_id))
    }

    /// See [`Store::askers`](super::Store::askers).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn askers(&self, resource: &str) -> Result<Vec<(String, String)>, OpenError> {
        self.read(|connection| reads::askers(connection, resource))
    }

    /// See [`Store::refused_metrics`](super::Store::refused_metrics).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn refused_metrics(
        &self,
        account_id: &str,
        resource: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<String>, OpenError> {
        self.read(|connection| {
            reads::refused(connection, account_id, resource, &instant_text(since))
        })
    }

    /// See [`Store::around`](super::Store::around).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn around(&self, now: DateTime<Utc>) -> Result<Around, OpenError> {
        Ok(Around {
            disk: around::disk(&self.path),
            ..self.read(|connection| around::remembered(connection, now))?
        })
    }

    /// How things are, in one transaction.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn look(&self, wanted: &Wanted<'_>) -> Result<Look, OpenError> {
        self.read(|connection| look::look(connection, wanted))
    }

    /// Whether there is a database that this igsync knows: not a missing, an empty or an older one.
    pub fn is_known(&self) -> bool {
        self.connection.is_some()
    }

    pub(super) fn read<T: Default>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OpenError> {
        match &self.connection {
            Some(connection) => read(connection).map_err(|source| OpenError::Sqlite {
                path: self.path.clone(),
                source,
            }),
            None => Ok(T::default()),
        }
    }
}
