//! From a JSON object to a row, as a table's columns say.

use chrono::{DateTime, Datelike};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::clock::instant_text;
use crate::graph::Fields;
use crate::store::{Kind, Reason, Row, Table, Value};

/// An object, or a field of it, that breaks the API's own rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {problem}")]
pub struct Unreadable {
    /// The object's id, or a word for it.
    pub object: String,
    /// What is wrong.
    pub problem: String,
}

/// What objects of an answer became.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Rows, parents first.
    pub rows: Vec<Row>,
    /// What cannot be read.
    pub problems: Vec<Unreadable>,
    /// Metrics that were asked for and are left out because too few people are behind them.
    pub too_few: Vec<&'static str>,
    /// Subjects that this answer begins, and that are asked for on their own: they are chosen in the same run, or after a crash in
    /// the next one.
    pub begun: Vec<Begun>,
    /// The list that this answer is a part of, where what a complete list lacks is deleted.
    pub listed: Option<Listed>,
    /// What the subject turned out to look like: becomes its mark, in the place of the question's.
    pub mark: Option<String>,
    /// Whether what the list has behind this answer is not wanted.
    pub enough: bool,
    /// What this answer proves to be missing.
    pub missing: Vec<Missing>,
    /// Subjects of questions that this answer stands for, as far as it tells of them.
    pub told: Vec<Told>,
    /// Objects on whose account a list was refused their numbers: too few people are behind them.
    pub silent: Vec<String>,
    /// How many of the news that its question waits for are in it.
    pub news: i64,
}

/// Something that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Of which object.
    pub object_id: String,
    /// Which part of it; `None`: some of all that belongs to it.
    pub field: Option<&'static str>,
    /// Why.
    pub reason: Reason,
    /// What is missing, in words.
    pub detail: String,
}

/// What an answer told about a subject that a question of its own would have asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Which one, within its account and resource.
    pub subject: String,
    /// Where its list goes on; `None`: all of it came.
    pub cursor: Option<String>,
    /// What it looks like now, as [`Question::mark`](super::Question::mark).
    pub mark: Option<String>,
    /// The list that came along.
    pub listed: Option<Listed>,
    /// Subjects that were begun with it.
    pub begun: Vec<Begun>,
    /// Objects of that list that came along.
    pub objects: usize,
    /// How many of its news came along.
    pub news: i64,
}

/// A subject that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Which one, within its account and resource.
    pub subject: String,
    /// Where its list goes on; `None` where nothing of it is read yet.
    pub cursor: Option<String>,
}

/// A list of objects that may come in several answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Whose.
    pub owner: String,
    /// Whether this answer is the top of the list.
    pub from_top: bool,
    /// Whether it is known to be empty; otherwise an empty list proves nothing.
    pub may_be_empty: bool,
}

impl Decoded {
    /// Takes rows, or the problem in their place; says whether there were rows.
    pub(super) fn take(&mut self, rows: Result<Vec<Row>, Unreadable>) -> bool {
        match rows {
            Ok(rows) => {
                self.rows.extend(rows);
                true
            }
            Err(problem) => {
                self.problems.push(problem);
                false
            }
        }
    }
}

/// No object of the API comes near this; what does would be many times larger in memory.
const LARGEST_OBJECT: usize = 4 << 20;

/// Reads an object.
pub(super) fn object(raw: &RawValue) -> Result<Map<String, Json>, Unreadable> {
    if raw.get().len() > LARGEST_OBJECT {
        return Err(Unreadable {
            object: "an object".to_owned(),
            problem: format!("it is larger than {} MiB", LARGEST_OBJECT >> 20),
        });
    }
    serde_json::from_str(raw.get()).map_err(|error| Unreadable {
        object: "an object".to_owned(),
        problem: error.to_string(),
    })
}

/// An object inside another one.
pub(super) fn map(value: &Json) -> Result<&Map<String, Json>, Unreadable> {
    value.as_object().ok_or_else(|| Unreadable {
        object: "an object".to_owned(),
        problem: format!("it is no object: {}", shorten(value)),
    })
}

/// Reads a row from an object: columns with a field from it, the others from `filled`. A column whose field was not
/// asked for is left out; one that was asked for and is not there is NULL: the API did not tell.
pub(super) fn row(
    table: &'static Table,
    node: &Map<String, Json>,
    asked: &Fields,
    filled: &[(&str, Value)],
) -> Result<Row, Unreadable> {
    let mut values = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let value = match column.field {
            None => filled
                .iter()
                .find(|(name, _)| *name == column.name)
                .map(|(_, value)| value.clone()),
            Some(path) if asked.contains(path) => {
                let told = lookup(node, path);
                Some(convert(column.kind, told).ok_or_else(|| {
                    let id = node.get("id").and_then(Json::as_str);
                    // What is longer than any id is none.
                    let id = id.filter(|id| id.len() <= 64);
                    Unreadable {
                        object: id.unwrap_or("an object without id").to_owned(),
                        problem: format!("{path} is not what it should be: {}", shorten(told)),
                    }
                })?)
            }
            Some(_) => None,
        };
        values.push(value);
    }
    let row = Row { table, values };
    let nameless = table.key.iter().find(|name| {
        let value = table.position(name).and_then(|at| row.values[at].as_ref());
        matches!(value, None | Some(Value::Null))
    });
    match nameless {
        None => Ok(row),
        Some(name) => Err(Unreadable {
            object: "an object".to_owned(),
            problem: format!("it has no {name}"),
        }),
    }
}

/// The id that a row was read with.
pub(super) fn id(row: &Row) -> Value {
    let id = row
        .table
        .position("id")
        .and_then(|at| row.values[at].clone());
    id.unwrap_or(Value::Null)
}

