//! SQL that counts rows.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::record::Objects;
use crate::clock::instant_text;

/// How many objects the database holds; `None` before a pass over everything came to its end, as nobody knows how many are
/// missing.
pub(super) fn held(connection: &Connection, objects: &Objects) -> rusqlite::Result<Option<u64>> {
    let Objects {
        resource,
        table,
        owner,
        between: [since, until],
    } = objects;
    let Some((table, column)) = table.and_then(|table| Some((table, table.listed_by?))) else {
        return Ok(None);
    };
    let text = |instant: Option<DateTime<Utc>>| instant.map(instant_text);
    let timed = table.position("timestamp").is_some();
    if !timed && since.or(*until).is_some() {
        return Ok(None);
    }
    let time = if timed { "timestamp" } else { "NULL" };
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {column} = :owner AND deleted_at IS NULL
           AND (:since IS NULL OR {time} >= :since) AND (:until IS NULL OR {time} < :until)
         HAVING EXISTS (SELECT 1 FROM sync_checkpoints WHERE account_id = :owner AND resource = :resource
           AND range = '' AND finished_at IS NOT NULL)",
        table.name
    );
    let parameters = named_params! {
        ":owner": owner,
        ":resource": resource,
        ":since": text(*since),
        ":until": text(*until),
    };
    let count = connection
        .prepare_cached(&sql)?
        .query_row(parameters, |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(count.map(i64::cast_unsigned))
}

/// The tables of the database, in the order of `schema.sql`.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub(super) fn contents(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let count = |name: String| {
        let rows = connection.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| {
            row.get(0)
        })?;
        Ok((name, rows))
    };
    tables(connection)?.into_iter().map(count).collect()
}
