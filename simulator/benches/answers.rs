//! How fast the simulator answers, beside a bare axum handler that returns a constant.
//!
//! Both are served on Unix sockets by a thread of their own and asked by the same client over the same number of
//! connections, in short turns: the median of the ratios of neighbours counts, so that other work on the machine weighs
//! on both alike. The demand: simple requests at no less than 0.3 of the bare rate in a release build.
//!
//!     cargo bench -p igsync-simulator --bench answers

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use igsync_simulator::{Clock, Simulator, World, WorldSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;

const DEMANDED: f64 = 0.3;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 31;
const ROUND: Duration = Duration::from_millis(150);
const CONSTANT: &str = r#"{"id":"17841400000000001"}"#;

fn main() -> std::io::Result<()> {
    let directory = std::env::temp_dir().join(format!("igsync-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let outcome = run(&directory);
    std::fs::remove_dir_all(&directory)?;
    outcome
}

fn run(directory: &Path) -> std::io::Result<()> {
    let spec = WorldSpec::small(1);
    let simulator = Simulator::new(World::new(spec.clone()), Clock::starting_at(spec.epoch));
    let newest = simulator
        .world()
        .media("17841400000000001")
        .next()
        .map(|media| media.id())
        .unwrap_or_default();
    let bare = serve(
        directory.join("bare.sock"),
        Router::new().fallback(|| async { CONSTANT }),
    );
    let ours = serve(directory.join("simulator.sock"), simulator.router());
    let client = Builder::new_current_thread().enable_all().build()?;
    // Simple requests are held to the demand, the page of media is shown for comparison.
    let questions = [
        ("account, id alone", "/v25.0/17841400000000001".to_owned(), true),
        ("account, 4 fields", "/v25.0/17841400000000001?fields=id,username,followers_count,media_count".to_owned(), true),
        ("media, 4 fields", format!("/v25.0/{newest}?fields=id,caption,media_type,timestamp"), true),
        ("page of 25 media, 8 fields", "/v25.0/17841400000000001/media?fields=id,caption,media_type,media_product_type,media_url,permalink,timestamp,like_count".to_owned(), false),
    ];
    let mut met = true;
    for (name, path, is_demanded) in questions {
        let (mut constant, mut answers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let pair = (
                client.block_on(rate(&bare, &path)),
                client.block_on(rate(&ours, &path)),
            );
            simulator.clear_journal();
            constant.push(pair.0);
            answers.push(pair.1);
            ratios.push(pair.1 / pair.0);
        }
        let (constant, answers, ratio) = (median(constant), median(answers), median(ratios));
        met &= !is_demanded || ratio >= DEMANDED;
        report(&format!(
            "{name:<28} bare {constant:>8.0}/s   simulator {answers:>8.0}/s   ratio {ratio:.2}"
        ));
    }
    report(&format!(
        "simple requests at {DEMANDED} of the bare rate or more: {}",
        if met { "yes" } else { "NO" }
    ));
    if met {
        Ok(())
    } else {
        Err(std::io::Error::other("too slow"))
    }
}

#[expect(
    clippy::disallowed_macros,
    reason = "the numbers are what a benchmark is for"
)]
fn report(line: &str) {
    println!("{line}");
}

/// Serves on a thread of its own until the process ends.
fn serve(path: PathBuf, router: Router) -> PathBuf {
    let socket = path.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime: Option<Runtime> = Builder::new_current_thread().enable_all().build().ok();
        if let Some(runtime) = runtime {
            runtime.block_on(async {
                if let Ok(listener) = UnixListener::bind(&socket) {
                    let _ = ready.send(());
                    let _ = axum::serve(listener, router).await;
                }
            });
        }
    });
    let _ = is_ready.recv();
    path
}

/// Answers per second.
async fn rate(socket: &Path, path: &str) -> f64 {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer SIM-main\r\n\r\n");
    let started = Instant::now();
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        connections.spawn(ask(socket.to_owned(), request.clone(), started + ROUND));
    }
    let mut answers = 0;
    while let Some(asked) = connections.join_next().await {
        answers += asked.ok().and_then(Result::ok).unwrap_or(0);
    }
    f64::from(answers) / started.elapsed().as_secs_f64()
}

/// Asks one question after the other on one connection; only whole answers with status 200 count.
async fn ask(socket: PathBuf, request: String, until: Instant) -> std::io::Result<u32> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut buffer = vec![0; 64 << 10];
    let mut answers = 0;
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            filled += read;
            match whole_answer(&buffer[..filled]) {
                Some(true) => break,
                Some(false) => return Err(std::io::Error::other("refused")),
                None if read == 0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        }
        answers += 1;
    }
    Ok(answers)
}

/// Nothing while the answer is incomplete, then whether its status is 200.
fn whole_answer(bytes: &[u8]) -> Option<bool> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let length: usize = length.parse().ok()?;
    (bytes.len() >= head_end + 4 + length).then(|| head.starts_with("HTTP/1.1 200"))
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
