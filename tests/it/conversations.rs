//! Conversations and messages, against the simulator's oracle.

use std::time::Duration;

use igsync::sync::Verdict;
use igsync_simulator::{Fault, Match, WorldSpec};
use tokio::time::sleep;

use crate::world::{World, assert_meets, outcomes, rows_of, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

const RESOURCES: &[&str] = &["account", "conversations"];

/// One account with so many conversations of so many messages, of which so many in a thousand are requests.
fn spec(conversations: u32, messages: u32, requests_per_mille: u32) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.conversations = conversations;
    account.messages_per_conversation = messages;
    account.requests_per_mille = requests_per_mille;
    spec
}

/// Fails unless the database holds what can be read at this moment. Gives the number of rows.
#[track_caller]
fn assert_read(world: &World) -> usize {
    let database = world.database();
    let tables = ["conversations", "messages"];
    let found = tables.map(|table| (table.to_owned(), rows_of(&database, table, &["id"])));
    let expected = world.simulator.world().expected(&tables);
    assert_meets(&expected, &found.into())
}

fn lost(world: &World) -> Vec<String> {
    world.texts(
        "SELECT detail FROM sync_gaps WHERE resource = 'conversations' AND reason = 'expired' AND field = 'messages'",
    )
}

/// Calls about single conversations.
fn asked(world: &World) -> usize {
    let calls = world.simulator.journal().into_iter();
    let of_messages = calls.filter(|call| {
        let fields = call.fields.as_deref();
        fields.is_some_and(|fields| fields.contains("messages.limit"))
    });
    of_messages.count()
}

