//! Comments and replies, against the simulator's oracle.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::resource::{self, Facts, Refresh, Work};
use igsync::sync::{self, Selection, Verdict, WhenSuspended};
use igsync_simulator::{Fault, Match, WorldSpec};

use crate::world::{World, outcomes, rows_of, selection_of};

const RESOURCES: &[&str] = &["account", "media", "comments"];

const ACCOUNT: &str = "17841400000000001";

/// One account of so many posts with so many comments, and its replies.
fn spec(posts: u32, comments: u32, replied_per_mille: u32) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.posts = posts;
    account.mean_comments = comments;
    account.replied_per_mille = replied_per_mille;
    spec
}

/// Reads everything, and fails unless every comment is as the world tells it, and what is gone says so.
#[track_caller]
fn assert_comments(world: &World) -> usize {
    let rows = rows_of(&world.database(), "comments", &["id"]);
    let expected = world.simulator.world().expected(&["comments"]);
    let comparison = expected.compare(&[("comments".to_owned(), rows)].into());
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert_eq!(comparison.not_compared, BTreeSet::new());
    comparison.rows
}

/// Fails if a page of comments or replies was answered twice.
#[track_caller]
fn assert_no_page_twice(world: &World) {
    let calls = [world.calls("/comments"), world.calls("/replies")].concat();
    let mut pages = BTreeSet::new();
    for call in calls.iter().filter(|call| call.status == 200) {
        let page = (call.path.clone(), call.after.clone());
        assert!(pages.insert(page), "{} {:?}", call.path, call.after);
    }
}

#[tokio::test(start_paused = true)]
async fn every_comment_and_every_reply_is_read_as_it_is() {
    let world = World::new(spec(60, 12, 300)).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert!(assert_comments(&world) > 500);
    let replies = "SELECT count(*) FROM comments r JOIN comments c ON c.id = r.parent_id AND c.media_id = r.media_id";
    assert!(world.count(replies) > 100);
    assert_eq!(world.calls("/replies").len(), 0);
    // Most come with pages of posts: only posts with more than that are asked on their own.
    let many = world.count(
        "SELECT count(*) FROM (SELECT media_id FROM comments WHERE parent_id IS NULL GROUP BY media_id HAVING count(*) > 10)",
    );
    assert!(world.calls("/comments").len() as i64 <= many, "{many}");
    let pages = world.calls("/media").len();
    assert_eq!(pages, 4, "two for the posts, two for their comments");
}

#[tokio::test(start_paused = true)]
async fn replies_that_do_not_come_along_are_read_on_their_own() {
    let mut spec = spec(20, 12, 1000);
    spec.rules.max_replies = 1;
    let world = World::new(spec).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    assert!(assert_comments(&world) > 300);
    assert!(world.calls("/replies").len() > 50);
    assert_no_page_twice(&world);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_reads WHERE cursor IS NOT NULL"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_pays_for_no_page_twice() {
    let mut spec = spec(20, 80, 500);
    spec.rules.max_replies = 1;
    let world = World::new(spec).await;
    for (path, calls) in [("/comments", 20), ("/replies", 40)] {
        let when = Match::path_ends_with(path).after_calls(calls);
        world.simulator.inject(Fault::on(when).always().html(503));
        let summary = world.backfill_of(RESOURCES).await;
        assert_ne!(summary.verdict(), Verdict::Complete);
        assert!(world.count("SELECT count(*) FROM sync_reads WHERE cursor IS NOT NULL") > 0);
        world.simulator.clear_faults();
    }
    let summary = world.backfill_of(RESOURCES).await;
    let jobs = outcomes(&summary);
    assert!(!jobs.iter().any(|job| job.contains("failed")), "{jobs:?}");
    assert_comments(&world);
    assert_no_page_twice(&world);
}

#[tokio::test(start_paused = true)]
async fn five_thousand_comments_on_one_post_are_read_page_by_page() {
    let world = World::new(spec(1, 5_000, 700)).await;
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    let rows = assert_comments(&world);
    assert!(rows >= 5_000, "{rows}");
    let top = world.count("SELECT count(*) FROM comments WHERE parent_id IS NULL");
    assert_eq!(world.calls("/comments").len() as i64, (top + 49) / 50);
    assert_no_page_twice(&world);
}

