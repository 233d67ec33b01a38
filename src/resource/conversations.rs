//! `conversations`: what people and the account write to each other.
//!
//! `GET /{page}/conversations?platform=instagram` and `GET /{conversation}` ("Conversations API" page), with the Page's own token. Only the 20
//! most recent messages of a conversation tell what they say; what came before is lost when it was not read in time. Conversations of
//! the Requests folder are listed for 30 days after their last message. Answers are slow, so only conversations that have moved are
//! asked about, each with one call, and the list is left where it is known. `is_owner` is left out: it says which app answers, not whose
//! the conversation is.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Begun, Decoded, Missing, Unreadable};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::clock::{instant_text, parse_instant};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, Conversation, History, Kind, Reason, Row, Table, Value};

static CONVERSATIONS_TABLE: Table = Table {
    name: "conversations",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("account_id", Kind::Id),
        Column::field("updated_time", Kind::Instant),
        Column::filled("participants", Kind::Json),
        Column::filled("partner_id", Kind::Id),
        Column::filled("partner_username", Kind::Text),
    ],
    history: History::Entity,
    listed_by: None,
};

static MESSAGES_TABLE: Table = Table {
    name: "messages",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("conversation_id", Kind::Id),
        Column::field("created_time", Kind::Instant),
        Column::field("from_id", Kind::Id).from("from.id"),
        Column::field("from_username", Kind::Text).from("from.username"),
        Column::filled("to_id", Kind::Id),
        Column::filled("to_username", Kind::Text),
        Column::field("message", Kind::Text),
        Column::field("is_unsupported", Kind::Boolean),
        Column::filled("reply_to", Kind::Json),
        Column::filled("attachments", Kind::Json),
        Column::filled("shares", Kind::Json),
        Column::filled("story", Kind::Json),
        Column::filled("reactions", Kind::Json),
    ],
    history: History::Entity,
    listed_by: None,
};

