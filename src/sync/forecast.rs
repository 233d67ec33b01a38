//! What work will cost, before it is done: calls, and the time that the pools need for them. Pure: time is an argument.
//!
//! Calls are counted in one place, [`calls`]; a resource that is counted in another way says so there. Refused fields, retries
//! and pages that the API makes shorter are not foreseen: the run's own count stands beside the forecast in `sync_runs`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::job::{Account, Job, Range};
use super::page_size::PageSize;
use crate::budget::{Ahead, Budget, Closed, PoolKey};
use crate::graph::{SHORT_WAIT, Shape};
use crate::resource::{Facts, Question, Questions, Resource, Work};
use crate::store::{Checkpoint, Objects};

/// One job and what it is expected to cost.
#[derive(Clone, Debug)]
pub struct JobForecast {
    /// Which job.
    pub job: Job,
    /// The pool that they are metered in.
    pub pool: PoolKey,
    /// Calls.
    pub calls: u64,
    /// Whether there will be more, and nobody knows how many: lists of which no number is told.
    pub at_least: bool,
}

/// What becomes of a pool.
#[derive(Clone, Debug)]
pub struct PoolForecast {
    /// The pool.
    pub pool: PoolKey,
    /// How far its fullest gauge is used now, in percent; `None` while Meta has told nothing of it.
    pub used_percent: Option<f32>,
    /// Calls.
    pub calls: u64,
    /// When they are done, and what is postponed.
    pub ahead: Ahead,
}

/// What work will cost.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The jobs, in the order in which they are run.
    pub work: Vec<JobForecast>,
    /// The pools, by name.
    pub pools: Vec<PoolForecast>,
    /// When all of it is done, as far as pools decide.
    pub done_at: DateTime<Utc>,
}

impl Forecast {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.work.iter().map(|work| work.calls).sum()
    }
}

/// The objects that a list of a resource will show, where discovery told a number.
pub(super) fn told(resource: &Resource, account: &Account) -> Option<u64> {
    account.media_count.filter(|_| resource.name == "media")
}

/// The posts that a resource asks about one by one, where discovery told a number.
fn posts_told(resource: &Resource, account: &Account) -> Option<u64> {
    let about_posts = matches!(resource.name, "media_insights" | "comments");
    account.media_count.filter(|_| about_posts)
}

/// What the database is asked about a job's objects.
pub(super) fn held_by(job: &Job) -> Objects {
    Objects {
        resource: job.resource.name,
        table: job.resource.tables.first().copied(),
        owner: job.account.id.clone(),
        between: job.range.bounds(),
    }
}

/// The objects that a job will read: what discovery told, else what the database holds; of some days what the database holds of
/// them, else everything.
pub(super) fn objects(job: &Job, held: Option<u64>) -> Option<u64> {
    let told = told(job.resource, &job.account);
    if job.range == Range::default() {
        told.or(held)
    } else {
        held.or(told)
    }
}

/// The questions that a job will ask: those that are due, for a list of all posts one a page; of posts that were never listed, one for
/// each that discovery told of. And whether there may be more.
pub(super) fn due(job: &Job, questions: &Questions, facts: &Facts) -> (u64, bool) {
    let posts = job.account.media_count.unwrap_or(facts.posts.len() as u64);
    let pages = |question: &Question| match question.limit {
        Some(limit) if question.lists_all_posts() => posts.div_ceil(u64::from(limit)).max(1),
        _ => 1,
    };
    let due = (questions.due)(facts);
    let calls = due
        .iter()
        .map(|question| pages(question) + question.leads_to.unwrap_or(0))
        .sum();
    let told = posts_told(job.resource, &job.account).filter(|_| facts.posts.is_empty());
    let at_least = due.iter().any(|question| question.leads_to.is_some());
    (told.unwrap_or(calls), at_least)
}

