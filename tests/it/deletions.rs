//! What becomes of posts that are gone, come back, or come while a list is walked through.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, Verdict};
use igsync_simulator::{Fault, Match, NewPost, WorldSpec};

use crate::world::{World, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn posts_that_arrive_and_vanish_while_paging_do_no_harm() {
    let world = World::new(WorldSpec::single_account(3, 600)).await;
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/media"))
            .always()
            .delay(Duration::from_secs(10)),
    );
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let selection = Selection::default();
    let work = world.start(&selection, Range::default(), stop_pair().1);
    let (summary, ()) = tokio::join!(work, async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let post = NewPost::default();
        world.simulator.world().publish(&account, post).unwrap();
    });
    assert_eq!(summary.verdict(), Verdict::Complete);
    // A later pass brings what came in between.
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn what_a_complete_listing_lacks_is_marked_deleted_and_nothing_else_is() {
    let world = World::new(WorldSpec::many_accounts(3, 2, 150)).await;
    world.backfill().await;
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let visible = || {
        world
            .simulator
            .world()
            .media(&account)
            .filter(|post| !post.is_deleted())
            .map(|post| post.id())
            .collect::<Vec<_>>()
    };
    let (gone, deleted) = (
        visible()[3].clone(),
        "SELECT id FROM media WHERE deleted_at IS NOT NULL",
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.simulator.world().delete_media(&gone));

    // Neither a list that ends in an error, nor its continuation, nor a range proves anything.
    let broken = Match::path_ends_with(&format!("{account}/media")).after_calls(1);
    world.simulator.inject(Fault::on(broken).times(6).html(503));
    assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    let range = Range::new("2020-01-01".parse().ok(), None).unwrap();
    world
        .start(&Selection::default(), range, stop_pair().1)
        .await;
    assert_eq!(world.texts(deleted), Vec::<String>::new());

    let summary = world.backfill().await;
    assert_eq!(world.texts(deleted), [gone.as_str()]);
    assert_eq!(summary.jobs.iter().map(|job| job.deleted).sum::<u64>(), 1);
    world.assert_complete();
    let at = world.texts("SELECT deleted_at FROM media WHERE deleted_at IS NOT NULL");
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.backfill().await;
    assert_eq!(
        world.texts("SELECT deleted_at FROM media WHERE deleted_at IS NOT NULL"),
        at,
        "it is deleted once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_post_that_comes_back_is_not_deleted_any_more_and_an_empty_list_proves_nothing() {
    let world = World::new(WorldSpec::many_accounts(3, 1, 3)).await;
    world.backfill().await;
    let count = |sql: &str| world.count(sql);
    let deleted = "SELECT count(*) FROM media WHERE deleted_at IS NOT NULL";
    let list = || Match::path_ends_with("/media");
    world
        .simulator
        .inject(Fault::on(list()).body("{\"data\":[]}"));
    world.backfill().await;
    assert_eq!(count(deleted), 0);
    let one = world.texts("SELECT id FROM media LIMIT 1").remove(0);
    world
        .simulator
        .inject(Fault::on(list()).body(&format!("{{\"data\":[{{\"id\":\"{one}\"}}]}}")));
    world.backfill().await;
    assert_eq!(count(deleted), 2);
    world.backfill().await;
    assert_eq!(count(deleted), 0);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_walked_through_by_two_starts_is_walked_through_again_before_the_week_is_over()
 {
    let world = World::new(WorldSpec::single_account(1, 180)).await;
    world.night(&selection_of(&["media"])).await;
    let account = world.calls("/media")[0].account.clone().unwrap();
    let newest = world.simulator.world().media(&account).next().unwrap().id();
    assert!(world.simulator.world().delete_media(&newest));
    // The first page that lies behind known ground breaks off, once, and the next start goes on there.
    let behind = Match::path_ends_with("/media").with_parameter("after", "");
    world.simulator.inject(Fault::on(behind).always().html(503));
    let deleted = "SELECT count(*) FROM media WHERE deleted_at IS NOT NULL";
    let (mut interrupted, mut marked) = (0, None);
    for night in 0..16 {
        tokio::time::sleep(DAY).await;
        let summary = world.night(&selection_of(&["media"])).await;
        if summary.verdict() != Verdict::Complete {
            interrupted = night;
            world.simulator.clear_faults();
            let again = world.night(&selection_of(&["media"])).await;
            assert_eq!(again.verdict(), Verdict::Complete);
            assert_eq!(world.count(deleted), 0);
        }
        if world.count(deleted) > 0 && marked.is_none() {
            marked = Some(night);
        }
    }
    assert!(interrupted > 0);
    assert!(
        marked.is_some_and(|night| night <= interrupted + 3),
        "{interrupted} {marked:?}"
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_page_that_never_comes_costs_no_new_post() {
    let world = World::new(WorldSpec::single_account(1, 180)).await;
    world.night(&selection_of(&["media"])).await;
    let account = world.calls("/media")[0].account.clone().unwrap();
    let behind = Match::path_ends_with("/media").with_parameter("after", "");
    let broken = Fault::on(behind).always().status(500);
    world
        .simulator
        .inject(broken.error(1, None, "An unknown error occurred"));
    let mut failed = 0;
    for _ in 0..16 {
        tokio::time::sleep(DAY).await;
        let post = NewPost::default();
        world.simulator.world().publish(&account, post).unwrap();
        let newest = world.simulator.world().media(&account).next().unwrap().id();
        let before = world.calls("/media").len();
        let summary = world.night(&selection_of(&["media"])).await;
        failed += u32::from(summary.verdict() != Verdict::Complete);
        let known = format!("SELECT count(*) FROM media WHERE id = '{newest}'");
        assert_eq!(world.count(&known), 1);
        // The top, and the page behind it: six times with metrics, and six times without.
        let calls = world.calls("/media").len() - before;
        assert!(calls <= 13, "{calls}");
        // A start of the same night asks where the first one failed.
        if failed == 1 && summary.verdict() != Verdict::Complete {
            world.night(&selection_of(&["media"])).await;
            let calls = world.calls("/media");
            assert!(
                calls
                    .last()
                    .unwrap()
                    .query
                    .iter()
                    .any(|(name, _)| name == "after")
            );
        }
    }
    assert!((4..=8).contains(&failed), "{failed}");
    world.simulator.clear_faults();
    for _ in 0..8 {
        tokio::time::sleep(DAY).await;
        world.night(&selection_of(&["media"])).await;
    }
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_page_that_never_comes_costs_no_new_post_of_a_list_that_was_never_walked_through() {
    let world = World::new(WorldSpec::single_account(1, 180)).await;
    let behind = Match::path_ends_with("/media").with_parameter("after", "");
    let broken = Fault::on(behind).always().status(500);
    world
        .simulator
        .inject(broken.error(1, None, "An unknown error occurred"));
    let mut late = 0;
    for _ in 0..10 {
        world.night(&selection_of(&["media"])).await;
        let account = world.calls("/media")[0].account.clone().unwrap();
        let newest = world.simulator.world().media(&account).next().unwrap().id();
        let known = format!("SELECT count(*) FROM media WHERE id = '{newest}'");
        late = if world.count(&known) == 1 {
            0
        } else {
            late + 1
        };
        assert!(late < 3);
        world
            .simulator
            .world()
            .publish(&account, NewPost::default())
            .unwrap();
        tokio::time::sleep(DAY).await;
    }
    assert_eq!(world.open_gaps(), ["media failed"]);
    world.simulator.clear_faults();
    world.night(&selection_of(&["media"])).await;
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    world.assert_complete();
}
