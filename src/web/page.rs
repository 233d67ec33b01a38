//! The page for people: what to do first, then everything behind it. Needs no script; what is long is folded.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};

use super::draw;
use super::words::{ago, ahead, days, grouped, maybe_ago, prose, time, words};
use crate::store::Severity;
use crate::sync::{AccountStatus, CredentialStatus, JobStatus, PoolStatus, ResourceStatus, Status};

/// Accounts and pools that are shown; the worst stand first.
const SHOWN: usize = 100;

const GAUGES: [&str; 3] = ["calls", "CPU time", "wall time"];

/// The page.
pub(super) fn of(status: &Status) -> Markup {
    let body = html! {
        (head(status))
        @if status.findings.len() > 1 { (findings(status)) }
        (jobs(status))
        (accounts(status))
        (pools(status))
        (gaps(status))
        (tokens(status))
        (last_day(status))
    };
    frame(status.severity, &body)
}

/// The page when nothing can be told.
pub(super) fn of_problem(problem: &str) -> Markup {
    let body = html! {
        header.critical role="status" {
            p.word { "critical" }
            h1.headline { (prose(problem)) }
        }
    };
    frame(Severity::Critical, &body)
}

fn frame(severity: Severity, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "igsync: " (severity.text()) }
                link rel="stylesheet" href="/style.css";
                link rel="icon" type="image/svg+xml" href="/icon.svg";
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                nav aria-label="Page" {
                    strong { "igsync" }
                    a href="/" { "Look again" }
                    a href="/metrics" { "Metrics" }
                    a href="/healthz" { "Health" }
                }
                main id="main" tabindex="-1" { (body) }
                footer {
                    p { "Read from the database alone; times are UTC. The same for scripts: " code { "igsync status --json" } "." }
                }
            }
        }
    }
}

fn head(status: &Status) -> Markup {
    html! {
        header class=(status.severity.text()) role="status" {
            p.word { (status.severity.text()) }
            h1.headline { (prose(&status.headline)) }
            p.fine {
                "As of " (time(status.at)) ". "
                @match &status.held_by {
                    Some(holder) => { (holder) " is at work." }
                    None => { "No igsync is at work." }
                }
            }
        }
    }
}

fn findings(status: &Status) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "More to know" }
            ul.findings {
                // The headline is the first of them.
                @for finding in status.findings.iter().skip(1) {
                    li class=(finding.severity.text()) {
                        span.word { (finding.severity.text()) } " " (prose(&finding.message))
                    }
                }
            }
        }
    }
}

fn jobs(status: &Status) -> Markup {
    html! {
        section aria-labelledby="jobs" {
            h2 id="jobs" { "Jobs" }
            @if status.jobs.is_empty() {
                p.empty { "No job is configured, and no backfill was ever started: see [[job]] in config.example.toml." }
            } @else {
                table {
                    thead { tr {
                        th scope="col" { "Job" }
                        th scope="col" { "Last start" }
                        th scope="col" { "How it ended" }
                        th scope="col" { "Next start" }
                    } }
                    tbody { @for job in &status.jobs { (row_of_job(job, status.at)) } }
                }
            }
        }
    }
}

fn row_of_job(job: &JobStatus, now: DateTime<Utc>) -> Markup {
    html! {
        tr {
            th scope="row" { (job.job) }
            td data-label="Last start" { (maybe_ago(job.started_at, now, "never")) }
            td data-label="How it ended" {
                @if job.is_running {
                    span.chip.running {
                        "at work"
                        @if let (Some(done), Some(all)) = (job.accounts_done, job.accounts) {
                            ": " (done) " of " (all) " accounts"
                        }
                    }
                }
                (outcomes(&job.outcomes))
                @if !job.is_running && job.outcomes.is_empty() { "not yet" }
                @if let Some(message) = &job.message { p.fine { (prose(message)) } }
                @if let Some(at) = job.resume_at.filter(|at| *at > now) {
                    p.fine { "goes on " (ahead(at, now)) }
                }
            }
            td data-label="Next start" {
                @if let Some(since) = job.overdue_since {
                    span.chip.refused { "overdue since " (time(since)) }
                } @else {
                    @match job.next_at {
                        Some(at) => { (ahead(at, now)) }
                        None => { "when somebody starts it" }
                    }
                }
            }
        }
    }
}

