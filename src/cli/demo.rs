//! `igsync demo`: the whole thing on simulated accounts with a year of history, then some nights in virtual time, so that
//! growth curves and deletions exist. Prints what is in the database and what to try.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use igsync_simulator::{Simulator, World as SimulatedWorld, WorldSpec};
use serde_json::json;

use super::{OK, Session, signals, summary};
use crate::budget::{self, Budget};
use crate::clock::Clock;
use crate::graph::{self, Client, Credential, Settings};
use crate::resource::RESOURCES;
use crate::stop::{Stop, stop_pair};
use crate::store::{Store, Written};
use crate::sync::{self, Range, Selection, Summary, Verdict, WhenSuspended, World};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the database goes; one that is there already is shown and left as it is
    #[arg(long, value_name = "FILE", default_value = "igsync-demo.db")]
    database: PathBuf,
}

/// The same world on every machine and at every start.
const SEED: u64 = 1;

/// Nights after the first one.
const NIGHTS: u32 = 14;

pub(super) fn run(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<u8> {
    let database = arguments.database.display().to_string();
    let there = arguments.database.exists();
    let holder = format!("igsync demo, process {}", std::process::id());
    let store = Store::open(&arguments.database, &holder)?;
    let terminal = &session.terminal;
    // Virtual time: the nights pass as fast as they are worked off.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .context("cannot start the runtime")?;
    let (contents, verdict) = runtime.block_on(async {
        let mut verdict = Verdict::Complete;
        if !there {
            let (handle, stop) = stop_pair();
            let work = nights(session, store.clone(), stop);
            let done = signals::until_stopped(terminal, &handle, work).await?;
            verdict = done.context("stopped")??;
        }
        anyhow::Ok((store.contents().await?, verdict))
    })?;
    if session.json {
        let tables: serde_json::Map<_, _> = contents
            .into_iter()
            .map(|(name, rows)| (name, rows.into()))
            .collect();
        let code = summary::exit_code(verdict);
        terminal.print(&format!(
            "{:#}",
            json!({"exit_code": code, "tables": tables})
        ));
    } else {
        if there {
            terminal.print(&format!(
                "{database} is there already and stays as it is; remove it to begin anew."
            ));
        }
        let header = vec!["table".to_owned(), "rows".to_owned()];
        let rows = contents
            .into_iter()
            .map(|(name, rows)| vec![name, rows.to_string()]);
        let table: Vec<_> = std::iter::once(header).chain(rows).collect();
        terminal.print(&format!(
            "\nIn {database}:\n\n{}\nThe tables sync_… are igsync's own records; sync_gaps says what is missing and why.\n",
            summary::table(&table)
        ));
        terminal.print(&queries(&database));
    }
    Ok(if there {
        OK
    } else {
        summary::exit_code(verdict)
    })
}

/// Reads the year of history, then what is due after each simulated night; the first verdict that ends it counts.
async fn nights(session: &Session<'_>, store: Store, stop: Stop) -> anyhow::Result<Verdict> {
    let folder = Folder::new()?;
    let (world, simulator) = simulate(&folder.0.join("graph.sock"), store, stop).await?;
    session.terminal.tell(&format!(
        "Reads {} made-up accounts with a year of history from a simulated Graph API, then what is new after each of {NIGHTS} nights.",
        simulator.world().accounts().count()
    ));
    for night in 0..=NIGHTS {
        let everything = everything(&simulator);
        let summary = if night == 0 {
            sync::backfill(&world, &everything, Range::default()).await?
        } else {
            sync::run_job(&world, "nightly", &everything, WhenSuspended::Leave).await?
        };
        session.terminal.tell(&line(night, &summary));
        // A post that was deleted today is asked for in vain until a walk through its list sees that it is gone.
        if !matches!(summary.verdict(), Verdict::Complete | Verdict::Partial) {
            return Ok(summary.verdict());
        }
        happen(&simulator, night);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(24 * 3600)) => {}
            () = world.stop.wait() => return Ok(Verdict::Partial),
        }
    }
    Ok(Verdict::Complete)
}

