//! IG Comment.
//!
//! Meta's pages: "IG Comment" and "IG Comment Replies" references.

use crate::error::Outcome;
use crate::fields::{Field, Selection};
use crate::reader::{Edge, List, Reader, Style};
use crate::world::Comment;

use super::timestamp::timestamp;
use super::{Node, View};

const NEEDED: [&str; 3] = [
    "instagram_basic",
    "pages_read_engagement",
    "instagram_manage_comments",
];

pub(super) fn write_field<'s>(
    reader: &mut Reader<'s>,
    comment: &Comment<'s>,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    reader.require(comment.path().account, &NEEDED)?;
    match name {
        "id" => reader.json.plain_member(key, comment.number()),
        "text" => reader.json.string_member(key, &comment.text()),
        "timestamp" => reader
            .json
            .plain_member(key, timestamp(comment.written_at())),
        "username" => reader.json.string_member(key, &comment.username()),
        "like_count" => reader.json.integer_member(key, comment.like_count()),
        "hidden" => reader.json.boolean_member(key, comment.hidden()),
        "from" => {
            reader.json.key(key);
            reader.json.open_object();
            reader.json.plain_member("id", comment.author_id());
            reader.json.string_member("username", &comment.username());
            if let Some(id) = comment.self_ig_scoped_id() {
                reader.json.plain_member("self_ig_scoped_id", id);
            }
            reader.json.close_object();
        }
        "media" => {
            if let Some(media) = reader.world.media_at(comment.media_path()) {
                let by_default = Selection::of(&["id", "media_product_type"]);
                reader.json.key(key);
                reader.object(
                    &Node::Media(media, View::List),
                    Some(field.selection.as_ref().unwrap_or(&by_default)),
                )?;
            }
        }
        "parent_id" => {
            if let Some(parent) = comment.parent_id() {
                reader.json.plain_member(key, parent);
            }
        }
        "legacy_instagram_comment_id" => reader.json.plain_member(key, comment.legacy_number()),
        // Told only where the app's user wrote the comment; strangers wrote all of these.
        "user" => {}
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    comment: &Comment<'s>,
    name: &str,
) -> Outcome<Option<Edge<'s>>> {
    if name != "replies" {
        return Ok(None);
    }
    reader.require(comment.path().account, &NEEDED)?;
    let replies: Vec<_> = comment.replies().collect();
    let list = List {
        slots: 0..replies.len() as u64,
        newest_first: reader.rules().replies_newest_first,
        item: Box::new(move |slot| {
            replies
                .get(usize::try_from(slot).ok()?)
                .cloned()
                .map(Node::Comment)
        }),
        default_limit: reader.rules().max_replies,
        max_limit: reader.rules().max_replies,
        // Recorded: like comments, replies have no `paging` on their last page.
        style: Style::AfterOnly,
    };
    Ok(Some(Edge::List(list)))
}
