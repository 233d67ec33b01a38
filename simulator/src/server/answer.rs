//! From a call to its answer.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{GraphError, Outcome};
use crate::fault::Changes;
use crate::journal::Call;
use crate::json::Json;
use crate::meter::{Admission, Pool, throttled, too_many_conversation_calls, usage_headers};
use crate::node;
use crate::reader::{Effort, Reader};
use crate::seed::Seed;
use crate::world::Identity;

use super::reading::read;
use super::{Incoming, Simulator, caller, lock, version};

/// Status, headers and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A checked caller, and what serves the call.
struct Admitted<'s> {
    caller: Identity<'s>,
    version: Outcome<(&'s str, u32)>,
    seed: Seed,
}

impl Simulator {
    /// Answers one call and writes it into the journal.
    pub(super) fn answer(&self, call: &Incoming, changes: &Changes) -> Answer {
        let world = self.world();
        let seed = self.next_call();
        let mut entry = self.entry(call);
        let now = entry.at.timestamp();
        let version = version::serving(world, call.version.as_deref(), || call.path_text());
        let served = version.as_ref().map_or("v25.0", |(name, _)| *name);
        let trace_id = format!("A{}", seed.with(9).text(22));
        let mut headers = common_headers(
            changes.served_version.as_deref().unwrap_or(served),
            &trace_id,
            now,
        );
        let outcome = match caller::identify(world, call, now) {
            Err(refusal) => {
                self.count_unread(call, &mut entry);
                Err(changes.error.clone().unwrap_or(refusal))
            }
            Ok(caller) => {
                let admitted = Admitted {
                    caller,
                    version,
                    seed,
                };
                self.metered(call, changes, admitted, &mut entry, &mut headers)
            }
        };
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(mut error) => {
                if let Some(message) = &changes.message {
                    error.localize(message);
                }
                if let Some(challenge) = challenge(&error) {
                    tell(&mut headers, "www-authenticate", challenge);
                }
                (entry.code, entry.subcode) = (Some(error.code), error.subcode);
                (error.status, error.body(&trace_id))
            }
        };
        let (status, body) = changes.applied(status, body, &mut headers);
        entry.status = status;
        entry.faulted = changes.interferes();
        self.note(entry);
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Lets the pool decide, reads, and counts what it took; refused calls count as well.
    fn metered(
        &self,
        call: &Incoming,
        changes: &Changes,
        admitted: Admitted<'_>,
        entry: &mut Call,
        headers: &mut HeaderMap,
    ) -> Outcome<String> {
        let (world, now) = (self.world(), entry.at.timestamp());
        let caller = admitted.caller;
        let pool = Pool::of(world, &caller, call);
        let admission = lock(&self.shared.meters).admit(world, &pool, now);
        let mut effort = Effort::default();
        let outcome = match (&changes.error, admission) {
            (Some(error), _) => Err(error.clone()),
            (None, Admission::Blocked) => Err(throttled(world, &pool, call)),
            (None, Admission::Open) => self
                .admit_conversation(&pool, entry)
                .and_then(|()| self.read(call, changes, admitted, now, &mut effort)),
        };
        let mut meters = lock(&self.shared.meters);
        let gauges = meters.charge(world, &pool, effort, now);
        if meters.tells_usage(world, &pool, now) && !changes.without_usage {
            let app = || meters.gauges(world, &Pool::PlatformApp, now);
            for (name, value) in usage_headers(world, &caller, &pool, gauges, app) {
                tell(headers, name, value);
            }
        }
        if let (true, Some(seconds)) = (
            admission == Admission::Blocked,
            world.spec().rules.retry_after_seconds,
        ) {
            tell(headers, "retry-after", seconds.to_string());
        }
        let nested = if world.spec().rules.nested_edges_count_as_calls {
            effort.nested_edges
        } else {
            0
        };
        entry.cost = 1 + nested;
        entry.while_blocked = admission == Admission::Blocked;
        entry.usage_percent = Some(gauges.percent());
        entry.token = Some(caller.name());
        entry.pool = Some(pool.to_string());
        outcome
    }

    fn admit_conversation(&self, pool: &Pool, entry: &Call) -> Outcome<()> {
        let Pool::BucMessenger(page) = pool else {
            return Ok(());
        };
        let account = entry.account.as_deref().unwrap_or(page);
        let now = self.shared.clock.now_micros();
        match lock(&self.shared.meters).admit_conversation(self.world(), account, now) {
            Admission::Open => Ok(()),
            Admission::Blocked => Err(too_many_conversation_calls(self.world())),
        }
    }

