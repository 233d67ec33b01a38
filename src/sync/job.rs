//! What is to be done: a resource of an account, by whose token, over which days.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::budget::{PoolKey, Urgency};
use crate::graph::{Credential, Request};
use crate::resource::{Facts, Meter, Question, Refresh, Resource};
use crate::store::{Checkpoint, CheckpointKey, Conversation, Post, Read};

/// The name of the one-off job that reads history.
pub const BACKFILL: &str = "backfill";

/// What runs of discovery are called in the database.
pub const DISCOVERY: &str = "discovery";

/// igsync's own daily check.
pub const CHECK: &str = "check";

/// An account and the ways to it.
#[derive(Clone, Debug)]
pub struct Account {
    /// IG User id.
    pub id: String,
    /// Handle without `@`, as discovery saw it.
    pub username: Option<String>,
    /// Posts, as discovery saw it; for progress and forecasts only.
    pub media_count: Option<u64>,
    /// Tokens and Pages that reach it, best first; never empty.
    pub routes: Vec<Route>,
}

/// A way to an account.
#[derive(Clone, Debug)]
pub struct Route {
    /// Whose token.
    pub credential: Arc<Credential>,
    /// Through which Page.
    pub page_id: String,
    /// Its name.
    pub page_name: Option<String>,
    /// What the token's user may do on it.
    pub tasks: Vec<String>,
    /// The Page's own token, where Meta told it. Kept in memory only.
    pub page_credential: Option<Arc<Credential>>,
    /// Whether it is a Page of the New Pages Experience, whose tasks have other names; not always told.
    pub is_new_page: Option<bool>,
}

impl Account {
    /// Whether a name in the configuration or on the command line means this account: its id, or its username in
    /// any case, with or without `@`.
    pub fn is_called(&self, name: &str) -> bool {
        is_called(&self.id, self.username.as_deref(), name)
    }

    /// What to call it in front of people.
    pub fn label(&self) -> &str {
        self.username.as_deref().unwrap_or(&self.id)
    }

    /// The BUC pool that its calls are metered in.
    pub fn pool(&self) -> PoolKey {
        PoolKey::Buc {
            account_id: self.id.clone(),
        }
    }
}

/// Whether a name means the account with this id and username.
pub(super) fn is_called(id: &str, username: Option<&str>, name: &str) -> bool {
    let handle = name.strip_prefix('@').unwrap_or(name);
    id == name || username.is_some_and(|username| username.eq_ignore_ascii_case(handle))
}

/// What the database knows when questions are chosen.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) posts: Vec<Post>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) reads: Vec<Read>,
    /// Metrics that are refused, `reach of FEED IMAGE`.
    pub(super) refused: Vec<String>,
    pub(super) refresh: Refresh,
}

/// One resource of one account.
#[derive(Clone, Debug)]
pub struct Job {
    /// `backfill`, or the name of a configured job.
    pub name: String,
    /// Whose.
    pub account: Arc<Account>,
    /// What.
    pub resource: &'static Resource,
    /// Over which days.
    pub range: Range,
    /// Names that the resource needs: hashtags, usernames.
    pub names: Vec<String>,
    /// What it is expected to cost, told when it begins.
    pub forecast_calls: Option<u64>,
}

impl Job {
    /// What may wait.
    pub fn urgency(&self) -> Urgency {
        if self.resource.urgent {
            Urgency::Urgent
        } else {
            Urgency::Bulk
        }
    }

    /// Whether it reads everything, not only what is due.
    pub fn reads_everything(&self) -> bool {
        self.name == BACKFILL
    }

    /// Whether another job asks for the same.
    pub(super) fn reads_as(&self, other: &Self) -> bool {
        self.subject() == other.subject()
            && self.range == other.range
            && self.names == other.names
            && self.reads_everything() == other.reads_everything()
    }

    /// The facts that its questions are chosen by. A pass that is under way reads nothing a second time.
    pub(super) fn facts(
        &self,
        checkpoint: Option<&Checkpoint>,
        known: Known,
        now: DateTime<Utc>,
    ) -> Facts {
        let open = checkpoint.filter(|checkpoint| checkpoint.finished_at.is_none());
        let began = open.map_or(now, |checkpoint| checkpoint.started_at);
        let split = |field: String| {
            let (metric, family) = field.split_once(" of ")?;
            Some((family.to_owned(), metric.to_owned()))
        };
        let reads = known
            .reads
            .into_iter()
            .map(|read| (read.subject.clone(), read.at(now)));
        Facts {
            now,
            account_id: self.account.id.clone(),
            posts: known.posts,
            conversations: known.conversations,
            reads: reads.collect(),
            pass_since: began,
            everything_since: self.reads_everything().then_some(began),
            refresh: known.refresh,
            names: self.names.clone(),
            refused: known.refused.into_iter().filter_map(split).collect(),
        }
    }

