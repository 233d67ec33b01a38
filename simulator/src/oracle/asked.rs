//! Rows of what the API lists nowhere: which of them a database holds follows from what was asked.

use serde_json::{Value, json};

use crate::fields::{Field, Selection};
use crate::journal::Call;
use crate::reader::Params;
use crate::server::Simulator;
use crate::world::{Account, World};

use super::Expectation;
use super::collect::instant;
use super::others::public;

/// Tables that [`Simulator::expected`] knows beside those of the world.
pub const JOURNAL_TABLES: [&str; 2] = ["hashtags", "mentions"];

impl Simulator {
    /// What a complete database would hold now: the tables of [`World::expected`], and those of [`JOURNAL_TABLES`].
    ///
    /// | table | key | beside the columns named like fields |
    /// |---|---|---|
    /// | `hashtags` | id | the hashtags that a search has found: `name` |
    /// | `mentions` | account id/id | what `mentioned_media` and `mentioned_comment` have told: `account_id`, and `media_id` of comments |
    ///
    /// An answer that a fault changed may have arrived or not: its rows are optional. What was asked before the
    /// journal was cleared is not known.
    pub fn expected(&self, tables: &[&str]) -> Expectation {
        let mut expectation = self.world().expected(tables);
        let calls = self.journal();
        for call in calls.iter().filter(|call| call.status == 200) {
            let mut told = Expectation::default();
            if tables.contains(&"hashtags") {
                hashtags(self.world(), call, &mut told);
            }
            if tables.contains(&"mentions") {
                mentions(self.world(), call, &mut told);
            }
            expectation.merge(told, call.faulted);
        }
        expectation
    }
}

impl Expectation {
    fn merge(&mut self, told: Self, is_uncertain: bool) {
        for (table, rows) in told.rows {
            if is_uncertain {
                let optional = self.optional.entry(table).or_default();
                optional.extend(rows.into_keys());
            } else {
                self.rows.entry(table).or_default().extend(rows);
            }
        }
        for (table, keys) in told.gone {
            self.gone.entry(table).or_default().extend(keys);
        }
    }
}

fn hashtags(world: &World, call: &Call, told: &mut Expectation) {
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

fn mentions(world: &World, call: &Call, told: &mut Expectation) {
    let account = call.account.as_deref().and_then(|id| world.account(id));
    let asked = call.fields.as_deref().map(Selection::parse);
    let (Some(account), Some(Ok(asked))) = (account, asked) else {
        return;
    };
    for field in &asked.fields {
        match field.name.as_str() {
            "mentioned_media" => media(world, account, field, told),
            "mentioned_comment" => comment(world, account, field, told),
            _ => {}
        }
    }
}

fn media(world: &World, account: Account<'_>, field: &Field, told: &mut Expectation) {
    let id = Params(&field.arguments).get("media_id").unwrap_or_default();
    let Some(media) = world.media_by_id(id) else {
        return;
    };
    let key = format!("{}/{id}", account.id());
    if !media.is_readable() {
        let gone = told.gone.entry("mentions".to_owned());
        gone.or_default().insert(key);
        return;
    }
    let mut row = public(&media);
    row["account_id"] = Value::from(account.id());
    told.add("mentions", key, row);
}

fn comment(world: &World, account: Account<'_>, field: &Field, told: &mut Expectation) {
    let id = Params(&field.arguments)
        .get("comment_id")
        .unwrap_or_default();
    let Some(comment) = world.mentioning_comment(account, id) else {
        return;
    };
    let row = json!({
        "id": id,
        "account_id": account.id(),
        "media_id": comment.media_id(),
        "text": comment.text(),
        "timestamp": instant(comment.timestamp()),
        "like_count": comment.like_count(),
    });
    told.add("mentions", format!("{}/{id}", account.id()), row);
}
