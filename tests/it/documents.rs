//! What the documents say, compared with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use igsync::config::keys::KEYS;
use igsync::resource::RESOURCES;
use igsync::store::{History, Store};
use rusqlite::Connection;

use crate::binary::{Folder, open};

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(Store::open(&path, "a test").unwrap());
    let connection = open(&path);
    (folder, connection)
}

fn columns(connection: &Connection, table: &str) -> BTreeSet<String> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?)")
        .unwrap()
        .query_map([table], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn the_columns_of_every_resource_are_those_of_schema_sql() {
    let (_folder, connection) = database();
    let mut names = BTreeSet::new();
    for resource in RESOURCES {
        assert!(
            names.insert(resource.name),
            "{} is registered twice",
            resource.name
        );
        for table in resource.tables {
            let mut declared: BTreeSet<String> = table
                .columns
                .iter()
                .map(|column| column.name.to_owned())
                .collect();
            let own = match table.history {
                History::Entity => ["first_seen_at", "changed_at"],
                History::Observation => ["observed_at", "confirmed_at"],
            };
            declared.extend(own.map(str::to_owned));
            declared.extend(table.listed_by.map(|_| "deleted_at".to_owned()));
            assert_eq!(declared, columns(&connection, table.name), "{}", table.name);
            let key: Vec<String> = connection
                .prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")
                .unwrap()
                .query_map([table.name], |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let mut expected = table.key.to_vec();
            if table.history == History::Observation {
                expected.push("observed_at");
            }
            assert_eq!(key, expected, "{}", table.name);
        }
    }
}

#[test]
fn every_table_and_column_is_explained_in_schema_sql() {
    let schema = document("schema.sql");
    let (mut inside, mut before, mut tables) = (false, String::new(), 0_i32);
    for line in schema.lines() {
        let text = line.trim();
        if let Some(rest) = text.strip_prefix("CREATE TABLE ") {
            assert!(before.starts_with("--"), "{rest} is not explained");
            (inside, tables) = (true, tables + 1);
        } else if text.starts_with(')') {
            inside = false;
        } else if inside {
            let column = [" TEXT", " INTEGER", " REAL"]
                .iter()
                .any(|kind| text.contains(kind));
            assert!(!column || text.contains(" -- "), "not explained: {text}");
        }
        text.clone_into(&mut before);
    }
    let (_folder, connection) = database();
    let made: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(i64::from(tables), made);
}

#[test]
fn the_example_names_every_key_and_is_accepted() {
    let example = document("config.example.toml");
    let mut table = String::new();
    let mut named = BTreeSet::new();
    for line in example.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if let Some(header) = line.strip_prefix('[') {
            header
                .split(']')
                .next()
                .unwrap()
                .trim_start_matches('[')
                .clone_into(&mut table);
            named.insert(table.clone());
        } else if let Some((key, _)) = line.split_once(" = ") {
            named.insert(format!("{table}.{key}"));
        }
    }
    for (key, _) in KEYS {
        assert!(
            named.contains(*key),
            "config.example.toml does not name {key}"
        );
    }
    for resource in RESOURCES {
        assert!(
            example.contains(&format!("\"{}\"", resource.name)),
            "config.example.toml does not name {}",
            resource.name
        );
    }

    let folder = Folder::new("http://127.0.0.1:9", "");
    folder.write("meta-token", crate::binary::TOKEN);
    folder.write("meta-app-secret", crate::binary::SECRET);
    // Once as it stands, once with every commented key switched on.
    let all: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for text in [
        example,
        all.replace("token_env = ", "#")
            .replace("app_secret_env = ", "#"),
    ] {
        folder.configure(&text);
        let environment = igsync::config::Environment::default();
        igsync::config::load(&folder.path("igsync.toml"), &environment)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn the_readme_names_every_command_resource_and_exit_code() {
    let readme = document("README.md");
    let help = help(&[]);
    let commands = between(&help, "Commands:\n", "\n\nOptions:");
    for line in commands.lines() {
        let name = line.split_whitespace().next().unwrap();
        assert!(
            name == "help" || readme.contains(&format!("`igsync {name}")),
            "README.md does not name igsync {name}"
        );
    }
    for resource in RESOURCES {
        assert!(
            readme.contains(&format!("`{}`", resource.name)),
            "README.md does not name {}",
            resource.name
        );
    }
    let codes = between(&help, "Exit codes:\n", "\n\n");
    let mut listed = BTreeMap::new();
    for line in codes.lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        listed.insert(code, meaning);
        assert!(
            readme.contains(&format!("| {code} | {meaning} |")),
            "README.md does not explain exit code {code}"
        );
    }
    assert_eq!(listed.len(), 6);
}

fn help(command: &[&str]) -> String {
    let output = Folder::new("http://127.0.0.1:9", "")
        .command(&[command, &["--help"]].concat())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap() + "\n\n"
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?} in {text}"));
    rest.split_once(after).map_or(rest, |(inside, _)| inside)
}

#[test]
fn every_query_of_the_readme_runs() {
    let readme = document("README.md");
    let (_folder, connection) = database();
    let mut ran = 0;
    for block in readme.split("```sql\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for query in block.split(';').filter(|query| query.contains("SELECT")) {
            connection
                .prepare(query)
                .unwrap_or_else(|error| panic!("{query}: {error}"));
            ran += 1;
        }
    }
    assert!(ran >= 6, "only {ran} queries were found");
}
