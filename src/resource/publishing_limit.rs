//! `publishing_limit`: how many posts the account has published through the API within a day, and how many it may.
//!
//! `GET /{ig-user}/content_publishing_limit` ("IG User Content Publishing Limit" reference): without `since` of the last 24 hours. The
//! pages contradict each other about the quota, so what the answer says is kept.

use chrono::TimeDelta;
use serde_json::value::RawValue;

use super::decode::{self, Decoded};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::graph::Shape;
use crate::store::{Column, History, Kind, Table, Value};

static PUBLISHING_LIMIT_TABLE: Table = Table {
    name: "publishing_limit",
    key: &["account_id"],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::field("quota_usage", Kind::Integer),
        Column::field("quota_total", Kind::Integer).from("config.quota_total"),
        Column::field("quota_duration", Kind::Integer).from("config.quota_duration"),
    ],
    history: History::Observation,
    listed_by: None,
};

/// The resource.
pub(super) static PUBLISHING_LIMIT: Resource = Resource {
    name: "publishing_limit",
    permissions: &[
        "instagram_basic",
        "instagram_content_publish",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&PUBLISHING_LIMIT_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// What is asked about.
const SUBJECT: &str = "quota";

const ENDPOINT: &str = "/{ig-user}/content_publishing_limit";

/// A start that goes on does not ask again.
const SPACING: TimeDelta = TimeDelta::minutes(10);

fn due(facts: &Facts) -> Vec<Question> {
    let due = facts.was_not_read_within(SUBJECT, SPACING);
    let question = || {
        let path = format!("/{}/content_publishing_limit", facts.account_id);
        let fields = facts.accepted_fields(SUBJECT, fields_of(&PUBLISHING_LIMIT_TABLE));
        Question::of(SUBJECT, ENDPOINT, path, fields, Shape::Single)
    };
    due.then(question).into_iter().collect()
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let account = ("account_id", Value::from(account_id));
    for object in answer {
        let row = decode::object(object).and_then(|node| {
            let account = std::slice::from_ref(&account);
            decode::row(&PUBLISHING_LIMIT_TABLE, &node, &question.fields, account)
        });
        decoded.take(row.map(|row| vec![row]));
    }
}
