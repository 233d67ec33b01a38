//! `business_discovery`: other professional accounts and their posts, by their names.
//!
//! `GET /{ig-user}?fields=business_discovery.username(name){…}` ("IG User Business Discovery" reference): public fields only, in the name
//! of an account of ours. Posts are paged inside the field, by a cursor alone, newest first. A night reads the profile and the newest
//! posts in one call; once a week, and in a backfill, the walk goes on from there to the end, which shows deletions. A name that means
//! nothing may be personal, hidden, renamed or gone: the API does not say which. All is read that the reference marks as public; saves, shares
//! and `total_views_count` are not, nor are insights, comments, stories and tags. `owner` is told of an account's own posts only.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Begun, Decoded, Listed, Unreadable};
use super::{Facts, Meter, Question, Questions, Resource, Work, children, fields_of};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Row, Table, Value};

static ACCOUNTS: Table = Table {
    name: "discovered_accounts",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::field("username", Kind::Text),
        Column::field("name", Kind::Text),
        Column::field("biography", Kind::Text),
        Column::field("website", Kind::Text),
        Column::field("ig_id", Kind::Id).optional(),
        Column::field("profile_picture_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: None,
};

static ACCOUNT_SNAPSHOTS: Table = Table {
    name: "discovered_account_snapshots",
    key: &["account_id"],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::field("followers_count", Kind::Integer),
        Column::field("follows_count", Kind::Integer),
        Column::field("media_count", Kind::Integer),
    ],
    history: History::Observation,
    listed_by: None,
};

static MEDIA: Table = Table {
    name: "discovered_media",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("account_id", Kind::Id),
        Column::field("media_type", Kind::Text),
        Column::field("media_product_type", Kind::Text),
        Column::field("caption", Kind::Text),
        Column::field("permalink", Kind::Text),
        Column::field("shortcode", Kind::Text),
        Column::field("timestamp", Kind::Instant),
        Column::field("username", Kind::Text),
        Column::field("alt_text", Kind::Text),
        Column::field("is_shared_to_feed", Kind::Boolean),
        Column::field("media_audio_type", Kind::Text),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: Some("account_id"),
};

static CHILDREN: Table = Table {
    name: "discovered_media_children",
    key: &["media_id", "id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::filled("position", Kind::Integer),
        Column::field("media_type", Kind::Text),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
        Column::field("permalink", Kind::Text),
        Column::field("shortcode", Kind::Text),
        Column::field("timestamp", Kind::Instant),
    ],
    history: History::Entity,
    listed_by: None,
};

static MEDIA_SNAPSHOTS: Table = Table {
    name: "discovered_media_snapshots",
    key: &["media_id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("like_count", Kind::Integer),
        Column::field("comments_count", Kind::Integer),
        Column::field("reposts_count", Kind::Integer),
        Column::field("total_like_count", Kind::Integer),
        Column::field("total_comments_count", Kind::Integer),
        Column::field("view_count", Kind::Integer),
    ],
    history: History::Observation,
    listed_by: None,
};

