//! Bodies that were recorded from the real API, and how answers are compared with them.
//!
//! The recordings lie beside the repository and are not part of it; without them the tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

/// Path of a value inside a body, and the JSON types seen there.
pub(crate) type Shape = BTreeMap<String, BTreeSet<&'static str>>;

#[expect(
    clippy::disallowed_macros,
    reason = "a test that does nothing must say so"
)]
pub(crate) fn recorded(name: &str) -> Option<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded");
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        eprintln!("skipped: there is no recording {name}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
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

/// Everything that was recorded must be told here, with the same types.
pub(crate) fn assert_covers(answered: &Shape, recorded: &Shape, whose: &str) {
    for (path, kinds) in recorded
        .iter()
        .filter(|(path, _)| !path.contains(".paging"))
    {
        let found = answered.get(path);
        assert!(
            found.is_some(),
            "{whose}: {path} was recorded and is not told"
        );
        assert_eq!(found, Some(kinds), "{whose}: type of {path}");
    }
}
