//! `igsync status`: how things are, from the database alone. Prints one line that says what to do, then tables; with `--check` one
//! line for a monitoring system, whose codes are the exit codes then.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::sync::configured;
use super::{OK, Session, summary};
use crate::clock::{Clock, instant_text};
use crate::config::{self, Config};
use crate::store::Severity;
use crate::sync::{
    AccountStatus, Configured, JobStatus, ResourceStatus, Selection, Status, Watched,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print one line for a monitoring system and exit with its codes: 0 ok, 1 warning, 2 critical
    #[arg(long)]
    check: bool,
}

/// What monitoring systems call a warning.
const WARNING: u8 = 1;
/// What monitoring systems call critical.
const CRITICAL: u8 = 2;

/// Rows of a table that people read; all stand in the JSON.
const ROWS: usize = 40;

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let status = read(session);
    if arguments.check {
        let (line, code) = match status {
            Ok(status) => (plugin_line(&status), code(status.severity)),
            // A monitoring system shows what is printed, not what is said.
            Err(error) => (first_line("CRITICAL", &format!("{error:#}")), CRITICAL),
        };
        session.terminal.print(&line);
        return Ok(code);
    }
    let status = status?;
    let text = if session.json {
        serde_json::to_string_pretty(&status)?
    } else {
        as_text(&status)
    };
    session.terminal.print(text.trim_end());
    Ok(OK)
}

fn read(session: &Session<'_>) -> anyhow::Result<Status> {
    let file = config::find(session.config.as_deref(), session.environment)?;
    let config = config::load_without_secrets(&file)?;
    let status = Status::read(&watched(&config), Clock::system().now());
    Ok(status.map_err(|error| config.database_error(error))?)
}

/// What a configuration wants to be looked at.
pub(super) fn watched(config: &Config) -> Watched {
    Watched {
        database: config.database.clone(),
        jobs: config
            .jobs
            .iter()
            .map(|job| configured(config, job, &[]))
            .collect(),
        credentials: config.credential_names.clone(),
        accounts: meant(config),
        budget: config.budget.clone(),
    }
}

/// The accounts and resources that a configuration means: everything, while it has no job.
pub(super) fn meant(config: &Config) -> Selection {
    let jobs: Vec<Configured> = config
        .jobs
        .iter()
        .map(|job| configured(config, job, &[]))
        .collect();
    Selection {
        include: config.include.clone(),
        exclude: config.exclude.clone(),
        ..Selection::of_all(jobs.iter().map(|job| &job.selection))
    }
}

fn code(severity: Severity) -> u8 {
    match severity {
        Severity::Ok => OK,
        Severity::Warning => WARNING,
        Severity::Critical => CRITICAL,
    }
}

/// `IGSYNC OK - all is well | calls=12 …`, as monitoring plugins print it.
fn plugin_line(status: &Status) -> String {
    let word = status.severity.text().to_uppercase();
    let mut line = first_line(&word, &status.headline);
    let day = &status.last_day;
    let gaps: u64 = status.gaps.values().sum();
    let overdue = status
        .jobs
        .iter()
        .filter(|job| job.overdue_since.is_some())
        .count();
    let _ = write!(
        line,
        " | calls={} calls_refused={} rows={} gaps={gaps} jobs_overdue={overdue}",
        day.calls,
        day.calls_refused,
        day.rows_inserted + day.rows_changed
    );
    let fullest = status
        .pools
        .iter()
        .flat_map(|pool| pool.estimate)
        .reduce(f32::max);
    if let Some(fullest) = fullest {
        let _ = write!(line, " pool={fullest:.0}%;;;0;100");
    }
    let days = status
        .credentials
        .iter()
        .flat_map(|one| [one.days_left, one.data_access_days_left]);
    if let Some(days) = days.flatten().min() {
        let _ = write!(line, " token_days={days}");
    }
    line
}

/// What stands behind a bar is numbers for monitoring systems, so there is none in the text.
fn first_line(word: &str, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    format!("IGSYNC {word} - {}", words.join(" ").replace('|', "/"))
}

fn as_text(status: &Status) -> String {
    let word = status.severity.text().to_uppercase();
    let mut text = format!("{word}: {}\n", status.headline);
    // The headline is the first of them.
    for finding in status.findings.iter().skip(1) {
        let _ = writeln!(text, "{}: {}", finding.severity.text(), finding.message);
    }
    let holder = status
        .held_by
        .as_deref()
        .map(|holder| format!(", in use by {holder}"));
    let day = &status.last_day;
    let _ = writeln!(
        text,
        "\ndatabase {}{}\nlast 24 hours: {} calls, {} of them without a usable answer; {} rows new, {} changed",
        status.database.display(),
        holder.unwrap_or_default(),
        day.calls,
        day.calls_refused,
        day.rows_inserted,
        day.rows_changed
    );
    let tables = [
        jobs(status),
        resources(status),
        pools(status),
        credentials(status),
    ];
    for (rows, more) in tables.into_iter().filter(|(rows, _)| rows.len() > 1) {
        let _ = write!(text, "\n{}", summary::table(&rows));
        if more > 0 {
            let _ = writeln!(text, "and {more} more: `igsync status --json`");
        }
    }
    if !status.gaps.is_empty() {
        let gaps = status
            .gaps
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        let gaps: Vec<String> = gaps.collect();
        let _ = writeln!(
            text,
            "\nmissing: {}; the table sync_gaps says what and why",
            gaps.join(", ")
        );
    }
    text
}

