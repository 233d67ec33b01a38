//! Databases equal the world: one table of scenarios, each with a backfill and nights of virtual time, after which everything that nights read
//! is compared with what the world tells.

mod changes;
mod tonight;
mod worlds;
mod zones;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use igsync_simulator::{Call, WorldSpec};
use tokio::time::{Instant, sleep_until};

use crate::faults::in_virtual_time;
use crate::nights::NIGHTLY;
use crate::world::{World, outcomes, selection_of};
use tonight::Tonight;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world and what happens in it.
struct Scenario {
    name: &'static str,
    spec: fn() -> WorldSpec,
    /// So many nights at least, the first of which is a backfill. More follow until one walks through the whole list of posts.
    nights: i64,
    /// What happens before a night; they count from 0.
    before: fn(&World, i64),
    /// The open gaps in the end: resource, reason and field, each once.
    gaps: &'static [&'static str],
    /// Rows that are compared at least, by table.
    rows: &'static [(&'static str, usize)],
}

/// What is refused to every account.
const VIEWS_BY_FOLLOW_TYPE: &str = "account_insights not_applicable views of views by follow_type";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "posts of all kinds with hidden counts and refused metrics",
        spec: worlds::mixed,
        nights: 8,
        before: nothing,
        gaps: &[
            VIEWS_BY_FOLLOW_TYPE,
            "media_insights not_applicable follows",
            "media_insights not_applicable follows of FEED IMAGE",
            "media_insights not_applicable shares",
            "media_insights not_applicable shares of FEED IMAGE",
            "media_insights not_applicable views",
            "media_insights not_applicable views of FEED VIDEO",
            "stories expired",
            "stories too_few_viewers",
        ],
        rows: &[
            ("media", 100),
            ("media_insights", 1_000),
            ("comments", 100),
            ("story_insights", 20),
            ("account_insights", 500),
            ("audience", 50),
        ],
    },
    Scenario {
        name: "an account that was converted in the middle of its list of posts",
        spec: worlds::converted,
        nights: 8,
        before: nothing,
        gaps: &[
            VIEWS_BY_FOLLOW_TYPE,
            "media_insights before_conversion",
            "media_insights not_applicable views",
            "stories expired",
            "stories too_few_viewers",
        ],
        rows: &[("media", 120), ("media_insights", 500)],
    },
    Scenario {
        name: "an account that is converted again between two nights",
        spec: worlds::mixed,
        nights: 8,
        before: convert,
        gaps: &[
            VIEWS_BY_FOLLOW_TYPE,
            "media_insights before_conversion",
            "media_insights not_applicable follows",
            "media_insights not_applicable follows of FEED IMAGE",
            "media_insights not_applicable shares",
            "media_insights not_applicable shares of FEED IMAGE",
            "media_insights not_applicable views",
            "media_insights not_applicable views of FEED VIDEO",
            "stories before_conversion",
            "stories expired",
            "stories too_few_viewers",
        ],
        rows: &[("media", 100), ("media_insights", 10)],
    },
    Scenario {
        name: "an account without posts, followers and stories",
        spec: worlds::empty,
        nights: 8,
        before: nothing,
        gaps: &[
            VIEWS_BY_FOLLOW_TYPE,
            "account_insights too_few_viewers follower_count of day series",
            "account_insights too_few_viewers follows_and_unfollows of day by follow_type",
            "audience too_few_viewers engaged_audience_demographics of this_month",
            "audience too_few_viewers follower_demographics of lifetime",
            "audience too_few_viewers reached_audience_demographics of this_month",
            "online_followers too_few_viewers online_followers of hours",
        ],
        rows: &[("accounts", 1), ("account_insights", 300)],
    },
    Scenario {
        name: "a hundred stories at once",
        spec: worlds::many_stories,
        nights: 3,
        before: nothing,
        gaps: &[
            VIEWS_BY_FOLLOW_TYPE,
            "stories expired",
            "stories too_few_viewers",
        ],
        rows: &[("stories", 100), ("story_insights", 900)],
    },
    Scenario {
        name: "5,000 comments on one post",
        spec: worlds::discussed,
        nights: 8,
        before: nothing,
        gaps: &[VIEWS_BY_FOLLOW_TYPE, "media_insights not_applicable views"],
        rows: &[("comments", 5_000)],
    },
];

