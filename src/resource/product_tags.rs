//! `product_tags`: the products that are tagged in the account's posts.
//!
//! `GET /{ig-media}/product_tags` ("IG Media Product Tags" reference): for accounts with an approved shop, not for Creator accounts;
//! of stories, reels and broadcasts none are told. They come nested in pages of posts, see [`post_edge`](super::post_edge). The
//! reference spells the price without its currency in two ways; what its sample has is asked for. Left out are the catalogs of the shop, their
//! products and appeals: they are no content of the account, and would cost calls of their own.

use serde_json::value::RawValue;

use super::decode::Decoded;
use super::post_edge::PostEdge;
use super::{Facts, Meter, Question, Questions, Resource, Work};
use crate::store::{Column, History, Kind, Table};

static PRODUCT_TAGS_TABLE: Table = Table {
    name: "product_tags",
    key: &["media_id", "product_id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("product_id", Kind::Id),
        Column::filled("account_id", Kind::Id),
        Column::field("merchant_id", Kind::Id),
        Column::field("name", Kind::Text),
        Column::field("price_string", Kind::Text),
        Column::field("stripped_price_string", Kind::Text),
        Column::field("stripped_sale_price_string", Kind::Text).optional(),
        Column::field("review_status", Kind::Text),
        Column::field("is_checkout", Kind::Boolean),
        Column::field("x", Kind::Number),
        Column::field("y", Kind::Number),
        Column::field("image_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: Some("account_id"),
};

/// The resource.
pub(super) static PRODUCT_TAGS: Resource = Resource {
    name: "product_tags",
    permissions: &[
        "instagram_basic",
        "pages_read_engagement",
        "instagram_shopping_tag_products",
        "catalog_management",
    ],
    meter: Meter::Account,
    urgent: false,
    tables: &[&PRODUCT_TAGS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

static EDGE: PostEdge = PostEdge {
    name: "product_tags",
    endpoint: "/{ig-media}/product_tags",
    table: &PRODUCT_TAGS_TABLE,
    is_of: |_, product_type| product_type == "FEED",
};

fn due(facts: &Facts) -> Vec<Question> {
    EDGE.due(facts)
}

fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    EDGE.rows(account_id, question, answer, decoded);
}
