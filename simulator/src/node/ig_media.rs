//! IG Media.
//!
//! Meta's page: "IG Media" (…/documentation/instagram-platform/reference/instagram-media) and those of its edges.

use crate::error::{GraphError, Outcome};
use crate::fields::Field;
use crate::id::MediaKind;
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::{Media, MediaType, ProductType};

use super::ig_user::optional;
use super::timestamp::timestamp;
use super::view::{Shown, View};
use super::{Node, discovery, media_insights, shop, url};

const BASIC: [&str; 2] = ["instagram_basic", "pages_read_engagement"];

pub(super) fn write_field<'s>(
    reader: &mut Reader<'s>,
    media: &Media<'s>,
    view: View,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    if view == View::Node && name != "id" {
        reader.require(media.path().account, &BASIC)?;
    }
    match view.shows(reader, media, name) {
        Shown::Told => {}
        Shown::Silently => return Ok(true),
        Shown::Never => return Ok(false),
        Shown::ElsewhereOnly => return Err(discovery_only()),
    }
    match name {
        "id" => reader.json.plain_member(key, media.number()),
        "caption" => {
            let caption = caption(reader, media);
            optional(reader, key, caption.as_deref());
        }
        "media_type" => reader.json.plain_member(key, media.media_type().as_str()),
        "media_product_type" => reader
            .json
            .plain_member(key, media.media_product_type().as_str()),
        "media_url" => signed(reader, key, media.media_url_path()),
        "thumbnail_url" => signed(reader, key, media.thumbnail_url_path()),
        "permalink" => optional(reader, key, media.permalink().as_deref()),
        "shortcode" => reader.json.plain_member(key, media.shortcode()),
        "timestamp" => reader
            .json
            .plain_member(key, timestamp(media.published_at())),
        "username" => reader.json.string_member(key, &media.username()),
        "owner" => {
            reader.json.key(key);
            reader.object(&Node::Account(media.account()), field.selection.as_ref())?;
        }
        "ig_id" | "legacy_instagram_media_id" => {
            reader.json.plain_member(key, media.legacy_number());
        }
        _ => return write_number(reader, media, view, name, key),
    }
    Ok(true)
}

