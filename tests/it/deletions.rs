//! What becomes of posts that are gone, come back, or come while a list is walked through.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, Verdict};
use igsync_simulator::{Fault, Match, NewPost, WorldSpec};

use crate::world::World;

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
