//! The queries of the README, on a database that has something to tell.

use std::time::Duration;

use igsync::sync::{self, WhenSuspended};
use igsync_simulator::WorldSpec;

use crate::world::{World, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

const NIGHTLY: [&str; 8] = [
    "account",
    "stories",
    "account_insights",
    "online_followers",
    "audience",
    "media",
    "media_insights",
    "comments",
];

/// Queries about what is not read here.
const ELSEWHERE: [&str; 11] = [
    "sync_jobs",
    "sync_credentials",
    "sync_warnings",
    "sync_hashtags",
    "hashtag",
    "discovered",
    "tagged_media",
    "mentions",
    "product_tags",
    "messages",
    "collaborat",
];

async fn lively() -> World {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.stories_per_day, account.posts_per_week) = (5, 7);
    let world = World::new(spec).await;
    let selection = selection_of(&NIGHTLY);
    for night in 0..9 {
        let process = world.process(igsync::stop::stop_pair().1).await;
        let waits = WhenSuspended::Leave;
        sync::run_job(&process, "nightly", &selection, waits)
            .await
            .unwrap();
        drop(process);
        if night == 0 {
            let post = world.texts("SELECT id FROM media ORDER BY timestamp LIMIT 1");
            assert!(world.simulator.world().delete_media(&post[0]));
        }
        tokio::time::sleep(DAY).await;
    }
    world
}

#[tokio::test(start_paused = true)]
async fn every_question_of_an_analyst_has_a_query_that_answers() {
    let world = lively().await;
    let one = |sql: &str| world.texts(sql).remove(0);
    let account = one("SELECT id FROM accounts");
    let post = one(
        "SELECT m.id FROM media m JOIN media_insights i ON i.media_id = m.id
         WHERE media_product_type <> 'STORY' GROUP BY 1 HAVING min(observed_at) < datetime(max(m.timestamp), '+1 day')
         ORDER BY min(m.timestamp) LIMIT 1",
    );
    let comment = one("SELECT parent_id FROM comments WHERE parent_id IS NOT NULL");
    let now = igsync::clock::instant_text(world.now());
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sql\n").skip(1);
    let queries = blocks.flat_map(|block| block.split("```").next().unwrap().split(';'));
    let mut asked = 0;
    for query in queries.filter(|query| query.contains("SELECT")) {
        if ELSEWHERE.iter().any(|name| query.contains(name)) {
            continue;
        }
        let query = query
            .replace("account_id = '…'", &format!("account_id = '{account}'"))
            .replace(
                "'…' IN (id, parent_id)",
                &format!("'{comment}' IN (id, parent_id)"),
            )
            .replace("'…'", &format!("'{post}'"))
            .replace("'now'", &format!("'{now}'"));
        let database = world.database();
        let mut statement = database.prepare(&query).unwrap();
        let rows = statement.query_map([], |_| Ok(())).unwrap().count();
        assert!(rows > 0, "no rows: {query}");
        asked += 1;
    }
    assert!(asked >= 20, "{asked}");
    // Not only rows: numbers, too.
    let gained = one("SELECT count(*) FROM media_insights WHERE name = 'reach' GROUP BY media_id ORDER BY 1 DESC".replace("count(*)", "cast(count(*) AS TEXT)").as_str());
    assert!(gained.parse::<u32>().unwrap() > 5, "{gained}");
}
