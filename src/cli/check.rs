//! `igsync check`: what works, what does not, and what to do about it.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::status::meant;
use super::{FAILED, OK, OPERATOR, SUSPENDED, Session, client, runtime};
use crate::budget::HASHTAGS;
use crate::clock::{Clock, instant_text};
use crate::config::Config;
use crate::stop::stop_pair;
use crate::store::{Around, CredentialRow, SCHEMA_VERSION, Store};
use crate::sync::{self, AccountCheck, CheckReport, CredentialCheck, Problem};

pub(super) fn run(session: &Session<'_>) -> anyhow::Result<u8> {
    let config = session.config()?;
    let wrong = |error| config.database_error(error);
    let now = Clock::system().now();
    let peek = Store::peek(&config.database).map_err(wrong)?;
    let damage = peek.prove().map_err(wrong)?;
    let is_known = peek.is_known();
    let (pools, around) = match (peek.pools(), peek.around(now)) {
        (Ok(pools), Ok(around)) => (pools, around),
        // The tokens can be asked about all the same.
        _ if !damage.is_empty() => Default::default(),
        (Err(error), _) | (_, Err(error)) => return Err(wrong(error).into()),
    };
    let around = Around { damage, ..around };
    // Nothing long is waited for, so Ctrl-C may simply end the process: check writes nothing.
    let (_handle, stop) = stop_pair();
    let report = runtime()?.block_on(async {
        let client = client(&config, Clock::system(), stop)?;
        sync::restore_pools(&client, pools, now);
        let selection = meant(&config);
        anyhow::Ok(sync::check(&client, &config.credentials, &selection, around, now).await)
    })?;
    let text = if session.json {
        format!("{:#}", as_json(&report, &config))
    } else {
        as_text(&report, &config, is_known)
    };
    session.terminal.print(text.trim_end());
    Ok(if report.needs_operator() {
        OPERATOR
    } else {
        exit_code(&report.problems)
    })
}

/// What the problems of discovery come to.
pub(super) fn exit_code(problems: &[Problem]) -> u8 {
    if problems.iter().any(|problem| problem.operator) {
        OPERATOR
    } else if problems.is_empty() {
        OK
    } else if problems.iter().any(|problem| problem.resume_at.is_some()) {
        SUSPENDED
    } else {
        FAILED
    }
}

fn as_text(report: &CheckReport, config: &Config, is_known: bool) -> String {
    let mut lines = machine(report, config, is_known);
    lines.extend(
        report
            .credentials
            .iter()
            .map(|check| credential(check, report.at)),
    );
    let findings = report.findings();
    let told = report.problems.iter().filter(|problem| !problem.operator);
    lines.extend(told.map(|problem| problem.message.clone()));
    lines.extend(report.unlinked_pages.iter().map(|page| {
        format!(
            "Page {page} has no Instagram professional account linked to it, or the token was not given it"
        )
    }));
    for found in &report.accounts {
        lines.extend(account(found));
    }
    for used in &report.around.hashtags {
        let next = used.next_free_at.map(instant_text).unwrap_or_default();
        lines.push(format!(
            "hashtags of {}: {} of {HASHTAGS} are spent, the first is free again at {next}",
            used.account_id, used.used
        ));
    }
    lines.push(format!("{} calls", report.calls));
    // What is missing of a resource stands with its account.
    let rest = findings
        .iter()
        .filter(|finding| !finding.message.starts_with("missing "));
    lines.extend(rest.map(|finding| format!("{}: {}", finding.severity.text(), finding.message)));
    if findings.is_empty() && report.problems.is_empty() {
        lines.push("ok: nothing is missing".to_owned());
    }
    lines.join("\n")
}

/// The configuration and what is around it.
fn machine(report: &CheckReport, config: &Config, is_known: bool) -> Vec<String> {
    let database = config.database.display();
    let mut lines = vec![
        format!("configuration {}: fine", config.file.display()),
        if !report.around.damage.is_empty() {
            format!("database {database}: damaged")
        } else if is_known {
            format!("database {database}: whole, schema {SCHEMA_VERSION}")
        } else if config.database.exists() {
            format!("database {database}: empty or of an older igsync, will be brought up to date")
        } else {
            format!("database {database}: will be created")
        },
    ];
    lines.extend(report.around.disk.map(|disk| {
        format!(
            "disk: {} MiB free, the database has {} MiB",
            disk.free_bytes >> 20,
            disk.database_bytes >> 20
        )
    }));
    lines.push(match &report.served_instead {
        None => format!("Graph API: {} answers", config.graph.version),
        Some(served) => format!(
            "Graph API: {served} answers instead of {}; set graph.version to one that is still served",
            config.graph.version
        ),
    });
    lines.extend(report.clock_ahead.map(|ahead| {
        format!(
            "clock: within {} s of Meta's",
            ahead.num_seconds().unsigned_abs()
        )
    }));
    if config.jobs.is_empty() {
        let todo = "no [[job]] yet: `igsync run` and `igsync sync` have nothing to do; config.example.toml shows how to add one";
        lines.push(todo.to_owned());
    }
    lines.extend(config.jobs.iter().map(|job| {
        let next = job.schedule.next_after(report.at);
        format!(
            "job {}: {} in {}, next at {}",
            job.name,
            job.schedule.line(),
            job.schedule.zone(),
            next.map(instant_text).unwrap_or_default()
        )
    }));
    lines
}

