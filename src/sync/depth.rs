//! How far down a list a walk goes. Pure: time and what is known are arguments.
//!
//! A list is walked through from its top to its end on its own schedule, which shows deletions and refreshes old posts. On the other
//! nights the walk ends where it meets known ground that is older than what changes from day to day.

use chrono::{DateTime, Utc};

use super::job::{Job, Range};
use crate::clock::parse_instant;
use crate::graph::Shape;
use crate::resource::{Refresh, Walk, weekly};
use crate::store::{Read, Row, Value, Written};

/// The subject under which `sync_reads` keeps when a list was last walked through.
pub(super) const WHOLE_LIST: &str = "whole list";

/// Its night of the week, among what else is read weekly.
const PLACE: i64 = 0;

/// So many known objects in a row are known ground.
const KNOWN: u64 = 20;

/// Where a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// At the end of the list.
    Whole,
    /// At known objects from before this, or at the end.
    Fresh(DateTime<Utc>),
}

impl Depth {
    /// How far a walk goes now. `last` says when the list was last walked through.
    pub(super) fn of(
        job: &Job,
        walk: &Walk,
        last: Option<&Read>,
        refresh: &Refresh,
        now: DateTime<Utc>,
    ) -> Self {
        let partial = !job.reads_everything() && job.range == Range::default();
        let Some(last) = last.and_then(|read| read.read_at).filter(|_| partial) else {
            return Self::Whole;
        };
        if walk.shape == Shape::Node {
            return Self::Whole;
        }
        if weekly::is_due(&job.account.id, PLACE, Some(last), now) {
            return Self::Whole;
        }
        Self::Fresh(now - refresh.daily())
    }

    /// Whether a walk ends behind a page: its end was known, and the oldest is old enough. What is new stands at the top.
    pub(super) fn is_reached(
        self,
        written: &[(&'static str, Written)],
        oldest: Option<DateTime<Utc>>,
    ) -> bool {
        let Self::Fresh(until) = self else {
            return false;
        };
        let known = written.first().is_some_and(|(_, written)| {
            written.inserted == 0 || written.changed + written.unchanged >= KNOWN
        });
        known && oldest.is_none_or(|oldest| oldest < until)
    }
}

/// When the oldest object of a page was posted, for tables that tell it.
pub(super) fn oldest(rows: &[Row]) -> Option<DateTime<Utc>> {
    let table = rows.first()?.table;
    let at = table.position("timestamp")?;
    let instants = rows.iter().filter(|row| std::ptr::eq(row.table, table));
    instants
        .filter_map(|row| match row.values.get(at)? {
            Some(Value::Text(text)) => parse_instant(text),
            _ => None,
        })
        .min()
}
