//! What igsync writes down about itself: the vocabulary of the `sync_…` tables.

use chrono::{DateTime, TimeDelta, Utc};

use super::table::{Row, Table};

/// What one page brought, to be written in one transaction.
#[derive(Debug)]
pub struct Commit {
    /// The run that read it.
    pub run: i64,
    /// When it was read.
    pub at: DateTime<Utc>,
    /// How many pages this is: 1, or 0 when only state is written.
    pub pages: u32,
    /// What it says.
    pub rows: Vec<Row>,
    /// Where the job stands after it.
    pub checkpoint: Option<Checkpoint>,
    /// What turned out to be missing.
    pub gaps: Vec<Gap>,
    /// Calls spent since the last commit.
    pub calls: Vec<CallCount>,
    /// The pools as they stand.
    pub pools: Vec<PoolRow>,
    /// What was read of many subjects.
    pub reads: Vec<Read>,
    /// What was answered: it is missing no more.
    pub answered: Vec<Answered>,
}

/// Names a job's place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointKey {
    /// `backfill`, or the name of a configured job.
    pub job: String,
    /// The account.
    pub account_id: String,
    /// The resource.
    pub resource: &'static str,
    /// Empty, or the days asked for.
    pub range: String,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which job.
    pub key: CheckpointKey,
    /// Where the next page begins; `None` at the top of the list.
    pub cursor: Option<String>,
    /// Pages committed since `started_at`.
    pub pages: u32,
    /// Objects on these pages.
    pub objects: u64,
    /// Starts in a row that failed or were refused without a page.
    pub failures: u32,
    /// The run that began this pass.
    pub first_run: i64,
    /// When this pass over the list began.
    pub started_at: DateTime<Utc>,
    /// When the pass ended; `None` while pages are left.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// This app, account or post does not have it.
    NotApplicable,
    /// The API does not accept the question.
    Refused,
    /// Too few people for Meta to tell.
    TooFewViewers,
    /// Posted before the account became professional.
    BeforeConversion,
    /// A permission, task or feature is missing.
    NoPermission,
    /// A budget was used up.
    RateLimited,
    /// It was only there for a time.
    Expired,
    /// It is not there any more, or not for this token.
    Gone,
    /// The API shows no older entries.
    ListLimit,
    /// An answer that breaks the API's own rules.
    Unreadable,
    /// No answer.
    Failed,
    /// A signal came first.
    Stopped,
}

impl Reason {
    /// As `sync_gaps.reason` has it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Refused => "refused",
            Self::TooFewViewers => "too_few_viewers",
            Self::BeforeConversion => "before_conversion",
            Self::NoPermission => "no_permission",
            Self::RateLimited => "rate_limited",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::ListLimit => "list_limit",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The account; `None` for every account of a credential.
    pub account_id: Option<String>,
    /// The resource.
    pub resource: &'static str,
    /// The object, or the credential where there is no account; `None` for the whole resource.
    pub object_id: Option<String>,
    /// The field; `None` for all of the object.
    pub field: Option<String>,
    /// Why.
    pub reason: Reason,
    /// In words, without secrets.
    pub detail: String,
}

/// Calls of one endpoint in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// The pool, as in `sync_pools`.
    pub pool: String,
    /// The endpoint.
    pub endpoint: &'static str,
    /// Requests sent.
    pub calls: u32,
    /// Of these, requests without a usable answer.
    pub failed: u32,
}

/// What is known of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRow {
    /// Its name.
    pub pool: String,
    /// The three gauges in percent: calls, CPU time, wall time.
    pub gauges: Option<[f32; 3]>,
    /// When Meta told them.
    pub observed_at: Option<DateTime<Utc>>,
    /// No call before this.
    pub closed_until: Option<DateTime<Utc>>,
    /// What closed it.
    pub closed_why: Option<String>,
    /// Whether that holds for every call of the token.
    pub closed_for_all: bool,
    /// Refused calls in a row.
    pub refusals: u32,
    /// Our own calls inside the window.
    pub own_calls: u64,
    /// What is kept for urgent calls: how many each time, how often in a window, and when the last ones began.
    pub reserved: Option<(u32, f32, DateTime<Utc>)>,
    /// Whether answers told usage of the app's pool alone.
    pub told_by_app: bool,
    /// What was spent when, for the budget to go on with.
    pub ledger: String,
}

/// How far one subject of a resource has been read: a post's insights, a day of an account, a hashtag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Which one, within its account and resource.
    pub subject: String,
    /// When it was last read to its end; `None`: never.
    pub read_at: Option<DateTime<Utc>>,
    /// Where to go on with a list that is being read; opaque.
    pub cursor: Option<String>,
    /// What it looked like then, to be compared.
    pub mark: Option<String>,
    /// Whether there is no use in asking ever again; `sync_gaps` says why.
    pub closed: bool,
}

