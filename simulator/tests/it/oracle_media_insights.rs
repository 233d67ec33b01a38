//! Rows of insights of posts and stories are checked as long as they could be read.

use igsync_simulator::{MediaType, ProductType, WorldSpec};
use serde_json::json;

use crate::insights::{post, spec};
use crate::oracle::{DAY, differences, fits, instant};
use crate::probe::{ACCOUNT, Probe};

#[tokio::test(start_paused = true)]
async fn insights_of_stories_stay_as_they_were_before_the_end() {
    let probe = Probe::of(spec());
    let world = probe.world();
    let find = |quiet: bool| {
        let story = world.stories(ACCOUNT).find(|story| {
            let told = story.insight("reach").and_then(|value| value.as_i64());
            told.is_some_and(|reach| (reach < 5) == quiet)
        });
        story.unwrap().id()
    };
    let (told, quiet) = (find(false), find(true));
    let read_at = instant(world.now());
    let path = format!("/{told}/insights?metric=navigation&breakdown=story_navigation_action_type");
    let body = probe.ok(&path).await;
    let result = &body["data"][0]["total_value"]["breakdowns"][0]["results"][0];
    let (part, value) = (
        result["dimension_values"][0].as_str().unwrap(),
        result["value"].as_i64().unwrap(),
    );
    let key = format!("{told}/navigation/story_navigation_action_type/{part}");
    tokio::time::advance(3 * DAY).await;
    let check = |value: i64, observed_at: &str| {
        let row = json!({ "value": value, "observed_at": observed_at });
        differences(&probe, "story_insights", &key, &row)
    };
    assert!(fits(&probe, "story_insights", &key, value));
    assert!(!fits(&probe, "story_insights", &key, value * 100));
    assert_eq!(check(value, &read_at), [""; 0]);
    assert_eq!(check(value + 1, &read_at).len(), 1);
    let ended = instant(world.now() - chrono::TimeDelta::days(1));
    assert!(check(value, &ended)[0].ends_with(&format!("could not be read at {ended}")));
    for key in [
        format!("{quiet}/reach//"),
        format!("{told}/likes//"),
        format!("{told}/navigation/action_type/call"),
        format!("{told}/navigation/story_navigation_action_type/tap_sideways"),
        format!(
            "{}/reach//",
            post(&probe, ProductType::Feed, MediaType::Image)
        ),
    ] {
        assert!(!fits(&probe, "story_insights", &key, 1), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn insights_of_a_post_end_with_it_and_are_those_of_its_kind() {
    let probe = Probe::of(spec());
    let world = probe.world();
    let id = world.media(ACCOUNT).next().unwrap().id();
    let key = format!("{id}/reach//");
    let reach = |probe: &Probe| {
        let media = probe.world().media_by_id(&id).unwrap();
        media.insight("reach").unwrap().as_i64().unwrap()
    };
    tokio::time::advance(DAY).await;
    let early = reach(&probe);
    tokio::time::advance(5 * DAY).await;
    world.delete_media(&id);
    tokio::time::advance(DAY).await;
    assert!(fits(&probe, "media_insights", &key, early));
    let after_the_end = reach(&probe);
    assert!(
        !fits(&probe, "media_insights", &key, after_the_end),
        "it was gone by then"
    );
    let reel = post(&probe, ProductType::Reels, MediaType::Video);
    let album = post(&probe, ProductType::Feed, MediaType::CarouselAlbum);
    let item = world
        .media_by_id(&album)
        .unwrap()
        .children()
        .next()
        .unwrap()
        .id();
    for key in [
        format!("{reel}/follows//"),
        format!("{reel}/profile_activity/action_type/call"),
        format!("{album}/ig_reels_avg_watch_time//"),
        format!("{album}/navigation//"),
        format!("{album}/profile_activity/action_type/fax"),
        format!("{album}/content_views//"),
        format!("{item}/reach//"),
    ] {
        assert!(!fits(&probe, "media_insights", &key, 1), "{key}");
    }
}

#[tokio::test]
async fn nothing_is_told_from_before_the_conversion() {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.converted_at = Some(spec.epoch - chrono::TimeDelta::days(100));
    let probe = Probe::of(spec);
    let oldest = probe.world().media(ACCOUNT).last().unwrap();
    let value = oldest.insight("reach").unwrap();
    let key = format!("{}/reach//", oldest.id());
    assert!(!fits(&probe, "media_insights", &key, value));
}

#[tokio::test(start_paused = true)]
async fn comments_that_were_deleted_later_counted_until_then() {
    let probe = Probe::small();
    let world = probe.world();
    let id = world
        .media(ACCOUNT)
        .find(|media| media.comments().count() > 3)
        .unwrap()
        .id();
    let path = format!("/{id}/insights?metric=comments");
    let told = async || probe.ok(&path).await["data"][0]["values"][0]["value"].clone();
    let (before, read_at) = (told().await, instant(world.now()));
    let oldest = world.comments(&id).last().unwrap().id();
    let read_again = |value| {
        let row = json!({ "value": value, "observed_at": read_at });
        differences(&probe, "media_insights", &format!("{id}/comments//"), &row)
    };
    tokio::time::advance(DAY / 24).await;
    world.delete_comment(&oldest);
    world.enable_comments(&id, false);
    tokio::time::advance(DAY).await;
    assert_eq!(told().await, 0);
    assert_eq!(read_again(before), [""; 0]);
    assert_eq!(read_again(json!(0)).len(), 1);
}
