//! What comes nested in pages of posts, collaborators and product tags, against the simulator's oracle.

use std::time::Duration;

use igsync::sync::{Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes, selection_of};

const ACCOUNT: &str = "17841400000000001";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// An edge, which is its table's name as well, and the column of its objects.
type Edge = (&'static str, &'static str);

const COLLABORATORS: Edge = ("collaborators", "id");
const PRODUCTS: Edge = ("product_tags", "product_id");
const EDGES: [Edge; 2] = [COLLABORATORS, PRODUCTS];

/// One account of so many posts over two years, a third of them with collaborators and product tags.
fn spec(posts: u32) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.posts = posts;
    account.history_days = 730;
    account.posts_per_week = 3;
    account.collaborators_per_mille = 330;
    account.products = 12;
    account.product_tags_per_mille = 500;
    spec
}

#[track_caller]
fn assert_edge(world: &World, (edge, column): Edge) -> usize {
    world.assert_table(edge, &["media_id", column])
}

/// The outcome of a backfill's only job.
fn outcome(summary: &Summary) -> String {
    outcomes(summary)[0].rsplit(' ').next().unwrap().to_owned()
}

/// Pages that were asked for with an edge.
fn pages_with(edge: &str) -> Match {
    Match::path_ends_with("/media").with_parameter("fields", edge)
}

