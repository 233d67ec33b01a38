//! `igsync check`: what works, what does not, and what to do about it.

use std::fmt::Write;

use serde_json::json;

use super::{FAILED, OK, OPERATOR, SUSPENDED, Session, client, runtime};
use crate::clock::Clock;
use crate::config::Config;
use crate::stop::stop_pair;
use crate::store::{SCHEMA_VERSION, Store};
use crate::sync::{self, CheckReport, Problem};

pub(super) fn run(session: &Session<'_>) -> anyhow::Result<u8> {
    let config = session.config()?;
    let pools = Store::peek(&config.database)
        .and_then(|peek| peek.pools())
        .map_err(|error| config.database_error(error))?;
    // Nothing long is waited for, so Ctrl-C may simply end the process: check writes nothing.
    let (_handle, stop) = stop_pair();
    let report = runtime()?.block_on(async {
        let client = client(&config, Clock::system(), stop)?;
        sync::restore_pools(&client, pools, Clock::system().now());
        anyhow::Ok(sync::check(&client, &config.credentials, &config.wanted()).await)
    })?;
    let text = if session.json {
        format!("{:#}", as_json(&report))
    } else {
        as_text(&report, &config)
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

fn as_text(report: &CheckReport, config: &Config) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    line(format!("configuration {}: fine", config.file.display()));
    let database = config.database.display();
    line(if config.database.exists() {
        format!("database {database}: fine, schema {SCHEMA_VERSION}")
    } else {
        format!("database {database}: will be created")
    });
    line(match &report.served_instead {
        None => format!("Graph API: {} answers", config.graph.version),
        Some(served) => format!(
            "Graph API: {served} answers instead of {}; set graph.version to one that is still served",
            config.graph.version
        ),
    });
    for credential in &report.credentials {
        line(match &credential.granted {
            Some(granted) => {
                let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
                format!(
                    "credential {}: granted {}",
                    credential.name,
                    granted.join(", ")
                )
            }
            None => format!(
                "credential {}: Meta does not tell its permissions",
                credential.name
            ),
        });
    }
    for problem in &report.problems {
        line(problem.message.clone());
    }
    for page in &report.unlinked_pages {
        line(format!(
            "Page {page} has no Instagram professional account linked to it"
        ));
    }
    for found in &report.accounts {
        let account = &found.account;
        let used = &account.routes[0];
        line(format!(
            "account {} ({}): credential {}, Page {} ({}), tasks {}",
            account.label(),
            account.id,
            used.credential.name(),
            used.page_name.as_deref().unwrap_or("?"),
            used.page_id,
            used.tasks.join(", ")
        ));
        for resource in &found.resources {
            if resource.missing.is_empty() && resource.told {
                line(format!("  {}: ready", resource.resource));
            } else if resource.missing.is_empty() {
                line(format!(
                    "  {}: nothing is known to be missing",
                    resource.resource
                ));
            }
            for missing in &resource.missing {
                let name = resource.resource;
                line(if resource.wanted {
                    format!("  {name}: missing {missing}")
                } else {
                    format!("  {name}: no job names it; it would need {missing}")
                });
            }
        }
    }
    line(format!("{} calls", report.calls));
    text
}

fn as_json(report: &CheckReport) -> serde_json::Value {
    let credentials: Vec<_> = report
        .credentials
        .iter()
        .map(|credential| json!({"name": credential.name, "granted": credential.granted}))
        .collect();
    let accounts: Vec<_> = report
        .accounts
        .iter()
        .map(|found| {
            let used = &found.account.routes[0];
            let resources: Vec<_> = found
                .resources
                .iter()
                .map(|resource| json!({"resource": resource.resource, "wanted": resource.wanted, "missing": resource.missing, "told": resource.told}))
                .collect();
            json!({
                "id": found.account.id,
                "username": found.account.username,
                "credential": used.credential.name(),
                "page_id": used.page_id,
                "tasks": used.tasks,
                "resources": resources,
            })
        })
        .collect();
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| json!({"credential": problem.credential, "message": problem.message}))
        .collect();
    json!({
        "credentials": credentials,
        "accounts": accounts,
        "unlinked_pages": report.unlinked_pages,
        "problems": problems,
        "served_instead": report.served_instead,
        "calls": report.calls,
    })
}