/// All resources, and the mentions that webhooks would tell of.
fn everything(simulator: &Simulator) -> Selection {
    let world = simulator.world();
    let of = |account: &str| {
        let posts = world.mentioned_media(account);
        let entries = posts.map(|post| format!("{account}/{}", post.id()));
        entries.collect::<Vec<_>>()
    };
    Selection {
        resources: RESOURCES.to_vec(),
        mentions: world
            .accounts()
            .flat_map(|account| of(account.id()))
            .collect(),
        ..Selection::default()
    }
}

/// What an owner does now and then, beside the posts, likes and followers that come by themselves: every few days, one post of
/// an account is deleted and the words of another one are changed.
fn happen(simulator: &Simulator, night: u32) {
    if night % 3 != 1 {
        return;
    }
    let world = simulator.world();
    for account in world.accounts() {
        let posts = world.media(account.id()).filter(|post| !post.is_deleted());
        let chosen: Vec<String> = posts
            .skip(night as usize)
            .take(2)
            .map(|post| post.id())
            .collect();
        if let [deleted, edited] = &chosen[..] {
            world.delete_media(deleted);
            world.edit_caption(edited, Some("second thoughts"));
        }
    }
}

fn line(night: u32, summary: &Summary) -> String {
    let mut rows = Written::default();
    let (mut calls, mut deleted) = (summary.discovery_calls, 0);
    for job in &summary.jobs {
        rows += job.rows();
        calls += job.calls;
        deleted += job.deleted;
    }
    let what = if night == 0 {
        "history".to_owned()
    } else {
        format!("night {night} of {NIGHTS}")
    };
    format!(
        "{what}: {calls} calls; rows: {} new, {} changed, {} same; posts found deleted: {deleted}",
        rows.inserted, rows.changed, rows.unchanged
    )
}

/// Starts a simulated Graph API in this runtime, on a Unix socket: TCP does not stand still when time is paused.
async fn simulate(
    socket: &Path,
    store: Store,
    stop: Stop,
) -> anyhow::Result<(Arc<World>, Simulator)> {
    let spec = WorldSpec::demo(SEED);
    let mut credentials = Vec::new();
    for token in &spec.tokens {
        let credential = Credential::new(&token.name, &token.token, Some(&spec.app.secret))?;
        credentials.push(Arc::new(credential.of_the_app_of(&credentials)));
    }
    let clock = Clock::anchored(spec.epoch);
    let simulated_clock = igsync_simulator::Clock::starting_at(spec.epoch);
    let simulator = Simulator::new(SimulatedWorld::new(spec), simulated_clock);
    simulator
        .serve_unix(socket)
        .await
        .context("cannot open a socket for the simulated Graph API")?;
    let settings = Settings {
        base_url: "http://localhost".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let budget = Budget::new(budget::Settings::default());
    let client = Client::new(
        graph::socket_client(socket)?,
        settings,
        budget,
        clock.clone(),
        stop.clone(),
    );
    let world = World::new(client, store, clock, stop, credentials).await?;
    Ok((Arc::new(world), simulator))
}

/// A folder for the socket, removed when the demo is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("igsync-demo-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is an empty socket in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn queries(database: &str) -> String {
    let sqlite = format!("sqlite3 -header -column {database}");
    format!(
        "Three queries to try, with sqlite3 or any other program that opens SQLite files:

How many followers each account had, day by day:
  {sqlite} \"SELECT username, date(observed_at) AS day, followers_count FROM account_snapshots s JOIN accounts a ON a.id = s.account_id ORDER BY 1, 2\"

How the reach of one post has grown, reading by reading:
  {sqlite} \"SELECT observed_at, value AS reach FROM media_insights WHERE name = 'reach' AND media_id = (SELECT media_id FROM media_insights WHERE name = 'reach' GROUP BY media_id ORDER BY count(*) DESC, max(value) DESC LIMIT 1) ORDER BY 1\"

Which posts were deleted, and when that was noticed:
  {sqlite} \"SELECT a.username, m.timestamp AS published_at, m.deleted_at, m.permalink FROM media m JOIN accounts a ON a.id = m.account_id WHERE m.deleted_at IS NOT NULL ORDER BY 3\""
    )
}
