//! Sizes of the pools.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::world::World;

use super::Pool;
use super::ledger::Spent;

/// Somebody else who uses a pool all the time.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The pool.
    pub pool: Pool,
    /// Calls per hour, spread evenly.
    pub calls_per_hour: u64,
}

/// Sizes of the pools, and what a call costs. Percentages in usage headers are shares of these.
#[derive(Clone, Debug)]
pub struct MeterSpec {
    /// Calls per day that one impression of an account buys ("Rate Limits" page: 4,800).
    pub calls_per_impression: u64,
    /// Impressions of the last 24 hours per account id, where they should not follow from the world.
    pub impressions: BTreeMap<String, u64>,
    /// An account counts as seen this often at least. A floor is documented for Threads alone: 10.
    pub least_impressions: u64,
    /// The allowance of every professional account, whatever its impressions.
    pub buc_instagram_calls: Option<u64>,
    /// People who engaged with a page; 4,800 calls each.
    pub page_engaged_users: u64,
    /// People whom a page can message; 200 calls each.
    pub messenger_engaged_users: u64,
    /// Users of the app per day; 200 calls per hour each.
    pub app_users: u64,
    /// Calls per hour of one user; the real number is secret.
    pub platform_user_calls: u64,
    /// Window of the Business Use Case limits; the pages say 24 hours and, elsewhere, one.
    pub buc_seconds: i64,
    /// Window of the limit of pages; copies of the page differ.
    pub buc_pages_seconds: i64,
    /// Window of the Platform limits.
    pub platform_seconds: i64,
    /// CPU time of every call.
    pub cpu_ms_per_call: u64,
    /// CPU time of every object in an answer.
    pub cpu_ms_per_object: u64,
    /// Wall time of every call.
    pub time_ms_per_call: u64,
    /// Wall time of every object in an answer.
    pub time_ms_per_object: u64,
    /// CPU time that the allowance holds per allowed call.
    pub cpu_ms_allowed_per_call: u64,
    /// Wall time that the allowance holds per allowed call.
    pub time_ms_allowed_per_call: u64,
    /// By how much a call against a blocked pool lengthens the block.
    pub penalty_seconds: i64,
    /// Other users of pools.
    pub foreign: Vec<Foreign>,
    /// A pool tells nothing until it has seen this many calls.
    pub headers_after_calls: u64,
    /// Then every how many answers tell usage.
    pub headers_every: u64,
    /// Conversation calls per second and account ("Rate Limits" page: 2).
    pub conversation_calls_per_second: usize,
}

impl Default for MeterSpec {
    fn default() -> Self {
        Self {
            calls_per_impression: 4_800,
            impressions: BTreeMap::new(),
            least_impressions: 0,
            buc_instagram_calls: None,
            page_engaged_users: 40,
            messenger_engaged_users: 1_000,
            app_users: 50,
            platform_user_calls: 4_000,
            buc_seconds: 24 * 3600,
            buc_pages_seconds: 24 * 3600,
            platform_seconds: 3600,
            cpu_ms_per_call: 10,
            cpu_ms_per_object: 1,
            time_ms_per_call: 30,
            time_ms_per_object: 2,
            cpu_ms_allowed_per_call: 60,
            time_ms_allowed_per_call: 200,
            penalty_seconds: 60,
            foreign: Vec::new(),
            headers_after_calls: 0,
            headers_every: 1,
            conversation_calls_per_second: 2,
        }
    }
}

impl MeterSpec {
    pub(super) fn window_seconds(&self, pool: &Pool) -> i64 {
        match pool {
            Pool::BucInstagram(_) | Pool::BucMessenger(_) => self.buc_seconds,
            Pool::BucPages(_) => self.buc_pages_seconds,
            Pool::PlatformApp | Pool::PlatformUser(_) => self.platform_seconds,
        }
    }

    /// What a pool holds now. No floor is documented for accounts that nobody sees.
    pub(super) fn quota(&self, world: &World, pool: &Pool, allowed: Option<u64>) -> Spent {
        let calls = match pool {
            _ if allowed.is_some() => allowed.unwrap_or_default(),
            Pool::BucInstagram(account) => self
                .buc_instagram_calls
                .unwrap_or_else(|| self.calls_per_impression * self.impressions_of(world, account)),
            Pool::BucPages(_) => 4_800 * self.page_engaged_users,
            Pool::BucMessenger(_) => 200 * self.messenger_engaged_users,
            Pool::PlatformApp => 200 * self.app_users,
            Pool::PlatformUser(_) => self.platform_user_calls,
        };
        let calls = calls.max(1);
        Spent {
            calls,
            cpu_ms: calls * self.cpu_ms_allowed_per_call,
            time_ms: calls * self.time_ms_allowed_per_call,
        }
    }

    fn impressions_of(&self, world: &World, account: &str) -> u64 {
        let told = self.impressions.get(account).copied();
        let impressions = told.unwrap_or_else(|| Self::views_of(world, account));
        impressions.max(self.least_impressions)
    }

    fn views_of(world: &World, account: &str) -> u64 {
        let yesterday = (world.now() - TimeDelta::days(2)).date_naive();
        let views = world
            .account(account)
            .and_then(|account| account.insight_on("views", yesterday));
        views.unwrap_or(0).max(0).cast_unsigned()
    }
}
