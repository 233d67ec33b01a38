//! Insights of posts and accounts, against the simulator's oracle.

use std::time::Duration;

use chrono::TimeDelta;
use igsync::clock::instant_text;
use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::nights::Nights;
use crate::world::{World, assert_equals_the_world, assert_meets, outcomes, rows_of};

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
/// the question. The parts of a metric are not asked for where that is not worth a call.
pub fn is_asked_of_posts(key: &str, has_parts: impl Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    let is_worth_it = parts[2].is_empty() || has_parts(parts[0]);
    is_worth_it && !["facebook_views", "crossposted_views"].contains(&parts[1])
}

/// Fails unless the newest numbers of all posts are those of the world. Gives how many rows were required.
#[track_caller]
fn assert_numbers(world: &World) -> usize {
    let key = ["media_id", "name", "breakdown", "dimension_value"];
    let rows = rows_of(&world.database(), "media_insights_current", &key);
    let old = instant_text(world.now() - TimeDelta::days(180));
    let old = world.texts(&format!("SELECT id FROM media WHERE timestamp < '{old}'"));
    let expected = world
        .simulator
        .world()
        .expected(&["media_insights"])
        .not_requiring("media_insights", |key| {
            !is_asked_of_posts(key, |post| old.iter().all(|id| id != post))
        });
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

const POSTS: [&str; 4] = ["account", "media", "media_insights", "comments"];

/// Reads everything, and fails unless posts, their counts, numbers and comments are those of the world. Gives the calls that were
/// refused.
async fn read_all(world: &World) -> usize {
    world.simulator.clear_journal();
    let summary = world.backfill_of(&POSTS).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert_equals_the_world(&world.database(), &world.simulator);
    assert_numbers(world);
    let expected = world.simulator.world().expected(&["comments"]);
    let comments = rows_of(&world.database(), "comments", &["id"]);
    assert_meets(&expected, &[("comments".to_owned(), comments)].into());
    let journal = world.simulator.journal();
    journal.iter().filter(|call| call.status != 200).count()
}

#[tokio::test(start_paused = true)]
async fn hidden_counts_and_refused_metrics_cost_their_posts_a_call_and_no_number() {
    let mut spec = WorldSpec::small(2);
    spec.rules.follows_and_shares_on_images = false;
    let account = spec.pages[0].account.as_mut().unwrap();
    (
        account.hidden_likes_per_mille,
        account.hidden_shares_per_mille,
    ) = (400, 400);
    (account.videos_per_mille, account.comments_off_per_mille) = (200, 300);
    let world = World::new(spec).await;
    let refused = read_all(&world).await;
    assert!((1..20).contains(&refused), "{refused}");
    let hidden = "SELECT count(*) FROM media_current WHERE shares_count IS NULL";
    assert!(world.count(hidden) > 20);
    // What was learned is remembered: by another process, too.
    assert_eq!(read_all(&world).await, 0);
    let gaps = "SELECT field FROM sync_gaps WHERE object_id IS NULL AND reason = 'not_applicable' ORDER BY field";
    assert_eq!(
        world.texts(gaps),
        [
            "follows of FEED IMAGE",
            "shares of FEED IMAGE",
            "views of FEED VIDEO"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_without_posts_followers_and_stories_is_complete() {
    let mut spec = WorldSpec::small(2);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.posts, account.posts_per_week) = (0, 0);
    (account.followers, account.followers_per_day) = (0, 0);
    // Nobody sees it, but somebody has to be allowed to ask.
    spec.meters.buc_instagram_calls = Some(1_000);
    let world = World::new(spec).await;
    assert_eq!(read_all(&world).await, 0);
    let summary = world
        .backfill_of(&[
            "stories",
            "account_insights",
            "online_followers",
            "audience",
        ])
        .await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    for table in ["media", "comments", "audience"] {
        assert_eq!(world.count(&format!("SELECT count(*) FROM {table}")), 0);
    }
    let why = "SELECT DISTINCT reason FROM sync_gaps WHERE field NOT LIKE 'views%'";
    assert_eq!(world.texts(why), ["too_few_viewers"]);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_posts_are_read_with_a_call_for_two_of_them() {
    let mut spec = WorldSpec::single_account(5, 2_500);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.deleted_per_mille = 0;
    let world = World::new(spec).await;
    let summary = world.backfill_of(&POSTS[..3]).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let calls = world.simulator.journal().len();
    assert!(calls < 1_650, "{calls}");
    world.assert_complete();
    assert!(assert_numbers(&world) > 33_000);
}

/// What asks for parts, alone and of many posts.
fn of_parts() -> [Match; 2] {
    [
        Match::path_ends_with("/insights").with_parameter("breakdown", "action_type"),
        Match::path_ends_with("/media").with_parameter("fields", "breakdown(action_type)"),
    ]
}

/// The open gaps of parts, of posts and of all posts.
fn gaps_of_parts(world: &World) -> Vec<String> {
    world.texts(
        "SELECT reason || ' ' || field || ' ' || count(object_id) FROM sync_gaps
         WHERE resolved_at IS NULL AND field LIKE '%action_type' GROUP BY reason, field ORDER BY field",
    )
}

#[tokio::test(start_paused = true)]
async fn a_breakdown_that_was_retired_costs_a_few_calls_and_is_remembered() {
    let unlisted = "(#100) breakdown[0] must be one of the following values: follow_type";
    let incompatible = "(#100) Incompatible breakdowns (action_type) for metric (profile_activity)";
    // An unknown error is asked again three times before it is believed.
    for (code, message, reason, most) in [
        (100, unlisted, "refused", 5),
        (100, incompatible, "not_applicable", 5),
        (1, "An unknown error has occurred", "refused", 20),
    ] {
        let world = World::new(WorldSpec::small(1)).await;
        for asked in of_parts() {
            let fault = Fault::on(asked).always().status(400);
            world.simulator.inject(fault.error(code, None, message));
        }
        world.backfill_of(&POSTS[..3]).await;
        let refused = |world: &World| {
            let journal = world.simulator.journal();
            journal.iter().filter(|call| call.faulted).count()
        };
        let spent = refused(&world);
        assert!((1..=most).contains(&spent), "{message}: {spent}");
        assert_eq!(
            gaps_of_parts(&world),
            [
                format!("{reason} profile_activity by action_type 2"),
                format!("{reason} profile_activity of FEED by action_type 0")
            ]
        );
        world.simulator.clear_journal();
        let again = world.backfill_of(&POSTS[..3]).await;
        assert_eq!((refused(&world), again.verdict()), (0, Verdict::Complete));
        // A month later it is worth a call again.
        world.simulator.clear_faults();
        tokio::time::sleep(Duration::from_secs(31 * 24 * 3600)).await;
        world.backfill_of(&POSTS[..3]).await;
        assert!(assert_numbers(&world) > 500);
        assert_eq!(gaps_of_parts(&world), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_refused_its_parts_takes_them_from_no_other() {
    let world = World::new(WorldSpec::small(1)).await;
    world.backfill_of(&POSTS[..2]).await;
    let posts = "SELECT id FROM media WHERE media_product_type = 'FEED' ORDER BY timestamp DESC LIMIT 1 OFFSET 9";
    let post = world.texts(posts).remove(0);
    let [_, of_pages] = of_parts();
    let of_post = Match::path_contains(&format!("{post}/insights"));
    let message = "(#100) Incompatible breakdowns (action_type) for metric (profile_activity)";
    for asked in [of_post.with_parameter("breakdown", ""), of_pages] {
        let fault = Fault::on(asked).always().status(400);
        world.simulator.inject(fault.error(100, None, message));
    }
    world.backfill_of(&POSTS[..3]).await;
    assert_eq!(
        gaps_of_parts(&world),
        ["not_applicable profile_activity by action_type 1"]
    );
    let since = instant_text(world.now() - TimeDelta::days(180));
    let without = &format!("SELECT count(*) FROM media_insights_current s WHERE name = 'profile_activity' AND breakdown = '' AND value > 0
         AND media_id IN (SELECT id FROM media WHERE timestamp > '{since}')
         AND NOT EXISTS (SELECT 1 FROM media_insights p WHERE p.media_id = s.media_id AND p.breakdown = 'action_type')");
    assert_eq!(world.count(without), 1);
    world.simulator.clear_faults();
    world.backfill_of(&POSTS[..3]).await;
    assert_eq!((world.count(without), gaps_of_parts(&world)), (0, vec![]));
    assert_numbers(&world);
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
