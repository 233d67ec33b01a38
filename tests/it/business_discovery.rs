//! Other people's professional accounts, against the simulator's oracle.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, Verdict};
use igsync_simulator::{AccountSpec, Fault, Match, Pool, WorldSpec};
use tokio::time::{Instant, sleep, sleep_until};

use crate::world::{World, assert_meets, outcomes, rows_of, selection_of_names};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An account of ours, and others with so many posts each.
fn spec(posts: &[u32]) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let other = |(number, posts): (u64, &u32)| AccountSpec {
        posts: *posts,
        hidden_likes_per_mille: 200,
        ..AccountSpec::numbered(number)
    };
    spec.others = (900..).zip(posts).map(other).collect();
    spec
}

fn id(number: u64) -> String {
    AccountSpec::numbered(number).id
}

fn selection(numbers: std::ops::Range<u64>) -> Selection {
    let names: Vec<String> = numbers
        .map(|number| format!("@Sim.Account.{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    selection_of_names("business_discovery", &names)
}

/// Fails unless the database holds what Business Discovery would tell at this moment. Gives the number of rows.
#[track_caller]
fn assert_discovered(world: &World) -> usize {
    let database = world.database();
    let tables = ["discovered_accounts", "discovered_media"];
    let rows = |table: &str| {
        let current = format!("{table}_current");
        (table.to_owned(), rows_of(&database, &current, &["id"]))
    };
    let found = tables.map(rows);
    let expected = world.simulator.world().expected(&tables);
    assert_meets(&expected, &found.into())
}

/// Calls that were answered about a name, by their field lists.
fn asked(world: &World, name: &str) -> Vec<String> {
    let field = format!("username({name})");
    let calls = world.simulator.journal().into_iter();
    let answered = calls.filter(|call| call.status == 200);
    let fields = answered.filter_map(|call| call.fields);
    fields.filter(|fields| fields.contains(&field)).collect()
}

fn gaps(world: &World) -> Vec<String> {
    world.texts(
        "SELECT object_id || ' ' || reason FROM sync_gaps
         WHERE resource = 'business_discovery' AND resolved_at IS NULL ORDER BY object_id",
    )
}

#[tokio::test(start_paused = true)]
async fn profiles_and_posts_are_those_of_the_world_and_old_posts_are_read_once_a_week() {
    let world = World::new(spec(&[130, 20, 0])).await;
    let selection = selection(900..903);
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert_eq!(assert_discovered(&world), 3 + 150);
    // Hidden is not zero, and views are told of reels only.
    let hidden = "SELECT count(*) FROM discovered_media_current WHERE like_count IS NULL";
    assert!(world.count(hidden) > 5);
    let views = "SELECT count(*) FROM discovered_media_current WHERE (view_count IS NOT NULL) <> (media_product_type = 'REELS')";
    assert_eq!(world.count(views), 0);
    let pages = asked(&world, "sim.account.900");
    assert!(pages.len() <= 4, "{pages:#?}");
    let different: BTreeSet<&String> = pages.iter().collect();
    assert_eq!(different.len(), pages.len(), "a page was paid for twice");

    world.simulator.clear_journal();
    let again = world.night(&selection).await;
    assert_eq!(again.verdict(), Verdict::Complete);
    assert_eq!(asked(&world, "sim.account.900").len(), 0);

    // A night costs a call a name; deletions of old posts are seen by the walk of the week.
    let told = world.simulator.world();
    let oldest = told.media(&id(900)).last().unwrap().id();
    let newest = told.media(&id(901)).next().unwrap().id();
    assert!(told.delete_media(&oldest) && told.delete_media(&newest));
    let deleted = "SELECT id FROM discovered_media WHERE deleted_at IS NOT NULL";
    for night in 1..7 {
        world.simulator.clear_journal();
        sleep(DAY).await;
        let summary = world.night(&selection).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        assert_eq!(asked(&world, "sim.account.900").len(), 1, "night {night}");
        assert_eq!(world.texts(deleted), std::slice::from_ref(&newest));
    }
    sleep(DAY).await;
    world.night(&selection).await;
    assert_discovered(&world);
    let all: BTreeSet<String> = world.texts(deleted).into_iter().collect();
    assert_eq!(all, [oldest, newest].into());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_means_nothing_is_left_alone_and_a_renamed_account_stays_one() {
    let world = World::new(spec(&[20])).await;
    let names = ["sim.account.900", "nobody.here"];
    let selection = selection_of_names("business_discovery", &names);
    let calls = |world: &World, name: &str| {
        let field = format!("username({name})");
        let calls = world.simulator.journal().into_iter();
        calls
            .filter(|call| {
                call.fields
                    .as_ref()
                    .is_some_and(|fields| fields.contains(&field))
            })
            .count()
    };
    let summary = world.night(&selection).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(gaps(&world), ["nobody.here gone"]);
    assert_discovered(&world);
    for _ in 0..6 {
        sleep(DAY).await;
        assert_eq!(world.night(&selection).await.verdict(), Verdict::Complete);
    }
    assert_eq!(calls(&world, "nobody.here"), 1);

    let told = world.simulator.world();
    assert!(told.rename_account(&id(900), "new.name"));
    sleep(DAY + DAY).await;
    world.night(&selection).await;
    assert_eq!(calls(&world, "nobody.here"), 2);
    assert_eq!(gaps(&world), ["nobody.here gone", "sim.account.900 gone"]);
    let renamed = selection_of_names("business_discovery", &["new.name"]);
    sleep(DAY).await;
    assert_eq!(world.night(&renamed).await.verdict(), Verdict::Complete);
    assert_discovered(&world);
    assert_eq!(
        world.texts("SELECT username FROM discovered_accounts"),
        ["new.name"]
    );
}

#[tokio::test(start_paused = true)]
async fn with_few_calls_every_name_has_its_turn_some_night() {
    let world = World::new(spec(&[5; 300])).await;
    world.simulator.allow(&Pool::PlatformApp, 200);
    let selection = selection(900..1200);
    for night in 0..2 {
        let summary = world.night(&selection).await;
        let jobs = outcomes(&summary);
        let last = jobs.last().unwrap();
        assert!(last.ends_with("suspended"), "night {night}: {jobs:?}");
        sleep(DAY).await;
    }
    assert_eq!(world.count("SELECT count(*) FROM discovered_accounts"), 300);
    let refused = world.simulator.journal();
    let refused = refused.iter().filter(|call| call.code == Some(4)).count();
    assert_eq!(refused, 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_not_larger_than_a_pool_that_nobody_knew_to_be_small() {
    for calls in [20, 40, 60] {
        let world = World::new(spec(&[5; 120])).await;
        world.simulator.allow(&Pool::PlatformApp, calls);
        for _ in 0..12 {
            world.night(&selection(900..1020)).await;
            sleep(2 * Duration::from_secs(3600)).await;
        }
        let count = world.count("SELECT count(*) FROM discovered_accounts");
        assert_eq!(count, 120, "a pool of {calls}");
        let refused = world.simulator.journal();
        let refused = refused.iter().filter(|call| call.while_blocked).count();
        assert_eq!(refused, 0, "a pool of {calls}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_was_cut_off_goes_on_and_pays_for_no_page_twice() {
    let world = World::new(spec(&[400, 30])).await;
    let begun = Instant::now();
    let selection = selection(900..902);
    let failing = Match::any()
        .with_parameter("fields", ".after(")
        .after_calls(4);
    world
        .simulator
        .inject(Fault::on(failing).always().html(503));
    let summary = world.night(&selection).await;
    assert_ne!(summary.verdict(), Verdict::Complete);
    world.simulator.clear_faults();
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let pages = asked(&world, "sim.account.900");
    let different: BTreeSet<&String> = pages.iter().collect();
    assert_eq!(different.len(), pages.len(), "a page was paid for twice");
    assert_eq!(gaps(&world), [] as [String; 0]);
    // A backfill reads everything once more. Its walk takes two seconds, in which a view may be counted, and the retries before it took
    // random times: it begins at a moment of which it is known that none is.
    sleep_until(begun + Duration::from_secs(3600)).await;
    world.simulator.clear_journal();
    let summary = world
        .start(&selection, Range::default(), stop_pair().1)
        .await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(asked(&world, "sim.account.900").len(), pages.len());
    assert_discovered(&world);
}