    fn read(
        &self,
        call: &Incoming,
        changes: &Changes,
        admitted: Admitted<'_>,
        now: i64,
        effort: &mut Effort,
    ) -> Outcome<String> {
        let world = self.world();
        let (version_name, version) = admitted.version?;
        let mut reader = Reader {
            world,
            caller: admitted.caller,
            call,
            version,
            version_name,
            now,
            memory: &self.shared.memory,
            changes,
            nonce: admitted.seed,
            json: Json::with_capacity(1024),
            effort: Effort::default(),
        };
        let outcome = read(&mut reader);
        *effort = reader.effort;
        outcome.map(|()| reader.json.into_text())
    }

    /// A call that gets no answer still counts and belongs into the journal.
    pub(super) fn note_unanswered(&self, call: &Incoming) {
        let mut entry = self.entry(call);
        self.count_unread(call, &mut entry);
        entry.faulted = true;
        self.note(entry);
    }

    /// Counts a call that is not read, as long as its token says whose it is; a blocked pool stays blocked for longer.
    fn count_unread(&self, call: &Incoming, entry: &mut Call) {
        let (world, now) = (self.world(), self.world().now_seconds());
        let Some(caller) = caller::known(world, call) else {
            return;
        };
        let pool = Pool::of(world, &caller, call);
        // It counts towards the calls of this second; nobody is there to be refused.
        let _ = self.admit_conversation(&pool, entry);
        let mut meters = lock(&self.shared.meters);
        entry.while_blocked = meters.admit(world, &pool, now) == Admission::Blocked;
        let gauges = meters.charge(world, &pool, Effort::default(), now);
        entry.cost = 1;
        entry.usage_percent = Some(gauges.percent());
        entry.token = Some(caller.name());
        entry.pool = Some(pool.to_string());
    }

    /// The batch itself is no call of any pool; its parts are.
    pub(super) fn note_batch(
        &self,
        batch: &Incoming,
        status: u16,
        error: Option<&GraphError>,
        is_faulted: bool,
    ) {
        let mut entry = self.entry(batch);
        entry.status = status;
        entry.code = error.map(|error| error.code);
        entry.subcode = error.and_then(|error| error.subcode);
        entry.faulted = is_faulted;
        self.note(entry);
    }

    /// The version that serves a call, as its answer names it.
    pub(super) fn version_of(&self, call: &Incoming) -> &str {
        let served = version::serving(self.world(), call.version.as_deref(), String::new);
        served.map_or("v25.0", |(name, _)| name)
    }

    fn entry(&self, call: &Incoming) -> Call {
        let account_of = |id: &String| {
            let world = self.world();
            let of_page = || world.account_of_page(world.page_with_id(id)?);
            node::account_behind(world, id)
                .or_else(of_page)
                .map(|account| account.id().to_owned())
        };
        Call {
            at: self.world().now(),
            method: call.method.clone(),
            path: call.path_text(),
            version: call.version.clone(),
            query: call
                .params
                .iter()
                .filter(|(name, _)| !is_secret(name))
                .cloned()
                .collect(),
            fields: call.param("fields").map(str::to_owned),
            after: call.param("after").map(str::to_owned),
            limit: call.param("limit").and_then(|limit| limit.parse().ok()),
            account: call.path.first().and_then(account_of),
            pool: None,
            status: 0,
            code: None,
            subcode: None,
            cost: 0,
            usage_percent: None,
            while_blocked: false,
            faulted: false,
            in_batch: call.in_batch,
            token: None,
        }
    }
}

/// Parameters that hold tokens or the app secret.
fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "batch" | "client_secret" | "fb_exchange_token" | "input_token"
    )
}

pub(super) fn common_headers(version: &str, trace_id: &str, now: i64) -> HeaderMap {
    // In the simulation's time: the HTTP server would add its machine's.
    let date = UNIX_EPOCH + Duration::from_secs(u64::try_from(now).unwrap_or_default());
    let date = httpdate::fmt_http_date(date);
    let mut headers = HeaderMap::with_capacity(12);
    let trace_id = HeaderValue::from_str(trace_id).ok();
    for (name, value) in [
        (
            "content-type",
            Some(HeaderValue::from_static("application/json; charset=UTF-8")),
        ),
        ("facebook-api-version", HeaderValue::from_str(version).ok()),
        ("x-fb-trace-id", trace_id.clone()),
        ("x-fb-rev", Some(HeaderValue::from_static("1030512345"))),
        ("x-fb-debug", trace_id),
        ("date", HeaderValue::try_from(date).ok()),
    ] {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// Adds a header, unless its value is none that a header can have.
fn tell(headers: &mut HeaderMap, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Errors about the token come with a challenge.
fn challenge(error: &GraphError) -> Option<String> {
    let about_token = matches!(error.code, 102 | 190);
    about_token.then(|| {
        let message = error.message.replace('"', "'");
        format!("OAuth \"Facebook Platform\" \"invalid_token\" \"{message}\"")
    })
}