/// The calls that a job will cost: one for a question and for a node; for a list of so many objects one a page, of a pass that is under way only
/// the rest. Of a list of which nothing is known, the first page.
pub(super) fn calls(
    resource: &Resource,
    objects: Option<u64>,
    checkpoint: Option<&Checkpoint>,
) -> u64 {
    let walk = match &resource.work {
        Work::Questions(_) => return objects.unwrap_or(0),
        Work::Walk(walk) if walk.shape == Shape::Node => return 1,
        Work::Walk(walk) => walk,
    };
    let listed = objects.unwrap_or(0);
    let listed = listed.min(walk.list_limit.unwrap_or(u64::MAX));
    let read = checkpoint
        .filter(|checkpoint| checkpoint.finished_at.is_none() && checkpoint.cursor.is_some())
        .map_or(0, |checkpoint| checkpoint.objects);
    PageSize::pages_for(listed.saturating_sub(read))
}

/// What jobs will cost if they begin now. The calls of an account go one after the other, accounts go side by side, and the
/// slowest account or pool decides.
pub fn forecast(work: Vec<JobForecast>, budget: &Budget, now: DateTime<Utc>) -> Forecast {
    // Per pool: how many calls, and what blocks the token that they are made with.
    let mut by_pool: BTreeMap<PoolKey, (u64, Option<Closed>)> = BTreeMap::new();
    let mut by_account: BTreeMap<&str, BTreeMap<&PoolKey, u64>> = BTreeMap::new();
    for one in &work {
        for pool in metered_in(one, budget) {
            let (calls, blocked) = by_pool.entry(pool).or_default();
            *calls += one.calls;
            *blocked = blocked.take().or_else(|| token_block(one, budget, now));
        }
        let account = by_account.entry(&one.job.account.id).or_default();
        *account.entry(&one.pool).or_default() += one.calls;
    }
    let begins = |pool: &PoolKey| {
        let blocked = by_pool.get(pool).and_then(|(_, blocked)| blocked.as_ref());
        blocked.map_or(now, |closed| closed.until)
    };
    let mut done_at = now;
    for pools in by_account.values() {
        let mut account = now;
        for (pool, calls) in pools {
            let begins = begins(pool);
            let takes = budget.ahead(pool, *calls, SHORT_WAIT, begins).done_at - begins;
            account = account.max(begins) + takes;
        }
        done_at = done_at.max(account);
    }
    let mut pools = Vec::new();
    for (pool, (calls, blocked)) in &by_pool {
        let mut ahead = budget.ahead(pool, *calls, SHORT_WAIT, begins(pool));
        if blocked.is_some() {
            (ahead.at_once, ahead.postponed) = (0, blocked.clone());
        }
        done_at = done_at.max(ahead.done_at);
        let told = budget
            .state(pool, now)
            .is_some_and(|state| state.reading.is_some());
        let used = || budget.levels(pool, now).into_iter().fold(0.0, f32::max);
        pools.push(PoolForecast {
            pool: pool.clone(),
            used_percent: told.then(used),
            calls: *calls,
            ahead,
        });
    }
    Forecast {
        pools,
        done_at,
        work,
    }
}

/// The pools that a job's calls ask for a permit: where answers tell usage of the app alone, that of the app, too.
fn metered_in(work: &JobForecast, budget: &Budget) -> Vec<PoolKey> {
    let mut pools = vec![work.pool.clone()];
    if budget.is_told_by_app(&work.pool) {
        let route = work.job.account.routes.first();
        pools.extend(route.map(|route| route.credential.app_pool()));
    }
    pools
}

