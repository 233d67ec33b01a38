//! The nodes of the graph: their fields, their defaults and their edges.

mod access_token;
mod account_insight_rows;
mod account_insights;
mod business;
mod debug_token;
mod discovery;
mod ig_comment;
mod ig_hashtag;
mod ig_media;
mod ig_user;
mod insight;
mod media_insights;
mod messaging;
mod page;
mod row;
mod shop;
mod timestamp;
mod url;
mod user;
mod view;

use crate::error::{GraphError, Outcome};
use crate::fields::Field;
use crate::id::{MediaKind, Object};
use crate::reader::{Edge, Params, Reader};
use crate::world::{Account, Comment, Conversation, Media, Message, TokenKey, World};

pub(crate) use access_token::{identify_app, is_exchange, write as write_access_token};
pub(crate) use debug_token::write as write_debug_token;
pub(crate) use ig_hashtag::search as search_hashtag;
pub(crate) use ig_user::profile_picture_path;
pub(crate) use media_insights::{MEDIA_METRICS, is_metric_of};
pub(crate) use page::check_access as check_page_access;
pub(crate) use row::Row;
pub(crate) use view::View;

/// Something with fields.
#[derive(Clone, Debug)]
pub(crate) enum Node<'w> {
    /// The user of the calling token.
    User,
    /// A Facebook Page.
    Page(usize),
    /// A business that owns pages, or works on them.
    Business(&'w str),
    /// IG User.
    Account(Account<'w>),
    /// IG Media, as somebody sees it.
    Media(Media<'w>, View),
    /// IG Comment.
    Comment(Comment<'w>),
    /// IG Hashtag.
    Hashtag(u32),
    /// A professional account of somebody else, through Business Discovery.
    Discovered(Account<'w>),
    /// A conversation.
    Conversation(Conversation<'w>),
    /// A message.
    Message(Message<'w>),
    /// A plain row without fields of its own kind.
    Row(Row),
}

impl Node<'_> {
    /// Identifies the node in cursors and links.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::User => "me".to_owned(),
            Self::Page(page) => page.to_string(),
            Self::Business(business) => (*business).to_owned(),
            Self::Account(account) => account.id().to_owned(),
            Self::Media(media, _) => media.id(),
            Self::Comment(comment) => comment.id(),
            Self::Hashtag(hashtag) => format!("hashtag {hashtag}"),
            Self::Discovered(account) => format!("discovered {}", account.id()),
            Self::Conversation(conversation) => conversation.id(),
            Self::Message(message) => message.id(),
            Self::Row(_) => String::new(),
        }
    }

    /// What is told without `fields`.
    pub(crate) fn default_fields(&self) -> Vec<&'static str> {
        match self {
            Self::User => vec!["name", "id"],
            Self::Page(_) | Self::Business(_) => vec!["name", "id"],
            Self::Account(_) | Self::Media(..) | Self::Hashtag(_) | Self::Discovered(_) => {
                vec!["id"]
            }
            Self::Conversation(_) => vec!["id", "updated_time"],
            Self::Message(_) => vec!["id", "created_time"],
            Self::Comment(_) => vec!["timestamp", "text", "id"],
            Self::Row(row) => row.keys(),
        }
    }

    /// As refusals name it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Page(_) => "Page",
            Self::Business(_) => "Business",
            Self::Account(_) => "IGUser",
            Self::Media(..) => "IGMedia",
            Self::Comment(_) => "IGComment",
            Self::Hashtag(_) => "IGHashtag",
            Self::Discovered(_) => "IGUser",
            Self::Conversation(_) => "UnifiedThread",
            Self::Message(_) => "Message",
            Self::Row(_) => "Row",
        }
    }

    /// Whether objects of this kind have an id at all.
    pub(crate) fn has_id(&self) -> bool {
        !matches!(self, Self::Row(row) if !row.has("id"))
    }
}

/// Finds the node that a path begins with, as far as the caller may see it.
pub(crate) fn resolve<'s>(reader: &Reader<'s>, id: &str) -> Outcome<Node<'s>> {
    if id == "me" {
        return match reader.caller.key {
            TokenKey::User(_) => Ok(Node::User),
            TokenKey::Page { page, .. } => Ok(Node::Page(page)),
            TokenKey::App => Err(user_needed()),
        };
    }
    let known = find(reader, id);
    if known.is_none() && !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GraphError::unknown_alias(id));
    }
    known
        .filter(|node| is_reachable(reader, node))
        .ok_or_else(|| GraphError::unsupported_get(id))
}

/// "An active access token must be used…" is also what an app token gets that asks for `/me`.
pub(crate) fn user_needed() -> GraphError {
    GraphError::new(
        2500,
        "An active access token must be used to query information about the current user.",
    )
}

fn find<'s>(reader: &Reader<'s>, id: &str) -> Option<Node<'s>> {
    let world = reader.world;
    if let Some(page) = world.page_with_id(id) {
        return Some(Node::Page(page));
    }
    if let Some(account) = world.account(id) {
        return Some(Node::Account(account));
    }
    if let Some(conversation) = world.conversation(id) {
        return Some(Node::Conversation(conversation));
    }
    if let Some(message) = world.message(id) {
        return Some(Node::Message(message));
    }
    let derived = world.ids().resolve(id);
    let found = derived.and_then(|object| find_derived(world, object));
    // Last, because it goes through all pages.
    found.or_else(|| business::find(reader, id))
}

