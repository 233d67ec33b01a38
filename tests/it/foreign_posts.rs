//! Lists of other people's posts, against the simulator's oracle: those in which an account is tagged, and those that it is a
//! collaborator of.

use std::time::Duration;

use igsync::sync::{Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes, selection_of};

const ACCOUNT: &str = "17841400000000001";

/// A list, its table and its path.
type List = (&'static str, &'static str, &'static str);

const TAGS: List = ("tags", "tagged_media", "/tags");
const COLLABORATIVE: List = (
    "collaborative_media",
    "collaborative_media",
    "/collaborative_media",
);
const LISTS: [List; 2] = [TAGS, COLLABORATIVE];
const KEY: &[&str] = &["account_id", "id"];

/// One account, tagged in and a collaborator of so many posts.
fn spec(posts: u32) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.tagged_per_year = posts;
    account.collaborations = posts;
    spec
}

/// What a list shows, newest first.
fn told(world: &World, (_, table, _): List) -> Vec<String> {
    let told = world.simulator.world();
    match table {
        "tagged_media" => told.tagged_media(ACCOUNT).map(|post| post.id()).collect(),
        _ => told
            .collaborative_media(ACCOUNT)
            .map(|post| post.id())
            .collect(),
    }
}

/// New and changed rows of a run's only job.
fn news(summary: &Summary) -> u64 {
    let rows = summary.jobs[0].rows();
    rows.inserted + rows.changed
}

