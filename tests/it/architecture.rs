//! The layers of ARCHITECTURE.md, held by reading the code.

use std::path::{Path, PathBuf};

/// Modules from the top down; a module may use those of later rows, and its own.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["web"],
    &["config"],
    &["daemon"],
    &["sync"],
    &["resource", "schedule"],
    &["graph"],
    &["budget", "store"],
    &["clock", "stop", "under_way"],
];

/// Pairs that the rows above would allow and the design forbids.
const FORBIDDEN: &[(&str, &str)] = &[
    ("graph", "store"),
    ("resource", "budget"),
    ("schedule", "graph"),
    ("schedule", "store"),
];

/// A check of names, not a layer: configurations name resources, and the names of igsync's own jobs are taken.
const ALLOWED: &[(&str, &str)] = &[("config", "sync")];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The module of the first level that a file belongs to.
fn module(file: &Path) -> String {
    let inside = file.strip_prefix(src()).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules of the first level that a text names after `crate::`, also in groups.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let group = rest
            .strip_prefix('{')
            .and_then(|group| group.split_once('}'));
        let heads: Vec<&str> = match group {
            Some((group, _)) => group.split(',').collect(),
            None => vec![rest],
        };
        for head in heads {
            let name: String = head
                .trim()
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            names.push(name);
        }
    }
    names
}

#[test]
fn imports_point_down_only() {
    let layer = |name: &str| LAYERS.iter().position(|row| row.contains(&name));
    let mut looked_at = 0;
    for file in sources(&src()) {
        let module = module(&file);
        let Some(own) = layer(&module) else {
            assert!(
                ["main", "lib"].contains(&module.as_str()),
                "{} has no layer",
                file.display()
            );
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        for name in used(&text) {
            let Some(other) = layer(&name) else {
                continue;
            };
            let pair = (module.as_str(), name.as_str());
            let down = other > own || module == name || ALLOWED.contains(&pair);
            assert!(
                down && !FORBIDDEN.contains(&pair),
                "{}: {module} must not use {name}",
                file.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "only {looked_at} imports were found");
}

#[test]
fn sql_stands_in_the_store_and_envelope_keys_in_graph() {
    let only = |word: &str, rooms: &[&str]| {
        let mut found = false;
        for file in sources(&src()) {
            if std::fs::read_to_string(&file).unwrap().contains(word) {
                let module = module(&file);
                assert!(
                    rooms.contains(&module.as_str()),
                    "{} has {word}",
                    file.display()
                );
                found = true;
            }
        }
        assert!(
            found,
            "nothing has {word}: this test looks for the wrong word"
        );
    };
    // The demo's queries are text for people.
    only("SELECT ", &["store", "cli"]);
    only("INSERT INTO", &["store"]);
    only("paging", &["graph", "resource", "lib"]);
    only("struct Cursors", &["graph"]);
    only("expose_secret", &["graph"]);
    only("rusqlite", &["store"]);
    only("reqwest", &["graph"]);
}

#[test]
fn files_stay_small() {
    for file in sources(&src()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count();
        assert!(
            lines <= 400 || file.ends_with("config/tests.rs"),
            "{} has {lines} lines: it is two rooms",
            file.display()
        );
    }
}
