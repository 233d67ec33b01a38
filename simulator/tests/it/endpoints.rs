//! Every field and edge that has a name somewhere: each is served, or excluded by name.

use std::collections::BTreeSet;

use igsync_simulator::{Media, MediaType, WorldSpec};

use crate::probe::{BAKERY, Probe};

/// Edges of "IG User", those of the generated SDK included.
const USER_EDGES: [&str; 25] = [
    "agencies",
    "authorized_adaccounts",
    "available_catalogs",
    "branded_content_ad_permissions",
    "branded_content_advertisable_medias",
    "branded_content_tag_approval",
    "catalog_product_search",
    "collaboration_invites",
    "collaborative_media",
    "connected_threads_user",
    "content_publishing_limit",
    "creator_marketplace_creators",
    "dataset",
    "insights",
    "instagram_backed_threads_user",
    "live_media",
    "media",
    "notification_message_tokens",
    "product_appeal",
    "recently_searched_hashtags",
    "scheduled_media",
    "stories",
    "tags",
    "upcoming_events",
    "welcome_message_flows",
];
/// Fields of "IG User", but for those that lead to something of somebody else.
const USER_FIELDS: [&str; 18] = [
    "account_type",
    "alt_text",
    "biography",
    "followers_count",
    "follows_count",
    "has_profile_pic",
    "id",
    "ig_id",
    "is_published",
    "legacy_instagram_user_id",
    "media_count",
    "name",
    "owner_business",
    "profile_picture_url",
    "shopping_product_tag_eligibility",
    "shopping_review_status",
    "username",
    "website",
];
/// Fields of "IG User" with an argument.
const EXPANSIONS: [&str; 4] = [
    "business_discovery.username(sim.account.900)",
    "collaborative_media_search.media_id(COLLAB)",
    "mentioned_comment.comment_id(COMMENT)",
    "mentioned_media.media_id(MENTION)",
];
/// Edges of "IG Media".
const MEDIA_EDGES: [&str; 7] = [
    "boost_ads_list",
    "branded_content_partner_promote",
    "children",
    "collaborators",
    "comments",
    "insights",
    "product_tags",
];
/// Fields of "IG Media".
const MEDIA_FIELDS: [&str; 38] = [
    "alt_text",
    "boost_ads_list",
    "boost_eligibility_info",
    "caption",
    "comments_count",
    "copyright_check_information",
    "current_live_viewer_count",
    "filter_name",
    "has_poll",
    "has_slider",
    "id",
    "ig_id",
    "is_ai_generated",
    "is_comment_enabled",
    "is_shared_to_feed",
    "latitude",
    "legacy_instagram_media_id",
    "like_count",
    "location",
    "location_name",
    "longitude",
    "media_audio_type",
    "media_product_type",
    "media_type",
    "media_url",
    "owner",
    "permalink",
    "reposts_count",
    "saved_count",
    "shares_count",
    "shortcode",
    "thumbnail_url",
    "timestamp",
    "total_comments_count",
    "total_like_count",
    "total_views_count",
    "username",
    "video_title",
];

/// The names of the table in the documentation of the crate, for one kind of node.
fn excluded(node: &str) -> BTreeSet<&'static str> {
    let rows = include_str!("../../src/lib.rs").lines();
    let rows = rows.filter_map(|line| line.strip_prefix("//! | `"));
    let mut names = BTreeSet::new();
    for row in rows {
        let (name, rest) = row.split_once("` | ").unwrap();
        let (of, reason) = rest.split_once(" | ").unwrap();
        assert!(reason.len() > 5, "{name} has no reason");
        if of == node {
            names.insert(name);
        }
    }
    names
}

/// Asks for a field, and for an edge in both ways; what is excluded is refused like a name that nobody knows.
async fn check(probe: &Probe, path: &str, name: &str, is_excluded: bool) {
    let reply = probe.get(path).await;
    if !is_excluded {
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        return;
    }
    let made_up = probe.get(&path.replace(name, "nonsense")).await;
    let expected = made_up.text.replace("nonsense", name);
    let without_trace = |text: &str| text.split(",\"fbtrace_id").next().unwrap().to_owned();
    assert_eq!(
        without_trace(&reply.text),
        without_trace(&expected),
        "{path}"
    );
    assert_eq!(reply.status, 400, "{path}");
}