/// The resource.
pub(super) static CONVERSATIONS: Resource = Resource {
    name: "conversations",
    permissions: &[
        "instagram_basic",
        "instagram_manage_messages",
        "pages_manage_metadata",
    ],
    meter: Meter::Messenger,
    urgent: false,
    tables: &[&CONVERSATIONS_TABLE, &MESSAGES_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// The subject of the list, as far as it has moved.
const MOVED: &str = "list";

/// The subject of the whole list.
const ALL: &str = "whole list";

/// The list is read again after this, so that a start that goes on does not pay for it twice.
const SPACING: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// How often the whole list is read: that it is in the order of movement is known, and documented nowhere.
const RARELY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Messages that tell what they say ("Conversations API" page).
const READABLE: usize = 20;

const MESSAGES: &str = "messages.limit(20)";

/// Objects and lists of a message that are kept as JSON.
const AS_JSON: [&str; 5] = ["reply_to", "attachments", "shares", "story", "reactions"];

fn due(facts: &Facts) -> Vec<Question> {
    let moved = facts
        .conversations
        .iter()
        .filter(|one| has_moved(facts, one));
    list(facts)
        .into_iter()
        .chain(moved.map(|one| of_conversation(facts, one)))
        .collect()
}

fn has_moved(facts: &Facts, conversation: &Conversation) -> bool {
    let read = facts.reads.get(&conversation.id);
    let mark = read.and_then(|read| read.mark.as_deref());
    mark != Some(&instant_text(conversation.updated_time))
}

fn list(facts: &Facts) -> Option<Question> {
    let whole = facts.cursor(ALL).is_some() || facts.is_due_every(ALL, Some(RARELY));
    let listed_at = facts.read_at(MOVED).max(facts.read_at(ALL));
    let is_new = listed_at.is_some_and(|at| facts.now < at + SPACING);
    if !whole && facts.cursor(MOVED).is_none() && is_new {
        return None;
    }
    let subject = if whole { ALL } else { MOVED };
    let after = facts.cursor(subject);
    let newest = facts.conversations.first().map(|one| one.updated_time);
    let begun = facts
        .reads
        .get(subject)
        .and_then(|read| read.mark.as_deref());
    // What the first pages brought is no reason to leave out the others.
    let since = match &after {
        Some(_) => begun.and_then(parse_instant),
        None => newest,
    };
    let since = since.filter(|_| !whole);
    Some(Question {
        subject: subject.to_owned(),
        endpoint: "/{page}/conversations",
        path: "/{page}/conversations".to_owned(),
        fields: facts.accepted_fields(MOVED, Fields::of(["id", "updated_time"])),
        params: vec![("platform", "instagram".to_owned())],
        limit: Some(50),
        shape: Shape::Edge,
        after,
        since,
        family: MOVED.to_owned(),
        mark: since.map(instant_text),
        leads_to: Some(0),
        ..Question::default()
    })
}

fn of_conversation(facts: &Facts, conversation: &Conversation) -> Question {
    let id = &conversation.id;
    let messages = fields_of(&MESSAGES_TABLE).and(Fields::of(["to"]));
    let messages = messages.and(Fields::of(AS_JSON));
    let fields = Fields::of(["participants"]).with(MESSAGES, messages);
    let read = facts.reads.get(id).and_then(|read| read.mark.as_deref());
    Question {
        subject: id.clone(),
        object_id: Some(id.clone()),
        endpoint: "/{conversation}",
        path: format!("/{id}"),
        fields: facts.accepted_fields("conversation", fields),
        shape: Shape::Node,
        since: read.and_then(parse_instant),
        family: "conversation".to_owned(),
        mark: Some(instant_text(conversation.updated_time)),
        ..Question::default()
    }
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let is_list = question.shape == Shape::Edge;
    for object in answer {
        match decode::object(object) {
            Ok(node) if is_list => listed(account_id, question, &node, decoded),
            Ok(node) if node.get("id").and_then(Json::as_str) != Some(&question.subject) => {
                decoded.problems.push(Unreadable {
                    object: question.subject.clone(),
                    problem: "the answer is about another conversation".to_owned(),
                });
            }
            Ok(node) => conversation(account_id, question, &node, decoded),
            Err(problem) => decoded.problems.push(problem),
        }
    }
}

/// A conversation as the list shows it. Whether it has moved is seen when questions are chosen again.
fn listed(account_id: &str, question: &Question, node: &Map<String, Json>, decoded: &mut Decoded) {
    let filled = [("account_id", Value::from(account_id))];
    let row = decode::row(&CONVERSATIONS_TABLE, node, &question.fields, &filled);
    let id = node.get("id").and_then(Json::as_str);
    let Some(id) = id.filter(|_| decoded.take(row.map(|row| vec![row]))) else {
        return;
    };
    decoded.begun.push(Begun {
        subject: id.to_owned(),
        cursor: None,
    });
    let updated = node.get("updated_time").and_then(Json::as_str);
    let updated = updated.and_then(decode::instant);
    let known = question.since.map(instant_text);
    decoded.enough = known.is_some_and(|known| updated.is_some_and(|updated| updated <= known));
}

fn conversation(
    account_id: &str,
    question: &Question,
    node: &Map<String, Json>,
    decoded: &mut Decoded,
) {
    decoded.take(people(account_id, question, node).map(|row| vec![row]));
    let wanted = question.fields.selection("messages").cloned();
    let wanted = wanted.unwrap_or_default();
    let messages = graph::nested(node, "messages");
    for one in messages {
        let row = decode::map(one).and_then(|one| message(&question.subject, one, &wanted));
        decoded.take(row.map(|row| vec![row]));
    }
    let times = messages.iter().filter_map(|one| one.get("created_time"));
    let times = times.filter_map(Json::as_str).filter_map(decode::instant);
    let oldest = times.min();
    let may_go_on = graph::nested_next(node, "messages").is_some() && messages.len() >= READABLE;
    let Some(oldest) = oldest.filter(|_| may_go_on) else {
        return;
    };
    let known = question.since.map(instant_text);
    let detail = match known {
        Some(known) if oldest <= known => return,
        Some(known) => format!(
            "what was written between {known} and {oldest} cannot be read, except for the {READABLE} most recent \
             messages: read conversations more often"
        ),
        None => format!(
            "what was written before {oldest} cannot be read: only the {READABLE} most recent messages can"
        ),
    };
    decoded.missing.push(Missing {
        object_id: question.subject.clone(),
        field: Some("messages"),
        reason: Reason::Expired,
        detail,
    });
}

/// The row of a conversation with who takes part in it.
fn people(
    account_id: &str,
    question: &Question,
    node: &Map<String, Json>,
) -> Result<Row, Unreadable> {
    let people = graph::nested(node, "participants");
    let is_other = |one: &&Json| one.get("id").and_then(Json::as_str) != Some(account_id);
    let mut others = people.iter().filter(is_other);
    let partner = others.next().filter(|_| others.next().is_none());
    let filled = [
        ("account_id", Value::from(account_id)),
        ("participants", json(people)),
        ("partner_id", text(partner, "id")),
        ("partner_username", text(partner, "username")),
    ];
    let asked_for = question.fields.contains("participants");
    let filled = if asked_for { &filled[..] } else { &filled[..1] };
    decode::row(&CONVERSATIONS_TABLE, node, &Fields::of(["id"]), filled)
}

fn message(
    conversation_id: &str,
    node: &Map<String, Json>,
    wanted: &Fields,
) -> Result<Row, Unreadable> {
    let to = graph::nested(node, "to").first();
    let mut filled = vec![
        ("conversation_id", Value::from(conversation_id)),
        ("to_id", text(to, "id")),
        ("to_username", text(to, "username")),
    ];
    for name in AS_JSON.into_iter().filter(|name| wanted.contains(name)) {
        filled.push((name, json(graph::objects(node, name))));
    }
    decode::row(&MESSAGES_TABLE, node, wanted, &filled)
}

fn text(of: Option<&Json>, name: &str) -> Value {
    let told = of.and_then(|of| of.get(name)).and_then(Json::as_str);
    told.map_or(Value::Null, Value::from)
}

/// Objects as they are, without addresses: those are signed, differ on every read, and end.
fn json(objects: &[Json]) -> Value {
    if objects.is_empty() {
        return Value::Null;
    }
    let objects: Vec<Json> = objects.iter().map(without_addresses).collect();
    Value::Text(Json::from(objects).to_string())
}

fn without_addresses(value: &Json) -> Json {
    let is_address = |value: &Json| {
        let text = value.as_str().unwrap_or_default();
        text.starts_with("https://") || text.starts_with("http://")
    };
    match value {
        Json::Object(members) => members
            .iter()
            .filter(|(_, value)| !is_address(value))
            .map(|(name, value)| (name.clone(), without_addresses(value)))
            .collect(),
        Json::Array(values) => values.iter().map(without_addresses).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::store::Read;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200 + minutes * 60, 0).unwrap()
    }

    fn facts(conversations: &[(&str, i64)]) -> Facts {
        Facts {
            conversations: conversations
                .iter()
                .map(|(id, minutes)| Conversation {
                    id: (*id).to_owned(),
                    updated_time: at(*minutes),
                })
                .collect(),
            ..Facts::of("1", at(0))
        }
    }

    fn read(facts: &mut Facts, subject: &str, minutes: i64, mark: Option<i64>) {
        let read = Read {
            subject: subject.to_owned(),
            read_at: Some(at(minutes)),
            mark: mark.map(|minutes| instant_text(at(minutes))),
            ..Read::default()
        };
        facts.reads.insert(read.subject.clone(), read);
    }

    fn subjects(facts: &Facts) -> Vec<String> {
        due(facts).into_iter().map(|one| one.subject).collect()
    }

    #[test]
    fn the_whole_list_is_read_once_a_week_and_else_what_has_moved() {
        let mut facts = facts(&[("b", -5), ("a", -90)]);
        assert_eq!(subjects(&facts), [ALL, "b", "a"]);
        read(&mut facts, ALL, -60, None);
        read(&mut facts, "a", -60, Some(-90));
        assert_eq!(subjects(&facts), [MOVED, "b"]);
        assert_eq!(due(&facts)[0].since, Some(at(-5)));
        read(&mut facts, MOVED, -3, None);
        read(&mut facts, "b", -3, Some(-5));
        assert!(subjects(&facts).is_empty());
        facts.now += TimeDelta::days(7);
        assert_eq!(subjects(&facts), [ALL]);
        assert_eq!(due(&facts)[0].since, None);
    }

    #[test]
    fn a_list_that_was_begun_goes_on_with_what_was_known_then() {
        let mut facts = facts(&[("b", -5)]);
        read(&mut facts, ALL, -60, None);
        read(&mut facts, MOVED, -60, Some(-80));
        facts.reads.get_mut(MOVED).unwrap().cursor = Some("c".to_owned());
        let list = due(&facts).remove(0);
        assert_eq!(list.after.as_deref(), Some("c"));
        assert_eq!(list.since, Some(at(-80)));
    }

    /// What an answer with so many messages, a minute apart, proves to be missing.
    fn missing(messages: i64, since: Option<i64>) -> Vec<Missing> {
        let mut facts = facts(&[("a", 0)]);
        if let Some(since) = since {
            read(&mut facts, "a", since, Some(since));
        }
        let question = due(&facts).pop().unwrap();
        let message = |minute: i64| {
            let at = instant_text(at(-minute));
            serde_json::json!({"id": minute.to_string(), "created_time": at, "message": ""})
        };
        let list: Vec<Json> = (0..messages).map(message).collect();
        let answer = serde_json::json!({
            "id": "a",
            "messages": {"data": list, "paging": {"cursors": {"after": "x"}}},
        });
        let answer = [RawValue::from_string(answer.to_string()).unwrap()];
        let mut decoded = Decoded::default();
        rows("1", &question, &answer, &mut decoded);
        assert_eq!(decoded.rows.len() as i64, messages + 1);
        decoded.missing
    }

    #[test]
    fn what_lies_between_two_readings_is_missing_only_where_more_than_twenty_were_written() {
        assert!(missing(19, None).is_empty());
        assert!(missing(20, Some(-19)).is_empty());
        let between = &missing(20, Some(-30))[0];
        assert!(between.detail.contains("between 2026-10-05T07:30:00Z"));
        assert_eq!(between.reason, Reason::Expired);
        assert!(missing(20, None)[0].detail.contains("written before"));
    }

    #[test]
    fn pictures_are_kept_without_their_addresses() {
        let wanted = Fields::of(AS_JSON);
        let node = serde_json::json!({
            "id": "m",
            "to": {"data": [{"id": "5", "username": "u"}]},
            "attachments": {"data": [{"id": "7", "image_data": {"width": 3, "url": "https://cdn/x?oh=1"}}]},
            "shares": {"data": []},
            "story": {"mention": {"id": "8", "link": "https://cdn/y"}},
        });
        let wanted = wanted.and(Fields::of(["id"]));
        let row = message("c", node.as_object().unwrap(), &wanted).unwrap();
        let value = |name| row.values[MESSAGES_TABLE.position(name).unwrap()].clone();
        assert_eq!(
            value("attachments"),
            Some(r#"[{"id":"7","image_data":{"width":3}}]"#.into())
        );
        assert_eq!(value("shares"), Some(Value::Null));
        assert_eq!(value("story"), Some(r#"[{"mention":{"id":"8"}}]"#.into()));
        assert_eq!(value("reactions"), Some(Value::Null));
        assert_eq!(value("to_username"), Some("u".into()));
    }
}
