//! Broadcasts while they run, against the simulator's oracle.

use std::time::Duration;

use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes};

const ACCOUNT: &str = "17841400000000001";
const QUARTER: Duration = Duration::from_secs(900);

/// An account that does little but broadcast, about five times a day.
fn spec() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.posts = 10;
    account.posts_per_week = 35;
    account.reels_per_mille = 0;
    account.carousels_per_mille = 0;
    account.videos_per_mille = 0;
    account.lives_per_mille = 1000;
    spec
}

/// The broadcasts that run now.
fn running(world: &World) -> Vec<String> {
    let expected = world.simulator.world().expected(&["live_media"]);
    expected.rows["live_media"].keys().cloned().collect()
}

/// Waits until one runs.
async fn next_broadcast(world: &World) -> String {
    loop {
        if let Some(id) = running(world).first() {
            return id.clone();
        }
        tokio::time::sleep(QUARTER).await;
    }
}

/// As `live_media` in the oracle: the rows of media that a list of broadcasts has shown.
#[track_caller]
fn assert_shown(world: &World) -> usize {
    let view = "CREATE TEMP VIEW live_media AS SELECT m.*, s.current_live_viewer_count
         FROM media m LEFT JOIN live_snapshots s ON s.media_id = m.id
             AND s.observed_at = (SELECT max(observed_at) FROM live_snapshots WHERE media_id = m.id)
         WHERE m.id IN (SELECT subject FROM sync_reads WHERE resource = 'live_media')";
    let database = world.database();
    database.execute_batch(view).unwrap();
    let rows = crate::world::rows_of(&database, "live_media", &["id"]);
    let expected = world.simulator.world().expected(&["live_media"]);
    crate::world::assert_meets(&expected, &[("live_media".to_owned(), rows)].into())
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_read_while_it_runs_and_is_a_post_after_its_end() {
    let world = World::new(spec()).await;
    let id = next_broadcast(&world).await;
    let summary = world.backfill_of(&["account", "live_media", "media"]).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert_eq!(assert_shown(&world), running(&world).len());
    let counts = format!(
        "SELECT count(*) FROM media_current WHERE id = '{id}' AND like_count IS NOT NULL AND deleted_at IS NULL"
    );
    assert_eq!(world.count(&counts), 1);
    tokio::time::sleep(8 * QUARTER).await;
    world.backfill_of(&["account", "live_media", "media"]).await;
    let deleted = "SELECT count(*) FROM media WHERE deleted_at IS NOT NULL";
    assert_eq!(world.count(deleted), 0);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn the_viewers_of_a_broadcast_are_read_or_refused_once() {
    for told in [true, false] {
        let mut spec = spec();
        spec.rules.live_viewer_count = told;
        let world = World::new(spec).await;
        for _ in 0..3 {
            next_broadcast(&world).await;
            let summary = world.backfill_of(&["account", "live_media"]).await;
            assert_eq!(summary.verdict(), Verdict::Complete);
            assert_eq!(assert_shown(&world), running(&world).len());
            tokio::time::sleep(QUARTER).await;
        }
        let rows =
            "SELECT count(*) FROM live_snapshots WHERE current_live_viewer_count IS NOT NULL";
        assert_eq!(world.count(rows) > 1, told);
        let calls = world.calls("/live_media");
        let refused = calls.iter().filter(|call| call.status != 200).count();
        assert_eq!((refused, calls.len()), if told { (0, 3) } else { (1, 4) });
        let gaps = "SELECT field || ' ' || reason FROM sync_gaps WHERE resolved_at IS NULL";
        let gap = "current_live_viewer_count of running now not_applicable".to_owned();
        assert_eq!(world.texts(gaps), if told { vec![] } else { vec![gap] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_that_was_not_kept_is_deleted_once_a_day_has_passed() {
    let world = World::new(spec()).await;
    let everything = ["account", "live_media", "media"];
    let id = next_broadcast(&world).await;
    world.backfill_of(&everything).await;
    assert!(world.simulator.world().delete_media(&id));
    let deleted = "SELECT id FROM media WHERE deleted_at IS NOT NULL";
    world.backfill_of(&everything).await;
    assert_eq!(world.texts(deleted), Vec::<String>::new());
    tokio::time::sleep(100 * QUARTER).await;
    world.backfill_of(&everything).await;
    assert_eq!(world.texts(deleted), [id]);
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_most_of_the_time_and_a_bad_answer_is_a_gap() {
    let world = World::new(spec()).await;
    while !running(&world).is_empty() {
        tokio::time::sleep(QUARTER).await;
    }
    let summary = world.backfill_of(&["live_media"]).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.count("SELECT count(*) FROM media"), 0);
    // A start that goes on does not ask again.
    world.backfill_of(&["live_media"]).await;
    assert_eq!(world.calls("/live_media").len(), 1);

    tokio::time::sleep(QUARTER).await;
    let body = r#"{"data":[{"id":"1","timestamp":"yesterday"},{"id":"2"}]}"#;
    let live = Match::path_ends_with("/live_media");
    world.simulator.inject(Fault::on(live).body(body));
    let summary = world.backfill_of(&["live_media"]).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(world.open_gaps(), ["live_media unreadable 1"]);
    assert_eq!(world.texts("SELECT id FROM media"), ["2"]);
    let whose = format!("SELECT count(*) FROM media WHERE account_id = '{ACCOUNT}'");
    assert_eq!(world.count(&whose), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_it_is_refused() {
    let mut spec = spec();
    spec.tokens[0] = spec.tokens[0].clone().without("pages_read_engagement");
    let world = World::new(spec).await;
    let summary = world.backfill_of(&["live_media"]).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(world.open_gaps(), ["live_media no_permission"]);
}
