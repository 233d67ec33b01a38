//! Rows about other people, shops and messages.

use serde_json::{Value, json};

use crate::world::{Account, Media, Message, World};

use super::Expectation;
use super::collect::{children, file, former_posts, instant, posts};

pub(super) fn table(
    world: &World,
    account: Account<'_>,
    table: &str,
    expectation: &mut Expectation<'_>,
) {
    match table {
        "tagged_media" => {
            world
                .tagged_media(account.id())
                .for_each(|media| foreign(account, table, &media, expectation));
        }
        "collaborative_media" => {
            world
                .collaborative_media(account.id())
                .for_each(|media| foreign(account, table, &media, expectation));
        }
        "collaboration_invites" => {
            account
                .invites()
                .for_each(|media| invite(account, &media, expectation));
        }
        "conversations" => conversations(account, expectation),
        "messages" => messages(account, expectation),
        _ => {}
    }
}

/// Rows that belong to one post.
pub(super) fn of_post(table: &str, media: &Media<'_>, expectation: &mut Expectation<'_>) {
    if table == "product_tags" {
        for product in media.product_tags() {
            let row = json!({
                "media_id": media.id(),
                "product_id": product.product_id.to_string(),
                "name": product.name,
                "price_string": product.price_string,
                "review_status": product.review_status,
            });
            expectation.add(table, format!("{}/{}", media.id(), product.product_id), row);
        }
        return;
    }
    for collaborator in media.collaborators() {
        let row = json!({
            "media_id": media.id(),
            "id": collaborator.id,
            "username": collaborator.username,
            "invite_status": collaborator.invite_status,
        });
        expectation.add(table, format!("{}/{}", media.id(), collaborator.id), row);
    }
}

/// Those that are listed; requests that have become quiet may have been read when they were.
fn conversations(account: Account<'_>, expectation: &mut Expectation<'_>) {
    let start = account.world().start_seconds();
    let read = account.begun_conversations();
    for conversation in read.filter(|conversation| conversation.was_listed_since(start)) {
        let row = json!({
            "id": conversation.id(),
            "account_id": account.id(),
            "updated_time": instant(conversation.updated_time()),
        });
        if conversation.is_listed() {
            expectation.add("conversations", conversation.id(), row);
        } else {
            expectation.allow("conversations", conversation.id(), row);
        }
    }
}

/// The most recent messages of each conversation; older ones, and those of requests that have become quiet, may have
/// been read when they were.
fn messages(account: Account<'_>, expectation: &mut Expectation<'_>) {
    let start = account.world().start_seconds();
    let read = account.begun_conversations();
    for conversation in read.filter(|conversation| conversation.was_listed_since(start)) {
        let had_details = |message: &Message<'_>| message.had_details_since(start);
        for message in conversation.messages().take_while(had_details) {
            let from_id = if message.is_from_account() {
                account.id().to_owned()
            } else {
                conversation.partner_id()
            };
            let row = json!({
                "id": message.id(),
                "conversation_id": conversation.id(),
                "created_time": instant(message.created_time()),
                "message": message.text(),
                "from_id": from_id,
            });
            if message.has_details() && conversation.is_listed() {
                expectation.add("messages", message.id(), row);
            } else {
                expectation.allow("messages", message.id(), row);
            }
        }
    }
}

/// What Business Discovery tells of the accounts that no token reaches.
pub(super) fn discovered(world: &World, table: &str, expectation: &mut Expectation<'_>) {
    for spec in &world.spec().others {
        let Some(account) = world.account(&spec.id) else {
            continue;
        };
        if table == "discovered_accounts" {
            let row = json!({
                "id": account.id(),
                "username": account.username(),
                "name": account.name(),
                "biography": account.biography(),
                "website": account.website(),
                "ig_id": account.ig_id().to_string(),
                "followers_count": account.followers_count(),
                "follows_count": account.follows_count(),
                "media_count": account.media_count(),
            });
            expectation.add(table, account.id().to_owned(), row);
            continue;
        }
        if table == "discovered_media_children" {
            for media in posts(account) {
                let rows = children(&media).into_iter();
                rows.for_each(|(key, row)| expectation.add(table, key, row));
            }
            for media in former_posts(account) {
                let rows = children(&media).into_iter();
                rows.for_each(|(key, row)| expectation.allow(table, key, row));
            }
            continue;
        }
        for media in posts(account) {
            expectation.add(table, media.id(), discovered_media(account, &media));
        }
        for media in former_posts(account) {
            let row = discovered_media(account, &media);
            if media.deleted_at_some_time() {
                expectation.add_gone(table, media.id(), row);
            } else {
                expectation.allow(table, media.id(), row);
            }
        }
    }
}

fn discovered_media(account: Account<'_>, media: &Media<'_>) -> Value {
    let mut row = all_public(media);
    row["account_id"] = Value::from(account.id());
    let views = media.is_shared_to_feed().map(|_| media.views_count());
    row["view_count"] = views.into();
    row
}

/// What the "Collaboration" guide names: the post itself cannot be read before the invite is accepted.
fn invite(account: Account<'_>, media: &Media<'_>, expectation: &mut Expectation<'_>) {
    let row = json!({
        "account_id": account.id(),
        "media_id": media.id(),
        "media_owner_username": media.username(),
        "caption": media.caption(),
        "media_url": file(media.media_url_path()),
    });
    let key = format!("{}/{}", account.id(), media.id());
    expectation.add("collaboration_invites", key, row);
}

fn foreign(
    account: Account<'_>,
    table: &str,
    media: &Media<'_>,
    expectation: &mut Expectation<'_>,
) {
    let mut row = match table {
        "tagged_media" => all_public(media),
        _ => public(media),
    };
    row["account_id"] = Value::from(account.id());
    let key = format!("{}/{}", account.id(), media.id());
    if media.is_readable() {
        expectation.add(table, key, row);
    } else {
        expectation.add_gone(table, key, row);
    }
}

/// What the reference marks as public; of collaborations less is documented.
pub(super) fn all_public(media: &Media<'_>) -> Value {
    let mut row = public(media);
    row["alt_text"] = media.alt_text().into();
    row["is_shared_to_feed"] = media.is_shared_to_feed().map(i32::from).into();
    row["media_audio_type"] = media.media_audio_type().into();
    let reposts = (!media.shares_hidden()).then(|| media.reposts_count());
    row["reposts_count"] = reposts.into();
    row["total_like_count"] = media.like_count().into();
    row["total_comments_count"] = media.comments_count().into();
    row
}

/// Mentions lose their `@` for everybody but the owner.
pub(super) fn public(media: &Media<'_>) -> Value {
    json!({
        "id": media.id(),
        "username": media.username(),
        "caption": media.caption().map(|caption| caption.replace('@', "")),
        "media_type": media.media_type().as_str(),
        "media_product_type": media.media_product_type().as_str(),
        "media_url": file(media.media_url_path()),
        "thumbnail_url": file(media.thumbnail_url_path()),
        "permalink": media.permalink(),
        "shortcode": media.shortcode(),
        "timestamp": instant(media.timestamp()),
        "like_count": (!media.likes_hidden()).then(|| media.like_count()),
        "comments_count": media.comments_count(),
    })
}
