//! `igsync status`: how things are, with and without an igsync at work, compared with what happened.

use std::time::Duration;

use chrono::{DateTime, Utc};
use igsync::budget;
use igsync::schedule::Schedule;
use igsync::stop::stop_pair;
use igsync::store::Severity;
use igsync::sync::{self, Configured, Range, Selection, Status, Watched, WhenSuspended};
use igsync_simulator::{Fault, Match, Revocation, WorldSpec};
use tokio::time::sleep;

use crate::binary::{Folder, TOKEN};
use crate::running::serve;
use crate::world::{World, of_posts, selection_of};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a configuration with a job for every night at 02:30 UTC wants to be looked at.
fn nightly(world: &World) -> Watched {
    let schedule = Schedule::parse("30 2 * * *", chrono_tz::UTC).unwrap();
    Watched {
        database: world.path(),
        jobs: vec![Configured {
            name: "nightly".to_owned(),
            schedule,
            selection: of_posts(),
        }],
        credentials: vec!["main".to_owned()],
        accounts: Selection::default(),
        budget: budget::Settings::default(),
    }
}

fn status(world: &World) -> Status {
    Status::read(&nightly(world), world.now()).unwrap()
}

async fn night(world: &World) {
    let process = world.process(stop_pair().1).await;
    sync::run_job(&process, "nightly", &of_posts(), WhenSuspended::Leave)
        .await
        .unwrap();
}

/// Until the next 02:30.
async fn until_due(world: &World) {
    let due = nightly(world).jobs[0]
        .schedule
        .next_after(world.now())
        .unwrap();
    sleep((due - world.now()).to_std().unwrap()).await;
}

fn said(status: &Status) -> Vec<(Severity, &str)> {
    let one = |finding: &'_ sync::Finding| finding.severity;
    let severities = status.findings.iter().map(one);
    let messages = status
        .findings
        .iter()
        .map(|finding| finding.message.as_str());
    severities.zip(messages).collect()
}

fn instant(world: &World, sql: &str) -> Option<DateTime<Utc>> {
    igsync::clock::parse_instant(&world.texts(sql)[0])
}

