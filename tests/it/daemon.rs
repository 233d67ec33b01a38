//! The daemon in virtual time: what is due, what is joined, what is made up for, and whose turn it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use igsync::daemon::{self, End, Orders, Supervisor};
use igsync::graph::Credential;
use igsync::schedule::Schedule;
use igsync::stop::{StopHandle, stop_pair};
use igsync::sync::Configured;
use igsync_simulator::{Fault, Match, WorldSpec};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::world::{World, selection_of};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);

/// A job, in UTC.
pub fn job(name: &str, line: &str, resources: &[&str]) -> Configured {
    job_in(Tz::UTC, name, line, resources)
}

pub fn job_in(zone: Tz, name: &str, line: &str, resources: &[&str]) -> Configured {
    Configured {
        name: name.to_owned(),
        schedule: Schedule::parse(line, zone).unwrap(),
        selection: selection_of(resources),
    }
}

/// How a life of the daemon ends.
pub enum Until<T> {
    /// Killed when this is over.
    Killed(T),
    /// Asked to stop when this is over.
    Stopped(T),
}

/// One life of the daemon.
pub async fn live<T: Future<Output = ()>>(
    world: &World,
    jobs: &[Configured],
    until: Until<T>,
) -> Option<End> {
    let credentials = world.credentials().to_vec();
    live_with(
        world,
        jobs,
        until,
        &|| Ok(credentials.clone()),
        &Notify::new(),
    )
    .await
}

pub type Load<'a> = &'a dyn Fn() -> Result<Vec<Arc<Credential>>, String>;

pub async fn live_with<T: Future<Output = ()>>(
    world: &World,
    jobs: &[Configured],
    until: Until<T>,
    load: Load<'_>,
    hangup: &Notify,
) -> Option<End> {
    let (stop, wish): (StopHandle, _) = stop_pair();
    let process = world.process(wish).await;
    let orders = Orders {
        stop: &stop,
        hangup,
        load,
        complaint: None,
    };
    let mut supervisor = Supervisor::at(None, None);
    let life = daemon::run(&process, jobs.to_vec(), orders, &mut supervisor);
    tokio::pin!(life);
    let (until, kills) = match until {
        Until::Killed(until) => (until, true),
        Until::Stopped(until) => (until, false),
    };
    tokio::select! {
        end = &mut life => return Some(end.unwrap()),
        () = until => {}
    }
    if kills {
        return None;
    }
    stop.stop();
    Some(life.await.unwrap())
}

pub fn jobs_row(world: &World, job: &str, columns: &str) -> String {
    let sql = format!("SELECT concat_ws(' ', {columns}) FROM sync_jobs WHERE job = '{job}'");
    world.texts(&sql).remove(0)
}

/// When runs of a resource began, with their outcomes.
pub fn runs(world: &World, resource: &str) -> Vec<String> {
    world.texts(&format!(
        "SELECT started_at || ' ' || outcome FROM sync_runs WHERE resource = '{resource}' ORDER BY id"
    ))
}

pub fn account(world: &World, place: usize) -> String {
    world
        .simulator
        .world()
        .accounts()
        .nth(place)
        .unwrap()
        .id()
        .to_owned()
}

/// Pages of posts that were asked for, without those that were refused because of what comes along with posts.
pub fn pages_of_posts(world: &World) -> i64 {
    let calls = world.calls("/media").into_iter();
    i64::try_from(calls.filter(|call| call.code != Some(100)).count()).unwrap()
}

/// The next time that the clock shows this hour and minute.
pub async fn until(world: &World, hour: u32, minute: u32) {
    let time = chrono::NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    let now = world.now();
    let mut at = now.date_naive().and_time(time).and_utc();
    if at <= now {
        at += TimeDelta::days(1);
    }
    sleep((at - now).to_std().unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_waits_for_its_time_and_is_read_then() {
    let world = World::new(WorldSpec::many_accounts(1, 3, 60)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    let lived = live(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 29).await;
            assert_eq!(
                world.simulator.journal().len(),
                0,
                "something was asked before its time"
            );
            assert_eq!(jobs_row(&world, "nightly", "outcome, finished_at"), "");
            sleep(2 * MINUTE).await;
            world.assert_complete();
            let row = jobs_row(
                &world,
                "nightly",
                "outcome, accounts, accounts_done, run_id IS NOT NULL, finished_at > due_at, next_due_at > finished_at",
            );
            assert_eq!(row, "complete 3 3 1 1 1");
            assert_eq!(
                world.count(
                    "SELECT count(DISTINCT started_by) FROM sync_runs WHERE job = 'nightly'"
                ),
                1
            );
        }),
    );
    assert_eq!(lived.await, Some(End::Stopped));
    // What the configuration does not have any more is not told any more; igsync's own check is.
    live(
        &world,
        &[job("weekly", "0 3 * * 1", &["media"])],
        Until::Stopped(sleep(MINUTE)),
    )
    .await;
    assert_eq!(
        world.texts("SELECT job FROM sync_jobs ORDER BY 1"),
        ["check", "weekly"]
    );
}

