//! Change under the feet: names, accounts, tokens, permissions and versions that change between two readings or in the middle of one, and
//! what is concluded from a list that lacks something.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::resource::{RESOURCES, Resource};
use igsync::stop::stop_pair;
use igsync::store::Outcome;
use igsync::sync::{self, Range, Selection, Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::binary::{TOKEN, dump};
use crate::faults::ground::{ACCOUNT, Ground, OTHER};
use crate::faults::in_virtual_time;
use crate::faults::truth::{Keys, differences};
use crate::running::{ended, serve, slow, spawn, until_asked};
use crate::world::{World, outcomes, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn backfill(world: &World, selection: &Selection) -> Summary {
    let process = world.process(stop_pair().1).await;
    let summary = sync::backfill(&process, selection, Range::default()).await;
    summary.unwrap()
}

/// Reads a resource, alone.
async fn read(world: &World, ground: &Ground) -> Summary {
    let selection = Selection {
        resources: vec![ground.resource],
        ..ground.selection(world)
    };
    backfill(world, &selection).await
}

#[track_caller]
fn assert_read(world: &World, resource: &Resource, keys: &Keys) {
    let (wrong, rows) = differences(&world.database(), &world.simulator, resource, keys);
    assert_eq!(wrong, Vec::<String>::new(), "{}", resource.name);
    assert!(
        rows > 0 || keys.values().all(BTreeSet::is_empty),
        "{}",
        resource.name
    );
}

/// How many rows of all tables are marked as deleted.
fn deleted(world: &World) -> i64 {
    let tables = world.texts(
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'deleted_at'",
    );
    assert!(tables.len() >= 6, "{tables:?}");
    let count = |table: &String| {
        world.count(&format!(
            "SELECT count(*) FROM {table} WHERE deleted_at IS NOT NULL"
        ))
    };
    tables.iter().map(count).sum()
}

#[tokio::test(start_paused = true)]
async fn an_account_that_gets_another_name_stays_one_and_is_called_by_the_new_one() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 60)).await;
    world.backfill().await;
    let of = |name: &str| Selection {
        include: vec![name.to_owned()],
        ..selection_of(&["account", "media"])
    };
    tokio::time::sleep(DAY).await;
    assert!(
        world
            .simulator
            .world()
            .rename_account(ACCOUNT, "another.name")
    );
    let summary = backfill(&world, &of("sim.account.1")).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(summary.unreached, ["sim.account.1"]);
    for name in ["Another.Name", ACCOUNT] {
        let summary = backfill(&world, &of(name)).await;
        assert_eq!(summary.verdict(), Verdict::Complete, "{name}: {summary:?}");
        assert_eq!(outcomes(&summary).len(), 2);
    }
    assert_eq!(
        world.texts("SELECT username FROM accounts ORDER BY id"),
        ["another.name", "sim.account.2"]
    );
    world.assert_complete();
    assert_eq!(deleted(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_gets_another_name_in_the_middle_of_its_list_is_read_to_its_end() {
    let world = World::new(WorldSpec::single_account(1, 300)).await;
    let slow = Fault::on(Match::path_ends_with("/media")).always();
    world.simulator.inject(slow.delay(Duration::from_secs(10)));
    let process = world.process(stop_pair().1).await;
    let selection = selection_of(&["account", "media"]);
    let running = tokio::spawn(async move {
        sync::backfill(&process, &selection, Range::default())
            .await
            .unwrap()
    });
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(
        world
            .simulator
            .world()
            .rename_account(ACCOUNT, "another.name")
    );
    let summary = running.await.unwrap();
    assert_eq!(summary.verdict(), Verdict::Complete);
    // Posts bear the name that was told with them.
    let names = "SELECT DISTINCT username FROM media ORDER BY 1";
    assert_eq!(world.texts(names), ["another.name", "sim.account.1"]);
    world.simulator.clear_faults();
    world.backfill().await;
    world.assert_complete();
    assert_eq!(deleted(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_no_token_reaches_any_more_is_missed_though_nobody_names_it() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 30)).await;
    let all = selection_of(&["account", "media"]);
    assert_eq!(world.night(&all).await.verdict(), Verdict::Complete);
    let rows = world.rows_of_posts(ACCOUNT);
    assert!(world.simulator.world().link_account(ACCOUNT, false));
    let gap = "SELECT account_id || ' ' || reason FROM sync_gaps WHERE account_id IS NOT NULL AND resource = 'discovery' AND resolved_at IS NULL";
    for _ in 0..2 {
        tokio::time::sleep(DAY).await;
        let summary = world.night(&all).await;
        assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
        assert_eq!(summary.lost, ["sim.account.1"]);
        // The other one is read as ever.
        assert_eq!(summary.jobs.len(), 2);
        assert_eq!(world.texts(gap), [format!("{ACCOUNT} gone")]);
    }
    assert_eq!(world.rows_of_posts(ACCOUNT), rows);
    assert_eq!(deleted(&world), 0);

    // Who asks for another one, or leaves it out, does not miss it.
    let other = Selection {
        accounts: vec![OTHER.to_owned()],
        ..all.clone()
    };
    assert_eq!(world.night(&other).await.verdict(), Verdict::Complete);
    assert_eq!(world.texts(gap).len(), 1);
    let without = Selection {
        exclude: vec!["sim.account.1".to_owned()],
        ..all.clone()
    };
    assert!(world.night(&without).await.lost.is_empty());
    assert_eq!(world.texts(gap), Vec::<String>::new());

    // A token that cannot be asked may reach it.
    let pages = Match::path_ends_with("/me/accounts");
    world.simulator.inject(Fault::on(pages).always().html(503));
    let summary = world.night(&all).await;
    assert!(summary.lost.is_empty(), "{summary:?}");
    assert_eq!(world.texts(gap), Vec::<String>::new());
    world.simulator.clear_faults();

    assert_eq!(world.night(&all).await.lost.len(), 1);
    assert!(world.simulator.world().link_account(ACCOUNT, true));
    let summary = world.night(&all).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.texts(gap), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_vanishes_is_said_to_be_missing_and_goes_on_where_it_was_when_it_is_back() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 300)).await;
    let account = Match::path_ends_with(&format!("{ACCOUNT}/media"));
    world
        .simulator
        .inject(Fault::on(account.after_calls(2)).times(6).html(503));
    let both = Selection {
        include: vec![ACCOUNT.to_owned(), OTHER.to_owned()],
        ..selection_of(&["account", "media"])
    };
    assert_eq!(backfill(&world, &both).await.verdict(), Verdict::Partial);
    let rows = world.rows_of_posts(ACCOUNT);
    assert!(rows > 100);

    world.simulator.clear_journal();
    assert!(world.simulator.world().link_account(ACCOUNT, false));
    for _ in 0..3 {
        let summary = backfill(&world, &both).await;
        assert_eq!(summary.verdict(), Verdict::OperatorNeeded, "{summary:?}");
        assert_eq!(summary.unreached, [ACCOUNT]);
        assert_eq!(world.rows_of_posts(ACCOUNT), rows);
        tokio::time::sleep(DAY).await;
    }
    assert_eq!(world.calls(&format!("{ACCOUNT}/media")).len(), 0);
    assert_eq!(deleted(&world), 0);

    assert!(world.simulator.world().link_account(ACCOUNT, true));
    let summary = backfill(&world, &both).await;
    let job = summary
        .jobs
        .iter()
        .find(|job| job.account_id == ACCOUNT && job.resource == "media");
    assert!(job.unwrap().resumed, "{summary:?}");
    world.assert_no_page_twice(&format!("{ACCOUNT}/media"));
    assert_eq!(backfill(&world, &both).await.verdict(), Verdict::Complete);
    world.assert_complete();
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_taken_in_the_middle_deletes_nothing_and_is_enough_when_it_is_given_back() {
    let mut spec = WorldSpec::many_accounts(1, 2, 60);
    for page in &mut spec.pages {
        page.account.as_mut().unwrap().posts_per_week = 0;
    }
    let world = World::new(spec).await;
    world.backfill().await;
    let page = world.simulator.world().spec().pages[0].id.clone();
    assert!(world.simulator.world().set_tasks(&page, &[]));
    tokio::time::sleep(DAY).await;
    world.backfill().await;
    assert_eq!(deleted(&world), 0);
    world.assert_complete();
    let tasks = [
        "ADVERTISE",
        "ANALYZE",
        "CREATE_CONTENT",
        "MANAGE",
        "MESSAGING",
        "MODERATE",
    ];
    assert!(world.simulator.world().set_tasks(&page, &tasks));
    assert_eq!(world.backfill().await.verdict(), Verdict::Complete);
    world.assert_complete();
}

#[tokio::test]
async fn a_token_that_is_replaced_in_its_file_goes_on_at_the_same_page() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 600)).await;
    slow(&simulator, 60);
    let posts = ["backfill", "--resource", "media"];
    let child = spawn(&folder, &posts);
    until_asked(&simulator, 3).await;
    let new = "EAAanothertokenanothertokenanothertoken";
    assert!(simulator.world().replace_token(TOKEN, new, None));
    let ran = ended(child).await.exits(5);
    assert!(ran.stdout.contains("replace the token"), "{}", ran.stdout);
    let calls = simulator.journal().len();
    folder.run(&posts).await.exits(5);
    assert_eq!(
        simulator.journal().len(),
        calls + 1,
        "a dead token was used again and again"
    );

    folder.write("token", new);
    let last = folder
        .run(&["backfill", "--resource", "media", "--json"])
        .await
        .exits(0);
    assert_eq!(last.json()["jobs"][0]["resumed"], true);
    crate::world::assert_complete(&folder.database(), &simulator);
    let pages = simulator.journal().into_iter();
    let pages = pages.filter(|call| call.path.ends_with("/media") && call.status == 200);
    let pages: Vec<Option<String>> = pages.map(|call| call.after).collect();
    let distinct: BTreeSet<&Option<String>> = pages.iter().collect();
    assert_eq!(distinct.len(), pages.len(), "a page was paid for twice");
}

