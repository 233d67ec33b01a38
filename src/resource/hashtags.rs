//! `hashtags`: what hashtags show: the most popular posts, and those of the last 24 hours.
//!
//! "Hashtag Search" guide: `GET /ig_hashtag_search` gives the id of a name, which never changes; `GET /{ig-hashtag}/recent_media` and
//! `GET /{ig-hashtag}/top_media` give posts of anybody, at most 50 a query, in the name of an account that may ask for 30 different
//! hashtags within seven days. Both lists move all the time, and their cursor is the same on every page: a reading that was interrupted
//! begins anew. What was published within a day is shown for a day, so it is read more often than that. Parts of albums come along where
//! they are told; whose a post is, its reposts, saves, shares and totals are not told here, and no page names its product type and thumbnail.

use std::time::Duration;

use serde_json::value::RawValue;

use super::decode::{self, Begun, Decoded, Missing};
use super::{Facts, Meter, Question, Questions, Resource, Work, children, fields_of};
use crate::clock::instant_text;
use crate::graph::{Fields, Page, Shape};
use crate::store::{Column, History, Kind, Reason, Table, Value};

static HASHTAGS_TABLE: Table = Table {
    name: "hashtags",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("name", Kind::Text),
    ],
    history: History::Entity,
    listed_by: None,
};

static POSTS: Table = Table {
    name: "hashtag_posts",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::field("caption", Kind::Text),
        Column::field("media_type", Kind::Text),
        Column::field("media_url", Kind::Address),
        Column::field("permalink", Kind::Text),
        Column::field("timestamp", Kind::Instant),
    ],
    history: History::Entity,
    listed_by: None,
};

/// What hashtags tell of any post.
static CHILDREN: Table = Table {
    name: "hashtag_post_children",
    key: &["media_id", "id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::filled("position", Kind::Integer),
        Column::field("media_type", Kind::Text),
        Column::field("media_url", Kind::Address),
        Column::field("permalink", Kind::Text),
        Column::field("timestamp", Kind::Instant),
    ],
    history: History::Entity,
    listed_by: None,
};

static SHOWN: Table = Table {
    name: "hashtag_media",
    key: &["hashtag_id", "edge", "day", "media_id"],
    columns: &[
        Column::filled("hashtag_id", Kind::Id),
        Column::filled("edge", Kind::Text),
        Column::filled("day", Kind::Text),
        Column::filled("media_id", Kind::Id),
        Column::filled("rank", Kind::Integer),
        Column::field("like_count", Kind::Integer),
        Column::field("comments_count", Kind::Integer),
    ],
    history: History::Entity,
    listed_by: None,
};

/// The resource.
pub(super) static HASHTAGS: Resource = Resource {
    name: "hashtags",
    permissions: &["instagram_basic"],
    meter: Meter::Hashtags,
    urgent: false,
    tables: &[&HASHTAGS_TABLE, &POSTS, &SHOWN, &CHILDREN],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// A list of a hashtag.
struct Edge {
    /// What the database calls it.
    name: &'static str,
    endpoint: &'static str,
    path: &'static str,
    /// How often it is read.
    every: Duration,
    /// How many posts of it are read. Some hashtags show more in a day than an app may ask for.
    most: u64,
}

/// What is gone first, first.
const EDGES: [Edge; 2] = [
    Edge {
        name: "recent",
        endpoint: "/{ig-hashtag}/recent_media",
        path: "recent_media",
        every: Duration::from_secs(12 * 3600),
        most: 1_000,
    },
    Edge {
        name: "top",
        endpoint: "/{ig-hashtag}/top_media",
        path: "top_media",
        every: Duration::from_secs(24 * 3600),
        most: 100,
    },
];

/// The most that a query gives ("IG Hashtag Recent Media" reference).
const LIMIT: u32 = 50;

/// A name that did not exist may have come to exist.
const RECHECK: chrono::TimeDelta = chrono::TimeDelta::days(30);

/// Sensitive hashtags are refused with a generic error, so it may have been another one.
const RECHECK_REFUSED: chrono::TimeDelta = chrono::TimeDelta::days(7);

fn due(facts: &Facts) -> Vec<Question> {
    let mut due = Vec::new();
    for name in facts.names_in_turn(|name| last_turn(facts, name)) {
        let Some(id) = known_id(facts, name) else {
            due.extend(is_search_due(facts, name).then(|| search(facts, name)));
            continue;
        };
        for edge in &EDGES {
            if facts.is_old(&subject(name, id, edge), edge.every) {
                due.push(of_edge(facts, name, id, edge));
            }
        }
    }
    due
}

fn last_turn(facts: &Facts, name: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    match known_id(facts, name) {
        Some(id) => facts.read_at(&subject(name, id, &EDGES[0])),
        None => facts.read_at(name),
    }
}

/// The id that a search gave: it is in the subjects that its answer began.
fn known_id<'f>(facts: &'f Facts, name: &str) -> Option<&'f str> {
    let start = format!("{name}:");
    let (first, _) = facts.reads.range(start.clone()..).next()?;
    first.strip_prefix(&start)?.split(':').next()
}

