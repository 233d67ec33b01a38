//! The publishing quota, against the simulator's oracle.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{self, Range, Selection, Verdict};
use igsync_simulator::WorldSpec;

use crate::world::{World, outcomes};

const RESOURCE: &[&str] = &["publishing_limit"];

/// An account that publishes three times a day.
fn spec() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    spec.pages[0].account.as_mut().unwrap().posts_per_week = 21;
    spec
}

#[tokio::test(start_paused = true)]
async fn the_quota_is_kept_as_it_moves() {
    let world = World::new(spec()).await;
    for _ in 0..20 {
        let summary = world.backfill_of(RESOURCE).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        // The newest row is what the world tells now.
        assert_eq!(world.assert_table("publishing_limit", &["account_id"]), 1);
        tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
    }
    let rows = world.count("SELECT count(*) FROM publishing_limit");
    assert!((2..20).contains(&rows), "{rows}");
    let told =
        "SELECT count(*) FROM publishing_limit WHERE quota_total = 50 AND quota_duration = 86400";
    assert_eq!(world.count(told), rows);
    assert_eq!(world.calls("/content_publishing_limit").len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_second_start_within_minutes_asks_nothing() {
    let world = World::new(spec()).await;
    world.backfill_of(RESOURCE).await;
    let summary = world.backfill_of(RESOURCE).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.calls("/content_publishing_limit").len(), 1);
    assert_eq!(world.count("SELECT count(*) FROM publishing_limit"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_it_is_refused_where_it_is_named_and_left_alone_where_it_is_not() {
    let mut spec = spec();
    spec.tokens[0] = spec.tokens[0].clone().without("instagram_content_publish");
    let world = World::new(spec).await;
    let summary = world.backfill_of(RESOURCE).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(
        outcomes(&summary),
        ["sim.account.1 publishing_limit refused"]
    );
    let detail = world.texts("SELECT detail FROM sync_gaps WHERE reason = 'no_permission'");
    assert!(
        detail[0].contains("instagram_content_publish"),
        "{detail:?}"
    );
    assert_eq!(world.count("SELECT count(*) FROM publishing_limit"), 0);

    let process = world.process(stop_pair().1).await;
    let everything = Selection::default();
    let summary = sync::backfill(&process, &everything, Range::default()).await;
    let summary = summary.unwrap();
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let read: Vec<&str> = summary.jobs.iter().map(|job| job.resource).collect();
    assert!(read.contains(&"tags") && read.contains(&"collaborators"));
    assert!(!read.contains(&"publishing_limit") && !read.contains(&"product_tags"));

    // Nothing is configured, so nothing names it, and its permission is not missed.
    let report = world.check().await;
    assert!(!report.needs_operator(), "{report:?}");
    let checked = &report.accounts[0].resources;
    assert!(checked.iter().all(|one| one.resource != RESOURCE[0]));
}
