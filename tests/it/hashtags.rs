//! Hashtags: what they show, night after night, and the 30 that an account may ask for, with another program that spends some of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use igsync::budget::Urgency;
use igsync::graph::{Client, Credential, Error, Fields, Page, Request, Shape, Tally};
use igsync::stop::stop_pair;
use igsync::sync::{Hashtags, Verdict};
use igsync_simulator::{Fault, HashtagSpec, Match, Pool, WorldSpec};
use tokio::time::sleep;

use crate::world::{World, assert_meets, outcomes, rows_of, selection_of_names};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ACCOUNT: &str = "17841400000000001";

fn hashtag(name: &str, posts_per_day: u32) -> HashtagSpec {
    HashtagSpec {
        name: name.to_owned(),
        posts_per_day,
        sensitive: false,
    }
}

fn world_of_hashtags() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let ours = (0..40).map(|number| hashtag(&format!("ours{number}"), 10));
    let theirs = (0..12).map(|number| hashtag(&format!("theirs{number}"), 10));
    spec.hashtags = ours.chain(theirs).collect();
    spec
}

/// A hashtag of several pages, a quiet one, and one that is sensitive.
fn coffee_and_tea() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let sensitive = HashtagSpec {
        sensitive: true,
        ..hashtag("secret", 10)
    };
    spec.hashtags = vec![hashtag("coffee", 120), hashtag("tea", 4), sensitive];
    spec
}

/// What every hashtag showed on the last day on which it was read.
const LAST_SHOWN: &str = "(SELECT m.hashtag_id, m.edge, m.rank, m.like_count, m.comments_count, p.*
    FROM hashtag_media m JOIN hashtag_posts p ON p.id = m.media_id
    WHERE m.day = (SELECT max(day) FROM hashtag_media WHERE hashtag_id = m.hashtag_id AND edge = m.edge))";

/// Fails unless the database holds what the latest readings were told. Gives the number of rows.
#[track_caller]
fn assert_shown(world: &World) -> usize {
    let database = world.database();
    let tables = [
        ("hashtags", rows_of(&database, "hashtags", &["id"])),
        (
            "hashtag_media",
            rows_of(&database, LAST_SHOWN, &["hashtag_id", "edge", "id"]),
        ),
    ];
    let tables = tables.map(|(table, rows)| (table.to_owned(), rows));
    let expected = world.simulator.expected(&["hashtags", "hashtag_media"]);
    assert_meets(&expected, &tables.into())
}

/// Gaps of hashtags that are open: object, reason and detail.
fn gaps(world: &World) -> Vec<String> {
    world.texts(
        "SELECT object_id || ' ' || reason || ': ' || detail FROM sync_gaps
         WHERE resource = 'hashtags' AND resolved_at IS NULL ORDER BY object_id",
    )
}

