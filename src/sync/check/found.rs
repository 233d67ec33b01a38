//! What somebody should do about what a check found. Pure.

use chrono::TimeDelta;

use super::CheckReport;
use crate::store::{Disk, Severity, WarningRow};
use crate::sync::status::{Finding, judge_credential};

/// Further apart than this, days and tokens' ends are judged wrong, and Meta refuses times that lie ahead of its clock.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(2);

/// With less space than this, somebody should make some.
const LITTLE_SPACE: u64 = 1 << 30;

/// With less, the next night may not find any.
const NO_SPACE: u64 = 100 << 20;

/// Everything that somebody should know, the worst first.
pub(super) fn findings(report: &CheckReport) -> Vec<Finding> {
    let rows = report
        .credentials
        .iter()
        .filter_map(|check| check.row.as_ref());
    let mut findings: Vec<Finding> = rows
        .flat_map(|row| judge_credential(row, report.at))
        .collect();
    findings.extend(report.warnings.iter().map(|row| Finding {
        severity: row.severity,
        message: row.message.clone(),
    }));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// What is kept of that until the next check. The ends of tokens are not in it: they come nearer every day, and stand with the
/// credentials.
pub(super) fn warnings(report: &CheckReport) -> Vec<WarningRow> {
    let row = |severity, message: String| WarningRow {
        checked_at: report.at,
        severity,
        credential: None,
        account_id: None,
        resource: None,
        message,
    };
    let mut rows: Vec<WarningRow> = damage(&report.around.damage)
        .map(|message| row(Severity::Critical, message))
        .into_iter()
        .collect();
    // A dead token's problem stands with its credential.
    let problems = report
        .problems
        .iter()
        .filter(|problem| problem.operator && !problem.dead);
    rows.extend(problems.map(|problem| WarningRow {
        credential: Some(problem.credential.clone()),
        ..row(Severity::Critical, problem.message.clone())
    }));
    rows.extend(report.unreached.iter().map(|name| {
        let todo = "named in accounts.include, but no token reaches it: check the name, and that its Page is given to a token's user";
        row(Severity::Critical, format!("{name}: {todo}"))
    }));
    rows.extend(report.lost.iter().map(|(id, _)| WarningRow {
        account_id: Some(id.clone()),
        ..row(Severity::Warning, lost(report))
    }));
    for found in &report.accounts {
        for resource in &found.resources {
            rows.extend(resource.missing.iter().map(|missing| WarningRow {
                credential: Some(found.account.routes[0].credential.name().to_owned()),
                account_id: Some(found.account.id.clone()),
                resource: Some(resource.resource.to_owned()),
                ..row(Severity::Critical, format!("missing {missing}"))
            }));
        }
    }
    rows.extend(other_version(report).map(|message| row(Severity::Warning, message)));
    rows.extend(
        report
            .clock_ahead
            .and_then(clock)
            .map(|message| row(Severity::Warning, message)),
    );
    rows.extend(
        report
            .around
            .disk
            .and_then(disk)
            .map(|(severity, message)| row(severity, message)),
    );
    rows
}

/// What to do about another version than the one that was asked for.
pub(super) fn other_version(report: &CheckReport) -> Option<String> {
    let served = report.served_instead.as_ref()?;
    let todo = "set graph.version to one that is still served";
    Some(format!(
        "Meta serves version {served} instead of graph.version; {todo}"
    ))
}

/// Why an account may not be reached any more.
fn lost(report: &CheckReport) -> String {
    let unlinked = if report.unlinked_pages.is_empty() {
        "the Page's role or the token's access to it was taken away".to_owned()
    } else {
        format!(
            "its Page's role or the token's access to it was taken away, or it is no longer linked, as a professional account, to one of {}",
            report.unlinked_pages.join(", ")
        )
    };
    format!(
        "it was read before, and no token reaches it any more: {unlinked}. What was read stays; accounts.exclude ends this warning"
    )
}

fn clock(ahead: TimeDelta) -> Option<String> {
    if ahead.abs() < CLOCKS_APART {
        return None;
    }
    // In whole minutes: answers take their time.
    let minutes = (ahead.num_seconds().unsigned_abs() + 30) / 60;
    let apart = humantime::format_duration(std::time::Duration::from_secs(minutes * 60));
    let way = if ahead > TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    Some(format!(
        "this machine's clock is {apart} {way} Meta's; switch on time synchronisation (`timedatectl set-ntp true`)"
    ))
}

fn damage(damage: &[String]) -> Option<String> {
    let (first, others) = damage.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "the database is damaged: {first}{more}; end igsync, put a backup in its place, or save what can be read with: sqlite3 FILE .recover"
    ))
}

/// The next version's migration copies the database beside itself, so there should be room for another one.
fn disk(disk: Disk) -> Option<(Severity, String)> {
    let Disk {
        free_bytes,
        database_bytes,
    } = disk;
    let severity = match free_bytes {
        ..NO_SPACE => Severity::Critical,
        free if free < LITTLE_SPACE.max(database_bytes) => Severity::Warning,
        _ => return None,
    };
    let message = format!(
        "{} MiB are free where the database of {} MiB lies; make room, or move database.path to another disk",
        free_bytes >> 20,
        database_bytes >> 20
    );
    Some((severity, message))
}
