//! Jobs of the configuration, run now: what is due, not everything.

use std::time::Duration;

use igsync::clock::instant_text;
use igsync::resource::Refresh;
use igsync::sync::{self, Selection, Verdict, WhenSuspended};
use igsync_simulator::WorldSpec;

use crate::running::serve;
use crate::world::{World, selection_of};

async fn night(world: &World, selection: &Selection) -> sync::Summary {
    world.night(selection).await
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn sync_runs_jobs_by_name_and_says_what_is_wrong() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    let problem = folder.run(&["sync"]).await.exits(2).stderr;
    assert!(problem.contains("no [[job]]; add one"), "{problem}");
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = |name: &str, resource: &str| {
        format!(
            "[[job]]\nname = \"{name}\"\nschedule = \"30 2 * * *\"\nresources = [\"{resource}\"]\n"
        )
    };
    let jobs = [job("nightly", "media"), job("hourly", "account")].concat();
    folder.configure(&format!("{config}{jobs}"));
    let problem = folder.run(&["sync", "weekly"]).await.exits(2).stderr;
    assert!(
        problem.contains("no job `weekly`; there are: nightly, hourly"),
        "{problem}"
    );
    let problem = folder
        .run(&["sync", "--account", "nobody"])
        .await
        .exits(2)
        .stderr;
    assert!(problem.contains("no account `nobody`"), "{problem}");
    assert_eq!(
        folder
            .database()
            .query_row("SELECT count(*) FROM media", [], |row| row.get(0)),
        Ok(0)
    );

    let hourly = folder.run(&["sync", "hourly"]).await.exits(0);
    assert!(
        hourly.stdout.starts_with("job hourly\n"),
        "{}",
        hourly.stdout
    );
    assert!(
        !simulator
            .journal()
            .iter()
            .any(|call| call.path.ends_with("/media"))
    );
    let all = folder.run(&["sync", "--json"]).await.exits(0).json();
    assert_eq!(all["jobs"]["nightly"]["jobs"][0]["resource"], "media");
    assert_eq!(all["jobs"]["hourly"]["jobs"][0]["resource"], "account");
    let jobs = "SELECT group_concat(DISTINCT job) FROM sync_runs WHERE account_id IS NOT NULL";
    let jobs: String = folder
        .database()
        .query_row(jobs, [], |row| row.get(0))
        .unwrap();
    assert_eq!(jobs, "hourly,nightly");
}

