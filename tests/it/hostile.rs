//! Answers that no API gives, through the whole program: a clear word, bounded memory, and nothing lost.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igsync::budget::{PoolKey, Settings};
use igsync::clock::Clock;
use igsync::graph::{Credential, Fields, Page, Request, Tally};
use igsync::store::Outcome;
use igsync::sync::{Summary, Verdict};
use igsync_simulator::{Fault, Match, WorldSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::binary::{Folder, Ran};
use crate::running::{ended, serve, spawn};
use crate::scenario::live::{client, request};
use crate::world::World;

/// What a server does with each connection, after it has read something.
#[derive(Clone)]
struct Raw {
    head: String,
    /// Sent again and again, so many times, with a pause behind each.
    piece: Vec<u8>,
    times: usize,
    pause: Duration,
}

/// Serves on a socket, and counts what it could send.
fn serve_raw(
    raw: Raw,
) -> (
    tempfile::TempDir,
    PathBuf,
    tokio::sync::watch::Receiver<usize>,
) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("graph.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (sent, seen) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (raw, sent) = (raw.clone(), sent.clone());
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", raw.head);
                let _ = stream.write_all(head.as_bytes()).await;
                for _ in 0..raw.times {
                    // The client has left.
                    if stream.write_all(&raw.piece).await.is_err() {
                        return;
                    }
                    sent.send_modify(|sent| *sent += raw.piece.len());
                    if !raw.pause.is_zero() {
                        tokio::time::sleep(raw.pause).await;
                    }
                }
            });
        }
    });
    (folder, socket, seen)
}

