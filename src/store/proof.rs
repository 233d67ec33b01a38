//! Whether a database is whole: what SQLite can prove about the file, and that every row refers to rows that are there.

use rusqlite::Connection;

use super::open::OpenError;
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
