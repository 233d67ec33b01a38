//! `live_media`: a broadcast while it runs, and its counts.
//!
//! `GET /{ig-user}/live_media` ("IG User Live Media" reference): nearly always empty. The posts of the account show a broadcast only
//! after its end, and only where it was kept, so a row in `media` that this list has shown is not judged by their list for a day.
//! `current_live_viewer_count` stands in Meta's SDK only, and is asked for all the same: it can be told at that moment or never.

use chrono::TimeDelta;
use serde_json::value::RawValue;

use super::decode::{self, Begun, Decoded};
use super::media::{self, MEDIA_TABLE, SNAPSHOTS};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::graph::Shape;
use crate::store::{Column, History, Kind, Table, Value};

static LIVE_SNAPSHOTS: Table = Table {
    name: "live_snapshots",
    key: &["media_id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field(VIEWERS, Kind::Integer).optional(),
    ],
    history: History::Observation,
    listed_by: None,
};

const VIEWERS: &str = "current_live_viewer_count";

/// The resource.
pub(super) static LIVE_MEDIA: Resource = Resource {
    name: "live_media",
    permissions: &["instagram_basic", "pages_read_engagement"],
    meter: Meter::Account,
    urgent: true,
    tables: &[&MEDIA_TABLE, &SNAPSHOTS, &LIVE_SNAPSHOTS],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// The subject of the list.
const LIST: &str = "running now";

const ENDPOINT: &str = "/{ig-user}/live_media";

/// A start that goes on does not ask again.
const SPACING: TimeDelta = TimeDelta::minutes(10);

fn due(facts: &Facts) -> Vec<Question> {
    let due = facts.was_not_read_within(LIST, SPACING);
    let question = || {
        let path = format!("/{}/live_media", facts.account_id);
        let fields = fields_of(&MEDIA_TABLE).and(fields_of(&SNAPSHOTS));
        let fields = fields.and(fields_of(&LIVE_SNAPSHOTS));
        let fields = facts.accepted_fields(LIST, fields);
        Question {
            limit: Some(50),
            ..Question::of(LIST, ENDPOINT, path, fields, Shape::Edge)
        }
    };
    due.then(question).into_iter().collect()
}

/// Notes the broadcasts as subjects, too: that they were shown is what keeps them from being taken for deleted.
fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let id_at = MEDIA_TABLE.position("id").unwrap_or_default();
    for object in answer {
        let before = decoded.rows.len();
        media::rows(account_id, &question.fields, object, decoded);
        let id = decoded
            .rows
            .get(before)
            .and_then(|row| row.values[id_at].as_ref());
        let Some(Value::Text(id)) = id.cloned() else {
            continue;
        };
        decoded.begun.push(Begun {
            subject: id.clone(),
            cursor: None,
        });
        if question.fields.contains(VIEWERS) {
            let media_id = [("media_id", Value::Text(id))];
            let viewers = decode::object(object)
                .and_then(|node| decode::row(&LIVE_SNAPSHOTS, &node, &question.fields, &media_id));
            decoded.take(viewers.map(|row| vec![row]));
        }
    }
}
