//! `media_insights`: what Meta measured about posts and reels.
//!
//! `GET /{ig-media}/insights` ("Instagram Media Insights" page): totals up to the moment, kept up to two years, late by up to two days.
//! Which metrics there are depends on the product type; one that is not accepted refuses the whole answer. `facebook_views`
//! and `crossposted_views` are left out: they refuse posts that were not shared to Facebook. `content_views` is a name
//! of Meta's SDK that no page documents, `impressions` is retired. Stories have a resource of their own, as they end. Neighbours in the
//! list of posts that have the same metrics are asked about together.
//!
//! The parts of `profile_activity` cost calls of their own, as their breakdown refuses all other metrics. So they are read of posts with
//! something to break down only: once it is told, and once more when the post has settled and the sum has moved since. They are not read of
//! posts that were older than half a year when a first backfill met them.

use chrono::TimeDelta;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Begun, Decoded, Told, Unreadable};
use super::insight::{self, Number};
use super::question::BREAKDOWN;
use super::{Facts, Meter, Question, Questions, Resource, Work, left_out, together};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Post, Row, Table, Value};

pub(super) static MEDIA_INSIGHTS_TABLE: Table = Table {
    name: "media_insights",
    key: &["media_id", "name", "breakdown", "dimension_value"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::filled("name", Kind::Text),
        Column::filled("breakdown", Kind::Text),
        Column::filled("dimension_value", Kind::Text),
        Column::filled("value", Kind::Number),
    ],
    history: History::Observation,
    listed_by: None,
};

/// The resource.
pub(super) static MEDIA_INSIGHTS: Resource = Resource {
    name: "media_insights",
    permissions: &[
        "instagram_basic",
        "instagram_manage_insights",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&MEDIA_INSIGHTS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

const FEED: &[&str] = &[
    "reach",
    "views",
    "likes",
    "comments",
    "saved",
    "shares",
    "reposts",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
    "total_likes",
    "total_comments",
    "total_views",
];

const REELS: &[&str] = &[
    "reach",
    "views",
    "likes",
    "comments",
    "saved",
    "shares",
    "reposts",
    "total_interactions",
    "ig_reels_avg_watch_time",
    "ig_reels_video_view_total_time",
    "reels_skip_rate",
    "total_likes",
    "total_comments",
    "total_views",
];

/// What a post of an unknown kind is asked.
const OTHER: &[&str] = &["reach", "views"];

/// The metric of posts that has parts, and what it is broken down by.
const PARTED: &str = "profile_activity";
const PARTS: &str = "action_type";

/// From this age on parts are final. It is that of the last night that the sum is read on, when `[refresh]` says nothing else.
const SETTLED: TimeDelta = TimeDelta::days(29);

/// What is older when its sum is told for the first time is not broken down: a first backfill would pay a call for about three posts.
const RECENT: TimeDelta = TimeDelta::days(180);

fn due(facts: &Facts) -> Vec<Question> {
    let of_posts = |ask: fn(&Facts, &Post) -> Option<Question>| {
        let posts = facts.posts.iter();
        posts.filter_map(|post| ask(facts, post)).collect()
    };
    let mut due = together::by_metrics(facts, of_posts(question), |_| false);
    let may_stand_between = |post: &Post| has_parts(facts, post);
    due.extend(together::by_metrics(
        facts,
        of_posts(of_parts),
        may_stand_between,
    ));
    due
}

fn question(facts: &Facts, post: &Post) -> Option<Question> {
    let product = post.product_type.as_deref().unwrap_or_default();
    let age = facts.now - post.timestamp;
    // The common metrics of what is old come with the walk through the list.
    let often = facts.refresh.alone(age);
    // Ads belong to the Marketing API.
    if matches!(product, "STORY" | "AD") {
        return None;
    }
    let metrics = match product {
        "FEED" => FEED,
        "REELS" => REELS,
        _ => OTHER,
    };
    let family = family(post);
    let wanted = if facts.is_due_every(&post.id, often) {
        metrics.to_vec()
    } else {
        left_out::of(facts, &post.id, metrics)
    };
    let metrics = facts.accepted(&family, &wanted);
    (!metrics.is_empty()).then(|| Question {
        mark: Some(mark(
            sum(facts, &post.id),
            &left_out::mark(&wanted, &metrics),
        )),
        ..of_media(post, family, metrics)
    })
}

/// What posts have in common that are refused the same metrics.
pub(super) fn family(post: &Post) -> String {
    let product = post.product_type.as_deref().unwrap_or_default();
    let kind = post.media_type.as_deref().unwrap_or_default();
    format!("{product} {kind}")
}

/// The mark of a post's numbers: the sum that has parts, as it was told last, and what was left out.
fn mark(sum: Option<&str>, left_out: &str) -> String {
    let sum = sum.map(|sum| format!("{PARTED} {sum}"));
    let parts: Vec<&str> = sum.iter().map(String::as_str).chain([left_out]).collect();
    parts.join(left_out::AND)
}

/// The sum in a mark.
fn sum_in(mark: &str) -> Option<&str> {
    let mut parts = mark.split(left_out::AND);
    parts.find_map(|part| part.strip_prefix(PARTED)?.strip_prefix(' '))
}

/// The sum that a post was told last.
fn sum<'f>(facts: &'f Facts, media_id: &str) -> Option<&'f str> {
    sum_in(facts.reads.get(media_id)?.mark.as_deref()?)
}

