//! Parts of albums that hashtags and accounts of others show, against the simulator's oracle.

use std::time::Duration;

use igsync::sync::{Selection, Verdict};
use igsync_simulator::{AccountSpec, Fault, HashtagSpec, Match, WorldSpec};
use tokio::time::sleep;

use crate::world::{World, outcomes, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);
const KEY: &[&str] = &["media_id", "id"];

const HASHTAGS: [&str; 3] = ["coffee", "milk", "tea"];
const OTHERS: std::ops::Range<u64> = 900..903;

/// Three hashtags and three accounts of others, with albums.
fn spec() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let hashtag = |name: &str| HashtagSpec {
        name: name.to_owned(),
        posts_per_day: 30,
        sensitive: false,
    };
    let other = |number| AccountSpec {
        posts: 40,
        carousels_per_mille: 500,
        ..AccountSpec::numbered(number)
    };
    spec.hashtags = HASHTAGS.map(hashtag).to_vec();
    spec.others = OTHERS.map(other).collect();
    spec
}

fn selection() -> Selection {
    Selection {
        hashtags: HASHTAGS.map(str::to_owned).to_vec(),
        usernames: OTHERS
            .map(|number| AccountSpec::numbered(number).username)
            .collect(),
        ..selection_of(&["account", "hashtags", "business_discovery"])
    }
}

/// Reads everything, which must be complete whatever is refused.
#[track_caller]
fn assert_complete(summary: &igsync::sync::Summary) {
    let jobs = outcomes(summary);
    assert_eq!(summary.verdict(), Verdict::Complete, "{jobs:?}");
}

/// Posts that were read of hashtags and of accounts of others.
fn posts(world: &World) -> (i64, i64) {
    let count = |table: &str| world.count(&format!("SELECT count(*) FROM {table}"));
    (count("hashtag_posts"), count("discovered_media"))
}

/// Calls that asked for parts, and of these the refused ones.
fn with_parts(world: &World) -> (usize, usize) {
    let calls = world.simulator.journal().into_iter();
    let asked = calls.filter(|call| {
        let fields = call.fields.as_deref().unwrap_or_default();
        fields.contains("children")
    });
    let asked: Vec<_> = asked.collect();
    let refused = asked.iter().filter(|call| call.status != 200).count();
    (asked.len(), refused)
}

/// Open gaps, as `field reason object`.
fn gaps(world: &World) -> Vec<String> {
    world.texts(
        "SELECT ifnull(field, '') || ' ' || reason || ifnull(' ' || object_id, '') FROM sync_gaps
         WHERE resolved_at IS NULL ORDER BY 1",
    )
}

/// Whatever is asked for with parts of albums.
fn any_parts() -> [Match; 3] {
    ["recent_media", "top_media", "17841400000000001"]
        .map(|path| Match::path_ends_with(path).with_parameter("fields", "children"))
}

