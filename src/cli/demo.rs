//! `igsync demo`: the whole thing on a simulated account. Prints what is in the database and what to try.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use igsync_simulator::{Simulator, World as SimulatedWorld, WorldSpec};

use super::{Session, draw, runtime, signals, summary, world};
use crate::clock::Clock;
use crate::config::Config;
use crate::graph::{Credential, Settings};
use crate::stop::stop_pair;
use crate::store::Store;
use crate::sync::{self, Range, Selection};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the database goes
    #[arg(long, value_name = "FILE", default_value = "igsync-demo.db")]
    database: PathBuf,
}

/// The same world on every machine and at every start.
const SEED: u64 = 1;

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let holder = format!("igsync demo, process {}", std::process::id());
    let store = Store::open(&arguments.database, &holder)?;
    let (handle, stop) = stop_pair();
    let terminal = &session.terminal;
    let summary = runtime()?.block_on(async {
        let (config, clock) = simulate(&arguments.database).await?;
        let world = world(&config, store, clock, stop).await?;
        let selection = Selection::default();
        let work = sync::backfill(&world, &selection, Range::default());
        let shown = draw::while_running(terminal, &world.progress, work);
        let done = signals::until_stopped(terminal, &handle, shown).await?;
        done.context("stopped")?.map_err(anyhow::Error::from)
    })?;
    if session.json {
        terminal.print(&format!("{:#}", summary::json(&summary)));
    } else {
        let database = arguments.database.display().to_string();
        terminal.print(&summary::text(&summary, &database));
        terminal.print(&queries(&database));
    }
    Ok(summary::exit_code(summary.verdict()))
}

/// Starts a simulated Graph API in this runtime; gives the configuration that reaches it, and its time.
async fn simulate(database: &Path) -> anyhow::Result<(Config, Clock)> {
    let spec = WorldSpec::small(SEED);
    let token = spec
        .tokens
        .first()
        .context("the simulated world has no token")?;
    let credential = Credential::new("demo", &token.token, Some(&spec.app.secret))?;
    let epoch = spec.epoch;
    let clock = igsync_simulator::Clock::starting_at(epoch);
    let simulator = Simulator::new(SimulatedWorld::new(spec), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("cannot open a local port for the simulated Graph API")?;
    let address = listener.local_addr()?;
    simulator.serve_tcp(listener).await?;
    let config = Config {
        file: PathBuf::from("(demo)"),
        graph: Settings {
            base_url: format!("http://{address}"),
            version: "v25.0".to_owned(),
            timeout: Duration::from_secs(60),
        },
        credentials: vec![Arc::new(credential)],
        database: database.to_owned(),
        ..Config::default()
    };
    Ok((config, Clock::anchored(epoch)))
}

fn queries(database: &str) -> String {
    format!(
        "\nTry:
  sqlite3 {database} \"SELECT username, followers_count, media_count FROM accounts_current\"
  sqlite3 {database} \"SELECT timestamp, media_product_type, like_count, comments_count, permalink FROM media_current ORDER BY like_count DESC LIMIT 5\"
  sqlite3 {database} \"SELECT strftime('%w', timestamp) AS weekday, count(*) AS posts, avg(like_count) AS likes FROM media_current GROUP BY weekday\""
    )
}