#[tokio::test(start_paused = true)]
async fn every_post_is_read_as_it_is_page_by_page_and_a_second_time_nothing_is_written() {
    let world = World::new(spec(330)).await;
    for (resource, table, path) in LISTS {
        let summary = world.backfill_of(&[resource]).await;
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{:?}",
            outcomes(&summary)
        );
        assert_eq!(world.assert_table(table, KEY), 330);
        // Four pages of 50, then pages of 100; the last cursor leads to an empty page.
        let calls = world.calls(path);
        assert_eq!(calls.iter().filter(|call| call.status == 200).count(), 7);
        world.assert_no_page_twice(path);
        let again = world.backfill_of(&[resource]).await;
        assert_eq!((again.verdict(), news(&again)), (Verdict::Complete, 0));
    }
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_complete_listing_lacks_is_deleted_and_an_interrupted_one_judges_nobody() {
    for list in LISTS {
        let (resource, table, path) = list;
        let world = World::new(spec(130)).await;
        world.backfill_of(&[resource]).await;
        let ids = told(&world, list);
        for id in [&ids[3], &ids[100]] {
            assert!(world.simulator.world().delete_media(id));
        }
        let deleted = format!("SELECT id FROM {table} WHERE deleted_at IS NOT NULL ORDER BY id");
        let after_first = Match::path_ends_with(path).after_calls(1);
        world
            .simulator
            .inject(Fault::on(after_first).always().html(503));
        let summary = world.backfill_of(&[resource]).await;
        assert_ne!(summary.verdict(), Verdict::Complete);
        world.simulator.clear_faults();
        let summary = world.backfill_of(&[resource]).await;
        assert!(summary.jobs[0].resumed);
        // Two runs saw it in part.
        assert_eq!(world.texts(&deleted), Vec::<String>::new());
        world.backfill_of(&[resource]).await;
        let mut gone = vec![ids[3].clone(), ids[100].clone()];
        gone.sort();
        assert_eq!(world.texts(&deleted), gone);
        assert_eq!(world.assert_table(table, KEY), 128);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_pays_for_no_page_twice() {
    for (resource, table, path) in LISTS {
        let world = World::new(spec(330)).await;
        let when = Match::path_ends_with(path).after_calls(3);
        world.simulator.inject(Fault::on(when).always().html(503));
        world.backfill_of(&[resource]).await;
        world.simulator.clear_faults();
        let summary = world.backfill_of(&[resource]).await;
        assert!(summary.jobs[0].resumed);
        world.assert_no_page_twice(path);
        assert_eq!(world.assert_table(table, KEY), 330);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_a_gap_that_says_what_is_needed_and_the_others_are_read() {
    let mut spec = spec(20);
    spec.tokens[0] = spec.tokens[0].clone().without("instagram_manage_comments");
    let world = World::new(spec).await;
    let summary = world.backfill_of(&["tags", "collaborative_media"]).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(
        outcomes(&summary),
        [
            "sim.account.1 tags refused",
            "sim.account.1 collaborative_media complete"
        ]
    );
    assert_eq!(world.open_gaps(), ["tags no_permission"]);
    let detail = world.texts("SELECT detail FROM sync_gaps")[0].clone();
    assert!(detail.contains("instagram_manage_comments"), "{detail}");
    assert!(detail.contains("igsync check"), "{detail}");
    assert_eq!(world.assert_table("collaborative_media", KEY), 20);
}

#[tokio::test(start_paused = true)]
async fn one_bad_object_costs_itself_and_an_empty_list_is_complete_and_deletes_nothing() {
    for (resource, table, path) in LISTS {
        let world = World::new(spec(0)).await;
        let body =
            r#"{"data":[{"id":"1","like_count":0},{"id":"2","like_count":"many"},{"id":"3"}]}"#;
        world
            .simulator
            .inject(Fault::on(Match::path_ends_with(path)).body(body));
        let summary = world.backfill_of(&[resource]).await;
        assert_eq!(summary.verdict(), Verdict::Partial);
        let ids = format!("SELECT id FROM {table} WHERE deleted_at IS NULL ORDER BY id");
        assert_eq!(world.texts(&ids), ["1", "3"]);
        assert_eq!(world.open_gaps(), [format!("{resource} unreadable 2")]);
        // Told zero, and not told.
        let zero = format!("SELECT count(*) FROM {table} WHERE like_count = 0");
        assert_eq!(world.count(&zero), 1);
        // Nothing is listed now; lost access looks the same.
        let summary = world.backfill_of(&[resource]).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        assert_eq!(world.texts(&ids), ["1", "3"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_round_in_circles_ends_and_deletes_nothing() {
    for (resource, table, path) in LISTS {
        let world = World::new(spec(20)).await;
        world.backfill_of(&[resource]).await;
        let calls = world.calls(path).len();
        for (after, id, next) in [("", "1", "one"), ("one", "2", "two"), ("two", "1", "one")] {
            let mut when = Match::path_ends_with(path);
            if !after.is_empty() {
                when = when.with_parameter("after", after);
            }
            let body = format!(
                r#"{{"data":[{{"id":"{id}"}}],"paging":{{"cursors":{{"after":"{next}"}}}}}}"#
            );
            let fault = Fault::on(when).status(200).body(&body);
            world.simulator.inject(if after.is_empty() {
                fault
            } else {
                fault.always()
            });
        }
        let summary = world.backfill_of(&[resource]).await;
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{:?}",
            world.texts("SELECT detail FROM sync_gaps")
        );
        assert_eq!(world.calls(path).len() - calls, 3);
        let deleted = format!("SELECT count(*) FROM {table} WHERE deleted_at IS NOT NULL");
        assert_eq!(world.count(&deleted), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn short_and_filtered_pages_are_not_the_end() {
    let mut spec = spec(330);
    spec.rules.filtered_per_hundred = 20;
    spec.rules.max_limit = 50;
    let world = World::new(spec).await;
    for (resource, table, _) in LISTS {
        let summary = world.backfill_of(&[resource]).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        let rows = world.count(&format!("SELECT count(*) FROM {table}"));
        assert!((220..300).contains(&rows), "{rows} of {table}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_reads_the_top_and_one_in_seven_the_whole_list() {
    let world = World::new(spec(330)).await;
    let selection = selection_of(&["tags", "collaborative_media"]);
    let mut nights = Vec::new();
    for _ in 0..9 {
        world.simulator.clear_journal();
        let summary = world.night(&selection).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        nights.push(LISTS.map(|(_, _, path)| world.calls(path).len()));
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    }
    // The account's own night of the week is the second one, and the list was read whole the night before.
    assert_eq!(nights[0], [7, 7]);
    assert_eq!(nights[1..8], [[1, 1]; 7]);
    assert_eq!(nights[8], [5, 5]);
    // What was tagged meanwhile is there.
    let newest = told(&world, TAGS)[0].clone();
    assert_eq!(
        world.count(&format!(
            "SELECT count(*) FROM tagged_media WHERE id = '{newest}'"
        )),
        1
    );
}