#[tokio::test(start_paused = true)]
async fn accounts_begin_spread_and_each_at_its_own_place_every_time() {
    let world = World::new(WorldSpec::many_accounts(1, 100, 1)).await;
    let jobs = [job("hourly", "0 * * * *", &["account"])];
    live(&world, &jobs, Until::Stopped(sleep(2 * HOUR + 10 * MINUTE))).await;
    let began = |hour: usize| {
        world.texts(&format!(
            "WITH runs AS (SELECT account_id, started_at, row_number() OVER (PARTITION BY account_id ORDER BY id) AS hour
                           FROM sync_runs WHERE resource = 'account')
             SELECT account_id || substr(started_at, 14) FROM runs WHERE hour = {hour} ORDER BY account_id"
        ))
    };
    let (first, second) = (began(1), began(2));
    assert_eq!(first.len(), 100);
    let same = first.iter().filter(|one| second.contains(one)).count();
    assert!(
        same > 90,
        "{same} of 100 begin at the same second of both hours"
    );
    let seconds: BTreeSet<&str> = first.iter().map(|one| &one[17..]).collect();
    assert!(seconds.len() > 50, "{} different seconds", seconds.len());
}

#[tokio::test(start_paused = true)]
async fn a_start_is_joined_where_the_same_is_read_already_and_never_stacked() {
    let mut spec = WorldSpec::single_account(1, 600);
    spec.pages[0].account.as_mut().unwrap().stories_per_day = 3;
    let world = World::new(spec).await;
    let slow = Match::path_ends_with("/media");
    world
        .simulator
        .inject(Fault::on(slow).always().delay(Duration::from_secs(50)));
    // The walk takes ten minutes, and both are due every five.
    let jobs = [
        job("one", "*/5 * * * *", &["media"]),
        job("other", "*/5 * * * *", &["media", "stories"]),
    ];
    live(&world, &jobs, Until::Stopped(sleep(9 * MINUTE))).await;
    assert_eq!(
        runs(&world, "media").len(),
        1,
        "{:?}",
        runs(&world, "media")
    );
    let most = world.count(
        "SELECT count(*) FROM sync_runs a JOIN sync_runs b ON a.id < b.id AND a.account_id = b.account_id
           AND a.started_at < b.started_at AND b.started_at < a.finished_at AND 'stories' NOT IN (a.resource, b.resource)",
    );
    assert_eq!(most, 0, "two of one account ran at the same time");
}

#[tokio::test(start_paused = true)]
async fn stories_go_first_while_a_long_night_is_under_way() {
    let world = World::new(WorldSpec::many_accounts(1, 30, 300)).await;
    world.simulator.inject(
        Fault::on(Match::any())
            .always()
            .delay(Duration::from_secs(59)),
    );
    let jobs = [
        job("nightly", "0 2 * * *", &["account", "media", "comments"]),
        job("hourly", "5 2 * * *", &["stories"]),
    ];
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 20).await;
        }),
    )
    .await;
    assert_eq!(
        runs(&world, "stories").len(),
        30,
        "{:?}",
        runs(&world, "stories")
    );
    // What has a place keeps it until its end; then it is the stories' turn, whatever else waits.
    let between = world.count(
        "SELECT count(*) FROM sync_runs WHERE resource <> 'stories' AND account_id IS NOT NULL
           AND started_at > (SELECT due_at FROM sync_jobs WHERE job = 'hourly')
           AND started_at < (SELECT max(started_at) FROM sync_runs WHERE resource = 'stories')",
    );
    assert_eq!(between, 0);
    assert!(runs(&world, "comments").len() < 25, "the night was over");
}