fn subject(name: &str, id: &str, edge: &Edge) -> String {
    format!("{name}:{id}:{}", edge.name)
}

fn is_search_due(facts: &Facts, name: &str) -> bool {
    let read = facts.reads.get(name);
    let read_at = read.and_then(|read| read.read_at);
    let pause = match read {
        Some(read) if read.closed => RECHECK,
        _ => RECHECK_REFUSED,
    };
    read_at.is_none_or(|at| at + pause <= facts.now)
}

fn search(facts: &Facts, name: &str) -> Question {
    Question {
        subject: name.to_owned(),
        object_id: Some(name.to_owned()),
        endpoint: "/ig_hashtag_search",
        path: "/ig_hashtag_search".to_owned(),
        params: vec![
            ("user_id", facts.account_id.clone()),
            ("q", name.to_owned()),
        ],
        shape: Shape::Single,
        family: "search".to_owned(),
        // A page of each list.
        leads_to: Some(EDGES.len() as u64),
        ..Question::default()
    }
}

fn of_edge(facts: &Facts, name: &str, id: &str, edge: &Edge) -> Question {
    let path = format!("{id}/{}", edge.path);
    let fields = fields_of(&POSTS).and(fields_of(&SHOWN));
    let fields = fields.with_extra(children::EDGE, fields_of(&CHILDREN));
    Question {
        subject: subject(name, id, edge),
        object_id: Some(path.clone()),
        endpoint: edge.endpoint,
        path: format!("/{path}"),
        fields: facts.accepted_fields(edge.path, fields),
        params: vec![("user_id", facts.account_id.clone())],
        limit: Some(LIMIT),
        shape: Shape::SameCursor,
        family: edge.path.to_owned(),
        // All pages of a reading belong to the day on which it began.
        mark: Some(instant_text(facts.now)),
        leads_to: Some(0),
        ..Question::default()
    }
}

/// The id of the hashtag that an answer speaks of.
pub fn id_of(question: &Question, answer: &[Box<RawValue>]) -> Option<String> {
    match question.subject.split(':').nth(1) {
        Some(id) => Some(id.to_owned()),
        None => Page::id_of(answer.first()?),
    }
}

fn rows(_account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let mut parts = question.subject.split(':');
    let name = parts.next().unwrap_or_default();
    let edge = parts
        .next()
        .zip(parts.next())
        .and_then(|(id, edge)| Some((id, EDGES.iter().find(|known| known.name == edge)?)));
    let Some((id, edge)) = edge else {
        return found(name, answer, decoded);
    };
    for (object, rank) in answer.iter().zip(question.before + 1..) {
        if let Err(problem) = post(question, id, edge, object, rank, decoded) {
            decoded.problems.push(problem);
        }
    }
    let shown = question.before + answer.len() as u64;
    decoded.enough = shown >= edge.most;
    if decoded.enough && edge.name == "recent" {
        decoded.missing.push(Missing {
            object_id: question.object_id.clone().unwrap_or_default(),
            field: None,
            reason: Reason::ListLimit,
            detail: format!(
                "#{name} showed more posts than the {shown} that were read; igsync reads no more of a hashtag at a time"
            ),
        });
    }
}

/// The row of a hashtag that a search found, and its lists.
fn found(name: &str, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let asked = Fields::of(["id"]);
    for object in answer.iter().take(1) {
        let filled = [("name", Value::from(name))];
        let row = decode::object(object)
            .and_then(|node| decode::row(&HASHTAGS_TABLE, &node, &asked, &filled));
        let is_found = decoded.take(row.map(|row| vec![row]));
        if let Some(id) = Page::id_of(object).filter(|_| is_found) {
            let begun = EDGES.iter().map(|edge| Begun {
                subject: subject(name, &id, edge),
                cursor: None,
            });
            decoded.begun.extend(begun);
        }
    }
}

