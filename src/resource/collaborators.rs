//! `collaborators`: who was invited to publish the account's posts together with it, and who has accepted.
//!
//! `GET /{ig-media}/collaborators` ("IG Media Collaborators" reference): told to the publisher only, of images, carousels and
//! reels, at most five; who has switched tagging off is missing. They come nested in pages of posts, see [`post_edge`](super::post_edge).

use serde_json::value::RawValue;

use super::decode::Decoded;
use super::post_edge::PostEdge;
use super::{Facts, Meter, Question, Questions, Resource, Work};
use crate::store::{Column, History, Kind, Table};

static COLLABORATORS_TABLE: Table = Table {
    name: "collaborators",
    key: &["media_id", "id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::filled("account_id", Kind::Id),
        Column::field("username", Kind::Text),
        Column::field("invite_status", Kind::Text),
    ],
    history: History::Entity,
    listed_by: Some("account_id"),
};

/// The resource.
pub(super) static COLLABORATORS: Resource = Resource {
    name: "collaborators",
    permissions: &["instagram_basic", "pages_read_engagement"],
    meter: Meter::Account,
    urgent: false,
    tables: &[&COLLABORATORS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

static EDGE: PostEdge = PostEdge {
    name: "collaborators",
    endpoint: "/{ig-media}/collaborators",
    table: &COLLABORATORS_TABLE,
    is_of: |media_type, product_type| match product_type {
        "FEED" => media_type != "VIDEO",
        _ => product_type == "REELS",
    },
};

fn due(facts: &Facts) -> Vec<Question> {
    EDGE.due(facts)
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    EDGE.rows(account_id, question, answer, decoded);
}
