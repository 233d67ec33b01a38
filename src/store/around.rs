//! What a check should know before it asks Meta: what the database remembers, and the disk that it lies on.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;

use super::health::instant;
use super::{Store, StoreError};
use crate::clock::instant_text;

/// What is known without asking Meta. The default knows nothing.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Accounts that were read before: id and username.
    pub accounts: Vec<(String, Option<String>)>,
    /// Resources of accounts that Meta refused the last time.
    pub refusals: Vec<Refused>,
    /// Hashtags that count for accounts.
    pub hashtags: Vec<HashtagUse>,
    /// The disk; `None`: nobody knows.
    pub disk: Option<Disk>,
    /// What is wrong with the database, where it was proved.
    pub damage: Vec<String>,
}

/// A resource that Meta refused for want of a permission.
#[derive(Clone, Debug)]
pub struct Refused {
    /// IG User id.
    pub account_id: String,
    /// The resource.
    pub resource: String,
    /// When it did so last.
    pub at: DateTime<Utc>,
    /// In its words.
    pub detail: String,
}

/// How much of its hashtags an account has spent.
#[derive(Clone, Debug, Serialize)]
pub struct HashtagUse {
    /// IG User id.
    pub account_id: String,
    /// Hashtags that count now.
    pub used: u64,
    /// When the first of them ceases to count.
    pub next_free_at: Option<DateTime<Utc>>,
}

/// A disk and the database on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Bytes of the database.
    pub database_bytes: u64,
}

impl Store {
    /// What a check should know before it asks Meta.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn around(&self, now: DateTime<Utc>) -> Result<Around, StoreError> {
        let path = self.inner.path.clone();
        self.call("read what is remembered", move |connection| {
            let disk = disk(&path);
            Ok(Around {
                disk,
                ..remembered(connection, now)?
            })
        })
        .await
    }
}

/// What the database remembers.
pub(super) fn remembered(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Around> {
    let accounts = connection
        .prepare_cached("SELECT id, username FROM accounts ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let refusals = connection
        .prepare_cached(
            "SELECT account_id, resource, last_seen_at, ifnull(detail, '') FROM sync_gaps
             WHERE reason = 'no_permission' AND resolved_at IS NULL AND account_id IS NOT NULL
               AND object_id IS NULL AND field IS NULL ORDER BY account_id, resource",
        )?
        .query_map([], |row| {
            Ok(Refused {
                account_id: row.get(0)?,
                resource: row.get(1)?,
                at: instant(row, 2)?.unwrap_or_default(),
                detail: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let hashtags = connection
        .prepare_cached(
            "SELECT account_id, count(*), min(counts_until) FROM sync_hashtags WHERE counts_until > ?
             GROUP BY account_id ORDER BY account_id",
        )?
        .query_map(params![instant_text(now)], |row| {
            Ok(HashtagUse {
                account_id: row.get(0)?,
                used: row.get::<_, i64>(1)?.cast_unsigned(),
                next_free_at: instant(row, 2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(Around {
        accounts,
        refusals,
        hashtags,
        disk: None,
        damage: Vec::new(),
    })
}

/// The disk that a database lies on, or will; `None` where the system does not tell.
pub(super) fn disk(path: &Path) -> Option<Disk> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(Disk {
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        database_bytes: path.metadata().map_or(0, |metadata| metadata.len()),
    })
}
