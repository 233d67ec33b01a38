//! The daemon in virtual time when something is in its way: pools, outages, tokens, a wrong configuration, answers that never come.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use igsync::daemon::{self, End, Orders, Supervisor};
use igsync::graph::Credential;
use igsync::stop::stop_pair;
use igsync::store::Severity;
use igsync::sync::{Selection, Status, Watched};
use igsync_simulator::{Fault, Match, Revocation, WorldSpec};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::daemon::{
    HOUR, MINUTE, Until, account, job, jobs_row, live, live_with, pages_of_posts, until,
};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_closed_pool_holds_up_its_account_alone_and_the_job_says_until_when() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 100)).await;
    let posts = Match::path_ends_with(&format!("{}/media", account(&world, 0)));
    world
        .simulator
        .inject(Fault::on(posts).error(80_002, None, "(#80002) too many calls"));
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 32).await;
            let row = jobs_row(
                &world,
                "nightly",
                "outcome, accounts, accounts_done, resume_at IS NOT NULL",
            );
            assert_eq!(row, "suspended 2 1 1");
            let resume = world
                .texts("SELECT resume_at FROM sync_jobs WHERE job = 'nightly'")
                .remove(0);
            let resume: chrono::DateTime<chrono::Utc> = resume.parse().unwrap();
            sleep((resume - world.now()).to_std().unwrap() + MINUTE).await;
            assert_eq!(
                jobs_row(&world, "nightly", "outcome, accounts_done"),
                "complete 2"
            );
        }),
    )
    .await;
    world.assert_complete();
    let refused = world
        .simulator
        .journal()
        .into_iter()
        .filter(|call| call.code == Some(80_002));
    assert_eq!(refused.count(), 1, "a call was made into a block");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_metas_is_outlived() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 60)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            // It begins before the accounts are known, and ends in the morning.
            until(&world, 2, 0).await;
            world
                .simulator
                .inject(Fault::on(Match::any()).always().html(503));
            until(&world, 5, 0).await;
            let row = jobs_row(&world, "nightly", "outcome, message");
            assert!(row.contains("credential main"), "{row}");
            world.simulator.clear_faults();
            sleep(HOUR).await;
            assert_eq!(
                jobs_row(&world, "nightly", "outcome, accounts_done"),
                "complete 2"
            );
            world.assert_complete();
            // The next night it happens while they are read.
            until(&world, 2, 29).await;
            let posts = Match::path_ends_with("/media");
            world.simulator.inject(Fault::on(posts).always().html(503));
            until(&world, 5, 30).await;
            assert_eq!(
                jobs_row(&world, "nightly", "accounts_done, finished_at IS NULL"),
                "0 1"
            );
            world.simulator.clear_faults();
            sleep(HOUR + 10 * MINUTE).await;
            assert_eq!(
                jobs_row(&world, "nightly", "outcome, accounts_done"),
                "complete 2"
            );
        }),
    )
    .await;
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_is_taken_up_and_the_refused_start_goes_on() {
    let spec = WorldSpec::many_accounts(1, 2, 60);
    let token = spec.tokens[0].clone();
    let (name, secret) = (token.name.clone(), spec.app.secret.clone());
    let world = World::new(spec).await;
    world
        .simulator
        .world()
        .revoke_token(&token.token, Revocation::PasswordChanged);
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    let replaced = std::cell::Cell::new(false);
    let old = world.credentials().to_vec();
    let load = || {
        if !replaced.get() {
            return Ok(old.clone());
        }
        let new = Credential::new(&name, "EAAanothertokenanothertoken", Some(&secret));
        Ok(vec![Arc::new(new.unwrap())])
    };
    let end = live_with(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 45).await;
            assert_eq!(jobs_row(&world, "nightly", "outcome"), "refused");
            let message = jobs_row(&world, "nightly", "message");
            assert!(message.contains("replace the token"), "{message}");
            replaced.set(true);
            sleep(2 * MINUTE).await;
        }),
        &load,
        &Notify::new(),
    )
    .await;
    assert_eq!(end, Some(End::Reload), "nobody looked at the file");
    assert_eq!(
        jobs_row(&world, "nightly", "outcome, finished_at IS NULL"),
        "stopped 1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_configuration_leaves_the_old_one_and_a_right_one_begins_anew_in_the_same_place() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 300)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    let wrong = std::cell::Cell::new(true);
    let known = world.credentials().to_vec();
    let load = || match wrong.get() {
        true => Err("igsync.toml:3: `jobb` is no key".to_owned()),
        false => Ok(known.clone()),
    };
    let hangup = Notify::new();
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/media"))
            .always()
            .delay(Duration::from_secs(20)),
    );
    let end = live_with(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 30).await;
            sleep(Duration::from_secs(30)).await;
            hangup.notify_one();
            sleep(Duration::from_secs(20)).await;
            assert!(world.calls("/media").len() >= 4, "it stopped reading");
            wrong.set(false);
            hangup.notify_one();
            sleep(MINUTE).await;
        }),
        &load,
        &hangup,
    )
    .await;
    assert_eq!(end, Some(End::Reload));
    world.simulator.clear_faults();
    live(&world, &jobs, Until::Stopped(sleep(MINUTE))).await;
    world.assert_complete();
    // What was answered is not asked again.
    let read = world.count("SELECT sum(pages) FROM sync_checkpoints WHERE resource = 'media'");
    assert_eq!(pages_of_posts(&world), read);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_answer_that_never_comes() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 200)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account", "media"])];
    world.simulator.inject(
        Fault::on(Match::path_ends_with("/media").after_calls(2))
            .always()
            .hang(),
    );
    let stopped = std::cell::Cell::new(Instant::now());
    let end = live(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 2, 30).await;
            sleep(Duration::from_secs(20)).await;
            stopped.set(Instant::now());
        }),
    )
    .await;
    assert_eq!(end, Some(End::Stopped));
    let took = stopped.get().elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let read = world.count("SELECT count(*) FROM media");
    assert!((50..200).contains(&read), "{read}");
    assert_eq!(
        world.count("SELECT count(*) FROM sync_runs WHERE outcome = 'running'"),
        0
    );
    assert_eq!(
        jobs_row(&world, "nightly", "outcome, finished_at IS NULL"),
        "stopped 1"
    );
    world.simulator.clear_faults();
    live(&world, &jobs, Until::Stopped(sleep(MINUTE))).await;
    world.assert_complete();
}

