//! `igsync plan`: what jobs or a backfill would cost. Prints calls per job and pool, when they are done, and what is postponed.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::backfill::What;
use super::sync as sync_command;
use super::{Session, UsageError, check, client, refresh, runtime, summary};
use crate::clock::{Clock, instant_text};
use crate::config::Config;
use crate::stop::stop_pair;
use crate::store::Store;
use crate::sync::{self, Asked, BACKFILL, JobForecast, PoolForecast, Preview, PreviewError, Range};

/// Longer tables are for programs.
const LONGEST_TABLE: usize = 50;

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
        let (refresh, credentials) = (refresh(&config), &config.credentials);
        sync::preview(&client, credentials, &database, &clock, &refresh, &asked)
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
        let work = if forecast.work.len() > LONGEST_TABLE {
            by_resource(&forecast.work)
        } else {
            by_account(&forecast.work)
        };
        text.push_str(&summary::table(&work));
        let _ = write!(text, "\n{}", summary::table(&pools(&forecast.pools)));
        if let Some(more) = forecast
            .pools
            .len()
            .checked_sub(LONGEST_TABLE)
            .filter(|more| *more > 0)
        {
            let _ = writeln!(
                text,
                "and {more} pools that are done earlier; --json lists all"
            );
        }
        text.push('\n');
    }
    let postponed: Vec<String> = forecast.pools.iter().filter_map(postponed).collect();
    for line in postponed.iter().take(LONGEST_TABLE) {
        let _ = writeln!(text, "{line}");
    }
    if let Some(more) = postponed
        .len()
        .checked_sub(LONGEST_TABLE)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(
            text,
            "and {more} pools more with postponed calls; --json lists all"
        );
    }
    for waiting in &preview.waiting {
        let _ = writeln!(
            text,
            "{}: {} hashtags wait, as 30 different ones count within seven days; the next one can be asked for from {} on",
            waiting.account,
            waiting.names.len(),
            instant_text(waiting.next_at)
        );
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

/// A line for each job, account and resource.
fn by_account(work: &[JobForecast]) -> Vec<Vec<String>> {
    let head = ["job", "account", "resource", "pool", "calls"];
    let rows = work.iter().map(|work| {
        vec![
            work.job.name.clone(),
            work.job.account.label().to_owned(),
            work.job.resource.name.to_owned(),
            work.pool.to_string(),
            calls(work.calls, work.at_least),
        ]
    });
    table_of(&head, rows)
}

fn calls(calls: u64, at_least: bool) -> String {
    let more = if at_least { " or more" } else { "" };
    format!("{calls}{more}")
}

/// A line for each job and resource, in the order in which they come first.
fn by_resource(work: &[JobForecast]) -> Vec<Vec<String>> {
    let mut sums: Vec<(&str, &str, u64, u64, bool)> = Vec::new();
    for one in work {
        let (job, resource) = (one.job.name.as_str(), one.job.resource.name);
        match sums
            .iter_mut()
            .find(|sum| (sum.0, sum.1) == (job, resource))
        {
            Some(sum) => {
                (sum.2, sum.3, sum.4) = (sum.2 + 1, sum.3 + one.calls, sum.4 | one.at_least);
            }
            None => sums.push((job, resource, 1, one.calls, one.at_least)),
        }
    }
    let head = ["job", "resource", "accounts", "calls"];
    let rows = sums
        .into_iter()
        .map(|(job, resource, accounts, sum, at_least)| {
            vec![
                job.to_owned(),
                resource.to_owned(),
                accounts.to_string(),
                calls(sum, at_least),
            ]
        });
    table_of(&head, rows)
}

/// The pools, those that are done last if there are too many.
fn pools(pools: &[PoolForecast]) -> Vec<Vec<String>> {
    let mut shown: Vec<&PoolForecast> = pools.iter().collect();
    if shown.len() > LONGEST_TABLE {
        shown.sort_by_key(|pool| std::cmp::Reverse(pool.ahead.done_at));
        shown.truncate(LONGEST_TABLE);
    }
    let rows = shown.into_iter().map(|pool| {
        vec![
            pool.pool.to_string(),
            pool.used_percent
                .map_or_else(|| "unknown".to_owned(), |used| format!("{used:.0} %")),
            pool.calls.to_string(),
            instant_text(pool.ahead.done_at),
        ]
    });
    table_of(&["pool", "used now", "calls", "done"], rows)
}

fn table_of(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let head = head.iter().map(|&word| word.to_owned()).collect();
    std::iter::once(head).chain(rows).collect()
}

/// What a pool will not let through at once.
fn postponed(pool: &PoolForecast) -> Option<String> {
    let closed = pool.ahead.postponed.as_ref()?;
    Some(format!(
        "pool {}: {} calls go at once, {} are postponed until {}: {}",
        pool.pool,
        pool.ahead.at_once,
        pool.calls - pool.ahead.at_once,
        instant_text(closed.until),
        closed.why
    ))
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
                "at_least": work.at_least,
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
                "used_percent": pool.used_percent.map(|used| (f64::from(used) * 10.0).round() / 10.0),
                "calls": pool.calls,
                "done_at": instant_text(pool.ahead.done_at),
                "postponed": postponed,
            })
        })
        .collect();
    let waiting: Vec<Value> = preview
        .waiting
        .iter()
        .map(|waiting| {
            json!({
                "account": waiting.account,
                "names": waiting.names,
                "next_at": instant_text(waiting.next_at),
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
        "waiting_hashtags": waiting,
        "problems": problems,
    })
}
