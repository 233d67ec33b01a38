//! Every schema that was released, with data in it, becomes the present one, and nothing is lost.
//!
//! `schemas/v<n>.sql` holds a database of the released version n as a text. A release whose schema is new copies its own there
//! (the test writes it).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use igsync::store::{SCHEMA_VERSION, Store};
use igsync_simulator::{AccountSpec, PageSpec, TokenSpec, WorldSpec};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::binary::open;
use crate::snapshot::assert_sound_file;
use crate::world::World;

/// A database as a text that makes it again: sqlite3's `.dump` leaves the versions out.
fn text_of(database: &Connection) -> String {
    let mut text = String::new();
    for name in ["application_id", "user_version"] {
        let value: i64 = database
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap();
        writeln!(text, "PRAGMA {name} = {value};").unwrap();
    }
    let mut made = database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        .unwrap();
    let made = made.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for sql in made.map(Result::unwrap) {
        writeln!(text, "{sql};").unwrap();
    }
    for (table, rows) in rows(database) {
        for row in rows {
            writeln!(text, "INSERT INTO {table} VALUES ({});", row.join(",")).unwrap();
        }
    }
    text
}

/// Every row of every table, as literals of SQL.
fn rows(database: &Connection) -> BTreeMap<String, Vec<Vec<String>>> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let mut tables = database.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut all = BTreeMap::new();
    for table in tables.map(Result::unwrap) {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let rows = rows.query_map([], |row| {
            (0..columns)
                .map(|at| row.get_ref(at).map(literal))
                .collect()
        });
        let mut rows: Vec<Vec<String>> = rows.unwrap().collect::<Result<_, _>>().unwrap();
        rows.sort();
        all.insert(table, rows);
    }
    all
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => {
            let text = String::from_utf8(text.to_vec()).unwrap();
            format!("'{}'", text.replace('\'', "''"))
        }
        ValueRef::Blob(_) => panic!("no table has blobs"),
    }
}

/// Tables, columns and indexes of a database: what the schema says, without its words.
fn shape(database: &Connection) -> Vec<String> {
    let columns = "SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk
        FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c WHERE t.type IN ('table', 'view')
        UNION ALL SELECT name || ' on ' || tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY 1";
    let mut columns = database.prepare(columns).unwrap();
    let columns = columns.query_map([], |row| row.get(0)).unwrap();
    columns.collect::<Result<_, _>>().unwrap()
}

/// Makes a database from its text and lets igsync open it.
fn opened(text: &str, folder: &Path) -> PathBuf {
    let path = folder.join("igsync.db");
    let database = Connection::open(&path).unwrap();
    // Rows come in the order of the tables' names.
    database.pragma_update(None, "foreign_keys", false).unwrap();
    database
        .execute_batch(&format!("BEGIN; {text} COMMIT;"))
        .unwrap();
    drop(database);
    drop(Store::open(&path, "a test").unwrap());
    path
}

/// Fails unless a released version becomes the present one with all of its rows.
fn assert_comes_along(text: &str, version: i32) {
    let folder = tempfile::tempdir().unwrap();
    let before = Connection::open_in_memory().unwrap();
    before.pragma_update(None, "foreign_keys", false).unwrap();
    before.execute_batch(text).unwrap();
    let path = opened(text, folder.path());
    let fresh = folder.path().join("fresh.db");
    drop(Store::open(&fresh, "a test").unwrap());
    let (migrated, fresh) = (open(&path), open(&fresh));
    assert_sound_file(&path);
    assert_eq!(shape(&migrated), shape(&fresh), "of version {version}");
    let now = rows(&migrated);
    let mut filled = 0;
    for (table, rows) in rows(&before) {
        filled += usize::from(!rows.is_empty());
        let kept = now.get(&table).map_or(0, Vec::len);
        assert_eq!(kept, rows.len(), "rows of {table} of version {version}");
    }
    assert!(filled > 12, "only {filled} tables have a row to lose");
    let copy = folder.path().join(format!("igsync.db.v{version}"));
    assert_eq!(copy.exists(), version < SCHEMA_VERSION);
}

#[tokio::test(start_paused = true)]
async fn every_schema_comes_along_with_its_rows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemas");
    for version in (1..).take_while(|version| *version < SCHEMA_VERSION) {
        let file = folder.join(format!("v{version}.sql"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; take it from the release of schema {version}",
                file.display()
            )
        });
        assert_comes_along(&text, version);
    }
    let account = AccountSpec {
        posts: 12,
        stories_per_day: 1,
        mean_comments: 3,
        ..AccountSpec::numbered(1)
    };
    let world = World::new(WorldSpec {
        tokens: vec![TokenSpec::default()],
        pages: vec![PageSpec::numbered(1, Some(account))],
        ..WorldSpec::default()
    });
    let world = world.await;
    let everything = igsync::resource::RESOURCES
        .iter()
        .map(|resource| resource.name);
    world.backfill_of(&everything.collect::<Vec<_>>()).await;
    let text = text_of(&world.database());
    assert_comes_along(&text, SCHEMA_VERSION);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        rows(&open(&opened(&text, folder.path()))),
        rows(&world.database())
    );
    // What a release adds to the repository.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("v{SCHEMA_VERSION}.sql"));
    std::fs::write(kept, text).unwrap();
}
