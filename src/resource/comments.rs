//! `comments`: what people wrote under posts, and the replies to it.
//!
//! `GET /{ig-media}/comments` ("IG Media Comments" reference): the comments on the post itself, newest first, at most 50 a query, no
//! filter by time. Replies come nested, as far as they fit; the others are read with `GET /{ig-comment}/replies` ("IG Comment
//! Replies" reference). `comments_count` counts both, so a list is read when that number has moved, and by age. Posts that stand near
//! each other in the list of posts bring their newest comments along, and a list ends where as many new ones came as the number says.
//! `media` and `parent_id` are not asked for: the list that shows a comment tells both.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Begun, Decoded, Listed, Told};
use super::{Facts, Meter, News, Question, Questions, Resource, Work, fields_of, together};
use crate::clock::instant_text;
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Post, Row, Table, Value};

static COMMENTS_TABLE: Table = Table {
    name: "comments",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("media_id", Kind::Id),
        Column::filled("parent_id", Kind::Id),
        Column::field("text", Kind::Text),
        Column::field("timestamp", Kind::Instant),
        Column::field("username", Kind::Text),
        Column::field("from_id", Kind::Id).from("from.id"),
        Column::field("from_username", Kind::Text).from("from.username"),
        Column::field("from_self_ig_scoped_id", Kind::Id).from("from.self_ig_scoped_id"),
        Column::field("user_id", Kind::Id).from("user.id"),
        Column::field("like_count", Kind::Integer),
        Column::field("hidden", Kind::Boolean),
        Column::field("legacy_instagram_comment_id", Kind::Id),
    ],
    history: History::Entity,
    listed_by: Some("media_id"),
};

