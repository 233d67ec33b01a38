//! Conversations and messages.
//!
//! Meta's pages: "Conversations API" (…/documentation/business-messaging/messenger-platform/conversations) and the
//! "Message" reference.

use serde_json::{Value, json};

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::{Conversation, Message, TokenKey};

use super::timestamp::timestamp;
use super::{Node, Row, url};

const NEEDED: [&str; 3] = [
    "instagram_basic",
    "instagram_manage_messages",
    "pages_manage_metadata",
];

/// `/{page}/conversations?platform=instagram`, with the page's own token.
pub(super) fn conversations<'s>(
    reader: &Reader<'s>,
    page: usize,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    check_token(reader)?;
    let account = reader
        .caller
        .account_of_page(page)
        .filter(|_| params.get("platform") == Some("instagram"));
    if let Some(account) = account {
        reader.require(account.index(), &NEEDED)?;
    }
    let mut conversations: Vec<Conversation<'s>> = account
        .into_iter()
        .flat_map(|account| account.conversations())
        .collect();
    if let Some(partner) = params.get("user_id") {
        conversations.retain(|conversation| conversation.partner_id() == partner);
    }
    conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.updated_time()));
    Ok(Edge::List(list(reader, conversations, Node::Conversation)))
}

pub(super) fn write_conversation_field(
    reader: &mut Reader<'_>,
    conversation: Conversation<'_>,
    name: &str,
    key: &str,
) -> Outcome<bool> {
    check_access(reader, conversation)?;
    let json = &mut reader.json;
    match name {
        "id" => json.plain_member(key, conversation.id()),
        "updated_time" => {
            json.plain_member(key, timestamp(conversation.updated_time().timestamp()));
        }
        "participants" => {
            let people = json!({ "data": [account_of(conversation), partner_of(conversation)] });
            json.key(key);
            json.value(&people);
        }
        "is_owner" => json.boolean_member(key, true),
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn conversation_edge<'s>(
    reader: &Reader<'s>,
    conversation: Conversation<'s>,
    name: &str,
) -> Outcome<Option<Edge<'s>>> {
    if name != "messages" {
        return Ok(None);
    }
    check_access(reader, conversation)?;
    Ok(Some(Edge::List(list(
        reader,
        conversation.messages().collect(),
        Node::Message,
    ))))
}

/// Details of older messages are refused as if the messages had been deleted.
pub(super) fn write_message_field(
    reader: &mut Reader<'_>,
    message: Message<'_>,
    name: &str,
    key: &str,
) -> Outcome<bool> {
    let conversation = message.conversation();
    check_access(reader, conversation)?;
    if is_edge_of_messages(name) {
        return Ok(false);
    }
    if !matches!(name, "id" | "created_time") {
        check_details(message)?;
    }
    let (from, to) = if message.is_from_account() {
        (account_of(conversation), partner_of(conversation))
    } else {
        (partner_of(conversation), account_of(conversation))
    };
    let json = &mut reader.json;
    match name {
        "id" => json.plain_member(key, message.id()),
        "created_time" => json.plain_member(key, timestamp(message.created_time().timestamp())),
        "message" => json.string_member(key, &message.text()),
        "from" => {
            json.key(key);
            json.value(&from);
        }
        "to" => {
            json.key(key);
            json.value(&json!({ "data": [to] }));
        }
        "is_unsupported" => {
            // Told only where it is true.
            if message.is_unsupported() {
                json.boolean_member(key, true);
            }
        }
        "reactions" => {
            if message.has_reaction() {
                json.key(key);
                json.value(&json!({ "data": [{ "reaction": "\u{2764}\u{FE0F}", "users": [to] }] }));
            }
        }
        // Known, and nothing to tell: nobody here answers a single message or a story.
        "reply_to" | "story" => {}
        _ => return Ok(false),
    }
    Ok(true)
}

fn is_edge_of_messages(name: &str) -> bool {
    matches!(name, "attachments" | "shares")
}

/// Pictures are attached; nobody here shares posts or products.
pub(super) fn message_edge<'s>(
    reader: &mut Reader<'s>,
    message: Message<'s>,
    name: &str,
) -> Outcome<Option<Edge<'s>>> {
    if !is_edge_of_messages(name) {
        return Ok(None);
    }
    check_access(reader, message.conversation())?;
    check_details(message)?;
    if name == "shares" || !message.is_picture() {
        return Ok(Some(Edge::Rows(Vec::new())));
    }
    let id = message.attachment_id();
    let path = format!("/v/t1.15752-9/{id}_n.jpg");
    let picture = json!({
        "width": 1080,
        "height": 1350,
        "max_width": 1080,
        "max_height": 1350,
        "url": url::signed(reader, &path),
        "preview_url": url::signed(reader, &path),
        "render_as_sticker": false,
    });
    let row = Row::knowing(&["file_url", "generic_template", "name", "video_data"])
        .with("id", id.to_string())
        .with("image_data", picture);
    Ok(Some(Edge::Rows(vec![Node::Row(row)])))
}

/// Only the most recent messages tell more than that they exist.
fn check_details(message: Message<'_>) -> Outcome<()> {
    if message.has_details() {
        Ok(())
    } else {
        Err(GraphError::unsupported_get(&message.id()))
    }
}

fn list<'s, T: Clone + 's>(
    reader: &Reader<'s>,
    items: Vec<T>,
    node: fn(T) -> Node<'s>,
) -> List<'s> {
    List {
        slots: 0..items.len() as u64,
        newest_first: false,
        item: Box::new(move |slot| items.get(usize::try_from(slot).ok()?).cloned().map(node)),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    }
}

fn check_access(reader: &Reader<'_>, conversation: Conversation<'_>) -> Outcome<()> {
    check_token(reader)?;
    reader.require(conversation.account().index(), &NEEDED)
}

fn check_token(reader: &Reader<'_>) -> Outcome<()> {
    match reader.caller.key {
        TokenKey::Page { .. } => Ok(()),
        TokenKey::User(_) | TokenKey::App => Err(GraphError::new(
            210,
            "(#210) A page access token is required to request this resource.",
        )),
    }
}

fn account_of(conversation: Conversation<'_>) -> Value {
    let account = conversation.account();
    json!({ "username": account.username(), "id": account.id() })
}

fn partner_of(conversation: Conversation<'_>) -> Value {
    json!({ "username": conversation.partner_username(), "id": conversation.partner_id() })
}
