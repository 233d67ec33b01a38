//! `collaborative_media`: posts of others on which the account is an accepted collaborator.
//!
//! `GET /{ig-user}/collaborative_media` ("Collaboration" guide). They are not in `/{ig-user}/media`: that lists what the account
//! published itself. Which fields are accepted is not documented in full, so the basic ones are asked for, and `saved_count`, which
//! collaborators may read ("IG Media" reference). Left out are further counts that the guide names (reposts, shares, totals) and the parts
//! of albums: each that is not accepted would cost a refused call. How the list pages is not documented, either: it is read as one that has cursors
//! only, which costs at most a call more.

use serde_json::value::RawValue;

use super::decode::Decoded;
use super::tags::foreign;
use super::{Meter, Resource, Walk, Work, fields_of};
use crate::graph::{Fields, Shape};
use crate::store::{Column, History, Kind, Table};

static COLLABORATIVE_MEDIA_TABLE: Table = Table {
    name: "collaborative_media",
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
        Column::field("like_count", Kind::Integer),
        Column::field("comments_count", Kind::Integer),
        Column::field("saved_count", Kind::Integer).optional(),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: Some("account_id"),
};

/// The resource.
pub(super) static COLLABORATIVE_MEDIA: Resource = Resource {
    name: "collaborative_media",
    permissions: &["instagram_basic", "pages_read_engagement"],
    meter: Meter::Account,
    urgent: false,
    tables: &[&COLLABORATIVE_MEDIA_TABLE],
    work: Work::Walk(Walk {
        endpoint: "/{ig-user}/collaborative_media",
        shape: Shape::CursorEdge,
        list_limit: None,
        fields: || fields_of(&COLLABORATIVE_MEDIA_TABLE),
        nested: None,
        rows,
    }),
};

fn rows(account_id: &str, asked: &Fields, object: &RawValue, decoded: &mut Decoded) {
    foreign(
        &COLLABORATIVE_MEDIA_TABLE,
        account_id,
        asked,
        object,
        decoded,
    );
}
