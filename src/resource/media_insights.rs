//! `media_insights`: what Meta measured about posts and reels.
//!
//! `GET /{ig-media}/insights` ("Instagram Media Insights" page): totals up to the moment, kept up to two years, late by up to two days.
//! Which metrics there are depends on the product type; one that is not accepted refuses the whole answer. `facebook_views`
//! and `crossposted_views` are left out: they refuse posts that were not shared to Facebook. `content_views` is a name
//! of Meta's SDK that no page documents, `impressions` is retired, and the parts of `profile_activity` cost a call for each post, as
//! their breakdown refuses all other metrics. Stories have a resource of their own, as they end. Neighbours in the list of posts that
//! have the same metrics are asked about together.

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Decoded, Told, Unreadable};
use super::insight::{self, Number};
use super::{Facts, Meter, Question, Questions, Resource, Work, left_out, together};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Post, Table, Value};

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

fn due(facts: &Facts) -> Vec<Question> {
    let posts = facts.posts.iter();
    let due = posts.filter_map(|post| question(facts, post)).collect();
    together::by_metrics(facts, due)
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
        mark: Some(left_out::mark(&wanted, &metrics)),
        ..of_media(post, family, metrics)
    })
}

/// What posts have in common that are refused the same metrics.
pub(super) fn family(post: &Post) -> String {
    let product = post.product_type.as_deref().unwrap_or_default();
    let kind = post.media_type.as_deref().unwrap_or_default();
    format!("{product} {kind}")
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

/// The rows of an answer about a post's or a story's numbers.
pub(super) fn rows(
    _account_id: &str,
    question: &Question,
    answer: &[Box<RawValue>],
    decoded: &mut Decoded,
) {
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
    for metric in answer {
        number_rows(&question.subject, insight::numbers(metric), decoded);
    }
}

/// The rows of the metrics that came with a post that a page was asked about; one without the key was not told of.
fn nested_rows(page: &Question, post: &Map<String, Json>, decoded: &mut Decoded) -> Option<Told> {
    let id = post.get("id").and_then(Json::as_str)?;
    // What was posted a moment ago is not known yet.
    page.stands_for.iter().find(|one| one.subject == id)?;
    metric_rows(id, post, decoded).then(|| Told {
        subject: id.to_owned(),
        ..Told::default()
    })
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
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::store::Read;

    #[test]
    fn a_metric_that_comes_back_is_asked_for_of_old_posts_that_were_read_without_it() {
        let now = DateTime::from_timestamp(1_791_187_200, 0).unwrap();
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