#[test]
fn a_permission_that_is_withdrawn_takes_nothing_away_and_is_enough_when_it_is_granted_again() {
    for resource in RESOURCES {
        in_virtual_time(async {
            let ground = Ground::of(resource).await;
            let world = ground.world().await;
            let name = resource.name;
            assert_eq!(
                read(&world, &ground).await.verdict(),
                Verdict::Complete,
                "{name}"
            );
            let before = dump(&world.database());
            // What is read weekly is due, too.
            tokio::time::sleep(11 * DAY).await;

            let token = world.simulator.world().spec().tokens[0].token.clone();
            let permission = resource.permissions[0];
            world
                .simulator
                .world()
                .withdraw_permission(&token, permission);
            let summary = read(&world, &ground).await;
            assert_eq!(
                summary.verdict(),
                Verdict::OperatorNeeded,
                "{name}: {summary:#?}"
            );
            let job = summary.jobs.iter().find(|job| job.account_id == ACCOUNT);
            assert_eq!(job.unwrap().outcome, Outcome::Refused, "{name}");
            let open = format!("{name} no_permission");
            assert!(
                world.open_gaps().contains(&open),
                "{name}: {:?}",
                world.open_gaps()
            );
            let after = dump(&world.database());
            let lost: Vec<_> = before.iter().filter(|row| !after.contains(row)).collect();
            // Discovery still tells what the accounts are called and how much they have.
            let of_discovery = |row: &&&String| row.starts_with("account");
            assert_eq!(
                lost.iter().filter(|row| !of_discovery(row)).count(),
                0,
                "{name}: {lost:#?}"
            );
            assert_eq!(deleted(&world), 0, "{name}");

            tokio::time::sleep(Duration::from_secs(60)).await;
            world.simulator.world().grant_permission(&token, permission);
            let summary = read(&world, &ground).await;
            assert_eq!(summary.verdict(), Verdict::Complete, "{name}: {summary:#?}");
            assert!(
                !world.open_gaps().contains(&open),
                "{name}: {:?}",
                world.open_gaps()
            );
            assert_read(&world, resource, &now(&world, &ground));
        });
    }
}