#[tokio::test(start_paused = true)]
async fn comments_that_are_gone_say_so_and_a_list_that_was_not_read_to_its_end_judges_nobody() {
    let mut spec = spec(30, 12, 500);
    spec.rules.max_replies = 1;
    let world = World::new(spec).await;
    world.backfill_of(RESOURCES).await;
    let told = world.simulator.world();
    let posts: Vec<_> = told
        .media(ACCOUNT)
        .filter(|post| post.comments().count() > 3)
        .collect();
    let replied = posts[0]
        .comments()
        .find(|comment| comment.replies().next().is_some());
    told.delete_comment(&replied.unwrap().id());
    let reply = posts[1]
        .comments()
        .find_map(|comment| comment.replies().last());
    told.delete_comment(&reply.unwrap().id());
    let all: Vec<String> = posts[2].comments().map(|comment| comment.id()).collect();
    for id in all {
        told.delete_comment(&id);
    }
    let first = posts[3].comments().next().unwrap().id();
    told.delete_comment(&first);

    // The replies of this post do not answer, so nothing of it is judged.
    let failing = posts[3]
        .comments()
        .filter(|comment| comment.replies().count() > 1);
    let failing: Vec<String> = failing.map(|comment| comment.id()).collect();
    assert!(!failing.is_empty());
    let deleted = "SELECT count(*) FROM comments WHERE deleted_at IS NOT NULL";
    for id in &failing {
        let when = Match::path_ends_with(&format!("{id}/replies"));
        world.simulator.inject(
            Fault::on(when)
                .always()
                .error(100, None, "(#100) a refusal"),
        );
    }
    world.backfill_of(RESOURCES).await;
    assert!(world.count(deleted) > 3);
    assert_eq!(
        world.count(&format!(
            "SELECT count(*) FROM comments WHERE id = '{first}' AND deleted_at IS NULL"
        )),
        1
    );

    world.simulator.clear_faults();
    world.backfill_of(RESOURCES).await;
    assert_comments(&world);
}

#[tokio::test(start_paused = true)]
async fn a_night_later_only_posts_whose_count_moved_are_asked() {
    let world = World::new(spec(120, 12, 250)).await;
    world.backfill_of(RESOURCES).await;
    let count = "SELECT id || ' ' || comments_count FROM media_current";
    let before: BTreeSet<String> = world.texts(count).into_iter().collect();
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    world.backfill_of(&["account", "media"]).await;
    let after: BTreeSet<String> = world.texts(count).into_iter().collect();
    let moved: BTreeSet<&str> = after
        .difference(&before)
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, count)| *count != "0")
        .map(|(id, _)| id)
        .collect();
    assert!(!moved.is_empty() && moved.len() < 40, "{}", moved.len());

    let store = world.store();
    let comments = resource::find("comments").unwrap();
    let Work::Questions(questions) = &comments.work else {
        panic!("comments are questions");
    };
    let reads = store.reads(ACCOUNT.to_owned(), "comments").await.unwrap();
    let facts = Facts {
        now: world.simulator.world().now(),
        account_id: ACCOUNT.to_owned(),
        posts: store.posts(ACCOUNT.to_owned()).await.unwrap(),
        conversations: Vec::new(),
        reads: reads
            .into_iter()
            .map(|read| (read.subject.clone(), read))
            .collect(),
        pass_since: world.simulator.world().now(),
        everything_since: None,
        refresh: Refresh(Vec::new()),
        names: Vec::new(),
        refused: BTreeSet::new(),
    };
    let due = (questions.due)(&facts);
    let asked = due.iter().flat_map(|question| {
        let others = question.stands_for.iter();
        others.chain([question]).filter(|one| !one.is_page())
    });
    let asked: BTreeSet<&str> = asked.map(|question| question.subject.as_str()).collect();
    assert_eq!(asked, moved);
    assert!(due.len() < moved.len(), "neighbours are asked together");
}

