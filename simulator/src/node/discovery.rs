//! Other people's professional accounts, and what mentions an account.
//!
//! Meta's pages: "Business Discovery" guide, "Collaboration" guide for `collaborative_media_search`, "IG User Mentioned
//! Media" and "IG User Mentioned Comment" references.

use crate::error::{GraphError, Outcome};
use crate::fields::Field;
use crate::id::{MediaKind, Object};
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::{Account, Media, MentioningComment};

use super::ig_user::{BASIC, media, optional, profile_picture_path};
use super::timestamp::timestamp;
use super::{Node, Row, View, url};

/// Fields of an IG User that lead to something of somebody else. Says whether the name is one of them.
pub(super) fn write_expansion<'s>(
    reader: &mut Reader<'s>,
    account: Account<'s>,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    let params = Params(&field.arguments);
    let node = match name {
        "business_discovery" => Node::Discovered(discovered(reader, account, params)?),
        "collaborative_media_search" => {
            reader.require(account.index(), &BASIC)?;
            let media = foreign(reader, account, MediaKind::Collaboration, params)?;
            Node::Media(media, View::Collaborator)
        }
        "mentioned_media" => {
            require_comments(reader, account)?;
            let media = foreign(reader, account, MediaKind::Mention, params)?;
            Node::Media(media, View::Public)
        }
        "mentioned_comment" => mentioned_comment(reader, account, params)?,
        _ => return Ok(false),
    };
    reader.json.key(key);
    reader.object(&node, field.selection.as_ref())?;
    Ok(true)
}

fn discovered<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Account<'s>> {
    reader.require(account.index(), &BASIC)?;
    reader.require(account.index(), &["instagram_manage_insights"])?;
    let Some(username) = params.get("username") else {
        return Err(GraphError::missing_parameter("username"));
    };
    reader.world.account_with_username(username).ok_or_else(|| {
        let text = format!("The user with username: {username} cannot be found.");
        GraphError::new(110, "Invalid user id")
            .subcode(2_207_013)
            .transient(false)
            .for_people("Cannot find User", &text)
    })
}

/// Public fields only.
pub(super) fn write_field(
    reader: &mut Reader<'_>,
    account: Account<'_>,
    name: &str,
    key: &str,
) -> bool {
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
        "ig_id" => reader.json.integer_member(key, account.ig_id()),
        _ => return false,
    }
    true
}

/// The only edge is `media`, and it has cursors alone.
pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    name: &str,
    params: Params<'_>,
) -> Outcome<Option<Edge<'s>>> {
    if name != "media" {
        return Ok(None);
    }
    let list = media(reader, account, params, View::Discovery)?;
    Ok(Some(Edge::List(List {
        style: Style::CursorsOnly,
        ..list
    })))
}

/// A post of somebody else, by the id that the argument names.
fn foreign<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    kind: MediaKind,
    params: Params<'_>,
) -> Outcome<Media<'s>> {
    let Some(id) = params.get("media_id") else {
        return Err(GraphError::missing_parameter("media_id"));
    };
    let found = match reader.world.ids().resolve(id) {
        Some(Object::Media(path)) if path.kind == kind && path.account == account.index() => {
            reader.world.media_at(path)
        }
        _ => None,
    };
    found
        .filter(|media| media.path().child == 0 && media.is_readable())
        .ok_or_else(|| GraphError::unsupported_get(id))
}

fn mentioned_comment<'s>(
    reader: &mut Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Node<'s>> {
    require_comments(reader, account)?;
    let Some(id) = params.get("comment_id") else {
        return Err(GraphError::missing_parameter("comment_id"));
    };
    let Some(comment) = reader.world.mentioning_comment(account, id) else {
        return Err(GraphError::unsupported_get(id));
    };
    let media_id = comment.media_id();
    let path = reader
        .world
        .media_by_id(&media_id)
        .and_then(|media| media.media_url_path());
    let mut media = serde_json::json!({ "id": media_id });
    if let Some(path) = path {
        media["media_url"] = url::signed(reader, &path).into();
    }
    Ok(Node::Row(comment_row(&comment).with("media", media)))
}

fn comment_row(comment: &MentioningComment<'_>) -> Row {
    let written = timestamp(comment.timestamp().timestamp());
    Row::default()
        .with("timestamp", written.to_string())
        .with("text", comment.text())
        .with("like_count", comment.like_count())
        .with("id", comment.id())
}

/// The comments on a post that mentions the account, as far as they mention it, too: nobody knows of others.
pub(super) fn mentioning_comments<'s>(reader: &Reader<'s>, media: &Media<'s>) -> List<'s> {
    let id = media.id();
    let comments = reader.world.mentioning_comments(media.account_id());
    let mut comments: Vec<_> = comments
        .filter(|comment| comment.media_id() == id)
        .collect();
    comments.sort_by_key(MentioningComment::timestamp);
    let rows: Vec<Row> = comments.iter().map(comment_row).collect();
    List {
        slots: 0..rows.len() as u64,
        newest_first: true,
        item: Box::new(move |slot| {
            let row = rows.get(usize::try_from(slot).ok()?)?;
            Some(Node::Row(row.clone()))
        }),
        default_limit: reader.rules().max_comments,
        max_limit: reader.rules().max_comments,
        style: Style::AfterOnly,
    }
}

fn require_comments(reader: &Reader<'_>, account: Account<'_>) -> Outcome<()> {
    reader.require(account.index(), &BASIC)?;
    reader.require(account.index(), &["instagram_manage_comments"])
}
