//! Answers about stories: the list, numbers, and their parts.

use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::{BREAKDOWNS, LIST, of_metric};
use crate::resource::Question;
use crate::resource::decode::{self, Begun, Decoded, Told};
use crate::resource::media::{self, MEDIA_TABLE};
use crate::resource::media_insights::{self, MEDIA_INSIGHTS_TABLE};
use crate::store::{Row, Table, Value};

pub(super) fn rows(
    account_id: &str,
    question: &Question,
    answer: &[Box<RawValue>],
    decoded: &mut Decoded,
) {
    if question.subject == LIST {
        return list_rows(account_id, question, answer, decoded);
    }
    if question.is_page() {
        return part_rows(question, answer, decoded);
    }
    let story_id = question.object_id.clone().unwrap_or_default();
    media_insights::rows_of_one(question, answer, decoded);
    begin_breakdowns(&story_id, 0, decoded);
}

/// The stories of the list, and their numbers where they come along.
fn list_rows(
    account_id: &str,
    question: &Question,
    answer: &[Box<RawValue>],
    decoded: &mut Decoded,
) {
    for object in answer {
        let before = decoded.rows.len();
        media::rows(account_id, &question.fields, object, decoded);
        let row = decoded.rows.get(before);
        let Some(id) = row.and_then(|row| text(row, &MEDIA_TABLE, "id")) else {
            continue;
        };
        let id = id.to_owned();
        if question.rest.is_some() {
            decoded.silent.push(id.clone());
        }
        decoded.begun.push(begun(id.clone()));
        let rows = &decoded.rows[before..];
        if rows
            .iter()
            .any(|row| text(row, &MEDIA_INSIGHTS_TABLE, "name").is_some())
        {
            begin_breakdowns(&id, before, decoded);
            decoded.told.push(Told {
                subject: id,
                mark: question.mark.clone(),
                ..Told::default()
            });
        }
    }
}

/// The parts of a metric of all stories.
fn part_rows(question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    for object in answer {
        let Ok(story) = decode::object(object) else {
            continue;
        };
        let id = story.get("id").and_then(Json::as_str).unwrap_or_default();
        let mut others = question.stands_for.iter();
        let Some(one) = others.find(|one| one.object_id.as_deref() == Some(id)) else {
            continue;
        };
        if media_insights::metric_rows(id, &story, decoded) {
            decoded.told.push(Told {
                subject: one.subject.clone(),
                ..Told::default()
            });
        }
    }
}

/// Begins the breakdowns of metrics of which there is something to break down, in the rows from one on.
fn begin_breakdowns(story_id: &str, from: usize, decoded: &mut Decoded) {
    for (metric, _) in BREAKDOWNS {
        let mut rows = decoded.rows[from..].iter();
        if rows.any(|row| media_insights::number_of(row, metric) > Some(0)) {
            decoded.begun.push(begun(of_metric(story_id, metric)));
        }
    }
}

fn begun(subject: String) -> Begun {
    Begun {
        subject,
        cursor: None,
    }
}

fn text<'r>(row: &'r Row, table: &'static Table, column: &str) -> Option<&'r str> {
    let at = table.position(column)?;
    match row.values.get(at)? {
        Some(Value::Text(text)) if std::ptr::eq(row.table, table) => Some(text),
        _ => None,
    }
}
