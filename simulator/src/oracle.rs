//! What a complete database would hold, and how a database differs from it.
//!
//! Tables and columns are named like the API's fields. A caller reads its tables into [`Tables`] and gets a list of
//! sentences back; an empty list means that the database is the world.

mod asked;
mod collect;
mod insights;
mod others;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::world::World;

pub use asked::JOURNAL_TABLES;

/// Table, key, column, value. Keys of tables with a key of several columns are joined by `/`.
pub type Tables = BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>>;

/// What the database should hold.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// Rows that must be there.
    pub rows: Tables,
    /// Rows that may be there, because they were true once. If the table has a `deleted_at`, it must be set.
    pub gone: BTreeMap<String, BTreeSet<String>>,
    /// Rows that may be there or not: stories in `media`, posts that the list is too short for, and what belongs to
    /// posts that are gone.
    pub optional: BTreeMap<String, BTreeSet<String>>,
    /// Tables that may hold more than the world names here: other days, breakdowns, and older messages.
    pub open_ended: BTreeSet<String>,
}

/// Tables of which [`World::expected`] names only a part.
const OPEN_ENDED: [&str; 3] = ["account_insights", "audience", "messages"];

/// The result of comparing a database with the world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// One sentence for each difference.
    pub differences: Vec<String>,
    /// Rows that were compared.
    pub rows: usize,
    /// `table.column` that the world knows and the database does not have.
    pub not_compared: BTreeSet<String>,
}

/// Tables that [`World::expected`] knows.
pub const ORACLE_TABLES: [&str; 19] = [
    "accounts",
    "accounts_current",
    "media",
    "media_children",
    "media_current",
    "stories",
    "story_insights",
    "media_insights",
    "account_insights",
    "audience",
    "comments",
    "tagged_media",
    "product_tags",
    "collaborators",
    "discovered_accounts",
    "discovered_media",
    "conversations",
    "messages",
    "collaborative_media",
];

impl World {
    /// What a complete database would hold now, in the wanted ones of [`ORACLE_TABLES`].
    ///
    /// | table | key | beside the columns named like fields |
    /// |---|---|---|
    /// | `accounts` | id | `page_id`, `page_name` |
    /// | `accounts_current`, `media_current` | id | the newest counts |
    /// | `media` | id | `account_id`, `owner_id`; posts in reach of the list |
    /// | `stories` | id | as `media`: the stories shown now |
    /// | `media_children` | media id/id | `media_id`, `position` |
    /// | `media_insights`, `story_insights` | media id/name | `media_id`, `name`, `value` |
    /// | `account_insights` | account id/name/period/day | `account_id`, `name`, `period`, `end_time`, `value`: 28 days |
    /// | `audience` | account id/name/breakdown/value | `account_id`, `name`, `breakdown`, `dimension_value`, `value` |
    /// | `comments` | id | `media_id`, `parent_id`, `from_id` |
    /// | `tagged_media`, `collaborative_media` | account id/id | `account_id` |
    /// | `product_tags` | media id/product id | `media_id` |
    /// | `collaborators` | media id/id | `media_id` |
    /// | `discovered_accounts`, `discovered_media` | id | the accounts that no token reaches |
    /// | `conversations` | id | `account_id` |
    /// | `messages` | id | `conversation_id`, `from_id`: those with details |
    pub fn expected(&self, tables: &[&str]) -> Expectation {
        let mut expectation = Expectation::default();
        for table in tables {
            expectation.rows.entry((*table).to_owned()).or_default();
            collect::table(self, table, &mut expectation);
            if OPEN_ENDED.contains(table) {
                expectation.open_ended.insert((*table).to_owned());
            }
        }
        expectation
    }
}

impl Expectation {
    /// Compares a database with the world.
    ///
    /// Columns that the world does not know are left alone. Of signed addresses the query is ignored, booleans may be
    /// numbers, and whole numbers equal the same number with a fraction of zero.
    pub fn compare(&self, actual: &Tables) -> Comparison {
        let mut comparison = Comparison::default();
        for (table, expected) in &self.rows {
            let Some(found) = actual.get(table) else {
                comparison
                    .differences
                    .push(format!("{table}: there is no such table"));
                continue;
            };
            self.compare_table(table, expected, found, &mut comparison);
        }
        comparison
    }

