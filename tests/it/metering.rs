//! Which pools a call asks for a permit, and what its answer says about them.

use std::future::Future;
use std::time::Duration;

use igsync::budget::{PoolKey, PoolState, Urgency};
use igsync::graph::{Client, Credential, Error, Fields, Request, Shape, Tally};
use igsync::stop::stop_pair;
use igsync::sync::{Range, Verdict};
use igsync_simulator::{Fault, Match, Pool, TokenSpec, UsageHeader, WorldSpec};

use crate::world::{World, of_posts};

pub const ACCOUNT: &str = "17841400000000001";
const OTHER: &str = "17841400000000002";

fn pool(account: &str) -> PoolKey {
    PoolKey::Buc {
        account_id: account.to_owned(),
    }
}

pub async fn ask(
    client: &Client,
    credential: &Credential,
    path: String,
    fields: Fields,
    pool: PoolKey,
) -> Result<(), Error> {
    let request = Request {
        endpoint: "/{node}",
        path,
        fields,
        params: Vec::new(),
        limit: None,
        after: None,
        shape: Shape::Node,
        pool,
        urgency: Urgency::Bulk,
    };
    let mut tally = Tally::default();
    client.get(credential, &request, &mut tally).await.map(drop)
}

/// A call to an account, metered in the account's pool.
pub async fn read(client: &Client, credential: &Credential, account: &str) -> Result<(), Error> {
    let fields = Fields::of(["id", "username"]);
    ask(
        client,
        credential,
        format!("/{account}"),
        fields,
        pool(account),
    )
    .await
}

/// A call that is metered in the app's pool.
pub async fn discover(client: &Client, credential: &Credential, other: &str) -> Result<(), Error> {
    let field = format!("business_discovery.username({other})");
    let fields = Fields::default().with(&field, Fields::of(["username"]));
    let path = format!("/{ACCOUNT}");
    ask(client, credential, path, fields, credential.app_pool()).await
}

