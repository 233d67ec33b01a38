//! The daemon's HTTP: how igsync is, for a browser (`/`), a health check (`/healthz`) and Prometheus (`/metrics`).
//!
//! Owns what is told and to whom. It renders one value, [`Status`], which is read from the database alone: it asks Meta nothing, writes
//! nothing, and nothing that it is sent changes anything. It refuses what is no GET, hosts that are not this machine's while it listens on
//! loopback (a page of somebody else's must not read it through a visitor's browser), and connections that take their time.

mod draw;
mod metrics;
mod page;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::Clock;
use crate::graph;
use crate::store::Severity;
use crate::sync::{Status, Watched};

/// Connections at the same time; others wait.
const CONNECTIONS: usize = 16;

/// How long a client may take to say what it wants.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// How long a connection may last altogether.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// The most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// Whoever asks again within this is told the same, so that nobody can keep the database busy.
const FRESH: Duration = Duration::from_secs(2);

const STYLE: &str = include_str!("style.css");

/// What is told from.
struct Watch {
    watched: Watched,
    clock: Clock,
    /// Whether only this machine may ask.
    is_local: bool,
    last: Mutex<Option<(Instant, Arc<Status>)>>,
}

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, watched: Watched, clock: Clock) -> Infallible {
    let address = listener.local_addr();
    let is_local = address.is_ok_and(|address| is_loopback(&address));
    let service = TowerToHyperService::new(router(watched, clock, is_local));
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let permit = Arc::clone(&free).acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, most likely: it passes.
                tracing::warn!(%error, "a visitor of the status page cannot be let in");
                sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = service.clone();
        connections.spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .max_buf_size(HEAD)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // A visitor who leaves early or sends nonsense is no event.
            let _ = timeout(CONNECTION_TIME, connection).await;
            drop(permit);
        });
    }
}

/// Whether an address is this machine's own.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// All pages. `is_local`: hosts that are not this machine's are refused.
pub fn router(watched: Watched, clock: Clock, is_local: bool) -> Router {
    let watch = Arc::new(Watch {
        watched,
        clock,
        is_local,
        last: Mutex::new(None),
    });
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(health))
        .route("/metrics", get(numbers))
        .route("/style.css", get(style))
        .layer(middleware::from_fn_with_state(Arc::clone(&watch), guard))
        .with_state(watch)
}

async fn page(State(watch): State<Arc<Watch>>) -> Response {
    const HTML: &str = "text/html; charset=utf-8";
    match watch.status().await {
        Ok(status) => answer(StatusCode::OK, HTML, page::of(&status).into_string()),
        Err(problem) => {
            let page = page::of_problem(&problem).into_string();
            answer(StatusCode::SERVICE_UNAVAILABLE, HTML, page)
        }
    }
}

/// One line, by the judgement of `igsync status --check`: a warning can wait for the morning.
async fn health(State(watch): State<Arc<Watch>>) -> Response {
    let (is_well, line) = match watch.status().await {
        Ok(status) => {
            let word = status.severity.text();
            let is_well = status.severity < Severity::Critical;
            (is_well, format!("{word}: {}\n", status.headline))
        }
        Err(problem) => (false, format!("critical: {problem}\n")),
    };
    let code = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answer(code, "text/plain; charset=utf-8", line)
}

async fn numbers(State(watch): State<Arc<Watch>>) -> Response {
    match watch.status().await {
        Ok(status) => answer(StatusCode::OK, metrics::CONTENT_TYPE, metrics::of(&status)),
        Err(problem) => {
            let line = format!("{problem}\n");
            answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain; charset=utf-8",
                line,
            )
        }
    }
}

async fn style() -> Response {
    answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

fn answer(code: StatusCode, content_type: &'static str, body: String) -> Response {
    (code, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

impl Watch {
    /// How igsync is, at most [`FRESH`] old; visitors who come together share one look.
    async fn status(&self) -> Result<Arc<Status>, String> {
        let mut last = self.last.lock().await;
        if let Some((_, status)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(status));
        }
        let (watched, now) = (self.watched.clone(), self.clock.now());
        let read = tokio::task::spawn_blocking(move || Status::read(&watched, now)).await;
        let status = read
            .map_err(|panic| graph::scrub(&panic.to_string()))?
            .map_err(|error| error.to_string())?;
        let status = Arc::new(status);
        *last = Some((Instant::now(), Arc::clone(&status)));
        Ok(status)
    }
}

/// Says what no browser may do with an answer, and refuses hosts that are not this machine's.
async fn guard(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let mut response = if watch.is_local && !is_this_machine(request.headers()) {
        let line = "this page is this machine's own: open it as 127.0.0.1 or localhost\n";
        answer(
            StatusCode::FORBIDDEN,
            "text/plain; charset=utf-8",
            line.to_owned(),
        )
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a visitor asked for an address or for `localhost`: any other name may have been made to lead here.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()?.parse::<uri::Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    })
}
