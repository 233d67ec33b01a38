//! Accounts that were read before, and that no token reaches any more.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::record::Gap;
use super::{Store, StoreError, state};
use crate::clock::instant_text;

impl Store {
    /// Notes accounts that are missing, and closes the gaps of those that are there, or not to be read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_lost(
        &self,
        lost: Vec<Gap>,
        there: Vec<String>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write("note accounts that are missing", move |connection| {
            // Whoever misses them, discovery ran last.
            let run = "SELECT max(id) FROM sync_runs WHERE resource = 'discovery'";
            let run: Option<i64> = connection.query_row(run, [], |row| row.get(0))?;
            for gap in &lost {
                state::write_gap(connection, gap, run.unwrap_or_default(), at)?;
            }
            close(connection, &there, at)
        })
        .await
    }
}

fn close(connection: &Connection, there: &[String], at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sync_gaps SET resolved_at = ?1
             WHERE resource = 'discovery' AND account_id IN (SELECT value FROM json_each(?2)) AND resolved_at IS NULL",
        )?
        .execute(params![
            instant_text(at),
            serde_json::Value::from(there).to_string()
        ])?;
    Ok(())
}