/// Counts and properties that only a top-level media has.
fn write_number(
    reader: &mut Reader<'_>,
    media: &Media<'_>,
    view: View,
    name: &str,
    key: &str,
) -> Outcome<bool> {
    let is_story = media.media_product_type() == ProductType::Story;
    let tells_shares = !is_story && !media.shares_hidden();
    match name {
        "like_count" => {
            let told = match view {
                View::Node => true,
                View::List => {
                    !media.likes_hidden() || !reader.rules().hidden_likes_omitted_in_lists
                }
                _ => !media.likes_hidden(),
            };
            count(reader, key, told.then(|| media.like_count()));
        }
        "comments_count" => count(reader, key, Some(media.comments_count())),
        "is_comment_enabled" => reader.json.boolean_member(key, media.is_comment_enabled()),
        "is_shared_to_feed" => {
            if let Some(shared) = media.is_shared_to_feed() {
                reader.json.boolean_member(key, shared);
            }
        }
        "alt_text" => optional(reader, key, media.alt_text().as_deref()),
        "media_audio_type" => optional(reader, key, media.media_audio_type()),
        "is_ai_generated" => reader.json.boolean_member(key, media.is_ai_generated()),
        "reposts_count" => count(reader, key, tells_shares.then(|| media.reposts_count())),
        "saved_count" => count(reader, key, (!is_story).then(|| media.saved_count())),
        "shares_count" => count(reader, key, tells_shares.then(|| media.shares_count())),
        "total_like_count" => count(reader, key, Some(media.like_count())),
        "total_comments_count" => count(reader, key, Some(media.comments_count())),
        "total_views_count" => {
            let is_video = media.media_type() == MediaType::Video;
            count(reader, key, is_video.then(|| media.views_count()));
        }
        "view_count" if view == View::Discovery => {
            let is_reel = media.media_product_type() == ProductType::Reels;
            count(reader, key, is_reel.then(|| media.views_count()));
        }
        // A collaborator who is shown everything.
        "view_count" => return Err(discovery_only()),
        "boost_eligibility_info" => {
            reader.json.key(key);
            reader.json.raw(r#"{"eligible_to_boost":true}"#);
        }
        "current_live_viewer_count" => count(reader, key, Some(media.live_viewer_count())),
        "from_full_name" | "from_id" => {}
        "copyright_check_information" => {
            if media.media_type() != MediaType::Video {
                return Err(
                    GraphError::new(9005, "Video content was not found.").subcode(1_452_042)
                );
            }
            reader.json.key(key);
            reader
                .json
                .raw(r#"{"status":{"status":"completed","matches_found":false}}"#);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn discovery_only() -> GraphError {
    let message = "(#36104) You do not have permission to access this field outside of the Business Discovery API.";
    GraphError::new(36104, message)
}

/// The `@` of mentions is stripped unless the user may manage the page.
fn caption(reader: &Reader<'_>, media: &Media<'_>) -> Option<String> {
    let caption = media.caption()?;
    let manages = reader
        .world
        .page_of_account(media.path().account)
        .is_some_and(|page| {
            let manages = |task: &str| matches!(task, "MANAGE" | "PROFILE_PLUS_FULL_CONTROL");
            reader.caller.has_task(page, manages)
        });
    Some(if manages && media.is_own() {
        caption
    } else {
        caption.replace('@', "")
    })
}

fn signed(reader: &mut Reader<'_>, key: &str, path: Option<String>) {
    if let Some(path) = path {
        let url = url::signed(reader, &path);
        reader.json.string_member(key, &url);
    }
}

fn count(reader: &mut Reader<'_>, key: &str, count: Option<i64>) {
    if let Some(count) = count {
        reader.json.integer_member(key, count);
    }
}

pub(super) fn edge<'s>(
    reader: &mut Reader<'s>,
    media: &Media<'s>,
    view: View,
    name: &str,
    params: Params<'_>,
) -> Outcome<Option<Edge<'s>>> {
    let edge = match name {
        "children" => {
            if view.is_owners() {
                reader.require(media.path().account, &BASIC)?;
            }
            let rows = media
                .children()
                .map(|child| Node::Media(child, view.of_children()))
                .collect();
            Edge::Rows(rows)
        }
        "comments"
            if view == View::Public
                && media.path().kind == MediaKind::Mention
                && reader.rules().comments_on_mentioning_media =>
        {
            Edge::List(discovery::mentioning_comments(reader, media))
        }
        "boost_ads_list" | "comments" | "insights" | "collaborators" | "product_tags"
            if !view.is_owners() =>
        {
            return Ok(None);
        }
        // Its active ads: nothing is advertised in this world.
        "boost_ads_list" if media.path().child == 0 => {
            reader.require(media.path().account, &BASIC)?;
            Edge::Rows(Vec::new())
        }
        "collaborators" => shop::collaborators(reader, media)?,
        "product_tags" => shop::product_tags(reader, media)?,
        "comments" if media.path().child == 0 => {
            reader.require(media.path().account, &BASIC)?;
            reader.require(media.path().account, &["instagram_manage_comments"])?;
            Edge::List(comments(reader, media))
        }
        "insights" => media_insights::edge(reader, media, params)?,
        _ => return Ok(None),
    };
    Ok(Some(edge))
}

/// Top-level comments, newest first.
fn comments<'s>(reader: &Reader<'s>, media: &Media<'s>) -> List<'s> {
    let comments: Vec<_> = media
        .comments()
        .map(|comment| (u64::from(comment.path().comment), comment))
        .collect();
    List {
        slots: 0..comments.last().map_or(0, |(slot, _)| slot + 1),
        newest_first: true,
        item: Box::new(move |slot| {
            let found = comments
                .binary_search_by_key(&slot, |(slot, _)| *slot)
                .ok()?;
            Some(Node::Comment(comments[found].1.clone()))
        }),
        default_limit: reader.rules().max_comments,
        max_limit: reader.rules().max_comments,
        style: Style::AfterOnly,
    }
}
