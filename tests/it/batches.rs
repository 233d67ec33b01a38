//! Many questions in one message: each part has its own fate, and none is asked more often than it must.

use igsync::store::Outcome;
use igsync::sync::{Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes};

const POSTS: u32 = 60;

/// A world whose posts are listed, and whose insights come next.
async fn listed() -> World {
    listed_with(|_| {}).await
}

async fn listed_with(change: impl FnOnce(&mut WorldSpec)) -> World {
    let mut spec = WorldSpec::single_account(7, POSTS);
    change(&mut spec);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.reels_per_mille, account.carousels_per_mille) = (1000, 0);
    account.deleted_per_mille = 0;
    let world = World::new(spec).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.simulator.clear_journal();
    world
}

async fn insights(world: &World) -> Summary {
    world.backfill_of(&["media_insights"]).await
}

fn of_insights() -> Match {
    Match::path_ends_with("/insights")
}

/// Posts with numbers, and calls for them.
fn read(world: &World) -> (i64, usize) {
    let posts = world.count("SELECT count(DISTINCT media_id) FROM media_insights");
    (posts, world.calls("/insights").len())
}

fn gaps(world: &World) -> Vec<String> {
    world.texts(
        "SELECT reason || ' ' || (object_id IS NOT NULL) || ' ' || count(*) FROM sync_gaps
         WHERE resolved_at IS NULL AND field IS NULL GROUP BY reason, object_id IS NOT NULL",
    )
}

