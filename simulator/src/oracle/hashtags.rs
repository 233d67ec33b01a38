//! What hashtags have told, as the journal has it.
//!
//! Meta's pages: "IG Hashtag Recent Media", "IG Hashtag Top Media" and "IG User Recently Searched Hashtags" references.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::id::Object;
use crate::journal::Call;
use crate::world::{DAY, Media, World};

use super::Expectation;
use super::collect::{children, file, instant};

/// How long a hashtag counts after it was queried for the first time.
const WEEK: i64 = 7 * DAY;
const EDGES: [&str; 2] = ["top", "recent"];

/// One reading of an edge, from its first page on.
#[derive(Default)]
struct Reading {
    next: usize,
    rows: BTreeMap<String, (Value, bool)>,
}

/// The rows of a table of what hashtags show.
pub(super) fn media(world: &World, calls: &[Call], table: &str, expectation: &mut Expectation<'_>) {
    for (hashtag, _) in (0u32..).zip(&world.spec().hashtags) {
        for edge in EDGES {
            allow_everything(world, hashtag, edge, table, expectation);
        }
    }
    let mut readings: BTreeMap<(u32, &str), Reading> = BTreeMap::new();
    for call in calls {
        let Some((hashtag, edge)) = edge_of(world, call).filter(|_| was_read(call)) else {
            continue;
        };
        let reading = readings.entry((hashtag, edge)).or_default();
        if call.after.as_ref().is_none_or(String::is_empty) {
            *reading = Reading::default();
        }
        let rules = &world.spec().rules;
        let limit = call.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit
            .unwrap_or(rules.default_limit)
            .min(rules.max_hashtag_media);
        let list = listed(world, hashtag, edge, call.at.timestamp());
        let page: Vec<_> = list.iter().skip(reading.next).take(limit).collect();
        reading.next += page.len();
        for media in page {
            let is_certain = call.status == 200 && !call.faulted;
            let rows = rows(world, hashtag, edge, table, media).into_iter();
            let rows = rows.map(|(key, row)| (key, (row, is_certain)));
            reading.rows.extend(rows);
        }
    }
    for (key, (row, is_certain)) in readings.into_values().flat_map(|reading| reading.rows) {
        if is_certain {
            expectation.add(table, key, row);
        }
    }
}

/// The hashtags that count now, each for a week since it was first queried.
pub(super) fn recently_searched(world: &World, calls: &[Call], expectation: &mut Expectation<'_>) {
    let mut queried: BTreeMap<(String, u32), i64> = BTreeMap::new();
    for call in calls.iter().filter(|call| was_read(call)) {
        let searched = parameter(call, "q").filter(|_| call.path == "/ig_hashtag_search");
        let hashtag = match searched {
            Some(name) => world.hashtag_named(&name.to_lowercase()),
            None => edge_of(world, call).map(|(hashtag, _)| hashtag),
        };
        let account = parameter(call, "user_id");
        let (Some(hashtag), Some(account)) = (hashtag, account) else {
            continue;
        };
        let at = call.at.timestamp();
        let since = queried.entry((account.to_owned(), hashtag)).or_insert(at);
        if at - *since >= WEEK {
            *since = at;
        }
    }
    queried.retain(|_, since| world.now_seconds() - *since < WEEK);
    for (account, hashtag) in queried.into_keys() {
        let id = world.ids().hashtag(hashtag).to_string();
        let row = json!({ "account_id": account, "id": id });
        expectation.add("recently_searched_hashtags", format!("{account}/{id}"), row);
    }
}

/// Whether a call got as far as the data, however its answer looked in the end.
fn was_read(call: &Call) -> bool {
    call.status != 0 && call.code.is_none()
}

fn parameter<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let found = call.query.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn edge_of(world: &World, call: &Call) -> Option<(u32, &'static str)> {
    let (id, edge) = call.path.strip_prefix('/')?.split_once('/')?;
    let edge = EDGES
        .into_iter()
        .find(|known| edge.strip_suffix("_media") == Some(known))?;
    match world.ids().resolve(id)? {
        Object::Hashtag(hashtag) => Some((hashtag, edge)),
        _ => None,
    }
}

/// What the edge lists at an instant, in its order.
fn listed<'w>(world: &'w World, hashtag: u32, edge: &str, at: i64) -> Vec<Media<'w>> {
    let mut media: Vec<_> = world.hashtag_media_at(hashtag, span(edge), at).collect();
    if edge == "top" {
        media.sort_by_key(|media| std::cmp::Reverse(media.like_count()));
    } else {
        media.chunks_exact_mut(2).for_each(<[_]>::reverse);
    }
    media
}

/// The most popular ones of a week, and all of a day.
fn span(edge: &str) -> i64 {
    if edge == "top" { WEEK } else { DAY }
}

/// What could be read of an edge since the simulation started.
fn allow_everything(
    world: &World,
    hashtag: u32,
    edge: &str,
    table: &str,
    expectation: &mut Expectation<'_>,
) {
    let now = world.now_seconds();
    let seconds = now - world.start_seconds() + span(edge);
    for media in world.hashtag_media_at(hashtag, seconds, now) {
        for (key, row) in rows(world, hashtag, edge, table, &media) {
            expectation.allow(table, key, row);
        }
    }
}

/// The rows of a media in a table, by their keys: itself, or the items of an album.
fn rows(
    world: &World,
    hashtag: u32,
    edge: &str,
    table: &str,
    media: &Media<'_>,
) -> Vec<(String, Value)> {
    if table == "hashtag_media" {
        let row = row(world, hashtag, edge, media);
        return vec![(key(world, hashtag, edge, media), row)];
    }
    let mut rows = children(media);
    for row in rows.iter_mut().filter_map(|(_, row)| row.as_object_mut()) {
        row.retain(|name, _| !["shortcode", "thumbnail_url"].contains(&name.as_str()));
    }
    rows
}

fn key(world: &World, hashtag: u32, edge: &str, media: &Media<'_>) -> String {
    format!("{}/{edge}/{}", world.ids().hashtag(hashtag), media.id())
}

fn row(world: &World, hashtag: u32, edge: &str, media: &Media<'_>) -> Value {
    let is_album = media.children().next().is_some();
    json!({
        "hashtag_id": world.ids().hashtag(hashtag).to_string(),
        "edge": edge,
        "id": media.id(),
        "caption": media.caption().map(|caption| caption.replace('@', "")),
        "media_type": media.media_type().as_str(),
        "media_url": file(media.media_url_path()).filter(|_| !is_album),
        "permalink": media.permalink(),
        "timestamp": instant(media.timestamp()),
        "like_count": (!media.likes_hidden()).then(|| media.like_count()),
        "comments_count": media.comments_count(),
    })
}
