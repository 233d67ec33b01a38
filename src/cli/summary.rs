//! What a run came to: a table for people, JSON for scripts, an exit code for both.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{FAILED, OK, OPERATOR, PARTIAL, SUSPENDED};
use crate::clock::instant_text;
use crate::sync::{JobReport, LOST, Summary, Verdict};

/// Longer lists of names are cut: all stand in the JSON.
const LISTED: usize = 10;

/// The exit code of a verdict.
pub(super) fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Complete => OK,
        Verdict::Failed => FAILED,
        Verdict::Partial => PARTIAL,
        Verdict::Suspended(_) => SUSPENDED,
        Verdict::OperatorNeeded => OPERATOR,
    }
}

/// The table and what to know.
pub(super) fn text(summary: &Summary, database: &str) -> String {
    let mut rows = vec![
        [
            "account", "resource", "outcome", "calls", "pages", "new", "changed", "same", "gone",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for job in &summary.jobs {
        let written = job.rows();
        rows.push(vec![
            job.account.clone(),
            job.resource.to_owned(),
            job.outcome.text().to_owned(),
            job.calls.to_string(),
            job.pages.to_string(),
            written.inserted.to_string(),
            written.changed.to_string(),
            written.unchanged.to_string(),
            job.deleted.to_string(),
        ]);
    }
    let mut text = table(&rows);
    let calls: u64 = summary.jobs.iter().map(|job| job.calls).sum();
    let _ = writeln!(
        text,
        "\n{} calls, {} of them to find the accounts",
        calls + summary.discovery_calls,
        summary.discovery_calls
    );
    let unforeseen: Vec<String> = summary.jobs.iter().filter_map(unforeseen).collect();
    for line in unforeseen.iter().take(LISTED) {
        let _ = writeln!(text, "{line}");
    }
    if unforeseen.len() > LISTED {
        let more = unforeseen.len() - LISTED;
        let _ = writeln!(text, "and {more} more whose forecast was wrong");
    }
    list(
        &mut text,
        &summary.done_before,
        "finished by an earlier start, not read again",
    );
    list(
        &mut text,
        &summary.unlinked_pages,
        "a Page without a linked professional account",
    );
    list(
        &mut text,
        &summary.unreached,
        "named in accounts.include, but no token reaches it: check the name, and that its Page is given to a token's user",
    );
    list(&mut text, &summary.lost, LOST);
    list(
        &mut text,
        &summary.partial_before,
        "read as far as it goes by an earlier start; sync_gaps says what is missing",
    );
    list(
        &mut text,
        &summary.not_excluded,
        "named in accounts.exclude, but no token reaches it: check the name",
    );
    if summary.nothing_to_read && summary.problems.is_empty() {
        text.push_str(
            "No token reaches an account that is to be read: link a professional account to a Page of the token's user\n",
        );
    }
    if let Some(version) = &summary.served_instead {
        let _ = writeln!(
            text,
            "Meta answered with version {version} instead of graph.version"
        );
    }
    for message in messages(summary) {
        let _ = writeln!(text, "{message}");
    }
    text + &conclusion(summary.verdict(), database)
}

/// A forecast that was wrong, beside what was spent.
fn unforeseen(job: &JobReport) -> Option<String> {
    let forecast = job.forecast_calls.filter(|_| job.is_unforeseen())?;
    let JobReport {
        account,
        resource,
        calls,
        ..
    } = job;
    Some(format!(
        "{account} {resource}: {calls} calls, the forecast was {forecast}"
    ))
}

pub(super) fn list(text: &mut String, names: &[String], what: &str) {
    for name in names.iter().take(LISTED) {
        let _ = writeln!(text, "{name}: {what}");
    }
    if names.len() > LISTED {
        let _ = writeln!(text, "and {} more: {what}", names.len() - LISTED);
    }
}

/// Rows of words, columns aligned; numbers to the right.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let number = rows.get(1..).is_some_and(|rows| {
                !rows.is_empty() && rows.iter().all(|row| row[column].parse::<i64>().is_ok())
            });
            let pad = " ".repeat(width(column) - cell.chars().count());
            let gap = if column == 0 { "" } else { "  " };
            let (before, after) = if number {
                (pad.as_str(), "")
            } else {
                ("", pad.as_str())
            };
            let _ = write!(line, "{gap}{before}{cell}{after}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn messages(summary: &Summary) -> Vec<String> {
    let of_job = |job: &JobReport| {
        let message = job.message.as_ref()?;
        Some(format!("{} {}: {message}", job.account, job.resource))
    };
    let problems = summary
        .problems
        .iter()
        .map(|problem| problem.message.clone());
    problems
        .chain(summary.jobs.iter().filter_map(of_job))
        .collect()
}

fn conclusion(verdict: Verdict, database: &str) -> String {
    match verdict {
        Verdict::Complete => format!("Everything that was asked for is in {database}."),
        Verdict::Failed => "Nothing could be read; the lines above say why.".to_owned(),
        Verdict::Partial => format!(
            "Done in part: the lines above and the table sync_gaps in {database} say what is missing. The same command tries what is left."
        ),
        Verdict::Suspended(until) => format!(
            "A budget is used up. What was read is in {database}; the same command goes on from {}.",
            instant_text(until)
        ),
        Verdict::OperatorNeeded => format!(
            "Somebody has to act: the lines above say what is needed. What could be read is in {database}."
        ),
    }
}

/// The same for scripts.
pub(super) fn json(summary: &Summary) -> Value {
    let verdict = summary.verdict();
    let resume_at = match verdict {
        Verdict::Suspended(until) => Some(instant_text(until)),
        _ => None,
    };
    json!({
        "exit_code": exit_code(verdict),
        "resume_at": resume_at,
        "discovery_calls": summary.discovery_calls,
        "problems": summary.problems.iter().map(|problem| json!({
            "credential": problem.credential,
            "message": problem.message,
        })).collect::<Vec<_>>(),
        "unlinked_pages": summary.unlinked_pages,
        "unreached": summary.unreached,
        "lost": summary.lost,
        "done_before": summary.done_before,
        "partial_before": summary.partial_before,
        "not_excluded": summary.not_excluded,
        "served_instead": summary.served_instead,
        "jobs": summary.jobs.iter().map(job).collect::<Vec<_>>(),
    })
}

fn job(job: &JobReport) -> Value {
    let tables: serde_json::Map<String, Value> = job
        .tables
        .iter()
        .map(|(name, written)| {
            let rows = json!({
                "inserted": written.inserted,
                "changed": written.changed,
                "unchanged": written.unchanged,
            });
            ((*name).to_owned(), rows)
        })
        .collect();
    json!({
        "account_id": job.account_id,
        "account": job.account,
        "resource": job.resource,
        "resumed": job.resumed,
        "outcome": job.outcome.text(),
        "message": job.message,
        "calls": job.calls,
        "forecast_calls": job.forecast_calls,
        "unforeseen": job.is_unforeseen(),
        "pages": job.pages,
        "objects": job.objects,
        "deleted": job.deleted,
        "gaps": job.gaps,
        "tables": tables,
    })
}
