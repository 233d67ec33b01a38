//! Resources: one walk over the API each, one file each.
//!
//! A resource says where it reads (endpoint, shape), what it asks for (its tables' columns), what it needs (permissions),
//! and how an answer becomes rows. It knows the vocabulary of `graph` and `store` and does no I/O: the plan asks,
//! the client sends, the store writes.
//!
//! A new resource is one file here, one line in [`RESOURCES`] and its tables in `schema.sql`.

mod account;
mod account_insights;
mod audience;
mod business_discovery;
mod children;
mod collaborative_media;
mod collaborators;
mod comments;
mod conversations;
mod decode;
mod hashtags;
mod insight;
mod left_out;
mod live_media;
mod media;
mod media_insights;
mod mentions;
mod online_followers;
mod pacific;
mod post_edge;
mod product_tags;
mod publishing_limit;
mod question;
mod stories;
mod tags;
mod together;
pub mod weekly;

use serde_json::value::RawValue;

pub use decode::{Begun, Decoded, Listed, Missing, Told, Unreadable};
pub use hashtags::id_of as hashtag_id;
pub use mentions::mention;
pub use question::{Facts, Lost, News, Question, Refresh};

use crate::graph::{Fields, Shape};
use crate::store::{Post, Table};

/// What is read of an account.
#[derive(Debug)]
pub struct Resource {
    /// Its name in configurations, on the command line and in the database.
    pub name: &'static str,
    /// Permissions that the token needs (Meta's page of each endpoint).
    pub permissions: &'static [&'static str],
    /// The pool that its calls are metered in.
    pub meter: Meter,
    /// Whether it is lost when it is not read now: its calls go first.
    pub urgent: bool,
    /// The tables it fills, parents first.
    pub tables: &'static [&'static Table],
    /// How it is read.
    pub work: Work,
}

/// What a token is given that reads posts, comments and their numbers.
const COMMON_PERMISSIONS: [&str; 4] = [
    "instagram_basic",
    "instagram_manage_comments",
    "instagram_manage_insights",
    "pages_read_engagement",
];

impl Resource {
    /// Whether it needs nothing that most tokens lack. What needs more, for shops, for publishing or for messages, is read where it is
    /// named.
    pub fn is_common(&self) -> bool {
        let mut permissions = self.permissions.iter();
        permissions.all(|permission| COMMON_PERMISSIONS.contains(permission))
    }

    /// The names that it is read by.
    pub fn names(&self) -> Option<Names> {
        match self.name {
            "hashtags" => Some(Names::Hashtags),
            "business_discovery" => Some(Names::Usernames),
            _ => None,
        }
    }

    /// What it needs beside permissions, for a person; the API does not tell whether it is there.
    pub fn also_needs(&self) -> &'static str {
        match self.meter {
            _ if self.name == "product_tags" => {
                "a task on the Page, and the role of an admin in the business that owns the account's shop, for the token's user"
            }
            Meter::Account | Meter::App => "a task on the Page",
            Meter::Hashtags => {
                "the feature Instagram Public Content Access for the app (app dashboard, App Review)"
            }
            Meter::Messenger => "the task MESSAGING on the Page for the token's user",
        }
    }

    /// The list that it walks through; `None` when it asks questions.
    pub fn walk(&self) -> Option<&Walk> {
        match &self.work {
            Work::Walk(walk) => Some(walk),
            Work::Questions(_) => None,
        }
    }
}

/// Which of the pools that belong to an account and a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// BUC, of the account.
    Account,
    /// Platform, of the token's app.
    App,
    /// The same, and the hashtags of the account: a hashtag is booked before it is asked for.
    Hashtags,
    /// Messenger, of the account's Page, with the Page's own token.
    Messenger,
}

/// What kind of names a resource is read by. One account of those that a token reaches asks for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Without `#`.
    Hashtags,
    /// Without `@`.
    Usernames,
}

impl Names {
    /// The key of a job in the configuration that gives them.
    pub fn key(self) -> &'static str {
        match self {
            Self::Hashtags => "hashtags",
            Self::Usernames => "usernames",
        }
    }

    /// A name as the API has it: in small letters, without its sign.
    pub fn plain(self, name: &str) -> String {
        let sign = match self {
            Self::Hashtags => '#',
            Self::Usernames => '@',
        };
        name.trim().trim_start_matches(sign).to_lowercase()
    }
}

