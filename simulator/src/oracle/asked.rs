//! Rows of what the API lists nowhere: which of them a database holds follows from what was asked.

use serde_json::{Value, json};

use crate::fields::{Field, Selection};
use crate::journal::Call;
use crate::reader::Params;
use crate::server::Simulator;
use crate::world::{Account, MentioningComment, World};

use super::Expectation;
use super::collect::{file, instant};
use super::others::all_public;

/// Tables that [`Simulator::expected`] knows beside those of the world.
pub const JOURNAL_TABLES: [&str; 6] = [
    "hashtags",
    "mentions",
    "mentioned_media_comments",
    "hashtag_media",
    "hashtag_post_children",
    "recently_searched_hashtags",
];

impl Simulator {
    /// What a complete database would hold now: the tables of [`World::expected`], and those of [`JOURNAL_TABLES`].
    ///
    /// | table | key | beside the columns named like fields |
    /// |---|---|---|
    /// | `hashtags` | id | the hashtags that a search has found: `name` |
    /// | `mentions` | account id/id | what `mentioned_media` and `mentioned_comment` have told: `account_id`, and of comments `media_id` and `media_media_url` |
    /// | `mentioned_media_comments` | account id/id | the comments that came along with `mentioned_media`: `account_id`, `media_id` |
    /// | `hashtag_media` | hashtag id/edge/id | `hashtag_id`, `edge`: `top` or `recent`; what the latest reading of the edge has told, page by page |
    /// | `hashtag_post_children` | media id/id | `media_id`, `position`: the items of the albums among these media |
    /// | `recently_searched_hashtags` | account id/id | `account_id`: the hashtags that an account has queried within seven days |
    ///
    /// An answer that a fault changed may have arrived or not: its rows are optional. What was asked before the
    /// journal was cleared is not known; media of hashtags that an edge could tell since the simulation started may be
    /// there in any case.
    pub fn expected(&self, tables: &[&str]) -> Expectation<'_> {
        let mut expectation = self.world().expected(tables);
        let calls = self.journal();
        for call in calls.iter().filter(|call| call.status == 200) {
            let mut told = Expectation::default();
            if tables.contains(&"hashtags") {
                hashtags(self.world(), call, &mut told);
            }
            for table in ["mentions", "mentioned_media_comments"] {
                if tables.contains(&table) {
                    mentions(self.world(), call, table, &mut told);
                }
            }
            expectation.merge(told, call.faulted);
        }
        for table in ["hashtag_media", "hashtag_post_children"] {
            if tables.contains(&table) {
                super::hashtags::media(self.world(), &calls, table, &mut expectation);
            }
        }
        if tables.contains(&"recently_searched_hashtags") {
            super::hashtags::recently_searched(self.world(), &calls, &mut expectation);
        }
        expectation
    }
}

impl Expectation<'_> {
    fn merge(&mut self, told: Expectation<'_>, is_uncertain: bool) {
        for (table, rows) in told.rows {
            let kind = if is_uncertain {
                &mut self.optional
            } else {
                &mut self.rows
            };
            kind.entry(table).or_default().extend(rows);
        }
        for (table, rows) in told.optional {
            self.optional.entry(table).or_default().extend(rows);
        }
        for (table, keys) in told.gone {
            self.gone.entry(table).or_default().extend(keys);
        }
    }
}

fn hashtags(world: &World, call: &Call, told: &mut Expectation<'_>) {
    let wanted = call.query.iter().find(|(name, _)| name == "q");
    let Some((_, name)) = wanted.filter(|_| call.path == "/ig_hashtag_search") else {
        return;
    };
    let name = name.to_lowercase();
    if let Some(hashtag) = world.hashtag_named(&name) {
        let id = world.ids().hashtag(hashtag).to_string();
        told.add("hashtags", id.clone(), json!({ "id": id, "name": name }));
    }
}

fn mentions(world: &World, call: &Call, table: &str, told: &mut Expectation<'_>) {
    let account = call.account.as_deref().and_then(|id| world.account(id));
    let asked = call.fields.as_deref().map(Selection::parse);
    let (Some(account), Some(Ok(asked))) = (account, asked) else {
        return;
    };
    for field in &asked.fields {
        match (field.name.as_str(), table) {
            ("mentioned_media", "mentions") => media(world, account, field, told),
            ("mentioned_media", _) => comments_of(world, account, field, told),
            ("mentioned_comment", "mentions") => comment(world, account, field, told),
            _ => {}
        }
    }
}

fn media(world: &World, account: Account<'_>, field: &Field, told: &mut Expectation<'_>) {
    let id = Params(&field.arguments).get("media_id").unwrap_or_default();
    let Some(media) = world.media_by_id(id) else {
        return;
    };
    let key = format!("{}/{id}", account.id());
    let mut row = all_public(&media);
    row["account_id"] = Value::from(account.id());
    if media.is_readable() {
        told.add("mentions", key, row);
    } else {
        told.add_gone("mentions", key, row);
    }
}

fn comment(world: &World, account: Account<'_>, field: &Field, told: &mut Expectation<'_>) {
    let id = Params(&field.arguments)
        .get("comment_id")
        .unwrap_or_default();
    let Some(comment) = world.mentioning_comment(account, id) else {
        return;
    };
    let media = world.media_by_id(&comment.media_id());
    let mut row = comment_row(account, &comment);
    row["media_media_url"] = file(media.and_then(|media| media.media_url_path())).into();
    told.add("mentions", format!("{}/{id}", account.id()), row);
}

/// The comments that came along, if they were asked for.
fn comments_of(world: &World, account: Account<'_>, field: &Field, told: &mut Expectation<'_>) {
    let id = Params(&field.arguments).get("media_id").unwrap_or_default();
    let asked = field.selection.iter().flat_map(|asked| &asked.fields);
    if !asked.into_iter().any(|field| field.name == "comments") {
        return;
    }
    let comments = world.mentioning_comments(account.id());
    for comment in comments.filter(|comment| comment.media_id() == id) {
        let key = format!("{}/{}", account.id(), comment.id());
        let row = comment_row(account, &comment);
        told.add("mentioned_media_comments", key, row);
    }
}

fn comment_row(account: Account<'_>, comment: &MentioningComment<'_>) -> Value {
    json!({
        "id": comment.id(),
        "account_id": account.id(),
        "media_id": comment.media_id(),
        "text": comment.text(),
        "timestamp": instant(comment.timestamp()),
        "like_count": comment.like_count(),
    })
}
