//! How a database differs from what is expected.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reading::{self, Numbers, Told};
use super::{Columns, Expectation, Tables};

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

impl Expectation<'_> {
    /// Compares a database with the world.
    ///
    /// Columns that the world does not know are left alone. Of signed addresses the query is ignored, booleans may be
    /// numbers, and whole numbers equal the same number with a fraction of zero.
    pub fn compare(&self, actual: &Tables) -> Comparison {
        let mut comparison = Comparison::default();
        for table in self.rows.keys() {
            match actual.get(table) {
                Some(found) => self.compare_table(table, found, &mut comparison),
                None => comparison.differs(format!("{table}: there is no such table")),
            }
        }
        comparison
    }

    fn compare_table(
        &self,
        table: &str,
        found: &std::collections::BTreeMap<String, Columns>,
        comparison: &mut Comparison,
    ) {
        let required = &self.rows[table];
        let missing = required.keys().filter(|key| !found.contains_key(*key));
        for key in missing {
            comparison.differs(format!("{table} {key}: is missing"));
        }
        for (key, row) in found {
            comparison.rows += usize::from(required.contains_key(key));
            match self.told(table, key, row) {
                Ok(told) => comparison.compare_row(&format!("{table} {key}"), table, &told, row),
                Err(why) => comparison.differs(format!("{table} {key}: {why}")),
            }
            self.compare_deletion(table, key, row, comparison);
        }
    }

    /// What a row that was found may say.
    fn told(&self, table: &str, key: &str, row: &Columns) -> Result<Told, String> {
        let read_at = row
            .get("observed_at")
            .filter(|_| reading::is_dated(table))
            .filter(|observed_at| !observed_at.is_null());
        let required = self.rows[table].get(key).cloned().map(Told::exactly);
        if let (Some(observed_at), Some(world)) = (read_at, self.world) {
            let then = reading::when_observed(world, table, key, observed_at)?;
            let is_final = || reading::is_final(world, table, key);
            return Ok(required.filter(|_| is_final()).unwrap_or(then));
        }
        if let Some(told) = required {
            return Ok(told);
        }
        if let Some(columns) = self.optional.get(table).and_then(|rows| rows.get(key)) {
            return Ok(Told {
                columns: columns.clone(),
                numbers: Numbers::UpTo,
            });
        }
        let told = self
            .world
            .and_then(|world| reading::until_now(world, table, key));
        told.ok_or_else(|| "is not in the world".to_owned())
    }

    fn compare_deletion(&self, table: &str, key: &str, row: &Columns, comparison: &mut Comparison) {
        let Some(deleted_at) = row.get("deleted_at") else {
            return;
        };
        let is_gone = self.gone.get(table).is_some_and(|gone| gone.contains(key));
        if is_gone && deleted_at.is_null() {
            comparison.differs(format!(
                "{table} {key}: is gone, and deleted_at does not say so"
            ));
        }
        if self.rows[table].contains_key(key) && !deleted_at.is_null() {
            comparison.differs(format!(
                "{table} {key}: still exists, and deleted_at says that it does not"
            ));
        }
    }
}

impl Comparison {
    fn differs(&mut self, difference: String) {
        self.differences.push(difference);
    }

    fn compare_row(&mut self, place: &str, table: &str, told: &Told, found: &Columns) {
        for (column, value) in &told.columns {
            match found.get(column) {
                None => {
                    self.not_compared.insert(format!("{table}.{column}"));
                }
                Some(found) => {
                    if let Some(truth) = told.contradicts(column, value, found) {
                        self.differs(format!(
                            "{place}: {column} is {found}, in the world it is {truth}"
                        ));
                    }
                }
            }
        }
    }
}

impl Told {
    /// What the world says instead, if a value cannot be right.
    fn contradicts(&self, column: &str, told: &Value, found: &Value) -> Option<String> {
        if normal(column, found) == normal(column, told) {
            return None;
        }
        let exactly = Some(told.to_string());
        let grows = column == "value" || column.ends_with("_count") || column == "quota_usage";
        let (Some(found), Some(most)) = (found.as_f64(), told.as_f64().filter(|_| grows)) else {
            return exactly;
        };
        let other = match &self.numbers {
            Numbers::Exact => return exactly,
            Numbers::UpTo => 0.0,
            Numbers::Since(earlier) => earlier.get(column)?.as_f64()?,
        };
        let (least, most) = (other.min(most), other.max(most));
        (found < least || found > most).then(|| format!("between {least} and {most}"))
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
            optional: tables(json!({"media": {
                "4": {"caption": "d"},
                "5": {"caption": "e"},
                "7": {"caption": "g", "like_count": 9},
                "8": {"caption": "h", "like_count": 9},
            }})),
            gone: [("media".to_owned(), ["4".to_owned(), "5".to_owned()].into())].into(),
            world: None,
        };
        let comparison = expectation.compare(&tables(json!({"media": {
            "1": {"caption": "A", "media_url": "https://cdn/x.jpg?oh=1", "is_published": true, "first_seen_at": "now"},
            "3": {"caption": "c", "deleted_at": "2026-01-01T00:00:00Z"},
            "4": {"caption": "d", "deleted_at": null},
            "5": {"caption": "e", "deleted_at": "2026-01-01T00:00:00Z"},
            "6": {"caption": "f"},
            "7": {"caption": "g", "like_count": 3, "deleted_at": null},
            "8": {"caption": "i", "like_count": 10, "deleted_at": null},
        }})));
        assert_eq!(
            comparison.differences,
            [
                "media 2: is missing",
                "media 1: caption is \"A\", in the world it is \"a\"",
                "media 3: still exists, and deleted_at says that it does not",
                "media 4: is gone, and deleted_at does not say so",
                "media 6: is not in the world",
                "media 8: caption is \"i\", in the world it is \"h\"",
                "media 8: like_count is 10, in the world it is between 0 and 9",
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