/// What has to be there when some days have passed: what was read on the first day and can still be seen.
fn now(world: &World, ground: &Ground) -> Keys {
    let mut keys = ground.keys.clone();
    let is_moving = ["stories", "story_insights", "hashtag_media", "live_media"];
    keys.retain(|table, _| !is_moving.contains(&table.as_str()));
    let tables: Vec<&str> = keys.keys().map(String::as_str).collect();
    let expected = world.simulator.expected(&tables);
    let tables = ground.keys.keys();
    let empty = tables.filter(|table| !keys.contains_key(*table));
    let empty: Keys = empty
        .map(|table| (table.clone(), BTreeSet::new()))
        .collect();
    for (table, keys) in &mut keys {
        keys.retain(|key| expected.rows[table].contains_key(key));
    }
    keys.extend(empty);
    keys
}

#[tokio::test(start_paused = true)]
async fn a_version_that_expires_is_told_and_the_next_version_reads_all_of_it() {
    let world = World::new(WorldSpec::small(1)).await;
    assert_eq!(world.backfill().await.served_instead, None);
    world.simulator.world().expire_version("v25.0");
    tokio::time::sleep(DAY).await;
    let summary = world.backfill().await;
    // The oldest one serves it, silently; what that does not know is a gap.
    assert_eq!(summary.served_instead.as_deref(), Some("v21.0"));
    assert_eq!(
        summary.verdict() == Verdict::Complete,
        world.open_gaps().is_empty()
    );
    assert_eq!(deleted(&world), 0);
    world.assert_complete();

    let world = world.asking_for("v26.0");
    tokio::time::sleep(8 * DAY).await;
    let summary = world.backfill().await;
    assert_eq!(
        (summary.verdict(), summary.served_instead),
        (Verdict::Complete, None)
    );
    world.assert_complete();
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}

