//! Stories and their numbers, while they are shown and after.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, assert_meets, outcomes, rows_of};

const RESOURCES: &[&str] = &["account", "stories"];

const ACCOUNT: &str = "17841400000000001";

const HOUR: Duration = Duration::from_secs(3600);

/// One account with so many stories a day, of which so many in a thousand have next to no viewers.
fn spec(per_day: u32, quiet_per_mille: u32) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.posts = 10;
    account.stories_per_day = per_day;
    account.quiet_stories_per_mille = quiet_per_mille;
    spec
}

fn shown(world: &World) -> BTreeSet<String> {
    let stories = world.simulator.world().stories(ACCOUNT);
    stories.map(|story| story.id()).collect()
}

fn gaps(world: &World, reason: &str) -> BTreeSet<String> {
    let sql = format!(
        "SELECT object_id FROM sync_gaps WHERE resource = 'stories' AND reason = '{reason}' AND resolved_at IS NULL"
    );
    world.texts(&sql).into_iter().collect()
}

/// What igsync does not ask about stories: it refuses those that were not shared to Facebook, along with all other metrics of the
/// question.
pub fn is_asked_of_stories(key: &str) -> bool {
    key.split('/').nth(1) != Some("facebook_views")
}

/// Fails unless the stories and their newest numbers are those of the world, with all numbers that are required. Gives how many
/// rows were required.
#[track_caller]
fn assert_stories(world: &World, is_required: impl Fn(&str) -> bool) -> usize {
    let database = world.database();
    let key = ["media_id", "name", "breakdown", "dimension_value"];
    let expected = world
        .simulator
        .world()
        .expected(&["stories", "story_insights"])
        .not_requiring("story_insights", |key| !is_required(key));
    let tables = [
        ("stories", rows_of(&database, "stories", &["id"])),
        (
            "story_insights",
            rows_of(&database, "media_insights_current", &key),
        ),
    ];
    let tables = tables.map(|(name, rows)| (name.to_owned(), rows));
    assert_meets(&expected, &tables.into())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_stories_and_their_numbers_are_read_as_they_are() {
    let world = World::new(spec(110, 100)).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert!(shown(&world).len() > 100);
    // With the numbers of all, of all but the newest, and of none, which takes a page more.
    assert_eq!(world.calls("/stories").len(), 5);

    // Stories of the last two hours have no numbers yet: most of those shown are older.
    let compared = assert_stories(&world, is_asked_of_stories);
    assert!(compared > 1000, "{compared}");
    let expected = world.simulator.world().expected(&["story_insights"]);
    let told: BTreeSet<String> = expected.rows["story_insights"]
        .keys()
        .filter_map(|key| key.split('/').next())
        .map(str::to_owned)
        .collect();
    assert!(told.len() > 80, "{}", told.len());

    let quiet: BTreeSet<String> = shown(&world).difference(&told).cloned().collect();
    assert!(quiet.len() > 5);
    assert_eq!(gaps(&world, "too_few_viewers"), quiet);

    for (metric, breakdown) in [
        ("navigation", "story_navigation_action_type"),
        ("profile_activity", "action_type"),
    ] {
        let sums = format!(
            "SELECT count(*) FROM (SELECT media_id, sum(value) FILTER (WHERE breakdown = '{breakdown}') AS parts,
                 sum(value) FILTER (WHERE breakdown = '') AS total
             FROM media_insights WHERE name = '{metric}' GROUP BY media_id HAVING total > 0 AND parts IS NOT total)"
        );
        assert_eq!(world.count(&sums), 0);
        assert!(
            world.count(&format!(
                "SELECT count(*) FROM media_insights WHERE breakdown = '{breakdown}'"
            )) > 20
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_story_is_read_often_and_its_last_numbers_are_final() {
    let world = World::new(spec(6, 0)).await;
    world.backfill_of(RESOURCES).await;
    let young: BTreeSet<String> = shown(&world);
    tokio::time::sleep(HOUR).await;
    let mut born = BTreeSet::new();
    for _ in 0..49 {
        let summary = world.backfill_of(RESOURCES).await;
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{:?}",
            outcomes(&summary)
        );
        born.extend(shown(&world).difference(&young).cloned());
        tokio::time::sleep(HOUR).await;
    }
    assert_eq!(gaps(&world, "expired"), BTreeSet::new());
    let ended: BTreeSet<String> = born.difference(&shown(&world)).cloned().collect();
    assert!(ended.len() >= 6);
    world.backfill_of(RESOURCES).await;
    // Breakdowns are read six hours apart, so their newest parts may not be known yet.
    let plain = |key: &str| is_asked_of_stories(key) && key.ends_with("//");
    assert!(assert_stories(&world, plain) > 40);
    let finals = world.texts("SELECT id FROM stories WHERE is_final = 1");
    let finals: BTreeSet<String> = finals.into_iter().collect();
    assert!(ended.is_subset(&finals), "{ended:?} {finals:?}");
    for id in &ended {
        let samples = format!(
            "SELECT count(DISTINCT observed_at) FROM media_insights WHERE media_id = '{id}'"
        );
        let samples = world.count(&samples);
        assert!(samples >= 10, "{samples} samples of {id}");
    }
    // Hours in which all have numbers cost a call, and some more for the parts; a new story is asked about in a call of its own.
    let calls = world.calls("/stories").len() + world.calls("/insights").len();
    assert!(calls <= 51 * 5, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn a_story_that_ended_unread_has_a_gap_that_says_when_it_was_read_last() {
    let world = World::new(spec(6, 0)).await;
    world.backfill_of(RESOURCES).await;
    let first = shown(&world);
    let too_young = gaps(&world, "too_few_viewers");
    let not_final: BTreeSet<String> = world
        .texts("SELECT id FROM stories WHERE is_final = 0")
        .into_iter()
        .collect();
    tokio::time::sleep(30 * HOUR).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let (unseen, ended): (BTreeSet<String>, BTreeSet<String>) = gaps(&world, "expired")
        .into_iter()
        .partition(|gap| gap.starts_with("stories after 2026-10-05T08:00"));
    assert_eq!((unseen.len(), ended), (1, not_final));
    let read = world.texts("SELECT detail FROM sync_gaps WHERE reason = 'expired' AND detail LIKE '%last read at 2026-10-05T08:00%'");
    assert!(read.len() >= first.len() - too_young.len() - 1 && !read.is_empty());
    let noted =
        "SELECT count(*) FROM sync_gaps WHERE reason = 'expired' AND last_seen_at > first_seen_at";
    tokio::time::sleep(HOUR).await;
    world.backfill_of(RESOURCES).await;
    assert_eq!(world.count(noted), 0);
}

#[tokio::test(start_paused = true)]
async fn no_list_of_posts_marks_stories_as_deleted() {
    let world = World::new(spec(10, 0)).await;
    let everything = ["account", "stories", "media"];
    world.backfill_of(&everything).await;
    let post = world.simulator.world().media(ACCOUNT).next().unwrap().id();
    world.simulator.world().delete_media(&post);
    tokio::time::sleep(30 * HOUR).await;
    world.backfill_of(&everything).await;
    assert_eq!(
        world.texts("SELECT id FROM media WHERE deleted_at IS NOT NULL"),
        [post]
    );
    assert!(world.count("SELECT count(*) FROM stories") > 10);
}

#[tokio::test(start_paused = true)]
async fn stories_that_nobody_saw_have_a_gap_with_their_time() {
    let world = World::new(spec(4, 0)).await;
    world.backfill_of(&["stories"]).await;
    let unseen = || {
        let gaps = "SELECT object_id || ': ' || detail FROM sync_gaps WHERE object_id LIKE 'stories after%'";
        world.texts(gaps)
    };
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    world.backfill_of(&["stories"]).await;
    assert_eq!(unseen(), [""; 0]);
    let listed = igsync::clock::instant_text(world.now());
    tokio::time::sleep(Duration::from_secs(40 * 3600)).await;
    let until = igsync::clock::instant_text(world.now() - chrono::TimeDelta::hours(24));
    let summary = world.backfill_of(&["stories"]).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let told = unseen();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with(&format!("stories after {}", &listed[..13])),
        "{told:?} {listed}"
    );
    assert!(
        told[0].contains(&format!("and {}", &until[..13])),
        "{told:?} {until}"
    );
    // The next one has seen the list.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    world.backfill_of(&["stories"]).await;
    assert_eq!(unseen(), told);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_pays_for_nothing_twice() {
    let world = World::new(spec(110, 0)).await;
    let when = Match::path_ends_with("/insights").after_calls(60);
    world.simulator.inject(Fault::on(when).always().html(503));
    world.backfill_of(RESOURCES).await;
    world.simulator.clear_faults();
    world.backfill_of(RESOURCES).await;
    let mut seen = BTreeSet::new();
    let calls = [world.calls("/stories"), world.calls("/insights")].concat();
    for call in calls.iter().filter(|call| call.status == 200) {
        assert!(
            seen.insert((call.path.clone(), call.query.clone())),
            "{} twice",
            call.path
        );
    }
    let without = "SELECT count(*) FROM stories WHERE insights_read_at IS NULL AND id NOT IN (SELECT object_id FROM sync_gaps WHERE reason = 'too_few_viewers')";
    assert_eq!(world.count(without), 0);
}

#[tokio::test(start_paused = true)]
async fn a_story_with_too_few_viewers_is_asked_about_again_while_it_is_shown() {
    let world = World::new(spec(8, 1000)).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let stories = shown(&world);
    assert_eq!(gaps(&world, "too_few_viewers"), stories);
    assert_eq!(world.count("SELECT count(*) FROM media_insights"), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM stories WHERE insights_read_at IS NOT NULL"),
        0
    );
    let youngest = world
        .simulator
        .world()
        .stories(ACCOUNT)
        .next()
        .unwrap()
        .id();
    assert_eq!(world.calls(&format!("{youngest}/insights")).len(), 1);
    tokio::time::sleep(2 * HOUR).await;
    world.backfill_of(RESOURCES).await;
    assert_eq!(world.calls(&format!("{youngest}/insights")).len(), 2);
}