/// The subject of the parts of a post's metric.
fn parts_of(media_id: &str) -> String {
    format!("{media_id}/{PARTS}")
}

/// The question about the parts of a post's metric, where there are some.
fn of_parts(facts: &Facts, post: &Post) -> Option<Question> {
    let subject = parts_of(&post.id);
    let read = facts.reads.get(&subject).filter(|read| !read.closed)?;
    let sum = sum(facts, &post.id)?;
    let is_due = match read.read_at {
        None => facts.now - post.timestamp <= RECENT,
        // They are those of that sum.
        Some(_) if read.mark.as_deref() == Some(sum) => false,
        Some(read_at) => {
            let settled = post.timestamp + SETTLED;
            facts
                .everything_since
                .map_or(read_at < settled && settled <= facts.now, |since| {
                    read_at < since
                })
        }
    };
    let family = family_of_parts(post);
    let metrics = facts.accepted(&family, &[PARTED]);
    (is_due && !metrics.is_empty()).then(|| Question {
        subject,
        params: vec![(BREAKDOWN, PARTS.to_owned())],
        ..of_media(post, family, metrics)
    })
}

/// Whatever media it is of: a sum was told already.
fn family_of_parts(post: &Post) -> String {
    let product = post.product_type.as_deref().unwrap_or_default();
    format!("{product} by {PARTS}")
}

/// Whether a post may stand between others that are asked for their parts: it was told the sum of its own, whatever that was.
fn has_parts(facts: &Facts, post: &Post) -> bool {
    sum(facts, &post.id).is_some() && !facts.accepted(&family_of_parts(post), &[PARTED]).is_empty()
}

/// The question about a post's or a story's numbers.
pub(super) fn of_media(post: &Post, family: String, metrics: Vec<&'static str>) -> Question {
    Question {
        subject: post.id.clone(),
        object_id: Some(post.id.clone()),
        endpoint: "/{ig-media}/insights",
        path: format!("/{}/insights", post.id),
        fields: Fields::default(),
        metrics,
        params: Vec::new(),
        limit: None,
        shape: Shape::Single,
        after: None,
        family,
        posted_at: Some(post.timestamp),
        mark: None,
        otherwise: None,
        stands_for: Vec::new(),
        rest: None,
        news: None,
        ..Question::default()
    }
}

fn rows(_account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    if question.is_page() {
        for object in answer {
            match decode::object(object) {
                Ok(post) => {
                    let told = nested_rows(question, &post, decoded);
                    decoded.told.extend(told);
                }
                Err(problem) => decoded.problems.push(problem),
            }
        }
        return;
    }
    let before = decoded.rows.len();
    rows_of_one(question, answer, decoded);
    let told = told(question, &decoded.rows[before..]);
    decoded.mark = told.mark;
    decoded.begun.extend(told.begun);
}

/// The rows of an answer about one post's or one story's numbers.
pub(super) fn rows_of_one(question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let id = question.object_id.as_deref().unwrap_or_default();
    for metric in answer {
        number_rows(id, insight::numbers(metric), decoded);
    }
}

