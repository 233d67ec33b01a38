//! `igsync backfill`: reads history. Prints a table of rows and calls per account and resource.

use chrono::NaiveDate;

use super::{Session, UsageError, draw, open_store, runtime, signals, summary, world};
use crate::clock::Clock;
use crate::resource::{self, RESOURCES, Resource};
use crate::stop::stop_pair;
use crate::sync::{self, Range, Selection};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this account: id or username; can be given several times
    #[arg(long = "account", value_name = "X")]
    accounts: Vec<String>,
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

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let resources = resources(&arguments.resources)?;
    let range = Range::new(arguments.since, arguments.until)
        .map_err(|error| UsageError(error.to_string()))?;
    let config = session.config()?;
    let store = open_store(&config, "backfill")?;
    let selection = Selection {
        accounts: arguments.accounts.clone(),
        include: config.include.clone(),
        exclude: config.exclude.clone(),
        resources,
    };
    let (handle, stop) = stop_pair();
    let terminal = &session.terminal;
    let result = runtime()?.block_on(async {
        let world = world(&config, store, Clock::system(), stop).await?;
        let work = sync::backfill(&world, &selection, range);
        let shown = draw::while_running(terminal, &world.progress, work);
        signals::until_stopped(terminal, &handle, shown)
            .await?
            .transpose()
            .map_err(anyhow::Error::from)
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
