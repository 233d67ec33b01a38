//! `mentions`: posts and comments of others that mention the account.
//!
//! There is no list of them: their ids come from the configuration, or from whoever notes a subject in `sync_reads`, and once given
//! they stay known. `GET /{ig-user}?fields=mentioned_media.media_id(…)` ("IG User Mentioned Media" reference) tells a post whose
//! caption mentions the account, `mentioned_comment.comment_id(…)` ("IG User Mentioned Comment" reference) a comment. One call each,
//! as a field cannot be named twice in a request. What was deleted and what became private are refused alike.
//!
//! The pages contradict each other about the comments on such a post: its reference lists them, that of comments says that those on posts of
//! others cannot be read. So the newest come along where they are told, and are left out where they are refused; a refusal that speaks of
//! permissions looks the same for the post itself, and is taken for one of that. Of a comment that mentions the account nothing more is told
//! than what is read: no author, no replies, and of its post the id and the file. No page says that a post tells the parts of an album here.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Decoded, Missing, Unreadable};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::clock::parse_instant;
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Reason, Row, Table, Value};

static MENTIONS_TABLE: Table = Table {
    name: "mentions",
    key: &["account_id", "id"],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::field("media_id", Kind::Id).from("media.id"),
        Column::field("media_media_url", Kind::Address).from("media.media_url"),
        Column::field("text", Kind::Text),
        Column::field("caption", Kind::Text),
        Column::field("username", Kind::Text),
        Column::field("media_type", Kind::Text),
        Column::field("media_product_type", Kind::Text),
        Column::field("permalink", Kind::Text),
        Column::field("shortcode", Kind::Text),
        Column::field("timestamp", Kind::Instant),
        Column::field("alt_text", Kind::Text).optional(),
        Column::field("is_shared_to_feed", Kind::Boolean).optional(),
        Column::field("media_audio_type", Kind::Text).optional(),
        Column::field("like_count", Kind::Integer),
        Column::field("comments_count", Kind::Integer),
        Column::field("reposts_count", Kind::Integer).optional(),
        Column::field("total_like_count", Kind::Integer).optional(),
        Column::field("total_comments_count", Kind::Integer).optional(),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: None,
};

static COMMENTS: Table = Table {
    name: "mentioned_media_comments",
    key: &["account_id", "id"],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::filled("media_id", Kind::Id),
        Column::field("text", Kind::Text),
        Column::field("timestamp", Kind::Instant),
        Column::field("like_count", Kind::Integer),
    ],
    history: History::Entity,
    listed_by: None,
};

/// The resource.
pub(super) static MENTIONS: Resource = Resource {
    name: "mentions",
    permissions: &[
        "instagram_basic",
        "instagram_manage_comments",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&MENTIONS_TABLE, &COMMENTS],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// What is public of somebody else's post.
const OF_MEDIA: [&str; 18] = [
    "id",
    "caption",
    "username",
    "media_type",
    "media_product_type",
    "permalink",
    "shortcode",
    "timestamp",
    "alt_text",
    "is_shared_to_feed",
    "media_audio_type",
    "like_count",
    "comments_count",
    "reposts_count",
    "total_like_count",
    "total_comments_count",
    "media_url",
    "thumbnail_url",
];

/// The edge of its comments, and how many come along: the most that a query gives ("IG Media Comments" reference).
const EDGE: &str = "comments";
const ALONG: usize = 50;

/// All that is told of a comment.
const OF_COMMENT: [&str; 4] = ["id", "text", "timestamp", "like_count"];

/// What nobody ever told anything of is asked for again so often: it may have been private for a while.
const UNTOLD: TimeDelta = TimeDelta::days(7);

/// Where a mention stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mention<'a> {
    /// In the caption of this post.
    Media(&'a str),
    /// In this comment.
    Comment(&'a str),
}

impl<'a> Mention<'a> {
    /// From `<media id>` or `<media id>/<comment id>`, as configurations and `sync_reads` have it; `None`: it is neither.
    fn parse(subject: &'a str) -> Option<Self> {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        match subject.split_once('/') {
            None => is_id(subject).then_some(Self::Media(subject)),
            Some((media, comment)) => {
                (is_id(media) && is_id(comment)).then_some(Self::Comment(comment))
            }
        }
    }

    fn id(self) -> &'a str {
        match self {
            Self::Media(id) | Self::Comment(id) => id,
        }
    }

    /// The field that tells it. Mentions of one kind are refused the same.
    fn edge(self) -> &'static str {
        match self {
            Self::Media(_) => "mentioned_media",
            Self::Comment(_) => "mentioned_comment",
        }
    }

    /// The field with its argument.
    fn field(self) -> String {
        let edge = self.edge();
        match self {
            Self::Media(id) => format!("{edge}.media_id({id})"),
            Self::Comment(id) => format!("{edge}.comment_id({id})"),
        }
    }

    fn fields(self) -> Fields {
        match self {
            Self::Media(_) => Fields::of(OF_MEDIA)
                .with_extra(&format!("{EDGE}.limit({ALONG})"), fields_of(&COMMENTS)),
            Self::Comment(_) => {
                Fields::of(OF_COMMENT).with("media", Fields::of(["id", "media_url"]))
            }
        }
    }
}

