//! IG User: a professional account.
//!
//! Meta's page: "IG User" (…/instagram-platform/instagram-graph-api/reference/ig-user) and those of its edges.

use std::ops::Range;

use crate::error::{GraphError, Outcome};
use crate::fields::Field;
use crate::id::MediaKind;
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::Account;

use super::{Node, View, account_insights, business, discovery, ig_hashtag, shop, url};

pub(super) const BASIC: [&str; 2] = ["instagram_basic", "pages_read_engagement"];

pub(super) fn write_field<'s>(
    reader: &mut Reader<'s>,
    account: Account<'s>,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    if name != "id" && is_field(name) {
        reader.require(account.index(), &BASIC)?;
    }
    match name {
        "id" => reader.json.plain_member(key, account.id()),
        "username" => reader.json.string_member(key, &account.username()),
        "name" => optional(reader, key, account.name()),
        "biography" => optional(reader, key, account.biography()),
        "website" => optional(reader, key, account.website()),
        "profile_picture_url" => {
            let path = profile_picture_path(account);
            let signed = url::signed_profile_picture(reader, &path);
            reader.json.string_member(key, &signed);
        }
        "followers_count" => reader.json.integer_member(key, account.followers_count()),
        "follows_count" => reader.json.integer_member(key, account.follows_count()),
        "media_count" => reader.json.integer_member(key, account.media_count()),
        "has_profile_pic" | "is_published" => reader.json.boolean_member(key, true),
        "legacy_instagram_user_id" => reader.json.plain_member(key, account.legacy_id()),
        "ig_id" => reader.json.integer_member(key, account.ig_id()),
        "shopping_product_tag_eligibility" => {
            reader.require(
                account.index(),
                &["catalog_management", "instagram_shopping_tag_products"],
            )?;
            reader.json.boolean_member(key, account.spec().products > 0);
        }
        "owner_business" => {
            if let Some(business) = business::of_account(reader, account) {
                reader.json.key(key);
                reader.object(&business, field.selection.as_ref())?;
            }
        }
        _ => return discovery::write_expansion(reader, account, name, key, field),
    }
    Ok(true)
}

fn is_field(name: &str) -> bool {
    !super::is_edge_of_some_node(name)
}

pub(super) fn optional(reader: &mut Reader<'_>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        reader.json.string_member(key, text);
    }
}

pub(crate) fn profile_picture_path(account: Account<'_>) -> String {
    let seed = account.seed().with(30);
    format!(
        "/v/t51.2885-15/{}_{}_n.jpg",
        seed.between(100_000_000, 699_999_999),
        seed.with(1).bits()
    )
}

pub(super) fn edge<'s>(
    reader: &mut Reader<'s>,
    account: Account<'s>,
    name: &str,
    params: Params<'_>,
) -> Outcome<Option<Edge<'s>>> {
    let edge = match name {
        "media" => {
            reader.require(account.index(), &BASIC)?;
            Edge::List(media(reader, account, params, View::List)?)
        }
        "stories" => {
            reader.require(account.index(), &BASIC)?;
            Edge::List(stories(reader, account))
        }
        "tags" => {
            reader.require(account.index(), &BASIC)?;
            reader.require(account.index(), &["instagram_manage_comments"])?;
            let list = foreign(reader, account, MediaKind::Tagged, View::Public);
            Edge::List(List {
                style: Style::CursorsOnly,
                ..list
            })
        }
        "collaborative_media" => {
            reader.require(account.index(), &BASIC)?;
            Edge::List(foreign(
                reader,
                account,
                MediaKind::Collaboration,
                View::Collaborator,
            ))
        }
        "collaboration_invites" => {
            reader.require(account.index(), &BASIC)?;
            shop::collaboration_invites(reader, account)?
        }
        "live_media" => {
            reader.require(account.index(), &BASIC)?;
            Edge::List(live_media(reader, account, params)?)
        }
        "recently_searched_hashtags" => Edge::List(ig_hashtag::recently_searched(reader, account)?),
        "content_publishing_limit" => shop::content_publishing_limit(reader, account, params)?,
        "available_catalogs" => shop::available_catalogs(reader, account)?,
        "catalog_product_search" => shop::catalog_product_search(reader, account, params)?,
        "product_appeal" => shop::product_appeal(reader, account, params)?,
        "insights" => account_insights::edge(reader, account, params)?,
        _ => return Ok(None),
    };
    Ok(Some(edge))
}

/// Posts, newest first; at most as many as the list may hold; stories are not among them.
pub(super) fn media<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
    view: View,
) -> Outcome<List<'s>> {
    Ok(List {
        slots: within(reader, account, account.listed_slots(), params)?,
        newest_first: true,
        item: Box::new(move |slot| {
            let post = account.post_at_slot(slot);
            post.is_listed().then_some(Node::Media(post, view))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    })
}

/// Narrows slots to what was published between `since` and `until`.
fn within(
    reader: &Reader<'_>,
    account: Account<'_>,
    mut slots: Range<u64>,
    params: Params<'_>,
) -> Outcome<Range<u64>> {
    let inclusive = i64::from(reader.rules().media_range_inclusive);
    if let Some(since) = instant(params, "since")? {
        slots.start = slots.start.max(account.slot_at(since + 1 - inclusive));
    }
    if let Some(until) = instant(params, "until")? {
        slots.end = slots.end.min(account.slot_at(until + inclusive));
    }
    Ok(slots)
}

/// What is shown now; broadcasts are not among it.
fn stories<'s>(reader: &Reader<'s>, account: Account<'s>) -> List<'s> {
    List {
        slots: account.live_stories(),
        newest_first: true,
        item: Box::new(move |slot| {
            let story = account.story(slot);
            story
                .is_readable()
                .then_some(Node::Media(story, View::List))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    }
}

/// Posts of others that are still there, newest first.
fn foreign<'s>(reader: &Reader<'s>, account: Account<'s>, kind: MediaKind, view: View) -> List<'s> {
    let mut media: Vec<_> = account.foreign(kind).collect();
    media.reverse();
    List {
        slots: 0..media.len() as u64,
        newest_first: true,
        item: Box::new(move |slot| {
            media
                .get(usize::try_from(slot).ok()?)
                .filter(|media| media.is_readable())
                .map(|media| Node::Media(media.clone(), view))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    }
}

/// Broadcasts that run now; they become posts when they end.
fn live_media<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<List<'s>> {
    let longest = crate::world::DAY;
    let recent = account.slot_at(reader.now - longest)..account.slots();
    Ok(List {
        slots: within(reader, account, recent, params)?,
        newest_first: true,
        item: Box::new(move |slot| {
            let post = account.post_at_slot(slot);
            (post.is_readable() && post.is_live()).then_some(Node::Media(post, View::List))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    })
}

/// Unix seconds, or a date as `strtotime` reads it in UTC.
pub(super) fn instant(params: Params<'_>, name: &str) -> Outcome<Option<i64>> {
    let Some(text) = params.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if let Ok(seconds) = text.parse() {
        return Ok(Some(seconds));
    }
    let date = text
        .get(..10)
        .and_then(|date| date.parse::<chrono::NaiveDate>().ok());
    let midnight = date
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .map(|midnight| midnight.and_utc().timestamp());
    let instant = if text.len() == 10 {
        midnight
    } else {
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|instant| instant.timestamp())
    };
    instant
        .map(Some)
        .ok_or_else(|| GraphError::new(100, "Invalid parameter"))
}