async fn ask(socket: &Path) -> Result<Page, String> {
    let clock = Clock::anchored(WorldSpec::default().epoch);
    let pool = PoolKey::parse("buc:1").unwrap();
    let request: Request = request("/1/media", Fields::of(["id"]), Some(10), &pool);
    let credential = Credential::new("main", "EAAtoken", None).unwrap();
    let mut tally = Tally::default();
    let client = client(socket, clock, Settings::default());
    let page = client.get(&credential, &request, &mut tally).await;
    page.map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_100_mb_is_left_after_16() {
    let (_folder, socket, sent) = serve_raw(Raw {
        head: "content-length: 104857600".to_owned(),
        piece: vec![b'['; 1 << 16],
        times: 1600,
        pause: Duration::ZERO,
    });
    let error = ask(&socket).await.unwrap_err();
    assert_eq!(error, "/{subject}: the answer is larger than 16 MiB");
    assert!(
        *sent.borrow() < 18 << 20,
        "{} bytes were taken",
        *sent.borrow()
    );
}

#[tokio::test(start_paused = true)]
async fn a_small_answer_that_unpacks_to_a_gigabyte_is_left_after_16_mb() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..1024 {
        packer.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let piece = packer.finish().unwrap();
    assert!(piece.len() < 2 << 20, "{} bytes", piece.len());
    let (_folder, socket, _) = serve_raw(Raw {
        head: format!("content-encoding: gzip\r\ncontent-length: {}", piece.len()),
        piece,
        times: 1,
        pause: Duration::ZERO,
    });
    let error = ask(&socket).await.unwrap_err();
    assert_eq!(error, "/{subject}: the answer is larger than 16 MiB");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_trickles_ends_with_the_time_of_one_request() {
    let (_folder, socket, sent) = serve_raw(Raw {
        head: "content-length: 1000000".to_owned(),
        piece: b"{".to_vec(),
        times: 1_000_000,
        pause: Duration::from_secs(5),
    });
    let begun = tokio::time::Instant::now();
    let error = ask(&socket).await.unwrap_err();
    assert_eq!(error, "/{subject}: no answer: timed out");
    // Six attempts of a minute, and the delays between them.
    let (least, most) = (Duration::from_secs(360), Duration::from_secs(480));
    assert!(
        (least..most).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        (60..90).contains(&*sent.borrow()),
        "{} bytes",
        *sent.borrow()
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_text_is_named() {
    let piece = b"{\"data\":[{\"id\":\"\xff\xfe\"}]}".to_vec();
    let (_folder, socket, _) = serve_raw(Raw {
        head: format!("content-length: {}", piece.len()),
        piece,
        times: 1,
        pause: Duration::ZERO,
    });
    let error = ask(&socket).await.unwrap_err();
    let words = "/{subject}: answer with HTTP 200 that cannot be read: ";
    assert!(
        error.starts_with(words) && error.contains("invalid unicode"),
        "{error}"
    );
}

fn media(summary: &Summary) -> &igsync::sync::JobReport {
    let mut jobs = summary.jobs.iter();
    jobs.find(|job| job.resource == "media").unwrap()
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_in_a_page_costs_itself_and_a_later_run_reads_all() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let page = |item: &str| format!("{{\"data\":[{item}]}}");
    let world = World::new(WorldSpec::small(1)).await;
    let id = world
        .simulator
        .world()
        .media("17841400000000001")
        .next()
        .unwrap()
        .id();
    let with = |more: &str| page(&format!("{{\"id\":\"{id}\",{more}}}"));
    // What is noted, where the page is read; otherwise the whole answer cannot be.
    let cases: Vec<(String, Result<&str, &str>)> = vec![
        (page(&deep(10_000)), Ok("invalid type: sequence")),
        (
            with(&format!("\"caption\":{}", deep(10_000))),
            Ok("recursion limit"),
        ),
        (page("7"), Ok("invalid type: integer `7`")),
        (page("null"), Ok("invalid type: null")),
        (page("{}"), Ok("it has no id")),
        (page("{\"id\":{}}"), Ok("id is not what it should be")),
        (
            with("\"caption\":7"),
            Ok("caption is not what it should be"),
        ),
        (with("\"like_count\":1e400"), Ok("number out of range")),
        (
            with("\"like_count\":9223372036854775808"),
            Ok("like_count is not what it should be"),
        ),
        (
            with("\"timestamp\":\"+20261-05-07T13:00:34+0000\""),
            Ok("timestamp is not"),
        ),
        (
            with("\"caption\":\"\\ud83d\""),
            Ok("unexpected end of hex escape"),
        ),
        (
            with(&format!("\"caption\":\"{}\"", "a".repeat(5 << 20))),
            Ok("larger than 4 MiB"),
        ),
        (
            page("0,".repeat(10_000).as_str()).replace(",]", ",0]"),
            Err("more than 10000 items"),
        ),
        (
            "{\"data\":[],\"data\":[]}".to_owned(),
            Err("duplicate field `data`"),
        ),
        ("{\"data\":{}}".to_owned(), Err("invalid type: map")),
        (deep(10_000), Err("the answer is a list")),
        ("\u{0}".to_owned(), Err("expected value")),
        (String::new(), Err("EOF while parsing")),
        (
            "{\"data\":[],\"paging\":{\"next\":\"x\",\"cursors\":{\"after\":7}}}".to_owned(),
            Err("invalid type: integer `7`"),
        ),
        (
            format!(
                "{{\"data\":[],\"paging\":{{\"next\":\"x\",\"cursors\":{{\"after\":\"{}\"}}}}}}",
                "a".repeat(100_000)
            ),
            Err("a cursor of 100000 bytes"),
        ),
    ];
    for (body, expected) in cases {
        let begin = body.chars().take(60).collect::<String>();
        let fault = Fault::on(Match::path_ends_with("/media")).body(&body);
        world.simulator.inject(match expected {
            Ok(_) => fault,
            Err(_) => fault.always(),
        });
        let summary = world.backfill().await;
        let job = media(&summary);
        let words = match expected {
            Ok(words) => {
                assert_eq!(job.outcome, Outcome::Partial, "{begin}");
                let detail = "SELECT detail FROM sync_gaps WHERE reason = 'unreadable' AND resolved_at IS NULL";
                (words, world.texts(detail).join("\n"))
            }
            Err(words) => {
                assert_eq!(job.outcome, Outcome::Failed, "{begin}");
                (words, job.message.clone().unwrap_or_default())
            }
        };
        assert!(
            words.1.contains(words.0),
            "{begin}: no {:?} in {:.500}",
            words.0,
            words.1
        );
        assert!(
            words.1.len() < 3_000,
            "{begin}: {} bytes of words",
            words.1.len()
        );
        world.simulator.clear_faults();
        assert_eq!(
            world.backfill().await.verdict(),
            Verdict::Complete,
            "{begin}"
        );
        world.assert_complete();
        let open = "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL";
        assert_eq!(world.count(open), 0, "{begin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_with_nul_is_kept_as_it_came() {
    let world = World::new(WorldSpec::small(1)).await;
    let item = "{\"data\":[{\"id\":\"99\",\"caption\":\"a\\u0000b\"}]}";
    world
        .simulator
        .inject(Fault::on(Match::path_ends_with("/media")).body(item));
    world.backfill().await;
    assert_eq!(
        world.texts("SELECT caption FROM media WHERE id = '99'"),
        ["a\0b"]
    );
}

/// The highest resident memory of a process so far, in MB.
fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024)
}

async fn peak_of(folder: &Folder) -> (Ran, u64) {
    let running = spawn(
        folder,
        &["backfill", "--resource", "account", "--resource", "media"],
    );
    let process = running.id();
    let ran = tokio::spawn(ended(running));
    let mut peak = 0;
    while !ran.is_finished() {
        peak = peak.max(high_water(process).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (ran.await.unwrap(), peak)
}

#[expect(clippy::disallowed_macros, reason = "says what was measured")]
#[tokio::test]
async fn no_answer_takes_more_memory_than_a_few_times_its_limit() {
    let many = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let full = 16 << 20;
    let cases = [
        (
            "objects",
            format!("{{\"data\":[{}{{}}]}}", many("{},", full - 100)),
        ),
        (
            "numbers in an object",
            format!(
                "{{\"data\":[{{\"id\":[{}0]}}]}}",
                many("0,", (4 << 20) - 100)
            ),
        ),
        (
            "a caption",
            format!(
                "{{\"data\":[{{\"id\":\"1\",\"caption\":\"{}\"}}]}}",
                many("a", (4 << 20) - 100)
            ),
        ),
        (
            "captions",
            format!(
                "{{\"data\":[{}7]}}",
                many(
                    &format!("{{\"id\":\"1\",\"caption\":\"{}\"}},", "a".repeat(2 << 20)),
                    full - (3 << 20)
                )
            ),
        ),
        (
            "problems",
            format!("{{\"data\":[{}7]}}", many("7,", 2 * 9_999)),
        ),
        ("100 MB", many("[", 100 << 20)),
    ];
    for (name, body) in cases {
        let (simulator, folder) = serve(WorldSpec::small(1)).await;
        // Once: it is asked for again, and the answer to that is good.
        simulator.inject(Fault::on(Match::path_ends_with("/media")).body(&body));
        drop(body);
        let (ran, peak) = peak_of(&folder).await;
        assert!([0, 3].contains(&ran.code), "{name}: {ran:?}");
        println!("{name}: {peak} MB at the peak");
        assert!((10..160).contains(&peak), "{name}: {peak} MB");
    }
}
