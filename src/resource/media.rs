//! `media`: posts, their counts, and the parts of carousels.
//!
//! `GET /{ig-user}/media` ("IG Media" reference): newest first, stories excluded, at most the 10,000 most recent. Children come
//! nested in the same call, with all that the reference says they have (no captions, descriptions or counts) but `username` and `owner`: the
//! album tells whose they are, and an object more for each of them costs CPU time, which is metered. Left out are `view_count` and
//! `copyright_check_information`, which refuse the whole page (codes 36104 and 9005: one for everybody, one for all but videos),
//! `boost_ads_list`, which belongs to the Marketing API, what was recorded as accepted and never told (`from_id`, `from_full_name`), what is
//! documented as never available (`filter_name`, `location`, `location_name`, `latitude`, `longitude`), and names of the SDK that no page
//! documents (`has_poll`, `has_slider`, `video_title`; `current_live_viewer_count` is read by `live_media`, as only a broadcast has it).

use serde_json::value::RawValue;

use super::decode::{self, Decoded};
use super::{Meter, Nested, Resource, Walk, Work, fields_of};
use super::{children, insight, media_insights};
use crate::graph::{self, Fields, Shape};
use crate::store::{Column, History, Kind, Table, Value};

pub(super) static MEDIA_TABLE: Table = Table {
    name: "media",
    key: &["id"],
    columns: &[
        Column::field("id", Kind::Id),
        Column::filled("account_id", Kind::Id),
        Column::field("media_type", Kind::Text),
        Column::field("media_product_type", Kind::Text),
        Column::field("caption", Kind::Text),
        Column::field("permalink", Kind::Text),
        Column::field("shortcode", Kind::Text),
        Column::field("timestamp", Kind::Instant),
        Column::field("username", Kind::Text),
        Column::field("owner_id", Kind::Id).from("owner.id"),
        Column::field("alt_text", Kind::Text),
        Column::field("is_comment_enabled", Kind::Boolean),
        Column::field("is_shared_to_feed", Kind::Boolean),
        Column::field("is_ai_generated", Kind::Boolean),
        Column::field("media_audio_type", Kind::Text),
        Column::field("eligible_to_boost", Kind::Boolean)
            .from("boost_eligibility_info.eligible_to_boost")
            .optional(),
        Column::field("boost_ineligible_reason", Kind::Text)
            .from("boost_eligibility_info.boost_ineligible_reason")
            .optional(),
        Column::field("legacy_instagram_media_id", Kind::Id),
        Column::field("ig_id", Kind::Id).optional(),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
    ],
    history: History::Entity,
    listed_by: Some("account_id"),
};

static CHILDREN: Table = Table {
    name: "media_children",
    key: &["media_id", "id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("id", Kind::Id),
        Column::filled("position", Kind::Integer),
        Column::field("media_type", Kind::Text),
        Column::field("media_url", Kind::Address),
        Column::field("thumbnail_url", Kind::Address),
        Column::field("permalink", Kind::Text),
        Column::field("shortcode", Kind::Text),
        Column::field("timestamp", Kind::Instant),
    ],
    history: History::Entity,
    listed_by: None,
};

pub(super) static SNAPSHOTS: Table = Table {
    name: "media_snapshots",
    key: &["media_id"],
    columns: &[
        Column::filled("media_id", Kind::Id),
        Column::field("like_count", Kind::Integer),
        Column::field("comments_count", Kind::Integer),
        Column::field("reposts_count", Kind::Integer),
        Column::field("saved_count", Kind::Integer),
        Column::field("shares_count", Kind::Integer),
        Column::field("total_like_count", Kind::Integer),
        Column::field("total_comments_count", Kind::Integer),
        Column::field("total_views_count", Kind::Integer),
    ],
    history: History::Observation,
    listed_by: None,
};

/// The resource.
pub(super) static MEDIA: Resource = Resource {
    name: "media",
    permissions: &["instagram_basic", "pages_read_engagement"],
    meter: Meter::Account,
    urgent: false,
    tables: &[&MEDIA_TABLE, &SNAPSHOTS, &CHILDREN],
    work: Work::Walk(Walk {
        endpoint: "/{ig-user}/media",
        shape: Shape::Edge,
        list_limit: Some(10_000),
        fields,
        nested: Some(&INSIGHTS),
        rows,
    }),
};

/// The metrics that FEED posts and reels have in common ("Instagram Media Insights" page).
static INSIGHTS: Nested = Nested {
    edge: "insights",
    metrics: &[
        "reach",
        "views",
        "likes",
        "comments",
        "saved",
        "shares",
        "reposts",
        "total_interactions",
        "total_likes",
        "total_comments",
        "total_views",
    ],
    fields: &["name", "values"],
    alone: "media_insights",
    family: media_insights::family,
};

fn fields() -> Fields {
    fields_of(&MEDIA_TABLE)
        .and(fields_of(&SNAPSHOTS))
        .with(children::EDGE, fields_of(&CHILDREN))
}

/// The rows of a post or a story.
pub(super) fn rows(account_id: &str, asked: &Fields, object: &RawValue, decoded: &mut Decoded) {
    let node = match decode::object(object) {
        Ok(node) => node,
        Err(problem) => return decoded.problems.push(problem),
    };
    let account = ("account_id", Value::from(account_id));
    let post = match decode::row(&MEDIA_TABLE, &node, asked, &[account]) {
        Ok(post) => post,
        Err(problem) => return decoded.problems.push(problem),
    };
    let id = MEDIA_TABLE
        .position("id")
        .and_then(|at| post.values[at].clone());
    let media_id = ("media_id", id.unwrap_or(Value::Null));
    decoded.rows.push(post);
    let counts = decode::row(&SNAPSHOTS, &node, asked, std::slice::from_ref(&media_id));
    decoded.take(counts.map(|row| vec![row]));
    for metric in graph::nested(&node, INSIGHTS.edge) {
        if let Value::Text(id) = &media_id.1 {
            media_insights::number_rows(id, insight::of_nested(metric), decoded);
        }
    }
    children::rows(&CHILDREN, &media_id.1, &node, asked, decoded);
}