/// The rows of the metrics that came with a post that a page was asked about; one without the key was not told of.
fn nested_rows(page: &Question, post: &Map<String, Json>, decoded: &mut Decoded) -> Option<Told> {
    let id = post.get("id").and_then(Json::as_str)?;
    // What was posted a moment ago is not known yet.
    let mut others = page.stands_for.iter();
    let one = others.find(|one| one.object_id.as_deref() == Some(id))?;
    let before = decoded.rows.len();
    metric_rows(id, post, decoded).then(|| told(one, &decoded.rows[before..]))
}

/// What the rows of one answer tell of its subject: the sum that has parts. Told without them, it begins them where there are some.
fn told(question: &Question, rows: &[Row]) -> Told {
    let sum = rows.iter().find_map(|row| number_of(row, PARTED));
    let is_of_parts = question.param(BREAKDOWN).is_some();
    let begins = !is_of_parts && sum > Some(0);
    let begun = begins.then(|| Begun {
        subject: parts_of(&question.subject),
        cursor: None,
    });
    let sum = sum.map(|sum| sum.to_string());
    let before = question.mark.as_deref().unwrap_or_default();
    let left_out = before.split(left_out::AND).last().unwrap_or_default();
    Told {
        subject: question.subject.clone(),
        // What was not asked for is as it was.
        mark: if is_of_parts {
            sum
        } else {
            Some(mark(sum.as_deref().or(sum_in(before)), left_out))
        },
        begun: begun.into_iter().collect(),
        ..Told::default()
    }
}

/// The number of a metric, where a row is about that.
pub(super) fn number_of(row: &Row, metric: &str) -> Option<i64> {
    if !std::ptr::eq(row.table, &MEDIA_INSIGHTS_TABLE) {
        return None;
    }
    let value = |column| {
        row.values
            .get(MEDIA_INSIGHTS_TABLE.position(column)?)?
            .as_ref()
    };
    let is_text =
        |column, text: &str| matches!(value(column), Some(Value::Text(told)) if told == text);
    match value("value") {
        Some(Value::Integer(number)) if is_text("name", metric) && is_text("breakdown", "") => {
            Some(*number)
        }
        _ => None,
    }
}

/// The rows of the metrics that came with a post or a story; says whether there were any.
pub(super) fn metric_rows(id: &str, post: &Map<String, Json>, decoded: &mut Decoded) -> bool {
    for metric in graph::nested(post, EDGE) {
        number_rows(id, insight::of_nested(metric), decoded);
    }
    post.contains_key(EDGE)
}

/// The edge that metrics come nested in.
pub(super) const EDGE: &str = "insights";

