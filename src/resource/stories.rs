//! `stories`: stories while they are shown, and what Meta measured about them.
//!
//! `GET /{ig-user}/stories` ("IG User Stories" reference): only what is shown now, so a story is there for 24 hours. Its numbers
//! (`GET /{ig-media}/insights`, "Instagram Media Insights" page) can be had for as long, and are totals up to the moment. So they are
//! read often at first, ever more rarely later, and once more in the last hour: those numbers are final. Breakdowns cost a call of
//! their own each, because they refuse all other metrics, and are asked for only where there is something to break down.

use chrono::TimeDelta;
use serde_json::value::RawValue;

use super::decode::{Begun, Decoded};
use super::media::{self, MEDIA_TABLE, SNAPSHOTS};
use super::media_insights::{self, MEDIA_INSIGHTS_TABLE};
use super::{Facts, Lost, Meter, Question, Questions, Resource, Work, fields_of};
use crate::clock::instant_text;
use crate::graph::Shape;
use crate::store::{Post, Row, Table, Value};

/// The resource.
pub(super) static STORIES: Resource = Resource {
    name: "stories",
    permissions: &[
        "instagram_basic",
        "instagram_manage_insights",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: true,
    tables: &[&MEDIA_TABLE, &SNAPSHOTS, &MEDIA_INSIGHTS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: Some(lost),
    }),
};

/// How long a story is shown.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// Numbers from this age on are final.
const LAST_HOUR: TimeDelta = TimeDelta::hours(23);

/// Numbers are read again after this at the earliest, and after a share of the story's age.
const SPACING: TimeDelta = TimeDelta::hours(1);
const SHARE_OF_AGE: i32 = 6;

/// The same of breakdowns.
const SPACING_OF_BREAKDOWNS: TimeDelta = TimeDelta::hours(6);

/// The list is read again after this, so that a start that goes on does not pay for it twice.
const SPACING_OF_LIST: TimeDelta = TimeDelta::minutes(10);

/// Jobs do not begin at the same second of the hour.
const SLACK: TimeDelta = TimeDelta::minutes(5);

/// The subject of the list.
const LIST: &str = "shown now";

const METRICS: &[&str] = &[
    "reach",
    "views",
    "replies",
    "shares",
    "reposts",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
    "navigation",
    "link_clicks",
    "total_views",
];

/// Metrics with their breakdowns.
const BREAKDOWNS: &[(&str, &str)] = &[
    ("navigation", "story_navigation_action_type"),
    ("profile_activity", "action_type"),
];

/// What only posts and reels have ("IG Media" reference).
const NOT_OF_STORIES: &[&str] = &[
    "is_shared_to_feed",
    "reposts_count",
    "saved_count",
    "shares_count",
];

fn due(facts: &Facts) -> Vec<Question> {
    let read = facts.reads.get(LIST);
    let listed = read.and_then(|read| read.read_at);
    let going_on = read.is_some_and(|read| read.cursor.is_some());
    let list = going_on || listed.is_none_or(|at| at + SPACING_OF_LIST <= facts.now);
    let mut due: Vec<Question> = list.then(|| of_list(facts)).into_iter().collect();
    // What ends first, first.
    let shown = stories(facts)
        .rev()
        .filter(|story| !has_ended(facts, story));
    for story in shown {
        if is_due(facts, story, &story.id, SPACING) {
            due.extend(of_numbers(facts, story));
        }
        for (metric, breakdown) in BREAKDOWNS {
            let subject = of_metric(&story.id, metric);
            let begun = facts.reads.contains_key(&subject);
            if begun && is_due(facts, story, &subject, SPACING_OF_BREAKDOWNS) {
                due.extend(of_breakdown(facts, story, metric, breakdown));
            }
        }
    }
    due
}

fn stories(facts: &Facts) -> impl DoubleEndedIterator<Item = &Post> {
    let posts = facts.posts.iter();
    posts.filter(|post| post.product_type.as_deref() == Some("STORY"))
}

fn has_ended(facts: &Facts, story: &Post) -> bool {
    story.timestamp + LIFE <= facts.now
}