/// The resource.
pub(super) static BUSINESS_DISCOVERY: Resource = Resource {
    name: "business_discovery",
    permissions: &[
        "instagram_basic",
        "instagram_manage_insights",
        "pages_read_engagement",
    ],
    meter: Meter::App,
    urgent: false,
    tables: &[
        &ACCOUNTS,
        &ACCOUNT_SNAPSHOTS,
        &MEDIA,
        &MEDIA_SNAPSHOTS,
        &CHILDREN,
    ],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

const OBJECT: &str = "business_discovery";

const EDGE: &str = "media";

/// Posts a page.
const LIMIT: u32 = 50;

/// How often the profile and the newest posts are read.
const OFTEN: Duration = Duration::from_secs(24 * 3600);

/// How often all posts are read.
const RARELY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A name that meant nothing may mean something again.
const RECHECK: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// The list may be cut behind so many pages ("IG User Media" reference: the 10,000 most recent posts), and then it proves nothing about
/// what it lacks.
const MAY_BE_CUT: u64 = 180;

/// What a reading of the newest posts is marked with when the walk goes on behind them.
const TO_THE_END: &str = "to the end";

fn due(facts: &Facts) -> Vec<Question> {
    let names = facts.names_in_turn(|name| facts.read_at(name));
    let newest = names.iter().filter(|name| is_due(facts, name));
    let walks = names.iter().filter_map(|name| rest(facts, name));
    // Every name has its call before the first long walk.
    newest
        .map(|name| of_newest(facts, name))
        .chain(walks)
        .collect()
}

fn is_due(facts: &Facts, name: &str) -> bool {
    match facts.reads.get(name) {
        Some(read) if read.closed => read.read_at.is_none_or(|at| at + RECHECK <= facts.now),
        _ => facts.is_due_every(name, Some(OFTEN)),
    }
}

/// The subject of the posts behind the newest ones.
fn behind(name: &str) -> String {
    format!("{name}:all")
}

fn of_newest(facts: &Facts, name: &str) -> Question {
    let behind = behind(name);
    // A walk that is under way goes on from its own place.
    let is_under_way = facts.cursor(&behind).is_some();
    let whole = !is_under_way && facts.is_due_every(&behind, Some(RARELY));
    let profile = fields_of(&ACCOUNTS).and(fields_of(&ACCOUNT_SNAPSHOTS));
    Question {
        subject: name.to_owned(),
        mark: Some(if whole { TO_THE_END } else { "newest" }.to_owned()),
        leads_to: whole.then_some(0),
        ..question(facts, name, profile)
    }
}

fn rest(facts: &Facts, name: &str) -> Option<Question> {
    let subject = behind(name);
    let after = facts.cursor(&subject)?;
    Some(Question {
        subject,
        after: Some(after),
        leads_to: Some(0),
        ..question(facts, name, Fields::of(["id"]))
    })
}

fn question(facts: &Facts, name: &str, profile: Fields) -> Question {
    let posts = fields_of(&MEDIA).and(fields_of(&MEDIA_SNAPSHOTS));
    let posts = posts.with_extra(children::EDGE, fields_of(&CHILDREN));
    let field = format!("{OBJECT}.username({name})");
    let fields = Fields::default().with(&field, profile.with(EDGE, posts));
    Question {
        object_id: Some(name.to_owned()),
        endpoint: "/{ig-user}?fields=business_discovery",
        path: format!("/{}", facts.account_id),
        fields: facts.accepted_fields(OBJECT, fields),
        limit: Some(LIMIT),
        shape: Shape::Within {
            object: OBJECT,
            edge: EDGE,
        },
        family: OBJECT.to_owned(),
        ..Question::default()
    }
}

fn rows(_account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    for object in answer {
        match decode::object(object) {
            Ok(node) => account_rows(question, &node, decoded),
            Err(problem) => decoded.problems.push(problem),
        }
    }
}

fn account_rows(question: &Question, node: &Map<String, Json>, decoded: &mut Decoded) {
    let is_newest = question.mark.is_some();
    let Some(asked) = question.fields.selection(OBJECT) else {
        return;
    };
    let Some(id) = node.get("id").and_then(Json::as_str) else {
        decoded.problems.push(Unreadable {
            object: question.object_id.clone().unwrap_or_default(),
            problem: "the account has no id".to_owned(),
        });
        return;
    };
    if is_newest && !decoded.take(profile(id, node, asked)) {
        return;
    }
    let posts = graph::nested(node, EDGE);
    let wanted = asked.selection(EDGE).cloned().unwrap_or_default();
    for post in posts {
        let read = decode::map(post).and_then(|post| media(id, post, &wanted, decoded));
        if let Err(problem) = read {
            decoded.problems.push(problem);
        }
    }
    let next = graph::nested_next(node, EDGE);
    // A list without posts proves nothing, nor does one that may have been cut.
    if !(is_newest && posts.is_empty()) && question.before < MAY_BE_CUT {
        decoded.listed = Some(Listed {
            owner: id.to_owned(),
            from_top: is_newest,
            may_be_empty: false,
        });
    }
    if !is_newest {
        return;
    }
    decoded.enough = true;
    if question.mark.as_deref() == Some(TO_THE_END) && next.is_some() {
        decoded.begun.push(Begun {
            subject: behind(question.name()),
            cursor: next,
        });
    }
}

fn profile(id: &str, node: &Map<String, Json>, asked: &Fields) -> Result<Vec<Row>, Unreadable> {
    let account_id = ("account_id", Value::from(id));
    Ok(vec![
        decode::row(&ACCOUNTS, node, asked, &[])?,
        decode::row(&ACCOUNT_SNAPSHOTS, node, asked, &[account_id])?,
    ])
}

fn media(
    account_id: &str,
    node: &Map<String, Json>,
    asked: &Fields,
    decoded: &mut Decoded,
) -> Result<(), Unreadable> {
    let account_id = ("account_id", Value::from(account_id));
    let post = decode::row(&MEDIA, node, asked, &[account_id])?;
    let id = decode::id(&post);
    let media_id = ("media_id", id.clone());
    let counts = decode::row(&MEDIA_SNAPSHOTS, node, asked, &[media_id])?;
    decoded.rows.extend([post, counts]);
    children::rows(&CHILDREN, &id, node, asked, decoded);
    Ok(())
}
