//! Three weeks of nights with more hashtags than an account may ask for, and another program that spends some of them.

use std::collections::BTreeMap;
use std::time::Duration;

use igsync::budget::Urgency;
use igsync::graph::{Client, Credential, Error, Fields, Page, Request, Shape, Tally};
use igsync::stop::stop_pair;
use igsync::sync::{HashtagError, Hashtags, World as Process};
use igsync_simulator::{HashtagSpec, WorldSpec};
use tokio::time::sleep;

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);
const ACCOUNT: &str = "17841400000000001";

fn world_of_hashtags() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let hashtag = |name: String| HashtagSpec {
        name,
        posts_per_day: 10,
        sensitive: false,
    };
    let ours = (0..40).map(|number| format!("ours{number}"));
    let theirs = (0..12).map(|number| format!("theirs{number}"));
    spec.hashtags = ours.chain(theirs).map(hashtag).collect();
    spec
}

async fn ask(
    client: &Client,
    credential: &Credential,
    path: String,
    more: Option<&str>,
) -> Result<Page, Error> {
    let user = ("user_id", ACCOUNT.to_owned());
    let question = more.map(|name| ("q", name.to_owned()));
    let request = Request {
        endpoint: "/{ig-hashtag}",
        path,
        fields: Fields::of(["id"]),
        params: [Some(user), question].into_iter().flatten().collect(),
        limit: None,
        after: None,
        shape: Shape::Edge,
        pool: credential.app_pool(),
        urgency: Urgency::Bulk,
    };
    client
        .get(credential, &request, &mut Tally::default())
        .await
}

fn id(page: &Page) -> String {
    let node: serde_json::Value = serde_json::from_str(page.items[0].get()).unwrap();
    node["id"].as_str().unwrap().to_owned()
}

/// Asks for a hashtag's recent posts, as a resource will: booked first, resolved once.
async fn read(process: &Process, hashtags: &mut Hashtags, name: &str) -> Result<(), HashtagError> {
    let credential = &process.credentials[0];
    hashtags.book(name, process.clock.now()).await?;
    let known = hashtags.id(name).map(str::to_owned);
    let hashtag = match known {
        Some(hashtag) => hashtag,
        None => {
            let search = "/ig_hashtag_search".to_owned();
            let word = name.trim_start_matches('#').to_lowercase();
            let found = ask(&process.graph, credential, search, Some(&word)).await;
            id(&found.unwrap())
        }
    };
    let recent = format!("/{hashtag}/recent_media");
    ask(&process.graph, credential, recent, None).await.unwrap();
    hashtags
        .answered(name, &hashtag, process.clock.now())
        .await?;
    Ok(())
}

/// Fails when a call was refused for want of hashtags.
#[track_caller]
fn assert_never_refused(world: &World) {
    let refused = world.simulator.journal();
    let refused = refused.iter().filter(|call| call.code == Some(18)).count();
    assert_eq!(refused, 0);
}