/// What the service manager wants to hear of life within.
const WATCHDOG: Duration = Duration::from_secs(5 * 60);

/// Signs of life in the next minutes, and the longest time without one; a manager listens all the time.
async fn beats(manager: &UnixDatagram, minutes: u32) -> (usize, Duration) {
    let (mut beats, mut heard, mut longest) = (0, Instant::now(), Duration::ZERO);
    for _ in 0..minutes {
        sleep(MINUTE).await;
        longest = longest.max(heard.elapsed());
        let mut message = [0; 4096];
        while let Ok(length) = manager.recv(&mut message) {
            if message[..length].starts_with(b"WATCHDOG=1") {
                (beats, heard) = (beats + 1, Instant::now());
            }
        }
    }
    (beats, longest)
}

/// No manager would take it for dead in the next minutes. How many signs fit into them depends on who is first where minutes begin.
async fn is_alive(manager: &UnixDatagram, minutes: u32) {
    let (beats, silent) = beats(manager, minutes).await;
    assert!(
        beats > 0 && silent < WATCHDOG,
        "{beats} signs of life, none for {silent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_gives_signs_of_life_while_it_gets_on_and_none_while_one_of_its_tasks_stands_still() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut supervisor = Supervisor::at(Some(path), Some(WATCHDOG));
    let (stop, wish) = stop_pair();
    let process = world.process(wish).await;
    let orders = Orders {
        stop: &stop,
        hangup: &Notify::new(),
        load: &|| Err("nobody asks".to_owned()),
        complaint: None,
    };
    let jobs = vec![job("nightly", "30 2 * * *", &["account"])];
    let life = daemon::run(&process, jobs, orders, &mut supervisor);
    let look = async {
        is_alive(&manager, 60).await;
        let stuck = Arc::clone(&process);
        let stuck =
            tokio::spawn(async move { stuck.tasks.watch(std::future::pending::<()>()).await });
        // As long as it may only be waiting for its turn, all is well.
        is_alive(&manager, 29).await;
        beats(&manager, 3).await;
        assert_eq!(beats(&manager, 60).await.0, 0);
        stuck.abort();
        is_alive(&manager, 60).await;
        // Whatever the daemon does is watched like this: the question for accounts, a job, the check.
        let slow = Fault::on(Match::any()).always();
        world.simulator.inject(slow.delay(Duration::from_secs(30)));
        for (hour, minute) in [(2, 30), (4, 45)] {
            until(&world, hour, minute).await;
            sleep(Duration::from_secs(20)).await;
            let silent = process.tasks.longest().map(|age| age.as_secs());
            assert!(
                silent.is_some_and(|age| (15..=20).contains(&age)),
                "{hour}:{minute} {silent:?}"
            );
        }
    };
    tokio::select! {
        end = life => panic!("{end:?}"),
        () = look => {}
    }
}

fn status(world: &World) -> Status {
    let watched = Watched {
        database: world.path(),
        jobs: vec![job("nightly", "30 2 * * *", &["account"])],
        credentials: vec!["main".to_owned()],
        accounts: Selection::default(),
        budget: igsync::budget::Settings::default(),
    };
    Status::read(&watched, world.now()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_not_taken_over_is_told_until_one_is_or_the_process_ends() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let jobs = [job("nightly", "30 2 * * *", &["account"])];
    let told = || {
        let status = status(&world);
        let findings = status.findings.into_iter();
        findings
            .map(|finding| (finding.severity, finding.message))
            .collect::<Vec<_>>()
    };
    let complaint = |problem: &str| {
        let old = "the configuration is not taken over, the old one stays";
        let todo = "correct it, then `systemctl reload igsync`, or send SIGHUP";
        vec![(Severity::Warning, format!("{old}: {problem}; {todo}"))]
    };
    let answer = std::cell::RefCell::new(Err("igsync.toml:3: `jobb` is no key".to_owned()));
    let load = || answer.borrow().clone();
    let hangup = Notify::new();
    let end = live_with(
        &world,
        &jobs,
        Until::Stopped(async {
            until(&world, 1, 0).await;
            assert_eq!(told(), []);
            hangup.notify_one();
            sleep(MINUTE).await;
            assert_eq!(told(), complaint("igsync.toml:3: `jobb` is no key"));
            *answer.borrow_mut() = Err("igsync.toml:4: `job` is no list".to_owned());
            hangup.notify_one();
            // What the daily check finds does not take its place.
            until(&world, 5, 0).await;
            assert_eq!(jobs_row(&world, "check", "outcome"), "complete");
            assert_eq!(told(), complaint("igsync.toml:4: `job` is no list"));
            *answer.borrow_mut() = Ok(world.credentials().to_vec());
            hangup.notify_one();
            sleep(MINUTE).await;
        }),
        &load,
        &hangup,
    );
    assert_eq!(end.await, Some(End::Reload));
    assert_eq!(told(), [], "nobody is at work with an old one");
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            sleep(MINUTE).await;
            assert_eq!(told(), []);
        }),
    )
    .await;

    // One that could be read, but not begun with, is told by the life that goes on with the old one.
    let (stop, wish) = stop_pair();
    let process = world.process(wish).await;
    let orders = Orders {
        stop: &stop,
        hangup: &hangup,
        load: &load,
        complaint: Some("the port is taken".to_owned()),
    };
    let mut supervisor = Supervisor::at(None, None);
    tokio::select! {
        end = daemon::run(&process, jobs.to_vec(), orders, &mut supervisor) => panic!("{end:?}"),
        () = sleep(MINUTE) => {}
    }
    assert!(
        status(&world)
            .headline
            .starts_with("the port is taken; correct it")
    );
}
