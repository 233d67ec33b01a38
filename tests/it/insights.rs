//! Insights of posts and accounts, against the simulator's oracle.

use igsync::sync::Verdict;
use igsync_simulator::WorldSpec;

use crate::world::{World, outcomes};

#[tokio::test(start_paused = true)]
async fn every_number_of_every_post_is_read_once_and_in_batches() {
    let world = World::new(WorldSpec::small(1)).await;
    let summary = world
        .backfill_of(&["account", "media", "media_insights"])
        .await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let posts = world.count("SELECT count(*) FROM media");
    let calls = i64::try_from(world.calls("/insights").len()).unwrap();
    assert!(calls <= posts + 10, "{calls} calls for {posts} posts");
    assert!(world.count("SELECT count(DISTINCT media_id) FROM media_insights") > posts * 9 / 10);
}

/// What `cargo bench --bench calls` holds against the limits; here against what it costs today, so that it does not grow.
#[tokio::test(start_paused = true)]
async fn a_night_costs_a_fraction_of_a_call_for_each_post() {
    let spent = crate::nights::Nights::two_accounts().run(3).await;
    let (first, trips) = spent[0];
    assert!(first <= 1_100 && trips * 2 <= first, "{spent:?}");
    assert!(
        spent[1..].iter().all(|(calls, _)| *calls <= 100),
        "{spent:?}"
    );
}