#[tokio::test(start_paused = true)]
async fn three_weeks_of_nights_never_ask_for_a_31st_and_each_has_its_turn() {
    let world = World::new(world_of_hashtags()).await;
    world.backfill().await;
    let names: Vec<String> = (0..40).map(|number| format!("ours{number}")).collect();
    let mut turns: BTreeMap<&str, u32> = BTreeMap::new();
    let mut told = Vec::new();
    for night in 0..21_usize {
        // Another program with the same account: during the day, and two of ours among them.
        if night % 4 == 1 {
            let client = world.client(stop_pair().1);
            for number in 0..4 {
                let name = match number {
                    3 => format!("ours{}", night * 2),
                    _ => format!("theirs{}", (night + number) % 12),
                };
                let search = "/ig_hashtag_search".to_owned();
                let asked = ask(&client, &world.credentials()[0], search, Some(&name)).await;
                // It knows nothing of what we spent; that it is refused is its own affair.
                assert!(asked.is_ok() || asked.unwrap_err().to_string().contains("code 18"));
            }
            world.simulator.clear_journal();
        }
        let process = world.process(stop_pair().1).await;
        let mut hashtags = Hashtags::open(process.store.clone(), ACCOUNT)
            .await
            .unwrap();
        let mut tally = Tally::default();
        let credential = &process.credentials[0];
        hashtags
            .learn(&process, credential, &mut tally)
            .await
            .unwrap()
            .unwrap();
        for name in hashtags.in_turn(names.iter().map(String::as_str)) {
            match read(&process, &mut hashtags, name).await {
                Ok(()) => *turns.entry(name).or_default() += 1,
                Err(error @ HashtagError::Spent { .. }) => told.push((process.clock.now(), error)),
                Err(error) => panic!("{error}"),
            }
            // Some nights end in the middle of it.
            if night % 5 == 2 && turns.values().sum::<u32>() % 17 == 0 {
                hashtags = Hashtags::open(process.store.clone(), ACCOUNT)
                    .await
                    .unwrap();
            }
        }
        assert_never_refused(&world);
        sleep(DAY + Duration::from_secs(3600) * u32::try_from(night % 3).unwrap()).await;
    }
    assert_eq!(turns.len(), 40, "somebody never had a turn: {turns:?}");
    assert!(turns.values().sum::<u32>() > 21 * 20, "{turns:?}");
    assert!(!told.is_empty());
    for (at, error) in &told {
        let HashtagError::Spent { next_at, .. } = error else {
            continue;
        };
        assert!(next_at > at && *next_at - *at <= chrono::TimeDelta::hours(7 * 24 + 1));
    }
    let searches = world.calls("/ig_hashtag_search").len();
    assert!(searches <= 40, "{searches}: ids are resolved once");
}

#[tokio::test(start_paused = true)]
async fn the_31st_is_told_when_the_next_is_free_and_is_free_then() {
    let world = World::new(world_of_hashtags()).await;
    world.backfill().await;
    let process = world.process(stop_pair().1).await;
    let mut hashtags = Hashtags::open(process.store.clone(), ACCOUNT)
        .await
        .unwrap();
    for number in 0..30 {
        read(&process, &mut hashtags, &format!("#Ours{number}"))
            .await
            .unwrap();
        sleep(Duration::from_secs(600)).await;
    }
    assert_eq!(hashtags.free(process.clock.now()), 0);
    let asked = world.simulator.journal().len();
    let error = read(&process, &mut hashtags, "ours30").await.unwrap_err();
    let HashtagError::Spent { next_at, .. } = &error else {
        panic!("{error}");
    };
    let text = igsync::clock::instant_text(*next_at);
    assert_eq!(
        error.to_string(),
        format!(
            "#ours30: 30 different hashtags count for the account within seven days; the next one can be asked for from {text} on"
        )
    );
    assert_eq!(world.simulator.journal().len(), asked, "it was asked for");
    // One of the thirty is free all the same.
    read(&process, &mut hashtags, "ours7").await.unwrap();
    let wait = (*next_at - process.clock.now()).to_std().unwrap();
    sleep(wait).await;
    read(&process, &mut hashtags, "ours30").await.unwrap();
    assert_never_refused(&world);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_answer_forgets_no_hashtag() {
    let world = World::new(world_of_hashtags()).await;
    world.backfill().await;
    for number in 0..30 {
        // Each process ends when its call is sent and before anything came back.
        let process = world.process(stop_pair().1).await;
        let mut hashtags = Hashtags::open(process.store.clone(), ACCOUNT)
            .await
            .unwrap();
        let name = format!("ours{number}");
        hashtags.book(&name, process.clock.now()).await.unwrap();
        let search = "/ig_hashtag_search".to_owned();
        let _ = ask(&process.graph, &process.credentials[0], search, Some(&name)).await;
    }
    let process = world.process(stop_pair().1).await;
    let mut hashtags = Hashtags::open(process.store.clone(), ACCOUNT)
        .await
        .unwrap();
    assert_eq!(hashtags.free(process.clock.now()), 0);
    assert!(hashtags.book("ours31", process.clock.now()).await.is_err());
    assert_eq!(
        world
            .count("SELECT count(*) FROM sync_hashtags WHERE spent_by = 'igsync' AND answered = 0"),
        30
    );
    // What was booked by name and is told by id becomes one when it is asked again.
    let credential = &process.credentials[0];
    let mut tally = Tally::default();
    hashtags
        .learn(&process, credential, &mut tally)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.count("SELECT count(*) FROM sync_hashtags"), 60);
    assert_eq!(hashtags.free(process.clock.now()), 0);
    assert_never_refused(&world);
}
