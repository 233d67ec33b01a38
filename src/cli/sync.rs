//! `igsync sync`: runs jobs of the configuration now. Prints a table of rows and calls for each job.

use serde_json::{Value, json};

use super::status::meant;
use super::{Session, UsageError, draw, open_store, runtime, signals, summary, world};
use crate::clock::Clock;
use crate::config::{Config, JobConfig};
use crate::stop::stop_pair;
use crate::sync::{self, Configured, Selection, Summary, WhenSuspended};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Jobs of the configuration; none: all of them, in its order
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Only this account: id or username; can be given several times
    #[arg(long = "account", value_name = "X")]
    accounts: Vec<String>,
    /// When a pool of calls is used up, leave with exit code 4 and the time, instead of waiting
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let config = session.config()?;
    let jobs = chosen(&config, &arguments.jobs)?;
    let store = open_store(&config, "sync")?;
    let (handle, stop) = stop_pair();
    let when_suspended = if arguments.no_wait {
        WhenSuspended::Leave
    } else {
        WhenSuspended::Wait
    };
    let terminal = &session.terminal;
    let result = runtime()?.block_on(async {
        let world = world(&config, store, Clock::system(), stop).await?;
        let work = async {
            let mut summaries: Vec<(&str, Summary)> = Vec::new();
            for job in jobs {
                let configured = configured(&config, job, &arguments.accounts);
                // What is done for some accounts is no start of the job.
                let summary = if arguments.accounts.is_empty() {
                    sync::run_configured(&world, &configured, when_suspended).await?
                } else {
                    let Configured {
                        name, selection, ..
                    } = &configured;
                    sync::run_job(&world, name, selection, when_suspended).await?
                };
                summaries.push((&job.name, summary));
                if world.stop.requested() {
                    break;
                }
            }
            sync::check_when_due(&world, &meant(&config)).await?;
            anyhow::Ok(summaries)
        };
        let shown = draw::while_running(terminal, &world, work);
        signals::until_stopped(terminal, &handle, shown)
            .await?
            .transpose()
    })?;
    let Some(summaries) = result else {
        anyhow::bail!(
            "stopped at once by a second signal; the same command goes on after the last committed page"
        );
    };
    if session.json {
        let jobs = summaries
            .iter()
            .map(|(name, one)| ((*name).to_owned(), summary::json(one)));
        let jobs: Value = Value::Object(jobs.collect());
        terminal.print(&format!("{:#}", json!({ "jobs": jobs })));
    } else {
        let database = config.database.display().to_string();
        for (name, one) in &summaries {
            terminal.print(&format!("job {name}\n{}", summary::text(one, &database)));
        }
    }
    let codes = summaries
        .iter()
        .map(|(_, one)| summary::exit_code(one.verdict()));
    Ok(codes.max().unwrap_or(super::OK))
}

/// The jobs of these names, or all.
pub(super) fn chosen<'c>(
    config: &'c Config,
    names: &[String],
) -> Result<Vec<&'c JobConfig>, UsageError> {
    let known: Vec<&str> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    if known.is_empty() {
        let problem = "the configuration has no [[job]]; add one, or use a backfill: `igsync backfill`, `igsync plan --backfill`";
        return Err(UsageError(problem.to_owned()));
    }
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let problem = format!("no job `{name}`; there are: {}", known.join(", "));
        return Err(UsageError(problem));
    }
    let meant = |job: &&JobConfig| names.is_empty() || names.contains(&job.name);
    Ok(config.jobs.iter().filter(meant).collect())
}

/// A job as the engine knows it.
pub(super) fn configured(config: &Config, job: &JobConfig, accounts: &[String]) -> Configured {
    Configured {
        name: job.name.clone(),
        schedule: job.schedule.clone(),
        selection: selection(config, job, accounts),
    }
}

/// What a job means.
pub(super) fn selection(config: &Config, job: &JobConfig, accounts: &[String]) -> Selection {
    Selection {
        accounts: accounts.to_vec(),
        include: config.include.clone(),
        exclude: config.exclude.clone(),
        resources: job.resources.clone(),
        hashtags: job.hashtags.clone(),
        usernames: job.usernames.clone(),
        mentions: job.mentions.clone(),
    }
}
