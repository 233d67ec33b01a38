//! A backfill that waits for pools: what is said, how long, and what a kill or a signal leaves.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::store::Outcome;
use igsync::sync::{Range, Verdict, Waiting};
use igsync_simulator::{Fault, Match, PageReach, TokenSpec, WorldSpec};
use tokio::time::{Instant, sleep};

use crate::running::{ended, serve, signal, spawn};
use crate::world::{World, of_posts};

const MINUTE: Duration = Duration::from_secs(60);

/// Refuses a call to the posts of the account at `place`, for so many minutes.
fn block(world: &World, place: usize, minutes: u32, after_calls: u64) {
    let account = account(world, place);
    let usage = format!(
        "{{\"{account}\":[{{\"type\":\"instagram\",\"call_count\":100,\"total_cputime\":20,\"total_time\":20,\
         \"estimated_time_to_regain_access\":{minutes}}}]}}"
    );
    let posts = Match::path_ends_with(&format!("{account}/media")).after_calls(after_calls);
    let message = "(#80002) There have been too many calls to this Instagram account.";
    world.simulator.inject(
        Fault::on(posts)
            .error(80_002, None, message)
            .header("x-business-use-case-usage", &usage),
    );
}

fn account(world: &World, place: usize) -> String {
    let accounts = world.simulator.world();
    accounts.accounts().nth(place).unwrap().id().to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_a_pool_holds_up_goes_on_when_it_opens_and_holds_up_nobody() {
    let world = World::new(WorldSpec::many_accounts(1, 3, 200)).await;
    block(&world, 0, 90, 1);
    block(&world, 1, 30, 2);
    let begun = Instant::now();
    let process = world.process(stop_pair().1).await;
    let (selection, range) = (of_posts(), Range::default());
    let work = igsync::sync::backfill_and_wait(&process, &selection, range);
    let (summary, said) = tokio::join!(work, async {
        sleep(MINUTE).await;
        let done = world.count(
            "SELECT count(*) FROM sync_runs WHERE outcome = 'complete' AND resource = 'media'",
        );
        assert_eq!(done, 1, "the third account was held up");
        let first = process.progress.waiting();
        sleep(40 * MINUTE).await;
        (first, process.progress.waiting())
    });
    let summary = summary.unwrap();
    assert_eq!(summary.verdict(), Verdict::Complete);
    world.assert_complete();
    let waited = begun.elapsed();
    assert!((90 * MINUTE..92 * MINUTE).contains(&waited), "{waited:?}");
    // The earliest is named first, then the other one alone.
    let (Some(first), Some(second)) = said else {
        panic!("{said:?}");
    };
    let pool = |place| format!("pool buc:{} is closed until", account(&world, place));
    assert!(first.why.contains(&pool(1)), "{first:?}");
    assert_eq!((first.others, second.others), (1, 0));
    assert!(second.why.contains(&pool(0)), "{second:?}");
    assert_eq!(process.progress.waiting(), None);

    // Each job is reported once, with all that it spent, though it ran twice.
    assert_eq!(summary.jobs.len(), 6);
    let media = &summary.jobs[1];
    assert_eq!(
        (media.pages, media.calls, media.forecast_calls),
        (4, 5, Some(4))
    );
    assert_eq!(
        media.rows().inserted,
        world.rows_of_posts(&media.account_id)
    );
    assert_eq!(media.outcome, Outcome::Complete);
    let runs = "SELECT outcome FROM sync_runs WHERE resource = 'media' ORDER BY outcome";
    assert_eq!(
        world.texts(runs),
        ["complete", "complete", "complete", "suspended", "suspended"]
    );
    let refused = world.simulator.journal();
    let refused = refused.iter().filter(|call| call.code.is_some()).count();
    assert_eq!(refused, 2, "a call was made into a block");
}

#[tokio::test(start_paused = true)]
async fn a_kill_during_the_wait_loses_nothing_and_makes_no_call_early() {
    let world = World::new(WorldSpec::single_account(1, 400)).await;
    block(&world, 0, 90, 3);
    let killed = tokio::time::timeout(20 * MINUTE, world.backfill_and_wait(stop_pair().1)).await;
    assert!(killed.is_err(), "it did not wait");
    assert_eq!(
        world.texts("SELECT outcome FROM sync_runs WHERE resource = 'media'"),
        ["suspended"]
    );
    let refused = world.simulator.journal();
    let refused = refused.iter().find(|call| call.code.is_some()).unwrap().at;
    world.simulator.clear_journal();
    let summary = world.backfill_and_wait(stop_pair().1).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    world.assert_complete();
    let calls = world.calls("/media");
    // 250 posts are left, in pages of 50.
    assert_eq!(calls.len(), 5, "a page was paid twice");
    let opens = refused + chrono::TimeDelta::minutes(90);
    assert!(
        calls.iter().all(|call| call.at >= opens),
        "a call was made early"
    );
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_and_says_when_it_can_go_on() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 200)).await;
    block(&world, 0, 90, 1);
    let (handle, stop) = stop_pair();
    let (summary, stopped) = tokio::join!(world.backfill_and_wait(stop), async {
        // In the middle of a nap.
        sleep(10 * MINUTE + MINUTE / 2).await;
        handle.stop();
        Instant::now()
    });
    assert!(stopped.elapsed() < Duration::from_secs(1), "it slept on");
    let Verdict::Suspended(until) = summary.verdict() else {
        panic!("{summary:?}");
    };
    let left = until - world.now();
    assert!((79..81).contains(&left.num_minutes()), "{left}");
    assert_eq!(
        world.texts("SELECT DISTINCT outcome FROM sync_runs ORDER BY 1"),
        ["complete", "suspended"]
    );
    assert_eq!(world.count("SELECT count(*) FROM media"), 250);
    assert_eq!(
        world.backfill_and_wait(stop_pair().1).await.verdict(),
        Verdict::Complete
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_goes_on_in_that_order() {
    let world = World::new(WorldSpec::many_accounts(1, 6, 60)).await;
    // In another order than that of the accounts.
    for (place, seconds) in [5, 3, 6, 1, 4, 2].into_iter().enumerate() {
        let posts = Match::path_ends_with(&format!("{}/media", account(&world, place)));
        world.simulator.inject(
            Fault::on(posts)
                .error(80_002, None, "too many calls")
                .delay(Duration::from_secs(seconds)),
        );
    }
    let summary = world.backfill_and_wait(stop_pair().1).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let order = |outcome: &str, by: &str| {
        world.texts(&format!(
            "SELECT account_id FROM sync_runs WHERE resource = 'media' AND outcome = '{outcome}' ORDER BY {by}"
        ))
    };
    assert_eq!(
        order("complete", "id"),
        order("suspended", "finished_at, id")
    );
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_opens_is_used_while_others_are_still_read() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 3000)).await;
    block(&world, 0, 10, 1);
    let long = Match::path_ends_with(&format!("{}/media", account(&world, 1)));
    let slow = Fault::on(long).always().delay(Duration::from_secs(50));
    world.simulator.inject(slow);
    let summary = world.backfill_and_wait(stop_pair().1).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let ended = |place| {
        world.texts(&format!(
            "SELECT finished_at FROM sync_runs WHERE resource = 'media' AND outcome = 'complete' AND account_id = '{}'",
            account(&world, place)
        ))
    };
    assert!(ended(0) < ended(1), "{:?} {:?}", ended(0), ended(1));
}

