//! `backfill` in a simulated world: complete, resumable, sparing.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::binary::dump;
use crate::world::{World, assert_equals_the_world, outcomes};

#[tokio::test(start_paused = true)]
async fn the_database_equals_the_world() {
    let world = World::new(WorldSpec::small(7)).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(summary.unlinked_pages.len(), 1);
    world.assert_complete();
    assert!(assert_equals_the_world(&world.database(), &world.simulator) > 250);
    // The awkward things were there: NUL, right-to-left text, hidden likes, missing addresses, carousels.
    for awkward in [
        "SELECT count(*) FROM media WHERE instr(caption, char(0)) > 0",
        "SELECT count(*) FROM media WHERE caption GLOB '*[א-ת]*' OR caption GLOB '*[ء-ي]*'",
        "SELECT count(*) FROM media_snapshots WHERE like_count IS NULL",
        "SELECT count(*) FROM media WHERE media_url IS NULL",
        "SELECT count(*) FROM media_children",
    ] {
        assert!(world.count(awkward) > 0, "{awkward}");
    }
    assert_eq!(world.count("SELECT count(*) FROM sync_gaps"), 0);
    // What the journal saw is what the database says was spent.
    let calls = i64::try_from(world.simulator.journal().len()).unwrap();
    assert_eq!(world.count("SELECT sum(calls) FROM sync_calls"), calls);
    assert_eq!(world.count("SELECT sum(calls) FROM sync_runs"), calls);
}

#[tokio::test(start_paused = true)]
async fn a_second_run_within_the_hour_writes_no_row_although_every_address_is_signed_anew() {
    let world = World::new(WorldSpec::small(7)).await;
    world.backfill().await;
    let url = "SELECT media_url FROM media WHERE media_url IS NOT NULL ORDER BY id LIMIT 1";
    let (before, signed) = (without_addresses(&world), world.texts(url));
    let summary = world.backfill().await;
    for job in &summary.jobs {
        assert_eq!(
            (job.rows().inserted, job.rows().changed),
            (0, 0),
            "{}",
            job.resource
        );
    }
    assert_eq!(without_addresses(&world), before);
    assert_ne!(world.texts(url), signed, "addresses are refreshed in place");
}

/// Every row, without the signatures of addresses.
fn without_addresses(world: &World) -> Vec<String> {
    let cut = |row: String| {
        row.split(" | ")
            .filter(|value| {
                !value.starts_with("Text")
                    || !value.contains("104, 116, 116, 112, 115, 58, 47, 47, 115")
            })
            .collect::<Vec<_>>()
            .join(" | ")
    };
    dump(&world.database()).into_iter().map(cut).collect()
}