/// Lists whose rows are marked as deleted when a list lacks them, their paths, and the table.
const JUDGED: [(&str, &str, &str); 3] = [
    ("media", "/media", "media"),
    ("tags", "/tags", "tagged_media"),
    (
        "collaborative_media",
        "/collaborative_media",
        "collaborative_media",
    ),
];

#[test]
fn a_cursor_that_dies_costs_a_walk_and_no_post_of_any_list() {
    for (resource, path, _) in JUDGED {
        in_virtual_time(async {
            let ground = Ground::of(igsync::resource::find(resource).unwrap()).await;
            let world = ground.world().await;
            let later = Match::path_ends_with(&format!("{ACCOUNT}{path}")).after_calls(2);
            world.simulator.inject(Fault::on(later).dead_cursor());
            let summary = read(&world, &ground).await;
            assert_eq!(summary.verdict(), Verdict::Complete, "{resource}");
            assert_read(&world, ground.resource, &ground.keys);
            assert_eq!(deleted(&world), 0, "{resource}");
            // Twice in one walk it is given up, and the next start reads all of it.
            let always =
                Match::path_ends_with(&format!("{ACCOUNT}{path}")).with_parameter("after", "");
            world
                .simulator
                .inject(Fault::on(always).always().dead_cursor());
            assert_eq!(
                read(&world, &ground).await.verdict(),
                Verdict::Partial,
                "{resource}"
            );
            assert_eq!(deleted(&world), 0, "{resource}");
            world.simulator.clear_faults();
            read(&world, &ground).await;
            assert_eq!(
                read(&world, &ground).await.verdict(),
                Verdict::Complete,
                "{resource}"
            );
            assert_read(&world, ground.resource, &ground.keys);
            assert_eq!(deleted(&world), 0, "{resource}");
        });
    }
}