fn outcomes(outcomes: &BTreeMap<String, u64>) -> Markup {
    html! {
        @for (outcome, count) in outcomes.iter().filter(|(outcome, _)| *outcome != "running") {
            span class=(format!("chip {outcome}")) { (count) " " (outcome) }
            " "
        }
    }
}

fn accounts(status: &Status) -> Markup {
    let mut accounts: Vec<&AccountStatus> = status.accounts.iter().collect();
    accounts
        .sort_by_cached_key(|account| (Reverse(trouble(account)), account.label().to_lowercase()));
    let hidden = accounts.len().saturating_sub(SHOWN);
    html! {
        section aria-labelledby="accounts" {
            h2 id="accounts" { "Accounts" span.count { (accounts.len()) } }
            @if accounts.is_empty() {
                p.empty { "No account was found yet: `igsync check` says what the tokens reach." }
            }
            @for account in accounts.iter().take(SHOWN) { (account_of(account, status.at)) }
            @if hidden > 0 {
                p.fine { "And " (hidden) " more, none of them in a worse state: `igsync status --json` tells all." }
            }
        }
    }
}

/// How much somebody should look at an account: refused before failed before the rest.
fn trouble(account: &AccountStatus) -> u8 {
    let last = account.resources.iter().filter_map(|one| one.last.as_ref());
    let rank = last.map(|run| match run.outcome.as_str() {
        "refused" => 2,
        "failed" => 1,
        _ => 0,
    });
    rank.max().unwrap_or(0)
}

fn account_of(account: &AccountStatus, now: DateTime<Utc>) -> Markup {
    let resources = &account.resources;
    let gaps: u64 = resources.iter().flat_map(|one| one.gaps.values()).sum();
    let oldest = resources.iter().map(|one| one.last_read_at).min().flatten();
    let running = resources.iter().any(|one| one.running_since.is_some());
    let state = match trouble(account) {
        2 => Some("refused"),
        1 => Some("failed"),
        _ => None,
    };
    html! {
        details.account {
            summary {
                span.name { (account.label()) }
                @if let Some(state) = state { span class=(format!("chip {state}")) { (state) } }
                @if running { span.chip.running { "at work" } }
                span.fine {
                    @if resources.is_empty() { "not read yet" }
                    @else if let Some(oldest) = oldest { "all read, the oldest " (ago(oldest, now)) }
                    @else { "not all read yet" }
                }
                span.fine { (gaps) @if gaps == 1 { " gap" } @else { " gaps" } }
            }
            table {
                thead { tr {
                    th scope="col" { "Resource" }
                    th scope="col" { "Complete" }
                    th scope="col" { "Last run" }
                    th scope="col" { "Missing" }
                } }
                tbody { @for resource in resources { (row_of_resource(resource, now)) } }
            }
        }
    }
}

fn row_of_resource(resource: &ResourceStatus, now: DateTime<Utc>) -> Markup {
    html! {
        tr {
            th scope="row" { (resource.resource) }
            td data-label="Complete" { (maybe_ago(resource.last_good_at, now, "never yet")) }
            td data-label="Last run" {
                @if resource.running_since.is_some() { span.chip.running { "at work" } }
                @if let Some(last) = &resource.last {
                    span class=(format!("chip {}", last.outcome)) { (last.outcome) }
                    " " (ago(last.finished_at, now))
                    @if let Some(message) = &last.message { p.fine { (prose(message)) } }
                }
            }
            td data-label="Missing" {
                @if resource.gaps.is_empty() { "nothing" }
                @for (reason, count) in &resource.gaps { span.reason { (words(reason)) " " b { (count) } } " " }
            }
        }
    }
}

fn pools(status: &Status) -> Markup {
    let fullest = |pool: &&PoolStatus| pool.estimate.iter().copied().fold(0.0, f32::max);
    let mut pools: Vec<&PoolStatus> = status.pools.iter().collect();
    pools.sort_by(|a, b| fullest(b).total_cmp(&fullest(a)));
    pools.sort_by_key(|pool| Reverse(pool.closed_until));
    let hidden = pools.len().saturating_sub(SHOWN);
    html! {
        section aria-labelledby="pools" {
            h2 id="pools" { "Pools" span.count { (pools.len()) } }
            @if pools.is_empty() { p.empty { "No pool was used yet." } }
            div.pools { @for pool in pools.iter().take(SHOWN) { (card_of_pool(pool, status)) } }
            @if hidden > 0 { p.fine { "And " (hidden) " more that are used less." } }
        }
    }
}

