//! The parts of a status, put together from what the database keeps. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    AccountStatus, CredentialStatus, JobStatus, PoolStatus, ResourceStatus, Rise, Watched, judge,
};
use crate::budget;
use crate::store::{CredentialRow, GapCount, JobRow, LastStart, PoolHour, PoolRow, Subject};
use crate::sync::job::BACKFILL;
use crate::sync::pools::estimate;

/// Hours of a day.
const DAY: usize = 24;

pub(super) fn jobs(
    watched: &Watched,
    starts: &[LastStart],
    rows: &[JobRow],
    holder: Option<&str>,
    now: DateTime<Utc>,
) -> Vec<JobStatus> {
    let mut jobs = Vec::new();
    for job in &watched.jobs {
        let row = rows.iter().find(|row| row.job == job.name);
        let mut status = job_status(&job.name, starts, row, holder);
        let resources = job.selection.resources.iter();
        status.resources = resources.map(|resource| resource.name).collect();
        status.next_at = job.schedule.next_after(now);
        status.stale_before = judge::stale_before(&job.schedule, now);
        if !status.is_running {
            let owed = row.and_then(|row| row.next_due_at);
            status.overdue_since = judge::overdue(&job.schedule, status.started_at, owed, now);
        }
        jobs.push(status);
    }
    let backfill = job_status(BACKFILL, starts, None, holder);
    jobs.extend(backfill.started_at.is_some().then_some(backfill));
    jobs
}

fn job_status(
    name: &str,
    starts: &[LastStart],
    row: Option<&JobRow>,
    holder: Option<&str>,
) -> JobStatus {
    let start = starts.iter().find(|start| start.job == name);
    // What waits for a pool has no run, and is not over.
    let is_unfinished =
        start.is_some_and(|start| start.finished_at.is_none() || start.resume_at.is_some());
    let left = row.and_then(JobRow::unfinished_since);
    let is_running =
        holder.is_some_and(|holder| runs(holder, name)) && (is_unfinished || left.is_some());
    let at_work = row.filter(|_| is_running);
    let started_at = start.map(|start| start.started_at);
    JobStatus {
        job: name.to_owned(),
        started_at: row.and_then(|row| row.started_at).max(started_at),
        finished_at: start
            .and_then(|start| start.finished_at)
            .filter(|_| !is_running),
        is_running,
        outcomes: start
            .map(|start| start.outcomes.clone())
            .unwrap_or_default(),
        resume_at: start.and_then(|start| start.resume_at),
        message: start.and_then(|start| start.message.clone()),
        accounts: at_work.map(|row| row.accounts),
        accounts_done: at_work.map(|row| row.accounts_done),
        next_at: None,
        overdue_since: None,
        stale_before: None,
        resources: Vec::new(),
    }
}

/// Whether an igsync that calls itself so can be at work on a job: a backfill is nobody else's, and nothing else its own.
fn runs(holder: &str, job: &str) -> bool {
    match holder.split([' ', ',']).nth(1) {
        Some("backfill") => job == BACKFILL,
        Some("run" | "sync") => job != BACKFILL,
        _ => true,
    }
}

pub(super) fn accounts(
    accounts: Vec<(String, Option<String>)>,
    subjects: Vec<Subject>,
    gaps: &[GapCount],
    is_held: bool,
) -> Vec<AccountStatus> {
    let mut open: BTreeMap<(&str, &str), BTreeMap<String, u64>> = BTreeMap::new();
    for gap in gaps {
        let account_id = gap.account_id.as_deref().unwrap_or_default();
        let reasons = open.entry((account_id, &gap.resource)).or_default();
        reasons.insert(gap.reason.clone(), gap.count);
    }
    let mut by_account: BTreeMap<String, Vec<ResourceStatus>> = BTreeMap::new();
    for subject in subjects {
        let gaps = open.get(&(subject.account_id.as_str(), subject.resource));
        let status = ResourceStatus {
            resource: subject.resource,
            last_good_at: subject.last_good_at,
            last_read_at: subject.last_read_at,
            first_at: subject.first_at,
            last: subject.last,
            running_since: subject.running_since.filter(|_| is_held),
            gaps: gaps.cloned().unwrap_or_default(),
        };
        by_account
            .entry(subject.account_id)
            .or_default()
            .push(status);
    }
    accounts
        .into_iter()
        .map(|(id, username)| AccountStatus {
            resources: by_account.remove(&id).unwrap_or_default(),
            id,
            username,
        })
        .collect()
}

pub(super) fn pool(
    settings: &budget::Settings,
    row: PoolRow,
    hours: &[PoolHour],
    now: DateTime<Utc>,
) -> Option<PoolStatus> {
    let (pool, told, told_at) = (row.pool.clone(), row.gauges, row.observed_at);
    let (state, estimate) = estimate(settings, row, now)?;
    let closed = state.block.closed.filter(|closed| closed.until > now);
    let (closed_until, closed_why) = closed.map(|closed| (closed.until, closed.why)).unzip();
    let rise = |(start, calls, count, cpu, time)| {
        Some(Rise {
            at: DateTime::from_timestamp_millis(start)?,
            calls,
            gauges: [count, cpu, time],
        })
    };
    Some(PoolStatus {
        hours: day(hours.iter().filter(|hour| hour.pool == pool), now),
        pool,
        told,
        told_at,
        estimate,
        ceiling_percent: settings.ceiling_percent,
        closed_until,
        closed_why,
        own_calls: state.own_calls,
        rises: state.ledger.spent.into_iter().filter_map(rise).collect(),
    })
}

/// Calls of the last 24 hours, hour by hour.
fn day<'a>(hours: impl Iterator<Item = &'a PoolHour>, now: DateTime<Utc>) -> Vec<u64> {
    let mut day = vec![0; DAY];
    for hour in hours {
        let back = (now - hour.at).num_hours();
        let at = usize::try_from(back)
            .ok()
            .and_then(|back| (DAY - 1).checked_sub(back));
        if let Some(calls) = at.and_then(|at| day.get_mut(at)) {
            *calls += hour.calls;
        }
    }
    day
}

pub(super) fn credentials(
    watched: &Watched,
    rows: Vec<CredentialRow>,
    now: DateTime<Utc>,
) -> Vec<CredentialStatus> {
    let days = |until: Option<DateTime<Utc>>| until.map(|until| (until - now).num_days());
    let mut rows: BTreeMap<String, CredentialRow> = rows
        .into_iter()
        .map(|row| (row.credential.clone(), row))
        .collect();
    watched
        .credentials
        .iter()
        .map(|name| {
            let checked = rows.remove(name);
            CredentialStatus {
                credential: name.clone(),
                days_left: days(checked.as_ref().and_then(|row| row.expires_at)),
                data_access_days_left: days(
                    checked.as_ref().and_then(|row| row.data_access_expires_at),
                ),
                checked,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backfill_runs_no_job_and_a_job_no_backfill() {
        assert!(runs("igsync backfill, process 17", BACKFILL));
        assert!(!runs("igsync backfill, process 17", "nightly"));
        assert!(runs("igsync run, process 17", "nightly"));
        assert!(!runs("igsync sync, process 17", BACKFILL));
        assert!(runs("another igsync", "nightly"));
    }
}
