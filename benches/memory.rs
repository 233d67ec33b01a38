//! The memory of the real binary while it backfills one account and its 100,000 posts from a simulated Graph API.
//!
//! Prints the peak of its resident memory as the kernel saw it (`VmHWM`). Fails at 64 MB. `cargo bench --bench memory`.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use igsync_simulator::{Clock, Simulator, World, WorldSpec};
use tokio::time::Instant;

const POSTS: u32 = 100_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut spec = WorldSpec::single_account(1, POSTS);
    spec.media_list_cap = u64::from(POSTS);
    let token = spec.tokens[0].token.clone();
    let clock = Clock::starting_at(spec.epoch);
    let simulator = Simulator::new(World::new(spec), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    simulator.serve_tcp(listener).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, token).unwrap();
    std::fs::set_permissions(&token_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = format!(
        "[graph]\nbase_url = \"{base_url}\"\n[[credential]]\nname = \"main\"\ntoken_file = \"token\"\n"
    );
    std::fs::write(folder.path().join("igsync.toml"), configuration).unwrap();
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_igsync"))
        .args(["--quiet", "backfill"])
        .args(["--resource", "account", "--resource", "media"])
        .current_dir(folder.path())
        .env_clear()
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(high_water(&child).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    // 3: a list of more than 10,000 posts is noted as one that may have gone on.
    assert_eq!(status.code(), Some(3), "{status}");
    let database = rusqlite::Connection::open(folder.path().join("igsync.db")).unwrap();
    let number = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    println!(
        "{} posts, {} pages, {} calls in {:.0} s; peak resident memory {:.1} MB",
        number("SELECT count(*) FROM media"),
        number("SELECT pages FROM sync_checkpoints WHERE resource = 'media'"),
        number("SELECT sum(calls) FROM sync_calls"),
        begun.elapsed().as_secs_f64(),
        peak as f64 / 1000.0,
    );
    assert!(peak < 64_000, "igsync took {peak} kB");
}

/// The highest resident memory of a process so far, in kB of 1,024 bytes as the kernel counts, as 1,000 bytes here.
fn high_water(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024 / 1000)
}