fn post(
    question: &Question,
    hashtag_id: &str,
    edge: &Edge,
    object: &RawValue,
    rank: u64,
    decoded: &mut Decoded,
) -> Result<(), decode::Unreadable> {
    let node = decode::object(object)?;
    let post = decode::row(&POSTS, &node, &question.fields, &[])?;
    let media_id = decode::id(&post);
    let day = question.mark.as_deref().and_then(|mark| mark.get(..10));
    let filled = [
        ("hashtag_id", Value::from(hashtag_id)),
        ("edge", Value::from(edge.name)),
        ("day", Value::from(day.unwrap_or_default())),
        ("media_id", media_id.clone()),
        ("rank", Value::Integer(rank.cast_signed())),
    ];
    let shown = decode::row(&SHOWN, &node, &question.fields, &filled)?;
    decoded.rows.extend([post, shown]);
    children::rows(&CHILDREN, &media_id, &node, &question.fields, decoded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::store::Read;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200, 0).unwrap()
    }

    /// What is due of these names, with the hours since their subjects were read.
    fn subjects(names: &[&str], reads: &[(&str, Option<i64>, bool)]) -> Vec<String> {
        let mut facts = Facts::of("1", now());
        facts.names = names.iter().map(|&name| name.to_owned()).collect();
        facts.everything_since = Some(now());
        for (subject, hours, closed) in reads {
            let read = Read {
                subject: (*subject).to_owned(),
                read_at: hours.map(|hours| now() - TimeDelta::hours(hours)),
                closed: *closed,
                ..Read::default()
            };
            facts.reads.insert(read.subject.clone(), read);
        }
        let due = due(&facts).into_iter();
        due.map(|question| question.subject).collect()
    }

    #[test]
    fn a_name_is_searched_once_and_then_its_lists_are_read() {
        assert_eq!(subjects(&["coffee"], &[]), ["coffee"]);
        let found = [
            ("coffee", Some(900), false),
            ("coffee:17:recent", None, false),
            ("coffee:17:top", None, false),
        ];
        assert_eq!(
            subjects(&["coffee"], &found),
            ["coffee:17:recent", "coffee:17:top"]
        );
        let read = [
            ("coffee", Some(900), false),
            ("coffee:17:recent", Some(13), false),
            ("coffee:17:top", Some(13), false),
            // Another name that begins alike.
            ("coffeetime:18:recent", None, false),
        ];
        assert_eq!(subjects(&["coffee"], &read), ["coffee:17:recent"]);
    }

    #[test]
    fn what_does_not_exist_or_is_refused_is_asked_for_again_rarely() {
        let asks = |hours, closed| subjects(&["x"], &[("x", Some(hours), closed)]).len() == 1;
        assert!(!asks(29 * 24, true) && asks(30 * 24, true));
        assert!(!asks(6 * 24, false) && asks(7 * 24, false));
    }

    #[test]
    fn those_come_first_whose_last_turn_is_longest_ago() {
        let reads = [
            ("a:1:recent", Some(30), false),
            ("a:1:top", Some(1), false),
            ("b:2:recent", Some(50), false),
            ("b:2:top", Some(1), false),
        ];
        assert_eq!(
            subjects(&["a", "b", "c"], &reads),
            ["c", "b:2:recent", "a:1:recent"]
        );
    }

    #[test]
    fn ranks_go_on_from_page_to_page_and_a_reading_has_one_day() {
        let mut facts = Facts::of("1", now());
        facts.names = vec!["a".to_owned()];
        let mut question = of_edge(&facts, "a", "17", &EDGES[0]);
        question.before = 50;
        let answer = r#"{"id":"9","caption":"x","comments_count":2}"#;
        let answer = [RawValue::from_string(answer.to_owned()).unwrap()];
        let mut decoded = Decoded::default();
        rows("1", &question, &answer, &mut decoded);
        let [_, shown] = &decoded.rows[..] else {
            panic!("{decoded:?}");
        };
        let value = |name| shown.values[SHOWN.position(name).unwrap()].clone();
        assert_eq!(value("rank"), Some(Value::Integer(51)));
        assert_eq!(value("day"), Some("2026-10-05".into()));
        // Hidden is not zero.
        assert_eq!(value("like_count"), Some(Value::Null));
        assert!(!decoded.enough && decoded.missing.is_empty());
        question.before = EDGES[0].most - 1;
        rows("1", &question, &answer, &mut decoded);
        assert!(decoded.enough);
        assert_eq!(decoded.missing[0].object_id, "17/recent_media");
    }
}
