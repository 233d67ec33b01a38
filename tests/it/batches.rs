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
    refuse_pages(&world);
    world
}

/// Makes the API refuse insights that come with pages of posts, so that each post is asked on its own.
fn refuse_pages(world: &World) {
    let message = "(#100) The Media Insights API does not support the reach metric for this media product type.";
    let refused = Fault::on(of_pages()).always().status(400);
    world.simulator.inject(refused.error(100, None, message));
}

fn of_pages() -> Match {
    Match::path_ends_with("/media").with_parameter("fields", "insights.metric(")
}

/// Pages that are refused: the first alone, and the other one.
const PAGES: u64 = 2;

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
    assert_eq!(summary.jobs[0].calls, u64::from(POSTS) + PAGES);
    // The first page and the first post of the kind go before the others, those in batches of 50.
    let journal = world.simulator.journal();
    let messages = journal.iter().filter(|call| !call.in_batch).count();
    assert!(messages <= 6, "{messages} messages");
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
        let calls = [world.calls("/insights"), world.calls("/media")].concat();
        calls
            .iter()
            .filter(|call| call.subcode == Some(2_108_006))
            .count()
    };
    // Newest first, and a few at a time once a page was refused: only the rest of that batch of pages is refused.
    assert!(refused(&world) <= 30, "{} refused", refused(&world));
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
    let mut spec = WorldSpec::single_account(7, POSTS);
    spec.meters.buc_instagram_calls = Some(25);
    let account = spec.pages[0].account.as_mut().unwrap();
    // Neighbours are of different kinds most of the time.
    (account.reels_per_mille, account.carousels_per_mille) = (500, 0);
    (account.videos_per_mille, account.deleted_per_mille) = (0, 0);
    let world = World::new(spec).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    let summary = insights(&world).await;
    assert!(
        matches!(summary.jobs[0].outcome, Outcome::Suspended(_)),
        "{:?}",
        outcomes(&summary)
    );
    let (posts, _) = read(&world);
    assert!(posts >= 10 && posts < i64::from(POSTS), "{posts}");
    // Days later the rest is read, and nothing twice.
    for day in 0.. {
        assert!(day < 4, "it never ends");
        tokio::time::sleep(std::time::Duration::from_secs(25 * 3600)).await;
        if insights(&world).await.verdict() == Verdict::Complete {
            break;
        }
    }
    assert_eq!(read(&world).0, i64::from(POSTS));
    let journal = world.simulator.journal();
    assert!(!journal.iter().any(|call| call.while_blocked));
    let mut asked = std::collections::BTreeSet::new();
    for call in journal
        .iter()
        .filter(|call| call.path.ends_with("/insights"))
    {
        // The parts of a metric are another question.
        let parts = call.query.iter().find(|(name, _)| name == "breakdown");
        let question = (call.path.clone(), parts);
        assert!(asked.insert(question), "{} twice", call.path);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_asks_nothing_twice() {
    let world = listed().await;
    // The third batch hangs; the process is ended there.
    world
        .simulator
        .inject(Fault::on(Match::batch().after_calls(2)).hang());
    let half_a_minute = std::time::Duration::from_secs(30);
    let killed = tokio::time::timeout(half_a_minute, insights(&world)).await;
    assert!(killed.is_err(), "it was not killed");
    let (before, _) = read(&world);
    assert!(before > 1, "{before}");
    world.simulator.clear_faults();
    refuse_pages(&world);
    world.simulator.clear_journal();
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    let (posts, calls) = read(&world);
    assert_eq!(posts, i64::from(POSTS));
    assert_eq!(i64::try_from(calls).unwrap(), posts - before);
}

#[tokio::test(start_paused = true)]
async fn posts_of_one_kind_that_stand_together_are_asked_together() {
    let world = listed().await;
    world.simulator.clear_faults();
    let summary = insights(&world).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(read(&world), (i64::from(POSTS), 0));
    assert_eq!(summary.jobs[0].calls, PAGES);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_reads WHERE subject LIKE 'page%'"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_was_retired_tonight_costs_a_page_a_call_and_no_posts() {
    let world = listed().await;
    world.simulator.clear_faults();
    let message = "(#100) metric[4] must be one of the following values: reach, views";
    let retired = Match::path_ends_with("/media").with_parameter("fields", "saved,");
    world.simulator.inject(
        Fault::on(retired)
            .always()
            .status(400)
            .error(100, None, message),
    );
    let summary = insights(&world).await;
    assert_eq!(outcomes(&summary), ["sim.account.1 media_insights partial"]);
    assert_eq!(read(&world), (i64::from(POSTS), 0));
    assert_eq!(summary.jobs[0].calls, PAGES + 1);
    let gaps = "SELECT field FROM sync_gaps WHERE resolved_at IS NULL AND reason = 'refused'";
    assert_eq!(world.texts(gaps), ["saved of REELS VIDEO"]);
    assert_eq!(insights(&world).await.jobs[0].calls, PAGES);
    // A month later it is worth a call again, and an API that knows it now closes the gap.
    world.simulator.clear_faults();
    tokio::time::sleep(std::time::Duration::from_secs(31 * 24 * 3600)).await;
    assert_eq!(insights(&world).await.verdict(), Verdict::Complete);
    assert_eq!(world.texts(gaps), [""; 0]);
    assert!(world.count("SELECT count(*) FROM media_insights WHERE name = 'saved'") > 0);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_lists_other_posts_than_it_was_asked_for_costs_a_page_and_nothing_else() {
    let world = listed().await;
    world.simulator.clear_faults();
    let empty = Fault::on(of_pages()).always().body("{\"data\":[]}");
    world.simulator.inject(empty);
    let summary = insights(&world).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(read(&world), (i64::from(POSTS), POSTS as usize));
    assert_eq!(summary.jobs[0].calls, u64::from(POSTS) + 1);
}

#[tokio::test(start_paused = true)]
async fn posts_that_a_page_leaves_out_are_asked_one_by_one() {
    let world = listed().await;
    world.simulator.clear_faults();
    let newest = world
        .texts("SELECT id FROM media ORDER BY timestamp DESC LIMIT 1")
        .remove(0);
    let number = "\"insights\":{\"data\":[{\"name\":\"reach\",\"values\":[{\"value\":1}]}]}";
    let body = format!("{{\"data\":[{{\"id\":\"{newest}\",{number}}},{{\"id\":\"7\",{number}}}]}}");
    world.simulator.inject(Fault::on(of_pages()).body(&body));
    let summary = insights(&world).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let (posts, calls) = read(&world);
    assert_eq!(posts, i64::from(POSTS));
    assert!(
        (40..50).contains(&calls),
        "{calls}: those of the first page but one"
    );
    assert_eq!(
        world.count("SELECT count(*) FROM media_insights WHERE media_id = '7'"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn too_much_data_halves_a_page_and_loses_no_post() {
    let world = listed().await;
    world.simulator.clear_faults();
    let message = "Please reduce the amount of data you're asking for, then retry your request";
    let heavy = Fault::on(of_pages())
        .times(2)
        .status(500)
        .error(1, None, message);
    world.simulator.inject(heavy);
    let summary = insights(&world).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(read(&world), (i64::from(POSTS), 0));
    assert!(summary.jobs[0].calls <= 8, "{}", summary.jobs[0].calls);
}