/// What closes every pool of the token that a job's calls are made with.
fn token_block(work: &JobForecast, budget: &Budget, now: DateTime<Utc>) -> Option<Closed> {
    let credential = &work.job.account.routes.first()?.credential;
    let pools = [credential.app_pool(), credential.user_pool()];
    let closed = pools.iter().filter_map(|pool| budget.blocked(pool, now));
    closed.max_by_key(|closed| closed.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Reading, Settings};
    use crate::resource;
    use crate::store::CheckpointKey;
    use std::sync::Arc;

    fn media() -> &'static Resource {
        resource::find("media").unwrap()
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes)
    }

    fn checkpoint(objects: u64, finished: bool) -> Checkpoint {
        Checkpoint {
            key: CheckpointKey {
                job: "backfill".to_owned(),
                account_id: "1".to_owned(),
                resource: "media",
                range: String::new(),
            },
            cursor: (!finished).then(|| "opaque".to_owned()),
            pages: 1,
            objects,
            failures: 0,
            first_run: 1,
            started_at: at(0),
            finished_at: finished.then(|| at(1)),
        }
    }

    fn work(account: &str, calls: u64) -> JobForecast {
        let account = Account {
            id: account.to_owned(),
            username: None,
            media_count: None,
            routes: Vec::new(),
        };
        JobForecast {
            at_least: false,
            pool: account.pool(),
            calls,
            job: Job {
                name: "backfill".to_owned(),
                account: Arc::new(account),
                resource: media(),
                range: Range::default(),
                forecast_calls: None,
                names: Vec::new(),
            },
        }
    }

    #[test]
    fn a_node_costs_a_call_and_a_list_one_a_page() {
        assert_eq!(calls(resource::find("account").unwrap(), Some(9), None), 1);
        // Four pages of 50, then pages of 100.
        for (objects, pages) in [
            (0, 1),
            (1, 1),
            (50, 1),
            (51, 2),
            (200, 4),
            (300, 5),
            (301, 6),
        ] {
            assert_eq!(calls(media(), Some(objects), None), pages, "{objects}");
        }
        assert_eq!(calls(media(), None, None), 1);
        // The API lists no more than its limit, whatever was told.
        let most = calls(media(), Some(10_000), None);
        assert_eq!(calls(media(), Some(u64::MAX), None), most);
    }

    #[test]
    fn of_a_pass_that_is_under_way_only_the_rest_is_left() {
        assert_eq!(calls(media(), Some(400), Some(&checkpoint(250, false))), 3);
        assert_eq!(calls(media(), Some(400), Some(&checkpoint(400, true))), 6);
        // More was read than was told: the next page is asked for all the same.
        assert_eq!(calls(media(), Some(100), Some(&checkpoint(150, false))), 1);
    }

    #[test]
    fn accounts_go_side_by_side_and_the_slowest_decides() {
        let budget = Budget::new(Settings::default());
        let one = forecast(vec![work("1", 100)], &budget, at(0));
        let slow = forecast(vec![work("2", 300)], &budget, at(0));
        let both = forecast(vec![work("1", 100), work("2", 300)], &budget, at(0));
        assert!(at(0) < one.done_at && one.done_at < slow.done_at);
        assert_eq!(both.done_at, slow.done_at);
        let twice = forecast(vec![work("1", 100), work("1", 200)], &budget, at(0));
        assert_eq!((twice.done_at, twice.pools.len()), (slow.done_at, 1));
        assert_eq!(twice.calls(), 300);
    }

    #[test]
    fn what_does_not_fit_is_postponed_and_says_until_when() {
        let budget = Budget::new(Settings::default());
        let pool = work("1", 1).pool;
        let full = Reading {
            call_count: 79.0,
            ..Reading::default()
        };
        budget.observe(&pool, full, at(0));
        let told = forecast(vec![work("1", 1000), work("2", 5)], &budget, at(1));
        let (first, other) = (&told.pools[0], &told.pools[1]);
        let used = first.used_percent.unwrap();
        assert!((79.0..80.0).contains(&used), "{used}");
        assert_eq!(other.used_percent, None);
        assert!(first.ahead.at_once < 100, "{first:?}");
        let closed = first.ahead.postponed.as_ref().unwrap();
        assert!(closed.until > at(1) && closed.until < told.done_at);
        assert!(closed.why.contains("ceiling of 80 %"), "{closed}");
        assert_eq!((&other.ahead.postponed, other.ahead.at_once), (&None, 5));

        budget.refuse(
            &pool,
            Some(std::time::Duration::from_secs(7200)),
            "code 80002",
            at(1),
        );
        let told = forecast(vec![work("1", 5)], &budget, at(2));
        let closed = told.pools[0].ahead.postponed.clone().unwrap();
        assert_eq!((closed.until, told.pools[0].ahead.at_once), (at(121), 0));
        assert!(told.done_at > at(121));
    }
}