    /// The pool that its calls are metered in on a way to the account.
    pub(super) fn pool(&self, route: &Route) -> PoolKey {
        match self.resource.meter {
            Meter::Account => self.account.pool(),
            Meter::App | Meter::Hashtags => route.credential.app_pool(),
            Meter::Messenger => PoolKey::Messenger {
                page_id: route.page_id.clone(),
            },
        }
    }

    /// The token that its calls are made with on a way to the account, if there is one.
    pub(super) fn credential<'r>(&self, route: &'r Route) -> Option<&'r Credential> {
        match self.resource.meter {
            Meter::Messenger => route.page_credential.as_deref(),
            Meter::Account | Meter::App | Meter::Hashtags => Some(&route.credential),
        }
    }

    /// A question as a request on a way to the account.
    pub(super) fn request(&self, question: &Question, route: &Route) -> Request {
        Request {
            endpoint: question.endpoint,
            path: question.path.replace("{page}", &route.page_id),
            fields: question.fields_with_nested(),
            params: question.params_without_nested(),
            limit: question.limit,
            after: question.after.clone(),
            shape: question.shape,
            pool: self.pool(route),
            urgency: self.urgency(),
        }
    }

    /// What it reads: within one start no two jobs read the same.
    pub fn subject(&self) -> (String, &'static str) {
        (self.account.id.clone(), self.resource.name)
    }

    /// Names its place in the list.
    pub fn checkpoint_key(&self) -> CheckpointKey {
        CheckpointKey {
            job: self.name.clone(),
            account_id: self.account.id.clone(),
            resource: self.resource.name,
            range: self.range.to_string(),
        }
    }

    /// A pass that a run begins now.
    pub fn begun(&self, run: i64, now: DateTime<Utc>) -> Checkpoint {
        Checkpoint {
            key: self.checkpoint_key(),
            cursor: None,
            pages: 0,
            objects: 0,
            failures: 0,
            first_run: run,
            started_at: now,
            finished_at: None,
        }
    }
}

/// The days asked for, both ends included, in UTC. Open ends are allowed; written as `2024-01-01..2024-12-31`, and
/// as nothing when both ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
}

/// The days are in the wrong order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--since {since} is after --until {until}; give the earlier day to --since")]
pub struct RangeError {
    since: NaiveDate,
    until: NaiveDate,
}

impl Range {
    /// From day to day.
    ///
    /// # Errors
    /// [`RangeError`] when the first is after the last.
    pub fn new(since: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Self, RangeError> {
        match (since, until) {
            (Some(since), Some(until)) if since > until => Err(RangeError { since, until }),
            _ => Ok(Self { since, until }),
        }
    }

    /// The parameters `since` and `until` in unix seconds.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let [since, until] = self.bounds();
        [("since", since), ("until", until)]
            .into_iter()
            .filter_map(|(name, at)| Some((name, at?.timestamp().to_string())))
            .collect()
    }

    /// What is asked for, a day wider at each end: whether Meta means creation time and includes the ends is not documented, and
    /// a post too many is cheaper than one that is missing.
    pub fn bounds(&self) -> [Option<DateTime<Utc>>; 2] {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let since = self
            .since
            .and_then(|day| day.checked_sub_days(Days::new(1)));
        let until = self
            .until
            .and_then(|day| day.checked_add_days(Days::new(2)));
        [since, until].map(|day| day.map(midnight))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.since.is_none() && self.until.is_none() {
            return Ok(());
        }
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        write!(f, "{}..{}", day(self.since), day(self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_range_is_asked_for_a_day_wider_at_each_end() {
        let range = Range::new(day("2026-03-01"), day("2026-03-01")).unwrap();
        assert_eq!(range.to_string(), "2026-03-01..2026-03-01");
        assert_eq!(
            range.parameters(),
            [
                ("since", "1772236800".to_owned()),
                ("until", "1772496000".to_owned())
            ]
        );
        assert_eq!(Range::default().to_string(), "");
        assert_eq!(
            Range::new(day("2026-03-01"), None).unwrap().to_string(),
            "2026-03-01.."
        );
        assert!(Range::new(day("2026-03-02"), day("2026-03-01")).is_err());
    }
}
