//! Hashtags.
//!
//! Meta's pages: "Hashtag Search" guide, "IG Hashtag Search", "IG Hashtag Recent Media" and "… Top Media" references.

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::{Account, DAY, Media};

use super::{Node, View};

/// Media that `top_media` chooses from.
const TOP_SPAN: i64 = 7 * DAY;
/// `recent_media` shows what was published within this span.
const RECENT_SPAN: i64 = DAY;

/// `/ig_hashtag_search?user_id=…&q=…`
pub(crate) fn search<'s>(reader: &Reader<'s>) -> Outcome<Edge<'s>> {
    let params = Params(&reader.call.params);
    let account = asking_account(reader, params)?;
    let Some(name) = params.get("q") else {
        return Err(GraphError::missing_parameter("q"));
    };
    let Some(hashtag) = reader.world.hashtag_named(&name.to_lowercase()) else {
        return Err(GraphError::new(24, "The requested resource does not exist").subcode(2_207_024));
    };
    if reader
        .world
        .spec()
        .hashtags
        .get(hashtag as usize)
        .is_some_and(|hashtag| hashtag.sensitive)
    {
        return Err(GraphError::unknown());
    }
    count_query(reader, account, hashtag)?;
    Ok(Edge::Rows(vec![Node::Hashtag(hashtag)]))
}

pub(super) fn write_field(
    reader: &mut Reader<'_>,
    hashtag: u32,
    name: &str,
    key: &str,
) -> Outcome<bool> {
    if name != "id" {
        reader.require_granted("instagram_basic")?;
        require_feature(reader)?;
    }
    match name {
        "id" => reader
            .json
            .plain_member(key, reader.world.ids().hashtag(hashtag)),
        "name" => {
            let spec = reader.world.spec().hashtags.get(hashtag as usize);
            reader
                .json
                .string_member(key, spec.map_or("", |spec| spec.name.as_str()));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    hashtag: u32,
    name: &str,
    params: Params<'_>,
) -> Outcome<Option<Edge<'s>>> {
    if !matches!(name, "recent_media" | "top_media") {
        return Ok(None);
    }
    let account = asking_account(reader, params)?;
    count_query(reader, account, hashtag)?;
    let mut media: Vec<Media<'s>>;
    if name == "top_media" {
        media = reader.world.hashtag_media(hashtag, TOP_SPAN).collect();
        media.sort_by_key(|media| std::cmp::Reverse(media.like_count()));
    } else {
        media = reader.world.hashtag_media(hashtag, RECENT_SPAN).collect();
        // Not strictly chronological: neighbours change places.
        media.chunks_exact_mut(2).for_each(<[_]>::reverse);
    }
    let list = List {
        slots: 0..media.len() as u64,
        newest_first: false,
        item: Box::new(move |slot| {
            media
                .get(usize::try_from(slot).ok()?)
                .map(|media| Node::Media(media.clone(), View::Hashtag))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_hashtag_media,
        style: Style::SameAfter,
    };
    Ok(Some(Edge::List(list)))
}

/// `/{ig}/recently_searched_hashtags`
pub(super) fn recently_searched<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
) -> Outcome<List<'s>> {
    reader.require(account.index(), &["instagram_basic"])?;
    require_feature(reader)?;
    let hashtags = reader.memory.recent_hashtags(account.id(), reader.now);
    Ok(List {
        slots: 0..hashtags.len() as u64,
        newest_first: false,
        item: Box::new(move |slot| {
            hashtags
                .get(usize::try_from(slot).ok()?)
                .map(|hashtag| Node::Hashtag(*hashtag))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_hashtags_per_account,
        style: Style::Links,
    })
}

/// Every hashtag call names the account on whose behalf it asks.
fn asking_account<'s>(reader: &Reader<'s>, params: Params<'_>) -> Outcome<Account<'s>> {
    let Some(id) = params.get("user_id") else {
        return Err(GraphError::missing_parameter("user_id"));
    };
    let Node::Account(account) = super::resolve(reader, id)? else {
        return Err(GraphError::unsupported_get(id));
    };
    reader.require(account.index(), &["instagram_basic"])?;
    require_feature(reader)?;
    Ok(account)
}

/// "Instagram Public Content Access".
fn require_feature(reader: &Reader<'_>) -> Outcome<()> {
    if reader.world.spec().app.public_content_access {
        return Ok(());
    }
    let code = reader.rules().hashtag_feature_code;
    let message = format!("(#{code}) Application does not have permission for this action");
    Err(GraphError::new(code, message))
}

/// 30 different hashtags within seven days; asking again for one of them is free and does not extend its time.
fn count_query(reader: &Reader<'_>, account: Account<'_>, hashtag: u32) -> Outcome<()> {
    let most = reader.rules().max_hashtags_per_account;
    if reader
        .memory
        .query_hashtag(account.id(), hashtag, reader.now, most)
    {
        return Ok(());
    }
    let message = format!("(#18) Maximum of {most} unique hashtags in 7 days reached");
    Err(GraphError::new(18, message).subcode(2_207_034))
}
