//! What somebody should know and do, from how things are. Pure.
//!
//! A warning is for the next working day, a critical finding for the night. What gets better by itself is neither: a pool that is used
//! up, a post that has too few viewers, a list of which the API shows no more.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{AccountStatus, JobStatus, ResourceStatus, Status};
use crate::clock::instant_text;
use crate::schedule::Schedule;
use crate::store::{CredentialRow, Ended, Severity, WarningRow};

/// How late a job may begin: timers spread their starts, and daemons the accounts.
const GRACE: TimeDelta = TimeDelta::minutes(30);

/// Times of its schedule after which what a job did not read is stale.
const STALE_AFTER: i32 = 3;

/// Times of a schedule that are looked at to know its longest pause, such as a weekend.
const LOOK_AHEAD: usize = 10;

/// Days before a token ends at which somebody should make a new one.
const DAYS_TO_WARN: i64 = 14;

/// Days before a token ends at which somebody must.
const DAYS_TO_ALARM: i64 = 3;

/// Days after which nobody can say any more that the tokens are fine.
const DAYS_UNCHECKED: i64 = 3;

/// Names that a finding lists; there may be thousands.
const LISTED: usize = 3;

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

/// The last time before which what a job read is stale: its schedule's longest pause, a few times.
pub(super) fn stale_before(schedule: &Schedule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = schedule.next_after(now)?;
    let mut longest = TimeDelta::zero();
    for _ in 0..LOOK_AHEAD {
        let next = schedule.next_after(at)?;
        longest = longest.max(next - at);
        at = next;
    }
    Some(now - longest * STALE_AFTER - GRACE)
}

/// The time of its schedule at which a job should have begun and did not. A job that never ran is owed nothing, unless the daemon
/// wrote down that it is.
pub(super) fn overdue(
    schedule: &Schedule,
    started_at: Option<DateTime<Utc>>,
    owed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let missed = started_at.and_then(|at| schedule.next_after(at));
    // What the daemon owes may have been run by hand since.
    let owed = owed.filter(|owed| started_at.is_none_or(|at| at < *owed));
    let since = [missed, owed].into_iter().flatten().min()?;
    (since + GRACE < now).then_some(since)
}

/// Fills in findings, severity and headline.
pub(super) fn judge(status: &mut Status, exists: bool) {
    let mut findings = if status.database_is_known {
        let rows = status
            .credentials
            .iter()
            .filter_map(|one| one.checked.as_ref());
        let mut findings: Vec<Finding> = rows.flat_map(|row| credential(row, status.at)).collect();
        findings.extend(reads(status));
        findings.extend(status.jobs.iter().filter_map(|job| late(job, status)));
        findings.extend(stale(status));
        findings.extend(
            status
                .refused_configuration
                .as_deref()
                .map(refused_configuration),
        );
        findings.extend(checked(status));
        findings.extend(unchecked(status));
        findings
    } else {
        vec![no_database(status, exists)]
    };
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    status.severity = findings
        .first()
        .map(|finding| finding.severity)
        .unwrap_or_default();
    status.headline = headline(&findings).unwrap_or_else(|| well(status));
    status.findings = findings;
}

/// The worst finding, and how many more there are.
pub(in crate::sync) fn headline(findings: &[Finding]) -> Option<String> {
    match findings {
        [] => None,
        [only] => Some(only.message.clone()),
        [worst, others @ ..] => Some(format!("{} (and {} more)", worst.message, others.len())),
    }
}

fn warning(message: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        message,
    }
}

fn critical(message: String) -> Finding {
    Finding {
        severity: Severity::Critical,
        message,
    }
}

fn no_database(status: &Status, exists: bool) -> Finding {
    let database = status.database.display();
    if exists {
        return warning(format!(
            "{database} is empty or of an older igsync; the next `igsync run`, `sync` or `backfill` brings it up to date"
        ));
    }
    critical(format!(
        "there is no database at {database}: nothing has been read yet, or its disk is missing; run `igsync check`, then `igsync backfill`"
    ))
}

/// What is wrong with a credential, or soon will be.
pub(in crate::sync) fn credential(row: &CredentialRow, now: DateTime<Utc>) -> Vec<Finding> {
    let name = &row.credential;
    if !row.is_valid {
        let problem = row.problem.as_deref();
        return vec![critical(problem.map_or_else(
            || format!("credential {name} does not work"),
            str::to_owned,
        ))];
    }
    let ends = [
        (
            row.expires_at,
            "its token ends",
            "make a new one and put it where token_file or token_env says, then restart igsync",
        ),
        (
            row.data_access_expires_at,
            "its access to data ends",
            "let its user log in to the app again, put the new token where token_file or token_env says, then restart igsync",
        ),
    ];
    ends.into_iter()
        .filter_map(|(at, what, todo)| expiry(name, at?, what, todo, now))
        .collect()
}

