//! The HTTP side: takes calls, lets faults interfere, answers, and keeps the journal.

mod answer;
mod batch;
mod caller;
mod dependency;
mod incoming;
mod memory;
mod reading;
mod version;

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, mem};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use http_body::Frame;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::fault::{Changes, Fault, Faults};
use crate::journal::Call;
use crate::meter::{Meters, Pool};
use crate::seed::Seed;
use crate::world::World;

pub(crate) use caller::why_dead;
pub(crate) use incoming::Incoming;
pub(crate) use memory::Memory;

use answer::Answer;

/// The largest body that is read; batches are the only large ones.
const MAX_BODY: usize = 4 << 20;

/// A Graph API over a world. Clones share everything.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: World,
    clock: Clock,
    memory: Memory,
    faults: Mutex<Faults>,
    journal: Mutex<Vec<Call>>,
    meters: Mutex<Meters>,
    calls: AtomicU64,
}

impl Simulator {
    /// Sets a world going.
    pub fn new(world: World, clock: Clock) -> Self {
        world.wind(&clock);
        let shared = Shared {
            world,
            clock,
            memory: Memory::default(),
            faults: Mutex::default(),
            journal: Mutex::default(),
            meters: Mutex::default(),
            calls: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// All endpoints, to be served by whoever wants to.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    /// Serves HTTP/1 on a Unix socket until the task is aborted.
    pub async fn serve_unix(&self, path: &Path) -> io::Result<JoinHandle<()>> {
        let listener = UnixListener::bind(path)?;
        let router = self.router();
        Ok(tokio::spawn(async move {
            // Serving ends with the task; accept errors are retried inside.
            let _ = axum::serve(listener, router).await;
        }))
    }

    /// Serves HTTP/1 on a TCP socket until the task is aborted.
    pub async fn serve_tcp(&self, listener: TcpListener) -> io::Result<JoinHandle<()>> {
        let router = self.router();
        Ok(tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        }))
    }

    /// The truth.
    pub fn world(&self) -> &World {
        &self.shared.world
    }

    /// The clock that the world follows.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Every call so far.
    pub fn journal(&self) -> Vec<Call> {
        lock(&self.shared.journal).clone()
    }

    /// Forgets the calls so far.
    pub fn clear_journal(&self) {
        lock(&self.shared.journal).clear();
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).inject(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Lets somebody else spend calls of a pool now.
    pub fn consume(&self, pool: &Pool, calls: u64) {
        lock(&self.shared.meters).consume(self.world(), pool, calls, self.world().now_seconds());
    }

    /// Lets others hold so many percent of a pool from now on, whatever leaves its window.
    pub fn hold(&self, pool: &Pool, percent: u64) {
        let now = self.world().now_seconds();
        lock(&self.shared.meters).hold(self.world(), pool, percent, now);
    }

    /// Changes without notice how many calls a pool allows.
    pub fn allow(&self, pool: &Pool, calls: u64) {
        let now = self.world().now_seconds();
        lock(&self.shared.meters).allow(self.world(), pool, calls, now);
    }

    /// How full a pool is now, in percent and exactly: calls, CPU time, wall time.
    pub fn usage(&self, pool: &Pool) -> [f64; 3] {
        let now = self.world().now_seconds();
        lock(&self.shared.meters).shares(self.world(), pool, now)
    }

    /// How full a pool is now, in percent of its fullest gauge.
    pub fn usage_percent(&self, pool: &Pool) -> u64 {
        lock(&self.shared.meters)
            .gauges(self.world(), pool, self.world().now_seconds())
            .percent()
    }

    fn take_fault(&self, call: &Incoming) -> Changes {
        lock(&self.shared.faults)
            .take(call, self.world().seed().with(500))
            .unwrap_or_default()
    }

    /// A number that no other call has.
    fn next_call(&self) -> Seed {
        self.world()
            .seed()
            .with(600)
            .with(self.shared.calls.fetch_add(1, Ordering::Relaxed))
    }

    fn note(&self, call: Call) {
        lock(&self.shared.journal).push(call);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(State(simulator): State<Simulator>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let form = if head.method == "GET" {
        Bytes::new()
    } else {
        to_bytes(body, MAX_BODY).await.unwrap_or_default()
    };
    let authorization = head
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let call = Incoming::new(
        head.method.as_str(),
        head.uri.path(),
        head.uri.query(),
        authorization,
        &form,
    );
    let changes = simulator.take_fault(&call);
    if !changes.delay.is_zero() {
        tokio::time::sleep(changes.delay).await;
    }
    if changes.hang || changes.reset {
        if call.is_batch() {
            simulator.note_unanswered_batch(&call);
        } else {
            simulator.note_unanswered(&call);
        }
        if changes.hang {
            std::future::pending::<Infallible>().await;
        }
        return Response::new(Body::new(Broken::default()));
    }
    let mut answer = if call.is_batch() {
        simulator.answer_batch(&call, &changes).await
    } else {
        simulator.answer(&call, &changes)
    };
    let body = Bytes::from(mem::take(&mut answer.body));
    let body = if changes.broken_off {
        Body::new(Broken::half_of(&body))
    } else {
        Body::from(body)
    };
    respond(answer, body)
}

fn respond(answer: Answer, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    response
}

/// A body that fails. Before its first byte, and the server drops the connection without an answer; after some, and
/// the caller has half of one.
#[derive(Default)]
struct Broken {
    before: Option<Bytes>,
    /// Whether what came before is still to be sent off.
    is_unsent: bool,
}

impl Broken {
    fn half_of(body: &Bytes) -> Self {
        Self {
            before: Some(body.slice(..body.len() / 2)),
            is_unsent: true,
        }
    }
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.before.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if mem::take(&mut self.is_unsent) {
            // The server sends what it has while it waits for more.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }
}