#[tokio::test(start_paused = true)]
async fn questions_go_in_batches_and_each_is_a_call() {
    let world = listed().await;
    let summary = insights(&world).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let (posts, calls) = read(&world);
    assert_eq!((posts, calls), (i64::from(POSTS), POSTS as usize));
    assert_eq!(summary.jobs[0].calls, u64::from(POSTS));
    // The first of the kind goes alone, the others in batches of 50.
    let alone = world
        .calls("/insights")
        .iter()
        .filter(|call| !call.in_batch)
        .count();
    assert_eq!(alone, 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_not_finished_is_asked_again_alone() {
    let world = listed().await;
    let fault = Fault::on(of_insights().after_calls(5))
        .times(3)
        .unfinished();
    world.simulator.inject(fault);
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!(read(&world), (i64::from(POSTS), POSTS as usize + 3));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_as_a_whole_is_sent_again() {
    let world = listed().await;
    for fault in [
        Fault::on(Match::batch()).html(502),
        Fault::on(Match::batch()).reset(),
        Fault::on(Match::batch()).body("[]"),
        Fault::on(Match::batch())
            .status(500)
            .error(2, None, "Service temporarily unavailable"),
    ] {
        world.simulator.inject(fault);
    }
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!(read(&world).0, i64::from(POSTS));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_refused_costs_itself() {
    let world = listed().await;
    let message = "(#10) Not enough viewers for the media to show insights";
    let refused = Fault::on(of_insights().after_calls(9))
        .status(400)
        .error(10, None, message);
    world.simulator.inject(refused);
    let message = "Unsupported get request.";
    let sql = "SELECT id FROM media ORDER BY timestamp DESC LIMIT 1 OFFSET 30";
    let post = world.texts(sql).remove(0);
    let of_post = Match::path_contains(&format!("{post}/insights"));
    let gone = Fault::on(of_post).times(2).status(400);
    world.simulator.inject(gone.error(100, Some(33), message));
    let summary = insights(&world).await;
    assert_eq!(outcomes(&summary), ["sim.account.1 media_insights partial"]);
    assert_eq!(read(&world).0, i64::from(POSTS) - 2);
    assert_eq!(gaps(&world), ["gone 1 1", "too_few_viewers 1 1"]);
    // The next pass asks again, and the gaps are closed by the answers.
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!((read(&world).0, gaps(&world)), (i64::from(POSTS), vec![]));
}

#[tokio::test(start_paused = true)]
async fn posts_from_before_the_conversion_are_asked_once_for_ever() {
    let mut spec = WorldSpec::single_account(7, 300);
    let converted_at = spec.epoch - chrono::TimeDelta::days(300);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.converted_at = Some(converted_at);
    account.deleted_per_mille = 0;
    let world = World::new(spec).await;
    world.backfill().await;
    let older = world.count(&format!(
        "SELECT count(*) FROM media WHERE timestamp < '{}'",
        igsync::clock::instant_text(converted_at)
    ));
    assert!(older > 100, "{older}");
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!(gaps(&world), [format!("before_conversion 1 {older}")]);
    let refused = |world: &World| {
        let calls = world.calls("/insights");
        calls
            .iter()
            .filter(|call| call.subcode == Some(2_108_006))
            .count()
    };
    // Newest first: only the rest of one batch is refused.
    assert!(refused(&world) <= 50, "{} refused", refused(&world));
    world.simulator.clear_journal();
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!(refused(&world), 0);
    assert_eq!(gaps(&world), [format!("before_conversion 1 {older}")]);
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_was_retired_tonight_costs_a_call_and_not_a_night() {
    let world = listed().await;
    let message = "(#100) metric[4] must be one of the following values: reach, views";
    let retired = of_insights().with_parameter("metric", "saved");
    world.simulator.inject(
        Fault::on(retired)
            .always()
            .status(400)
            .error(100, None, message),
    );
    let summary = insights(&world).await;
    assert_eq!(outcomes(&summary), ["sim.account.1 media_insights partial"]);
    let (posts, calls) = read(&world);
    assert_eq!(posts, i64::from(POSTS));
    assert!(calls <= POSTS as usize + 2, "{calls} calls");
    let gaps =
        world.texts("SELECT field FROM sync_gaps WHERE resolved_at IS NULL AND reason = 'refused'");
    assert_eq!(gaps, ["saved of REELS VIDEO"]);
    // It is remembered: the next pass does not ask for it.
    world.simulator.clear_journal();
    insights(&world).await;
    assert_eq!(read(&world).1, POSTS as usize);
}

#[tokio::test(start_paused = true)]
async fn a_pool_without_room_for_all_is_asked_for_what_fits_and_goes_on_later() {
    let world = listed_with(|spec| spec.meters.buc_instagram_calls = Some(40)).await;
    let summary = insights(&world).await;
    assert!(
        matches!(summary.jobs[0].outcome, Outcome::Suspended(_)),
        "{:?}",
        outcomes(&summary)
    );
    let (posts, calls) = read(&world);
    assert!((20..=34).contains(&posts), "{posts} of 40 at 80 %");
    assert_eq!(
        i64::try_from(calls).unwrap(),
        posts,
        "nothing was refused or asked twice"
    );
    assert!(
        !world
            .simulator
            .journal()
            .iter()
            .any(|call| call.while_blocked)
    );
    // Days later the rest is read, and nothing twice.
    for day in 0.. {
        assert!(day < 4, "it never ends");
        tokio::time::sleep(std::time::Duration::from_secs(25 * 3600)).await;
        if insights(&world).await.verdict() == Verdict::Complete {
            break;
        }
    }
    assert_eq!(read(&world), (i64::from(POSTS), POSTS as usize));
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_asks_nothing_twice() {
    let world = listed().await;
    // The second batch hangs; the process is ended there.
    world
        .simulator
        .inject(Fault::on(Match::batch().after_calls(1)).hang());
    let half_a_minute = std::time::Duration::from_secs(30);
    let killed = tokio::time::timeout(half_a_minute, insights(&world)).await;
    assert!(killed.is_err(), "it was not killed");
    let (before, _) = read(&world);
    assert!(before > 1, "{before}");
    world.simulator.clear_faults();
    world.simulator.clear_journal();
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    let (posts, calls) = read(&world);
    assert_eq!(posts, i64::from(POSTS));
    assert_eq!(i64::try_from(calls).unwrap(), posts - before);
}
