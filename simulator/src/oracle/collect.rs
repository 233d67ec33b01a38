//! Rows of accounts, media and comments.

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::node::profile_picture_path;
use crate::world::{Account, Comment, DAY, Media, World};

use super::{Expectation, account_insights, audience, media_insights, others, shop};

const FILES: &str = "https://scontent-iad3-1.cdninstagram.com";
const PICTURES: &str = "https://scontent-iad3-1.xx.fbcdn.net";

pub(super) fn table<'w>(
    world: &'w World,
    table: &str,
    days: &RangeInclusive<NaiveDate>,
    expectation: &mut Expectation<'w>,
) {
    for account in world
        .accounts()
        .filter(|account| is_linked(world, *account))
    {
        match table {
            "accounts" => {
                expectation.add(table, account.id().to_owned(), account_row(world, account));
            }
            "accounts_current" => {
                expectation.add(table, account.id().to_owned(), account_counts(account));
            }
            "stories" => stories(account, expectation),
            "live_media" => live_media(world, account, expectation),
            "story_insights" => {
                world
                    .stories(account.id())
                    .filter(Media::is_readable)
                    .for_each(|story| media_insights::of_media(table, &story, expectation));
            }
            "account_insights" => account_insights::of_days(account, days, expectation),
            "audience" => audience::of_people(account, expectation),
            "publishing_limit" | "available_catalogs" | "catalog_products" | "product_appeals" => {
                shop::table(account, table, expectation);
            }
            _ if OF_POSTS.contains(&table) => of_posts(world, account, table, expectation),
            _ => others::table(world, account, table, expectation),
        }
    }
    if table.starts_with("discovered_") {
        others::discovered(world, table, expectation);
    }
}

/// Tables whose rows belong to posts.
const OF_POSTS: [&str; 7] = [
    "media",
    "media_current",
    "media_children",
    "comments",
    "media_insights",
    "product_tags",
    "collaborators",
];

fn of_posts<'w>(
    world: &'w World,
    account: Account<'w>,
    table: &str,
    expectation: &mut Expectation<'w>,
) {
    posts(account).for_each(|media| of_post(world, table, &media, expectation));
    if table == "media_insights" {
        return;
    }
    for media in former_posts(account) {
        let mut known = Expectation::default();
        of_post(world, table, &media, &mut known);
        let required = known.rows.remove(table).unwrap_or_default();
        let optional = known.optional.remove(table).unwrap_or_default();
        if table == "media" && media.deleted_at_some_time() {
            let gone = expectation.gone.entry(table.to_owned()).or_default();
            gone.extend(required.keys().cloned());
        }
        let rows = expectation.optional.entry(table.to_owned()).or_default();
        rows.extend(required.into_iter().chain(optional));
    }
    for story in shown_stories(account) {
        match table {
            "media" => expectation.allow(table, story.id(), media_row(&story)),
            "media_current" => expectation.allow(table, story.id(), media_counts(world, &story)),
            _ => {}
        }
    }
}

fn of_post<'w>(world: &World, table: &str, media: &Media<'_>, expectation: &mut Expectation<'w>) {
    match table {
        "media" => expectation.add(table, media.id(), media_row(media)),
        "media_current" => expectation.add(table, media.id(), media_counts(world, media)),
        "media_children" => {
            children(media)
                .into_iter()
                .for_each(|(key, row)| expectation.add(table, key, row));
        }
        "comments" => comments(media, expectation),
        "media_insights" => media_insights::of_media(table, media, expectation),
        _ => others::of_post(table, media, expectation),
    }
}

/// Posts that the list does not show, and that could once be read: deleted ones, those beyond its end, and running
/// broadcasts. Each as it was when it could last be read.
pub(super) fn former_posts(account: Account<'_>) -> impl Iterator<Item = Media<'_>> {
    let listed = account.listed_slots();
    let slots = (0..account.slots()).rev();
    let posts = slots.map(move |slot| (slot, account.post_at_slot(slot)));
    let former = posts.filter(move |(slot, media)| !listed.contains(slot) || !media.is_listed());
    former.filter_map(|(_, media)| media.last_readable())
}

/// Stories that were shown at some time since the simulation started, each as it was when it could last be read.
fn shown_stories<'w>(account: Account<'w>) -> impl Iterator<Item = Media<'w>> {
    let stories = account.stories();
    let before = stories.count_at(account.world().start_seconds() - DAY);
    (before..stories.count_at(account.now()))
        .filter_map(move |index| account.story(index).last_readable())
}

fn stories<'w>(account: Account<'w>, expectation: &mut Expectation<'w>) {
    let shown = account.live_stories();
    let shown = shown.map(|index| account.story(index));
    for story in shown.filter(Media::is_readable) {
        expectation.add("stories", story.id(), media_row(&story));
    }
    for story in shown_stories(account) {
        expectation.allow("stories", story.id(), media_row(&story));
    }
}

/// Broadcasts, while they run.
fn live_media<'w>(world: &'w World, account: Account<'w>, expectation: &mut Expectation<'w>) {
    let start = world.start_seconds();
    for media in world
        .media(account.id())
        .take_while(|media| media.published_at() > start - DAY)
        .filter(Media::was_broadcast)
    {
        if media.is_live() && media.is_readable() {
            let mut row = media_row(&media);
            if world.spec().rules.live_viewer_count {
                row["current_live_viewer_count"] = media.live_viewer_count().into();
            }
            expectation.add("live_media", media.id(), row);
        } else if media.as_of(media.published_at().max(start)).is_live() {
            expectation.allow("live_media", media.id(), media_row(&media));
        }
    }
}