/// Some posts with many comments, and without or with replies, a night later.
async fn grown(posts: u32, has_replies: bool) -> (World, Selection) {
    let mut spec = spec(posts, 400, if has_replies { 700 } else { 0 });
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.history_days, account.posts_per_week) = (20, 0);
    let world = World::new(spec).await;
    let selection = selection_of(RESOURCES);
    nightly(&world, &selection).await;
    assert_comments(&world);
    world.simulator.clear_journal();
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    (world, selection)
}

/// Fails unless every comment and reply is there; likes of old ones may be those of an earlier night.
#[track_caller]
fn assert_none_is_missing(world: &World) {
    let there: BTreeSet<String> = world
        .texts("SELECT id FROM comments WHERE deleted_at IS NULL")
        .into_iter()
        .collect();
    let simulated = world.simulator.world();
    let expected = simulated.expected(&["comments"]);
    let expected: BTreeSet<String> = expected.rows["comments"].keys().cloned().collect();
    assert_eq!(there, expected);
}

async fn nightly(world: &World, selection: &Selection) {
    let process = world.process(igsync::stop::stop_pair().1).await;
    let waits = WhenSuspended::Leave;
    let summary = sync::run_job(&process, "nightly", selection, waits).await;
    assert_eq!(summary.unwrap().verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn new_comments_under_many_old_ones_cost_no_walk_through_all_of_them() {
    let (world, selection) = grown(1, false).await;
    let before = world.count("SELECT count(*) FROM comments");
    nightly(&world, &selection).await;
    assert!(world.count("SELECT count(*) FROM comments") > before);
    assert_none_is_missing(&world);
    assert_eq!(world.calls("/comments").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn replies_to_old_comments_are_found_however_deep_they_stand() {
    // Alone, and together on a page.
    for posts in [1, 2] {
        let (world, selection) = grown(posts, true).await;
        nightly(&world, &selection).await;
        assert_none_is_missing(&world);
        assert!(world.calls("/comments").len() > 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_refused_costs_a_page_a_call_and_no_comments() {
    let world = World::new(spec(60, 12, 300)).await;
    let message = "(#100) Tried accessing nonexisting field (legacy_instagram_comment_id)";
    let refused = Match::any().with_parameter("fields", "legacy_instagram_comment_id");
    world.simulator.inject(
        Fault::on(refused)
            .always()
            .status(400)
            .error(100, None, message),
    );
    let summary = world.backfill_of(RESOURCES).await;
    assert_eq!(summary.jobs[2].outcome.text(), "partial");
    let calls = [world.calls("/comments"), world.calls("/media")].concat();
    assert_eq!(calls.iter().filter(|call| call.status == 400).count(), 1);
    let simulated = world.simulator.world();
    let expected = &simulated.expected(&["comments"]).rows["comments"];
    assert_eq!(
        usize::try_from(world.count("SELECT count(*) FROM comments")).unwrap(),
        expected.len()
    );
    let gaps = "SELECT field FROM sync_gaps WHERE resolved_at IS NULL AND resource = 'comments'";
    assert_eq!(
        world.texts(gaps),
        ["legacy_instagram_comment_id of comments"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_100_33_deletes_no_comment() {
    let world = World::new(spec(20, 12, 300)).await;
    world.backfill_of(RESOURCES).await;
    let gone = Match::any().with_parameter("fields", "legacy_instagram_comment_id");
    world
        .simulator
        .inject(Fault::on(gone).always().status(400).error(
            100,
            Some(33),
            "Unsupported get request.",
        ));
    world.backfill_of(RESOURCES).await;
    assert_eq!(
        world.count("SELECT count(*) FROM comments WHERE deleted_at IS NOT NULL"),
        0
    );
    assert_eq!(
        world.count("SELECT count(*) FROM media WHERE deleted_at IS NOT NULL"),
        0
    );
    assert!(
        world.count("SELECT count(*) FROM sync_gaps WHERE reason = 'gone' AND resolved_at IS NULL")
            > 10
    );
}
