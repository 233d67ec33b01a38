//! Recorded insights of media and of an account: the same metrics are asked for again.

use igsync_simulator::{Media, MediaType, ProductType, WorldSpec};
use serde_json::Value;

use crate::probe::{ACCOUNT, Probe};
use crate::recordings::{assert_same_shape, recorded, shape_of};

/// Metrics of old recordings that no version answers any more.
const RETIRED: [&str; 5] = [
    "clips_replays_count",
    "ig_reels_aggregated_all_plays_count",
    "impressions",
    "plays",
    "video_views",
];

/// The recorded metrics that still exist.
fn metrics(recording: &Value) -> String {
    let rows = recording["data"].as_array().unwrap();
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    let living: Vec<&str> = names.filter(|name| !RETIRED.contains(name)).collect();
    living.join(",")
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_insights_of_media_have_the_key_sets_and_types_that_are_told_here() {
    let probe = Probe::of(WorldSpec::demo(3));
    let world = probe.world();
    let find = |product: ProductType, kind: MediaType| {
        let fits =
            |media: &Media<'_>| media.media_product_type() == product && media.media_type() == kind;
        world.media(ACCOUNT).find(fits).unwrap().id()
    };
    let is_watched = |story: &Media<'_>| {
        let reach = story.insight("reach").and_then(|reach| reach.as_i64());
        reach > Some(4)
    };
    let story = world.stories(ACCOUNT).find(is_watched).unwrap().id();
    let image = find(ProductType::Feed, MediaType::Image);
    let reel = find(ProductType::Reels, MediaType::Video);
    for (file, media) in [
        ("airbyte/media_insights_for_general_media.json", &image),
        ("airbyte/media_insights_for_reels.json", &reel),
        (
            "airbyte/history/media_insights_for_reels.2024-07.json",
            &reel,
        ),
        (
            "airbyte/story_insights_for_story_insights_happy_path.json",
            &story,
        ),
        ("python-facebook/medias__insights.json", &image),
    ] {
        let recording = recorded(file);
        let question = format!("/{media}/insights?metric={}", metrics(&recording));
        let told = shape_of(&probe.ok(&question).await);
        assert_same_shape(&told, &shape_of(&recording), &[], file);
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_insights_of_an_old_account_have_the_shape_of_a_time_series() {
    let file = "python-facebook/users__user_insights.json";
    let recording = recorded(file);
    let told = Probe::small()
        .ok(&format!("/{ACCOUNT}/insights?metric=reach&period=day"))
        .await;
    let neighbours = "the fixture leaves the neighbouring windows out, live recordings have them";
    assert_same_shape(
        &shape_of(&told),
        &shape_of(&recording),
        &[(".paging", neighbours)],
        file,
    );
}