/// The pool that a call was not sent for.
#[track_caller]
fn closed(result: Result<(), Error>) -> PoolKey {
    match result {
        Err(Error::Closed { pool, .. }) => pool,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_app_holds_up_no_account_and_no_account_another() {
    let world = World::new(WorldSpec::many_accounts(1, 3, 5)).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    let (username, full) = ("sim.account.3", 95);
    world.simulator.hold(&Pool::PlatformApp, full);
    discover(&client, main, username).await.unwrap();
    assert_eq!(
        closed(discover(&client, main, username).await),
        main.app_pool()
    );
    read(&client, main, ACCOUNT).await.unwrap();
    world
        .simulator
        .hold(&Pool::BucInstagram(ACCOUNT.to_owned()), full);
    read(&client, main, ACCOUNT).await.unwrap();
    assert_eq!(closed(read(&client, main, ACCOUNT).await), pool(ACCOUNT));
    read(&client, main, OTHER).await.unwrap();
    // The full account's pool is no reason either to leave the app's alone.
    tokio::time::sleep(Duration::from_secs(600)).await;
    world.simulator.hold(&Pool::PlatformApp, 0);
    discover(&client, main, username).await.unwrap();
    assert_eq!(closed(read(&client, main, ACCOUNT).await), pool(ACCOUNT));
}

#[tokio::test(start_paused = true)]
async fn credentials_of_one_app_share_its_pool() {
    let mut spec = WorldSpec::many_accounts(1, 2, 5);
    spec.tokens.push(TokenSpec {
        name: "second".to_owned(),
        token: "EAAsecondsecondsecondsecond".to_owned(),
        ..spec.tokens[0].clone()
    });
    let world = World::new(spec).await;
    let client = world.client(stop_pair().1);
    let [first, second] = world.credentials() else {
        panic!("two tokens");
    };
    assert_eq!(first.app_pool(), second.app_pool());
    assert_ne!(first.user_pool(), second.user_pool());
    world.simulator.hold(&Pool::PlatformApp, 95);
    discover(&client, first, "sim.account.2").await.unwrap();
    let asked = world.simulator.journal().len();
    let answer = discover(&client, second, "sim.account.2").await;
    assert_eq!(closed(answer), first.app_pool());
    assert_eq!(world.simulator.journal().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn an_account_told_by_the_app_alone_asks_its_pool_until_its_own_header_comes() {
    let mut spec = WorldSpec::many_accounts(1, 2, 5);
    spec.rules.user_token_header = UsageHeader::App;
    let world = World::new(spec).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    // Before anything was told, it is metered in its own pool as far as anyone knows.
    world.simulator.hold(&Pool::PlatformApp, 95);
    read(&client, main, ACCOUNT).await.unwrap();
    assert_eq!(closed(read(&client, main, ACCOUNT).await), main.app_pool());
    read(&client, main, OTHER).await.unwrap();
    assert_eq!(closed(read(&client, main, OTHER).await), main.app_pool());

    world.simulator.hold(&Pool::PlatformApp, 0);
    tokio::time::sleep(Duration::from_secs(3700)).await;
    let own = format!(
        "{{\"{ACCOUNT}\":[{{\"type\":\"instagram\",\"call_count\":1,\"total_cputime\":0,\"total_time\":1,\
         \"estimated_time_to_regain_access\":0}}]}}"
    );
    let only_own = Fault::on(Match::path_ends_with(ACCOUNT))
        .without_usage_headers()
        .header("x-business-use-case-usage", &own);
    world.simulator.inject(only_own);
    read(&client, main, ACCOUNT).await.unwrap();
    // The other one is told by the app still, and closes it for itself alone.
    world.simulator.hold(&Pool::PlatformApp, 95);
    read(&client, main, OTHER).await.unwrap();
    read(&client, main, ACCOUNT).await.unwrap();
    assert_eq!(closed(read(&client, main, OTHER).await), main.app_pool());
    // So it is in the next process.
    let next = world.client(stop_pair().1);
    for (key, state) in client.budget().states(world.now()) {
        next.budget().restore(&key, state, world.now());
    }
    let asked = world.simulator.journal().len();
    assert_eq!(closed(read(&next, main, OTHER).await), main.app_pool());
    assert_eq!(world.simulator.journal().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_gives_its_place_back() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    let never = Match::path_ends_with(ACCOUNT);
    world.simulator.inject(Fault::on(never).times(3).hang());
    for _ in 0..3 {
        // Nothing was read yet, so one request may be in flight. Whoever asked loses patience.
        let patience = Duration::from_secs(5);
        let asked = tokio::time::timeout(patience, read(&client, main, ACCOUNT)).await;
        assert!(asked.is_err());
    }
    let patience = Duration::from_secs(5);
    let asked = tokio::time::timeout(patience, read(&client, main, ACCOUNT)).await;
    asked.expect("the place is held for ever").unwrap();
    // Each of them may have been counted.
    let state = client.budget().state(&pool(ACCOUNT), world.now()).unwrap();
    assert_eq!((state.own_calls, world.simulator.journal().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_one_request_is_in_flight_until_a_reading() {
    let world = World::new(WorldSpec::many_accounts(1, 1, 5)).await;
    let main = &world.credentials()[0];
    world
        .simulator
        .hold(&Pool::BucInstagram(ACCOUNT.to_owned()), 40);
    let before = world.client(stop_pair().1);
    read(&before, main, ACCOUNT).await.unwrap();
    let state = before.budget().state(&pool(ACCOUNT), world.now()).unwrap();
    let after = world.client(stop_pair().1);
    after.budget().restore(&pool(ACCOUNT), state, world.now());
    world.simulator.clear_journal();
    let slow = Fault::on(Match::path_ends_with(ACCOUNT)).always();
    world.simulator.inject(slow.delay(Duration::from_secs(9)));
    let all = async {
        tokio::join!(
            read(&after, main, ACCOUNT),
            read(&after, main, ACCOUNT),
            read(&after, main, ACCOUNT),
            read(&after, main, ACCOUNT),
        )
    };
    let begun = tokio::time::Instant::now();
    let (one, two, three, four) = all.await;
    for result in [one, two, three, four] {
        result.unwrap();
    }
    let times: Vec<i64> = world
        .simulator
        .journal()
        .iter()
        .map(|call| call.at.timestamp())
        .collect();
    // The first alone; when it was answered, the others together.
    assert!(times[1] - times[0] >= 9, "{times:?}");
    assert!(times[3] - times[1] <= 1, "{times:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// How many of twelve calls that are wanted at once are on their way together while others hold so many percent of the pool.
async fn in_flight_beside(percent: u64) -> usize {
    let world = World::new(WorldSpec::many_accounts(1, 2, 5)).await;
    let client = world.client(stop_pair().1);
    let main = &world.credentials()[0];
    world.simulator.allow(&Pool::PlatformApp, 200);
    world.simulator.hold(&Pool::PlatformApp, percent);
    discover(&client, main, "sim.account.2").await.unwrap();
    world.simulator.clear_journal();
    let slow = Fault::on(Match::path_ends_with(ACCOUNT)).always();
    world.simulator.inject(slow.delay(Duration::from_secs(9)));
    let wanted = (0..12).map(|_| Box::pin(discover(&client, main, "sim.account.2")));
    let mut wanted: Vec<_> = wanted.collect();
    let all = std::future::poll_fn(|context| {
        wanted.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if wanted.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    });
    all.await;
    let journal = world.simulator.journal();
    // The next ones are sent when the first was answered, and take as long.
    let together = journal[0].at + chrono::TimeDelta::seconds(5);
    journal.iter().filter(|call| call.at < together).count()
}

#[tokio::test(start_paused = true)]
async fn the_nearer_the_ceiling_the_fewer_calls_are_on_their_way_together() {
    let (far, near, nearest) = (
        in_flight_beside(20).await,
        in_flight_beside(73).await,
        in_flight_beside(77).await,
    );
    assert_eq!((far, nearest), (8, 1), "{near} in between");
    assert!((2..=4).contains(&near), "{near}");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_pools_goes_through_the_database_unharmed() {
    let mut spec = WorldSpec::many_accounts(1, 2, 120);
    spec.rules.user_token_header = UsageHeader::App;
    let world = World::new(spec).await;
    let refused = Fault::on(Match::path_ends_with(&format!("{OTHER}/media")).after_calls(1));
    world
        .simulator
        .inject(refused.error(80_002, None, "too many calls"));
    let before = world.process(stop_pair().1).await;
    before
        .graph
        .budget()
        .reserve(&pool(ACCOUNT), 7, world.now());
    let posts = of_posts();
    let summary = igsync::sync::backfill(&before, &posts, Range::default()).await;
    let verdict = summary.unwrap().verdict();
    assert!(matches!(verdict, Verdict::Suspended(_)), "{verdict:?}");
    // Instants of readings are kept in whole seconds.
    let known = |process: &igsync::sync::World| {
        let mut states = process.graph.budget().states(world.now());
        for (_, state) in &mut states {
            state.reading = state.reading.map(|(reading, _)| (reading, world.now()));
        }
        states
    };
    let states = known(&before);
    drop(before);
    let after = world.process(stop_pair().1).await;
    assert_eq!(known(&after), states);
    let told =
        |pick: fn(&PoolState) -> bool| states.iter().filter(|(_, state)| pick(state)).count();
    assert_eq!(told(|state| state.told_by_app), 2);
    assert_eq!(told(|state| state.reserved.is_some()), 1);
    assert_eq!(told(|state| state.block.refusals == 1), 1);
    assert!(told(|state| state.own_calls > 2) >= 2);
}

#[tokio::test(start_paused = true)]
async fn conversation_calls_keep_to_two_a_second() {
    let mut spec = WorldSpec::small(1);
    spec.pages[0].account.as_mut().unwrap().conversations = 3;
    let world = World::new(spec).await;
    let client = world.client(stop_pair().1);
    let page = world.simulator.world().spec().pages[0].id.clone();
    // Conversations are read with the Page's own token.
    let token = world.page_token(&page).await;
    let credential = Credential::new(
        "page",
        &token,
        Some(&world.simulator.world().spec().app.secret),
    );
    let credential = credential.unwrap();
    let pool = PoolKey::Messenger {
        page_id: page.clone(),
    };
    let mut tally = Tally::default();
    let begun = tokio::time::Instant::now();
    for _ in 0..12 {
        let request = Request {
            endpoint: "/{page}/conversations",
            path: format!("/{page}/conversations"),
            fields: Fields::default(),
            params: vec![("platform", "instagram".to_owned())],
            limit: None,
            after: None,
            shape: Shape::Edge,
            pool: pool.clone(),
            urgency: Urgency::Bulk,
        };
        client.get(&credential, &request, &mut tally).await.unwrap();
    }
    let calls = world.calls("/conversations");
    assert_eq!(calls.len(), 12);
    assert!(calls.iter().all(|call| call.code.is_none()), "{calls:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "far slower than Meta allows"
    );
    // What Meta tells of the pool is booked in it, and not in the account's.
    let state = client.budget().state(&pool, world.now()).unwrap();
    assert!(state.reading.is_some());
    assert!(
        client
            .budget()
            .state(&self::pool(ACCOUNT), world.now())
            .is_none()
    );
}