fn searches(world: &World, name: &str) -> usize {
    let asked = ("q".to_owned(), name.to_owned());
    let searches = world.calls("/ig_hashtag_search").into_iter();
    searches.filter(|call| call.query.contains(&asked)).count()
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

/// Fails when a call was refused for want of hashtags.
#[track_caller]
fn assert_never_refused(world: &World) {
    let refused = world.simulator.journal();
    let refused = refused.iter().filter(|call| call.code == Some(18)).count();
    assert_eq!(refused, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_hashtag_shows_is_kept_with_its_day_and_rank() {
    let world = World::new(coffee_and_tea()).await;
    let selection = selection_of_names("hashtags", &["#Coffee", "tea", "coffee"]);
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert!(assert_shown(&world) > 220);
    assert_eq!(world.calls("/ig_hashtag_search").len(), 2);
    // Three pages of a day, and the hundred most popular ones.
    let coffee = world.simulator.world().hashtag_id("coffee").unwrap();
    assert_eq!(world.calls(&format!("{coffee}/recent_media")).len(), 3);
    assert_eq!(world.calls(&format!("{coffee}/top_media")).len(), 2);
    let broken = "SELECT count(*) FROM (SELECT 1 FROM hashtag_media GROUP BY hashtag_id, edge, day
        HAVING count(*) <> max(rank) OR min(rank) <> 1 OR count(DISTINCT rank) <> count(*))";
    assert_eq!(world.count(broken), 0);
    let disordered =
        "SELECT count(*) FROM hashtag_media a JOIN hashtag_media b USING (hashtag_id, edge, day)
        WHERE edge = 'top' AND a.rank < b.rank AND b.rank <= 50 AND a.like_count < b.like_count";
    assert_eq!(world.count(disordered), 0);
    let hidden = "SELECT count(*) FROM hashtag_media WHERE like_count IS NULL";
    assert!(world.count(hidden) > 0);

    let asked = world.calls("_media").len();
    let again = world.night(&selection).await;
    assert_eq!(again.verdict(), Verdict::Complete);
    assert_eq!(world.calls("_media").len(), asked);
    sleep(DAY).await;
    world.night(&selection).await;
    assert_eq!(world.calls("/ig_hashtag_search").len(), 2);
    assert!(assert_shown(&world) > 220);
    let days = "SELECT count(DISTINCT day) FROM hashtag_media WHERE edge = 'recent'";
    assert_eq!(world.count(days), 2);
    assert_eq!(gaps(&world), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_and_what_is_sensitive_is_left_alone_for_long() {
    let world = World::new(coffee_and_tea()).await;
    let selection = selection_of_names("hashtags", &["nosuch", "secret", "coffee"]);
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Partial,
        "{:?}",
        outcomes(&summary)
    );
    assert_shown(&world);
    let open = gaps(&world);
    assert!(open[0].starts_with("nosuch gone: "), "{open:?}");
    assert!(open[1].starts_with("secret refused: "), "{open:?}");
    assert!(open[1].contains("sensitive hashtags are answered so"));
    assert_eq!(open.len(), 2);
    // An unknown error is worth some more attempts the first time.
    assert_eq!(
        (searches(&world, "nosuch"), searches(&world, "secret")),
        (1, 4)
    );
    sleep(DAY).await;
    let later = world.night(&selection).await;
    assert_eq!(later.verdict(), Verdict::Complete, "{:?}", outcomes(&later));
    assert_eq!(
        (searches(&world, "nosuch"), searches(&world, "secret")),
        (1, 4)
    );
    sleep(7 * DAY).await;
    world.night(&selection).await;
    assert_eq!(
        (searches(&world, "nosuch"), searches(&world, "secret")),
        (1, 8)
    );
    sleep(23 * DAY).await;
    world.night(&selection).await;
    assert_eq!(searches(&world, "nosuch"), 2);
}

#[tokio::test(start_paused = true)]
async fn without_the_feature_the_job_is_refused_with_a_hint_and_nothing_else_is() {
    for code in [10, 200] {
        let mut spec = coffee_and_tea();
        spec.app.public_content_access = false;
        spec.rules.hashtag_feature_code = code;
        let world = World::new(spec).await;
        let selection = selection_of_names("hashtags", &["coffee", "tea"]);
        let summary = world.night(&selection).await;
        assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
        let jobs = outcomes(&summary);
        assert!(jobs[0].ends_with("account complete"), "{jobs:?}");
        let message = summary.jobs[1].message.as_deref().unwrap();
        assert!(
            message.contains("the feature Instagram Public Content Access"),
            "{message}"
        );
        assert_eq!(world.calls("/ig_hashtag_search").len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_app_pool_holds_up_no_account_and_a_full_account_no_hashtag() {
    let world = World::new(coffee_and_tea()).await;
    let mut selection = selection_of_names("hashtags", &["coffee"]);
    selection
        .resources
        .push(igsync::resource::find("media").unwrap());
    world.simulator.hold(&Pool::PlatformApp, 95);
    let summary = world.night(&selection).await;
    let jobs = outcomes(&summary);
    assert!(
        jobs.iter().any(|job| job.ends_with("media complete")),
        "{jobs:?}"
    );
    assert!(
        jobs.iter().any(|job| job.ends_with("hashtags suspended")),
        "{jobs:?}"
    );
    world.assert_complete();

    world.simulator.hold(&Pool::PlatformApp, 0);
    sleep(2 * DAY).await;
    let jobs = outcomes(&world.night(&selection).await);
    assert!(
        jobs.iter().any(|job| job.ends_with("hashtags complete")),
        "{jobs:?}"
    );
    sleep(DAY).await;
    world
        .simulator
        .hold(&Pool::BucInstagram(ACCOUNT.to_owned()), 95);
    let jobs = outcomes(&world.night(&selection).await);
    assert!(
        jobs.iter().any(|job| job.ends_with("media suspended")),
        "{jobs:?}"
    );
    assert!(
        jobs.iter().any(|job| job.ends_with("hashtags complete")),
        "{jobs:?}"
    );
    assert_shown(&world);
}

#[tokio::test(start_paused = true)]
async fn a_plan_counts_the_lists_behind_a_search_and_says_which_hashtags_wait() {
    let world = World::new(world_of_hashtags()).await;
    let names: Vec<String> = (0..40).map(|number| format!("ours{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let selection = selection_of_names("hashtags", &names);
    let planned = async |world: &World| {
        let preview = world.plan_of("nightly", &selection).await;
        let hashtags = preview.forecast.work.iter();
        let hashtags = hashtags.filter(|work| work.job.resource.name == "hashtags");
        let calls: Vec<(u64, bool)> = hashtags.map(|work| (work.calls, work.at_least)).collect();
        let waiting = preview.waiting.into_iter();
        let waiting: Vec<_> = waiting.map(|one| (one.names.len(), one.next_at)).collect();
        (calls, waiting)
    };
    let (calls, waiting) = planned(&world).await;
    // 30 searches, each with two lists, of which nobody knows how long they are.
    assert_eq!(calls, [(90, true)]);
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].0, 10);
    let summary = world.night(&selection).await;
    let spent: u64 = summary.jobs.iter().map(|job| job.calls).sum();
    assert!(spent >= 90, "{spent}");
    sleep(DAY).await;
    let (calls, waiting) = planned(&world).await;
    assert_eq!(calls, [(60, true)]);
    assert_eq!(waiting[0].0, 10);
    let first = world.texts("SELECT min(counts_until) FROM sync_hashtags");
    assert_eq!(igsync::clock::instant_text(waiting[0].1), first[0]);
}

#[tokio::test(start_paused = true)]
async fn where_meta_does_not_tell_what_others_spent_no_new_hashtag_is_asked_for() {
    let world = World::new(world_of_hashtags()).await;
    let names: Vec<String> = (0..3).map(|number| format!("ours{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world
        .night(&selection_of_names("hashtags", &names[..1]))
        .await;
    let asked = |world: &World| [0, 1, 2].map(|name| searches(world, names[name]));
    assert_eq!(asked(&world), [1, 0, 0]);
    sleep(DAY).await;
    let told = Match::path_ends_with("/recently_searched_hashtags");
    world.simulator.inject(Fault::on(told).always().html(503));
    let summary = world.night(&selection_of_names("hashtags", &names)).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(asked(&world), [1, 0, 0]);
    let told = gaps(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with(
            "ours1 rate_limited: it is not known how many hashtags others have spent: "
        ),
        "{told:?}"
    );
    // What counts already was read again.
    let read = "SELECT count(DISTINCT day) FROM hashtag_media";
    assert_eq!(world.count(read), 2);
    world.simulator.clear_faults();
    let summary = world.night(&selection_of_names("hashtags", &names)).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(asked(&world), [1, 1, 1]);
    assert_eq!(gaps(&world), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_name_is_asked_for_by_one_account_night_after_night() {
    let mut spec = WorldSpec::many_accounts(1, 3, 5);
    spec.hashtags = (0..9)
        .map(|number| hashtag(&format!("h{number}"), 5))
        .collect();
    let world = World::new(spec).await;
    let names: Vec<String> = (0..9).map(|number| format!("h{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let selection = selection_of_names("hashtags", &names);
    let askers = |world: &World| -> BTreeSet<(String, String)> {
        let calls = world.calls("/recent_media").into_iter();
        calls
            .map(|call| {
                (
                    call.path,
                    call.query
                        .iter()
                        .find(|(name, _)| name == "user_id")
                        .unwrap()
                        .1
                        .clone(),
                )
            })
            .collect()
    };
    world.night(&selection).await;
    let first = askers(&world);
    assert_eq!(first.len(), 9);
    let users: BTreeSet<&String> = first.iter().map(|(_, user)| user).collect();
    assert_eq!(users.len(), 3);
    world.simulator.clear_journal();
    sleep(DAY).await;
    let others: Vec<&str> = names.iter().rev().copied().take(7).collect();
    world.night(&selection_of_names("hashtags", &others)).await;
    let again = askers(&world);
    assert_eq!((again.len(), again.is_subset(&first)), (7, true));
    assert_eq!(world.calls("/ig_hashtag_search").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_pages_repeat_themselves_ends() {
    let world = World::new(coffee_and_tea()).await;
    let id = world.simulator.world().hashtag_id("tea").unwrap();
    // The same page with the same cursor for ever, as nobody would notice who compares cursors.
    let page = r#"{"data":[{"id":"18000000000000001"},{"id":"18000000000000002"}],
        "paging":{"cursors":{"after":"QVFI"},"next":"https://graph.facebook.com/"}}"#;
    let again = Match::path_ends_with(&format!("{id}/recent_media"));
    world
        .simulator
        .inject(Fault::on(again).always().status(200).body(page));
    let summary = world.night(&selection_of_names("hashtags", &["tea"])).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        (outcomes(&summary), gaps(&world))
    );
    assert_eq!(world.calls("/recent_media").len(), 2);
    let ranks = "SELECT group_concat(rank) FROM hashtag_media WHERE edge = 'recent'";
    assert_eq!(world.texts(ranks), ["1,2"]);
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_was_interrupted_begins_anew() {
    let world = World::new(coffee_and_tea()).await;
    let selection = selection_of_names("hashtags", &["coffee", "tea"]);
    let failing = Match::path_ends_with("_media").after_calls(3);
    world
        .simulator
        .inject(Fault::on(failing).always().html(503));
    let summary = world.night(&selection).await;
    assert_ne!(summary.verdict(), Verdict::Complete);
    world.simulator.clear_faults();
    sleep(Duration::from_secs(1800)).await;
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert_shown(&world);
    assert_eq!(world.calls("/ig_hashtag_search").len(), 2);
    assert_eq!(gaps(&world), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn three_weeks_of_nights_never_ask_for_a_31st_and_each_has_its_turn() {
    let world = World::new(world_of_hashtags()).await;
    let names: Vec<String> = (0..40).map(|number| format!("ours{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let selection = selection_of_names("hashtags", &names);
    let mut told = 0;
    for night in 0..21_usize {
        // Another program with the same account, in the days when places are free, and with some of ours among them.
        if night % 7 == 0 {
            let client = world.client(stop_pair().1);
            for number in 0..6 {
                let name = match number {
                    5 => format!("ours{}", night * 2),
                    _ => format!("theirs{}", (night + number) % 12),
                };
                let search = "/ig_hashtag_search".to_owned();
                let asked = ask(&client, &world.credentials()[0], search, Some(&name)).await;
                asked.unwrap();
            }
        }
        if night % 5 == 2 {
            // This one ends in the middle of it.
            let patience = Duration::from_secs(6);
            let _ = tokio::time::timeout(patience, world.night(&selection)).await;
        }
        world.night(&selection).await;
        told += gaps(&world)
            .iter()
            .filter(|gap| gap.contains("the next one can be asked for from"))
            .count();
        sleep(DAY).await;
    }
    assert_never_refused(&world);
    assert!(told > 21, "{told}");
    let mut nights: BTreeMap<String, i64> = BTreeMap::new();
    for name in &names {
        let days = format!(
            "SELECT count(DISTINCT day) FROM hashtag_media WHERE edge = 'recent'
             AND hashtag_id IN (SELECT id FROM hashtags WHERE name = '{name}')"
        );
        nights.insert((*name).to_owned(), world.count(&days));
    }
    let never: Vec<_> = nights.iter().filter(|(_, days)| **days == 0).collect();
    assert!(never.is_empty(), "{never:?}");
    let all: i64 = nights.values().sum();
    assert!(all > 21 * 20, "{all} readings: places were left empty");
    let searches = world.calls("/ig_hashtag_search").len();
    assert!(searches <= 40 + 18 + 5, "{searches}: ids are resolved once");
}

#[tokio::test(start_paused = true)]
async fn the_31st_is_told_when_the_next_is_free_and_is_free_then() {
    let world = World::new(world_of_hashtags()).await;
    let names: Vec<String> = (0..31).map(|number| format!("ours{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world
        .night(&selection_of_names("hashtags", &names[..30]))
        .await;
    let selection = selection_of_names("hashtags", &names);
    sleep(Duration::from_secs(3600)).await;
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Partial,
        "{:?}",
        outcomes(&summary)
    );
    assert_eq!(searches(&world, "ours30"), 0, "it was asked for");
    let free = world.texts("SELECT min(counts_until) FROM sync_hashtags");
    let gap = format!(
        "ours30 rate_limited: #ours30: 30 different hashtags count for the account within seven days; the next one can be asked for from {} on",
        free[0]
    );
    assert_eq!(gaps(&world), [gap]);
    let free: chrono::DateTime<chrono::Utc> = free[0].parse().unwrap();
    sleep((free - world.now()).to_std().unwrap()).await;
    world.night(&selection).await;
    assert_eq!(searches(&world, "ours30"), 1);
    assert!(!gaps(&world).iter().any(|gap| gap.starts_with("ours30 ")));
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
        .unwrap();
    assert_eq!(world.count("SELECT count(*) FROM sync_hashtags"), 60);
    assert_eq!(hashtags.free(process.clock.now()), 0);
    assert_never_refused(&world);
}