fn card_of_pool(pool: &PoolStatus, status: &Status) -> Markup {
    let now = status.at;
    html! {
        article.pool {
            h3 { (pool_name(&pool.pool, status)) }
            p.fine { (pool.pool) }
            @for (name, percent) in GAUGES.iter().zip(pool.estimate) {
                (draw::gauge(name, percent, pool.ceiling_percent))
            }
            @if let Some(until) = pool.closed_until {
                p { span.chip.suspended { "closed" } " opens " (ahead(until, now)) }
                @if let Some(why) = &pool.closed_why { p.fine { (why) } }
            }
            p.fine {
                @match pool.told_at {
                    Some(at) => { "estimate; Meta told " (ago(at, now)) }
                    None => { "estimate; Meta has told nothing yet" }
                }
            }
            (draw::day(&pool.hours))
        }
    }
}

/// A pool in words: whose it is.
fn pool_name(pool: &str, status: &Status) -> String {
    let Some((kind, of)) = pool.split_once(':') else {
        return pool.to_owned();
    };
    let account = status.accounts.iter().find(|account| account.id == of);
    let of = account.map_or(of, AccountStatus::label);
    match kind {
        "buc" => format!("Account {of}"),
        "app" => format!("App of {of}"),
        "user" => format!("User of {of}"),
        "pages" => format!("Pages of {of}"),
        "messenger" => format!("Messages of {of}"),
        _ => pool.to_owned(),
    }
}

fn gaps(status: &Status) -> Markup {
    let all: u64 = status.gaps.values().sum();
    html! {
        section aria-labelledby="gaps" {
            h2 id="gaps" { "Missing, and why" span.count { (all) } }
            @if status.gaps.is_empty() {
                p.empty { "Nothing is missing." }
            } @else {
                ul.reasons {
                    @for (reason, count) in &status.gaps {
                        li { span.reason { (words(reason)) } " " b { (count) } }
                    }
                }
                p.fine { "Each one stands in " code { "sync_gaps" } ", with the API's own words." }
            }
        }
    }
}

fn tokens(status: &Status) -> Markup {
    html! {
        section aria-labelledby="tokens" {
            h2 id="tokens" { "Tokens" }
            table {
                thead { tr {
                    th scope="col" { "Credential" }
                    th scope="col" { "State" }
                    th scope="col" { "Token ends" }
                    th scope="col" { "Access to data ends" }
                } }
                tbody { @for credential in &status.credentials { (row_of_token(credential, status.at)) } }
            }
        }
    }
}

fn row_of_token(credential: &CredentialStatus, now: DateTime<Utc>) -> Markup {
    let Some(checked) = &credential.checked else {
        return html! {
            tr {
                th scope="row" { (credential.credential) }
                td data-label="State" { "not checked yet: `igsync check` does, and the daemon once a day" }
                td data-label="Token ends" { "not known" }
                td data-label="Access to data ends" { "not known" }
            }
        };
    };
    html! {
        tr {
            th scope="row" { (credential.credential) }
            td data-label="State" {
                @if checked.is_valid { span.chip.complete { "works" } } @else { span.chip.refused { "does not work" } }
                " " @if let Some(kind) = &checked.kind { (kind) ", " }
                "checked " (ago(checked.checked_at, now))
                @if let Some(problem) = &checked.problem { p.fine { (prose(problem)) } }
            }
            td data-label="Token ends" { (days(credential.days_left, checked.inspected)) }
            td data-label="Access to data ends" { (days(credential.data_access_days_left, checked.inspected)) }
        }
    }
}

fn last_day(status: &Status) -> Markup {
    let day = &status.last_day;
    let numbers = [
        (day.runs, "runs"),
        (day.calls, "calls"),
        (day.calls_refused, "calls without an answer"),
        (day.rows_inserted, "rows new"),
        (day.rows_changed, "rows changed"),
        (day.rows_unchanged, "rows as before"),
    ];
    html! {
        section aria-labelledby="day" {
            h2 id="day" { "The last 24 hours" }
            dl.numbers {
                @for (number, name) in numbers { div { dt { (name) } dd { (grouped(number)) } } }
            }
        }
    }
}
