//! What is missing: noted once, with its reason, and closed by what proves it closed.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes, selection_of};

fn media() -> Match {
    Match::path_ends_with("/media")
}

const REFUSED_FIELD: &str =
    "(#100) Tried accessing nonexisting field (ig_id) on node type (IGMedia)";

#[tokio::test(start_paused = true)]
async fn a_field_that_does_not_exist_costs_one_call_and_is_remembered() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 20)).await;
    let refusal = Match::path_ends_with("/media").with_parameter("fields", "ig_id");
    world.simulator.inject(
        Fault::on(refusal)
            .always()
            .status(400)
            .error(100, None, REFUSED_FIELD),
    );
    let summary = world.backfill().await;
    // Many apps are refused this one, so the run is complete without it.
    assert_eq!(summary.verdict(), Verdict::Complete);
    world.assert_complete();
    assert_eq!(
        world.texts("SELECT field || ' ' || reason FROM sync_gaps"),
        ["ig_id not_applicable"]
    );
    let refused = |world: &World| {
        world
            .calls("/media")
            .iter()
            .filter(|call| call.status == 400)
            .count()
    };
    let first = refused(&world);
    assert!(
        first <= 2,
        "accounts that run at the same moment may ask at the same moment"
    );
    world.backfill().await;
    assert_eq!(refused(&world), first, "it was asked for again");
    // A month later it is worth a call again, and an API that knows it now closes the gap.
    tokio::time::sleep(Duration::from_secs(31 * 24 * 3600)).await;
    world.backfill().await;
    assert!(refused(&world) > first);
}