#[tokio::test(start_paused = true)]
async fn counts_become_history_and_standing_still_does_not() {
    let world = World::new(WorldSpec::small(7)).await;
    world.backfill().await;
    let old = world.texts("SELECT id FROM media ORDER BY timestamp LIMIT 2");
    tokio::time::sleep(Duration::from_secs(26 * 3600)).await;
    assert!(world.simulator.world().add_likes(&old[0], 17));
    world.backfill().await;
    let versions = |id: &str| {
        world.texts(&format!("SELECT ifnull(like_count, 'hidden') || '' FROM media_snapshots WHERE media_id = '{id}' ORDER BY observed_at"))
    };
    assert_eq!(versions(&old[0]).len(), 2, "{:?}", versions(&old[0]));
    let confirmed = format!(
        "SELECT count(*) FROM media_snapshots WHERE media_id = '{}' AND confirmed_at > observed_at",
        old[1]
    );
    assert_eq!((versions(&old[1]).len(), world.count(&confirmed)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_edit_changes_one_row_and_says_when() {
    let world = World::new(WorldSpec::small(7)).await;
    world.backfill().await;
    let id = world
        .texts("SELECT id FROM media ORDER BY timestamp LIMIT 1")
        .remove(0);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.simulator.world().edit_caption(&id, Some("new words")));
    let summary = world.backfill().await;
    let media = summary
        .jobs
        .iter()
        .find(|job| job.resource == "media")
        .unwrap();
    let (_, written) = media
        .tables
        .iter()
        .find(|(table, _)| *table == "media")
        .unwrap();
    assert_eq!((written.inserted, written.changed), (0, 1));
    assert_eq!(
        world.texts("SELECT caption FROM media WHERE changed_at > first_seen_at"),
        ["new words"]
    );
}

#[tokio::test(start_paused = true)]
async fn resumes_after_the_last_committed_page_and_pays_no_page_twice() {
    let world = World::new(WorldSpec::single_account(3, 1000)).await;
    // The sixth page of posts never comes.
    let broken = Match::path_ends_with("/media").after_calls(5);
    world.simulator.inject(Fault::on(broken).times(6).html(503));
    let first = world.backfill().await;
    assert_eq!(first.verdict(), Verdict::Partial);
    assert_eq!(
        outcomes(&first),
        [
            "sim.account.1 account complete",
            "sim.account.1 media failed"
        ]
    );
    let kept = world.count("SELECT count(*) FROM media");
    assert!((250..1000).contains(&kept), "{kept}");
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps WHERE resolved_at IS NULL"),
        ["failed"]
    );

    let second = world.backfill().await;
    assert_eq!(outcomes(&second), ["sim.account.1 media complete"]);
    assert!(second.jobs[0].resumed);
    assert_eq!(second.done_before, ["sim.account.1 account"]);
    world.assert_complete();
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
    let good: Vec<_> = world
        .calls("/media")
        .into_iter()
        .filter(|call| call.status == 200)
        .map(|call| call.after)
        .collect();
    assert_eq!(
        good.iter().collect::<BTreeSet<_>>().len(),
        good.len(),
        "a page was paid twice"
    );
    // Only when all was finished does the next start begin anew.
    assert_eq!(outcomes(&world.backfill().await).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn checkpoints_that_somebody_removed_cost_calls_and_no_row() {
    let world = World::new(WorldSpec::single_account(3, 400)).await;
    let broken = Match::path_ends_with("/media").after_calls(3);
    world.simulator.inject(Fault::on(broken).times(6).html(503));
    world.backfill().await;
    let kept = world.count("SELECT count(*) FROM media");
    assert!((50..400).contains(&kept), "{kept}");
    let analyst = rusqlite::Connection::open(world.path()).unwrap();
    analyst.execute("DELETE FROM sync_checkpoints", []).unwrap();
    drop(analyst);
    let second = world.backfill().await;
    assert_eq!(second.verdict(), Verdict::Complete);
    assert!(second.jobs.iter().all(|job| !job.resumed));
    assert_equals_the_world(&world.database(), &world.simulator);
    world.assert_complete();
    // What was there already was seen again, and is there once.
    let unchanged =
        "SELECT rows_unchanged FROM sync_runs WHERE resource = 'media' ORDER BY id DESC LIMIT 1";
    assert!(world.count(unchanged) >= kept);
    assert_eq!(world.open_gaps(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_page_in_flight_and_the_next_start_goes_on() {
    let world = World::new(WorldSpec::single_account(3, 1000)).await;
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/media"))
            .always()
            .delay(Duration::from_secs(2)),
    );
    let (handle, stop) = stop_pair();
    let begun = tokio::time::Instant::now();
    let selection = Selection::default();
    let work = world.start(&selection, Range::default(), stop);
    let (summary, ()) = tokio::join!(work, async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        handle.stop();
    });
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(
        summary.jobs.last().map(|job| job.outcome.text()),
        Some("stopped")
    );
    let asked = world.calls("/media").len();
    assert_eq!(
        world.count("SELECT pages FROM sync_checkpoints WHERE resource = 'media'"),
        i64::try_from(asked).unwrap()
    );

    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_retry() {
    let world = World::new(WorldSpec::small(3)).await;
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/media"))
            .always()
            .html(502),
    );
    let (handle, stop) = stop_pair();
    let selection = Selection::default();
    let work = world.start(&selection, Range::default(), stop);
    let (_, stopped) = tokio::join!(work, async {
        // In the middle of the delays: 1, 2, 4, 8, 16 seconds, give or take half.
        tokio::time::sleep(Duration::from_secs(9)).await;
        handle.stop();
        tokio::time::Instant::now()
    });
    assert!(
        stopped.elapsed() < Duration::from_secs(1),
        "{:?}",
        stopped.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn short_and_empty_pages_are_not_the_end() {
    let mut spec = WorldSpec::single_account(5, 400);
    spec.rules.empty_page_every = 2;
    spec.rules.filtered_per_hundred = 10;
    let world = World::new(spec).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    let pages = world.calls("/media").len();
    assert!(pages > 6, "{pages} pages");
    let stored = world.count("SELECT count(*) FROM media");
    assert!(
        (340..400).contains(&stored),
        "{stored} of about 360 that the API shows"
    );
}

#[tokio::test(start_paused = true)]
async fn many_accounts_run_side_by_side() {
    let world = World::new(WorldSpec::many_accounts(4, 40, 30)).await;
    world.simulator.inject(
        Fault::on(Match::any())
            .always()
            .delay(Duration::from_secs(1)),
    );
    let begun = tokio::time::Instant::now();
    let summary = world.backfill().await;
    assert_eq!(summary.jobs.len(), 80);
    assert_eq!(summary.verdict(), Verdict::Complete);
    world.assert_complete();
    let (calls, seconds) = (
        world.simulator.journal().len(),
        begun.elapsed().as_secs_f64(),
    );
    assert!(
        calls as f64 > 5.0 * seconds,
        "{calls} calls of a second each took {seconds} s"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_that_fails_at_every_start_does_not_hold_up_the_others_for_ever() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 20)).await;
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let broken = Match::path_ends_with(&format!("{account}/media"));
    world
        .simulator
        .inject(
            Fault::on(broken)
                .always()
                .status(500)
                .error(1, None, "An unknown error occurred"),
        );
    assert_eq!(outcomes(&world.backfill().await).len(), 4);
    // Two more tries for what failed, and nothing of the others is paid again.
    for _ in 0..2 {
        let summary = world.backfill().await;
        assert_eq!(outcomes(&summary), ["sim.account.1 media failed"]);
        assert_eq!(summary.verdict(), Verdict::Partial);
    }
    assert_eq!(
        outcomes(&world.backfill().await).len(),
        4,
        "the next pass never began"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_question_is_not_asked_again_before_the_next_pass() {
    let world = World::new(WorldSpec::small(1)).await;
    let broken = Match::path_ends_with("/media");
    world
        .simulator
        .inject(
            Fault::on(broken)
                .always()
                .status(400)
                .error(2500, None, "Syntax error"),
        );
    for _ in 0..2 {
        assert_eq!(outcomes(&world.backfill().await).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_start_could_not_read_is_still_missing_after_the_next_one() {
    let world = World::new(WorldSpec::single_account(3, 300)).await;
    let id = world
        .simulator
        .world()
        .media(world.simulator.world().accounts().next().unwrap().id())
        .next()
        .unwrap()
        .id();
    let first = format!(
        "{{\"data\":[{{\"id\":\"{id}\",\"timestamp\":\"yesterday\"}}],\"paging\":{{\"cursors\":{{\"after\":\"QVFI\"}},\"next\":\"x\"}}}}"
    );
    let media = || Match::path_ends_with("/media");
    world.simulator.inject(Fault::on(media()).body(&first));
    world
        .simulator
        .inject(Fault::on(media()).times(6).html(503));
    assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
    // The cursor of the made-up page is dead, so this start reads all of the list and finds the post.
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );

    let world = World::new(WorldSpec::single_account(3, 300)).await;
    let broken = Match::path_ends_with("/media").after_calls(1);
    let page = "{\"data\":[{\"id\":\"7\",\"timestamp\":\"yesterday\"}],\"paging\":{\"cursors\":{\"after\":\"AFTER\"},\"next\":\"x\"}}";
    // A page with a broken object in the middle of the list, whose cursor leads on.
    let world_cursor = real_cursor(&world).await;
    world
        .simulator
        .inject(Fault::on(broken.clone()).body(&page.replace("AFTER", &world_cursor)));
    world.simulator.inject(Fault::on(broken).times(6).html(503));
    assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
    let summary = world.backfill().await;
    assert!(summary.jobs[0].resumed);
    assert_eq!(
        summary.verdict(),
        Verdict::Partial,
        "an object of the first start is missing"
    );
    assert_eq!(
        world.texts("SELECT object_id FROM sync_gaps WHERE resolved_at IS NULL"),
        ["7"]
    );
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
}

/// A cursor that the world's list of posts accepts, from another world that is the same.
async fn real_cursor(world: &World) -> String {
    let same = World::new(world.simulator.world().spec().clone()).await;
    same.backfill().await;
    same.calls("/media")[2].after.clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_month_of_nights_ends_with_the_world_in_the_database() {
    let world = World::new(WorldSpec::demo(5)).await;
    let mut calls = 0;
    for night in 0..30 {
        let summary = world.backfill().await;
        assert_eq!(summary.verdict(), Verdict::Complete, "night {night}");
        if night % 5 == 1 {
            for account in world.simulator.world().accounts() {
                let chosen: Vec<String> = world
                    .simulator
                    .world()
                    .media(account.id())
                    .filter(|post| !post.is_deleted())
                    .skip(night)
                    .take(2)
                    .map(|post| post.id())
                    .collect();
                world.simulator.world().delete_media(&chosen[0]);
                world
                    .simulator
                    .world()
                    .edit_caption(&chosen[1], Some("other words"));
            }
        }
        calls = world.simulator.journal().len();
        if night < 29 {
            tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
        }
    }
    assert!(assert_equals_the_world(&world.database(), &world.simulator) > 2000);
    world.assert_complete();
    assert!(world.count("SELECT count(*) FROM media WHERE deleted_at IS NOT NULL") >= 20);
    assert_eq!(
        world.count("SELECT sum(calls) FROM sync_calls"),
        i64::try_from(calls).unwrap()
    );
    assert_eq!(world.count("SELECT count(*) FROM sync_gaps"), 0);
}
