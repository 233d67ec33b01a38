//! Mentions whose ids are given, against the simulator's oracle.

use std::time::Duration;

use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes, selection_of};

const ACCOUNT: &str = "17841400000000001";
const KEY: &[&str] = &["account_id", "id"];
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Two accounts with so many mentions in posts, and as many in comments.
fn spec(mentions: u32) -> WorldSpec {
    let mut spec = WorldSpec::many_accounts(1, 2, 5);
    for page in &mut spec.pages {
        page.account.as_mut().unwrap().mentions = mentions;
    }
    spec.rules.comments_on_mentioning_media = true;
    spec
}

/// Everything that mentions an account, as webhooks would tell it.
fn told(world: &World, account: &str) -> Vec<String> {
    let told = world.simulator.world();
    let posts = told.mentioned_media(account).map(|post| post.id());
    let comments = told
        .mentioning_comments(account)
        .map(|comment| format!("{}/{}", comment.media_id(), comment.id()));
    let subjects = posts.chain(comments);
    subjects
        .map(|subject| format!("{account}/{subject}"))
        .collect()
}

fn of(mentions: Vec<String>) -> Selection {
    Selection {
        mentions,
        ..selection_of(&["mentions"])
    }
}

async fn night(world: &World, mentions: &[String]) -> Summary {
    world.night(&of(mentions.to_vec())).await
}

/// Calls for mentions so far.
fn asked(world: &World) -> usize {
    let calls = [ACCOUNT, "17841400000000002"].map(|account| world.calls(account));
    let is_mention = |call: &&igsync_simulator::Call| {
        call.fields
            .as_deref()
            .is_some_and(|fields| fields.starts_with("mentioned_"))
    };
    calls.iter().flatten().filter(is_mention).count()
}

#[tokio::test(start_paused = true)]
async fn every_mention_is_read_as_it_is_by_the_account_that_it_mentions() {
    let world = World::new(spec(30)).await;
    let second = "17841400000000002";
    let mut mentions = told(&world, ACCOUNT);
    // An account may be called by its name.
    mentions.extend(
        told(&world, second)
            .iter()
            .map(|entry| entry.replace(second, "Sim.Account.2")),
    );
    assert_eq!(mentions.len(), 120);
    let summary = night(&world, &mentions).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert_eq!(world.assert_table("mentions", KEY), 120);
    assert_eq!(asked(&world), 120);
    let comments = "SELECT count(*) FROM mentions WHERE media_id IS NOT NULL AND text LIKE '@%'";
    assert_eq!(world.count(comments), 60);
    assert_eq!(world.assert_table("mentioned_media_comments", KEY), 60);
    let told =
        "SELECT count(*) FROM mentions WHERE media_id IS NULL AND total_like_count IS NOT NULL";
    assert_eq!(world.count(told), 60);
    let files = "SELECT count(*) FROM mentions WHERE media_media_url IS NOT NULL";
    assert!(world.count(files) > 50);
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    // A second time there is nothing to ask.
    let again = night(&world, &mentions).await;
    assert_eq!((again.verdict(), asked(&world)), (Verdict::Complete, 120));
}

