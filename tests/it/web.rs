//! The daemon's HTTP: what is told, to whom, and what is refused.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use igsync::budget;
use igsync::stop::stop_pair;
use igsync::store::Severity;
use igsync::sync::{self, Configured, Selection, Status, Watched, WhenSuspended};
use igsync::web;
use igsync_simulator::{Fault, Match, Revocation, WorldSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

use crate::world::{World, of_posts};

const HERE: &str = "127.0.0.1:9470";

fn watched(world: &World) -> Watched {
    Watched {
        database: world.path(),
        jobs: vec![Configured {
            name: "nightly".to_owned(),
            schedule: igsync::schedule::Schedule::parse("30 2 * * *", chrono_tz::UTC).unwrap(),
            selection: of_posts(),
        }],
        credentials: vec!["main".to_owned()],
        accounts: Selection::default(),
        budget: budget::Settings::default(),
    }
}

struct Answer {
    code: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn ask(world: &World, method: Method, path: &str, host: &str) -> Answer {
    let router = web::router(watched(world), world.clock().clone(), true);
    let request = Request::builder().method(method).uri(path);
    let request = request.header("host", host).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    Answer {
        code: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(world: &World, path: &str) -> Answer {
    ask(world, Method::GET, path, HERE).await
}

async fn night(world: &World) {
    let process = world.process(stop_pair().1).await;
    sync::run_job(&process, "nightly", &of_posts(), WhenSuspended::Leave)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_page_tells_what_status_tells() {
    let world = World::new(WorldSpec::small(1)).await;
    world.backfill().await;
    sleep(Duration::from_secs(3 * 3600)).await;
    night(&world).await;
    let status = Status::read(&watched(&world), world.now()).unwrap();
    let page = get(&world, "/").await;
    assert_eq!(page.code, StatusCode::OK);
    assert!(page.body.contains(&status.headline));
    for account in &status.accounts {
        assert!(page.body.contains(account.label()), "{}", account.label());
    }
    let calls: u64 = status.pools.iter().flat_map(|pool| &pool.hours).sum();
    assert_eq!(calls, status.last_day.calls);
    for pool in &status.pools {
        assert_eq!(pool.hours.len(), 24);
        let spent: u64 = pool.hours.iter().sum();
        let most = pool.hours.iter().max().unwrap();
        let line = match spent {
            0 => "no calls in the last 24 hours".to_owned(),
            _ => format!("{spent} calls in the last 24 hours, at most {most} an hour"),
        };
        assert!(page.body.contains(&line), "{line}");
        assert!(page.body.contains(&pool.pool));
    }
    assert!(!page.body.contains("<script"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
}

#[tokio::test(start_paused = true)]
async fn what_meta_says_is_text_and_no_markup() {
    let world = World::new(WorldSpec::small(1)).await;
    let evil = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";
    let fault = Fault::on(Match::path_ends_with("/media")).always();
    world
        .simulator
        .inject(fault.status(400).error(3, None, evil));
    world.backfill().await;
    let page = get(&world, "/").await;
    assert!(
        page.body.contains("&lt;script&gt;alert(1)"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<script") && !page.body.contains("<img"));
    let numbers = get(&world, "/metrics").await;
    assert!(!numbers.body.contains("<script"));
}

#[tokio::test(start_paused = true)]
async fn health_is_as_status_judges() {
    let world = World::new(WorldSpec::small(1)).await;
    let nothing = get(&world, "/healthz").await;
    assert_eq!(nothing.code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        nothing.body.starts_with("critical: there is no database"),
        "{}",
        nothing.body
    );
    world.backfill().await;
    let well = get(&world, "/healthz").await;
    assert_eq!((well.code, &well.body[..4]), (StatusCode::OK, "ok: "));
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .revoke_token(&token, Revocation::PasswordChanged);
    night(&world).await;
    let ill = get(&world, "/healthz").await;
    assert_eq!(ill.code, StatusCode::SERVICE_UNAVAILABLE);
    let status = Status::read(&watched(&world), world.now()).unwrap();
    assert_eq!(status.severity, Severity::Critical);
    assert_eq!(ill.body, format!("critical: {}\n", status.headline));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_database_is_told_everywhere() {
    let world = World::new(WorldSpec::small(1)).await;
    std::fs::write(
        world.path(),
        "a shopping list, which is no database at all".repeat(100),
    )
    .unwrap();
    for path in ["/", "/healthz", "/metrics"] {
        let answer = get(&world, path).await;
        assert_eq!(answer.code, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.body.contains("igsync.db"), "{}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn every_number_has_a_type_a_help_and_the_value_of_status() {
    let world = World::new(WorldSpec::small(1)).await;
    world.backfill().await;
    let status = Status::read(&watched(&world), world.now()).unwrap();
    let answer = get(&world, "/metrics").await;
    assert_eq!(answer.code, StatusCode::OK);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines.last(), Some(&"# EOF"));
    let (mut helped, mut typed) = (Vec::new(), Vec::new());
    for line in &lines[..lines.len() - 1] {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] if help.ends_with('.') => helped.push(name),
            ["#", "TYPE", name, "gauge"] => typed.push(name),
            ["#", "UNIT", name, "seconds"] => assert!(name.ends_with("_seconds")),
            _ => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                assert!(typed.contains(&name), "{line}");
                value.parse::<f64>().unwrap();
            }
        }
    }
    assert_eq!(helped, typed);
    let value = |wanted: &str| number(&answer.body, wanted);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let spent = status.last_day.calls as f64;
    assert_eq!(value("igsync_last_day_calls{}"), spent);
    assert_eq!(value("igsync_severity{}"), 0.0);
    let pool = &status.pools[0];
    let used = format!(
        "igsync_pool_used_percent{{pool=\"{}\",gauge=\"calls\"}}",
        pool.pool
    );
    assert_eq!(value(&used), f64::from(pool.estimate[0]));
    let account = &status.accounts[0];
    let good = format!(
        "igsync_resource_last_complete_timestamp_seconds{{account=\"{}\",resource=\"media\"}}",
        account.label()
    );
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let at = account.resources[1].last_good_at.unwrap().timestamp() as f64;
    assert_eq!(value(&good), at);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_and_no_accounts_is_among_the_numbers() {
    let world = World::new(WorldSpec::small(1)).await;
    let pages = Fault::on(Match::path_ends_with("/me/accounts")).always();
    world
        .simulator
        .inject(pages.status(400).error(3, None, "no such thing"));
    world.backfill().await;
    let status = Status::read(&watched(&world), world.now()).unwrap();
    let all: u64 = status.gaps.values().sum();
    assert!(all > 0, "nothing is missing");
    let numbers = get(&world, "/metrics").await.body;
    let series = numbers.lines().filter(|line| {
        line.starts_with("igsync_gaps_open{account=\"\",resource=\"discovery\",reason=")
    });
    let told: f64 = series
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let all = all as f64;
    assert_eq!(told, all, "{numbers}");
}

/// The value of a series.
#[track_caller]
fn number(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    let value = line.unwrap_or_else(|| panic!("no {series} in {text}"));
    value.trim().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn page_and_numbers_tell_what_is_wrong() {
    let world = World::new(WorldSpec::many_accounts(1, 2, 30)).await;
    night(&world).await;
    sleep(Duration::from_secs(2 * 24 * 3600)).await;
    let ids: Vec<String> = {
        let accounts = world.simulator.world();
        accounts.accounts().map(|one| one.id().to_owned()).collect()
    };
    let posts = Match::path_ends_with(&format!("{}/media", ids[0]));
    let refusal = Fault::on(posts).error(80_002, None, "(#80002) too many calls");
    world.simulator.inject(refusal);
    world.backfill().await;
    let token = world.simulator.world().spec().tokens[0].token.clone();
    let told = async |is_valid: bool| {
        let process = world.process(stop_pair().1).await;
        sync::check_when_due(&process, &Selection::default())
            .await
            .unwrap();
        let status = Status::read(&watched(&world), world.now()).unwrap();
        let page = get(&world, "/").await.body;
        let numbers = get(&world, "/metrics").await.body;
        let [works, dead] =
            ["works", "does not work"].map(|word| page.contains(&format!(">{word}<")));
        assert_eq!((works, dead), (is_valid, !is_valid));
        let valid = number(&numbers, "igsync_credential_valid{credential=\"main\"}");
        assert_eq!(valid, f64::from(u8::from(is_valid)));
        assert_eq!(number(&numbers, "igsync_at_work{}"), 1.0);
        (status, page, numbers)
    };
    let (status, page, numbers) = told(true).await;
    assert_eq!(status.severity, Severity::Warning, "{}", status.headline);
    assert_eq!(number(&numbers, "igsync_severity{}"), 1.0);
    assert!(status.jobs[0].overdue_since.is_some());
    assert_eq!(number(&numbers, "igsync_job_overdue{job=\"nightly\"}"), 1.0);
    assert_eq!(
        number(&numbers, "igsync_job_overdue{job=\"backfill\"}"),
        0.0
    );
    assert!(page.contains("overdue since"));
    let suspended = "igsync_job_runs{job=\"backfill\",outcome=\"suspended\"}";
    assert_eq!(number(&numbers, suspended), 1.0);
    let mut closed = 0;
    for pool in &status.pools {
        let is_closed = u8::from(pool.closed_until.is_some());
        closed += is_closed;
        let series = format!("igsync_pool_closed{{pool=\"{}\"}}", pool.pool);
        assert_eq!(number(&numbers, &series), f64::from(is_closed), "{series}");
        let series = format!("igsync_pool_ceiling_percent{{pool=\"{}\"}}", pool.pool);
        assert_eq!(number(&numbers, &series), f64::from(pool.ceiling_percent));
    }
    assert_eq!((closed, page.matches(">closed<").count()), (1, 1));
    let day = &status.last_day;
    assert!(day.calls_refused > 0 && day.calls_refused < day.calls && day.rows_unchanged > 0);
    for (series, count) in [
        ("igsync_last_day_runs{}", day.runs),
        ("igsync_last_day_calls{}", day.calls),
        ("igsync_last_day_calls_unanswered{}", day.calls_refused),
        ("igsync_last_day_rows{kind=\"inserted\"}", day.rows_inserted),
        ("igsync_last_day_rows{kind=\"changed\"}", day.rows_changed),
        (
            "igsync_last_day_rows{kind=\"unchanged\"}",
            day.rows_unchanged,
        ),
    ] {
        assert_eq!(
            number(&numbers, series).to_string(),
            count.to_string(),
            "{series}"
        );
    }

    sleep(Duration::from_secs(24 * 3600)).await;
    world
        .simulator
        .world()
        .revoke_token(&token, Revocation::PasswordChanged);
    let (status, page, numbers) = told(false).await;
    assert_eq!(status.severity, Severity::Critical);
    assert_eq!(number(&numbers, "igsync_severity{}"), 2.0);
    // The first thing on the page is what is wrong, and it stands there once.
    let main = page.split("<main").nth(1).unwrap();
    assert!(
        main.find("changed their password") < main.find(">Jobs<"),
        "{main}"
    );
    let headings = main.matches("<h1").count();
    assert_eq!(headings, 1);
}

#[tokio::test(start_paused = true)]
async fn only_reads_of_this_machine_are_answered() {
    let world = World::new(WorldSpec::small(1)).await;
    world.backfill().await;
    for host in [
        HERE,
        "localhost:9470",
        "LOCALHOST",
        "[::1]:9470",
        "127.0.0.1",
    ] {
        let answer = ask(&world, Method::GET, "/", host).await;
        assert_eq!(answer.code, StatusCode::OK, "{host}");
    }
    for host in [
        "rebound.example:9470",
        "127.0.0.1.example",
        "localhost.example",
        "",
    ] {
        let answer = ask(&world, Method::GET, "/", host).await;
        assert_eq!(answer.code, StatusCode::FORBIDDEN, "{host}");
        assert!(!answer.body.contains("igsync.db"));
    }
    let head = ask(&world, Method::HEAD, "/", HERE).await;
    assert_eq!((head.code, head.body.as_str()), (StatusCode::OK, ""));
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = ask(&world, method, "/", HERE).await;
        assert_eq!(answer.code, StatusCode::METHOD_NOT_ALLOWED);
    }
    for path in ["/igsync.db", "/../igsync.toml", "/metrics/more"] {
        assert_eq!(
            get(&world, path).await.code,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for path in ["/", "/nowhere", "/style.css"] {
        let headers = get(&world, path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_takes_his_time_is_shown_out() {
    let world = World::new(WorldSpec::small(1)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(web::serve(listener, watched(&world), world.clock().clone()));
    // More than are let in at once: those who wait get their turn.
    let mut visitors = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n")
            .await
            .unwrap();
        visitors.push(stream);
    }
    let begun = Instant::now();
    for mut stream in visitors {
        let mut told = Vec::new();
        let read = stream.read_to_end(&mut told);
        // What they are told does not matter, as long as it ends.
        let _ = timeout(Duration::from_secs(120), read).await.unwrap();
    }
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(60),
        "{took:?}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    // It may hang up before all of it was sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told).await;
    let told = String::from_utf8_lossy(&told);
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 431"),
        "{told}"
    );
    server.abort();
}