/// How a resource is read.
#[derive(Debug)]
pub enum Work {
    /// One list of the account, or the account itself.
    Walk(Walk),
    /// Many questions, each about a post, a day, a name.
    Questions(Questions),
}

/// One list, page by page from its top, or one object.
#[derive(Debug)]
pub struct Walk {
    /// The endpoint with its placeholder, `/{ig-user}/media`.
    pub endpoint: &'static str,
    /// How answers hold their objects.
    pub shape: Shape,
    /// The most objects that the API lists, where Meta says so.
    pub list_limit: Option<u64>,
    /// What it asks for when nothing was refused before.
    pub fields: fn() -> Fields,
    /// What comes along in the same answers for old posts, as long as nothing of it is refused.
    pub nested: Option<&'static Nested>,
    /// Turns one object of an answer into rows, and notes what cannot be read. The fields are those that were asked for.
    pub rows: fn(account_id: &str, asked: &Fields, object: &RawValue, decoded: &mut Decoded),
}

/// Metrics that come nested in the objects of a list. All objects of a page are asked the same ones, so these are metrics that
/// every kind of object has; one object that is refused them refuses the page ("Field Expansion" page, and recordings).
#[derive(Debug)]
pub struct Nested {
    /// The edge.
    pub edge: &'static str,
    /// The metrics.
    pub metrics: &'static [&'static str],
    /// What is wanted of each metric.
    pub fields: &'static [&'static str],
    /// The resource whose questions ask each object for the same.
    pub alone: &'static str,
    /// The family of its question about an object: those of one family are refused the same metrics.
    pub family: fn(&Post) -> String,
}

/// Many questions.
#[derive(Debug)]
pub struct Questions {
    /// Those that are due, the most valuable first.
    pub due: fn(&Facts) -> Vec<Question>,
    /// Turns an answer into rows, and notes what cannot be read.
    pub rows:
        fn(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded),
    /// What can never be asked any more, for resources whose objects end.
    pub lost: Option<fn(&Facts) -> Vec<Lost>>,
}

/// Every resource, in the order in which an account's are read: what would be lost first, first.
pub const RESOURCES: &[&Resource] = &[
    &account::ACCOUNT,
    &stories::STORIES,
    &live_media::LIVE_MEDIA,
    &hashtags::HASHTAGS,
    &account_insights::ACCOUNT_INSIGHTS,
    &online_followers::ONLINE_FOLLOWERS,
    &audience::AUDIENCE,
    &media::MEDIA,
    &media_insights::MEDIA_INSIGHTS,
    &comments::COMMENTS,
    &tags::TAGS,
    &mentions::MENTIONS,
    &collaborative_media::COLLABORATIVE_MEDIA,
    &collaborators::COLLABORATORS,
    &product_tags::PRODUCT_TAGS,
    &publishing_limit::PUBLISHING_LIMIT,
    &business_discovery::BUSINESS_DISCOVERY,
    // Its answers are slow, and nothing else should wait for them.
    &conversations::CONVERSATIONS,
];

pub use account::found as discovered_account;

/// The resource of that name.
pub fn find(name: &str) -> Option<&'static Resource> {
    RESOURCES
        .iter()
        .copied()
        .find(|resource| resource.name == name)
}

/// Whether a refused field is one that many apps are refused, so that its absence is no failure.
pub fn is_optional(resource: &Resource, field: &str) -> bool {
    let columns = resource.tables.iter().flat_map(|table| table.columns);
    columns
        .filter(|column| column.field.is_some_and(|path| first(path) == field))
        .map(|column| column.optional)
        .reduce(|all, one| all && one)
        .unwrap_or(false)
}

/// The fields that a table's columns are read from.
fn fields_of(table: &Table) -> Fields {
    Fields::of(
        table
            .columns
            .iter()
            .filter_map(|column| column.field.map(first)),
    )
}

/// The first name of a path: `owner` of `owner.id`. The API gives an object's `id` without being asked.
fn first(path: &'static str) -> &'static str {
    path.split_once('.').map_or(path, |(name, _)| name)
}
