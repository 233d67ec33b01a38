//! Whether a database is whole: what SQLite can prove about the file, that nothing of the schema is missing, and that every row refers to rows
//! that are there.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::open::{OpenError, SCHEMA};
use super::peek::Peek;

/// So many problems are named; there may be as many as pages.
const NAMED: usize = 10;

impl Peek {
    /// What is wrong with the database; nothing: it is whole. Reads all of it. Whether it is igsync's and of which version was seen
    /// when it was opened.
    ///
    /// # Errors
    /// [`OpenError`], when it cannot even be asked.
    pub fn prove(&self) -> Result<Vec<String>, OpenError> {
        self.read(|connection| match prove(connection) {
            // Too broken to be gone through.
            Err(error) if is_damage(&error) => Ok(vec![error.to_string()]),
            result => result,
        })
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}

fn prove(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({NAMED})"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    problems.retain(|problem| problem != "ok");
    // A broken file is not worth a second look, which may fail.
    if !problems.is_empty() {
        return Ok(problems);
    }
    let present = parts(connection)?;
    let whole = Connection::open_in_memory()?;
    whole.execute_batch(SCHEMA)?;
    let missing = parts(&whole)?;
    let mut missing = missing.difference(&present);
    if let Some(first) = missing.next() {
        let more = match missing.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return Ok(vec![format!("schema: {first} is missing{more}")]);
    }
    let orphans: Vec<String> = connection
        .prepare("SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2")?
        .query_map([], |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(1)?);
            let rows: i64 = row.get(2)?;
            Ok(format!(
                "{table}: {rows} rows refer to rows of {parent} that are not there"
            ))
        })?
        .collect::<Result<_, _>>()?;
    Ok(orphans)
}

/// Tables with their columns, views, indexes and triggers. Others may have added more.
fn parts(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare(
            "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             UNION ALL
             SELECT 'column ' || m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
             WHERE m.type IN ('table', 'view')",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}
