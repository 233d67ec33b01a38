//! What a complete database would hold, and how a database differs from it.
//!
//! Tables and columns are named like the API's fields. A caller reads its tables into [`Tables`] and gets a list of
//! sentences back; an empty list means that the database is the world.

mod account_insights;
mod asked;
mod audience;
mod collect;
mod compare;
mod hashtags;
mod media_insights;
mod others;
mod reading;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};
use serde_json::Value;

use crate::world::World;

pub use asked::JOURNAL_TABLES;
pub use compare::Comparison;

/// Table, key, column, value. Keys of tables with a key of several columns are joined by `/`.
pub type Tables = BTreeMap<String, BTreeMap<String, Columns>>;

type Columns = BTreeMap<String, Value>;

/// What the database should hold.
#[derive(Clone, Debug, Default)]
pub struct Expectation<'w> {
    /// Rows that must be there.
    pub rows: Tables,
    /// Rows that may be there or not, because they were true once: stories, posts that the list is too short for,
    /// requests that nobody has written in lately, and what belongs to posts that are gone. Their numbers may be
    /// smaller, as they were when they were read.
    pub optional: Tables,
    /// Those of the optional rows whose `deleted_at`, if the table has one, must be set.
    pub gone: BTreeMap<String, BTreeSet<String>>,
    /// Who knows what else could be read; nobody knows of more rows than these without it.
    world: Option<&'w World>,
}

/// Tables that [`World::expected`] knows.
pub const ORACLE_TABLES: [&str; 26] = [
    "accounts",
    "accounts_current",
    "media",
    "media_children",
    "media_current",
    "stories",
    "story_insights",
    "media_insights",
    "account_insights",
    "audience",
    "comments",
    "tagged_media",
    "product_tags",
    "collaborators",
    "discovered_accounts",
    "discovered_media",
    "discovered_media_children",
    "conversations",
    "messages",
    "collaborative_media",
    "collaboration_invites",
    "live_media",
    "publishing_limit",
    "available_catalogs",
    "catalog_products",
    "product_appeals",
];

/// Days of account insights that must be there unless a caller says otherwise: before these, numbers still grow.
const UNSETTLED_DAYS: u64 = 4;
const DAYS: u64 = 28;

impl World {
    /// What a complete database would hold now, in the wanted ones of [`ORACLE_TABLES`]; of account insights the last
    /// 28 days that have settled.
    ///
    /// | table | key | beside the columns named like fields |
    /// |---|---|---|
    /// | `accounts` | id | `page_id`, `page_name` |
    /// | `accounts_current`, `media_current` | id | the newest counts |
    /// | `media` | id | `account_id`, `owner_id`; posts in reach of the list |
    /// | `stories`, `live_media` | id | as `media`: those shown now |
    /// | `media_children` | media id/id | `media_id`, `position` |
    /// | `media_insights`, `story_insights` | media id/name/breakdown/dimension value | `media_id`, `name`, `breakdown`, `dimension_value`, `value` |
    /// | `account_insights` | account id/name/period/breakdown/dimension value/end time | `account_id`, `name`, `period`, `breakdown`, `dimension_value`, `end_time`, `value` |
    /// | `audience` | account id/name/timeframe/breakdown/dimension value | `account_id`, `name`, `timeframe`, `breakdown`, `dimension_value`, `value` |
    /// | `comments` | id | `media_id`, `parent_id`, `from_id`, `from_self_ig_scoped_id` |
    /// | `tagged_media`, `collaborative_media` | account id/id | `account_id` |
    /// | `collaboration_invites` | account id/media id | `account_id`, `media_id`, `media_owner_username`, `caption`, `media_url` |
    /// | `product_tags` | media id/product id | `media_id` |
    /// | `collaborators` | media id/id | `media_id` |
    /// | `discovered_accounts`, `discovered_media` | id | the accounts that no token reaches |
    /// | `discovered_media_children` | media id/id | `media_id`, `position` |
    /// | `conversations` | id | `account_id` |
    /// | `messages` | id | `conversation_id`, `from_id`: those with details |
    /// | `publishing_limit` | account id | `account_id`, `quota_usage`, `quota_total`, `quota_duration` |
    /// | `available_catalogs` | account id/catalog id | `account_id` |
    /// | `catalog_products`, `product_appeals` | account id/product id | `account_id`; `catalog_id` of products |
    ///
    /// Where there is no breakdown, timeframe or dimension, that part of the key is empty; several breakdowns and the
    /// values of several dimensions are joined by `,`. Instants are written like `2026-05-07T07:00:00Z`. Values of
    /// breakdowns are spelled as they are told. `online_followers` has the period `lifetime`, the breakdown `hour` and
    /// the hour as its dimension.
    ///
    /// Rows of insights that are not required are checked as well: whether the API could tell them at some time since
    /// the simulation started, and whether their values can be right. Values that have settled must be equal, those
    /// that may have been read while they still grew are between 0 and what is told now. A row with an `observed_at`
    /// must say what was true at that time; a required day that has settled must have been read again since then.
    pub fn expected(&self, tables: &[&str]) -> Expectation<'_> {
        let today = self.now().date_naive();
        let last = today - Days::new(UNSETTLED_DAYS);
        self.expected_on(tables, last - Days::new(DAYS - 1)..=last)
    }

    /// As [`World::expected`], with the days of account insights that must be there, as far as they can be read now.
    /// Values of days that have not settled must be those of now, unless a row says when it was read.
    pub fn expected_on(&self, tables: &[&str], days: RangeInclusive<NaiveDate>) -> Expectation<'_> {
        let mut expectation = Expectation {
            world: Some(self),
            ..Expectation::default()
        };
        for table in tables {
            expectation.rows.entry((*table).to_owned()).or_default();
            collect::table(self, table, &days, &mut expectation);
        }
        expectation
    }
}

impl Expectation<'_> {
    /// The same with some rows of a table that may be missing. They are still checked where they are found.
    #[must_use]
    pub fn not_requiring(mut self, table: &str, is_waived: impl Fn(&str) -> bool) -> Self {
        let rows = self.rows.remove(table).unwrap_or_default();
        let all = rows.into_iter();
        let (waived, required): (BTreeMap<_, _>, _) = all.partition(|(key, _)| is_waived(key));
        self.rows.insert(table.to_owned(), required);
        if !reading::is_found_by_key(table) {
            let optional = self.optional.entry(table.to_owned()).or_default();
            optional.extend(waived);
        }
        self
    }

    fn add(&mut self, table: &str, key: String, row: Value) {
        self.rows
            .entry(table.to_owned())
            .or_default()
            .insert(key, columns(row));
    }

    fn allow(&mut self, table: &str, key: String, row: Value) {
        self.optional
            .entry(table.to_owned())
            .or_default()
            .insert(key, columns(row));
    }

    /// Allows a row of something that is gone now.
    fn add_gone(&mut self, table: &str, key: String, row: Value) {
        self.gone
            .entry(table.to_owned())
            .or_default()
            .insert(key.clone());
        self.allow(table, key, row);
    }
}

fn columns(row: Value) -> Columns {
    match row {
        Value::Object(columns) => columns.into_iter().collect(),
        _ => Columns::new(),
    }
}
