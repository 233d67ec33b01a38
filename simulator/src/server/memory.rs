//! What the server remembers between calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::Incoming;

/// How long a hashtag counts after it was queried for the first time.
const HASHTAG_SECONDS: i64 = 7 * 86_400;
/// The quota of collaboration invites is "per day"; a rolling day is assumed.
const INVITES_SECONDS: i64 = 86_400;

/// State beside the meters.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    positions: Mutex<HashMap<String, u64>>,
    /// Per account the hashtags that count now, and since when.
    hashtags: Mutex<HashMap<String, Vec<(u32, i64)>>>,
    /// Per user the instants at which collaboration invites were read within the last day.
    invite_reads: Mutex<HashMap<String, VecDeque<i64>>>,
}

impl Memory {
    /// Where a caller stopped in a list whose cursor says nothing.
    pub(crate) fn position(&self, call: &Incoming) -> Option<u64> {
        self.positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&list_of(call))
            .copied()
    }

    pub(crate) fn remember_position(&self, call: &Incoming, slot: Option<u64>) {
        if let Some(slot) = slot {
            self.positions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(list_of(call), slot);
        }
    }

    /// Counts a query of a hashtag; says no when the account has no room for another one.
    pub(crate) fn query_hashtag(&self, account: &str, hashtag: u32, now: i64, most: usize) -> bool {
        let mut all = self.hashtags.lock().unwrap_or_else(PoisonError::into_inner);
        let queried = all.entry(account.to_owned()).or_default();
        queried.retain(|(_, since)| now - since < HASHTAG_SECONDS);
        if queried.iter().any(|(known, _)| *known == hashtag) {
            return true;
        }
        let has_room = queried.len() < most;
        if has_room {
            queried.push((hashtag, now));
        }
        has_room
    }

    /// Counts a read of collaboration invites, and says no when the user had too many of them within a day.
    pub(crate) fn read_invites(&self, user: &str, now: i64, most: usize) -> bool {
        let mut all = self
            .invite_reads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let reads = all.entry(user.to_owned()).or_default();
        while reads.front().is_some_and(|at| now - at >= INVITES_SECONDS) {
            reads.pop_front();
        }
        let has_room = reads.len() < most;
        if has_room {
            reads.push_back(now);
        }
        has_room
    }

    /// The hashtags that count now.
    pub(crate) fn recent_hashtags(&self, account: &str, now: i64) -> Vec<u32> {
        let all = self.hashtags.lock().unwrap_or_else(PoisonError::into_inner);
        let queried = all.get(account).into_iter().flatten();
        queried
            .filter(|(_, since)| now - since < HASHTAG_SECONDS)
            .map(|(hashtag, _)| *hashtag)
            .collect()
    }
}

fn list_of(call: &Incoming) -> String {
    format!(
        "{} {}",
        call.param("user_id").unwrap_or_default(),
        call.path_text()
    )
}