/// Ways in which a list lacks everything or something without anything being deleted.
fn no_proofs(path: &str) -> Vec<(&'static str, Fault)> {
    let first = || Match::path_ends_with(&format!("{ACCOUNT}{path}"));
    let later = || first().after_calls(1);
    let refused = |code, subcode, text| Fault::on(first()).always().error(code, subcode, text);
    vec![
        ("no permission", refused(10, None, "(#10) Application does not have permission for this action")),
        ("gone or not permitted", refused(100, Some(33), "Unsupported get request.")),
        ("a dead token", refused(190, Some(460), "Error validating access token")),
        ("a restricted account", refused(25, Some(2_207_050), "restricted")),
        ("an unavailable account", refused(9009, None, "The IG user is unavailable")),
        ("an empty list", Fault::on(first()).always().body("{\"data\":[]}")),
        ("a later page without access", Fault::on(later()).always().error(10, None, "(#10) no permission")),
        ("a later page that fails", Fault::on(later()).always().html(503)),
        ("the end of what is listed", Fault::on(later()).always().error(100, None, "(#100) The After Cursor specified exceeds the max limit supported by this endpoint")),
        ("a broken object", Fault::on(first()).body("{\"data\":[7]}")),
    ]
}

#[test]
fn access_that_is_lost_is_no_deletion() {
    for (resource, path, _) in JUDGED {
        in_virtual_time(async {
            let ground = Ground::of(igsync::resource::find(resource).unwrap()).await;
            let world = ground.world().await;
            read(&world, &ground).await;
            for (name, fault) in no_proofs(path) {
                tokio::time::sleep(DAY).await;
                world.simulator.inject(fault);
                read(&world, &ground).await;
                assert_eq!(deleted(&world), 0, "{resource}: {name}");
                world.simulator.clear_faults();
                // What was interrupted is continued, and then read from its top.
                read(&world, &ground).await;
                read(&world, &ground).await;
                assert_eq!(deleted(&world), 0, "{resource}: after {name}");
            }
            assert_read(&world, ground.resource, &now(&world, &ground));
        });
    }
}

#[test]
fn what_is_deleted_is_marked_by_a_whole_list_alone_and_the_mark_goes_when_it_is_back() {
    for (resource, path, table) in JUDGED {
        in_virtual_time(async {
            let ground = Ground::of(igsync::resource::find(resource).unwrap()).await;
            let world = ground.world().await;
            read(&world, &ground).await;
            let ids = format!(
                "SELECT id FROM {table} WHERE account_id = '{ACCOUNT}' ORDER BY timestamp DESC"
            );
            let ids = world.texts(&ids);
            let (newest, oldest) = (&ids[1], &ids[ids.len() - 2]);
            let marked = format!("SELECT id FROM {table} WHERE deleted_at IS NOT NULL");
            tokio::time::sleep(DAY).await;
            for id in [newest, oldest] {
                assert!(world.simulator.world().delete_media(id), "{resource}");
            }
            // A list that breaks off proves nothing, nor does the rest of it.
            let later = Match::path_ends_with(&format!("{ACCOUNT}{path}")).after_calls(1);
            world.simulator.inject(Fault::on(later).times(6).html(503));
            read(&world, &ground).await;
            read(&world, &ground).await;
            assert_eq!(world.texts(&marked), Vec::<String>::new(), "{resource}");

            read(&world, &ground).await;
            let found: BTreeSet<String> = world.texts(&marked).into_iter().collect();
            assert_eq!(found, [newest.clone(), oldest.clone()].into(), "{resource}");
            tokio::time::sleep(DAY).await;
            for id in [newest, oldest] {
                assert!(world.simulator.world().restore_media(id));
            }
            read(&world, &ground).await;
            assert_eq!(deleted(&world), 0, "{resource}");
            assert_read(&world, ground.resource, &now(&world, &ground));
        });
    }
}
