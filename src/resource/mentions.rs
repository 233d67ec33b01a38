//! `mentions`: posts and comments of others that mention the account.
//!
//! There is no list of them: their ids come from the configuration, or from whoever notes a subject in `sync_reads`, and once given
//! they stay known. `GET /{ig-user}?fields=mentioned_media.media_id(…)` ("IG User Mentioned Media" reference) tells a post whose
//! caption mentions the account, `mentioned_comment.comment_id(…)` ("IG User Mentioned Comment" reference) a comment. One call each,
//! as a field cannot be named twice in a request. What was deleted and what became private are refused alike.
//!
//! The pages contradict each other about the comments on such a post: its reference lists them, that of comments says that those on posts of
//! others cannot be read. So they come along where they are told, and are left out where they are refused, be it for want of a permission,
//! which the post itself then shows. They are paged inside the field, by a cursor alone, newest first: the first time to the end, later up to those that were known before, so that the likes of older ones are as they were first told.
//! Of a comment that mentions the account nothing more is told than what is read: no author, no replies, and of its post the id and the
//! file. No page says that a post tells the parts of an album here.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Decoded, Unreadable};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::clock::{instant_text, parse_instant};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Row, Table, Value};

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
const ALONG: u32 = 50;

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
            Self::Media(_) => Fields::of(OF_MEDIA).with_extra(EDGE, fields_of(&COMMENTS)),
            Self::Comment(_) => {
                Fields::of(OF_COMMENT).with("media", Fields::of(["id", "media_url"]))
            }
        }
    }
}

/// How far a mention was read, as it is kept: when it was posted, as far as that was told; when the top of its comments was read, and whether
/// all that stood below is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark<'a> {
    posted_at: Option<DateTime<Utc>>,
    top_at: Option<&'a str>,
    is_whole: bool,
}

/// Behind the time of a top of which the rest is not known yet.
const UNDER_WAY: &str = "+";

impl<'a> Mark<'a> {
    fn parse(mark: &'a str) -> Self {
        let (posted_at, top) = mark.split_once(' ').unwrap_or((mark, ""));
        let top_at = top.strip_suffix(UNDER_WAY).unwrap_or(top);
        Self {
            posted_at: parse_instant(posted_at),
            top_at: (!top_at.is_empty()).then_some(top_at),
            is_whole: top_at == top,
        }
    }

