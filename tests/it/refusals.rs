//! What the API may refuse, and what igsync does about it.

use std::time::Duration;

use igsync::store::Outcome;
use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, PageReach, PageSpec, Revocation, TokenSpec, WorldSpec};

use crate::world::{World, outcomes};

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
async fn too_much_data_shrinks_the_page_and_it_grows_back() {
    let world = World::new(WorldSpec::single_account(1, 4000)).await;
    let message = "Please reduce the amount of data you're asking for, then retry your request";
    world.simulator.inject(
        Fault::on(media().after_calls(1))
            .times(2)
            .status(500)
            .error(1, None, message),
    );
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
    let limits: Vec<u64> = world
        .calls("/media")
        .iter()
        .filter_map(|call| call.limit)
        .collect();
    assert_eq!(limits[..4], [50, 50, 25, 12], "{limits:?}");
    assert!(limits[4..].iter().max() > Some(&50), "{limits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_world_that_finds_pages_too_heavy_is_read_completely() {
    let mut spec = WorldSpec::single_account(1, 300);
    spec.rules.max_weight = Some(700);
    let world = World::new(spec).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
    assert!(
        world
            .calls("/media")
            .iter()
            .any(|call| call.code == Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_throttled_account_is_left_alone_until_its_time_and_holds_up_no_other() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 200)).await;
    let message = "(#80002) There have been too many calls to this Instagram account.";
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let block = Match::path_ends_with(&format!("{account}/media")).after_calls(1);
    let usage = format!(
        "{{\"{account}\":[{{\"type\":\"instagram\",\"call_count\":100,\"total_cputime\":20,\"total_time\":20,\
         \"estimated_time_to_regain_access\":90}}]}}"
    );
    world.simulator.inject(
        Fault::on(block)
            .status(400)
            .error(80_002, None, message)
            .header("x-business-use-case-usage", &usage),
    );
    let begun = tokio::time::Instant::now();
    let summary = world.backfill().await;
    assert!(begun.elapsed() < Duration::from_secs(60), "somebody waited");
    let Verdict::Suspended(until) = summary.verdict() else {
        panic!("{summary:?}");
    };
    let (first, other) = (&summary.jobs[1], &summary.jobs[3]);
    assert_eq!(
        (&first.outcome, &other.outcome),
        (&Outcome::Suspended(until), &Outcome::Complete)
    );
    let text = igsync::clock::instant_text(until);
    assert_eq!(
        world.texts("SELECT resume_at FROM sync_runs WHERE outcome = 'suspended'"),
        [text.as_str()]
    );
    assert_eq!(
        world.texts("SELECT closed_until FROM sync_pools WHERE closed_until IS NOT NULL"),
        [text]
    );
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps WHERE resolved_at IS NULL"),
        ["rate_limited"]
    );

    // A new process inside the block makes no call to that account.
    world.simulator.clear_journal();
    tokio::time::sleep(Duration::from_secs(80 * 60)).await;
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    assert_eq!(world.calls(&format!("{account}/media")).len(), 0);
    // After it, the next one goes on.
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn usage_at_the_ceiling_stops_before_meta_does() {
    let world = World::new(WorldSpec::single_account(1, 400)).await;
    let usage = "{\"1\":[{\"type\":\"instagram\",\"call_count\":81,\"total_cputime\":0,\"total_time\":0,\"estimated_time_to_regain_access\":0}]}";
    world
        .simulator
        .inject(Fault::on(media().after_calls(1)).header("x-business-use-case-usage", usage));
    let summary = world.backfill().await;
    assert!(
        matches!(summary.verdict(), Verdict::Suspended(_)),
        "{summary:?}"
    );
    assert_eq!(
        world.calls("/media").len(),
        2,
        "the page that told it is kept, and no further one is asked for"
    );
    assert_eq!(world.count("SELECT count(*) FROM media"), 100);
}

#[tokio::test(start_paused = true)]
async fn the_platform_pool_stops_discovery_and_says_until_when() {
    let world = World::new(WorldSpec::small(1)).await;
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/me/accounts"))
            .status(403)
            .error(4, None, "(#4) Application request limit reached"),
    );
    let summary = world.backfill().await;
    assert!(
        matches!(summary.verdict(), Verdict::Suspended(_)),
        "{summary:?}"
    );
    assert!(
        summary.problems[0].message.contains("pool platform:"),
        "{:?}",
        summary.problems
    );
    assert_eq!(world.simulator.journal().len(), 1);
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    assert_eq!(
        world.simulator.journal().len(),
        1,
        "a call was made into a known block"
    );
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_dead_cursor_starts_the_list_again_once() {
    let world = World::new(WorldSpec::single_account(1, 400)).await;
    world
        .simulator
        .inject(Fault::on(media().after_calls(2)).dead_cursor());
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();

    let world = World::new(WorldSpec::single_account(1, 400)).await;
    let later = media().with_parameter("after", "");
    world
        .simulator
        .inject(Fault::on(later).always().dead_cursor());
    let summary = world.backfill().await;
    assert_eq!(summary.jobs[1].outcome, Outcome::Partial);
    let asked = world.calls("/media").len();
    assert!(
        asked <= 4,
        "{asked} calls against a cursor that always dies"
    );
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
async fn what_can_get_better_is_asked_again_and_what_cannot_is_not() {
    let cases: Vec<(&str, Fault, usize, Verdict)> = vec![
        (
            "an HTML 503",
            Fault::on(media()).times(2).html(503),
            3,
            Verdict::Complete,
        ),
        (
            "a rare 429",
            Fault::on(media()).times(2).html(429),
            3,
            Verdict::Complete,
        ),
        (
            "a reset",
            Fault::on(media()).times(2).reset(),
            3,
            Verdict::Complete,
        ),
        (
            "cut JSON",
            Fault::on(media()).times(2).cut_json(),
            3,
            Verdict::Complete,
        ),
        (
            "no answer at all",
            Fault::on(media()).hang(),
            2,
            Verdict::Complete,
        ),
        (
            "code 2",
            Fault::on(media()).times(5).status(500).error(
                2,
                None,
                "An unexpected error has occurred.",
            ),
            6,
            Verdict::Complete,
        ),
        (
            "code 1",
            Fault::on(media())
                .times(3)
                .status(500)
                .error(1, None, "An unknown error occurred"),
            4,
            Verdict::Complete,
        ),
        (
            "code 1 for ever",
            Fault::on(media())
                .always()
                .status(500)
                .error(1, None, "An unknown error occurred"),
            4,
            Verdict::Partial,
        ),
        (
            "an error with status 200",
            Fault::on(media())
                .status(200)
                .error(2, None, "An unexpected error has occurred."),
            2,
            Verdict::Complete,
        ),
        (
            "an unknown code",
            Fault::on(media())
                .always()
                .status(400)
                .error(12_345, None, "never seen"),
            3,
            Verdict::Partial,
        ),
        (
            "a dead token with status 200",
            Fault::on(media()).always().status(200).error(
                190,
                None,
                "Error validating access token",
            ),
            1,
            Verdict::OperatorNeeded,
        ),
        (
            "a wrong question",
            Fault::on(media())
                .always()
                .status(400)
                .error(2500, None, "Syntax error"),
            1,
            Verdict::Partial,
        ),
        (
            "the removed ids",
            Fault::on(media()).always().status(500).error(
                100,
                None,
                "The ids query parameter is deprecated in v26.0+",
            ),
            1,
            Verdict::Partial,
        ),
        (
            "no permission",
            Fault::on(media()).always().status(400).error(
                10,
                None,
                "(#10) Application does not have permission for this action",
            ),
            1,
            Verdict::OperatorNeeded,
        ),
        (
            "a restricted account",
            Fault::on(media())
                .always()
                .status(400)
                .error(25, Some(2_207_050), ""),
            1,
            Verdict::OperatorNeeded,
        ),
        (
            "a policy block",
            Fault::on(media())
                .always()
                .status(400)
                .error(368, None, "temporarily blocked"),
            1,
            Verdict::OperatorNeeded,
        ),
        (
            "an object that is gone",
            Fault::on(media()).always().status(400).error(
                100,
                Some(33),
                "Unsupported get request.",
            ),
            2,
            Verdict::Partial,
        ),
        (
            "not JSON for ever",
            Fault::on(media()).always().body("<html>"),
            6,
            Verdict::Partial,
        ),
        (
            "a list without end",
            Fault::on(media())
                .always()
                .body("{\"data\":[],\"paging\":{\"next\":\"x\"}}"),
            2,
            Verdict::Partial,
        ),
    ];
    for (name, fault, calls, verdict) in cases {
        let world = World::new(WorldSpec::small(1)).await;
        world.simulator.inject(fault);
        let summary = world.backfill().await;
        assert_eq!(summary.verdict(), verdict, "{name}: {summary:?}");
        let asked = world.calls("/media").len();
        // A good list of 120 posts takes three pages.
        let expected = if verdict == Verdict::Complete {
            calls + 2
        } else {
            calls
        };
        assert_eq!(asked, expected, "{name}");
        if verdict == Verdict::Complete {
            world.assert_complete();
        } else {
            assert!(
                world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL") > 0,
                "{name}: no gap"
            );
            assert_eq!(
                world.count("SELECT count(*) FROM account_snapshots"),
                1,
                "{name}: the account was touched"
            );
        }
    }
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
async fn a_dead_token_ends_its_own_accounts_and_another_token_takes_over_where_it_can() {
    let mut spec = WorldSpec::many_accounts(1, 2, 60);
    let page = |spec: &WorldSpec, at: usize| {
        PageReach::Only([spec.pages[at].id.clone()].into_iter().collect())
    };
    let both = PageReach::All;
    let first = page(&spec, 0);
    let token = |name: &str, token: &str, pages: PageReach| TokenSpec {
        name: name.to_owned(),
        token: token.to_owned(),
        pages,
        ..spec.tokens[0].clone()
    };
    spec.tokens = vec![
        token("all", "EAAfirstfirstfirstfirstfirst", both),
        token("one", "EAAsecondsecondsecondsecond", first),
    ];
    let world = World::new(spec).await;
    // The token dies after discovery.
    let dies = Match::path_ends_with("/media");
    let message = "Error validating access token: The session has been invalidated because the user changed their password.";
    world.simulator.inject(
        Fault::on(dies)
            .times(2)
            .status(400)
            .error(190, Some(460), message),
    );
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    let outcomes = outcomes(&summary);
    assert!(
        outcomes.contains(&"sim.account.1 media complete".to_owned()),
        "{outcomes:?}"
    );
    assert!(
        outcomes.contains(&"sim.account.2 media refused".to_owned()),
        "{outcomes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_dead_from_the_start_says_what_to_do() {
    let mut spec = WorldSpec::small(1);
    let name = spec.tokens[0].name.clone();
    spec.tokens[0].expires_at = Some(spec.epoch - chrono::TimeDelta::days(1));
    let world = World::new(spec).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    let message = &summary.problems[0].message;
    assert!(
        message.starts_with(&format!("credential {name}: "))
            && message.contains("replace the token"),
        "{message}"
    );
    assert_eq!(world.simulator.journal().len(), 1);

    let world = World::new(WorldSpec::small(1)).await;
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .revoke_token(&token, Revocation::PasswordChanged);
    assert_eq!(world.backfill().await.verdict(), Verdict::OperatorNeeded);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_names_business_management() {
    let mut spec = WorldSpec::small(1);
    spec.tokens[0].role_from_business = true;
    spec.tokens[0] = spec.tokens[0].clone().without("business_management");
    let world = World::new(spec).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert!(
        summary.problems[0].message.contains("business_management"),
        "{:?}",
        summary.problems
    );
    assert_eq!(
        world.texts("SELECT reason FROM sync_gaps"),
        ["no_permission"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_permission_is_told_and_nothing_is_taken_away() {
    let world = World::new(WorldSpec::small(1)).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .withdraw_permission(&token, "instagram_basic");
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    world.assert_complete();
    world
        .simulator
        .world()
        .restore_permission(&token, "instagram_basic");
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_fails_after_bounded_tries_and_shows_no_secret() {
    let world = World::new(WorldSpec::small(1)).await.unplugged();
    let begun = tokio::time::Instant::now();
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Failed);
    let waited = begun.elapsed().as_secs();
    assert!((15..60).contains(&waited), "{waited} s");
    let problem = format!("{:?}", summary.problems);
    assert!(problem.contains("/me/accounts: no answer: "), "{problem}");
    let token = world.simulator.world().spec().tokens[0].token.clone();
    assert!(
        !problem.contains(&token)
            && !problem.contains("proof")
            && !problem.contains("graph.example"),
        "{problem}"
    );
    assert_eq!(world.texts("SELECT reason FROM sync_gaps"), ["failed"]);
    assert_eq!(world.texts("SELECT outcome FROM sync_runs"), ["failed"]);
    assert_eq!(world.count("SELECT calls FROM sync_runs"), 6);

    let client = world.client(igsync::stop::stop_pair().1);
    let report = igsync::sync::check(&client, world.credentials()).await;
    assert!(
        !report.needs_operator() && report.problems.len() == 1,
        "{report:?}"
    );
    assert_eq!(
        report.calls, 6,
        "a server that is not there is not asked for permissions"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_without_posts_and_pages_without_account_are_fine() {
    let mut spec = WorldSpec::many_accounts(1, 1, 0);
    spec.pages.push(PageSpec::numbered(2, None));
    let world = World::new(spec).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(summary.unlinked_pages.len(), 1);
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
async fn another_version_than_the_one_asked_for_is_told() {
    let world = World::new(WorldSpec::small(1)).await;
    assert_eq!(world.backfill().await.served_instead, None);
    let world = World::new(WorldSpec::small(1)).await.asking_for("v27.0");
    let summary = world.backfill().await;
    assert!(summary.served_instead.is_some(), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn check_names_each_permission_that_is_missing() {
    let mut spec = WorldSpec::small(1);
    spec.tokens[0] = spec.tokens[0].clone().without("pages_read_engagement");
    let world = World::new(spec).await;
    let client = world.client(igsync::stop::stop_pair().1);
    let report = igsync::sync::check(&client, world.credentials()).await;
    assert!(report.needs_operator(), "{report:#?}");
    for resource in &report.accounts[0].resources {
        assert!(
            resource.missing[0].contains("pages_read_engagement"),
            "{:?}",
            resource.missing
        );
    }

    let world = World::new(WorldSpec::small(1)).await;
    let client = world.client(igsync::stop::stop_pair().1);
    let report = igsync::sync::check(&client, world.credentials()).await;
    assert!(!report.needs_operator() && report.problems.is_empty());
    assert_eq!(report.calls, 2, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_user_holds_for_every_account_of_the_token_and_for_no_other() {
    let mut spec = WorldSpec::many_accounts(1, 42, 5);
    let ids: Vec<String> = spec.pages.iter().map(|page| page.id.clone()).collect();
    spec.tokens[0].pages = PageReach::Only(ids[..40].iter().cloned().collect());
    spec.tokens.push(TokenSpec {
        name: "other".to_owned(),
        token: "EAAotherotherotherotherother".to_owned(),
        pages: PageReach::Only(ids[40..].iter().cloned().collect()),
        ..spec.tokens[0].clone()
    });
    let first = spec.tokens[0].name.clone();
    let world = World::new(spec).await;
    let of_first = Match::path_ends_with("/media");
    world
        .simulator
        .inject(Fault::on(of_first).status(400).error(
            17,
            None,
            "(#17) User request limit reached",
        ));
    let summary = world.backfill().await;
    assert!(
        matches!(summary.verdict(), Verdict::Suspended(_)),
        "{summary:?}"
    );
    let refused = world
        .calls("/media")
        .into_iter()
        .find(|call| call.code == Some(17))
        .unwrap();
    let after = |name: &str| {
        world
            .simulator
            .journal()
            .iter()
            .filter(|call| call.at > refused.at && call.token.as_deref() == Some(name))
            .count()
    };
    assert_eq!(refused.token.as_deref(), Some(first.as_str()));
    // Accounts that run side by side may have a call under way; none begins after it.
    assert!(after(&first) <= 8, "{} calls into the block", after(&first));
    let complete = outcomes(&summary)
        .iter()
        .filter(|line| line.ends_with("media complete"))
        .count();
    assert!(complete >= 2, "the other token's accounts are read");
    world.simulator.clear_journal();
    world.backfill().await;
    let into_block = world
        .simulator
        .journal()
        .iter()
        .filter(|call| call.token.as_deref() == Some(first.as_str()))
        .count();
    assert_eq!(into_block, 0, "a new process called into the block");
}

#[tokio::test(start_paused = true)]
async fn a_policy_block_rests_for_hours_and_over_restarts() {
    let world = World::new(WorldSpec::many_accounts(1, 3, 5)).await;
    world.simulator.inject(Fault::on(media()).status(400).error(
        368,
        None,
        "The action attempted has been deemed abusive",
    ));
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    let message = summary
        .jobs
        .iter()
        .find_map(|job| job.message.clone())
        .unwrap();
    assert!(message.contains("app dashboard"), "{message}");
    world.simulator.clear_journal();
    tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
    world.backfill().await;
    assert_eq!(world.simulator.journal().len(), 0);
    tokio::time::sleep(Duration::from_secs(3601)).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn pools_of_pages_are_believed_for_discovery() {
    let world = World::new(WorldSpec::small(1)).await;
    let usage = "{\"1\":[{\"type\":\"pages\",\"call_count\":100,\"total_cputime\":1,\"total_time\":1,\"estimated_time_to_regain_access\":120}]}";
    let message = "(#80001) There have been too many calls to this Page account.";
    let fault = Fault::on(Match::path_ends_with("/me/accounts"))
        .status(400)
        .error(80_001, None, message);
    world
        .simulator
        .inject(fault.header("x-business-use-case-usage", usage));
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    tokio::time::sleep(Duration::from_secs(118 * 60)).await;
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    assert_eq!(world.simulator.journal().len(), 1);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_wait_longer_also_over_restarts() {
    let world = World::new(WorldSpec::small(1)).await;
    world
        .simulator
        .inject(
            Fault::on(media())
                .times(3)
                .status(400)
                .error(80_002, None, "too many calls"),
        );
    let mut waits = Vec::new();
    for _ in 0..3 {
        let Verdict::Suspended(until) = world.backfill().await.verdict() else {
            panic!("not suspended");
        };
        let wait = until - world.simulator.world().now();
        waits.push((wait.num_seconds() + 59) / 60);
        tokio::time::sleep(wait.to_std().unwrap() + Duration::from_secs(2)).await;
    }
    assert_eq!(waits, [15, 30, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_no_clock_can_hold_is_cut() {
    for wish in ["18446744073709551615", "4000000000"] {
        let world = World::new(WorldSpec::small(1)).await;
        let fault = Fault::on(media())
            .status(400)
            .error(80_002, None, "too many calls");
        world.simulator.inject(fault.header("retry-after", wish));
        let Verdict::Suspended(until) = world.backfill().await.verdict() else {
            panic!("not suspended");
        };
        assert!(until - world.simulator.world().now() <= chrono::TimeDelta::days(7));
    }
}

#[tokio::test(start_paused = true)]
async fn a_restricted_account_is_left_alone_and_the_others_are_read() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 5)).await;
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let restricted = Match::path_ends_with(&format!("/{account}"));
    world
        .simulator
        .inject(Fault::on(restricted).always().status(400).error(
            25,
            Some(2_207_050),
            "restricted",
        ));
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(world.calls(&format!("{account}/media")).len(), 0);
    assert!(outcomes(&summary).contains(&"sim.account.2 media complete".to_owned()));
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
