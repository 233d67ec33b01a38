//! A walk of every edge equals the world.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync_simulator::{Comparison, EDGES, JOURNAL_TABLES, ORACLE_TABLES, World, WorldSpec};
use serde_json::json;

use crate::probe::Probe;
use crate::walker::Walk;

fn spec() -> WorldSpec {
    seeded(11)
}

/// A world in which a broadcast runs from the beginning.
fn spec_with_a_broadcast() -> WorldSpec {
    let has_one = |spec: &WorldSpec| {
        let expected = World::new(spec.clone());
        let expected = expected.expected(&["live_media"]).rows;
        !expected["live_media"].is_empty()
    };
    (11..100).map(seeded).find(has_one).unwrap()
}

fn seeded(seed: u64) -> WorldSpec {
    let mut spec = WorldSpec::demo(seed);
    for account in spec
        .pages
        .iter_mut()
        .filter_map(|page| page.account.as_mut())
    {
        account.posts /= 4;
        account.lives_per_mille = 200;
        account.invites = 6;
    }
    // Somebody who is on air so often that a broadcast may run from the beginning.
    let newcomer = spec.pages[3].account.as_mut().unwrap();
    (newcomer.posts, newcomer.history_days) = (60, 6);
    // The museum is looked after by an agency.
    spec.pages[1].client_business_id = Some("2119000000000009".to_owned());
    spec.pages[1].business_id = None;
    spec.rules.comments_on_mentioning_media = true;
    // One token reads four accounts side by side here, without waiting.
    spec.meters.conversation_calls_per_second = 10_000;
    spec.meters.platform_user_calls = 1 << 20;
    spec.meters.app_users = 1 << 20;
    spec.meters.buc_instagram_calls = Some(1 << 30);
    spec
}

#[tokio::test(start_paused = true)]
async fn a_walk_of_every_edge_equals_the_world() {
    let probe = Probe::of(spec_with_a_broadcast());
    let mut walk = Walk::of(&probe);
    walk.everything().await;
    let comparison = compared(&probe, &walk);
    assert_eq!(comparison.differences, [""; 0]);
    assert!(
        comparison.not_compared.is_empty(),
        "{:?}",
        comparison.not_compared
    );
    assert!(comparison.rows > 15_000, "{}", comparison.rows);
    let empty = |table: &&str| walk.tables[*table].is_empty();
    let tables = ORACLE_TABLES.into_iter().chain(JOURNAL_TABLES);
    assert_eq!(tables.filter(empty).collect::<Vec<_>>(), [""; 0]);
    let calls = probe.simulator.journal();
    let edges = calls.iter().filter(|call| call.status == 200);
    let edges: BTreeSet<_> = edges
        .filter_map(|call| {
            call.path
                .rsplit_once('/')
                .filter(|(node, _)| !node.is_empty())
        })
        .map(|(_, edge)| edge)
        .collect();
    let served: BTreeSet<_> = EDGES.into_iter().filter(|edge| *edge != "feed").collect();
    assert_eq!(edges, served);
}

#[tokio::test(start_paused = true)]
async fn a_walk_after_a_month_of_growth_and_edits_equals_the_world() {
    let probe = Probe::of(spec());
    let world = probe.world();
    tokio::time::advance(Duration::from_secs(30 * 86_400)).await;
    let account = world.accounts().next().unwrap().id().to_owned();
    let posts: Vec<_> = world
        .media(&account)
        .filter(|post| !post.is_deleted())
        .map(|post| post.id())
        .take(6)
        .collect();
    world.delete_media(&posts[0]);
    world.edit_caption(&posts[1], None);
    world.add_likes(&posts[2], 40);
    world.hide_likes(&posts[3], true);
    world.enable_comments(&posts[4], false);
    world.publish(
        &account,
        igsync_simulator::NewPost {
            children: 4,
            ..Default::default()
        },
    );
    world.rename_account(&account, "renamed.bakery");
    tokio::time::advance(Duration::from_secs(5 * 3600)).await;
    let comparison = walked(&probe).await;
    assert_eq!(comparison.differences, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_night_read_may_stay_but_must_be_marked_as_deleted() {
    let probe = Probe::of(spec());
    let mut walk = Walk::of(&probe);
    walk.everything().await;
    let world = probe.world();
    let account = world.accounts().next().unwrap().id().to_owned();
    let commented = |post: &igsync_simulator::Media<'_>| post.comments().count() > 2;
    let posts: Vec<_> = world
        .media(&account)
        .filter(commented)
        .map(|post| post.id())
        .take(3)
        .collect();
    let comment = world.comments(&posts[1]).next().unwrap().id();
    world.delete_media(&posts[0]);
    world.delete_comment(&comment);
    world.enable_comments(&posts[2], false);
    let tables = ["media", "media_children", "media_insights", "comments"];
    let unmarked = world.expected(&tables).compare(&walk.tables).differences;
    let is_about_a_row =
        |line: &String| line.ends_with("is not in the world") || line.contains("is gone");
    assert!(
        !unmarked.iter().any(is_about_a_row),
        "without a deleted_at nothing can be marked: {unmarked:?}"
    );
    for (table, key) in [("media", &posts[0]), ("comments", &comment)] {
        let row = walk.tables.get_mut(table).unwrap().get_mut(key).unwrap();
        row.insert("deleted_at".to_owned(), json!(null));
    }
    let differences = world.expected(&tables).compare(&walk.tables).differences;
    for (table, key) in [("media", &posts[0]), ("comments", &comment)] {
        let sentence = format!("{table} {key}: is gone, and deleted_at does not say so");
        assert!(differences.contains(&sentence), "{differences:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_missed_something_differs() {
    let probe = Probe::of(spec());
    let mut walk = Walk::of(&probe);
    walk.everything().await;
    let expected = probe.world().expected(&["media", "media_current"]);
    let (first, second) = {
        let mut ids = expected.rows["media"].keys();
        (ids.next().unwrap().clone(), ids.next().unwrap().clone())
    };
    walk.tables.get_mut("media").unwrap().remove(&first);
    walk.tables
        .get_mut("media_current")
        .unwrap()
        .get_mut(&second)
        .unwrap()
        .insert("comments_count".into(), json!(-1));
    let differences = expected.compare(&walk.tables).differences;
    assert_eq!(differences.len(), 2, "{differences:?}");
    assert_eq!(differences[0], format!("media {first}: is missing"));
    assert!(differences[1].starts_with(&format!(
        "media_current {second}: comments_count is -1, in the world it is "
    )));
}

async fn walked(probe: &Probe) -> Comparison {
    let mut walk = Walk::of(probe);
    walk.everything().await;
    compared(probe, &walk)
}

fn compared(probe: &Probe, walk: &Walk<'_>) -> Comparison {
    let tables: Vec<_> = ORACLE_TABLES.into_iter().chain(JOURNAL_TABLES).collect();
    probe.simulator.expected(&tables).compare(&walk.tables)
}
