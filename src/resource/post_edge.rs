//! An edge of the account's posts that comes nested in pages of them: a call for a hundred posts and not one for each.
//!
//! The whole list is read once a week, the posts of the last days every night. A page that is refused because of one of its posts is
//! read without the edge, and those of its posts that can have it are asked one by one ("Field Expansion" page; recordings show that one
//! object refuses the page). A nested edge without objects is absent; that an object is gone is concluded only where the
//! whole list was read.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Begun, Decoded, Listed};
use super::{Facts, Question, fields_of, weekly};
use crate::graph::{self, Fields, Shape};
use crate::store::{Table, Value};

/// An edge of posts.
pub(super) struct PostEdge {
    /// Its name.
    pub(super) name: &'static str,
    /// The endpoint of the edge of one post, for counting.
    pub(super) endpoint: &'static str,
    /// Where its objects go; they have an account and a post.
    pub(super) table: &'static Table,
    /// Whether posts of a media type and a product type can have it.
    pub(super) is_of: fn(media_type: &str, product_type: &str) -> bool,
}

/// The list from its top to its end.
const WHOLE: &str = "all posts";

/// The posts of the last days.
const YOUNG: &str = "young posts";

/// The endpoint of the list.
pub(super) const LIST: &str = "/{ig-user}/media";

/// The night of the week in which the list is walked through.
const PLACE: i64 = 6;

/// The top of the list is read so often.
const NIGHTLY: Duration = Duration::from_secs(24 * 3600);

/// A post that is asked on its own stands in `sync_reads` with this in the place of a cursor until it has been.
const ALONE: &str = "alone";

impl PostEdge {
    pub(super) fn due(&self, facts: &Facts) -> Vec<Question> {
        let mut due = Vec::new();
        let is_backfill = facts.everything_since.is_some();
        let is_whole = if is_backfill {
            facts.is_due_every(WHOLE, None)
        } else {
            facts.cursor(WHOLE).is_some() || facts.is_due_weekly(WHOLE, PLACE, weekly::LONGER)
        };
        if is_whole {
            due.push(self.list(facts, WHOLE));
        } else if !is_backfill && facts.is_old(WHOLE, NIGHTLY) && facts.is_old(YOUNG, NIGHTLY) {
            due.push(self.list(facts, YOUNG));
        }
        due.extend(self.alone(facts));
        // Once the API has said that it does not know the edge, there is nothing to ask for.
        let refused = (self.family(), self.name.to_owned());
        due.retain(|_| !facts.refused.contains(&refused));
        due
    }

    /// The posts of pages that were refused, each by its age.
    fn alone(&self, facts: &Facts) -> Vec<Question> {
        let mut ages = BTreeMap::new();
        let alone = |subject: &str| facts.cursor(subject).as_deref() == Some(ALONE);
        let waiting: Vec<&String> = facts.reads.keys().filter(|id| alone(id)).collect();
        if !waiting.is_empty() {
            let posts = facts.posts.iter();
            ages.extend(posts.map(|post| (post.id.as_str(), facts.now - post.timestamp)));
        }
        let age = |id: &str| ages.get(id).copied().unwrap_or_default();
        let due = waiting.into_iter().filter(|id| facts.is_due(id, age(id)));
        due.map(|id| self.of_post(facts, id)).collect()
    }

    fn list(&self, facts: &Facts, subject: &str) -> Question {
        let since =
            facts.now - facts.refresh.daily().min(TimeDelta::days(365)) - TimeDelta::days(1);
        let is_whole = subject == WHOLE;
        let path = format!("/{}/media", facts.account_id);
        let fields = Fields::of(["id", "media_type", "media_product_type"])
            .with_extra(self.name, self.fields(facts));
        Question {
            params: if is_whole {
                Vec::new()
            } else {
                vec![("since", since.timestamp().to_string())]
            },
            limit: Some(100),
            // The top moves on every night, so it is read from the top.
            after: facts.cursor(subject).filter(|_| is_whole),
            family: self.family(),
            wants_extras: true,
            ..Question::of(subject, LIST, path, fields, Shape::Edge)
        }
    }

    fn of_post(&self, facts: &Facts, id: &str) -> Question {
        let path = format!("/{id}/{}", self.name);
        Question {
            object_id: Some(id.to_owned()),
            family: self.family(),
            ..Question::of(id, self.endpoint, path, self.fields(facts), Shape::Edge)
        }
    }

    fn family(&self) -> String {
        format!("posts with {}", self.name)
    }

    fn fields(&self, facts: &Facts) -> Fields {
        facts.accepted_fields(&self.family(), fields_of(self.table))
    }

    pub(super) fn rows(
        &self,
        account_id: &str,
        question: &Question,
        answer: &[Box<RawValue>],
        decoded: &mut Decoded,
    ) {
        let is_list = [WHOLE, YOUNG].contains(&question.subject.as_str());
        decoded.listed = (question.subject != YOUNG).then(|| Listed {
            owner: account_id.to_owned(),
            from_top: is_list && question.after.is_none(),
            may_be_empty: false,
        });
        for object in answer {
            match decode::object(object) {
                Err(problem) => decoded.problems.push(problem),
                Ok(node) if !is_list => {
                    self.row(
                        account_id,
                        &question.subject,
                        &question.fields,
                        &node,
                        decoded,
                    );
                }
                Ok(post) => self.of_listed(account_id, question, &post, decoded),
            }
        }
    }

    /// What came with a post, or that it is to be asked on its own.
    fn of_listed(
        &self,
        account_id: &str,
        question: &Question,
        post: &Map<String, Json>,
        decoded: &mut Decoded,
    ) {
        let text = |name: &str| post.get(name).and_then(Json::as_str).unwrap_or_default();
        let id = text("id");
        let Some(asked) = question.fields.selection(self.name) else {
            if (self.is_of)(text("media_type"), text("media_product_type")) {
                decoded.begun.push(Begun {
                    subject: id.to_owned(),
                    cursor: Some(ALONE.to_owned()),
                });
            }
            return;
        };
        for object in graph::nested(post, self.name) {
            match decode::map(object) {
                Ok(node) => self.row(account_id, id, asked, node, decoded),
                Err(problem) => decoded.problems.push(problem),
            }
        }
    }

    fn row(
        &self,
        account_id: &str,
        media_id: &str,
        asked: &Fields,
        node: &Map<String, Json>,
        decoded: &mut Decoded,
    ) {
        let filled = [
            ("account_id", Value::from(account_id)),
            ("media_id", Value::from(media_id)),
        ];
        let row = decode::row(self.table, node, asked, &filled);
        decoded.take(row.map(|row| vec![row]));
    }
}
