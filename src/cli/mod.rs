//! The command line: arguments in, text and exit codes out. The only place that prints.
//!
//! Results go to stdout, talk goes to stderr. Every command's file says what it prints.

mod backfill;
mod check;
mod demo;
mod draw;
mod forget;
mod plan;
mod run;
mod signals;
mod simulator;
mod status;
mod summary;
mod sync;
mod terminal;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{ArgAction, Parser, Subcommand};

use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, Environment};
use crate::graph::{self, Client};
use crate::resource::Refresh;
use crate::stop::Stop;
use crate::store::{OpenError, Store};
use crate::sync::{SelectionError, World};
use terminal::Terminal;

/// Everything that was asked for is in the database.
pub const OK: u8 = 0;
/// Failed: nothing useful was done.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// Done in part; `sync_gaps` says what is missing and why.
pub const PARTIAL: u8 = 3;
/// Stopped by a budget; the time it can go on is printed and stored.
pub const SUSPENDED: u8 = 4;
/// An operator is needed: token, permission, or a block by Meta.
pub const OPERATOR: u8 = 5;

const EXIT_CODES: &str = "Exit codes:
  0  everything that was asked for is in the database
  1  failed: nothing useful was done
  2  the command line or the configuration is wrong
  3  done in part: something is missing, and the table sync_gaps says what and why
  4  stopped by a budget: the time it can go on is printed and stored
  5  an operator is needed: token, permission, or a block by Meta";

/// Syncs Instagram professional accounts into one SQLite file, within Meta's budgets.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    /// Configuration file [default: $IGSYNC_CONFIG, else ./igsync.toml, else /etc/igsync/igsync.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log more: -v what happens, -vv each request, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Log errors only, and no progress
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove the configuration, the database, each token, and what can be read of each account
    Check,
    /// Say what jobs or a backfill would cost: calls, time, what will be postponed. Spends discovery calls only
    Plan(plan::Arguments),
    /// Run jobs of the configuration now: what is due, not everything
    Sync(sync::Arguments),
    /// Read history; can be stopped and started again at any moment without losing or repeating paid work
    Backfill(backfill::Arguments),
    /// Remove an account and everything read from it, for good
    Forget(forget::Arguments),
    /// The daemon: run the jobs of the configuration on their schedules, until a signal ends it; SIGHUP reads the configuration again
    Run,
    /// Say how things are, from the database alone: what to do, jobs, accounts, pools, tokens
    Status(status::Arguments),
    /// The whole thing on simulated accounts, no Meta account needed; leaves a database to explore
    Demo(demo::Arguments),
    /// Serve the simulated Graph API on a local port
    Simulator(simulator::Arguments),
}

/// What every command needs.
struct Session<'a> {
    environment: &'a Environment,
    terminal: Terminal,
    config: Option<PathBuf>,
    json: bool,
}

/// Runs the command that the arguments name; gives the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { OK };
        }
    };
    let terminal = Terminal::new(arguments.quiet);
    let daemon = matches!(arguments.command, Command::Run);
    // Nobody looks at a daemon: its log says what it does.
    terminal.log(arguments.verbose.max(u8::from(daemon)), environment);
    quiet_panics();
    let session = Session {
        environment,
        terminal,
        config: arguments.config,
        json: arguments.json,
    };
    let result = match arguments.command {
        Command::Check => check::run(&session),
        Command::Plan(arguments) => plan::run(&session, &arguments),
        Command::Sync(arguments) => sync::run(&session, &arguments),
        Command::Backfill(arguments) => backfill::run(&session, &arguments),
        Command::Forget(arguments) => forget::run(&session, &arguments),
        Command::Run => run::run(&session),
        Command::Status(arguments) => status::run(&session, &arguments),
        Command::Demo(arguments) => demo::run(&session, &arguments),
        Command::Simulator(arguments) => simulator::run(&session, &arguments),
    };
    result.unwrap_or_else(|error| {
        session.terminal.say(&format!("error: {error:#}"));
        let usage = error
            .downcast_ref::<ConfigError>()
            .is_some_and(ConfigError::is_of_the_user)
            || error
                .downcast_ref::<OpenError>()
                .is_some_and(OpenError::is_of_the_user)
            || error.is::<UsageError>()
            || matches!(
                error.downcast_ref(),
                Some(SelectionError::NoSuchAccount { .. })
            );
        if usage { USAGE } else { FAILED }
    })
}

/// An argument that clap cannot judge.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

impl Session<'_> {
    /// The checked configuration; its warnings are said.
    fn config(&self) -> Result<Config, ConfigError> {
        let config = self.read_config()?;
        for warning in &config.warnings {
            self.terminal.say(&format!("warning: {warning}"));
        }
        Ok(config)
    }

    /// The checked configuration.
    fn read_config(&self) -> Result<Config, ConfigError> {
        let file = config::find(self.config.as_deref(), self.environment)?;
        config::load(&file, self.environment)
    }
}

/// A panic quotes what was at hand, and is logged as everything else: without what looks like a token.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = graph::scrub(text.unwrap_or_default());
        let place = panic.location().map(ToString::to_string);
        tracing::error!("panic at {}: {text}", place.unwrap_or_default());
    }));
}

/// The runtime of every command: one thread, as in the tests.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// The client that a configuration asks for.
fn client(config: &Config, clock: Clock, stop: Stop) -> anyhow::Result<Client> {
    let http = graph::http_client(&config.graph.base_url).context(
        "cannot set up TLS; install the system's certificates (Debian: ca-certificates)",
    )?;
    let budget = Budget::new(config.budget.clone());
    let settings = config.graph.clone();
    Ok(Client::new(http, settings, budget, clock, stop))
}

/// The world that a configuration asks for. The store is opened before, so that a wrong file is a wrong configuration.
async fn world(
    config: &Config,
    store: Store,
    clock: Clock,
    stop: Stop,
) -> anyhow::Result<Arc<World>> {
    let client = client(config, clock.clone(), stop.clone())?;
    let credentials = config.credentials.clone();
    let mut world = World::new(client, store, clock, stop, credentials).await?;
    world.refresh = refresh(config);
    Ok(Arc::new(world))
}

/// How often posts are read again.
fn refresh(config: &Config) -> Refresh {
    if config.refresh.is_empty() {
        Refresh::default()
    } else {
        Refresh(config.refresh.clone())
    }
}

/// Opens the configured database; another igsync is told that this command holds it.
fn open_store(config: &Config, command: &str) -> Result<Store, ConfigError> {
    let holder = format!("igsync {command}, process {}", std::process::id());
    Store::open(&config.database, &holder).map_err(|error| config.database_error(error))
}
