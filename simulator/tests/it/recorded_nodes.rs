//! Key sets and JSON types per node type, compared with recorded bodies.

use igsync_simulator::{Media, MediaType, ProductType, Rules, WorldSpec};
use serde_json::Value;

use crate::probe::{ACCOUNT, Probe};
use crate::recordings::{Shape, assert_covers, fields_of, merge, recorded, shape_of};

/// Account, page and token of a world in which everything exists.
async fn everything() -> Probe {
    let mut spec = WorldSpec::demo(3);
    spec.meters.conversation_calls_per_second = 100;
    spec.rules = Rules {
        collaborative_media_basic_fields_only: false,
        ..Rules::default()
    };
    Probe::of(spec)
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_nodes_have_the_key_sets_and_types_that_are_told_here() {
    let probe = everything().await;
    let album = probe
        .world()
        .media(ACCOUNT)
        .find(|media| media.media_type() == MediaType::CarouselAlbum)
        .unwrap()
        .id();
    let commented = probe
        .world()
        .media(ACCOUNT)
        .max_by_key(|media| media.comments().count())
        .unwrap();
    let replied = commented
        .comments()
        .find(|comment| comment.replies().count() > 0)
        .unwrap()
        .id();
    let commented = commented.id();
    let mention = probe.world().mentioned_media(ACCOUNT).next().unwrap().id();
    let hashtag = probe
        .ids(&format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough"))
        .await[0]
        .clone();
    let discovery = |fields: &str| {
        format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.900){{{fields}}}")
    };
    for (file, pointer, question) in [
        (
            "airbyte/media.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "airbyte/media_for_reels.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "airbyte/media_for_children.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "airbyte/media_for_carousel_album.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "python-facebook/users__medias_p1.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "restfb/instagram__media-image.json",
            "",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        (
            "airbyte/media_children_for_children.json",
            "",
            format!("/{album}/children?fields=FIELDS"),
        ),
        (
            "python-facebook/medias__children.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=children{{FIELDS}}"),
        ),
        (
            "airbyte/stories.json",
            "/data",
            format!("/{ACCOUNT}/stories?limit=100&fields=FIELDS"),
        ),
        (
            "python-facebook/stories__stories_fields_p1.json",
            "/data",
            format!("/{ACCOUNT}/stories?limit=100&fields=FIELDS"),
        ),
        (
            "airbyte/users.json",
            "/data",
            format!("/{ACCOUNT}?fields=FIELDS"),
        ),
        (
            "python-facebook/users__user_fields.json",
            "",
            format!("/{ACCOUNT}?fields=FIELDS"),
        ),
        (
            "python-facebook/comments__comment_fields.json",
            "",
            format!("/{replied}?fields=FIELDS"),
        ),
        (
            "python-facebook/medias__comments_p1.json",
            "/data",
            format!("/{commented}/comments"),
        ),
        (
            "python-facebook/comments__replies.json",
            "/data",
            format!("/{replied}/replies"),
        ),
        (
            "rust-crate/ig_media_17946328927974136__comments__reading.json",
            "/data",
            format!("/{commented}/comments?fields=FIELDS"),
        ),
        (
            "python-facebook/discovery__user_fields.json",
            "/business_discovery",
            discovery("FIELDS"),
        ),
        (
            "python-facebook/discovery__medias_p1.json",
            "/business_discovery/media/data",
            discovery("media.limit(100){FIELDS}"),
        ),
        (
            "rust-crate/ig_user_0__business_discovery__reading__username_bluebottle.json",
            "/business_discovery/media/data",
            discovery("media.limit(100){FIELDS}"),
        ),
        (
            "python-facebook/users__hashtag_search.json",
            "/data",
            format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough&fields=FIELDS"),
        ),
        (
            "python-facebook/hashtags__hashtag_info.json",
            "",
            format!("/{hashtag}?fields=FIELDS"),
        ),
        (
            "python-facebook/hashtags__hashtag_recent_medias_p1.json",
            "/data",
            format!("/{hashtag}/recent_media?user_id={ACCOUNT}&fields=FIELDS"),
        ),
        (
            "python-facebook/users__mentioned_media.json",
            "/mentioned_media",
            format!("/{ACCOUNT}?fields=mentioned_media.media_id({mention}){{FIELDS}}"),
        ),
        (
            "me_accounts_page_without_instagram.json",
            "/data",
            "/me/accounts?fields=FIELDS".to_owned(),
        ),
        (
            "airbyte/api.json",
            "/data",
            "/me/accounts?fields=FIELDS".to_owned(),
        ),
    ] {
        let recording = recorded(file);
        let recording = recording.pointer(pointer).unwrap();
        let objects: Vec<&Value> = recording
            .as_array()
            .map_or_else(|| vec![recording], |items| items.iter().collect());
        let answer = probe
            .ok(&question.replace("FIELDS", &fields_of(&objects)))
            .await;
        let answered = answered_objects(&answer, pointer);
        let mut shape = Shape::new();
        answered
            .iter()
            .for_each(|object| merge(&mut shape, shape_of(object)));
        let mut expected = Shape::new();
        objects
            .iter()
            .for_each(|object| merge(&mut expected, shape_of(object)));
        assert_covers(&shape, &expected, file);
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn a_recorded_comment_of_the_app_user_differs_in_its_user_alone() {
    let mut recording = recorded("restfb/instagram__comment.json");
    let probe = everything().await;
    let with_replies = |media: &Media<'_>| {
        let mut comments = media.comments();
        let found = comments.find(|comment| comment.replies().count() > 0)?;
        Some(found.id())
    };
    let comment = probe.world().media(ACCOUNT).find_map(|m| with_replies(&m));
    let question = format!("/{}?fields={}", comment.unwrap(), fields_of(&[&recording]));
    // "Only if the app user wrote the comment", and nobody writes any here.
    assert!(recording.as_object_mut().unwrap().remove("user").is_some());
    let told = shape_of(&probe.ok(&question).await);
    assert_covers(
        &told,
        &shape_of(&recording),
        "restfb/instagram__comment.json",
    );
}

/// Where the objects stand that correspond to the recorded ones.
fn answered_objects(answer: &Value, pointer: &str) -> Vec<Value> {
    let inside = answer
        .pointer(pointer)
        .filter(|_| pointer != "/data")
        .unwrap_or(answer);
    let list = inside.as_array().or_else(|| inside["data"].as_array());
    let Some(list) = list else {
        return vec![inside.clone()];
    };
    let children: Vec<Value> = list
        .iter()
        .filter_map(|item| item["children"]["data"].as_array())
        .flatten()
        .cloned()
        .collect();
    let only_children = list.iter().all(|item| {
        item.as_object()
            .unwrap()
            .keys()
            .all(|key| key == "children" || key == "id")
    });
    if only_children && !children.is_empty() {
        children
    } else {
        list.clone()
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_insights_have_the_key_sets_and_types_that_are_told_here() {
    let probe = everything().await;
    let find = |product: ProductType, kind: MediaType| {
        probe
            .world()
            .media(ACCOUNT)
            .find(|media| media.media_product_type() == product && media.media_type() == kind)
            .unwrap()
            .id()
    };
    let story = probe
        .world()
        .stories(ACCOUNT)
        .find(|story| story.insight("reach").and_then(|reach| reach.as_i64()) > Some(4))
        .unwrap()
        .id();
    for (file, question) in [
        (
            "airbyte/media_insights_for_general_media.json",
            format!(
                "/{}/insights?metric=reach",
                find(ProductType::Feed, MediaType::Image)
            ),
        ),
        (
            "airbyte/media_insights_for_reels.json",
            format!(
                "/{}/insights?metric=reach",
                find(ProductType::Reels, MediaType::Video)
            ),
        ),
        (
            "airbyte/story_insights_for_story_insights_happy_path.json",
            format!("/{story}/insights?metric=reach"),
        ),
        (
            "python-facebook/medias__insights.json",
            format!(
                "/{}/insights?metric=reach",
                find(ProductType::Feed, MediaType::Image)
            ),
        ),
        (
            "python-facebook/users__user_insights.json",
            format!("/{ACCOUNT}/insights?metric=reach&period=day"),
        ),
    ] {
        let recording = recorded(file);
        assert_eq!(
            shape_of(&probe.ok(&question).await["data"]),
            shape_of(&recording["data"]),
            "{file}"
        );
    }
}
