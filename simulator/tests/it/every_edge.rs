//! How each edge pages, what it tells without `fields`, and that it is the same with and without a version.

use std::collections::BTreeSet;

use igsync_simulator::{Comment, EDGES, Media, Message, WorldSpec};
use serde_json::Value;

use crate::probe::{BAKERY, Probe, keys};

const MUSEUM: &str = "17841400000000002";
const BUSINESS: &str = "2119000000000000";
const AGENCY: &str = "2119000000000009";

/// The keys of `paging` and of its cursors on the first and on the last of several pages; without `paging` there are
/// none.
type Style = (&'static str, &'static str);

const LINKS: Style = ("after before next", "after before previous");
const CURSORS: Style = ("after", "after before");
const AFTER: Style = ("after next", "");
const SAME: Style = ("after next", "after");
const WHOLE: Style = ("", "");

/// A world in which every list has several items.
async fn probe() -> Probe {
    let mut spec = WorldSpec::demo(7);
    spec.meters.conversation_calls_per_second = 10_000;
    spec.meters.platform_user_calls = 1 << 20;
    for page in &mut spec.pages[1..3] {
        page.business_id = None;
        page.client_business_id = Some(AGENCY.to_owned());
    }
    spec.pages[0].account.as_mut().unwrap().invites = 3;
    let museum = spec.pages[1].account.as_mut().unwrap();
    // On air all the time.
    (museum.posts, museum.history_days, museum.lives_per_mille) = (3_000, 2, 370);
    let probe = Probe::of(spec);
    for tag in ["sourdough", "smallmuseums"] {
        let search = format!("/ig_hashtag_search?user_id={BAKERY}&q={tag}");
        probe.ok(&search).await;
    }
    probe
}