fn credential(check: &CredentialCheck, now: DateTime<Utc>) -> String {
    let mut line = format!("credential {}: ", check.name);
    let Some(row) = &check.row else {
        line.push_str("could not be asked about");
        return line;
    };
    line.push_str(&ends(row, now));
    let _ = match &check.granted {
        Some(granted) => {
            let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
            write!(line, "; granted {}", granted.join(", "))
        }
        None if row.is_valid => write!(line, "; Meta does not tell its permissions"),
        None => Ok(()),
    };
    line
}

/// What kind of token it is, and how long it lives.
fn ends(row: &CredentialRow, now: DateTime<Utc>) -> String {
    if !row.is_valid {
        return "Meta does not take its token".to_owned();
    }
    if !row.inspected {
        let problem = row.problem.as_deref().unwrap_or_default();
        return format!("the token works; {problem}");
    }
    let end = |what: &str, at: Option<DateTime<Utc>>| match at {
        Some(at) => format!(
            "{what} in {} days, at {}",
            (at - now).num_days(),
            instant_text(at)
        ),
        None => format!("{what} never"),
    };
    format!(
        "{} token of app {}, {}, {}",
        row.kind.as_deref().unwrap_or("unknown"),
        row.app_id.as_deref().unwrap_or("unknown"),
        end("ends", row.expires_at),
        end("its access to data ends", row.data_access_expires_at)
    )
}

fn account(found: &AccountCheck) -> Vec<String> {
    let account = &found.account;
    let used = &account.routes[0];
    let kind = match used.is_new_page {
        Some(true) => "New Pages Experience, ",
        Some(false) => "classic, ",
        None => "",
    };
    let mut lines = vec![format!(
        "account {} ({}): credential {}, Page {} ({}), {kind}tasks {}",
        account.label(),
        account.id,
        used.credential.name(),
        used.page_name.as_deref().unwrap_or("?"),
        used.page_id,
        used.tasks.join(", ")
    )];
    for resource in &found.resources {
        let name = resource.resource;
        let untold = resource
            .untold
            .iter()
            .map(|untold| format!("; {untold}"))
            .collect::<String>();
        if !resource.missing.is_empty() {
            lines.extend(
                resource
                    .missing
                    .iter()
                    .map(|missing| format!("  {name}: missing {missing}")),
            );
        } else if resource.told {
            lines.push(format!("  {name}: ready{untold}"));
        } else {
            lines.push(format!("  {name}: nothing is known to be missing{untold}"));
        }
    }
    lines
}

fn as_json(report: &CheckReport, config: &Config) -> Value {
    let credentials = report.credentials.iter().map(|credential| {
        json!({
            "name": credential.name,
            "granted": credential.granted,
            "withheld": credential.withheld,
            "restricted": credential.restricted,
            "checked": credential.row,
        })
    });
    let credentials: Vec<_> = credentials.collect();
    let accounts: Vec<_> = report.accounts.iter().map(account_json).collect();
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| json!({"credential": problem.credential, "message": problem.message}))
        .collect();
    let jobs: Vec<_> = config
        .jobs
        .iter()
        .map(|job| json!({"job": job.name, "next_at": job.schedule.next_after(report.at).map(instant_text)}))
        .collect();
    json!({
        "at": instant_text(report.at),
        "findings": report.findings(),
        "needs_operator": report.needs_operator(),
        "credentials": credentials,
        "accounts": accounts,
        "unlinked_pages": report.unlinked_pages,
        "unreached": report.unreached,
        "lost": report.lost,
        "problems": problems,
        "served_instead": report.served_instead,
        "clock_ahead_seconds": report.clock_ahead.map(|ahead| ahead.num_seconds()),
        "disk": report.around.disk,
        "damage": report.around.damage,
        "hashtags": report.around.hashtags,
        "jobs": jobs,
        "calls": report.calls,
    })
}

fn account_json(found: &AccountCheck) -> Value {
    let used = &found.account.routes[0];
    let resources: Vec<_> = found
        .resources
        .iter()
        .map(|resource| {
            json!({
                "resource": resource.resource,
                "missing": resource.missing,
                "told": resource.told,
                "untold": resource.untold,
            })
        })
        .collect();
    json!({
        "id": found.account.id,
        "username": found.account.username,
        "credential": used.credential.name(),
        "page_id": used.page_id,
        "is_new_page": used.is_new_page,
        "tasks": used.tasks,
        "resources": resources,
    })
}