/// A row whose column `value` is a number as told, and whose other columns are filled.
pub(super) fn number(
    table: &'static Table,
    filled: &[(&str, Value)],
    told: &Json,
) -> Result<Row, Unreadable> {
    let value = convert(Kind::Number, told).ok_or_else(|| {
        let name = filled.iter().find(|(name, _)| *name == "name");
        Unreadable {
            object: match name {
                Some((_, Value::Text(name))) => name.clone(),
                _ => "a metric".to_owned(),
            },
            problem: format!("its value is no number: {}", shorten(told)),
        }
    })?;
    let mut filled = filled.to_vec();
    filled.push(("value", value));
    row(table, &Map::new(), &Fields::default(), &filled)
}

fn lookup<'a>(node: &'a Map<String, Json>, path: &str) -> &'a Json {
    let mut names = path.split('.');
    let mut value = names.next().and_then(|name| node.get(name));
    for name in names {
        value = value.and_then(|value| value.get(name));
    }
    value.unwrap_or(&Json::Null)
}

fn convert(kind: Kind, told: &Json) -> Option<Value> {
    if kind == Kind::Json && !told.is_null() {
        return Some(Value::Text(told.to_string()));
    }
    Some(match (kind, told) {
        (_, Json::Null) => Value::Null,
        (Kind::Id | Kind::Text | Kind::Address, Json::String(text)) => Value::Text(text.clone()),
        (Kind::Id, Json::Number(number)) if number.is_i64() || number.is_u64() => {
            Value::Text(number.to_string())
        }
        (Kind::Integer, Json::Number(number)) => Value::Integer(number.as_i64()?),
        (Kind::Number, Json::Number(number)) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Real(number.as_f64().filter(|number| number.is_finite())?),
        },
        (Kind::Boolean, Json::Bool(truth)) => Value::Integer(i64::from(*truth)),
        (Kind::Instant, Json::String(text)) => Value::Text(instant(text)?),
        _ => return None,
    })
}

/// The API writes the offset without a colon, `2026-05-07T13:00:34+0000`; the database writes `2026-05-07T13:00:34Z`.
pub(super) fn instant(text: &str) -> Option<String> {
    let instant = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()?;
    // Whole seconds, without a leap second, and years that sort as text.
    let instant = DateTime::from_timestamp(instant.timestamp(), 0)?;
    (0..=9999)
        .contains(&instant.year())
        .then(|| instant_text(instant))
}

fn shorten(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Column, History};

    static PETS: Table = Table {
        name: "pets",
        key: &["id"],
        columns: &[
            Column::field("id", Kind::Id),
            Column::field("name", Kind::Text),
            Column::field("age", Kind::Integer),
            Column::field("tame", Kind::Boolean),
            Column::field("born", Kind::Instant),
            Column::field("owner_id", Kind::Id).from("owner.id"),
            Column::filled("house", Kind::Text),
        ],
        history: History::Entity,
        listed_by: None,
    };

    fn read(json: &str, asked: &[&str]) -> Result<Vec<Option<Value>>, Unreadable> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let asked = Fields::of(asked.iter().copied());
        row(&PETS, &object(&raw)?, &asked, &[("house", "1".into())]).map(|row| row.values)
    }

    const ALL: [&str; 6] = ["id", "name", "age", "tame", "born", "owner"];

    #[test]
    fn values_become_what_their_columns_hold() {
        let json = r#"{"id":17841400000000000123,"name":"a\u0000\"é","age":0,"tame":false,
            "born":"2026-05-07T13:00:34+0000","owner":{"id":"9"}}"#;
        assert_eq!(
            read(json, &ALL).unwrap(),
            [
                Some("17841400000000000123".into()),
                Some("a\0\"é".into()),
                Some(Value::Integer(0)),
                Some(Value::Integer(0)),
                Some("2026-05-07T13:00:34Z".into()),
                Some("9".into()),
                Some("1".into()),
            ]
        );
    }

    #[test]
    fn not_told_is_null_and_not_asked_is_left_alone() {
        let values = read(r#"{"id":"1"}"#, &["id", "name"]).unwrap();
        assert_eq!(values[1], Some(Value::Null));
        assert_eq!(values[2], None);
    }

    #[test]
    fn what_breaks_the_rules_is_named() {
        let problem = |json| read(json, &ALL).unwrap_err().to_string();
        assert_eq!(
            problem(r#"{"id":"1","age":"old"}"#),
            "1: age is not what it should be: \"old\""
        );
        assert!(problem(r#"{"id":"1","age":1.5}"#).contains("age"));
        assert!(problem(r#"{"id":"1","born":"yesterday"}"#).contains("born"));
        assert!(problem(r#"{"name":"x"}"#).contains("no id"));
        assert!(problem(r#"[1]"#).contains("invalid type"));
        assert!(problem(r#"{"id":"1","name":"\ud83d"}"#).contains("hex escape"));
    }

    #[test]
    fn instants_are_utc_whatever_their_offset() {
        assert_eq!(
            instant("2026-05-07T15:00:34+0200").as_deref(),
            Some("2026-05-07T13:00:34Z")
        );
        assert_eq!(
            instant("2026-05-07T13:00:34Z").as_deref(),
            Some("2026-05-07T13:00:34Z")
        );
        assert_eq!(
            instant("2016-12-31T23:59:60+0000").as_deref(),
            Some("2016-12-31T23:59:59Z")
        );
        assert_eq!(instant("+20261-05-07T13:00:34+0000"), None);
        assert_eq!(instant("-0001-05-07T13:00:34+0000"), None);
    }
}