/// The resource.
pub(super) static COMMENTS: Resource = Resource {
    name: "comments",
    permissions: &[
        "instagram_basic",
        "instagram_manage_comments",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&COMMENTS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// The most that a query gives ("IG Media Comments" reference).
const LIMIT: u32 = 50;

/// Replies that come with each comment. Few comments have more, and every one asked for makes the request heavier.
const REPLIES: &str = "replies.limit(10)";

/// The edge that comments come nested in.
const EDGE: &str = "comments";

/// Comments that come with each post of a page at least, and with all of them together: most posts have few.
const ALONG: usize = 10;
const PAGE: usize = 600;
const REPLIES_ALONG: &str = "replies.limit(5)";

/// How often the many comments of a post are read again while their number stands still.
const WEEKLY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Questions about comments and about replies are refused the same fields.
const FAMILY: &str = "comments";

fn due(facts: &Facts) -> Vec<Question> {
    let begun = facts.reads.values().filter(|read| read.cursor.is_some());
    let replies = begun.filter_map(|read| of_replies(facts, &read.subject));
    let posts = facts.posts.iter().filter(|post| is_due(facts, post));
    let (begun, new): (Vec<Question>, Vec<Question>) = posts
        .map(|post| of_post(facts, post))
        .partition(|question| question.after.is_some());
    let new = together::by_place(facts, new, |posts| page_fields(facts, posts));
    replies.chain(begun).chain(new).collect()
}

/// What is asked of each of so many posts: its count, and its newest comments with replies.
fn page_fields(facts: &Facts, posts: usize) -> Fields {
    let fields = facts.accepted_fields(FAMILY, fields_of(&COMMENTS_TABLE));
    let replies = fields.clone();
    let comments = (PAGE / posts.max(1)).clamp(ALONG, LIMIT as usize);
    Fields::of(["id", "comments_count"]).with(
        &format!("{EDGE}.limit({comments})"),
        fields.with(REPLIES_ALONG, replies),
    )
}

fn is_due(facts: &Facts, post: &Post) -> bool {
    // Nobody comments on stories, and comments on ads belong to the ads.
    if matches!(post.product_type.as_deref(), Some("STORY" | "AD")) {
        return false;
    }
    let age = facts.now - post.timestamp;
    let Some(read) = facts.reads.get(&post.id) else {
        return post.comments_count != Some(0);
    };
    if read.closed || read.cursor.is_some() {
        return !read.closed;
    }
    match (post.comments_count, read.mark.as_deref()) {
        (Some(0), None | Some("0")) => false,
        (Some(count), Some(mark)) if mark != count.to_string() => true,
        // Edits and likes of old comments are left: a number that moves brings the walk back.
        (count, _) => {
            let often = facts.refresh.alone(age);
            let comes_along = count.is_none_or(|count| count <= ALONG as i64);
            let least = if comes_along { Duration::ZERO } else { WEEKLY };
            facts.is_due_every(&post.id, often.map(|often| often.max(least)))
        }
    }
}

fn of_post(facts: &Facts, post: &Post) -> Question {
    let after = facts.cursor(&post.id);
    let count = post.comments_count.map(|count| count.to_string());
    let begun_with = facts.reads.get(&post.id).and_then(|read| read.mark.clone());
    let fields = facts.accepted_fields(FAMILY, fields_of(&COMMENTS_TABLE));
    let replies = fields.clone();
    Question {
        subject: post.id.clone(),
        object_id: Some(post.id.clone()),
        endpoint: "/{ig-media}/comments",
        path: format!("/{}/comments", post.id),
        fields: fields.with(REPLIES, replies),
        metrics: Vec::new(),
        params: Vec::new(),
        limit: Some(LIMIT),
        shape: Shape::Edge,
        // What was written after the top of the list was read is not in the rest of it.
        mark: if after.is_some() { begun_with } else { count },
        after,
        otherwise: None,
        stands_for: Vec::new(),
        rest: None,
        news: news(facts, post),
        family: FAMILY.to_owned(),
        posted_at: None,
        ..Question::default()
    }
}

/// The comments and replies that are new, where a list that was read to its end has grown.
fn news(facts: &Facts, post: &Post) -> Option<News> {
    let read = facts
        .reads
        .get(&post.id)
        .filter(|read| read.cursor.is_none())?;
    let known: i64 = read.mark.as_deref()?.parse().ok()?;
    let (since, count) = (read.read_at?, post.comments_count? - known);
    // What is due by age is read to its end.
    (count > 0 && facts.everything_since.is_none()).then_some(News { since, count })
}

/// How many of the comments were written after what is known.
fn count_news(question: &Question, rows: &[Row]) -> i64 {
    let Some(since) = question.news.map(|news| instant_text(news.since)) else {
        return 0;
    };
    let at = COMMENTS_TABLE.position("timestamp");
    let is_new = |row: &&Row| {
        let written = at.and_then(|at| row.values[at].as_ref());
        matches!(written, Some(Value::Text(written)) if *written > since)
    };
    i64::try_from(rows.iter().filter(is_new).count()).unwrap_or(i64::MAX)
}

fn of_replies(facts: &Facts, subject: &str) -> Option<Question> {
    let (_, comment_id) = thread(subject)?;
    Some(Question {
        subject: subject.to_owned(),
        object_id: Some(comment_id.to_owned()),
        endpoint: "/{ig-comment}/replies",
        path: format!("/{comment_id}/replies"),
        fields: facts.accepted_fields(FAMILY, fields_of(&COMMENTS_TABLE)),
        metrics: Vec::new(),
        params: Vec::new(),
        limit: Some(LIMIT),
        shape: Shape::Edge,
        after: facts.cursor(subject),
        otherwise: None,
        stands_for: Vec::new(),
        rest: None,
        news: None,
        family: FAMILY.to_owned(),
        posted_at: None,
        mark: None,
        ..Question::default()
    })
}

/// The subject of the replies to a comment.
fn replies_to(media_id: &str, comment_id: &str) -> String {
    format!("replies:{media_id}:{comment_id}")
}

/// The post and the comment, where a subject is replies.
fn thread(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("replies:")?.split_once(':')
}

fn rows(_account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    if question.is_page() {
        for object in answer {
            match decode::object(object) {
                Ok(post) => {
                    let told = page_rows(question, &post, decoded);
                    decoded.told.extend(told);
                }
                Err(problem) => decoded.problems.push(problem),
            }
        }
        return;
    }
    let (media_id, parent_id) = match thread(&question.subject) {
        Some((media_id, parent_id)) => (media_id, Some(parent_id)),
        None => (question.subject.as_str(), None),
    };
    decoded.listed = Some(Listed {
        owner: media_id.to_owned(),
        from_top: parent_id.is_none() && question.after.is_none(),
        may_be_empty: question.mark.as_deref() == Some("0"),
    });
    for object in answer {
        match decode::object(object) {
            Ok(node) => thread_rows(question, media_id, parent_id, &node, decoded),
            Err(problem) => decoded.problems.push(problem),
        }
    }
    decoded.news = count_news(question, &decoded.rows);
}

/// The rows of the comments that came with a post.
fn page_rows(page: &Question, post: &Map<String, Json>, decoded: &mut Decoded) -> Option<Told> {
    let id = post.get("id").and_then(Json::as_str)?;
    let question = page.stands_for.iter().find(|one| one.subject == id)?;
    let count = post.get("comments_count").and_then(Json::as_i64);
    let others = std::mem::take(&mut decoded.begun);
    let (comments, before) = (graph::nested(post, EDGE), decoded.rows.len());
    for comment in comments {
        match decode::map(comment) {
            Ok(comment) => thread_rows(question, id, None, comment, decoded),
            Err(problem) => decoded.problems.push(problem),
        }
    }
    let came = i64::try_from(decoded.rows.len() - before).ok();
    let begun = std::mem::replace(&mut decoded.begun, others);
    let news = count_news(question, &decoded.rows[before..]);
    // A cursor may stand behind the last one, too.
    let is_all = count.is_some() && came == count;
    let cursor = graph::nested_next(post, EDGE).filter(|_| !is_all);
    // Since the count was read, more may have come.
    let asked_with = question.mark.as_deref().and_then(|mark| mark.parse().ok());
    let more = count
        .zip(asked_with)
        .map_or(0, |(now, then): (i64, i64)| now - then);
    let is_enough = question
        .news
        .is_some_and(|wanted| wanted.count + more == news);
    let is_whole = cursor.is_none();
    let cursor = cursor.filter(|_| !is_enough);
    Some(Told {
        subject: id.to_owned(),
        mark: count.map(|count| count.to_string()),
        listed: (is_whole || cursor.is_some()).then(|| Listed {
            owner: id.to_owned(),
            from_top: true,
            may_be_empty: count == Some(0),
        }),
        cursor,
        begun,
        objects: comments.len(),
        news,
    })
}

/// The rows of a comment and of the replies that came with it.
fn thread_rows(
    question: &Question,
    media_id: &str,
    parent_id: Option<&str>,
    node: &Map<String, Json>,
    decoded: &mut Decoded,
) {
    let row = |node, parent_id: Option<&str>| {
        let filled = [
            ("media_id", Value::from(media_id)),
            ("parent_id", parent_id.map_or(Value::Null, Value::from)),
        ];
        decode::row(&COMMENTS_TABLE, node, &question.fields, &filled).map(|row| vec![row])
    };
    let id = node.get("id").and_then(Json::as_str);
    let Some(id) = id.filter(|_| decoded.take(row(node, parent_id))) else {
        return;
    };
    for reply in graph::nested(node, "replies") {
        decoded.take(decode::map(reply).and_then(|reply| row(reply, Some(id))));
    }
    if let Some(cursor) = graph::nested_next(node, "replies") {
        decoded.begun.push(Begun {
            subject: replies_to(media_id, id),
            cursor: Some(cursor),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::resource::Refresh;
    use crate::store::Read;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200, 0).unwrap()
    }

    fn facts(age_days: i64, count: Option<i64>, read: Option<Read>) -> Facts {
        let reads = read.map(|read| (read.subject.clone(), read));
        Facts {
            now: now(),
            account_id: "1".to_owned(),
            posts: vec![Post {
                id: "7".to_owned(),
                media_type: Some("IMAGE".to_owned()),
                product_type: Some("FEED".to_owned()),
                timestamp: now() - TimeDelta::days(age_days),
                comments_count: count,
            }],
            conversations: Vec::new(),
            reads: reads.into_iter().collect(),
            pass_since: now(),
            everything_since: None,
            refresh: Refresh::default(),
            names: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    fn read(days_ago: i64, mark: Option<&str>) -> Option<Read> {
        Some(Read {
            subject: "7".to_owned(),
            read_at: Some(now() - TimeDelta::days(days_ago)),
            mark: mark.map(str::to_owned),
            ..Read::default()
        })
    }

    #[test]
    fn comments_are_read_once_and_then_when_their_number_moved_or_by_age() {
        let asks = |count, read| due(&facts(20, count, read)).len() == 1;
        let asks_old = |count, read| due(&facts(100, count, read)).len() == 1;
        assert!(asks(Some(3), None) && asks(None, None) && !asks(Some(0), None));
        assert!(asks(Some(4), read(1, Some("3"))) && asks(Some(0), read(1, Some("3"))));
        assert!(!asks(Some(3), read(0, Some("3"))) && asks(Some(3), read(1, Some("3"))));
        assert!(!asks(None, read(0, Some("3"))) && asks(None, read(1, Some("3"))));
        // More than come along are read again weekly while their number stands still.
        assert!(!asks(Some(11), read(1, Some("11"))) && asks(Some(11), read(8, Some("11"))));
        // Of an old post only the number matters.
        assert!(!asks_old(Some(3), read(90, Some("3"))) && asks_old(Some(4), read(1, Some("3"))));
        assert!(!asks(Some(0), read(8, Some("0"))));
        // It could not be read the last time.
        assert!(!asks(Some(3), read(0, None)) && asks(Some(3), read(1, None)));
    }

    #[test]
    fn a_backfill_reads_everything_once() {
        let mut facts = facts(1000, Some(3), read(1, Some("3")));
        assert!(due(&facts).is_empty());
        facts.everything_since = Some(now());
        assert_eq!(due(&facts).len(), 1);
        facts.everything_since = Some(now() - TimeDelta::days(2));
        assert!(due(&facts).is_empty());
    }

    #[test]
    fn a_list_goes_on_where_it_stood_and_counts_as_read_when_it_was_begun() {
        let begun = Read {
            cursor: Some("c".to_owned()),
            ..read(8, Some("3")).unwrap()
        };
        let question = &due(&facts(1000, Some(5), Some(begun)))[0];
        assert_eq!(question.after.as_deref(), Some("c"));
        assert_eq!(question.mark.as_deref(), Some("3"));
    }

    #[test]
    fn replies_that_were_begun_are_asked_for_until_they_are_read() {
        let mut read = Read {
            subject: replies_to("7", "9"),
            cursor: Some("c".to_owned()),
            ..Read::default()
        };
        let mut facts = facts(1, Some(0), None);
        facts.reads = BTreeMap::from([(read.subject.clone(), read.clone())]);
        let question = &due(&facts)[0];
        assert_eq!(question.path, "/9/replies");
        assert_eq!(question.after.as_deref(), Some("c"));
        read.cursor = None;
        facts.reads = BTreeMap::from([(read.subject.clone(), read)]);
        assert!(due(&facts).is_empty());
    }

    #[test]
    fn stories_and_ads_have_no_comments_to_ask_for() {
        for product in ["STORY", "AD"] {
            let mut facts = facts(1, Some(3), None);
            facts.posts[0].product_type = Some(product.to_owned());
            assert!(due(&facts).is_empty());
        }
    }

    #[test]
    fn a_reply_belongs_to_the_post_and_to_its_comment() {
        let facts = facts(1, Some(3), None);
        let answer = r#"{"id":"9","text":"a","from":{"id":"5","username":"u"},"user":{"id":"6"},"hidden":true,
            "replies":{"data":[{"id":"10","text":"b"}],"paging":{"cursors":{"after":"c"}}}}"#;
        let answer = [RawValue::from_string(answer.to_owned()).unwrap()];
        let mut decoded = Decoded::default();
        rows("1", &due(&facts)[0], &answer, &mut decoded);
        let column = |row: usize, name| {
            let at = COMMENTS_TABLE.position(name).unwrap();
            decoded.rows[row].values[at].clone().unwrap()
        };
        assert_eq!(column(0, "parent_id"), Value::Null);
        assert_eq!(column(0, "from_username"), "u".into());
        assert_eq!(column(0, "user_id"), "6".into());
        assert_eq!(column(1, "media_id"), "7".into());
        assert_eq!(column(1, "parent_id"), "9".into());
        assert_eq!(decoded.begun[0].subject, "replies:7:9");
        assert_eq!(decoded.begun[0].cursor.as_deref(), Some("c"));
    }
}