/// The rows of a metric of a post.
pub(super) fn number_rows(
    media_id: &str,
    numbers: Result<Vec<Number>, Unreadable>,
    decoded: &mut Decoded,
) {
    let numbers = match numbers {
        Ok(numbers) => numbers,
        Err(problem) => return decoded.problems.push(problem),
    };
    for number in numbers {
        let dimension_value = number.dimension_value.to_lowercase();
        let filled = [
            ("media_id", Value::from(media_id)),
            ("name", Value::from(number.name.as_str())),
            ("breakdown", Value::from(number.breakdown.as_str())),
            ("dimension_value", Value::from(dimension_value.as_str())),
        ];
        let row = decode::number(&MEDIA_INSIGHTS_TABLE, &filled, &number.value);
        decoded.take(row.map(|row| vec![row]));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::store::Read;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200, 0).unwrap() + TimeDelta::days(day)
    }

    /// Posts that were posted on these days, at a day, with nothing known of them.
    fn facts(posted: &[i64], day: i64) -> Facts {
        let mut facts = Facts::of("1", at(day));
        facts.posts = (0..)
            .zip(posted)
            .map(|(number, day)| Post {
                id: number.to_string(),
                media_type: Some("IMAGE".to_owned()),
                product_type: Some("FEED".to_owned()),
                timestamp: at(*day),
                comments_count: None,
            })
            .collect();
        facts
    }

    /// Notes that something was read on a day, and the sum that was told.
    fn read(facts: &mut Facts, subject: &str, day: Option<i64>, sum: Option<&str>) {
        let read = Read {
            subject: subject.to_owned(),
            read_at: day.map(at),
            mark: match sum {
                Some(sum) if !subject.contains('/') => Some(mark(Some(sum), "without ")),
                sum => sum.map(str::to_owned),
            },
            ..Read::default()
        };
        facts.reads.insert(subject.to_owned(), read);
    }

    /// Whether parts are asked for on a day, of a post from day 0 of which the sum was 9 when it was last read; they were read so.
    fn asks(day: i64, read_on: Option<i64>, at_sum: &str, is_backfill: bool) -> bool {
        let mut facts = facts(&[0], day);
        read(&mut facts, "0", Some(day), Some("9"));
        read(&mut facts, "0/action_type", read_on, Some(at_sum));
        facts.everything_since = is_backfill.then_some(facts.now);
        let mut due = due(&facts).into_iter();
        due.any(|question| question.subject == "0/action_type")
    }

    #[test]
    fn parts_are_read_once_there_are_some_and_once_more_when_the_post_has_settled() {
        assert!(asks(1, None, "", false) && asks(180, None, "", false));
        assert!(!asks(2, Some(1), "5", false) && !asks(28, Some(1), "5", false));
        assert!(asks(29, Some(1), "5", false) && asks(35, Some(1), "5", false));
        // Nothing has moved since, or they were final.
        assert!(!asks(29, Some(1), "9", false) && !asks(31, Some(29), "5", false));
        // A backfill reads what has moved.
        assert!(asks(2, Some(1), "5", true) && !asks(2, Some(1), "9", true));
        assert!(!asks(181, None, "", false));
        let mut facts = facts(&[0], 1);
        read(&mut facts, "0", Some(1), Some("9"));
        assert!(due(&facts).is_empty());
    }

    #[test]
    fn posts_between_others_that_have_parts_do_not_part_them() {
        let asked = |sums: &[Option<&str>]| -> Vec<Question> {
            let posted: Vec<i64> = (0..5).map(|number| -number).collect();
            let mut facts = facts(&posted, 1);
            for (number, sum) in (0..5).zip(sums) {
                read(&mut facts, &format!("{number}"), Some(1), *sum);
            }
            for number in [0, 1, 4] {
                read(&mut facts, &format!("{number}/action_type"), None, None);
            }
            due(&facts)
        };
        let known = asked(&[Some("3"), Some("1"), Some("0"), Some("0"), Some("2")]);
        let fields = known[0].fields_with_nested().to_string();
        let nested = "insights.metric(profile_activity).breakdown(action_type)";
        assert!(fields.contains(nested), "{fields}");
        assert_eq!((known.len(), known[0].limit), (1, Some(5)));
        assert_eq!(known[0].stands_for.len(), 3);
        assert_eq!(
            known[0].stands_for[0].part().unwrap(),
            "profile_activity by action_type"
        );
        // What was never told its sum may refuse them all.
        let unknown = asked(&[Some("3"), Some("1"), Some("0"), None, Some("2")]);
        let pages: Vec<usize> = unknown.iter().map(|one| one.stands_for.len()).collect();
        assert_eq!(pages, [2, 0]);
    }

    #[test]
    fn a_metric_that_comes_back_is_asked_for_of_old_posts_that_were_read_without_it() {
        let now = at(0);
        let mut facts = Facts::of("1", now);
        facts.posts.push(Post {
            id: "7".to_owned(),
            media_type: Some("VIDEO".to_owned()),
            product_type: Some("REELS".to_owned()),
            timestamp: now - TimeDelta::days(90),
            comments_count: None,
        });
        let asked = |facts: &Facts| -> Vec<Question> { due(facts) };
        let refuse = |name: &str| ("REELS VIDEO".to_owned(), name.to_owned());
        facts.refused = ["saved", "reels_skip_rate"].map(refuse).into();
        let question = asked(&facts).remove(0);
        assert_eq!(question.metrics.len(), REELS.len() - 2);
        let read = |question: &Question| Read {
            subject: question.subject.clone(),
            read_at: Some(now),
            mark: question.mark.clone(),
            ..Read::default()
        };
        facts.reads.insert("7".to_owned(), read(&question));
        assert!(asked(&facts).is_empty());
        // One of them is back: it is asked for, and the other one is not forgotten.
        for (still, back) in [("saved", "reels_skip_rate"), ("", "saved")] {
            facts.refused = [refuse(still)].into();
            let question = asked(&facts).remove(0);
            assert_eq!(question.metrics, [back]);
            facts.reads.insert("7".to_owned(), read(&question));
        }
        assert!(asked(&facts).is_empty());
    }
}