/// What is later than now by more than this was noted by a clock that ran ahead.
const AHEAD: TimeDelta = TimeDelta::hours(1);

impl Read {
    /// What is known of it at an instant. What a clock that ran ahead has noted is not known: it would not be read again before the clock gets there.
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.read_at = self.read_at.filter(|at| *at <= now + AHEAD);
        self
    }
}

/// An answer that closes gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The object that it speaks of.
    pub object_id: Option<String>,
    /// Whether it tells no more of it than these fields: what is missing of all of the object stays so.
    pub is_part: bool,
    /// What it told of the object.
    pub fields: Vec<String>,
    /// The same as gaps of the whole resource name it.
    pub families: Vec<String>,
    /// The list of which it was the last missing part: what the run did not see of it is deleted.
    pub list: Option<WholeList>,
}

/// A list that one run has read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeList {
    /// The table that keeps its objects.
    pub table: &'static Table,
    /// Whose list it is.
    pub owner: String,
}

/// What is known of a post when questions about posts are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// IG Media id.
    pub id: String,
    /// IMAGE, VIDEO or CAROUSEL_ALBUM.
    pub media_type: Option<String>,
    /// FEED, REELS, STORY or AD.
    pub product_type: Option<String>,
    /// When it was posted.
    pub timestamp: DateTime<Utc>,
    /// Comments and replies at the last read; `None`: not told.
    pub comments_count: Option<i64>,
}

/// What is known of a conversation when questions about conversations are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// When something was last written in it, as the list told.
    pub updated_time: DateTime<Utc>,
}

/// A hashtag that an account has spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashtagRow {
    /// IG Hashtag id, or `#` and the name while the id is not known.
    pub hashtag_id: String,
    /// Its name without `#`, where it is known.
    pub name: Option<String>,
    /// When it was booked, or first seen where others spent it.
    pub spent_at: DateTime<Utc>,
    /// Whether somebody else spent it.
    pub by_others: bool,
    /// Whether Meta has answered a call for it since.
    pub answered: bool,
    /// Until when it counts at the latest.
    pub counts_until: DateTime<Utc>,
}

/// Objects of a resource.
#[derive(Clone, Debug)]
pub struct Objects {
    /// The resource.
    pub resource: &'static str,
    /// Where they are; `None`: nowhere.
    pub table: Option<&'static Table>,
    /// Whose.
    pub owner: String,
    /// From when, up to when; open ends are allowed.
    pub between: [Option<DateTime<Utc>>; 2],
}

/// A job of the configuration and where it stands. The fields are explained at `sync_jobs` in `schema.sql`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRow {
    /// Its name.
    pub job: String,
    /// Its cron line.
    pub schedule: String,
    /// The zone in which the line is meant.
    pub timezone: String,
    /// What it reads.
    pub resources: Vec<String>,
    /// When it is started next; in the past: it was missed.
    pub next_due_at: Option<DateTime<Utc>>,
    /// The time of its schedule for which it was last started.
    pub due_at: Option<DateTime<Utc>>,
    /// When its last start began.
    pub started_at: Option<DateTime<Utc>>,
    /// When that start was over.
    pub finished_at: Option<DateTime<Utc>>,
    /// The run that groups those of that start.
    pub run: Option<i64>,
    /// How it ended, or what it does.
    pub outcome: Option<String>,
    /// Accounts that the start reads.
    pub accounts: u32,
    /// Of these, accounts of which nothing is left.
    pub accounts_done: u32,
    /// When the first of what waits goes on.
    pub resume_at: Option<DateTime<Utc>>,
    /// What to know, for a person.
    pub message: Option<String>,
}

impl JobRow {
    /// When its last start began, where something of that start is left.
    pub fn unfinished_since(&self) -> Option<DateTime<Utc>> {
        self.started_at.filter(|_| self.finished_at.is_none())
    }
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The first run of the same start; `None` for that run itself.
    pub started_by: Option<i64>,
    /// `backfill`, or the name of a configured job.
    pub job: String,
    /// The account; `None` for discovery.
    pub account_id: Option<String>,
    /// The resource.
    pub resource: &'static str,
    /// Empty, or the days asked for.
    pub range: String,
    /// Calls that are expected; `None` where nobody knows before.
    pub forecast_calls: Option<u64>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A complete listing.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What was listed.
    pub table: &'static Table,
    /// Whose.
    pub owner: String,
    /// Whether the API may have more that it does not list.
    pub limited: bool,
}