#[tokio::test(start_paused = true)]
async fn a_documented_field_that_is_refused_leaves_the_run_partial() {
    let world = World::new(WorldSpec::small(1)).await;
    let message = "(#100) Tried accessing nonexisting field (saved_count)";
    let refusal = media().with_parameter("fields", "saved_count");
    world.simulator.inject(
        Fault::on(refusal)
            .always()
            .status(400)
            .error(100, None, message),
    );
    for _ in 0..2 {
        assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
        assert_eq!(
            world.texts("SELECT field || ' ' || reason FROM sync_gaps WHERE resolved_at IS NULL"),
            ["saved_count refused"]
        );
    }
    assert_eq!(
        world.count("SELECT count(*) FROM media_snapshots WHERE saved_count IS NOT NULL"),
        0
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_what_can_be_listed_is_a_gap_and_not_an_error() {
    let mut spec = WorldSpec::single_account(1, 10_500);
    spec.media_list_cap = 20_000;
    let world = World::new(spec).await;
    let message =
        "(#100) The After Cursor specified exceeds the max limit supported by this endpoint";
    let end = media().after_calls(104);
    world.simulator.inject(
        Fault::on(end)
            .always()
            .status(400)
            .error(100, None, message),
    );
    let summary = world.backfill().await;
    assert_eq!(outcomes(&summary)[1], "sim.account.1 media partial");
    assert_eq!(world.texts("SELECT reason FROM sync_gaps"), ["list_limit"]);
    // So near the documented limit the list is not read again.
    assert_eq!(world.calls("/media").len(), 105);
    assert!(world.count("SELECT count(*) FROM media") > 9_000);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_costs_itself_and_not_the_page() {
    let world = World::new(WorldSpec::small(1)).await;
    let body = r#"{"data":[{"id":"1","timestamp":"2026-01-01T00:00:00+0000"},
        {"id":"2","timestamp":"yesterday"},{"id":"3","like_count":"many"},{"caption":"no id"},7,
        {"id":"4","caption":"\ud83d"},{"id":"5","caption":"a\u0000b"}]}"#;
    world.simulator.inject(Fault::on(media()).body(body));
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(
        world.texts("SELECT id FROM media ORDER BY id"),
        ["1", "3", "5"]
    );
    assert_eq!(
        world.texts("SELECT DISTINCT reason FROM sync_gaps"),
        ["unreadable"]
    );
    let named = world.texts("SELECT object_id FROM sync_gaps ORDER BY object_id");
    assert!(
        named.contains(&"2".to_owned()) && named.contains(&"3".to_owned()),
        "{named:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_the_rules_is_a_gap_and_the_others_are_read() {
    let world = World::new(WorldSpec::small(1)).await;
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let body = format!(
        "{{\"data\":[{{\"name\":\"no id\"}},{{\"id\":\"1\",\"instagram_business_account\":{{}}}},\
         {{\"id\":\"2\",\"tasks\":[\"ANALYZE\"],\"instagram_business_account\":{{\"id\":\"{account}\",\"name\":7}}}}]}}"
    );
    world
        .simulator
        .inject(Fault::on(Match::path_ends_with("/me/accounts")).body(&body));
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(summary.problems.len(), 3, "{:?}", summary.problems);
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps WHERE resource = 'discovery'"),
        ["unreadable"]
    );
    world.assert_complete();
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_with_more_posts_than_the_api_lists_is_partial_and_says_so() {
    let world = World::new(WorldSpec::single_account(1, 10_200)).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps WHERE resolved_at IS NULL"),
        ["list_limit"]
    );
    assert_eq!(world.count("SELECT count(*) FROM media"), 10_000);
}

#[tokio::test(start_paused = true)]
async fn what_the_api_quotes_in_broken_objects_is_scrubbed() {
    let world = World::new(WorldSpec::small(1)).await;
    let token = world.simulator.world().spec().tokens[0].token.clone();
    let body = format!("{{\"data\":[{{\"id\":\"1\",\"timestamp\":\"{token}\"}}]}}");
    world.simulator.inject(Fault::on(media()).body(&body));
    let body = format!("{{\"data\":[{{\"id\":\"1\",\"tasks\":\"{token}\"}}]}}");
    world
        .simulator
        .inject(Fault::on(Match::path_ends_with("/me/accounts").after_calls(1)).body(&body));
    world.backfill().await;
    world.backfill().await;
    let kept = world.texts("SELECT detail FROM sync_gaps");
    assert!(
        kept.len() >= 2 && !kept.iter().any(|detail| detail.contains(&token)),
        "{kept:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_range_closes_no_gap_of_the_whole() {
    let world = World::new(WorldSpec::single_account(3, 300)).await;
    world
        .simulator
        .inject(Fault::on(media().after_calls(2)).times(6).html(503));
    assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
    let range = igsync::sync::Range::new("2026-09-01".parse().ok(), None).unwrap();
    let selection = igsync::sync::Selection::default();
    let summary = world
        .start(&selection, range, igsync::stop::stop_pair().1)
        .await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps WHERE resolved_at IS NULL"),
        ["failed"]
    );
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_disguised_throttle_in_mid_list_throws_no_page_away() {
    let world = World::new(WorldSpec::single_account(3, 300)).await;
    world.simulator.inject(
        Fault::on(media().after_calls(3))
            .times(2)
            .status(400)
            .error(100, Some(33), "Unsupported get request."),
    );
    assert_eq!(world.backfill().await.verdict(), Verdict::Partial);
    let summary = world.backfill().await;
    assert_eq!(
        (summary.verdict(), summary.jobs[0].resumed),
        (Verdict::Complete, true)
    );
    let good: Vec<_> = world
        .calls("/media")
        .into_iter()
        .filter(|call| call.status == 200)
        .map(|call| call.after)
        .collect();
    assert_eq!(
        good.iter().collect::<std::collections::BTreeSet<_>>().len(),
        good.len(),
        "a page was paid twice"
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_start_left_out_keeps_the_next_one_partial() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 60)).await;
    let mut ids = world
        .simulator
        .world()
        .accounts()
        .map(|account| account.id().to_owned())
        .collect::<Vec<_>>();
    let (second, first) = (ids.pop().unwrap(), ids.pop().unwrap());
    let of = |id: &str| Match::path_ends_with(&format!("{id}/media"));
    world.simulator.inject(
        Fault::on(of(&first))
            .status(400)
            .error(2500, None, "Syntax error"),
    );
    world
        .simulator
        .inject(
            Fault::on(of(&second))
                .status(400)
                .error(80_002, None, "too many calls"),
        );
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    tokio::time::sleep(Duration::from_secs(16 * 60)).await;
    let summary = world.backfill().await;
    assert_eq!(outcomes(&summary), ["sim.account.2 media complete"]);
    assert_eq!(summary.partial_before, ["sim.account.1 media"]);
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_short_night_does_not_prove_that_the_end_of_a_list_was_seen() {
    let world = World::new(WorldSpec::single_account(1, 180)).await;
    let message =
        "(#100) The After Cursor specified exceeds the max limit supported by this endpoint";
    let end = media().with_parameter("after", "");
    world.simulator.inject(
        Fault::on(end)
            .always()
            .status(400)
            .error(100, None, message),
    );
    let selection = selection_of(&["media"]);
    assert_eq!(world.night(&selection).await.verdict(), Verdict::Partial);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
        world.night(&selection).await;
        assert_eq!(world.open_gaps(), ["media list_limit"]);
    }
    world.simulator.clear_faults();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
        world.night(&selection).await;
    }
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_short_night_of_one_job_does_not_close_what_a_backfill_has_still_to_read() {
    let world = World::new(WorldSpec::single_account(1, 180)).await;
    let selection = selection_of(&["media"]);
    world.night(&selection).await;
    let behind = media().with_parameter("after", "");
    world.simulator.inject(Fault::on(behind).always().html(503));
    let summary = world
        .start(&selection, Range::default(), stop_pair().1)
        .await;
    assert_ne!(summary.verdict(), Verdict::Complete);
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(world.night(&selection).await.verdict(), Verdict::Complete);
    assert_eq!(world.open_gaps(), ["media failed"]);
    world.simulator.clear_faults();
    world
        .start(&selection, Range::default(), stop_pair().1)
        .await;
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}
