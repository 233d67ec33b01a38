//! Bodies that were recorded from the real API, and how answers are compared with them.
//!
//! The recordings lie beside the repository and are not part of it; without them (`build.rs`) these tests are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

/// Path of a value inside a body, and the JSON types seen there.
pub(crate) type Shape = BTreeMap<String, BTreeSet<&'static str>>;

/// Files of the folder that no answer here is compared with, and why.
const EXCLUDED: [(&str, &str); 12] = [
    ("README.md", "about the folder"),
    (
        "airbyte/expected_records.2023-01-23.jsonl",
        "output of another extractor",
    ),
    (
        "airbyte/expected_records.2024-01-06.jsonl",
        "output of another extractor",
    ),
    ("fivetran/media_history.csv", "output of another extractor"),
    ("fivetran/media_insights.csv", "output of another extractor"),
    ("fivetran/user_history.csv", "output of another extractor"),
    (
        "keboola/expected_instagram_insights_metric_type_query_2_insights.csv",
        "output of another extractor",
    ),
    (
        "keboola/expected_instagram_keboola_account_query_15_media.csv",
        "output of another extractor",
    ),
    (
        "restfb/debug-token-info.json",
        "legacy: ids are numbers, and it is not inside data",
    ),
    ("restfb/instagram__wh-comments.json", "a webhook"),
    ("restfb/instagram__wh-mentions.json", "a webhook"),
    ("webhook_story_insights.json", "a webhook"),
];
/// The tests that compare.
const COMPARING: [&str; 5] = [
    include_str!("recorded_cassettes.rs"),
    include_str!("recorded_insights.rs"),
    include_str!("recorded_limits.rs"),
    include_str!("recorded_nodes.rs"),
    include_str!("recorded_refusals.rs"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded")
}

pub(crate) fn recorded(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(name));
    let text = text.unwrap_or_else(|error| panic!("recording {name}: {error}"));
    serde_json::from_str(&text).unwrap()
}

#[test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
fn every_recording_is_compared_or_excluded_for_a_reason() {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder()).unwrap();
                files.insert(name.to_str().unwrap().to_owned());
            }
        }
    }
    let excluded = BTreeMap::from(EXCLUDED);
    for file in &files {
        let quoted = format!("\"{file}\"");
        let is_compared = COMPARING.iter().any(|source| source.contains(&quoted));
        assert!(
            is_compared != excluded.contains_key(file.as_str()),
            "{file} must either be compared or be excluded"
        );
    }
    for name in excluded.keys() {
        assert!(files.contains(*name), "{name} is no recording any more");
    }
}

pub(crate) fn shape_of(value: &Value) -> Shape {
    let mut shape = Shape::new();
    collect(value, "", &mut shape);
    shape
}

fn collect(value: &Value, path: &str, shape: &mut Shape) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    shape.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, &format!("{path}[]"), shape)),
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(key, value)| collect(value, &format!("{path}.{key}"), shape));
        }
        _ => {}
    }
}

pub(crate) fn merge(whole: &mut Shape, part: Shape) {
    for (path, kinds) in part {
        whole.entry(path).or_default().extend(kinds);
    }
}

/// The `fields` that would make the API tell what a recorded object holds.
pub(crate) fn fields_of(objects: &[&Value]) -> String {
    let mut fields: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for (key, value) in objects
        .iter()
        .flat_map(|object| object.as_object().unwrap())
    {
        fields.entry(key.clone()).or_default().push(value);
    }
    let told: Vec<String> = fields
        .iter()
        .map(|(key, values)| {
            let items: Vec<&Value> = values
                .iter()
                .filter_map(|value| value["data"].as_array())
                .flatten()
                .collect();
            if items.is_empty() {
                key.clone()
            } else {
                format!("{key}{{{}}}", fields_of(&items))
            }
        })
        .collect();
    told.join(",")
}

/// Both must have the same keys with the same types, apart from the paths that are known to differ, with their reasons;
/// whatever lies below such a path differs with it. A difference that is gone must be struck off.
pub(crate) fn assert_same_shape(
    told: &Shape,
    recorded: &Shape,
    known: &[(&str, &str)],
    whose: &str,
) {
    let mut differences: BTreeMap<&str, String> = BTreeMap::new();
    for path in told.keys().chain(recorded.keys()) {
        let (ours, theirs) = (told.get(path), recorded.get(path));
        let is_below_another = |above: &&str| path.starts_with(&format!("{above}."));
        if ours != theirs && !differences.keys().any(is_below_another) {
            let difference = format!("recorded {theirs:?}, told {ours:?}");
            differences.insert(path, difference);
        }
    }
    for (path, reason) in known {
        let found = differences.remove(path);
        assert!(found.is_some(), "{whose}: {path} is alike now ({reason})");
    }
    assert!(differences.is_empty(), "{whose}: {differences:#?}");
}
