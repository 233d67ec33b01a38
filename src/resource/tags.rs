//! `tags`: posts of others in which the account is tagged.
//!
//! `GET /{ig-user}/tags` ("IG User Tags" reference): cursors only, no `next`; what private accounts post is not among it. Of other
//! people's posts the API tells what is public; no page says that the parts of an album are, and `owner` is told of own posts only. The
//! page names no order, so what is not found at the top is found by the walk through the whole list.

use serde_json::value::RawValue;

use super::decode::{self, Decoded};
use super::{Meter, Resource, Walk, Work, fields_of};
use crate::graph::{Fields, Shape};
use crate::store::{Column, History, Kind, Table, Value};

static TAGGED_MEDIA: Table = Table {
    name: "tagged_media",
    key: &["account_id", "id"],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::field("username", Kind::Text),
        Column::field("media_type", Kind::Text),
        Column::field("media_product_type", Kind::Text),
        Column::field("caption", Kind::Text),
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
    listed_by: Some("account_id"),
};

/// The resource.
pub(super) static TAGS: Resource = Resource {
    name: "tags",
    permissions: &[
        "instagram_basic",
        "instagram_manage_comments",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&TAGGED_MEDIA],
    work: Work::Walk(Walk {
        endpoint: "/{ig-user}/tags",
        shape: Shape::CursorEdge,
        list_limit: None,
        fields: || fields_of(&TAGGED_MEDIA),
        nested: None,
        rows,
    }),
};

fn rows(account_id: &str, asked: &Fields, object: &RawValue, decoded: &mut Decoded) {
    foreign(&TAGGED_MEDIA, account_id, asked, object, decoded);
}

/// The row of somebody else's post that a list of the account shows.
pub(super) fn foreign(
    table: &'static Table,
    account_id: &str,
    asked: &Fields,
    object: &RawValue,
    decoded: &mut Decoded,
) {
    let account = ("account_id", Value::from(account_id));
    let row = decode::object(object).and_then(|node| decode::row(table, &node, asked, &[account]));
    decoded.take(row.map(|row| vec![row]));
}