#[tokio::test(start_paused = true)]
async fn discovery_waits_in_the_same_way_and_holds_up_no_other_token() {
    let world = World::new(two_tokens()).await;
    let discovery = Match::path_ends_with("/me/accounts");
    world.simulator.inject(Fault::on(discovery).error(
        32,
        None,
        "(#32) Page request limit reached",
    ));
    let process = world.process(stop_pair().1).await;
    let (selection, range) = (of_posts(), Range::default());
    let work = igsync::sync::backfill_and_wait(&process, &selection, range);
    let (summary, waiting) = tokio::join!(work, async {
        sleep(2 * MINUTE).await;
        let done =
            world.count("SELECT count(*) FROM accounts a JOIN media m ON m.account_id = a.id");
        assert_eq!(done, 40, "the other token's accounts were held up");
        process.progress.waiting()
    });
    let summary = summary.unwrap();
    assert_eq!(summary.verdict(), Verdict::Complete);
    world.assert_complete();
    assert!(
        matches!(waiting, Some(Waiting { others: 0, .. })),
        "{waiting:?}"
    );
    assert!(waiting.unwrap().why.contains("pool user:"));
    assert_eq!((summary.jobs.len(), summary.discovery_calls), (8, 3));
    assert_eq!(world.calls("/me/accounts").len(), 3);
    // All of it is one start.
    assert_eq!(
        world.count("SELECT count(DISTINCT started_by) FROM sync_runs"),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_finished_before_is_not_read_again_because_its_token_was_asked_later() {
    let world = World::new(two_tokens()).await;
    // The first start reads the first token's accounts; of the other one's, one is missing.
    block(&world, 3, 90, 0);
    let first = world.backfill().await;
    assert!(matches!(first.verdict(), Verdict::Suspended(_)));
    sleep(100 * MINUTE).await;
    // The second start cannot ask the first token at once.
    world.simulator.clear_journal();
    world
        .simulator
        .inject(Fault::on(Match::path_ends_with("/me/accounts")).error(
            32,
            None,
            "(#32) Page request limit reached",
        ));
    let second = world.backfill_and_wait(stop_pair().1).await;
    assert_eq!(second.verdict(), Verdict::Complete);
    assert_eq!(second.jobs.len(), 1, "finished accounts were read again");
    assert_eq!(second.done_before.len(), 7);
    assert_eq!(world.calls("/media").len(), 1);
    world.assert_complete();
}

#[tokio::test]
async fn sync_says_what_it_waits_for_and_with_no_wait_leaves_with_4_and_the_time() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = "[[job]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nresources = [\"media\"]\n";
    folder.configure(&format!("{config}{job}"));
    let posts = Match::path_ends_with("/media");
    simulator.inject(Fault::on(posts).error(80_002, None, "too many calls"));
    let left = folder.run(&["sync", "nightly", "--no-wait"]).await.exits(4);
    let database = folder.database();
    let resume_at = "SELECT resume_at FROM sync_runs WHERE resume_at IS NOT NULL";
    let at: String = database.query_row(resume_at, [], |row| row.get(0)).unwrap();
    let says = format!("goes on from {at}.");
    assert!(left.stdout.contains(&says), "{}", left.stdout);

    // The time is kept: whoever waits says how long, and asks nobody meanwhile but for the accounts.
    let asked = simulator.journal().len();
    let child = spawn(&folder, &["sync", "nightly"]);
    let begins = async {
        while simulator.journal().len() == asked {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(MINUTE, begins).await.unwrap();
    // The line comes with the next drawing.
    sleep(Duration::from_millis(1_500)).await;
    signal(&child, "TERM");
    let ran = ended(child).await.exits(4);
    let is_wait = |line: &&str| line.starts_with("waiting 1");
    let waits: Vec<&str> = ran.stderr.lines().filter(is_wait).collect();
    assert_eq!(waits.len(), 1, "{}", ran.stderr);
    assert!(
        waits[0].contains(&format!("closed until {at}")),
        "{}",
        waits[0]
    );
    assert!(ran.stdout.contains(&says), "{}", ran.stdout);
    assert_eq!(simulator.journal().len(), asked + 1);
}

/// Four accounts, two for each of two users.
fn two_tokens() -> WorldSpec {
    let mut spec = WorldSpec::many_accounts(1, 4, 20);
    let ids: Vec<String> = spec.pages.iter().map(|page| page.id.clone()).collect();
    spec.tokens[0].pages = PageReach::Only(ids[..2].iter().cloned().collect());
    spec.tokens.push(TokenSpec {
        name: "other".to_owned(),
        token: "EAAotherotherotherotherother".to_owned(),
        user_id: "4711".to_owned(),
        pages: PageReach::Only(ids[2..].iter().cloned().collect()),
        ..spec.tokens[0].clone()
    });
    spec
}