/// The account, and the subject of the mention, of `<account>/<media id>` or `<account>/<media id>/<comment id>`; `None`: it is
/// neither.
pub fn mention(entry: &str) -> Option<(&str, &str)> {
    let (account, subject) = entry.split_once('/')?;
    (!account.is_empty() && Mention::parse(subject).is_some()).then_some((account, subject))
}

fn due(facts: &Facts) -> Vec<Question> {
    let known = facts.reads.keys();
    let new = facts
        .names
        .iter()
        .filter(|name| !facts.reads.contains_key(*name));
    let subjects = new.chain(known).filter(|subject| is_due(facts, subject));
    subjects
        .filter_map(|subject| question(facts, subject))
        .collect()
}

/// By its age; what nobody ever told anything of has none.
fn is_due(facts: &Facts, subject: &str) -> bool {
    let told = facts
        .reads
        .get(subject)
        .and_then(|read| read.mark.as_deref());
    match told.and_then(parse_instant) {
        Some(posted_at) => facts.is_due(subject, facts.now - posted_at),
        None => facts.is_due_every(subject, UNTOLD.to_std().ok()),
    }
}

fn question(facts: &Facts, subject: &str) -> Option<Question> {
    let mention = Mention::parse(subject)?;
    let fields = facts.accepted_fields(mention.edge(), mention.fields());
    let fields = Fields::default().with(&mention.field(), fields);
    let endpoint = match mention {
        Mention::Media(_) => "/{ig-user}?fields=mentioned_media",
        Mention::Comment(_) => "/{ig-user}?fields=mentioned_comment",
    };
    let path = format!("/{}", facts.account_id);
    Some(Question {
        object_id: Some(mention.id().to_owned()),
        family: mention.edge().to_owned(),
        ..Question::of(subject, endpoint, path, fields, Shape::Node)
    })
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let Some(mention) = Mention::parse(&question.subject) else {
        return;
    };
    for object in answer {
        if let Err(problem) = mention_rows(account_id, mention, &question.fields, object, decoded) {
            decoded.problems.push(problem);
        }
    }
    let posted_at = decoded.rows.first().and_then(posted_at);
    decoded.mark = posted_at.map(crate::clock::instant_text);
}

fn mention_rows(
    account_id: &str,
    mention: Mention<'_>,
    asked: &Fields,
    object: &RawValue,
    decoded: &mut Decoded,
) -> Result<(), Unreadable> {
    let node = decode::object(object)?;
    let told = node.get(mention.edge()).unwrap_or(&Json::Null);
    let told = decode::map(told).map_err(|problem| Unreadable {
        object: mention.id().to_owned(),
        problem: format!("{}: {}", mention.edge(), problem.problem),
    })?;
    let account = ("account_id", Value::from(account_id));
    let nothing = Fields::default();
    let asked = asked.selection(mention.edge()).unwrap_or(&nothing);
    let account = [account];
    let row = decode::row(&MENTIONS_TABLE, told, asked, &account)?;
    decoded.rows.push(row);
    if let Some(asked) = asked.selection(EDGE) {
        let [account] = account;
        comment_rows(account, mention.id(), asked, told, decoded);
    }
    Ok(())
}

/// The rows of the comments that came with a post. What stands behind them would cost a call of its own.
fn comment_rows(
    account: (&str, Value),
    media_id: &str,
    asked: &Fields,
    told: &Map<String, Json>,
    decoded: &mut Decoded,
) {
    let comments = graph::nested(told, EDGE);
    let filled = [account, ("media_id", Value::from(media_id))];
    for comment in comments {
        let row = decode::map(comment)
            .and_then(|comment| decode::row(&COMMENTS, comment, asked, &filled));
        decoded.take(row.map(|row| vec![row]));
    }
    if comments.len() >= ALONG && graph::nested_next(told, EDGE).is_some() {
        decoded.missing.push(Missing {
            object_id: media_id.to_owned(),
            field: Some(EDGE),
            reason: Reason::ListLimit,
            detail: format!("only its {ALONG} newest comments are read at a time"),
        });
    }
}