/// A table's rows, and how many are left out.
type Rows = (Vec<Vec<String>>, usize);

fn table<'t, T: 't, const COLUMNS: usize>(
    head: [&str; COLUMNS],
    items: impl IntoIterator<Item = T>,
    row: impl Fn(T) -> [String; COLUMNS],
) -> Rows {
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(items.into_iter().map(|item| row(item).to_vec()));
    let more = rows.len().saturating_sub(ROWS + 1);
    rows.truncate(ROWS + 1);
    (rows, more)
}

fn jobs(status: &Status) -> Rows {
    let head = ["job", "state", "last start", "ended", "goes on", "next"];
    table(head, &status.jobs, |job| {
        [
            job.job.clone(),
            state(job),
            when(job.started_at),
            when(job.finished_at),
            when(job.resume_at),
            when(job.next_at),
        ]
    })
}

/// How a job is, in a word or two.
fn state(job: &JobStatus) -> String {
    if let Some(since) = job.overdue_since {
        return format!("overdue since {}", instant_text(since));
    }
    if let (true, Some(all), Some(done)) = (job.is_running, job.accounts, job.accounts_done) {
        return format!("running, {done} of {all} accounts");
    }
    if job.is_running {
        return "running".to_owned();
    }
    let outcomes = job
        .outcomes
        .iter()
        .map(|(outcome, count)| match outcome.as_str() {
            // Nobody holds the database.
            "running" => format!("{count} interrupted"),
            outcome => format!("{count} {outcome}"),
        });
    match outcomes.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "never started".to_owned(),
        outcomes => outcomes,
    }
}

/// Those that somebody should look at first.
fn resources(status: &Status) -> Rows {
    let mut all: Vec<(&AccountStatus, &ResourceStatus)> = Vec::new();
    for account in &status.accounts {
        all.extend(account.resources.iter().map(|resource| (account, resource)));
    }
    let is_well = |resource: &ResourceStatus| {
        let last = resource.last.as_ref();
        last.is_none_or(|last| ["complete", "partial"].contains(&last.outcome.as_str()))
    };
    all.sort_by_key(|(_, resource)| (is_well(resource), resource.running_since.is_none()));
    let head = [
        "account",
        "resource",
        "last good",
        "last read",
        "state",
        "missing",
    ];
    table(head, all, |(account, resource)| {
        let missing = resource
            .gaps
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        let outcome = resource.last.as_ref().map(|last| last.outcome.clone());
        [
            account.label().to_owned(),
            resource.resource.to_owned(),
            when(resource.last_good_at),
            when(resource.last_read_at),
            match resource.running_since {
                Some(since) => format!("running since {}", instant_text(since)),
                None => outcome.unwrap_or_else(|| "interrupted".to_owned()),
            },
            missing.collect::<Vec<_>>().join(", "),
        ]
    })
}

fn pools(status: &Status) -> Rows {
    let head = ["pool", "now", "told", "told at", "closed until", "why"];
    let percent = |gauges: [f32; 3]| {
        let [calls, cpu, time] = gauges;
        format!("{calls:.0} {cpu:.0} {time:.0} %")
    };
    let mut all: Vec<_> = status.pools.iter().collect();
    all.sort_by_key(|pool| pool.closed_until.is_none());
    table(head, all, |pool| {
        [
            pool.pool.clone(),
            percent(pool.estimate),
            pool.told.map(percent).unwrap_or_default(),
            when(pool.told_at),
            when(pool.closed_until),
            pool.closed_why.clone().unwrap_or_default(),
        ]
    })
}

fn credentials(status: &Status) -> Rows {
    let head = [
        "credential",
        "type",
        "token ends",
        "data access ends",
        "checked",
        "to know",
    ];
    table(head, &status.credentials, |one| {
        let checked = one.checked.as_ref();
        let ends = |at: Option<DateTime<Utc>>, days: Option<i64>| match (at, days, checked) {
            (Some(at), Some(days), _) => format!("{}, {days} days", instant_text(at)),
            (_, _, Some(row)) if row.inspected => "never".to_owned(),
            _ => "not known".to_owned(),
        };
        let problem = checked.and_then(|row| row.problem.clone());
        [
            one.credential.clone(),
            checked.and_then(|row| row.kind.clone()).unwrap_or_default(),
            ends(checked.and_then(|row| row.expires_at), one.days_left),
            ends(
                checked.and_then(|row| row.data_access_expires_at),
                one.data_access_days_left,
            ),
            when(checked.map(|row| row.checked_at)),
            problem.unwrap_or_default(),
        ]
    })
}

fn when(at: Option<DateTime<Utc>>) -> String {
    at.map(instant_text).unwrap_or_default()
}
