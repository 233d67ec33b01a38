//! `igsync plan`: what jobs or a backfill would cost. Prints calls per job and pool, when they are done, and what is postponed.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::backfill::What;
use super::sync as sync_command;
use super::{Session, UsageError, check, client, runtime, summary};
use crate::clock::{Clock, instant_text};
use crate::config::Config;
use crate::stop::stop_pair;
use crate::store::Store;
use crate::sync::{self, Asked, BACKFILL, Preview, PreviewError, Range};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Jobs of the configuration; none: all of them
    #[arg(value_name = "JOB", conflicts_with = "backfill")]
    jobs: Vec<String>,
    /// A backfill, as `igsync backfill` would run it now
    #[arg(long)]
    backfill: bool,
    #[command(flatten)]
    what: What,
}

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let range = arguments.what.range()?;
    if !arguments.backfill && arguments.what.is_of_backfill() {
        let problem = "--resource, --since and --until belong to a backfill: add --backfill";
        return Err(UsageError(problem.to_owned()).into());
    }
    let config = session.config()?;
    let asked = if arguments.backfill {
        vec![Asked {
            job: BACKFILL.to_owned(),
            selection: arguments.what.selection(&config)?,
            range,
        }]
    } else {
        jobs(&config, arguments)?
    };
    let database = Store::peek(&config.database).map_err(|error| config.database_error(error))?;
    // Nothing long is waited for, so Ctrl-C may simply end the process: plan writes nothing.
    let (_handle, stop) = stop_pair();
    let clock = Clock::system();
    let preview = runtime()?.block_on(async {
        let client = client(&config, clock.clone(), stop)?;
        sync::preview(&client, &config.credentials, &database, &clock, &asked)
            .await
            .map_err(|error| match error {
                PreviewError::Open(error) => config.database_error(error).into(),
                PreviewError::Selection(error) => anyhow::Error::from(error),
            })
    })?;
    let text = if session.json {
        format!("{:#}", as_json(&preview, clock.now()))
    } else {
        as_text(&preview, clock.now())
    };
    session.terminal.print(text.trim_end());
    Ok(check::exit_code(&preview.problems))
}

/// The jobs that are meant, as the configuration has them.
fn jobs(config: &Config, arguments: &Arguments) -> Result<Vec<Asked>, UsageError> {
    let jobs = sync_command::chosen(config, &arguments.jobs)?.into_iter();
    Ok(jobs
        .map(|job| Asked {
            job: job.name.clone(),
            selection: sync_command::selection(config, job, &arguments.what.accounts),
            range: Range::default(),
        })
        .collect())
}

fn as_text(preview: &Preview, now: DateTime<Utc>) -> String {
    let forecast = &preview.forecast;
    let mut text = String::new();
    if !forecast.work.is_empty() {
        let mut rows = vec![["job", "account", "resource", "pool", "calls"].map(str::to_owned)];
        rows.extend(forecast.work.iter().map(|work| {
            [
                work.job.name.clone(),
                work.job.account.label().to_owned(),
                work.job.resource.name.to_owned(),
                work.pool.to_string(),
                work.calls.to_string(),
            ]
        }));
        let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
        text.push_str(&summary::table(&rows));
        let mut rows = vec![["pool", "used now", "calls", "done"].map(str::to_owned)];
        rows.extend(forecast.pools.iter().map(|pool| {
            [
                pool.pool.to_string(),
                format!("{:.0} %", pool.used_percent),
                pool.calls.to_string(),
                instant_text(pool.ahead.done_at),
            ]
        }));
        let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
        let _ = write!(text, "\n{}\n", summary::table(&rows));
    }
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    for pool in &forecast.pools {
        if let Some(closed) = &pool.ahead.postponed {
            line(format!(
                "pool {}: {} calls go at once, {} are postponed until {}: {}",
                pool.pool,
                pool.ahead.at_once,
                pool.calls - pool.ahead.at_once,
                instant_text(closed.until),
                closed.why
            ));
        }
    }
    summary::list(
        &mut text,
        &preview.done_before,
        "finished by an earlier start, read again when the others are finished, too",
    );
    for problem in &preview.problems {
        let _ = writeln!(text, "{}", problem.message);
    }
    let _ = writeln!(
        text,
        "{} calls, and {} to find the accounts, as were just spent",
        forecast.calls(),
        preview.discovery_calls
    );
    if preview.problems.is_empty() {
        let _ = writeln!(text, "{}", conclusion(preview, now));
    } else {
        text.push_str("What the lines above speak of is not counted.\n");
    }
    text
}

fn conclusion(preview: &Preview, now: DateTime<Utc>) -> String {
    let forecast = &preview.forecast;
    if forecast.work.is_empty() {
        return "No token reaches an account that is to be read: link a professional account to a Page of the token's user"
            .to_owned();
    }
    format!(
        "Under today's usage the budgets need {} for it: done at {}.",
        humantime::format_duration(seconds(forecast.done_at - now)),
        instant_text(forecast.done_at)
    )
}

/// Rounded up to whole seconds.
fn seconds(time: chrono::TimeDelta) -> Duration {
    let time = time.to_std().unwrap_or_default();
    Duration::from_secs(
        time.as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX),
    )
}

fn as_json(preview: &Preview, now: DateTime<Utc>) -> Value {
    let forecast = &preview.forecast;
    let work: Vec<Value> = forecast
        .work
        .iter()
        .map(|work| {
            json!({
                "job": work.job.name,
                "account_id": work.job.account.id,
                "account": work.job.account.label(),
                "resource": work.job.resource.name,
                "pool": work.pool.to_string(),
                "calls": work.calls,
            })
        })
        .collect();
    let pools: Vec<Value> = forecast
        .pools
        .iter()
        .map(|pool| {
            let postponed = pool.ahead.postponed.as_ref().map(|closed| {
                json!({
                    "calls": pool.calls - pool.ahead.at_once,
                    "until": instant_text(closed.until),
                    "why": closed.why,
                })
            });
            json!({
                "pool": pool.pool.to_string(),
                "used_percent": (f64::from(pool.used_percent) * 10.0).round() / 10.0,
                "calls": pool.calls,
                "done_at": instant_text(pool.ahead.done_at),
                "postponed": postponed,
            })
        })
        .collect();
    let problems: Vec<Value> = preview
        .problems
        .iter()
        .map(|problem| {
            json!({
                "credential": problem.credential,
                "message": problem.message,
                "resume_at": problem.resume_at.map(instant_text),
            })
        })
        .collect();
    json!({
        "exit_code": check::exit_code(&preview.problems),
        "calls": forecast.calls(),
        "discovery_calls": preview.discovery_calls,
        "done_at": instant_text(forecast.done_at),
        "seconds": seconds(forecast.done_at - now).as_secs(),
        "jobs": work,
        "pools": pools,
        "done_before": preview.done_before,
        "problems": problems,
    })
}
