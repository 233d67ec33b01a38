//! `account`: the account itself and its counts.
//!
//! `GET /{ig-user}` ("IG User" reference). The field list is Meta's documented one without
//! `shopping_product_tag_eligibility`, which refuses the whole request for apps without shopping permissions. `owner_business` and
//! `shopping_review_status` stand in Meta's SDK only.

use serde_json::value::RawValue;

use super::decode::{self, Decoded, Unreadable};
use super::{Meter, Resource, Walk, Work, fields_of};
use crate::graph::{Fields, Shape};
use crate::store::{Column, History, Kind, Row, Table, Value};

static ACCOUNTS: Table = Table {
    name: "accounts",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::field("username", Kind::Text),
        Column::field("name", Kind::Text),
        Column::field("biography", Kind::Text),
        Column::field("website", Kind::Text),
        Column::field("profile_picture_url", Kind::Address),
        Column::field("has_profile_pic", Kind::Boolean),
        Column::field("is_published", Kind::Boolean),
        Column::field("legacy_instagram_user_id", Kind::Id),
        Column::field("ig_id", Kind::Id).optional(),
        Column::filled("page_id", Kind::Id),
        Column::filled("page_name", Kind::Text),
        Column::filled("page_tasks", Kind::Json),
        Column::filled(
            "page_has_transitioned_to_new_page_experience",
            Kind::Boolean,
        ),
    ],
    history: History::Entity,
    listed_by: None,
};

static SNAPSHOTS: Table = Table {
    name: "account_snapshots",
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

/// The resource.
pub(super) static ACCOUNT: Resource = Resource {
    name: "account",
    permissions: &["instagram_basic", "pages_read_engagement"],
    meter: Meter::Account,
    urgent: false,
    tables: &[&ACCOUNTS, &SNAPSHOTS],
    work: Work::Walk(Walk {
        endpoint: "/{ig-user}",
        shape: Shape::Node,
        list_limit: None,
        fields,
        nested: None,
        rows,
    }),
};

fn fields() -> Fields {
    fields_of(&ACCOUNTS).and(fields_of(&SNAPSHOTS))
}

fn rows(account_id: &str, asked: &Fields, object: &RawValue, decoded: &mut Decoded) {
    decoded.take(decode::object(object).and_then(|node| {
        let id = ("account_id", Value::from(account_id));
        Ok(vec![
            decode::row(&ACCOUNTS, &node, asked, &[])?,
            decode::row(&SNAPSHOTS, &node, asked, &[id])?,
        ])
    }));
}

/// The row of an account that discovery found: the object as `/me/accounts` gives it inside a Page, and the Page.
pub fn found(
    node: &serde_json::Map<String, serde_json::Value>,
    page: &[(&str, Value)],
) -> Result<Row, Unreadable> {
    let asked = Fields::of(node.keys().map(String::as_str));
    decode::row(&ACCOUNTS, node, &asked, page)
}