    fn compare_table(
        &self,
        table: &str,
        expected: &BTreeMap<String, BTreeMap<String, Value>>,
        found: &BTreeMap<String, BTreeMap<String, Value>>,
        comparison: &mut Comparison,
    ) {
        for (key, row) in expected {
            match found.get(key) {
                None => comparison
                    .differences
                    .push(format!("{table} {key}: is missing")),
                Some(found) => {
                    comparison.rows += 1;
                    compare_row(table, key, row, found, comparison);
                }
            }
        }
        let known = |keys: &BTreeMap<String, BTreeSet<String>>, key: &String| {
            keys.get(table).is_some_and(|keys| keys.contains(key))
        };
        for (key, row) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
            if known(&self.optional, key) || self.open_ended.contains(table) {
                continue;
            }
            if !known(&self.gone, key) {
                comparison
                    .differences
                    .push(format!("{table} {key}: is not in the world"));
            } else if row.get("deleted_at") == Some(&Value::Null) {
                comparison.differences.push(format!(
                    "{table} {key}: is gone, and deleted_at does not say so"
                ));
            }
        }
    }
}

fn compare_row(
    table: &str,
    key: &str,
    expected: &BTreeMap<String, Value>,
    found: &BTreeMap<String, Value>,
    comparison: &mut Comparison,
) {
    if found
        .get("deleted_at")
        .is_some_and(|deleted_at| !deleted_at.is_null())
    {
        comparison.differences.push(format!(
            "{table} {key}: still exists, and deleted_at says that it does not"
        ));
    }
    for (column, value) in expected {
        match found.get(column) {
            None => {
                comparison.not_compared.insert(format!("{table}.{column}"));
            }
            Some(found) if normal(column, found) != normal(column, value) => {
                comparison.differences.push(format!(
                    "{table} {key}: {column} is {found}, in the world it is {value}"
                ));
            }
            Some(_) => {}
        }
    }
}

fn normal(column: &str, value: &Value) -> Value {
    match value {
        Value::Bool(boolean) => Value::from(f64::from(u8::from(*boolean))),
        Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), Value::from),
        Value::String(url) if column.ends_with("_url") => {
            Value::from(url.split('?').next().unwrap_or_default())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tables(rows: Value) -> Tables {
        serde_json::from_value(rows).unwrap()
    }

    #[test]
    fn every_kind_of_difference_has_its_sentence() {
        let expectation = Expectation {
            rows: tables(json!({"media": {
                "1": {"caption": "a", "media_url": "https://cdn/x.jpg", "is_published": 1, "alt_text": null},
                "2": {"caption": "b"},
                "3": {"caption": "c"},
            }})),
            gone: [("media".to_owned(), ["4".to_owned(), "5".to_owned()].into())].into(),
            optional: [("media".to_owned(), ["7".to_owned()].into())].into(),
            open_ended: BTreeSet::new(),
        };
        let comparison = expectation.compare(&tables(json!({"media": {
            "1": {"caption": "A", "media_url": "https://cdn/x.jpg?oh=1", "is_published": true, "first_seen_at": "now"},
            "3": {"caption": "c", "deleted_at": "2026-01-01T00:00:00Z"},
            "4": {"caption": "d", "deleted_at": null},
            "5": {"caption": "e", "deleted_at": "2026-01-01T00:00:00Z"},
            "6": {"caption": "f"},
            "7": {"caption": "g", "deleted_at": null},
        }})));
        assert_eq!(
            comparison.differences,
            [
                "media 1: caption is \"A\", in the world it is \"a\"",
                "media 2: is missing",
                "media 3: still exists, and deleted_at says that it does not",
                "media 4: is gone, and deleted_at does not say so",
                "media 6: is not in the world",
            ]
        );
        assert_eq!(comparison.rows, 2);
        assert_eq!(
            comparison.not_compared,
            ["media.alt_text".to_owned()].into()
        );
    }

    #[test]
    fn a_missing_table_is_a_difference() {
        let expectation = Expectation {
            rows: tables(json!({"media": {}})),
            ..Expectation::default()
        };
        assert_eq!(
            expectation.compare(&Tables::new()).differences,
            ["media: there is no such table"]
        );
    }
}