#[tokio::test(start_paused = true)]
async fn after_a_backfill_all_is_well_and_every_number_is_that_of_the_tables() {
    let world = World::new(WorldSpec::small(1)).await;
    world.backfill().await;
    let status = status(&world);
    assert_eq!(said(&status), []);
    assert_eq!(
        status.headline,
        "all is well; next is nightly at 2026-10-06T02:30:00Z"
    );
    assert_eq!(status.held_by, None);
    for account in &status.accounts {
        let names: Vec<&str> = account.resources.iter().map(|one| one.resource).collect();
        assert_eq!(names, ["account", "media"]);
        for resource in &account.resources {
            let last = format!(
                "SELECT max(finished_at) FROM sync_runs WHERE account_id = '{}' AND resource = '{}' AND outcome = 'complete'",
                account.id, resource.resource
            );
            assert_eq!(resource.last_good_at, instant(&world, &last));
            assert_eq!(resource.last_read_at, resource.last_good_at);
            assert_eq!(resource.running_since, None);
        }
    }
    let count = |sql: &str| world.count(sql).unsigned_abs();
    assert_eq!(
        status.accounts.len() as u64,
        count("SELECT count(*) FROM accounts")
    );
    assert_eq!(
        status.last_day.calls,
        count("SELECT sum(calls) FROM sync_runs")
    );
    assert_eq!(
        status.last_day.calls,
        world.simulator.journal().len() as u64
    );
    assert_eq!(
        status.last_day.rows_inserted,
        count("SELECT sum(rows_inserted) FROM sync_runs")
    );
    let backfill = &status.jobs[1];
    assert_eq!(backfill.job, "backfill");
    assert_eq!(
        backfill.outcomes.values().sum::<u64>(),
        count("SELECT count(*) FROM sync_runs")
    );
    assert_eq!(
        (backfill.started_at, backfill.finished_at),
        (
            instant(&world, "SELECT min(started_at) FROM sync_runs"),
            instant(&world, "SELECT max(finished_at) FROM sync_runs")
        )
    );
    // A day later it is no longer of the last day.
    sleep(DAY + HOUR).await;
    assert_eq!(self::status(&world).last_day.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn the_present_usage_of_a_pool_is_estimated_from_what_was_recorded_and_ages() {
    let world = World::new(WorldSpec::single_account(3, 900)).await;
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    let name = format!("buc:{account}");
    world
        .simulator
        .allow(&igsync_simulator::Pool::BucInstagram(account), 40);
    world.backfill().await;
    let pool = |status: &Status| {
        let pool = status
            .pools
            .iter()
            .position(|pool| pool.pool == name)
            .unwrap();
        (
            status.pools[pool].told.unwrap(),
            status.pools[pool].estimate,
        )
    };
    let ([told, ..], [estimate, ..]) = pool(&status(&world));
    assert!(
        told > 20.0,
        "{told} % of the pool were told: too few to compare"
    );
    assert!(
        (told - 0.1..told + 1.0).contains(&estimate),
        "{estimate} % for {told} %"
    );
    sleep(2 * DAY).await;
    let (later, [estimate, ..]) = pool(&status(&world));
    assert_eq!((later[0], estimate), (told, 0.0));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_read_is_said_while_it_is_read_and_not_when_its_process_is_gone() {
    let world = World::new(WorldSpec::single_account(3, 300)).await;
    let slow = Fault::on(Match::path_ends_with("/media"))
        .always()
        .delay(HOUR / 100);
    world.simulator.inject(slow);
    let process = world.process(stop_pair().1).await;
    let media = selection_of(&["media"]);
    {
        let work = sync::backfill(&process, &media, Range::default());
        tokio::select! {
            _ = work => panic!("it ended before it was looked at"),
            () = sleep(HOUR / 50) => {}
        }
    }
    let now = status(&world);
    assert_eq!(now.held_by.as_deref(), Some("a test"));
    assert!(now.jobs[1].is_running);
    let begun = instant(
        &world,
        "SELECT started_at FROM sync_runs WHERE resource = 'media'",
    );
    assert_eq!(now.accounts[0].resources[0].running_since, begun);
    assert!(
        now.headline.contains("at work: backfill"),
        "{}",
        now.headline
    );

    // Its database is given back, its run left open: as after a kill.
    drop(process);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let later = status(&world);
    assert_eq!(later.held_by, None);
    assert!(!later.jobs[1].is_running);
    assert_eq!(later.accounts[0].resources[0].running_since, None);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_begin_is_a_warning_after_half_an_hour_and_critical_after_days() {
    let world = World::new(WorldSpec::small(1)).await;
    until_due(&world).await;
    night(&world).await;
    assert_eq!(said(&status(&world)), []);
    until_due(&world).await;
    sleep(HOUR / 3).await;
    assert_eq!(said(&status(&world)), []);
    sleep(HOUR).await;
    let late = status(&world);
    assert_eq!(late.severity, Severity::Warning);
    assert!(
        late.headline.starts_with(
            "job nightly should have begun at 2026-10-07T02:30:00Z; no igsync is at work: start"
        ),
        "{}",
        late.headline
    );
    sleep(4 * DAY).await;
    let later = status(&world);
    assert_eq!(later.severity, Severity::Critical);
    // What it did not read is stale, too.
    assert_eq!(later.findings.len(), 2, "{:?}", later.findings);
    assert!(
        later.findings[1]
            .message
            .contains("not read to the end since 2026-10-06T02:")
    );

    // Run by hand, it is well again.
    night(&world).await;
    assert_eq!(said(&status(&world)), []);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_must_do_comes_first_and_goes_when_it_is_done() {
    let world = World::new(WorldSpec::small(1)).await;
    night(&world).await;
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .withdraw_permission(&token, "instagram_basic");
    night(&world).await;
    let refused = status(&world);
    assert_eq!(refused.severity, Severity::Critical);
    assert!(
        refused.headline.starts_with("Meta refuses ")
            && refused
                .headline
                .contains("`igsync check` says what is missing"),
        "{}",
        refused.headline
    );
    let gaps =
        "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND reason = 'no_permission'";
    let open = world.count(gaps).unsigned_abs();
    assert!(open > 0);
    assert_eq!(refused.gaps.get("no_permission"), Some(&open));
    let of_accounts = refused
        .accounts
        .iter()
        .flat_map(|account| &account.resources);
    let of_accounts: u64 = of_accounts
        .filter_map(|one| one.gaps.get("no_permission"))
        .sum();
    assert_eq!(of_accounts, open);

    world
        .simulator
        .world()
        .grant_permission(&token, "instagram_basic");
    night(&world).await;
    assert_eq!(said(&status(&world)), []);

    world
        .simulator
        .world()
        .revoke_token(&token, Revocation::PasswordChanged);
    night(&world).await;
    let dead = status(&world);
    assert_eq!(dead.severity, Severity::Critical);
    assert!(
        dead.headline.contains("replace the token"),
        "{}",
        dead.headline
    );
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_is_nobodys_concern_and_names_its_time() {
    let world = World::new(WorldSpec::small(1)).await;
    let message = "(#80002) There have been too many calls to this Instagram account.";
    let block = Match::path_ends_with("/media");
    world
        .simulator
        .inject(Fault::on(block).error(80_002, None, message));
    night(&world).await;
    let status = status(&world);
    assert_eq!(said(&status), []);
    let resume = instant(&world, "SELECT min(resume_at) FROM sync_runs");
    assert_eq!(status.jobs[0].resume_at, resume);
    let closed = status
        .pools
        .iter()
        .find(|pool| pool.closed_until.is_some())
        .unwrap();
    assert_eq!(closed.closed_until, resume);
    assert!(closed.closed_why.as_ref().unwrap().contains("80002"));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_its_pool_is_at_work_and_not_late() {
    let world = World::new(WorldSpec::small(1)).await;
    until_due(&world).await;
    let message = "(#80002) There have been too many calls to this Instagram account.";
    let minutes = 30 * 60;
    let usage = format!(
        "{{\"17841400000000001\":[{{\"type\":\"instagram\",\"call_count\":100,\"total_cputime\":1,\"total_time\":1,\
         \"estimated_time_to_regain_access\":{minutes}}}]}}"
    );
    let block = Fault::on(Match::path_ends_with("/media")).error(80_002, None, message);
    world
        .simulator
        .inject(block.header("x-business-use-case-usage", &usage));
    let process = world.process(stop_pair().1).await;
    let posts = of_posts();
    let work = sync::run_job(&process, "nightly", &posts, WhenSuspended::Wait);
    let (_, seen) = tokio::join!(work, async {
        sleep(DAY + 2 * HOUR).await;
        status(&world)
    });
    assert!(seen.jobs[0].is_running, "{:?}", seen.jobs);
    assert_eq!(seen.jobs[0].overdue_since, None);
    assert_eq!(said(&seen), []);
    assert!(
        seen.headline.starts_with("all is well; at work: nightly; "),
        "{}",
        seen.headline
    );
    // Once nobody waits any more, the night that went by is missed.
    drop(process);
    let after = status(&world);
    assert!(!after.jobs[0].is_running);
    assert_eq!(after.severity, Severity::Warning, "{}", after.headline);
}

#[tokio::test]
async fn monitoring_gets_one_line_and_its_codes_whatever_there_is() {
    let mut spec = WorldSpec::small(1);
    // The binary's clock and Meta's are one.
    spec.epoch = igsync::clock::Clock::system().now();
    let (_simulator, folder) = serve(spec).await;
    let check = async |code| {
        let ran = folder.run(&["status", "--check"]).await.exits(code);
        assert_eq!(ran.stderr, "");
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
        ran.stdout
    };
    let none = check(2).await;
    assert!(
        none.starts_with("IGSYNC CRITICAL - there is no database at igsync.db"),
        "{none}"
    );
    assert!(
        !folder.path("igsync.db").exists(),
        "status wrote a database"
    );
    folder.write("igsync.db", "");
    let empty = check(1).await;
    assert!(
        empty.starts_with("IGSYNC WARNING - igsync.db is empty or of an older igsync"),
        "{empty}"
    );

    folder
        .run(&["backfill", "--resource", "account"])
        .await
        .exits(0);
    let well = check(0).await;
    assert!(well.starts_with("IGSYNC OK - all is well"), "{well}");
    let calls: i64 = folder
        .database()
        .query_row("SELECT sum(calls) FROM sync_runs", [], |row| row.get(0))
        .unwrap();
    let (_, numbers) = well.split_once(" | ").unwrap();
    assert!(
        numbers.contains(&format!("calls={calls} calls_refused=0 ")),
        "{numbers}"
    );
    for number in numbers.split_whitespace() {
        let (label, value) = number.split_once('=').unwrap();
        let value = value.split(';').next().unwrap().trim_end_matches('%');
        assert!(
            value.parse::<f64>().is_ok(),
            "{label} is no number: {number}"
        );
    }
    let text = folder.run(&["status"]).await.exits(0).stdout;
    assert!(text.starts_with("OK: all is well"), "{text}");
    let json = folder.run(&["status", "--json"]).await.exits(0).json();
    assert_eq!(json["severity"], "ok");
    assert_eq!(json["last_day"]["calls"], calls);

    rusqlite::Connection::open(folder.path("igsync.db"))
        .unwrap()
        .pragma_update(None, "user_version", igsync::store::SCHEMA_VERSION + 1)
        .unwrap();
    let newer = check(2).await;
    assert!(
        newer.starts_with("IGSYNC CRITICAL - ") && newer.contains("made by a newer igsync"),
        "{newer}"
    );
    folder.write("igsync.db", &"a,b,c\n".repeat(400));
    let foreign = check(2).await;
    assert!(foreign.contains("is not an SQLite database"), "{foreign}");
    folder.run(&["status"]).await.exits(2);
    folder.configure("[[credential]\n");
    let broken = check(2).await;
    assert!(broken.contains("igsync.toml:1"), "{broken}");
}

#[tokio::test]
async fn status_needs_no_secret() {
    let folder = Folder::new("http://127.0.0.1:9", "");
    std::fs::remove_file(folder.path("token")).unwrap();
    let json = folder.run(&["status", "--json"]).await.exits(0).json();
    assert_eq!(json["credentials"][0]["credential"], "main");
    assert!(!json.to_string().contains(TOKEN));
}