#[tokio::test(start_paused = true)]
async fn stories_go_between_two_pages_of_a_long_walk_of_the_same_account() {
    let mut spec = WorldSpec::single_account(1, 2000);
    spec.pages[0].account.as_mut().unwrap().stories_per_day = 3;
    let world = World::new(spec).await;
    let slow = Fault::on(Match::any()).always();
    world.simulator.inject(slow.delay(Duration::from_secs(50)));
    let jobs = [
        job("nightly", "0 2 * * *", &["media"]),
        job("hourly", "5 2 * * *", &["stories"]),
    ];
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 4, 0).await;
        }),
    )
    .await;
    let run = |resource: &str, columns: &str| {
        let sql = format!(
            "SELECT concat_ws(' ', {columns}) FROM sync_runs WHERE resource = '{resource}'"
        );
        world.texts(&sql)
    };
    assert_eq!(
        run("media", "outcome, started_at < '2026-10-06T02:03'"),
        ["complete 1"]
    );
    // At the end of the page in flight.
    assert_eq!(
        run("stories", "outcome, started_at < '2026-10-06T02:06:40'"),
        ["complete 1"]
    );
    let during = "SELECT count(*) FROM sync_runs m JOIN sync_runs s ON m.started_at < s.started_at AND s.finished_at < m.finished_at
                  WHERE m.resource = 'media' AND s.resource = 'stories'";
    assert_eq!(world.count(during), 1);
    let calls = world.simulator.journal();
    let of_stories: Vec<usize> = (0..calls.len())
        .filter(|at| calls[*at].path.ends_with("/stories"))
        .collect();
    let (first, last) = (of_stories[0], of_stories[of_stories.len() - 1]);
    let between = calls[first..=last].iter();
    assert_eq!(
        between.filter(|call| call.path.ends_with("/media")).count(),
        0
    );
    let posts = world.count("SELECT count(*) FROM media WHERE media_product_type IS NOT 'STORY'");
    assert!(posts >= 2000, "{posts}");
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_made_up_for_once_and_what_was_begun_goes_on() {
    let mut spec = WorldSpec::many_accounts(1, 2, 200);
    for page in &mut spec.pages {
        page.account.as_mut().unwrap().posts_per_week = 0;
    }
    let world = World::new(spec).await;
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    // Killed in the middle of its first night.
    live(
        &world,
        &jobs,
        Until::Killed(async {
            until(&world, 2, 30).await;
            let slow = Fault::on(Match::path_ends_with("/media")).always();
            world.simulator.inject(slow.delay(Duration::from_secs(20)));
            sleep(Duration::from_secs(50)).await;
        }),
    )
    .await;
    world.simulator.clear_faults();
    let read = world.count("SELECT sum(pages) FROM sync_checkpoints WHERE resource = 'media'");
    assert!(read > 0 && jobs_row(&world, "nightly", "outcome") == "running");
    world.simulator.clear_journal();
    // The machine is off until the morning.
    sleep(4 * HOUR).await;
    live(&world, &jobs, Until::Stopped(sleep(5 * MINUTE))).await;
    world.assert_complete();
    assert_eq!(
        jobs_row(&world, "nightly", "outcome, accounts, accounts_done"),
        "complete 2 2"
    );
    assert_eq!(pages_of_posts(&world) + read, 8, "a page was paid twice");
    assert_eq!(
        world.count("SELECT count(DISTINCT started_by) FROM sync_runs WHERE job = 'nightly'"),
        1
    );
    // Then it is off for three nights.
    sleep(72 * HOUR).await;
    let before = runs(&world, "account").len();
    live(&world, &jobs, Until::Stopped(sleep(HOUR))).await;
    live(&world, &jobs, Until::Stopped(sleep(HOUR))).await;
    assert_eq!(
        runs(&world, "account").len() - before,
        2,
        "{:?}",
        runs(&world, "account")
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_noticed_within_a_minute_and_repeats_nothing() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account"])];
    live(&world, &jobs, Until::Stopped(async {
        // The machine sleeps, and wakes up after the time of the job.
        until(&world, 0, 0).await;
        let slept = Instant::now();
        world.clock().set(TimeDelta::hours(5));
        sleep(2 * MINUTE).await;
        assert_eq!(runs(&world, "account").len(), 1);
        let due = world.count("SELECT unixepoch(started_at) - unixepoch(due_at) FROM sync_jobs WHERE job = 'nightly'");
        assert_eq!(slept.elapsed(), 2 * MINUTE);
        // Half past two was two and a half hours before the machine woke up.
        assert!((9000..=9061).contains(&due), "{due}");
        // Somebody sets it back to before that time.
        world.clock().set(TimeDelta::hours(-4));
        sleep(12 * HOUR).await;
        assert_eq!(runs(&world, "account").len(), 1, "{:?}", runs(&world, "account"));
        sleep(15 * HOUR).await;
        assert_eq!(runs(&world, "account").len(), 2, "{:?}", runs(&world, "account"));
        // It was years ahead; what was planned then is forgotten.
        world.clock().set(TimeDelta::days(3 * 365));
        sleep(10 * MINUTE).await;
        assert_eq!(runs(&world, "account").len(), 3);
        world.clock().set(TimeDelta::days(-3 * 365));
        // The night after this one was made up for then.
        sleep(47 * HOUR).await;
        assert_eq!(runs(&world, "account").len(), 4, "{:?}", runs(&world, "account"));
    })).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_clock_that_ran_ahead_has_noted_is_read_again_when_it_is_right() {
    let mut spec = WorldSpec::small(1);
    let of = spec.pages[0].account.as_mut().unwrap();
    (of.posts, of.stories_per_day, of.quiet_stories_per_mille) = (5, 6, 0);
    let world = World::new(spec).await;
    let jobs = [
        job("hourly", "0 * * * *", &["stories"]),
        job(
            "nightly",
            "30 2 * * *",
            &["account", "media", "media_insights"],
        ),
    ];
    let ahead = || {
        let now = igsync::clock::instant_text(world.now() + TimeDelta::hours(1));
        world.texts(&format!(
            "SELECT DISTINCT resource FROM sync_reads WHERE read_at > '{now}' AND subject NOT IN (SELECT id FROM stories WHERE is_final)
             ORDER BY resource"
        ))
    };
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            sleep(30 * HOUR).await;
            world.clock().set(TimeDelta::days(40));
            sleep(30 * HOUR).await;
            world.clock().set(TimeDelta::days(-40));
            assert_eq!(ahead(), ["media", "media_insights", "stories"]);
            sleep(30 * HOUR).await;
            assert_eq!(ahead(), [""; 0]);
        }),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_hourly_job_costs_two_discoveries_a_day_and_an_idle_daemon_none() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let jobs = [job("hourly", "0 * * * *", &["account"])];
    live(
        &world,
        &jobs,
        Until::Stopped(sleep(48 * HOUR + 10 * MINUTE)),
    )
    .await;
    assert_eq!(runs(&world, "account").len(), 48);
    // The daily check asks once, too.
    let checks = world.calls("/me/permissions").len();
    assert_eq!((world.calls("/me/accounts").len() - checks, checks), (4, 2));
    let jobs = [job("yearly", "0 0 1 1 *", &["account"])];
    world.simulator.clear_journal();
    live(&world, &jobs, Until::Stopped(sleep(4 * HOUR))).await;
    let calls: Vec<String> = world
        .simulator
        .journal()
        .into_iter()
        .map(|call| call.path)
        .collect();
    assert!(calls.len() <= 2, "{calls:?}");
}