#[tokio::test(start_paused = true)]
async fn conversations_are_those_of_the_world_and_only_moved_ones_are_asked_about() {
    let world = World::new(spec(60, 30, 250)).await;
    let selection = selection_of(RESOURCES);
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert!(assert_read(&world) > 60 * 15);
    assert!(
        lost(&world)
            .iter()
            .all(|detail| detail.contains("written before"))
    );
    assert!(!lost(&world).is_empty());
    let partners =
        "SELECT count(*) FROM conversations WHERE partner_id IS NULL OR partner_username IS NULL";
    assert_eq!(world.count(partners), 0);
    let pictures = "SELECT count(*) FROM messages WHERE attachments LIKE '%image_data%' AND attachments NOT LIKE '%http%'";
    assert!(world.count(pictures) > 10);
    let calls = world.simulator.journal();
    let token = |call: &igsync_simulator::Call| call.path.ends_with("/conversations");
    assert!(calls.iter().any(token));
    assert!(calls.iter().all(|call| call.code.is_none()));

    world.simulator.clear_journal();
    world.night(&selection).await;
    assert_eq!((asked(&world), world.calls("/conversations").len()), (0, 0));

    let messages = world.count("SELECT count(*) FROM messages");
    for _ in 0..3 {
        world.simulator.clear_journal();
        sleep(DAY).await;
        let before = world.texts("SELECT id || updated_time FROM conversations");
        let summary = world.night(&selection).await;
        assert_eq!(summary.verdict(), Verdict::Complete);
        assert_read(&world);
        let after = world.texts("SELECT id || updated_time FROM conversations");
        let moved = after.iter().filter(|one| !before.contains(one)).count();
        assert!(moved > 5 && moved < 50, "{moved}");
        assert_eq!(asked(&world), moved);
    }
    assert!(world.count("SELECT count(*) FROM messages") > messages);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_in_time_is_said_to_be_lost_and_nothing_else_is() {
    let world = World::new(spec(120, 12, 500)).await;
    let selection = selection_of(RESOURCES);
    world.night(&selection).await;
    assert_eq!(lost(&world), [] as [String; 0]);
    let kept = world.texts("SELECT id FROM messages ORDER BY id");
    let known = world.texts("SELECT id FROM conversations ORDER BY id");
    sleep(60 * DAY).await;
    let summary = world.night(&selection).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    // Requests that have been quiet for a month are not listed any more; what is stored of them stays.
    let listed = world.simulator.world();
    let listed = listed.conversations("17841400000000001").count();
    assert!(listed < known.len(), "{listed}");
    assert_read(&world);
    let now = world.texts("SELECT id FROM messages ORDER BY id");
    assert!(kept.iter().all(|id| now.contains(id)));
    let lost = lost(&world);
    assert!(!lost.is_empty());
    assert!(
        lost.iter()
            .all(|detail| detail.contains("read conversations more often"))
    );
}

#[tokio::test(start_paused = true)]
async fn without_permission_or_the_page_s_token_it_is_refused_with_a_hint() {
    let mut without = spec(5, 5, 0);
    without.tokens[0] = without.tokens[0]
        .clone()
        .without("instagram_manage_messages");
    let world = World::new(without).await;
    let summary = world.night(&selection_of(RESOURCES)).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    let message = summary.jobs[1].message.clone().unwrap();
    assert!(message.contains("instagram_manage_messages"), "{message}");
    assert!(
        message.contains("the task MESSAGING on the Page"),
        "{message}"
    );

    let world = World::new(spec(5, 5, 0)).await;
    let told = world.simulator.world().spec().pages[0].clone();
    let account = told.account.unwrap();
    let page = serde_json::json!({"data": [{
        "id": told.id, "name": told.name, "tasks": told.tasks,
        "instagram_business_account": {"id": account.id, "username": account.username},
    }]});
    let accounts = Match::path_ends_with("/me/accounts");
    let without_token = Fault::on(accounts).body(&page.to_string());
    world.simulator.inject(without_token);
    let summary = world.night(&selection_of(RESOURCES)).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    let message = summary.jobs[1].message.clone().unwrap();
    assert!(
        message.contains("tells no token of Page Sim Page 1"),
        "{message}"
    );
    assert_eq!(world.calls("/conversations").len(), 0);
    assert_eq!(outcomes(&summary)[0], "sim.account.1 account complete");
}

#[tokio::test(start_paused = true)]
async fn check_says_that_the_task_is_missing() {
    let world = World::new(spec(5, 5, 0)).await;
    let page = world.simulator.world().spec().pages[0].id.clone();
    let missing = async |world: &World| {
        let report = world
            .check_of(&selection_of(&["account", "conversations"]), |_| {})
            .await;
        let resources = report.accounts[0].resources.iter();
        let lacking = resources.filter(|one| !one.missing.is_empty());
        lacking
            .map(|one| format!("{}: {}", one.resource, one.missing.join(", ")))
            .collect::<Vec<_>>()
    };
    assert_eq!(missing(&world).await, [] as [String; 0]);
    assert!(
        world
            .simulator
            .world()
            .set_tasks(&page, &["ANALYZE", "MODERATE"])
    );
    let missing = missing(&world).await;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(
        missing[0]
            .starts_with("conversations: the task PROFILE_PLUS_MESSAGING on the Page Sim Page 1"),
        "{missing:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_answers_are_waited_for_and_failing_ones_are_not_asked_for_long() {
    let world = World::new(spec(6, 5, 0)).await;
    // The last one: the others would arrive too soon behind it.
    let slow = Match::any().with_parameter("fields", "messages.limit");
    let slow = Fault::on(slow.after_calls(5)).delay(Duration::from_secs(90));
    world.simulator.inject(slow);
    let list = Match::path_ends_with("/conversations");
    let failing = Fault::on(list).status(500);
    let failing = failing.error(1, None, "An unknown error has occurred.");
    world.simulator.inject(failing);
    let summary = world.night(&selection_of(RESOURCES)).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        (outcomes(&summary), &summary.jobs[1].message)
    );
    assert_read(&world);
    assert_eq!(asked(&world), 6, "the slow answer was not waited for");

    world.simulator.clear_journal();
    sleep(9 * DAY).await;
    let every = Match::any().with_parameter("fields", "messages.limit");
    let failing = Fault::on(every).always().status(500);
    let failing = failing.error(1, None, "An unknown error has occurred.");
    world.simulator.inject(failing);
    let summary = world.night(&selection_of(RESOURCES)).await;
    assert_ne!(summary.verdict(), Verdict::Complete);
    assert!(asked(&world) <= 6, "{}", asked(&world));
    world.simulator.clear_faults();
    sleep(Duration::from_secs(1800)).await;
    world.night(&selection_of(RESOURCES)).await;
    assert_read(&world);
}
