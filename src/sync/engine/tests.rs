use super::*;
use crate::budget::{self, Budget};
use crate::clock::Clock;
use crate::graph::{Client, Credential, Settings, socket_client};
use crate::resource;
use crate::stop::stop_pair;
use crate::store::{NewRun, Store, Wanted};
use crate::sync::{Group, Range};

const TOKEN: &str = "EAAtokenthatapanicmightquote";

/// A world that is asked nothing.
async fn world(folder: &tempfile::TempDir) -> Arc<World> {
    let settings = Settings {
        base_url: "http://graph.example".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let http = socket_client(&folder.path().join("nobody")).unwrap();
    let (clock, stop) = (Clock::anchored(DateTime::UNIX_EPOCH), stop_pair().1);
    let budget = Budget::new(budget::Settings::default());
    let client = Client::new(http, settings, budget, clock.clone(), stop.clone());
    let store = Store::open(&folder.path().join("igsync.db"), "a test").unwrap();
    let credential = Arc::new(Credential::new("main", TOKEN, None).unwrap());
    Arc::new(
        World::new(client, store, clock, stop, vec![credential])
            .await
            .unwrap(),
    )
}

fn job(account: &str, resource: &str) -> Job {
    Job {
        name: "nightly".to_owned(),
        account: Arc::new(Account {
            id: account.to_owned(),
            username: None,
            media_count: None,
            routes: Vec::new(),
        }),
        resource: resource::find(resource).unwrap(),
        range: Range::default(),
        names: Vec::new(),
        forecast_calls: None,
    }
}

fn add(engine: &mut Engine, job: Job, start: u64, minutes: i64) {
    let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
    engine.add(job, &Group::default(), Some(start), at);
}

/// Takes everything out that may run after so many minutes, one by one.
fn order(engine: &mut Engine, minutes: i64) -> Vec<String> {
    let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
    let mut order = Vec::new();
    while let Some((may_wait, account_id)) = engine.next(now) {
        let entry = engine.take_out(&account_id, may_wait, now).unwrap();
        engine.arrange(&account_id);
        order.push(format!("{account_id} {}", entry.job.resource.name));
    }
    order
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_entry_and_is_recorded_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let mut engine = Engine::new(&world, WhenSuspended::TryAgain);
    add(&mut engine, job("1", "media"), 7, 0);
    add(&mut engine, job("1", "comments"), 7, 0);
    let entry = engine.take_out("1", true, world.clock.now()).unwrap();
    let store = world.store.clone();
    engine.run(entry, async move {
        let run = NewRun {
            started_by: None,
            job: "nightly".to_owned(),
            account_id: Some("1".to_owned()),
            resource: "media",
            range: String::new(),
            forecast_calls: None,
            at: DateTime::UNIX_EPOCH,
        };
        store.begin_run(run).await?;
        panic!("no field in {TOKEN}");
    });
    let joined = engine.joined().await;
    let ended = engine.settle(joined).await.unwrap();
    assert_eq!((ended.len(), ended[0].goes_on_at), (1, None));
    let report = ended[0].report.as_ref().unwrap();
    assert_eq!(report.outcome, Outcome::Failed);
    let message = report.message.as_deref().unwrap();
    assert!(message.contains("no field in [REDACTED]"), "{message}");
    // The next one of the account has its turn.
    assert_eq!(order(&mut engine, 0), ["1 comments"]);
    let peek = Store::peek(&folder.path().join("igsync.db")).unwrap();
    let wanted = Wanted {
        jobs: &["nightly"],
        resources: &[],
        discovery: "discovery",
        since: DateTime::UNIX_EPOCH,
    };
    let start = peek.look(&wanted).unwrap().starts.remove(0);
    assert_eq!(start.outcomes, [("failed".to_owned(), 1)].into());
    assert_eq!(start.message.as_deref(), Some(message));
}

#[tokio::test(start_paused = true)]
async fn urgent_resources_go_first_then_accounts_in_the_order_of_their_time_each_in_registry_order()
{
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(&world(&folder).await, WhenSuspended::Wait);
    for (number, account) in ["1", "2", "3"].into_iter().enumerate() {
        for resource in ["comments", "media", "account", "stories"] {
            // The third account's time comes first.
            let minutes = 5 - i64::try_from(number).unwrap() / 2;
            add(&mut engine, job(account, resource), 1, minutes);
        }
    }
    assert!(order(&mut engine, 3).is_empty());
    let of =
        |account: &str| ["account", "media", "comments"].map(|name| format!("{account} {name}"));
    let stories = ["3", "1", "2"].map(|account| format!("{account} stories"));
    let expected = [stories.as_slice(), &of("3"), &of("1"), &of("2")].concat();
    assert_eq!(order(&mut engine, 5), expected);
}

#[tokio::test(start_paused = true)]
async fn what_waits_already_is_joined_and_everybody_who_asked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let mut engine = Engine::new(&world, WhenSuspended::TryAgain);
    add(&mut engine, job("1", "media"), 1, 0);
    add(&mut engine, job("1", "media"), 2, 0);
    let mut backfill = job("1", "media");
    backfill.name = super::super::job::BACKFILL.to_owned();
    add(&mut engine, backfill, 3, 0);
    let entry = engine.take_out("1", true, world.clock.now()).unwrap();
    let report = JobReport {
        outcome: Outcome::Failed,
        ..JobReport::new(&entry.job, false)
    };
    engine.run(entry, async { Ok(report) });
    // Joins what runs.
    add(&mut engine, job("1", "media"), 4, 0);
    let joined = engine.joined().await;
    let ended = engine.settle(joined).await.unwrap();
    assert_eq!(ended[0].starts, [1, 2, 4]);
    // It got no answer and is tried again later; the backfill reads something else.
    let again = ended[0].goes_on_at.unwrap() - DateTime::UNIX_EPOCH;
    assert_eq!(again, TimeDelta::minutes(RETRIES[0]));
    assert_eq!(order(&mut engine, 1), ["1 media"]);
    assert_eq!(order(&mut engine, RETRIES[0]), ["1 media"]);
    assert!(engine.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_watched_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let mut engine = Engine::new(&world, WhenSuspended::TryAgain);
    add(&mut engine, job("1", "media"), 1, 0);
    let entry = engine.take_out("1", true, world.clock.now()).unwrap();
    let report = JobReport::new(&entry.job, false);
    engine.run(entry, async {
        tokio::time::sleep(Duration::from_secs(3000)).await;
        Ok(report)
    });
    tokio::time::sleep(Duration::from_secs(1700)).await;
    assert!(!world.stands_still());
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert!(world.stands_still());
    engine.joined().await.unwrap().1.unwrap();
    assert!(!world.stands_still());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_nothing_wait_longer() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    world.clock.set(TimeDelta::days(40));
    let mut engine = Engine::new(&world, WhenSuspended::TryAgain);
    let ahead = 40 * 24 * 60;
    add(&mut engine, job("1", "media"), 7, ahead + 5);
    add(&mut engine, job("2", "media"), 7, ahead + 20);
    engine.fill();
    world.clock.set(TimeDelta::days(-40));
    tokio::time::sleep(Duration::from_secs(60)).await;
    // One that was meant for now when the clock was still ahead.
    add(&mut engine, job("3", "media"), 7, ahead);
    engine.mind_the_clock(world.clock.now());
    assert_eq!(order(&mut engine, 4), ["3 media"]);
    assert_eq!(order(&mut engine, 5), ["1 media"]);
    // Nothing was set since.
    tokio::time::sleep(Duration::from_secs(600)).await;
    engine.mind_the_clock(world.clock.now());
    assert_eq!(order(&mut engine, 19), [""; 0]);
    assert_eq!(order(&mut engine, 20), ["2 media"]);
}