/// A hundred hours of a job that meets every story at some time of its life, but only few in the last hour. The first
/// calls of each life for accounts get no answer. Discoveries that it cost.
async fn stories_of_a_rare_job(lives: u32, hours: u32, unheard: u64) -> usize {
    let mut spec = WorldSpec::small(1);
    let of = spec.pages[0].account.as_mut().unwrap();
    (of.posts, of.stories_per_day, of.quiet_stories_per_mille) = (5, 6, 0);
    let world = World::new(spec).await;
    let jobs = [job("rarely", "0 */12 * * *", &["stories"])];
    for _ in 0..lives {
        if unheard > 0 {
            let accounts = Fault::on(Match::path_ends_with("/me/accounts"));
            world.simulator.inject(accounts.times(unheard).html(503));
        }
        live(&world, &jobs, Until::Stopped(sleep(hours * HOUR))).await;
        world.simulator.clear_faults();
    }
    let ended = "SELECT count(*) FROM stories WHERE timestamp < (SELECT datetime(max(started_at), '-24 hours') FROM sync_runs)";
    let all = world.count(ended);
    assert!(all >= 15, "{all}");
    assert_eq!(world.count(&format!("{ended} AND is_final")), all);
    let missed = world.count("SELECT count(*) FROM sync_gaps WHERE reason = 'expired'");
    // Those of before the first start cannot all be saved.
    assert!(
        missed <= 1,
        "{:?}",
        world.texts("SELECT detail FROM sync_gaps WHERE reason = 'expired'")
    );
    world.calls("/me/accounts").len() - world.calls("/me/permissions").len()
}

#[tokio::test(start_paused = true)]
async fn stories_that_no_schedule_meets_are_read_in_their_last_hour() {
    // One for each start.
    assert_eq!(stories_of_a_rare_job(1, 100, 0).await, 8);
}

#[tokio::test(start_paused = true)]
async fn stories_that_an_earlier_life_has_met_are_read_in_their_last_hour() {
    let lives = 20;
    let discoveries = stories_of_a_rare_job(lives, 5, 0).await;
    // A life without a start asks once, too, when the first story is due.
    assert!((8..=20).contains(&discoveries), "{discoveries}");
}

#[tokio::test(start_paused = true)]
async fn stories_in_their_last_hour_wait_for_a_token_that_gets_no_answer_at_first() {
    stories_of_a_rare_job(20, 5, 12).await;
}