fn is_due(facts: &Facts, story: &Post, subject: &str, spacing: TimeDelta) -> bool {
    let Some(read) = facts.reads.get(subject) else {
        return true;
    };
    let Some(read_at) = read.read_at else {
        return !read.closed;
    };
    let last_hour = story.timestamp + LAST_HOUR;
    if read.closed || read_at >= last_hour {
        return false;
    }
    let spacing = spacing.max((read_at - story.timestamp) / SHARE_OF_AGE);
    facts.now >= last_hour || read_at + spacing <= facts.now + SLACK
}

/// Stories that have ended, and were not asked about in their last hour.
fn lost(facts: &Facts) -> Vec<Lost> {
    let ended = stories(facts).filter(|story| has_ended(facts, story));
    let lost = ended.filter_map(|story| {
        let read = facts.reads.get(&story.id);
        let read_at = read.and_then(|read| read.read_at);
        let is_final = read_at.is_some_and(|at| at >= story.timestamp + LAST_HOUR);
        if is_final || read.is_some_and(|read| read.closed) {
            return None;
        }
        let end = instant_text(story.timestamp + LIFE);
        let numbers = read.and_then(|read| read.mark.as_deref());
        Some(Lost {
            subject: story.id.clone(),
            object_id: story.id.clone(),
            detail: match numbers {
                Some(at) => format!("it ended at {end}; its numbers were last read at {at}"),
                None => format!("it ended at {end}, before any numbers could be read"),
            },
        })
    });
    lost.collect()
}

fn of_list(facts: &Facts) -> Question {
    let mut fields = fields_of(&MEDIA_TABLE).and(fields_of(&SNAPSHOTS));
    for name in NOT_OF_STORIES {
        fields.remove(name);
    }
    Question {
        subject: LIST.to_owned(),
        object_id: None,
        endpoint: "/{ig-user}/stories",
        path: format!("/{}/stories", facts.account_id),
        fields: facts.accepted_fields(LIST, fields),
        metrics: Vec::new(),
        params: Vec::new(),
        limit: Some(100),
        shape: Shape::Edge,
        after: facts.cursor(LIST),
        otherwise: None,
        family: LIST.to_owned(),
        posted_at: None,
        mark: None,
    }
}

fn of_numbers(facts: &Facts, story: &Post) -> Option<Question> {
    let family = family(story);
    let metrics = facts.accepted(&family, METRICS);
    (!metrics.is_empty()).then(|| Question {
        mark: Some(instant_text(facts.now)),
        ..media_insights::of_media(story, family, metrics)
    })
}

fn of_breakdown(
    facts: &Facts,
    story: &Post,
    metric: &'static str,
    breakdown: &str,
) -> Option<Question> {
    let family = format!("{} by {breakdown}", family(story));
    let metrics = facts.accepted(&family, &[metric]);
    (!metrics.is_empty()).then(|| Question {
        subject: of_metric(&story.id, metric),
        params: vec![("breakdown", breakdown.to_owned())],
        ..media_insights::of_media(story, family, metrics)
    })
}

fn family(story: &Post) -> String {
    format!("STORY {}", story.media_type.as_deref().unwrap_or_default())
}

/// The subject of a metric's breakdown.
fn of_metric(story_id: &str, metric: &str) -> String {
    format!("{story_id}:{metric}")
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    if question.subject == LIST {
        return shown(account_id, question, answer, decoded);
    }
    let story_id = question.object_id.clone().unwrap_or_default();
    let of_story = Question {
        subject: story_id.clone(),
        ..question.clone()
    };
    media_insights::rows(account_id, &of_story, answer, decoded);
    for (metric, _) in BREAKDOWNS {
        if decoded.rows.iter().any(|row| counts(row, metric)) {
            decoded.begun.push(begun(of_metric(&story_id, metric)));
        }
    }
}

/// The rows of media that a list shows for a while, each of which begins a subject.
pub(super) fn shown(
    account_id: &str,
    question: &Question,
    answer: &[Box<RawValue>],
    decoded: &mut Decoded,
) {
    for object in answer {
        media::rows(account_id, &question.fields, object, decoded);
    }
    let shown = decoded
        .rows
        .iter()
        .filter_map(|row| text(row, &MEDIA_TABLE, "id"));
    decoded.begun = shown.map(|id| begun(id.to_owned())).collect();
}

fn begun(subject: String) -> Begun {
    Begun {
        subject,
        cursor: None,
    }
}

