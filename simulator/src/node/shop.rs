//! Catalogs, product tags, publishing quota, collaborators, invites.
//!
//! Meta's pages: "IG User Available Catalogs", "… Catalog Product Search", "… Product Appeal", "… Content Publishing
//! Limit", "IG Media Product Tags" and "IG Media Collaborators" references, "Collaboration" guide.

use serde_json::json;

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, List, Params, Reader, Style};
use crate::world::{Account, DAY, Media};

use super::ig_user::{BASIC, instant};
use super::{Node, Row, url};

const SHOPPING: [&str; 3] = [
    "instagram_basic",
    "instagram_shopping_tag_products",
    "catalog_management",
];
const QUOTA_TOTAL: u64 = 50;

fn rows<'s>(rows: impl IntoIterator<Item = Row>) -> Edge<'s> {
    Edge::Rows(rows.into_iter().map(Node::Row).collect())
}

pub(super) fn available_catalogs<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
) -> Outcome<Edge<'s>> {
    reader.require(account.index(), &SHOPPING)?;
    let count = account.products().len();
    let catalog = Row::default()
        .with("catalog_id", account.catalog_id())
        .with("catalog_name", format!("{} catalog", account.username()))
        .with("shop_name", account.username())
        .with("product_count", count);
    Ok(rows((count > 0).then_some(catalog)))
}

/// An empty `q` finds everything.
pub(super) fn catalog_product_search<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    reader.require(account.index(), &SHOPPING)?;
    let Some(catalog) = params.get("catalog_id") else {
        return Err(GraphError::missing_parameter("catalog_id"));
    };
    if catalog != account.catalog_id() {
        return Err(GraphError::unsupported_get(catalog));
    }
    let wanted = params.get("q").unwrap_or_default().to_lowercase();
    let found = account
        .products()
        .into_iter()
        .filter(|product| product.name.to_lowercase().contains(&wanted));
    Ok(rows(found.map(|product| {
        Row::default()
            .with("product_id", product.product_id)
            .with("merchant_id", account.merchant_id())
            .with("product_name", product.name)
            .with("image_url", "https://example.com/product.jpg")
            .with("retailer_id", product.retailer_id)
            .with("review_status", product.review_status)
            .with("is_checkout_flow", false)
            .with("product_variants", json!([]))
    })))
}

pub(super) fn product_appeal<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    reader.require(account.index(), &SHOPPING)?;
    let Some(id) = params.get("product_id") else {
        return Err(GraphError::missing_parameter("product_id"));
    };
    let Some(product) = account
        .products()
        .into_iter()
        .find(|product| product.product_id.to_string() == id)
    else {
        return Err(GraphError::unsupported_get(id));
    };
    let appeal = Row::default()
        .with("product_id", product.product_id)
        .with("review_status", product.review_status)
        .with("eligible_for_appeal", product.review_status == "rejected");
    Ok(rows([appeal]))
}

/// Ids are numbers here, as in the page's sample.
pub(super) fn product_tags<'s>(reader: &Reader<'s>, media: &Media<'s>) -> Outcome<Edge<'s>> {
    reader.require(media.path().account, &SHOPPING)?;
    let merchant = media.account().merchant_id();
    Ok(rows(media.product_tags().into_iter().map(|product| {
        Row::default()
            .with("product_id", product.product_id)
            .with("merchant_id", merchant)
            .with("name", product.name)
            .with("price_string", product.price_string.as_str())
            .with("image_url", "https://example.com/product.jpg")
            .with("review_status", product.review_status)
            .with("is_checkout", false)
            .with("stripped_price_string", product.price_string.as_str())
            .with("stripped_sale_price_string", "")
            .with("x", 0.5)
            .with("y", 0.25)
    })))
}

pub(super) fn collaborators<'s>(reader: &Reader<'s>, media: &Media<'s>) -> Outcome<Edge<'s>> {
    reader.require(media.path().account, &BASIC)?;
    Ok(rows(media.collaborators().into_iter().map(
        |collaborator| {
            Row::default()
                .with("id", collaborator.id)
                .with("username", collaborator.username)
                .with("invite_status", collaborator.invite_status)
        },
    )))
}

/// Pending invites, 10 at a time, 300 reads per day and user. They are told by fields of their own, and the posts cannot
/// be read before the invite is accepted.
pub(super) fn collaboration_invites<'s>(
    reader: &mut Reader<'s>,
    account: Account<'s>,
) -> Outcome<Edge<'s>> {
    reader.require(account.index(), &BASIC)?;
    let user = reader.caller.spec();
    let user = user.map_or("", |spec| spec.user_id.as_str());
    let most = reader.rules().max_invite_reads_per_day;
    if !reader.memory.read_invites(user, reader.now, most) {
        // The pages name no code; 613 is that of limits of a single API.
        let text = "(#613) Calls to this api have exceeded the rate limit.";
        return Err(GraphError::new(613, text).status(reader.rules().throttle_status));
    }
    let mut rows = Vec::new();
    for media in account.invites() {
        let mut row = Row::knowing(&["caption", "media_url"])
            .with("media_id", media.id())
            .with("media_owner_username", media.username());
        if let Some(caption) = media.caption() {
            row = row.with("caption", caption);
        }
        if let Some(path) = media.media_url_path() {
            row = row.with("media_url", url::signed(reader, &path));
        }
        rows.push(Node::Row(row));
    }
    Ok(Edge::List(List {
        slots: 0..rows.len() as u64,
        newest_first: false,
        item: Box::new(move |slot| rows.get(usize::try_from(slot).ok()?).cloned()),
        default_limit: 10,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    }))
}

pub(super) fn content_publishing_limit<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    reader.require(account.index(), &BASIC)?;
    reader.require(account.index(), &["instagram_content_publish"])?;
    // The page allows a `since` within the last day; what becomes of an earlier one it does not say.
    let since = instant(params, "since")?.unwrap_or(i64::MIN);
    let used = account.slots()
        - account
            .slot_at(since.max(reader.now - DAY))
            .min(account.slots());
    let limit = Row::default().with("quota_usage", used).with(
        "config",
        json!({ "quota_total": QUOTA_TOTAL, "quota_duration": DAY }),
    );
    Ok(rows([limit]))
}
