//! `plan`: what work would cost, and whether that is what it costs.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::store::Store;
use igsync::sync::{Range, Verdict};
use igsync_simulator::{Fault, Match, Pool, UsageHeader, WorldSpec};

use crate::binary::{Folder, dump};
use crate::running::serve;
use crate::world::World;

const FORECASTS: &str =
    "SELECT format('%s %s %d %d', account_id, resource, forecast_calls, calls) FROM sync_runs
     WHERE resource <> 'discovery' ORDER BY id";

#[tokio::test(start_paused = true)]
async fn forecast_and_spending_agree_for_a_first_backfill() {
    let world = World::new(WorldSpec::many_accounts(1, 5, 730)).await;
    let plan = world.plan(Range::default()).await;
    assert_eq!(
        world.calls("/media").len(),
        0,
        "it spent more than discovery"
    );
    let forecast = plan.forecast;
    assert_eq!((forecast.work.len(), forecast.pools.len()), (10, 5));
    let summary = world.backfill().await;
    let spent: u64 = summary.jobs.iter().map(|job| job.calls).sum();
    assert_eq!((forecast.calls(), forecast.calls()), (spent, 5 * (1 + 10)));
    assert_eq!(plan.discovery_calls, summary.discovery_calls);
    for job in &summary.jobs {
        assert_eq!(
            job.forecast_calls,
            Some(job.calls),
            "{} {}",
            job.account,
            job.resource
        );
        assert!(!job.is_unforeseen());
    }
    let stored: Vec<String> = world.texts(FORECASTS);
    assert_eq!(stored.len(), 10);
    for line in stored {
        let numbers: Vec<&str> = line.split(' ').skip(2).collect();
        assert_eq!(numbers[0], numbers[1], "{line}");
    }
    let discovery =
        "SELECT count(*) FROM sync_runs WHERE resource = 'discovery' AND forecast_calls IS NULL";
    assert_eq!(world.count(discovery), 1);
}