/// Whether a row tells that there is some of a metric.
fn counts(row: &Row, metric: &str) -> bool {
    let value = MEDIA_INSIGHTS_TABLE.position("value");
    let value = value.and_then(|at| row.values[at].as_ref());
    text(row, &MEDIA_INSIGHTS_TABLE, "name") == Some(metric)
        && matches!(value, Some(Value::Integer(number)) if *number > 0)
}

fn text<'r>(row: &'r Row, table: &'static Table, column: &str) -> Option<&'r str> {
    let at = table.position(column)?;
    match row.values.get(at)? {
        Some(Value::Text(text)) if std::ptr::eq(row.table, table) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::resource::Refresh;
    use crate::store::Read;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200 + minutes * 60, 0).unwrap()
    }

    /// A story from minute 0, at a minute of its life, with the minutes at which subjects were read.
    fn facts(minute: i64, reads: &[(&str, i64)]) -> Facts {
        let read = |&(subject, minute): &(&str, i64)| Read {
            subject: subject.to_owned(),
            read_at: Some(at(minute)),
            ..Read::default()
        };
        Facts {
            now: at(minute),
            account_id: "1".to_owned(),
            posts: vec![Post {
                id: "7".to_owned(),
                media_type: Some("IMAGE".to_owned()),
                product_type: Some("STORY".to_owned()),
                timestamp: at(0),
                comments_count: None,
            }],
            reads: reads
                .iter()
                .map(read)
                .map(|read| (read.subject.clone(), read))
                .collect(),
            everything_since: Some(at(minute)),
            refresh: Refresh::default(),
            names: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    fn subjects(minute: i64, reads: &[(&str, i64)]) -> Vec<String> {
        let due = due(&facts(minute, reads)).into_iter();
        due.map(|question| question.subject).collect()
    }

    #[test]
    fn the_list_is_read_first_and_a_start_that_goes_on_does_not_read_it_again() {
        assert_eq!(subjects(3, &[]), [LIST, "7"]);
        assert_eq!(subjects(3, &[(LIST, 1)]), ["7"]);
        assert_eq!(subjects(13, &[(LIST, 1), ("7", 1)]), [LIST]);
    }

    #[test]
    fn numbers_are_read_ever_more_rarely_and_once_more_in_the_last_hour() {
        let asks = |minute, last| subjects(minute, &[(LIST, minute), ("7", last)]).len() == 1;
        assert!(!asks(40, 0) && asks(57, 0) && asks(120, 60));
        assert!(!asks(13 * 60, 12 * 60) && asks(14 * 60, 12 * 60));
        assert!(asks(23 * 60, 22 * 60 + 59));
        assert!(!asks(23 * 60 + 59, 23 * 60) && !asks(24 * 60, 60));
    }

    #[test]
    fn breakdowns_are_asked_for_only_where_there_is_something_and_not_as_often() {
        let reads = |last| [(LIST, 600), ("7", 600), ("7:navigation", last)];
        assert_eq!(subjects(600, &reads(60)), ["7:navigation"]);
        assert!(subjects(600, &reads(400)).is_empty());
        let mut facts = facts(600, &[(LIST, 600), ("7", 600), ("7:navigation", 0)]);
        if let Some(read) = facts.reads.get_mut("7:navigation") {
            read.read_at = None;
        }
        let question = &due(&facts)[0];
        assert_eq!(question.metrics, ["navigation"]);
        assert_eq!(question.object_id.as_deref(), Some("7"));
        assert_eq!(
            question.params,
            [("breakdown", "story_navigation_action_type".to_owned())]
        );
    }

    #[test]
    fn a_story_that_ended_without_a_reading_in_its_last_hour_is_lost_and_says_when_it_was_read() {
        let lost_at = |minute, reads: &[(&str, i64)]| lost(&facts(minute, reads));
        assert!(lost_at(1439, &[]).is_empty());
        assert!(lost_at(1440, &[("7", 1390)]).is_empty());
        assert!(lost_at(1440, &[])[0].detail.contains("before any numbers"));
        let mut facts = facts(1500, &[("7", 60)]);
        let read = facts.reads.get_mut("7").unwrap();
        read.mark = Some("2026-10-05T09:00:00Z".to_owned());
        assert_eq!(
            lost(&facts)[0].detail,
            "it ended at 2026-10-06T08:00:00Z; its numbers were last read at 2026-10-05T09:00:00Z"
        );
        facts.reads.get_mut("7").unwrap().closed = true;
        assert!(lost(&facts).is_empty());
    }
}
