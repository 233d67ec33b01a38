//! `igsync backfill`: reads history, and waits for budgets that are used up. Prints a table of rows and calls per account and
//! resource.

use chrono::NaiveDate;

use super::status::meant;
use super::{Session, UsageError, draw, open_store, runtime, signals, summary, world};
use crate::clock::Clock;
use crate::config::Config;
use crate::resource::{self, RESOURCES, Resource};
use crate::stop::stop_pair;
use crate::sync::{self, Range, Selection};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) what: What,
    /// Do not wait for a budget that is used up: end with 4 and the time it can go on
    #[arg(long)]
    no_wait: bool,
}

/// Which part of the history.
#[derive(Debug, clap::Args)]
pub(super) struct What {
    /// Only this account: id or username; can be given several times
    #[arg(long = "account", value_name = "X")]
    pub(super) accounts: Vec<String>,
    /// Only this resource; can be given several times
    #[arg(long = "resource", value_name = "R")]
    resources: Vec<String>,
    /// Only what was posted on this day (UTC) or later, YYYY-MM-DD
    #[arg(long, value_name = "D")]
    since: Option<NaiveDate>,
    /// Only what was posted on this day (UTC) or earlier, YYYY-MM-DD
    #[arg(long, value_name = "D")]
    until: Option<NaiveDate>,
}

impl What {
    /// The days that are meant.
    pub(super) fn range(&self) -> Result<Range, UsageError> {
        Range::new(self.since, self.until).map_err(|error| UsageError(error.to_string()))
    }

    /// The accounts and resources that are meant.
    pub(super) fn selection(&self, config: &Config) -> Result<Selection, UsageError> {
        let chosen = resources(&self.resources)?;
        Ok(Selection {
            accounts: self.accounts.clone(),
            include: config.include.clone(),
            exclude: config.exclude.clone(),
            resources: if chosen.is_empty() {
                wanted(config)
            } else {
                chosen
            },
            // The names of all jobs: a backfill reads everything that is ever read.
            hashtags: config
                .jobs
                .iter()
                .flat_map(|job| job.hashtags.clone())
                .collect(),
            usernames: config
                .jobs
                .iter()
                .flat_map(|job| job.usernames.clone())
                .collect(),
            mentions: config
                .jobs
                .iter()
                .flat_map(|job| job.mentions.clone())
                .collect(),
        })
    }

    /// Whether it names more than accounts.
    pub(super) fn is_of_backfill(&self) -> bool {
        !self.resources.is_empty() || self.since.is_some() || self.until.is_some()
    }
}

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let range = arguments.what.range()?;
    let config = session.config()?;
    let selection = arguments.what.selection(&config)?;
    let store = open_store(&config, "backfill")?;
    let (handle, stop) = stop_pair();
    let terminal = &session.terminal;
    let result = runtime()?.block_on(async {
        let world = world(&config, store, Clock::system(), stop).await?;
        let work = async {
            let summary = if arguments.no_wait {
                sync::backfill(&world, &selection, range).await?
            } else {
                sync::backfill_and_wait(&world, &selection, range).await?
            };
            sync::check_when_due(&world, &meant(&config)).await?;
            anyhow::Ok(summary)
        };
        let shown = draw::while_running(terminal, &world, work);
        signals::until_stopped(terminal, &handle, shown)
            .await?
            .transpose()
    })?;
    let Some(summary) = result else {
        anyhow::bail!(
            "stopped at once by a second signal; the same command goes on after the last committed page"
        );
    };
    if session.json {
        terminal.print(&format!("{:#}", summary::json(&summary)));
    } else {
        let database = config.database.display().to_string();
        terminal.print(&summary::text(&summary, &database));
    }
    Ok(summary::exit_code(summary.verdict()))
}

/// The resources that are read where none is chosen: those that common permissions allow, and those that a job names.
fn wanted(config: &Config) -> Vec<&'static Resource> {
    let is_named = |resource: &Resource| {
        let mut named = config.jobs.iter().flat_map(|job| &job.resources);
        named.any(|one| one.name == resource.name)
    };
    let wanted = |resource: &&&Resource| resource.is_common() || is_named(resource);
    RESOURCES.iter().filter(wanted).copied().collect()
}

fn resources(names: &[String]) -> Result<Vec<&'static Resource>, UsageError> {
    let known: Vec<&str> = RESOURCES.iter().map(|resource| resource.name).collect();
    names
        .iter()
        .map(|name| {
            resource::find(name).ok_or_else(|| {
                UsageError(format!(
                    "no resource `{name}`; there are: {}",
                    known.join(", ")
                ))
            })
        })
        .collect()
}
