//! How a run ends. Plain data; SQL is elsewhere.

use chrono::{DateTime, Utc};

use super::record::{Listing, Read};

/// How a run ended. The variants are explained at `sync_runs.outcome` in `schema.sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is in the database.
    Complete,
    /// Something is missing, and `sync_gaps` says what.
    Partial,
    /// An operator is needed: token, permission, or a block by Meta.
    Refused,
    /// A budget is used up until then.
    Suspended(DateTime<Utc>),
    /// A signal ended it.
    Stopped,
    /// No answer that can be read.
    Failed,
}

impl Outcome {
    /// As `sync_runs.outcome` has it.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Suspended(_) => "suspended",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// A run that ends.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// Which run.
    pub run: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What to know about it.
    pub message: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// The run that began the pass: gaps that the pass noted make it partial.
    pub pass: i64,
    /// Whether the pass has come to the end of the list: gaps that it did not meet again are closed.
    pub pass_is_over: bool,
    /// What the run listed from top to end without an error; what it did not show is gone.
    pub listing: Option<Listing>,
    /// Whether the pass went to the end of its list, or has none.
    pub is_to_the_end: bool,
    /// Subjects that the end of the run proves read.
    pub reads: Vec<Read>,
    /// Whether the pass judges objects: those it did not meet again are missing no more.
    pub judges_objects: bool,
    /// Credentials that were answered: their gaps are closed.
    pub answered: Vec<String>,
    /// Fields that they were answered.
    pub fields: Vec<String>,
}