#[tokio::test(start_paused = true)]
async fn parts_of_albums_come_along_in_the_calls_that_are_made_anyway() {
    let world = World::new(spec()).await;
    assert_complete(&world.night(&selection()).await);
    assert!(world.assert_table("hashtag_post_children", KEY) > 50);
    assert!(world.assert_table("discovered_media_children", KEY) > 50);
    let without = "SELECT count(*) FROM hashtag_posts p WHERE (media_type = 'CAROUSEL_ALBUM')
        <> EXISTS (SELECT 1 FROM hashtag_post_children WHERE media_id = p.id)";
    assert_eq!(world.count(without), 0);
    // Pages of hashtags and of accounts, and nothing but these.
    let pages = world.calls("_media").len() + OTHERS.count();
    assert_eq!(with_parts(&world), (pages, 0));
    assert_eq!(gaps(&world), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_refused_by_name_cost_a_call_once_and_no_page() {
    let whole = World::new(spec()).await;
    whole.night(&selection()).await;
    let world = World::new(spec()).await;
    let message = "(#100) Tried accessing nonexisting field (children)";
    for parts in any_parts() {
        world
            .simulator
            .inject(Fault::on(parts).always().error(100, None, message));
    }
    assert_complete(&world.night(&selection()).await);
    assert_eq!(posts(&world), posts(&whole));
    // Once for each kind of list.
    assert_eq!(with_parts(&world), (3, 3));
    assert_eq!(
        gaps(&world),
        [
            "children of business_discovery not_applicable",
            "children of recent_media not_applicable",
            "children of top_media not_applicable"
        ]
    );
    sleep(DAY).await;
    assert_complete(&world.night(&selection()).await);
    assert_eq!(with_parts(&world), (3, 3));
    // After a month it is tried again.
    world.simulator.clear_faults();
    sleep(31 * DAY).await;
    assert_complete(&world.night(&selection()).await);
    assert!(world.assert_table("discovered_media_children", KEY) > 50);
    assert_eq!(gaps(&world), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_field_that_only_parts_are_refused_is_read_of_the_posts() {
    let world = World::new(spec()).await;
    let message = "(#100) Tried accessing nonexisting field (permalink)";
    for parts in any_parts() {
        let parts = parts.with_parameter("fields", "thumbnail_url,permalink");
        let asked = Fault::on(parts).always();
        world.simulator.inject(asked.error(100, None, message));
    }
    for path in ["recent_media", "top_media"] {
        let parts =
            Match::path_ends_with(path).with_parameter("fields", "media_url,permalink,timestamp}");
        let asked = Fault::on(parts).always();
        world.simulator.inject(asked.error(100, None, message));
    }
    assert_complete(&world.night(&selection()).await);
    for (table, parts) in [
        ("hashtag_posts", "hashtag_post_children"),
        ("discovered_media", "discovered_media_children"),
    ] {
        let posts = format!("SELECT count(*) FROM {table} WHERE permalink IS NULL");
        assert_eq!(world.count(&posts), 0);
        let parts = format!("SELECT count(*) FROM {parts} WHERE timestamp IS NOT NULL");
        assert!(world.count(&parts) > 50);
    }
    let (_, refused) = with_parts(&world);
    assert_eq!(refused, 3, "{:?}", gaps(&world));
    assert_eq!(
        gaps(&world)[0],
        "children.permalink of business_discovery not_applicable"
    );
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_refused_without_a_word_are_given_up_after_two_subjects_and_no_page_is_lost()
{
    let reduce = "Please reduce the amount of data you're asking for, then retry your request";
    for (code, message) in [(100, "(#100) Invalid parameter"), (1, reduce)] {
        let whole = World::new(spec()).await;
        whole.night(&selection()).await;
        let world = World::new(spec()).await;
        for parts in any_parts() {
            world
                .simulator
                .inject(Fault::on(parts).always().error(code, None, message));
        }
        assert_complete(&world.night(&selection()).await);
        assert_eq!(posts(&world), posts(&whole), "{message}");
        // The first list of popular posts has a second page.
        assert_eq!(with_parts(&world), (7, 7), "{message}: {:?}", gaps(&world));
        sleep(DAY).await;
        assert_complete(&world.night(&selection()).await);
        assert_eq!(with_parts(&world), (7, 7), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_album_costs_the_parts_of_its_page_and_the_next_reading_brings_them() {
    let world = World::new(spec()).await;
    let coffee = world.simulator.world().hashtag_id("coffee").unwrap();
    let page = Match::path_ends_with(&format!("{coffee}/recent_media"));
    let gone = "Unsupported get request. Object with ID '1' does not exist";
    world
        .simulator
        .inject(Fault::on(page).times(2).error(100, Some(33), gone));
    assert_complete(&world.night(&selection()).await);
    let recent = "SELECT count(*) FROM hashtag_media WHERE edge = 'recent' AND hashtag_id = '";
    assert!(world.count(&format!("{recent}{coffee}'")) > 20);
    assert_eq!(
        gaps(&world),
        [format!("children not_applicable {coffee}/recent_media")]
    );
    sleep(DAY).await;
    assert_complete(&world.night(&selection()).await);
    assert_eq!(gaps(&world), Vec::<String>::new());
}