#[tokio::test(start_paused = true)]
async fn a_nights_walk_ends_on_known_ground_and_one_in_seven_sees_deletions() {
    let mut spec = WorldSpec::single_account(3, 600);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.deleted_per_mille = 0;
    let world = World::new(spec).await;
    let posts = selection_of(&["account", "media"]);
    assert_eq!(night(&world, &posts).await.verdict(), Verdict::Complete);
    let whole = world.calls("/media").len();
    assert!(whole >= 8, "{whole} pages");
    let old = world
        .texts("SELECT id FROM media ORDER BY timestamp LIMIT 1")
        .remove(0);
    assert!(world.simulator.world().delete_media(&old));
    let mut pages = Vec::new();
    for _ in 0..9 {
        tokio::time::sleep(DAY).await;
        world.simulator.clear_journal();
        assert_eq!(night(&world, &posts).await.verdict(), Verdict::Complete);
        pages.push(world.calls("/media").len());
    }
    let long = pages.iter().filter(|pages| **pages > 1).count();
    assert!((1..=2).contains(&long), "{pages:?}");
    assert_eq!(
        world.count("SELECT count(*) FROM media WHERE deleted_at IS NOT NULL"),
        1
    );
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn old_posts_bring_their_common_metrics_along_on_the_long_nights() {
    let mut spec = WorldSpec::single_account(3, 200);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.converted_at = Some(spec.epoch - chrono::TimeDelta::days(500));
    let world = World::new(spec).await;
    let posts = selection_of(&["account", "media", "media_insights"]);
    night(&world, &posts).await;
    world.simulator.clear_journal();
    for _ in 0..10 {
        tokio::time::sleep(DAY).await;
        assert_eq!(night(&world, &posts).await.verdict(), Verdict::Complete);
    }
    let calls = world.calls("/media");
    let nested = |call: &&igsync_simulator::Call| {
        let fields = call.fields.as_deref().unwrap_or_default();
        fields.contains("caption") && fields.contains("insights.metric(")
    };
    let (asked, refused): (Vec<_>, Vec<_>) = calls
        .iter()
        .filter(nested)
        .partition(|call| call.status == 200);
    assert!(asked.len() >= 2, "{}", asked.len());
    // The first night has learned which posts do not have a metric, and which are from before the conversion.
    assert_eq!(refused.len(), 0);
    let old =
        "SELECT count(DISTINCT media_id) FROM media_insights i JOIN media m ON m.id = i.media_id
               WHERE i.confirmed_at > (SELECT min(observed_at) FROM media_insights)
                 AND m.timestamp < (SELECT datetime(max(timestamp), '-60 days') FROM media)";
    assert!(world.count(old) > 20, "{}", world.count(old));
    // A video that has no views takes them from its neighbours only.
    let reels =
        "SELECT count(DISTINCT media_id) FROM media_insights i JOIN media m ON m.id = i.media_id
               WHERE i.name = 'views' AND m.media_product_type = 'REELS'
                 AND julianday(i.confirmed_at) > (SELECT julianday(min(observed_at)) + 1 FROM media_insights)
                 AND m.timestamp < (SELECT datetime(max(timestamp), '-60 days') FROM media)
                 AND m.timestamp < (SELECT max(timestamp) FROM media
                                    WHERE media_type = 'VIDEO' AND media_product_type = 'FEED')";
    assert!(world.count(reels) > 5, "{}", world.count(reels));
    let common = "SELECT count(DISTINCT name) FROM media_insights i JOIN media m ON m.id = i.media_id
               WHERE julianday(i.confirmed_at) > (SELECT julianday(min(observed_at)) + 1 FROM media_insights)
                 AND m.timestamp < (SELECT datetime(max(timestamp), '-60 days') FROM media)";
    assert_eq!(world.count(common), 11);
    world.assert_complete();
}

/// Nights with such rules: up to this age in days, every so many days. Fails where a count or a number of a post is older than its rule
/// allows. Gives the calls that went to posts' lists and numbers, night by night.
async fn nights_by(rules: &[(u32, u32)]) -> Vec<usize> {
    let mut spec = WorldSpec::single_account(3, 500);
    let account = spec.pages[0].account.as_mut().unwrap();
    // More than a page of posts in a month.
    (account.history_days, account.posts_per_week) = (200, 17);
    account.deleted_per_mille = 0;
    let world = World::new(spec).await;
    let posts = selection_of(&["account", "media", "media_insights"]);
    let rule = |(age, often): &(u32, u32)| (DAY * *age, DAY * *often);
    let refresh = Refresh(rules.iter().map(rule).collect());
    let mut calls = Vec::new();
    for _ in 0..9 {
        world.simulator.clear_journal();
        let mut process = world.process(igsync::stop::stop_pair().1).await;
        std::sync::Arc::get_mut(&mut process).unwrap().refresh = refresh.clone();
        let night = sync::run_job(&process, "nightly", &posts, WhenSuspended::Leave).await;
        assert_eq!(night.unwrap().verdict(), Verdict::Complete);
        calls.push(world.simulator.journal().len());
        for (age, often) in &refresh.0 {
            let since = instant_text(world.now() - *age);
            let confirmed = instant_text(world.now() - *often - Duration::from_secs(3600));
            for (what, read) in [
                ("media_current m", "m"),
                (
                    // The parts of a metric have an age of their own.
                    "media m JOIN media_insights_current i ON i.media_id = m.id AND i.breakdown = ''",
                    "i",
                ),
            ] {
                let young = format!("SELECT count(*) FROM {what} WHERE m.timestamp > '{since}'");
                // Not every day has a post.
                assert!(*age < 30 * DAY || world.count(&young) > 0, "{young}");
                let old = format!("{young} AND {read}.confirmed_at < '{confirmed}'");
                assert_eq!(world.count(&old), 0, "night {}: {old}", calls.len());
            }
        }
        tokio::time::sleep(DAY).await;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn posts_up_to_an_age_are_read_as_often_as_the_rule_says() {
    let calls = nights_by(&[(2, 1), (30, 1), (90, 3)]).await;
    let long = long(&calls[1..]);
    assert!((2..=4).contains(&long), "{calls:?}");
    let calls = nights_by(&[(30, 2)]).await;
    // Every other night reads less.
    assert!(calls[2] > calls[3] && calls[4] > calls[5], "{calls:?}");
}

/// The nights that cost more than an ordinary one and a bit.
fn long(calls: &[usize]) -> usize {
    let least = calls.iter().min().unwrap();
    calls.iter().filter(|calls| **calls > least + 5).count()
}

#[tokio::test(start_paused = true)]
async fn a_backfill_leaves_room_for_stories_which_will_be_gone() {
    let mut spec = WorldSpec::single_account(3, 8_000);
    spec.pages[0].account.as_mut().unwrap().stories_per_day = 3;
    spec.meters.buc_instagram_calls = Some(100);
    // A page of posts is no dearer than another call.
    spec.meters.cpu_ms_allowed_per_call = 1_000;
    spec.meters.time_ms_allowed_per_call = 1_000;
    let world = World::new(spec).await;
    tokio::time::sleep(DAY).await;
    let hour = async || {
        let process = world.process(igsync::stop::stop_pair().1).await;
        let stories = selection_of(&["stories"]);
        let summary = sync::run_job(&process, "hourly", &stories, WhenSuspended::Leave).await;
        tokio::time::sleep(DAY / 24).await;
        summary.unwrap().verdict()
    };
    assert_eq!(hour().await, Verdict::Complete);
    let suspended = |verdict| matches!(verdict, Verdict::Suspended(_));
    // It takes what there is, in a process that never read a story.
    assert!(suspended(world.backfill().await.verdict()));
    for _ in 0..3 {
        assert_eq!(hour().await, Verdict::Complete);
        assert!(suspended(world.backfill().await.verdict()));
    }
    let journal = world.simulator.journal();
    assert!(journal.iter().all(|call| !call.while_blocked));
}