/// The posts that the list still shows.
pub(super) fn posts(account: Account<'_>) -> impl Iterator<Item = Media<'_>> {
    let posts = account.listed_slots().rev();
    let posts = posts.map(move |slot| account.post_at_slot(slot));
    posts.filter(Media::is_listed)
}

fn is_linked(world: &World, account: Account<'_>) -> bool {
    world
        .page_of_account(account.index())
        .is_some_and(|page| world.account_of_page(page).is_some())
}

fn account_row(world: &World, account: Account<'_>) -> Value {
    let page = world
        .page_of_account(account.index())
        .and_then(|page| world.page(page));
    json!({
        "id": account.id(),
        "username": account.username(),
        "name": account.name(),
        "biography": account.biography(),
        "website": account.website(),
        "profile_picture_url": format!("{PICTURES}{}", profile_picture_path(account)),
        "has_profile_pic": 1,
        "is_published": 1,
        "legacy_instagram_user_id": account.legacy_id().to_string(),
        "ig_id": account.ig_id().to_string(),
        "page_id": page.map(|page| page.id.as_str()),
        "page_name": page.map(|page| page.name.as_str()),
    })
}

fn account_counts(account: Account<'_>) -> Value {
    json!({
        "id": account.id(),
        "followers_count": account.followers_count(),
        "follows_count": account.follows_count(),
        "media_count": account.media_count(),
    })
}

pub(super) fn media_row(media: &Media<'_>) -> Value {
    json!({
        "id": media.id(),
        "account_id": media.account_id(),
        "media_type": media.media_type().as_str(),
        "media_product_type": media.media_product_type().as_str(),
        "caption": media.caption(),
        "permalink": media.permalink(),
        "shortcode": media.shortcode(),
        "timestamp": instant(media.timestamp()),
        "username": media.username(),
        "owner_id": media.account_id(),
        "alt_text": media.alt_text(),
        "is_comment_enabled": i32::from(media.is_comment_enabled()),
        "is_shared_to_feed": media.is_shared_to_feed().map(i32::from),
        "is_ai_generated": i32::from(media.is_ai_generated()),
        "media_audio_type": media.media_audio_type(),
        "legacy_instagram_media_id": media.legacy_number().to_string(),
        "ig_id": media.legacy_number().to_string(),
        "media_url": file(media.media_url_path()),
        "thumbnail_url": file(media.thumbnail_url_path()),
    })
}

fn media_counts(world: &World, media: &Media<'_>) -> Value {
    let rules = &world.spec().rules;
    let likes_told = !media.likes_hidden() || !rules.hidden_likes_omitted_in_lists;
    let is_video = media.thumbnail_url_path().is_some();
    json!({
        "id": media.id(),
        "like_count": likes_told.then(|| media.like_count()),
        "comments_count": media.comments_count(),
        "reposts_count": (!media.shares_hidden()).then(|| media.reposts_count()),
        "saved_count": media.saved_count(),
        "shares_count": (!media.shares_hidden()).then(|| media.shares_count()),
        "total_like_count": media.like_count(),
        "total_comments_count": media.comments_count(),
        "total_views_count": is_video.then(|| media.views_count()),
    })
}

/// The items of an album.
pub(super) fn children(media: &Media<'_>) -> Vec<(String, Value)> {
    let album = media.id();
    (0..)
        .zip(media.children())
        .map(|(position, child): (u32, Media<'_>)| {
            let row = json!({
                "media_id": album,
                "id": child.id(),
                "position": position,
                "media_type": child.media_type().as_str(),
                "media_url": file(child.media_url_path()),
                "thumbnail_url": file(child.thumbnail_url_path()),
                "permalink": child.permalink(),
                "shortcode": child.shortcode(),
                "timestamp": instant(child.timestamp()),
            });
            (format!("{album}/{}", child.id()), row)
        })
        .collect()
}

/// Comments that were written and cannot be read any more are gone. Those of an ended broadcast may have been read in
/// time or not.
fn comments(media: &Media<'_>, expectation: &mut Expectation<'_>) {
    let has_ended = media.was_broadcast() && !media.shows_comments();
    for comment in media.written_comments() {
        let is_gone = !comment.is_visible() || !media.is_comment_enabled();
        let replies = comment.written_replies();
        for comment in replies.chain([comment.clone()]) {
            let (id, row) = (comment.id(), comment_row(&comment));
            if has_ended {
                expectation.allow("comments", id, row);
            } else if is_gone || !comment.is_visible() {
                expectation.add_gone("comments", id, row);
            } else {
                expectation.add("comments", id, row);
            }
        }
    }
}

fn comment_row(comment: &Comment<'_>) -> Value {
    json!({
        "id": comment.id(),
        "media_id": comment.media_id(),
        "parent_id": comment.parent_id(),
        "text": comment.text(),
        "timestamp": instant(comment.timestamp()),
        "username": comment.username(),
        "from_id": comment.author_id(),
        "from_self_ig_scoped_id": comment.self_ig_scoped_id(),
        "like_count": comment.like_count(),
        "hidden": i32::from(comment.hidden()),
    })
}

/// `2026-05-07T13:00:34Z`
pub(super) fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn file(path: Option<String>) -> Option<String> {
    path.map(|path| format!("{FILES}{path}"))
}