/// What to say about an end that is near or past.
fn expiry(
    credential: &str,
    at: DateTime<Utc>,
    what: &str,
    todo: &str,
    now: DateTime<Utc>,
) -> Option<Finding> {
    let days = (at - now).num_days();
    if days >= DAYS_TO_WARN {
        return None;
    }
    let when = if at <= now {
        format!("{what}: it did at {}", instant_text(at))
    } else {
        format!("{what} in {days} days, at {}", instant_text(at))
    };
    let message = format!("credential {credential}: {when}; {todo}");
    Some(if days < DAYS_TO_ALARM {
        critical(message)
    } else {
        warning(message)
    })
}

/// Whether a search for accounts met nothing but tokens that are said to be dead already.
fn is_of_a_dead_token(search: &Ended, status: &Status) -> bool {
    let checked = status
        .credentials
        .iter()
        .filter_map(|one| one.checked.as_ref());
    let dead: Vec<String> = checked
        .filter(|row| !row.is_valid)
        .map(|row| format!("credential {}: ", row.credential))
        .collect();
    let is_said = |line: &str| dead.iter().any(|one| line.starts_with(one));
    let message = search.message.as_deref();
    message.is_some_and(|message| message.lines().all(is_said))
}

/// Reads whose last run did not come to an end that is of any use.
fn reads(status: &Status) -> Vec<Finding> {
    let discovery = status
        .discovery
        .as_ref()
        .filter(|run| !is_of_a_dead_token(run, status))
        .map(|run| ("the search for accounts".to_owned(), run));
    let resources = status.accounts.iter().flat_map(|account| {
        let last = account.resources.iter().filter_map(|resource| {
            Some((
                format!("{} {}", account.label(), resource.resource),
                resource.last.as_ref()?,
            ))
        });
        last.collect::<Vec<_>>()
    });
    let all: Vec<_> = discovery.into_iter().chain(resources).collect();
    let ended = |outcome: &str| -> Vec<_> {
        all.iter()
            .filter(|(_, run)| run.outcome == outcome)
            .collect()
    };
    let mut findings = Vec::new();
    let refused = ended("refused");
    if let Some((_, run)) = refused.first() {
        let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
        let why = run
            .message
            .as_deref()
            .unwrap_or("`igsync check` says what is missing");
        findings.push(critical(format!("Meta refuses {}: {why}", listed(&names))));
    }
    let failed = ended("failed");
    if let Some((_, run)) = failed.first() {
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        let why = run.message.as_deref().unwrap_or("no answer");
        let message = format!(
            "no answer for {}: {why}; the next run tries again, `igsync check` tries now",
            listed(&names)
        );
        findings.push(if failed.len() == all.len() {
            critical(message)
        } else {
            warning(message)
        });
    }
    findings
}

fn late(job: &JobStatus, status: &Status) -> Option<Finding> {
    let since = job.overdue_since?;
    let todo = match &status.held_by {
        Some(holder) => format!("{holder} is at work: see its log"),
        None => "no igsync is at work: start the service or timer that runs it (`systemctl status 'igsync*'`)".to_owned(),
    };
    let message = format!(
        "job {} should have begun at {}; {todo}",
        job.job,
        instant_text(since)
    );
    // Missed again since: it is not one bad night.
    let again = job.stale_before.is_some_and(|before| since < before);
    Some(if again {
        critical(message)
    } else {
        warning(message)
    })
}

/// What jobs read, but not for a long time, though nothing above says why.
fn stale(status: &Status) -> Option<Finding> {
    let mut names = Vec::new();
    let mut oldest = status.at;
    for account in &status.accounts {
        for resource in &account.resources {
            if let Some(since) = stale_since(resource, &status.jobs) {
                names.push(format!("{} {}", account.label(), resource.resource));
                oldest = oldest.min(since);
            }
        }
    }
    (!names.is_empty()).then(|| {
        warning(format!(
            "not read to the end since {}: {}; `igsync check` says whether a token still reaches them, sync_runs why not",
            instant_text(oldest),
            listed(&names)
        ))
    })
}

/// When a resource was last read to its end, or first tried, if that is too long ago.
fn stale_since(resource: &ResourceStatus, jobs: &[JobStatus]) -> Option<DateTime<Utc>> {
    let readers = jobs
        .iter()
        .filter(|job| job.resources.contains(&resource.resource));
    // Of several jobs that read it the most frequent one counts.
    let before = readers.filter_map(|job| job.stale_before).max()?;
    let last = resource.last.as_ref()?;
    let is_said = ["refused", "failed"].contains(&last.outcome.as_str());
    let since = resource.last_read_at.or(resource.first_at)?;
    (!is_said && resource.running_since.is_none() && since < before).then_some(since)
}