/// Path of the edge, keys of an item, style.
async fn edges(probe: &Probe) -> Vec<(String, &'static str, Style)> {
    let world = probe.world();
    let page = probe.ok("/me/accounts?fields=id,access_token").await["data"][0].clone();
    let (page, token) = (
        page["id"].as_str().unwrap(),
        page["access_token"].as_str().unwrap(),
    );
    let post = |fits: fn(&Media<'_>) -> bool| {
        let mut posts = world.media(BAKERY).filter(|post| !post.is_deleted());
        posts.find(fits).unwrap().id()
    };
    let album = post(|post| post.children().count() > 1);
    let commented = post(|post| post.comments().count() > 1);
    let shared = post(|post| post.collaborators().len() > 1);
    let tagged = post(|post| !post.product_tags().is_empty());
    let comments = world
        .media(BAKERY)
        .flat_map(|post| post.comments().collect::<Vec<_>>());
    let has_replies = |comment: &Comment<'_>| comment.replies().count() > 1;
    let replied = { comments }.find(has_replies).unwrap().id();
    let conversation = world.conversations(BAKERY).next().unwrap().id();
    let messages = world
        .conversations(BAKERY)
        .flat_map(|one| one.messages().collect::<Vec<_>>());
    let is_picture = |message: &Message<'_>| message.is_picture() && message.has_details();
    let message = { messages }.find(is_picture).unwrap().id();
    let hashtag = world.hashtag_id("sourdough").unwrap();
    let catalog = probe.ok(&format!("/{BAKERY}/available_catalogs")).await;
    let catalog = catalog["data"][0]["catalog_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let search = format!("catalog_product_search?catalog_id={catalog}&q=");
    let product = probe.ok(&format!("/{BAKERY}/{search}")).await["data"][0]["product_id"].clone();
    let by_user = format!("user_id={BAKERY}");
    let of = |node: &str, edge: &str| format!("/{node}/{edge}");
    let ours = |node: &str, edge: &str| {
        let joint = if edge.contains('?') { '&' } else { '?' };
        format!("/{node}/{edge}{joint}access_token={token}")
    };
    vec![
        (of("me", "accounts"), "id name", LINKS),
        (of("me", "businesses"), "id name", LINKS),
        (of("me", "permissions"), "permission status", WHOLE),
        (of(BUSINESS, "owned_pages"), "id name", LINKS),
        (of(AGENCY, "client_pages"), "id name", LINKS),
        (of(BUSINESS, "instagram_business_accounts"), "id", LINKS),
        (of(BUSINESS, "owned_instagram_accounts"), "id", LINKS),
        (of(AGENCY, "client_instagram_accounts"), "id", LINKS),
        (of(BAKERY, "media"), "id", LINKS),
        (of(BAKERY, "stories"), "id", LINKS),
        (of(BAKERY, "tags"), "id", CURSORS),
        (of(MUSEUM, "live_media"), "id", LINKS),
        (of(BAKERY, "collaborative_media"), "id", LINKS),
        (
            of(BAKERY, "collaboration_invites"),
            "caption media_id media_owner_username media_url",
            LINKS,
        ),
        (of(BAKERY, "recently_searched_hashtags"), "id", LINKS),
        (
            of(BAKERY, "content_publishing_limit"),
            "config quota_usage",
            WHOLE,
        ),
        (
            of(BAKERY, "available_catalogs"),
            "catalog_id catalog_name product_count shop_name",
            WHOLE,
        ),
        (
            of(BAKERY, &search),
            "image_url is_checkout_flow merchant_id product_id product_name product_variants retailer_id review_status",
            WHOLE,
        ),
        (
            of(BAKERY, &format!("product_appeal?product_id={product}")),
            "eligible_for_appeal product_id review_status",
            WHOLE,
        ),
        (of(&album, "children"), "id", WHOLE),
        (of(&commented, "comments"), "id text timestamp", AFTER),
        (
            of(&shared, "collaborators"),
            "id invite_status username",
            WHOLE,
        ),
        (
            of(&tagged, "product_tags"),
            "image_url is_checkout merchant_id name price_string product_id review_status stripped_price_string \
             stripped_sale_price_string x y",
            WHOLE,
        ),
        (of(&tagged, "boost_ads_list"), "", WHOLE),
        (of(&replied, "replies"), "id text timestamp", AFTER),
        (of(&hashtag, &format!("top_media?{by_user}")), "id", SAME),
        (of(&hashtag, &format!("recent_media?{by_user}")), "id", SAME),
        (
            ours(page, "conversations?platform=instagram"),
            "id updated_time",
            LINKS,
        ),
        (ours(&conversation, "messages"), "created_time id", LINKS),
        (ours(&message, "attachments"), "id image_data", WHOLE),
        (ours(&message, "shares"), "", WHOLE),
    ]
}

/// The keys of the paging of a page.
fn paging(page: &Value) -> String {
    let mut told: Vec<&str> = Vec::new();
    for object in [&page["paging"], &page["paging"]["cursors"]] {
        if object.is_object() {
            told.extend(keys(object));
        }
    }
    told.retain(|key| *key != "cursors");
    told.sort_unstable();
    told.join(" ")
}

fn items(page: &Value) -> &[Value] {
    page["data"].as_array().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_edge_pages_in_its_style_and_tells_its_defaults() {
    let probe = probe().await;
    let edges = edges(&probe).await;
    let mut named = BTreeSet::from(["feed", "insights"]);
    for (path, told, (first, last)) in &edges {
        let joint = if path.contains('?') { '&' } else { '?' };
        let ask = async |rest: &str| probe.ok(&format!("/v25.0{path}{joint}limit=1{rest}")).await;
        let mut page = ask("").await;
        assert_eq!(paging(&page), *first, "{path}: first page");
        let item = items(&page).first().map(|item| keys(item).join(" "));
        assert_eq!(item.unwrap_or_default(), *told, "{path}");
        let unversioned = probe.ok(&format!("{path}{joint}limit=1")).await;
        assert_eq!(paging(&unversioned), *first, "{path}: without a version");
        let ids = |page: &Value| {
            let ids = items(page).iter().map(|item| item["id"].clone());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(&unversioned), ids(&page), "{path}: without a version");
        let mut pages = 1;
        while let Some(after) = page["paging"]["cursors"]["after"].as_str() {
            let next = ask(&format!("&after={after}")).await;
            if items(&next).is_empty() {
                break;
            }
            page = next;
            pages += 1;
            if page["paging"]["next"].is_null() && first.contains("next") {
                break;
            }
        }
        assert!(pages > 1 || first.is_empty(), "{path}: one page");
        assert_eq!(paging(&page), *last, "{path}: page {pages}, the last");
        let edge = path.split('/').nth(2).unwrap();
        named.extend(
            EDGES
                .iter()
                .filter(|name| edge.split('?').next() == Some(**name)),
        );
    }
    assert_eq!(named, BTreeSet::from(EDGES), "an edge is missing here");
}

#[tokio::test]
async fn nodes_tell_their_defaults() {
    let probe = probe().await;
    let world = probe.world();
    let page = probe.ok("/me/accounts?fields=id,access_token").await["data"][0].clone();
    let (page, token) = (
        page["id"].as_str().unwrap(),
        page["access_token"].as_str().unwrap(),
    );
    let post = world.media(BAKERY).find(|post| post.comments().count() > 0);
    let comment = post.as_ref().unwrap().comments().next().unwrap().id();
    let conversation = world.conversations(BAKERY).next().unwrap();
    let message = conversation.messages().next().unwrap().id();
    for (node, told) in [
        ("me".to_owned(), "id name"),
        (page.to_owned(), "id name"),
        (BUSINESS.to_owned(), "id name"),
        (BAKERY.to_owned(), "id"),
        (post.unwrap().id(), "id"),
        (comment, "id text timestamp"),
        (world.hashtag_id("sourdough").unwrap(), "id"),
        (
            format!("{}?access_token={token}", conversation.id()),
            "id updated_time",
        ),
        (format!("{message}?access_token={token}"), "created_time id"),
    ] {
        for version in ["", "/v21.0", "/v26.0"] {
            let body = probe.ok(&format!("{version}/{node}")).await;
            assert_eq!(keys(&body).join(" "), told, "{version}/{node}");
        }
    }
}
