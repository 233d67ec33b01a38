//! The daemon of the real binary when it has nothing to do: resident memory and share of a core, with 1,000 accounts of which each was
//! read once, until the next day comes.
//!
//! `cargo bench --bench idle` watches for two minutes, `cargo bench --bench idle -- 600` for ten. Fails at 30 MB or 0.1 % of a core.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use igsync::clock::Clock;
use igsync_simulator::{Simulator, World, WorldSpec};
use rusqlite::OpenFlags;
use tokio::time::{Instant, sleep};

const ACCOUNTS: u32 = 1000;

/// What a second is to Linux when it tells the time that a process used (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// A process of the benchmark's, ended with it.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok());
    let watched = Duration::from_secs(seconds.unwrap_or(120));
    let spec = WorldSpec::many_accounts(1, ACCOUNTS, 10);
    let token = spec.tokens[0].token.clone();
    let clock = igsync_simulator::Clock::starting_at(spec.epoch);
    let simulator = Simulator::new(World::new(spec), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    simulator.serve_tcp(listener).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &token, &base_url);
    let daemon = Daemon(
        Command::new(env!("CARGO_BIN_EXE_igsync"))
            .args(["--quiet", "run"])
            .current_dir(folder.path())
            .env_clear()
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let database = folder.path().join("igsync.db");
    let read = until_read(&database).await;
    // What the work has left behind is given back.
    sleep(Duration::from_secs(5)).await;
    let (begun, used) = (Instant::now(), cpu(&daemon));
    let mut most = 0;
    while begun.elapsed() < watched {
        sleep(Duration::from_secs(1)).await;
        most = most.max(resident(&daemon));
    }
    let share = (cpu(&daemon) - used) / begun.elapsed().as_secs_f64() * 100.0;
    println!(
        "{read} accounts, idle for {} s: resident memory at most {:.1} MB, {share:.3} % of a core",
        begun.elapsed().as_secs(),
        most as f64 / 1000.0,
    );
    assert_eq!(read, i64::from(ACCOUNTS));
    assert!(most < 30_000, "igsync holds {most} kB");
    assert!(share < 0.1, "igsync uses {share} % of a core");
}

/// A configuration whose job is due in a few seconds and then a day later.
fn configure(folder: &Path, token: &str, base_url: &str) {
    let token_file = folder.join("token");
    std::fs::write(&token_file, token).unwrap();
    std::fs::set_permissions(&token_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let soon = Clock::system().now() + chrono::TimeDelta::seconds(10);
    let configuration = format!(
        "[graph]\nbase_url = \"{base_url}\"\n[[credential]]\nname = \"main\"\ntoken_file = \"token\"\n\
         [[job]]\nname = \"daily\"\nschedule = \"{}\"\nresources = [\"account\", \"media\"]\n",
        soon.format("%S %M %H * * *")
    );
    std::fs::write(folder.join("igsync.toml"), configuration).unwrap();
}

/// Waits until the job is done; how many accounts it has read.
async fn until_read(database: &Path) -> i64 {
    let sql = "SELECT accounts_done FROM sync_jobs WHERE job = 'daily' AND finished_at IS NOT NULL";
    let read = || {
        let connection =
            rusqlite::Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY);
        connection.ok()?.query_row(sql, [], |row| row.get(0)).ok()
    };
    let begun = Instant::now();
    loop {
        if let Some(read) = read() {
            return read;
        }
        // The start is spread over ten minutes.
        assert!(
            begun.elapsed() < Duration::from_secs(1200),
            "the job does not end"
        );
        sleep(Duration::from_secs(1)).await;
    }
}

/// Resident memory in kB of 1,000 bytes.
fn resident(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.0.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024 / 1000
}

/// Seconds of a core that it has used so far.
fn cpu(daemon: &Daemon) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.0.id())).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    let ticks: Vec<f64> = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse().unwrap())
        .collect();
    ticks.iter().sum::<f64>() / TICKS
}