/// Calls to an edge of one post.
fn alone(world: &World, edge: &str) -> Vec<String> {
    let calls = world.calls(&format!("/{edge}"));
    calls.into_iter().map(|call| call.path).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_hundred_posts_tells_all_of_them_and_a_second_time_nothing_is_written() {
    let world = World::new(spec(350)).await;
    for edge in EDGES {
        world.simulator.clear_journal();
        let summary = world.backfill_of(&[edge.0]).await;
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{:?}",
            outcomes(&summary)
        );
        assert!(assert_edge(&world, edge) > 50);
        assert_eq!(world.calls("/media").len(), 4);
        assert_eq!(summary.jobs[0].calls, 4);
        assert_eq!(alone(&world, edge.0), Vec::<String>::new());
        let again = world.backfill_of(&[edge.0]).await;
        let rows = again.jobs[0].rows();
        assert_eq!((rows.inserted, rows.changed), (0, 0));
        assert!(rows.unchanged > 50);
    }
    let forecast = "SELECT DISTINCT forecast_calls FROM sync_runs WHERE resource != 'discovery'";
    assert_eq!(
        world.texts(&forecast.replace("forecast_calls", "forecast_calls || ''")),
        ["4"]
    );
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_refused_is_read_without_and_its_posts_one_by_one() {
    for edge in EDGES {
        let world = World::new(spec(350)).await;
        // The second page, whatever is asked with it.
        let refusal = "Unsupported get request. Object with ID '1' does not exist";
        let second = pages_with(edge.0).after_calls(1);
        world
            .simulator
            .inject(Fault::on(second).times(2).error(100, Some(33), refusal));
        let summary = world.backfill_of(&[edge.0]).await;
        assert_eq!(outcome(&summary), "complete", "{:?}", world.open_gaps());
        assert!(assert_edge(&world, edge) > 50);
        let asked = alone(&world, edge.0);
        // Only those of the page, and only posts that can have it.
        assert!((20..=100).contains(&asked.len()), "{}", asked.len());
        // Four pages, the refused one three times.
        assert_eq!(world.calls("/media").len(), 6);
        // They are not asked again in the next pass, as that page is fine.
        world.backfill_of(&[edge.0]).await;
        assert_eq!(alone(&world, edge.0).len(), asked.len());
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_post_is_a_gap_of_its_own() {
    for edge in EDGES {
        let world = World::new(spec(120)).await;
        let told = world.simulator.world();
        let bad = told.media(ACCOUNT).find(|post| match edge {
            COLLABORATORS => !post.collaborators().is_empty(),
            _ => !post.product_tags().is_empty(),
        });
        let bad = bad.unwrap().id();
        let top = pages_with(edge.0).with_parameter("limit", "100");
        world
            .simulator
            .inject(Fault::on(top).times(1).error(2500, None, "Syntax error"));
        let own = Match::path_ends_with(&format!("{bad}/{}", edge.0));
        world.simulator.inject(Fault::on(own).always().error(
            100,
            Some(33),
            "Unsupported get request.",
        ));
        let summary = world.backfill_of(&[edge.0]).await;
        assert_eq!(outcome(&summary), "partial");
        assert_eq!(world.open_gaps(), [format!("{} gone {bad}", edge.0)]);
        let rows = crate::world::rows_of(&world.database(), edge.0, &["media_id", edge.1]);
        let expected = world.simulator.world().expected(&[edge.0]);
        let expected = expected.not_requiring(edge.0, |key| key.starts_with(&bad));
        assert!(crate::world::assert_meets(&expected, &[(edge.0.to_owned(), rows)].into()) > 10);
        // Once it answers again, with its page, nothing is missing.
        world.simulator.clear_faults();
        world.backfill_of(&[edge.0]).await;
        assert_edge(&world, edge);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_complete_listing_lacks_is_deleted_and_an_interrupted_one_judges_nobody() {
    for edge in EDGES {
        let world = World::new(spec(350)).await;
        world.backfill_of(&[edge.0]).await;
        let first = format!("SELECT media_id FROM {} ORDER BY media_id LIMIT 1", edge.0);
        let post = world.texts(&first).remove(0);
        assert!(world.simulator.world().delete_media(&post));
        let deleted = format!(
            "SELECT DISTINCT media_id FROM {} WHERE deleted_at IS NOT NULL",
            edge.0
        );
        let when = Match::path_ends_with("/media").after_calls(2);
        world.simulator.inject(Fault::on(when).always().html(503));
        world.backfill_of(&[edge.0]).await;
        world.simulator.clear_faults();
        world.backfill_of(&[edge.0]).await;
        // Two runs saw it in part.
        assert_eq!(world.texts(&deleted), Vec::<String>::new());
        world.backfill_of(&[edge.0]).await;
        assert_eq!(world.texts(&deleted), [post]);
        assert_edge(&world, edge);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_pays_for_nothing_twice() {
    for edge in EDGES {
        let world = World::new(spec(350)).await;
        let second = pages_with(edge.0).after_calls(1);
        world
            .simulator
            .inject(Fault::on(second).times(1).error(2500, None, "Syntax error"));
        let own = Match::path_ends_with(&format!("/{}", edge.0)).after_calls(10);
        world.simulator.inject(Fault::on(own).always().html(503));
        world.backfill_of(&[edge.0]).await;
        world.simulator.clear_faults();
        world.backfill_of(&[edge.0]).await;
        world.assert_no_page_twice("/media");
        world.assert_no_page_twice(&format!("/{}", edge.0));
        assert!(assert_edge(&world, edge) > 50);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disguised_throttle_in_mid_list_throws_no_page_away() {
    for edge in EDGES {
        let world = World::new(spec(350)).await;
        let third = Match::path_ends_with("/media").after_calls(2);
        world.simulator.inject(Fault::on(third).times(4).error(
            100,
            Some(33),
            "Unsupported get request.",
        ));
        let summary = world.backfill_of(&[edge.0]).await;
        assert_eq!(outcome(&summary), "partial");
        assert_eq!(world.open_gaps(), [format!("{} gone", edge.0)]);
        let summary = world.backfill_of(&[edge.0]).await;
        assert_eq!(outcome(&summary), "complete");
        world.assert_no_page_twice("/media");
        assert!(assert_edge(&world, edge) > 50);
        assert_eq!(world.open_gaps(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_and_an_edge_that_nobody_knows_are_gaps() {
    let mut spec = spec(120);
    spec.tokens[0] = spec.tokens[0].clone().without("catalog_management");
    let world = World::new(spec).await;
    let summary = world.backfill_of(&["product_tags"]).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(world.open_gaps(), ["product_tags no_permission"]);
    let detail = world.texts("SELECT detail FROM sync_gaps")[0].clone();
    assert!(detail.contains("catalog_management"), "{detail}");
    assert_eq!(alone(&world, "product_tags"), Vec::<String>::new());

    let message = "(#100) Tried accessing nonexisting field (collaborators)";
    let unknown = pages_with("collaborators");
    world
        .simulator
        .inject(Fault::on(unknown).always().error(100, None, message));
    for _ in 0..2 {
        let summary = world.backfill_of(&["collaborators"]).await;
        assert_ne!(summary.verdict(), Verdict::OperatorNeeded);
    }
    // It costs one call in a month, and no post is asked on its own.
    let asked = world.calls("/media");
    let asked = asked.iter().filter(|call| {
        call.fields
            .as_deref()
            .is_some_and(|fields| fields.contains("collaborators"))
    });
    assert_eq!(asked.count(), 1);
    assert_eq!(alone(&world, "collaborators"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn posts_without_any_are_complete_and_a_heavy_page_is_made_smaller() {
    let mut spec = spec(120);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.collaborators_per_mille = 0;
    account.creator = true;
    let world = World::new(spec).await;
    for (edge, _) in EDGES {
        let reduce = "Please reduce the amount of data you're asking for, then retry your request";
        let heavy = pages_with(edge).with_parameter("limit", "100");
        world
            .simulator
            .inject(Fault::on(heavy).always().status(500).error(1, None, reduce));
        let summary = world.backfill_of(&[edge]).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        assert_eq!(world.count(&format!("SELECT count(*) FROM {edge}")), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_reads_the_young_posts_and_one_in_seven_all_of_them() {
    let world = World::new(spec(350)).await;
    let selection = selection_of(&["collaborators", "product_tags"]);
    let mut nights = Vec::new();
    for _ in 0..9 {
        world.simulator.clear_journal();
        let summary = world.night(&selection).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        nights.push(world.calls("/media").len());
        for edge in EDGES {
            assert_edge(&world, edge);
        }
        tokio::time::sleep(DAY).await;
    }
    assert_eq!(nights, [8, 2, 2, 2, 2, 2, 2, 8, 2]);
}