    fn text(self) -> String {
        let posted_at = self.posted_at.map(instant_text).unwrap_or_default();
        let under_way = if self.is_whole { "" } else { UNDER_WAY };
        let top = self.top_at.map(|at| format!(" {at}{under_way}"));
        posted_at + &top.unwrap_or_default()
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
    match told.and_then(|mark| Mark::parse(mark).posted_at) {
        Some(posted_at) => facts.is_due(subject, facts.now - posted_at),
        None => facts.is_due_every(subject, UNTOLD.to_std().ok()),
    }
}

fn question(facts: &Facts, subject: &str) -> Option<Question> {
    let mention = Mention::parse(subject)?;
    let fields = facts.accepted_fields(mention.edge(), mention.fields());
    let fields = Fields::default().with(&mention.field(), fields);
    let path = format!("/{}", facts.account_id);
    let question = |endpoint, shape| Question {
        object_id: Some(mention.id().to_owned()),
        family: mention.edge().to_owned(),
        ..Question::of(subject, endpoint, path, fields, shape)
    };
    Some(match mention {
        Mention::Media(_) => {
            let within = Shape::Within {
                object: mention.edge(),
                edge: EDGE,
            };
            with_comments(facts, question("/{ig-user}?fields=mentioned_media", within))
        }
        Mention::Comment(_) => question("/{ig-user}?fields=mentioned_comment", Shape::Node),
    })
}

/// A question about a post, with its comments: all of them, where they were never read to the end or everything is to be read.
fn with_comments(facts: &Facts, question: Question) -> Question {
    let known = facts.reads.get(&question.subject);
    let mark = known.and_then(|read| read.mark.as_deref());
    let after = facts.cursor(&question.subject);
    let since = mark
        .map(Mark::parse)
        .filter(|mark| mark.is_whole && after.is_none() && facts.everything_since.is_none())
        .and_then(|mark| parse_instant(mark.top_at?));
    let begun = Mark {
        top_at: Some(&instant_text(facts.now)),
        ..Mark::default()
    };
    Question {
        limit: Some(ALONG),
        // What was written after the top of the list was read is not in the rest of it.
        mark: Some(match mark {
            Some(mark) if after.is_some() => mark.to_owned(),
            _ => begun.text(),
        }),
        after,
        since,
        leads_to: since.is_none().then_some(0),
        ..question
    }
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let Some(mention) = Mention::parse(&question.subject) else {
        return;
    };
    for object in answer {
        match mention_rows(account_id, mention, question, object, decoded) {
            Ok(mark) => decoded.mark = Some(mark).filter(|mark| !mark.is_empty()),
            Err(problem) => decoded.problems.push(problem),
        }
    }
}

/// Reads a mention; says how far it is known then.
fn mention_rows(
    account_id: &str,
    mention: Mention<'_>,
    question: &Question,
    object: &RawValue,
    decoded: &mut Decoded,
) -> Result<String, Unreadable> {
    let node = decode::object(object)?;
    let told = match mention {
        // The page is the post itself.
        Mention::Media(_) => &node,
        Mention::Comment(id) => {
            let told = node.get(mention.edge()).unwrap_or(&Json::Null);
            decode::map(told).map_err(|problem| Unreadable {
                object: id.to_owned(),
                problem: format!("{}: {}", mention.edge(), problem.problem),
            })?
        }
    };
    let account = ("account_id", Value::from(account_id));
    let nothing = Fields::default();
    let asked = question.fields.selection(mention.edge());
    let asked = asked.unwrap_or(&nothing);
    let account = [account];
    let row = decode::row(&MENTIONS_TABLE, told, asked, &account)?;
    let mut mark = Mark {
        posted_at: posted_at(&row),
        ..Mark::default()
    };
    decoded.rows.push(row);
    if let Some(asked) = asked.selection(EDGE) {
        let [account] = account;
        let filled = [account, ("media_id", Value::from(mention.id()))];
        for comment in graph::nested(told, EDGE) {
            let row = decode::map(comment)
                .and_then(|comment| decode::row(&COMMENTS, comment, asked, &filled));
            decoded.take(row.map(|row| vec![row]));
        }
        let next = graph::nested_next(told, EDGE);
        let ends = next.is_none() || next == question.after;
        decoded.enough = question.since.is_some_and(|since| reaches(told, since));
        mark.top_at = question
            .mark
            .as_deref()
            .and_then(|mark| Mark::parse(mark).top_at);
        // What was refused is told of all of them when it comes back.
        let is_all = asked.names().eq(fields_of(&COMMENTS).names());
        mark.is_whole = is_all && (ends || decoded.enough);
    }
    Ok(mark.text())
}

/// Whether a page of comments ends with one from before an instant. What stands behind it was known then.
fn reaches(told: &Map<String, Json>, since: DateTime<Utc>) -> bool {
    let last = graph::nested(told, EDGE).last();
    let written = last
        .and_then(|comment| comment.get("timestamp"))
        .and_then(Json::as_str)
        .and_then(decode::instant);
    written.is_some_and(|written| written < instant_text(since))
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
            mark: posted_days_ago.map(|days| instant_text(instant(days))),
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

    /// A page of comments on a post, written on these days of October.
    fn page(question: &Question, days: impl Iterator<Item = u32>) -> Decoded {
        let comment = |day| {
            let written = format!("2026-10-{day:02}T08:00:00+0000");
            serde_json::json!({"id": format!("1{day}"), "text": "a", "timestamp": written})
        };
        let comments: Vec<Json> = days.map(comment).collect();
        let paging = serde_json::json!({"cursors": {"after": "b"}});
        let edge = serde_json::json!({"data": comments, "paging": paging});
        let posted = "2026-09-30T08:00:00+0000";
        let post = serde_json::json!({"id": "7", "timestamp": posted, "comments": edge});
        let answer = [RawValue::from_string(post.to_string()).unwrap()];
        let mut decoded = Decoded::default();
        rows("1", question, &answer, &mut decoded);
        decoded
    }

    #[test]
    fn comments_on_a_post_are_read_to_the_end_once_and_later_up_to_what_is_known() {
        let mut facts = Facts::of("1", now());
        facts.names = vec!["7".to_owned()];
        let first = &due(&facts)[0];
        assert_eq!((first.limit, first.since), (Some(50), None));
        assert_eq!(first.leads_to, Some(0));
        let told = page(first, (1..=5).rev());
        assert_eq!((told.rows.len(), told.enough), (6, false));
        let media_id = COMMENTS.position("media_id").unwrap();
        assert_eq!(told.rows[1].values[media_id], Some("7".into()));
        let top = instant_text(now());
        assert_eq!(told.mark, Some(format!("2026-09-30T08:00:00Z {top}+")));
        let last = Question {
            after: Some("b".to_owned()),
            ..first.clone()
        };
        let whole = page(&last, std::iter::once(1)).mark;
        assert_eq!(whole, Some(format!("2026-09-30T08:00:00Z {top}")));

        // Its end was reached a day later; what was written meanwhile stands above the top that was read.
        let mut read = read(1, Some(20)).reads.remove("7").unwrap();
        read.mark.clone_from(&whole);
        facts.now = now() + TimeDelta::days(2);
        read.read_at = Some(now() + TimeDelta::days(1));
        facts.reads.insert("7".to_owned(), read.clone());
        let later = &due(&facts)[0].clone();
        assert_eq!((later.since, later.leads_to), (Some(now()), None));
        let day = |at: DateTime<Utc>| chrono::Datelike::day(&at);
        let known = day(now());
        assert!(!page(later, (known + 1..=known + 3).rev()).enough);
        assert!(page(later, (known - 1..=known + 3).rev()).enough);
        assert!(!page(later, std::iter::empty()).enough);
        let mark = page(later, std::iter::once(known)).mark.unwrap();
        assert_eq!(Mark::parse(&mark).top_at, Some(&*instant_text(facts.now)));

        // What is refused for a while is missing in all of them.
        let mut refused = last;
        refused.fields.remove("comments.like_count");
        let mark = page(&refused, std::iter::once(1)).mark;
        assert_eq!(mark, told.mark);

        // In the middle of its list it goes on, with the top that was read.
        read.mark.clone_from(&told.mark);
        read.cursor = Some("b".to_owned());
        facts.reads.insert("7".to_owned(), read.clone());
        let rest = &due(&facts)[0];
        assert_eq!((rest.since, rest.after.as_deref()), (None, Some("b")));
        assert_eq!(rest.mark, told.mark);

        // Where the rest of the list was given up, it is read again from its top.
        read.cursor = None;
        facts.reads.insert("7".to_owned(), read.clone());
        assert_eq!(due(&facts)[0].since, None);
        assert_ne!(due(&facts)[0].mark, told.mark);

        // A backfill reads all of them, and so does who was told of no top, or of a post without its comments.
        read.mark.clone_from(&whole);
        facts.reads.insert("7".to_owned(), read.clone());
        facts.everything_since = Some(facts.now);
        assert_eq!(due(&facts)[0].since, None);
        facts.everything_since = None;
        let mut without = later.clone();
        without.fields = without.fields.without_extras().unwrap();
        read.mark = page(&without, std::iter::empty()).mark;
        assert_eq!(read.mark.as_deref(), Some("2026-09-30T08:00:00Z"));
        facts.reads.insert("7".to_owned(), read);
        assert_eq!(due(&facts)[0].since, None);
    }
}
