//! What waits and runs of one account.

use chrono::{DateTime, Utc};

use crate::resource::RESOURCES;
use crate::sync::group::Group;
use crate::sync::job::Job;
use crate::sync::turn;

/// A resource of an account that is to be read.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) job: Job,
    pub(super) group: Group,
    pub(super) starts: Vec<u64>,
    pub(super) not_before: DateTime<Utc>,
    /// What it waits for, when it ran before.
    pub(super) why: Option<String>,
    /// How often it got no answer.
    pub(super) tries: usize,
    /// Among entries of the same time, the order in which they came.
    pub(super) number: u64,
}

/// The entries of one account.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) waiting: Vec<Entry>,
    /// One, and an urgent one for which it makes room.
    pub(super) running: Vec<Entry>,
    pub(super) turn: turn::Account,
    /// Its places in the agenda.
    pub(super) turns: Vec<Turn>,
}

/// When a line has something to run: whether that may wait, from when, and its number.
pub(super) type Turn = (bool, DateTime<Utc>, u64, String);

/// Whether it can be read later as well.
pub(super) fn may_wait_for(job: &Job) -> bool {
    !job.resource.urgent
}

/// The place in registry order.
pub(super) fn place(job: &Job) -> usize {
    let at = RESOURCES
        .iter()
        .position(|one| one.name == job.resource.name);
    at.unwrap_or(RESOURCES.len())
}