#[tokio::test(start_paused = true)]
async fn what_was_given_once_stays_known_and_is_read_again_by_its_age() {
    let world = World::new(spec(40)).await;
    let mentions = told(&world, ACCOUNT);
    night(&world, &mentions).await;
    let first = asked(&world);
    assert_eq!(first, 80);
    tokio::time::sleep(DAY).await;
    // Nobody gives an id any more.
    night(&world, &[]).await;
    let young = "SELECT count(*) FROM mentions WHERE timestamp > '2026-09-06T08:00:00Z'";
    let daily = asked(&world) - first;
    assert!(daily > 0 && daily < 40, "{daily}");
    assert_eq!(daily as i64, world.count(young));
    for _ in 0..7 {
        tokio::time::sleep(DAY).await;
        night(&world, &[]).await;
    }
    let weekly = asked(&world) - first;
    assert!(weekly > 80, "{weekly}");
    // A backfill reads all of them.
    let before = asked(&world);
    world
        .start(&of(Vec::new()), Range::default(), stop_pair().1)
        .await;
    assert_eq!(asked(&world) - before, 80);
    world.assert_table("mentions", KEY);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_or_was_never_a_mention_is_a_gap_and_the_others_are_read() {
    let world = World::new(spec(5)).await;
    let mut mentions = told(&world, ACCOUNT);
    let gone = mentions[0].split('/').nth(1).unwrap().to_owned();
    mentions.push(format!("{ACCOUNT}/123"));
    night(&world, &mentions).await;
    assert_eq!(world.open_gaps(), ["mentions gone 123"]);
    assert_eq!(world.count("SELECT count(*) FROM mentions"), 10);
    assert!(world.simulator.world().delete_media(&gone));
    let summary = world
        .start(&of(mentions), Range::default(), stop_pair().1)
        .await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    let mut expected = vec![
        "mentions gone 123".to_owned(),
        format!("mentions gone {gone}"),
    ];
    expected.sort();
    assert_eq!(world.open_gaps(), expected);
    // The row stays.
    assert_eq!(world.count("SELECT count(*) FROM mentions"), 10);
    world.assert_table("mentions", KEY);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_refused_is_left_out_of_the_others_and_none_of_them_is_lost() {
    let world = World::new(spec(20)).await;
    let message = "(#100) Tried accessing nonexisting field (shortcode)";
    let refusal = Match::path_ends_with(ACCOUNT).with_parameter("fields", "shortcode");
    world
        .simulator
        .inject(Fault::on(refusal).always().error(100, None, message));
    let summary = night(&world, &told(&world, ACCOUNT)).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    assert_eq!(asked(&world), 41);
    assert_eq!(
        world.count("SELECT count(*) FROM mentions WHERE shortcode IS NULL"),
        40
    );
    let named = world.texts("SELECT field FROM sync_gaps WHERE resolved_at IS NULL");
    assert_eq!(named, ["shortcode of mentioned_media"]);
}

#[tokio::test(start_paused = true)]
async fn comments_on_a_post_that_are_refused_cost_a_call_once_and_no_mention() {
    let edge = "(#100) Tried accessing nonexisting field (comments)";
    let part = "(#100) Tried accessing nonexisting field (like_count)";
    for (message, refused, gap) in [
        (edge, "comments.limit(50)", "comments of mentioned_media"),
        (
            part,
            "{id,text,timestamp,like_count}",
            "comments.like_count of mentioned_media",
        ),
    ] {
        let world = World::new(spec(20)).await;
        let refusal = Match::path_ends_with(ACCOUNT)
            .with_parameter("fields", "mentioned_media")
            .with_parameter("fields", refused);
        world
            .simulator
            .inject(Fault::on(refusal).always().error(100, None, message));
        let summary = night(&world, &told(&world, ACCOUNT)).await;
        assert_eq!(summary.verdict(), Verdict::Complete, "{message}");
        assert_eq!(asked(&world), 41);
        assert_eq!(world.assert_table("mentions", KEY), 40);
        let read = world.count("SELECT count(*) FROM mentioned_media_comments");
        assert_eq!(read, if message == edge { 0 } else { 20 });
        // Their own likes are read all the same.
        let likes = "SELECT count(*) FROM mentions WHERE like_count IS NOT NULL";
        assert!(world.count(likes) > 30);
        let gaps = "SELECT field || ' ' || reason FROM sync_gaps WHERE resolved_at IS NULL";
        assert_eq!(world.texts(gaps), [format!("{gap} not_applicable")]);
        // It is remembered.
        tokio::time::sleep(DAY).await;
        night(&world, &[]).await;
        let calls = world.calls(ACCOUNT);
        assert_eq!(calls.iter().filter(|call| call.faulted).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn comments_that_nobody_has_the_permission_for_are_left_out_and_the_posts_are_read() {
    let world = World::new(spec(20)).await;
    let refusal = Match::path_ends_with(ACCOUNT).with_parameter("fields", ",comments.limit(50)");
    let message = "(#10) Application does not have permission for this action";
    world
        .simulator
        .inject(Fault::on(refusal).always().error(10, None, message));
    let summary = night(&world, &told(&world, ACCOUNT)).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.assert_table("mentions", KEY), 40);
    // Two were asked twice, the others without.
    assert_eq!(asked(&world), 42);
    let gaps = "SELECT field || ' ' || reason FROM sync_gaps WHERE resolved_at IS NULL AND object_id IS NULL";
    assert_eq!(
        world.texts(gaps),
        ["comments of mentioned_media not_applicable"]
    );
}

#[tokio::test(start_paused = true)]
async fn comments_that_the_api_holds_to_be_unreadable_are_left_out() {
    let mut spec = spec(20);
    spec.rules.comments_on_mentioning_media = false;
    let world = World::new(spec).await;
    let summary = night(&world, &told(&world, ACCOUNT)).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(asked(&world), 41);
    assert_eq!(world.assert_table("mentions", KEY), 40);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_asks_for_no_mention_twice() {
    let world = World::new(spec(60)).await;
    let mentions = told(&world, ACCOUNT);
    let when = Match::path_ends_with(ACCOUNT)
        .with_parameter("fields", "mentioned_")
        .after_calls(70);
    world.simulator.inject(Fault::on(when).always().html(503));
    let summary = night(&world, &mentions).await;
    assert_ne!(summary.verdict(), Verdict::Complete);
    world.simulator.clear_faults();
    night(&world, &mentions).await;
    let answered = world.calls(ACCOUNT);
    let answered = answered.iter().filter(|call| call.status == 200);
    let mut fields: Vec<_> = answered.map(|call| &call.fields).collect();
    let count = fields.len();
    fields.sort();
    fields.dedup();
    assert_eq!((fields.len(), count), (120, 120));
    assert_eq!(world.count("SELECT count(*) FROM mentions"), 120);
    assert_eq!(world.open_gaps(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_or_without_ids_nothing_is_read_and_it_is_said() {
    let mut spec = spec(5);
    spec.tokens[0] = spec.tokens[0].clone().without("instagram_manage_comments");
    let world = World::new(spec).await;
    let summary = night(&world, &[]).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let summary = night(&world, &told(&world, ACCOUNT)).await;
    assert_eq!(summary.verdict(), Verdict::OperatorNeeded);
    assert_eq!(world.open_gaps(), ["mentions no_permission"]);
    let elsewhere = vec!["someone.else/17900000000000001".to_owned()];
    let summary = night(&world, &elsewhere).await;
    assert_eq!(summary.unreached, ["someone.else"]);
}

#[tokio::test(start_paused = true)]
async fn all_comments_on_a_post_are_read_page_by_page_and_later_only_what_is_new() {
    let mut spec = spec(2);
    for page in &mut spec.pages {
        page.account.as_mut().unwrap().comments_per_mention = 120;
    }
    let world = World::new(spec).await;
    let posts = world.simulator.world().mentioned_media(ACCOUNT);
    let posts: Vec<String> = posts
        .map(|post| format!("{ACCOUNT}/{}", post.id()))
        .collect();
    // The second page of the second post breaks off, and the next start goes on there.
    let second = Match::path_ends_with(ACCOUNT)
        .with_parameter("fields", ".after(")
        .after_calls(2);
    world
        .simulator
        .inject(Fault::on(second).always().error(2, None, "Later."));
    let summary = night(&world, &posts).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    let paid = asked(&world)
        - world
            .calls(ACCOUNT)
            .iter()
            .filter(|call| call.faulted)
            .count();
    assert_eq!(paid, 4);
    world.simulator.clear_faults();
    let summary = night(&world, &posts).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    assert_eq!(world.assert_table("mentioned_media_comments", KEY), 240);
    let before = asked(&world);
    assert_eq!(
        before
            - world
                .calls(ACCOUNT)
                .iter()
                .filter(|call| call.faulted)
                .count(),
        6
    );
    tokio::time::sleep(7 * DAY).await;
    let summary = night(&world, &[]).await;
    assert_eq!(
        (summary.verdict(), asked(&world) - before),
        (Verdict::Complete, 2)
    );
    world.assert_table("mentions", KEY);
}

#[tokio::test(start_paused = true)]
async fn comments_that_fail_to_come_are_missing_and_not_held_to_be_refused() {
    let world = World::new(spec(4)).await;
    let mentions = told(&world, ACCOUNT);
    let with_comments = Match::path_ends_with(ACCOUNT).with_parameter("fields", "comments.limit(");
    world
        .simulator
        .inject(Fault::on(with_comments).always().error(2, None, "Later."));
    let summary = night(&world, &mentions).await;
    assert_eq!(summary.verdict(), Verdict::Partial);
    // The posts themselves are read, and nobody waits for comments five times each.
    assert_eq!(world.assert_table("mentions", KEY), 8);
    assert_eq!(asked(&world), 2 * 6 + 2 + 2 + 4);
    let gaps = world.open_gaps();
    assert!(
        gaps.iter().all(|gap| gap.starts_with("mentions failed")),
        "{gaps:?}"
    );
    world.simulator.clear_faults();
    tokio::time::sleep(7 * DAY).await;
    let summary = night(&world, &[]).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    assert_eq!(world.assert_table("mentioned_media_comments", KEY), 4);
}

#[tokio::test(start_paused = true)]
async fn comments_that_are_refused_once_are_missing_until_they_are_told() {
    let mut spec = spec(4);
    for page in &mut spec.pages {
        page.account.as_mut().unwrap().comments_per_mention = 60;
    }
    let world = World::new(spec).await;
    let mentions = told(&world, ACCOUNT)[..4].to_vec();
    let refusal = Match::path_ends_with(ACCOUNT).with_parameter("fields", ",comments.limit(50)");
    let message = "(#10) Application does not have permission for this action";
    world
        .simulator
        .inject(Fault::on(refusal).error(10, None, message));
    let summary = night(&world, &mentions).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let missing = 240 - world.count("SELECT count(*) FROM mentioned_media_comments");
    assert_eq!(missing, 60);
    let gaps = "SELECT field || ' ' || reason FROM sync_gaps WHERE object_id IS NOT NULL AND resolved_at IS NULL";
    assert_eq!(world.texts(gaps), ["comments not_applicable"]);
    tokio::time::sleep(7 * DAY).await;
    night(&world, &[]).await;
    assert_eq!(world.open_gaps(), Vec::<String>::new());
    assert_eq!(world.assert_table("mentioned_media_comments", KEY), 240);
}