/// The catalog, a product of it, and who mentions the account.
async fn demo() -> (Probe, String, String) {
    let probe = Probe::of(WorldSpec::demo(7));
    let catalog = probe.ok(&format!("/{BAKERY}/available_catalogs")).await;
    let catalog = catalog["data"][0]["catalog_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let search = format!("/{BAKERY}/catalog_product_search?catalog_id={catalog}");
    let product = probe.ok(&search).await["data"][0]["product_id"].to_string();
    (probe, catalog, product)
}

#[tokio::test]
async fn edges_and_fields_of_an_account_are_served_or_excluded_by_name() {
    let (probe, catalog, product) = demo().await;
    let excluded = excluded("IG User");
    let arguments = [
        ("catalog_id", catalog.as_str()),
        ("product_id", product.as_str()),
        ("metric", "reach"),
        ("period", "day"),
    ];
    let query: Vec<String> = arguments
        .map(|(name, value)| format!("{name}={value}"))
        .to_vec();
    let inline: String = arguments
        .map(|(name, value)| format!(".{name}({value})"))
        .concat();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for edge in USER_EDGES {
        named.insert(edge);
        let is_excluded = excluded.contains(edge);
        let path = format!("/{BAKERY}/{edge}?{}", query.join("&"));
        check(&probe, &path, edge, is_excluded).await;
        let path = format!("/{BAKERY}?fields={edge}{inline}");
        check(&probe, &path, edge, is_excluded).await;
    }
    for field in USER_FIELDS {
        named.insert(field);
        let path = format!("/{BAKERY}?fields={field}");
        check(&probe, &path, field, excluded.contains(field)).await;
    }
    let world = probe.world();
    for expansion in EXPANSIONS {
        let expansion = expansion
            .replace(
                "COLLAB",
                &world.collaborative_media(BAKERY).next().unwrap().id(),
            )
            .replace(
                "COMMENT",
                &world.mentioning_comments(BAKERY).next().unwrap().id(),
            )
            .replace(
                "MENTION",
                &world.mentioned_media(BAKERY).next().unwrap().id(),
            );
        let path = format!("/{BAKERY}?fields={expansion}{{id}}");
        check(&probe, &path, "", false).await;
    }
    assert!(excluded.is_subset(&named), "{excluded:?}");
}

#[tokio::test]
async fn edges_and_fields_of_media_are_served_or_excluded_by_name() {
    let (probe, _, _) = demo().await;
    let excluded = excluded("IG Media");
    let find = |fits: &dyn Fn(&Media<'_>) -> bool| {
        probe
            .world()
            .media(BAKERY)
            .find(|media| fits(media))
            .unwrap()
            .id()
    };
    let album = find(&|media| media.media_type() == MediaType::CarouselAlbum);
    let video = find(&|media| media.media_type() == MediaType::Video);
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for edge in MEDIA_EDGES {
        named.insert(edge);
        let is_excluded = excluded.contains(edge);
        let path = format!("/{album}/{edge}?metric=reach");
        check(&probe, &path, edge, is_excluded).await;
        let path = format!("/{album}?fields={edge}.metric(reach)");
        check(&probe, &path, edge, is_excluded).await;
    }
    for field in MEDIA_FIELDS {
        named.insert(field);
        let path = format!("/{video}?fields={field}");
        check(&probe, &path, field, excluded.contains(field)).await;
    }
    assert!(excluded.is_subset(&named), "{excluded:?}");
    // Of a field that only videos have, and of one that only Business Discovery tells.
    let refused = probe
        .refused(&format!("/{album}?fields=copyright_check_information"))
        .await;
    assert_eq!((refused.code, refused.subcode), (9005, Some(1_452_042)));
    assert_eq!(refused.message, "Video content was not found.");
    let refused = probe.refused(&format!("/{album}?fields=view_count")).await;
    assert_eq!(refused.code, 36104);
}

/// The other lists that are read page by page: those of a user, a business, a Page, a conversation, a comment and a
/// hashtag.
#[tokio::test]
async fn all_other_lists_are_served() {
    let mut spec = WorldSpec::demo(7);
    spec.meters.conversation_calls_per_second = 100;
    let probe = Probe::of(spec);
    let accounts = probe.ok("/me/accounts?fields=access_token").await;
    let page = accounts["data"][0]["id"].as_str().unwrap();
    let token = accounts["data"][0]["access_token"].as_str().unwrap();
    let conversation = probe.world().conversations(BAKERY).next().unwrap().id();
    let comment = probe.world().media(BAKERY).find_map(|media| {
        let first = media.comments().next()?;
        Some(first.id())
    });
    let hashtag = probe
        .ids(&format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough"))
        .await[0]
        .clone();
    let business = "2119000000000000";
    for path in [
        "/me/accounts".to_owned(),
        "/me/permissions".to_owned(),
        "/me/businesses".to_owned(),
        format!("/{business}/owned_pages"),
        format!("/{business}/client_pages"),
        format!("/{business}/instagram_business_accounts"),
        format!("/{business}/owned_instagram_accounts"),
        format!("/{business}/client_instagram_accounts"),
        format!("/{page}/conversations?platform=instagram&access_token={token}"),
        format!("/{conversation}/messages?access_token={token}"),
        format!("/{}/replies", comment.unwrap()),
        format!("/{hashtag}/top_media?user_id={BAKERY}"),
        format!("/{hashtag}/recent_media?user_id={BAKERY}"),
    ] {
        let body = probe.ok(&path).await;
        assert!(body["data"].is_array(), "{path}");
    }
}