#[tokio::test(start_paused = true)]
async fn forecast_and_spending_agree_for_a_backfill_that_goes_on() {
    let world = World::new(WorldSpec::single_account(3, 1000)).await;
    let broken = Match::path_ends_with("/media").after_calls(5);
    let fault = Fault::on(broken).error(80_002, None, "too many calls");
    world.simulator.inject(fault);
    let first = world.backfill().await;
    assert!(matches!(first.verdict(), Verdict::Suspended(_)));
    // Too little was spent because it was suspended: that is no wrong forecast.
    assert!(!first.jobs[1].is_unforeseen());
    let plan = world.plan(Range::default()).await;
    assert_eq!(plan.done_before, ["sim.account.1 account"]);
    let pool = &plan.forecast.pools[0];
    let closed = pool.ahead.postponed.clone().unwrap();
    assert_eq!((pool.ahead.at_once, pool.calls), (0, plan.forecast.calls()));
    assert!(plan.forecast.done_at > closed.until && closed.until > world.now());

    tokio::time::sleep(Duration::from_secs(3600)).await;
    let plan = world.plan(Range::default()).await;
    assert_eq!(plan.forecast.pools[0].ahead.postponed, None);
    let second = world.backfill().await;
    assert_eq!(second.verdict(), Verdict::Complete);
    assert_eq!(plan.forecast.calls(), second.jobs[0].calls);
    assert_eq!(second.jobs[0].forecast_calls, Some(second.jobs[0].calls));
    // All done: the next one is a new pass over everything.
    let again = world.plan(Range::default()).await;
    assert_eq!(
        (again.forecast.work.len(), again.forecast.calls()),
        (2, 1 + 12)
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_only_the_app_tells_of_are_planned_in_its_pool_too() {
    let mut spec = WorldSpec::single_account(3, 1000);
    spec.rules.user_token_header = UsageHeader::App;
    let world = World::new(spec).await;
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.simulator.hold(&Pool::PlatformApp, 95);
    assert!(matches!(
        world.backfill().await.verdict(),
        Verdict::Suspended(_)
    ));
    let forecast = world.plan(Range::default()).await.forecast;
    let pools: Vec<_> = forecast
        .pools
        .iter()
        .map(|pool| (pool.pool.is_platform(), pool.ahead.postponed.is_some()))
        .collect();
    assert_eq!(pools, [(false, false), (true, true)]);
    assert!(forecast.done_at > world.now() + chrono::TimeDelta::minutes(1));
}

#[tokio::test(start_paused = true)]
async fn some_days_cost_what_the_database_holds_of_them() {
    let world = World::new(WorldSpec::single_account(9, 1000)).await;
    let day = |text: &str| Some(text.parse().unwrap());
    let range = Range::new(day("2025-02-01"), day("2025-03-31")).unwrap();
    // Before anything was read, everything is the best guess.
    let before = world.plan(range).await.forecast.calls();
    assert_eq!(before, world.plan(Range::default()).await.forecast.calls());
    world.backfill().await;
    let told = world.plan(range).await.forecast.calls();
    let stop = stop_pair().1;
    let summary = world.start(&Default::default(), range, stop).await;
    let spent: u64 = summary.jobs.iter().map(|job| job.calls).sum();
    assert_eq!((told, summary.verdict()), (spent, Verdict::Complete));
    assert!(told < before, "{told} of {before}");
}

#[tokio::test(start_paused = true)]
async fn a_forecast_that_was_wrong_stands_beside_what_was_spent() {
    let world = World::new(WorldSpec::single_account(1, 100)).await;
    let fault = Fault::on(Match::path_ends_with("/media"))
        .times(2)
        .html(503);
    world.simulator.inject(fault);
    let summary = world.backfill().await;
    let media = &summary.jobs[1];
    assert_eq!((media.forecast_calls, media.calls), (Some(2), 4));
    assert!(media.is_unforeseen());
    // The account cost what was foreseen, the posts did not.
    let account = &media.account_id;
    assert_eq!(
        world.texts(FORECASTS),
        [
            format!("{account} account 1 1"),
            format!("{account} media 2 4")
        ]
    );
}

const OF_POSTS: [&str; 6] = [
    "plan",
    "--backfill",
    "--resource",
    "account",
    "--resource",
    "media",
];

#[tokio::test]
async fn the_binary_plans_beside_a_running_sync_and_writes_nothing() {
    let (simulator, folder) = serve(WorldSpec::single_account(1, 230)).await;
    let text = folder.run(&OF_POSTS).await.exits(0).stdout;
    let line = "backfill  sim.account.1  media     buc:17841400000000001      5";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("6 calls"), "{text}");
    assert!(!folder.path("igsync.db").exists(), "it made a database");

    folder
        .run(&["backfill", "--resource", "account", "--resource", "media"])
        .await
        .exits(0);
    let runs = || -> i64 {
        let sql = "SELECT count(*) FROM sync_runs";
        folder
            .database()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let before = (dump(&folder.database()), runs());
    let running = Store::open(&folder.path("igsync.db"), "a test").unwrap();
    let json = folder
        .run(&[&OF_POSTS[..], &["--json"]].concat())
        .await
        .exits(0)
        .json();
    drop(running);
    assert_eq!(json["calls"], 6);
    assert_eq!(json["jobs"][1]["resource"], "media");
    assert_eq!(json["pools"][0]["postponed"], serde_json::Value::Null);
    assert_eq!(
        (dump(&folder.database()), runs()),
        before,
        "plan wrote something"
    );

    let fault = Fault::on(Match::path_ends_with("/me/accounts")).always();
    simulator.inject(fault.error(190, Some(463), "Error validating access token"));
    folder.run(&OF_POSTS).await.exits(5);
    simulator.clear_faults();
    let fault = Fault::on(Match::path_ends_with("/me/accounts")).always();
    simulator.inject(fault.error(32, None, "(#32) Page request limit reached"));
    let ran = folder.run(&OF_POSTS).await.exits(4);
    assert!(ran.stdout.contains("is closed until"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_plan_counts_what_the_refresh_rules_of_the_configuration_make_due() {
    let (_simulator, folder) = serve(WorldSpec::small(1)).await;
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = "[[job]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nresources = [\"media\", \"media_insights\"]\n";
    // Read again at once: what is due within the hour is due.
    let often = "[refresh]\n\"100d\" = \"30m\"\n";
    let plan = async || {
        let json = folder.run(&["plan", "nightly", "--json"]).await;
        json.exits(0).json()["jobs"][1]["calls"].as_i64().unwrap()
    };
    folder.configure(&format!("{config}{job}"));
    folder.run(&["sync", "nightly"]).await.exits(0);
    assert_eq!(plan().await, 0);
    folder.configure(&format!("{config}{job}{often}"));
    let planned = plan().await;
    folder.run(&["sync", "nightly"]).await.exits(0);
    let spent = "SELECT calls FROM sync_runs WHERE resource = 'media_insights' ORDER BY id DESC";
    let spent = folder.database().query_row(spent, [], |row| row.get(0));
    assert_eq!(Ok(planned), spent);
    assert!(planned > 1, "{planned}");
}

#[tokio::test]
async fn jobs_are_planned_by_name_and_unknown_ones_are_named() {
    let (_simulator, folder) = serve(WorldSpec::small(1)).await;
    let problem = folder.run(&["plan"]).await.exits(2).stderr;
    assert!(problem.contains("igsync plan --backfill"), "{problem}");
    let problem = folder
        .run(&["plan", "--since", "2026-01-01"])
        .await
        .exits(2)
        .stderr;
    assert!(problem.contains("add --backfill"), "{problem}");
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = |name: &str, resource: &str| {
        format!(
            "[[job]]\nname = \"{name}\"\nschedule = \"30 2 * * *\"\nresources = [\"{resource}\"]\n"
        )
    };
    folder.configure(&format!(
        "{config}{}{}",
        job("nightly", "media"),
        job("weekly", "account")
    ));
    let problem = folder.run(&["plan", "hourly"]).await.exits(2).stderr;
    assert!(
        problem.contains("no job `hourly`; there are: nightly, weekly"),
        "{problem}"
    );
    let plan = |arguments: &'static [&'static str]| {
        let folder: &Folder = &folder;
        async move { folder.run(arguments).await.exits(0).json() }
    };
    let nightly = plan(&["plan", "nightly", "--json"]).await;
    let all = plan(&["plan", "--json"]).await;
    let jobs = |plan: &serde_json::Value| plan["jobs"].as_array().unwrap().len();
    assert_eq!(jobs(&all), 2 * jobs(&nightly));
    assert_eq!(nightly["jobs"][0]["job"], "nightly");
    let problem = folder
        .run(&["plan", "--account", "nobody"])
        .await
        .exits(2)
        .stderr;
    assert!(problem.contains("no account `nobody`"), "{problem}");

    folder.configure(&format!(
        "{config}{}",
        job("nightly", "stories_of_tomorrow")
    ));
    let problem = folder.run(&["plan", "nightly"]).await.exits(2).stderr;
    assert!(
        problem.contains("`stories_of_tomorrow` is no resource; there are: account, "),
        "{problem}"
    );
}

#[tokio::test]
async fn a_first_plan_counts_posts_that_are_not_listed_yet_and_says_what_is_unknown() {
    let (_simulator, folder) = serve(WorldSpec::small(1)).await;
    let plan = ["plan", "--backfill", "--resource", "comments"];
    let json = folder
        .run(&[&plan[..], &["--json"]].concat())
        .await
        .exits(0)
        .json();
    // One question for each post that discovery told of.
    assert_eq!(json["calls"], 120);
    assert_eq!(json["pools"][0]["used_percent"], serde_json::Value::Null);
    let text = folder.run(&plan).await.exits(0).stdout;
    assert!(
        text.contains("buc:17841400000000001  unknown     120"),
        "{text}"
    );
}

#[tokio::test]
async fn a_plan_of_many_accounts_is_summed_up_for_people_and_whole_for_programs() {
    let (_simulator, folder) = serve(WorldSpec::many_accounts(1, 60, 5)).await;
    let plan = ["plan", "--backfill", "--resource", "account"];
    let text = folder.run(&plan).await.exits(0).stdout;
    assert!(
        text.contains("backfill  account         60     60"),
        "{text}"
    );
    assert!(
        text.contains("and 10 pools that are done earlier; --json lists all"),
        "{text}"
    );
    assert!(text.lines().count() < 70, "{text}");
    let json = folder
        .run(&[&plan[..], &["--json"]].concat())
        .await
        .exits(0)
        .json();
    let length = |list: &str| json[list].as_array().unwrap().len();
    assert_eq!((length("jobs"), length("pools")), (60, 60));
}
