//! What the API may refuse, and what igsync does about it.

use igsync::store::Outcome;
use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, PageReach, PageSpec, Revocation, TokenSpec, WorldSpec};

use crate::world::{World, outcomes};

fn media() -> Match {
    Match::path_ends_with("/media")
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
async fn what_is_not_the_token_s_fault_says_what_to_do_instead_of_replacing_it() {
    let newer = "; set a newer `graph.version` in the configuration, or install a newer igsync";
    let secret = "; put the secret of the app that the token was made for into app_secret_file of credential ";
    let said = [
        (
            2635,
            "(#2635) You are calling a deprecated version of the API.",
            newer,
        ),
        (
            100,
            "API calls from the server require an appsecret_proof argument",
            secret,
        ),
        (
            100,
            "Invalid appsecret_proof provided in the API argument",
            secret,
        ),
    ];
    for (code, message, hint) in said {
        let refused = |on: Match| Fault::on(on).error(code, None, message).always();
        // Met by the search for accounts, nothing else is asked.
        let world = World::new(WorldSpec::small(1)).await;
        world.simulator.inject(refused(Match::any()));
        let summary = world.backfill().await;
        assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
        let problem = &summary.problems[0].message;
        assert!(problem.contains(hint), "{problem}");
        assert_eq!(world.simulator.journal().len(), 1);

        // Met by one resource, no other one pays for it.
        let world = World::new(WorldSpec::small(1)).await;
        world.simulator.inject(refused(media()));
        let summary = world.backfill().await;
        assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
        let journal = world.simulator.journal();
        let at = journal.iter().position(|call| call.faulted).unwrap();
        let behind = &journal[at + 1..];
        assert!(behind.is_empty(), "{behind:#?}");
        let jobs = summary.jobs.iter();
        let mut told = jobs.filter_map(|job| job.message.as_deref());
        assert!(told.any(|told| told.contains(hint)), "{summary:#?}");
    }
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
        .grant_permission(&token, "instagram_basic");
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

    let report = world.check().await;
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
    let report = world.check().await;
    assert!(report.needs_operator(), "{report:#?}");
    for resource in &report.accounts[0].resources {
        let permission = "pages_read_engagement";
        let needed = igsync::resource::find(resource.resource).unwrap();
        let missing = resource.missing.iter().any(|one| one.contains(permission));
        assert_eq!(
            missing,
            needed.permissions.contains(&permission),
            "{resource:?}"
        );
    }

    let world = World::new(WorldSpec::small(1)).await;
    let report = world.check().await;
    assert!(!report.needs_operator() && report.problems.is_empty());
    assert_eq!(report.calls, 3, "{report:?}");
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