fn find_derived(world: &World, object: Object) -> Option<Node<'_>> {
    match object {
        Object::Media(path) => world
            .media_at(path)
            .filter(Media::is_readable)
            .map(|media| Node::Media(media, View::Node)),
        Object::Comment(path) => world.comment_at(path).map(Node::Comment),
        Object::Hashtag(index) => {
            ((index as usize) < world.spec().hashtags.len()).then_some(Node::Hashtag(index))
        }
        Object::MentioningComment { .. } => None,
    }
}

/// The professional account that an id belongs to, whoever asks.
pub(crate) fn account_behind<'w>(world: &'w World, id: &str) -> Option<Account<'w>> {
    if let Some(account) = world.account(id) {
        return Some(account);
    }
    if let Some(conversation) = world
        .conversation(id)
        .or_else(|| Some(world.message(id)?.conversation()))
    {
        return Some(conversation.account());
    }
    match world.ids().resolve(id)? {
        Object::Media(path) if path.kind != MediaKind::Hashtag => {
            world.media_at(path).map(|media| media.account())
        }
        Object::Comment(path) => world
            .comment_at(path)
            .map(|comment| world.account_at(comment.path().account)),
        _ => None,
    }
}

/// Whether an id is that of a hashtag.
pub(crate) fn is_hashtag(world: &World, id: &str) -> bool {
    matches!(world.ids().resolve(id), Some(Object::Hashtag(index)) if (index as usize) < world.spec().hashtags.len())
}

fn is_reachable(reader: &Reader<'_>, node: &Node<'_>) -> bool {
    let account = match node {
        Node::Page(page) => return reader.caller.reaches_page(*page),
        Node::Account(account) => account.index(),
        Node::Media(media, _) => match media.path().kind {
            MediaKind::Post | MediaKind::Story => media.path().account,
            _ => return false,
        },
        Node::Comment(comment) => comment.path().account,
        Node::Discovered(account) => account.index(),
        Node::Conversation(conversation) => conversation.account().index(),
        Node::Message(message) => message.conversation().account().index(),
        Node::User | Node::Business(_) | Node::Hashtag(_) | Node::Row(_) => return true,
    };
    let page = reader.world.page_of_account(account);
    let is_linked = |page| reader.caller.account_of_page(page).is_some();
    page.is_some_and(|page| is_linked(page) && reader.caller.reaches_page(page))
}

/// Writes a member. Says whether the node knows the field; a known one may still tell nothing.
pub(crate) fn write_field<'s>(
    reader: &mut Reader<'s>,
    node: &Node<'s>,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    match node {
        Node::User => Ok(user::write_field(reader, name, key)),
        Node::Page(page) => page::write_field(reader, *page, name, key, field),
        Node::Business(business) => business::write_field(reader, business, name, key),
        Node::Account(account) => ig_user::write_field(reader, *account, name, key, field),
        Node::Media(media, view) => ig_media::write_field(reader, media, *view, name, key, field),
        Node::Comment(comment) => ig_comment::write_field(reader, comment, name, key, field),
        Node::Hashtag(hashtag) => ig_hashtag::write_field(reader, *hashtag, name, key),
        Node::Discovered(account) => Ok(discovery::write_field(reader, *account, name, key)),
        Node::Conversation(conversation) => {
            messaging::write_conversation_field(reader, *conversation, name, key)
        }
        Node::Message(message) => messaging::write_message_field(reader, *message, name, key),
        Node::Row(row) => Ok(row.write_field(&mut reader.json, name, key)),
    }
}

/// Opens an edge of a node; nothing when the node has no such edge.
pub(crate) fn edge<'s>(
    reader: &mut Reader<'s>,
    node: &Node<'s>,
    name: &str,
    params: Params<'_>,
) -> Outcome<Option<Edge<'s>>> {
    let edge = match node {
        Node::User => user::edge(reader, name),
        Node::Page(page) if name == "conversations" => {
            messaging::conversations(reader, *page, params).map(Some)
        }
        Node::Business(business) => business::edge(reader, business, name),
        Node::Hashtag(hashtag) => ig_hashtag::edge(reader, *hashtag, name, params),
        Node::Discovered(account) => discovery::edge(reader, *account, name, params),
        Node::Conversation(conversation) => {
            messaging::conversation_edge(reader, *conversation, name)
        }
        Node::Message(message) => messaging::message_edge(reader, *message, name),
        Node::Page(_) | Node::Row(_) => Ok(None),
        Node::Account(account) => ig_user::edge(reader, *account, name, params),
        Node::Media(media, view) => ig_media::edge(reader, media, *view, name, params),
        Node::Comment(comment) => ig_comment::edge(reader, comment, name),
    }?;
    debug_assert!(
        edge.is_none() || is_edge_of_some_node(name),
        "{name} is missing in EDGES"
    );
    Ok(edge)
}

/// Names that are edges of some node. Beside those that are served there is `feed`, of which only the refusal is known.
pub const EDGES: [&str; 33] = [
    "accounts",
    "attachments",
    "available_catalogs",
    "boost_ads_list",
    "businesses",
    "catalog_product_search",
    "children",
    "client_instagram_accounts",
    "client_pages",
    "collaboration_invites",
    "collaborative_media",
    "collaborators",
    "comments",
    "content_publishing_limit",
    "conversations",
    "feed",
    "insights",
    "instagram_business_accounts",
    "live_media",
    "media",
    "messages",
    "owned_instagram_accounts",
    "owned_pages",
    "permissions",
    "product_appeal",
    "product_tags",
    "recent_media",
    "recently_searched_hashtags",
    "replies",
    "shares",
    "stories",
    "tags",
    "top_media",
];

/// Whether a name is that of an edge. A node without it refuses it as a field, as recorded for `feed`; any other name is
/// an unknown path.
pub(crate) fn is_edge_of_some_node(name: &str) -> bool {
    EDGES.contains(&name)
}
