//! The queries of the README, on a database that has something to tell.

use std::time::Duration;

use igsync::resource::RESOURCES;
use igsync::stop::stop_pair;
use igsync::sync::{self, Selection};
use igsync_simulator::{AccountSpec, HashtagSpec, WorldSpec};
use tokio::time::sleep;

use crate::daemon::{Until, job, live};
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world in which there is something of everything, read by the daemon on nine nights, and then checked.
async fn lively() -> World {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.stories_per_day, account.posts_per_week) = (5, 7);
    (account.mentions, account.conversations, account.products) = (3, 5, 10);
    (account.tagged_per_year, account.collaborations) = (60, 5);
    (
        account.collaborators_per_mille,
        account.product_tags_per_mille,
    ) = (300, 300);
    spec.others = vec![AccountSpec::numbered(900)];
    spec.hashtags = vec![HashtagSpec {
        name: "coffee".to_owned(),
        posts_per_day: 40,
        sensitive: false,
    }];
    let world = World::new(spec).await;
    let told = world.simulator.world();
    let id = AccountSpec::numbered(1).id;
    let mentioned = told
        .mentioned_media(&id)
        .map(|post| format!("{id}/{}", post.id()));
    let mut nightly = job("nightly", "0 9 * * *", &[]);
    nightly.selection = Selection {
        resources: RESOURCES.to_vec(),
        hashtags: vec!["coffee".to_owned()],
        usernames: vec![AccountSpec::numbered(900).username],
        mentions: mentioned.collect(),
        ..Selection::default()
    };
    let nights = async {
        sleep(DAY).await;
        let post = world.texts("SELECT id FROM media ORDER BY timestamp LIMIT 1");
        assert!(world.simulator.world().delete_media(&post[0]));
        sleep(8 * DAY).await;
    };
    live(&world, &[nightly.clone()], Until::Stopped(nights)).await;
    assert!(world.simulator.world().set_tasks("134895793791901", &[]));
    let process = world.process(stop_pair().1).await;
    sync::daily_check(&process, &nightly.selection)
        .await
        .unwrap();
    drop(process);
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
    let conversation = one("SELECT id FROM conversations");
    let now = igsync::clock::instant_text(world.now());
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sql\n").skip(1);
    let queries = blocks.flat_map(|block| block.split("```").next().unwrap().split(';'));
    let mut asked = 0;
    for query in queries.filter(|query| query.contains("SELECT")) {
        let query = query
            .replace("account_id = '…'", &format!("account_id = '{account}'"))
            .replace(
                "conversation_id = '…'",
                &format!("conversation_id = '{conversation}'"),
            )
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
    assert!(asked >= 30, "{asked}");
    // Not only rows: numbers, too.
    let gained = one("SELECT count(*) FROM media_insights WHERE name = 'reach' GROUP BY media_id ORDER BY 1 DESC".replace("count(*)", "cast(count(*) AS TEXT)").as_str());
    assert!(gained.parse::<u32>().unwrap() > 5, "{gained}");
}