const MANY_POSTS: Scenario = Scenario {
    name: "10,000 posts",
    spec: worlds::many_posts,
    nights: 2,
    before: nothing,
    gaps: &[
        VIEWS_BY_FOLLOW_TYPE,
        "media list_limit",
        "media_insights not_applicable views",
        "media_insights not_applicable views of FEED VIDEO",
    ],
    rows: &[("media", 10_000), ("media_insights", 100_000)],
};

fn nothing(_: &World, _: i64) {}

fn convert(world: &World, night: i64) {
    if night == 3 {
        let told = world.simulator.world();
        let id = told.accounts().next().unwrap().id().to_owned();
        assert!(told.convert_account(&id));
    }
}

/// The open gaps: resource, reason and field, each once.
fn gaps(world: &World) -> Vec<String> {
    world.texts(
        "SELECT DISTINCT concat_ws(' ', resource, reason, field) FROM sync_gaps WHERE resolved_at IS NULL ORDER BY 1",
    )
}

/// Nights in a world, one every 24 hours.
struct Nights {
    world: World,
    count: i64,
    began: Instant,
}

impl Nights {
    async fn of(spec: WorldSpec) -> Self {
        Self {
            world: World::new(spec).await,
            count: 0,
            began: Instant::now(),
        }
    }

    /// Waits until the next one is to begin.
    async fn wait(&mut self) {
        if self.count > 0 {
            sleep_until(self.began + DAY).await;
        }
        self.began = Instant::now();
    }

    /// The next one.
    async fn next(&mut self) -> Tonight {
        self.wait().await;
        let tonight = Tonight::begins(&self.world);
        self.work().await;
        tonight
    }

    /// Reads what is due; the first night is a backfill.
    async fn work(&mut self) {
        self.world.simulator.clear_journal();
        self.count += 1;
        let summary = if self.count == 1 {
            self.world.backfill_of(&NIGHTLY).await
        } else {
            self.world.night(&selection_of(&NIGHTLY)).await
        };
        let ended = outcomes(&summary);
        let is_over = |job: &String| job.ends_with("complete") || job.ends_with("partial");
        assert!(ended.iter().all(is_over), "{}: {ended:?}", self.count);
    }

    /// Nights until one has walked through the whole list of posts.
    async fn next_long(&mut self) -> Tonight {
        for _ in 0..8 {
            let tonight = self.next().await;
            if tonight.is_long(&self.world) {
                return tonight;
            }
        }
        panic!("no night walks through the list");
    }

    /// Calls of this night that were refused, but for what is asked of quiet stories.
    fn refused(&self) -> Vec<Call> {
        let calls = self.world.simulator.journal().into_iter();
        calls
            .filter(|call| call.status != 200 && call.code != Some(10))
            .collect()
    }
}

impl Scenario {
    /// Lives through it, and fails unless the database is the world.
    async fn hold(&self) {
        let mut nights = Nights::of((self.spec)()).await;
        loop {
            nights.wait().await;
            (self.before)(&nights.world, nights.count);
            if nights.count + 1 < self.nights {
                nights.work().await;
                continue;
            }
            let tonight = Tonight::begins(&nights.world);
            nights.work().await;
            assert!(nights.count < self.nights + 8, "{}", self.name);
            if tonight.is_long(&nights.world) {
                self.compare(&nights.world, &tonight);
                return;
            }
        }
    }

    #[track_caller]
    fn compare(&self, world: &World, tonight: &Tonight) {
        let rows = tonight.assert_equal(world);
        for (table, least) in self.rows {
            let rows = rows[*table];
            assert!(rows >= *least, "{}: {rows} of {table}", self.name);
        }
        assert_eq!(gaps(world), self.gaps, "{}", self.name);
    }
}

/// Scenarios side by side.
const THREADS: usize = 2;

#[test]
fn a_database_is_the_world_after_the_nights_of_every_scenario() {
    let waiting: Mutex<VecDeque<&Scenario>> = Mutex::new(SCENARIOS.iter().collect());
    let failed = Mutex::new(BTreeSet::new());
    let work = || {
        while let Some(scenario) = next(&waiting) {
            let hold = || in_virtual_time(scenario.hold());
            if catch_unwind(AssertUnwindSafe(hold)).is_err() {
                failed.lock().unwrap().insert(scenario.name);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_posts_equal_the_world() {
    MANY_POSTS.hold().await;
}

fn next<'s>(waiting: &Mutex<VecDeque<&'s Scenario>>) -> Option<&'s Scenario> {
    waiting.lock().unwrap().pop_front()
}
