//! Used-up budgets and blocks: no call into them, and none longer than needed. Refusals that say "later".

use std::sync::Arc;
use std::time::Duration;

use igsync::graph::{Error, Fields};
use igsync::stop::stop_pair;
use igsync::store::Outcome;
use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, PageReach, Pool, TokenSpec, WorldSpec};

use crate::metering::{ACCOUNT, ask, discover, read};
use crate::world::{World, outcomes};

fn media() -> Match {
    Match::path_ends_with("/media")
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
async fn a_used_up_pool_is_left_alone_until_it_has_recovered_and_then_asked_by_one_call() {
    let world = World::new(WorldSpec::many_accounts(1, 6, 5)).await;
    let app = Pool::PlatformApp;
    world.simulator.allow(&app, 200);
    world.simulator.consume(&app, 200);
    let slow = Fault::on(Match::any()).always();
    world.simulator.inject(slow.delay(Duration::from_secs(9)));
    let client = Arc::new(world.client(stop_pair().1));
    let mut asking = tokio::task::JoinSet::new();
    for account in 1..=6 {
        let account = format!("sim.account.{account}");
        let (client, credential) = (Arc::clone(&client), Arc::clone(&world.credentials()[0]));
        let epoch = (world.now(), tokio::time::Instant::now());
        asking.spawn(async move {
            loop {
                let asked = discover(&client, &credential, &account).await;
                let Err(Error::Closed { closed, .. }) = asked else {
                    return asked.unwrap();
                };
                let wait = (closed.until - epoch.0).to_std().unwrap();
                tokio::time::sleep_until(epoch.1 + wait).await;
            }
        });
    }
    while let Some(answered) = asking.join_next().await {
        answered.unwrap();
    }
    let journal = world.simulator.journal();
    let (refused, answered): (Vec<_>, Vec<_>) = journal.iter().partition(|call| call.while_blocked);
    assert_eq!((refused.len(), answered.len()), (1, 6), "{journal:?}");
    // Meta names no time for this pool: nobody asks before all that was used has left.
    let silence = answered[0].at - refused[0].at;
    assert!((61..66).contains(&silence.num_minutes()), "{silence}");
    // One asks alone; the others come when it was answered.
    assert!(answered[1].at - answered[0].at >= chrono::TimeDelta::seconds(9));
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
        summary.problems[0].message.contains("pool user:"),
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
        let most = chrono::TimeDelta::days(7) + chrono::TimeDelta::seconds(1);
        assert!(until - world.simulator.world().now() <= most);
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_limit_of_the_app_holds_up_its_platform_calls_and_no_account() {
    let world = World::new(WorldSpec::small(1)).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    let pages = Match::path_ends_with("/me/accounts");
    let refused = Fault::on(pages).error(4, None, "(#4) Application request limit reached");
    world.simulator.inject(refused.status(403));
    let find = || {
        let fields = Fields::of(["id"]);
        ask(
            &client,
            main,
            "/me/accounts".to_owned(),
            fields,
            main.user_pool(),
        )
    };
    assert!(find().await.is_err());
    read(&client, main, ACCOUNT).await.unwrap();
    for closed in [find().await, discover(&client, main, "sim.account.1").await] {
        assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
    }
    // A call that is metered by account refused for the app's sake: that holds for all of them.
    let refused = Fault::on(Match::path_ends_with(ACCOUNT));
    let refused = refused.error(4, None, "(#4) Application request limit reached");
    world.simulator.inject(refused);
    for _ in 0..2 {
        let closed = read(&client, main, ACCOUNT).await;
        assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
    }
    assert_eq!(world.simulator.journal().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_one_pool_tells_nothing_of_the_refusals_of_another() {
    let world = World::new(WorldSpec::small(1)).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    let discovery = Match::any().with_parameter("fields", "business_discovery");
    let refused = Fault::on(discovery).times(3).without_usage_headers();
    let message = "(#4) Application request limit reached";
    world
        .simulator
        .inject(refused.status(403).error(4, None, message));
    let mut waits = Vec::new();
    for _ in 0..3 {
        let Err(Error::Closed { closed, .. }) = discover(&client, main, "sim.account.1").await
        else {
            panic!("not refused");
        };
        let wait = closed.until - world.now();
        waits.push((wait.num_seconds() + 59) / 60);
        tokio::time::sleep(wait.to_std().unwrap() + Duration::from_secs(2)).await;
        read(&client, main, ACCOUNT).await.unwrap();
    }
    assert_eq!(waits, [5, 10, 20]);
}
