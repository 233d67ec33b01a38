//! Insights of posts and accounts, against the simulator's oracle.

use std::time::Duration;

use igsync::sync::Verdict;
use igsync_simulator::WorldSpec;

use crate::nights::Nights;
use crate::world::{World, assert_meets, outcomes, rows_of};

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

/// What igsync does not ask about posts. These two refuse posts that were not shared to Facebook, along with all other metrics of
/// the question; a breakdown costs a call for each post.
fn is_asked_of_posts(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    !["facebook_views", "crossposted_views"].contains(&parts[1]) && parts[2].is_empty()
}

/// Fails unless the newest numbers of all posts are those of the world. Gives how many rows were required.
#[track_caller]
fn assert_numbers(world: &World) -> usize {
    let key = ["media_id", "name", "breakdown", "dimension_value"];
    let rows = rows_of(&world.database(), "media_insights_current", &key);
    let expected = world
        .simulator
        .world()
        .expected(&["media_insights"])
        .not_requiring("media_insights", |key| !is_asked_of_posts(key));
    assert_meets(&expected, &[("media_insights".to_owned(), rows)].into())
}

#[tokio::test(start_paused = true)]
async fn numbers_of_posts_are_those_of_the_world() {
    let world = World::new(WorldSpec::small(1)).await;
    let mut compared = Vec::new();
    for _ in 0..4 {
        let summary = world
            .backfill_of(&["account", "media", "media_insights"])
            .await;
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{:?}",
            outcomes(&summary)
        );
        compared.push(assert_numbers(&world));
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    }
    assert!(compared.is_sorted() && compared[0] > 500, "{compared:?}");
    // Rates have a fraction.
    let rates = "SELECT count(*) FROM media_insights WHERE typeof(value) = 'real'";
    assert!(world.count(rates) > 10);
}

/// The same limits as those of `cargo bench --bench calls`.
#[tokio::test(start_paused = true)]
async fn nights_cost_little_and_leave_nothing_young_unread() {
    let spent = Nights::two_accounts().run(9).await;
    let (first, trips) = spent[0];
    assert!(first <= 620 && trips * 2 <= first, "{spent:?}");
    assert!(
        spent[1..].iter().all(|(calls, _)| *calls <= 50),
        "{spent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn thirty_new_comments_a_night_cost_no_more() {
    let spent = Nights::two_accounts().with_comments(22).run(5).await;
    assert!(
        spent[1..].iter().all(|(calls, _)| *calls <= 50),
        "{spent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn stories_without_viewers_cost_more_and_hide_no_other() {
    let spent = Nights::two_accounts().with_quiet_stories(200).run(5).await;
    assert!(
        spent[1..].iter().all(|(calls, _)| *calls <= 75),
        "{spent:?}"
    );
}