/// What the daemon does not follow is not what its operator wants; what it follows is.
fn refused_configuration(why: &str) -> Finding {
    warning(format!(
        "{why}; correct it, then `systemctl reload igsync`, or send SIGHUP"
    ))
}

/// What the last check found; the same about many accounts once.
fn checked(status: &Status) -> Vec<Finding> {
    let mut found: Vec<(&WarningRow, Vec<String>)> = Vec::new();
    for row in &status.warnings {
        let subject = subject(row, status);
        let same = found
            .iter_mut()
            .find(|(known, _)| known.message == row.message);
        match same {
            Some((_, subjects)) => subjects.extend(subject),
            None => found.push((row, subject.into_iter().collect())),
        }
    }
    let finding = |(row, subjects): (&WarningRow, Vec<String>)| Finding {
        severity: row.severity,
        message: match subjects.as_slice() {
            [] => row.message.clone(),
            subjects => format!("{}: {}", listed(subjects), row.message),
        },
    };
    found.into_iter().map(finding).collect()
}

/// What a warning is about: an account, by its name, and its resource.
fn subject(row: &WarningRow, status: &Status) -> Option<String> {
    let id = row.account_id.as_ref()?;
    let account = status.accounts.iter().find(|account| account.id == *id);
    let account = account.map_or(id.as_str(), AccountStatus::label);
    let resource = row.resource.as_deref().unwrap_or_default();
    Some(format!("{account} {resource}").trim_end().to_owned())
}

/// Nobody asked about the tokens for a long time.
fn unchecked(status: &Status) -> Option<Finding> {
    let last = status
        .credentials
        .iter()
        .filter_map(|one| Some(one.checked.as_ref()?.checked_at))
        .min()?;
    let old = (status.at - last).num_days() >= DAYS_UNCHECKED && !status.jobs.is_empty();
    old.then(|| {
        warning(format!(
            "the tokens were last checked at {}; `igsync check` checks them now",
            instant_text(last)
        ))
    })
}

/// All is well, and what comes next.
fn well(status: &Status) -> String {
    let mut text = "all is well".to_owned();
    let working: Vec<&str> = status
        .jobs
        .iter()
        .filter(|job| job.is_running)
        .map(|job| job.job.as_str())
        .collect();
    if !working.is_empty() {
        let _ = write!(text, "; at work: {}", listed(&working));
    }
    let next = status
        .jobs
        .iter()
        .filter_map(|job| Some((job.next_at?, &job.job)))
        .min();
    if let Some((at, job)) = next {
        let _ = write!(text, "; next is {job} at {}", instant_text(at));
    }
    if status.accounts.is_empty() {
        text.push_str("; no account was found yet: run `igsync check`");
    }
    text
}

/// The first names, and how many more.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    let mut text = first.join(", ");
    if names.len() > LISTED {
        let _ = write!(text, " and {} more", names.len() - LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_instant;

    fn schedule(line: &str) -> Schedule {
        Schedule::parse(line, chrono_tz::Europe::Berlin).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        parse_instant(text).unwrap()
    }

    #[test]
    fn a_job_is_late_half_an_hour_after_the_first_time_that_it_missed() {
        let nightly = schedule("30 2 * * *");
        let started = Some(at("2026-10-05T00:30:10Z"));
        let late = |now| overdue(&nightly, started, None, at(now)).map(instant_text);
        assert_eq!(late("2026-10-06T00:59:00Z"), None);
        let missed = Some("2026-10-06T00:30:00Z".to_owned());
        assert_eq!(late("2026-10-06T01:01:00Z"), missed);
        assert_eq!(late("2026-10-08T12:00:00Z"), missed);
        // What never ran is owed nothing, unless the daemon says so; what was run by hand since is owed no more.
        let now = at("2026-10-08T12:00:00Z");
        let owed = Some(at("2026-10-07T00:30:00Z"));
        assert_eq!(overdue(&nightly, None, None, now), None);
        assert_eq!(overdue(&nightly, None, owed, now), owed);
        let by_hand = Some(at("2026-10-08T10:00:00Z"));
        assert_eq!(overdue(&nightly, by_hand, owed, now), None);
    }

    #[test]
    fn what_is_stale_depends_on_the_longest_pause_of_the_schedule() {
        let now = at("2026-10-08T12:00:00Z");
        for (line, since) in [
            ("0 * * * *", "2026-10-08T08:30:00Z"),
            ("30 2 * * *", "2026-10-05T11:30:00Z"),
            // From Friday to Monday.
            ("30 2 * * 1-5", "2026-09-29T11:30:00Z"),
        ] {
            let before = stale_before(&schedule(line), now).map(instant_text);
            assert_eq!(before.as_deref(), Some(since), "{line}");
        }
    }
}