fn posted_at(row: &Row) -> Option<DateTime<Utc>> {
    let at = MENTIONS_TABLE.position("timestamp")?;
    match row.values[at].as_ref()? {
        Value::Text(text) => parse_instant(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Read;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200, 0).unwrap()
    }

    /// A mention that was read days ago, posted days ago or never told.
    fn read(days_ago: i64, posted_days_ago: Option<i64>) -> Facts {
        let instant = |days| now() - TimeDelta::days(days);
        let read = Read {
            subject: "7".to_owned(),
            read_at: Some(instant(days_ago)),
            mark: posted_days_ago.map(|days| crate::clock::instant_text(instant(days))),
            ..Read::default()
        };
        let mut facts = Facts::of("1", now());
        facts.reads.insert(read.subject.clone(), read);
        facts
    }

    #[test]
    fn a_mention_is_given_by_its_account_and_its_ids() {
        assert_eq!(mention("1/2"), Some(("1", "2")));
        assert_eq!(mention("bluebottle/2/3"), Some(("bluebottle", "2/3")));
        for wrong in ["2", "1/", "/2", "1/2/", "1/2/3/4", "1/x", "1/2)", "1/2/x"] {
            assert_eq!(mention(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mention_stays_known_and_is_read_again_by_its_age() {
        let asks = |facts: Facts| due(&facts).len() == 1;
        let mut given = Facts::of("1", now());
        given.names = vec!["7".to_owned()];
        assert!(asks(given));
        assert!(asks(read(1, Some(20))) && !asks(read(0, Some(20))));
        assert!(asks(read(7, Some(100))) && !asks(read(6, Some(100))));
        assert!(!asks(read(100, Some(2000))));
        // Never told: no age.
        assert!(asks(read(7, None)) && !asks(read(2, None)));
        // Given again.
        let mut again = read(0, Some(20));
        again.names = vec!["7".to_owned()];
        assert!(due(&again).is_empty());
    }

    #[test]
    fn the_age_of_a_mention_is_what_its_answer_told() {
        let mut facts = Facts::of("1", now());
        facts.names = vec!["7/8".to_owned()];
        let question = &due(&facts)[0];
        assert_eq!(
            question.fields.to_string(),
            "mentioned_comment.comment_id(8){id,text,timestamp,like_count,media{id,media_url}}"
        );
        let read = |answer: &str| {
            let answer = [RawValue::from_string(answer.to_owned()).unwrap()];
            let mut decoded = Decoded::default();
            rows("1", question, &answer, &mut decoded);
            decoded
        };
        let told = r#"{"mentioned_comment":{"id":"8","timestamp":"2026-10-01T08:00:00+0000","media":{"id":"7"}},"id":"1"}"#;
        let told = read(told);
        assert_eq!(told.mark.as_deref(), Some("2026-10-01T08:00:00Z"));
        let media_id = MENTIONS_TABLE.position("media_id").unwrap();
        assert_eq!(told.rows[0].values[media_id], Some("7".into()));
        let silent = read(r#"{"id":"1"}"#);
        assert_eq!(silent.problems[0].object, "8");
        assert_eq!((silent.rows.len(), silent.mark), (0, None));
    }

    #[test]
    fn comments_on_a_post_come_along_and_what_stands_behind_them_is_a_gap() {
        let mut facts = Facts::of("1", now());
        facts.names = vec!["7".to_owned()];
        let question = &due(&facts)[0];
        let read = |comments: usize| {
            let comment = |id| serde_json::json!({"id": format!("{}", 100 + id), "text": "a"});
            let comments: Vec<Json> = (0..comments).map(comment).collect();
            let paging = serde_json::json!({"cursors": {"after": "b"}});
            let edge = serde_json::json!({"data": comments, "paging": paging});
            let answer = serde_json::json!({"mentioned_media": {"id": "7", "comments": edge}});
            let answer = [RawValue::from_string(answer.to_string()).unwrap()];
            let mut decoded = Decoded::default();
            rows("1", question, &answer, &mut decoded);
            decoded
        };
        let few = read(3);
        assert_eq!((few.rows.len(), few.missing.len()), (4, 0));
        let media_id = COMMENTS.position("media_id").unwrap();
        assert_eq!(few.rows[1].values[media_id], Some("7".into()));
        let many = read(50);
        assert_eq!(
            (many.missing[0].object_id.as_str(), many.missing[0].field),
            ("7", Some(EDGE))
        );
    }
}
