//! From a call to its answer.

use crate::error::{GraphError, Outcome};
use crate::fault::Changes;
use crate::fields::Selection;
use crate::journal::Call;
use crate::json::Json;
use crate::meter::{Gauges, Pool, usage_headers};
use crate::node::{self, Node};
use crate::reader::{Effort, Params, Reader, weight};
use crate::world::Identity;

use super::{Incoming, Simulator, caller, version};

/// Status, headers and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A body, and what became known on the way to it; for the journal and the meters.
#[derive(Debug, Default)]
struct Reading {
    body: String,
    effort: Effort,
}

impl Simulator {
    /// Answers one call and writes it into the journal.
    pub(super) fn answer(&self, call: &Incoming, changes: &Changes) -> Answer {
        let world = self.world();
        let now = world.now();
        let seed = self.next_call();
        let caller = caller::identify(world, call, now.timestamp());
        let mut entry = self.entry(call, caller.as_ref().ok());
        let metered = caller
            .as_ref()
            .ok()
            .map(|caller| (*caller, Pool::of(world, caller, call)));
        entry.pool = metered.as_ref().map(|(_, pool)| pool.to_string());
        let served = version::serving(world.spec(), call.version.as_deref(), &call.path_text());
        let mut outcome = match (&changes.error, served.clone(), caller) {
            (Some(error), _, _) => Err(error.clone()),
            (_, Err(error), _) | (_, _, Err(error)) => Err(error),
            (None, Ok((name, major)), Ok(caller)) => {
                let mut reader = Reader {
                    world,
                    caller,
                    call,
                    version: major,
                    version_name: name,
                    now: now.timestamp(),
                    memory: &self.shared.memory,
                    changes,
                    nonce: seed,
                    json: Json::with_capacity(1024),
                    effort: Effort::default(),
                };
                read(&mut reader).map(|()| Reading {
                    body: reader.json.into_text(),
                    effort: reader.effort,
                })
            }
        };
        if let (Err(error), Some(message)) = (&mut outcome, &changes.message) {
            error.message.clone_from(message);
        }
        let trace_id = format!("A{}", seed.with(9).text(22));
        let version_name = changes
            .served_version
            .as_deref()
            .unwrap_or(served.map_or("v25.0", |(name, _)| name));
        let mut headers = common_headers(version_name, &trace_id);
        if let Some((caller, pool)) = metered.filter(|_| !changes.without_usage) {
            headers.extend(usage_headers(
                world,
                &caller,
                &pool,
                Gauges::default(),
                Gauges::default(),
            ));
        }
        let (mut status, mut body) = match &outcome {
            Ok(reading) => (200, reading.body.clone()),
            Err(error) => {
                headers.extend(challenge(error));
                (error.status, error.body(&trace_id))
            }
        };
        entry.code = outcome.as_ref().err().map(|error| error.code);
        entry.subcode = outcome.as_ref().err().and_then(|error| error.subcode);
        (status, body) = changes.applied(status, body, &mut headers);
        entry.status = status;
        entry.faulted = changes.interferes();
        entry.cost = 1;
        self.note(entry);
        Answer {
            status,
            headers,
            body,
        }
    }

    /// A call that gets no answer still belongs into the journal.
    pub(super) fn note_unanswered(&self, call: &Incoming) {
        let caller = caller::identify(self.world(), call, self.world().now_seconds());
        let mut entry = self.entry(call, caller.as_ref().ok());
        entry.faulted = true;
        self.note(entry);
    }

    fn entry(&self, call: &Incoming, caller: Option<&Identity<'_>>) -> Call {
        Call {
            at: self.world().now(),
            method: call.method.clone(),
            path: call.path_text(),
            version: call.version.clone(),
            query: call.params.clone(),
            fields: call.param("fields").map(str::to_owned),
            after: call.param("after").map(str::to_owned),
            limit: call.param("limit").and_then(|limit| limit.parse().ok()),
            account: call
                .path
                .first()
                .and_then(|id| Some(node::account_behind(self.world(), id)?.id().to_owned())),
            pool: None,
            status: 0,
            code: None,
            subcode: None,
            cost: 0,
            while_blocked: false,
            faulted: false,
            in_batch: call.in_batch,
            token: caller.map(Identity::name),
        }
    }
}

/// Reads what the path names.
fn read(reader: &mut Reader<'_>) -> Outcome<()> {
    let call = reader.call;
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if call.param("ids").is_some() {
        return Err(GraphError::multi_id_read());
    }
    if call.method != "GET" {
        let id = segments.first().copied().unwrap_or("/");
        return Err(GraphError::unsupported(&call.method.to_lowercase(), id));
    }
    let selection = selection(reader)?;
    match segments[..] {
        [] => Err(GraphError::unsupported_get("/")),
        [id] => {
            let node = node::resolve(reader, id)?;
            check_data_access(reader, &node)?;
            reader.object(&node, selection.as_ref())
        }
        [id, edge] => {
            let node = node::resolve(reader, id)?;
            check_data_access(reader, &node)?;
            reader.top_edge(&node, edge, selection.as_ref())
        }
        [_, ..] => Err(GraphError::unknown_path(&segments[1..].join("/"))),
    }
}

/// Parses `fields` and refuses what is too much at once.
fn selection(reader: &Reader<'_>) -> Outcome<Option<Selection>> {
    let params = Params(&reader.call.params);
    let fields = params.get("fields").filter(|fields| !fields.is_empty());
    let selection = fields
        .map(Selection::parse)
        .transpose()
        .map_err(|error| GraphError::new(2500, error.message))?;
    let items = match (
        reader.call.path.len(),
        params.get("limit").and_then(|limit| limit.parse().ok()),
    ) {
        (0 | 1, _) => 1,
        (_, limit) => limit
            .unwrap_or(reader.rules().default_limit as u64)
            .min(reader.rules().max_limit as u64),
    };
    let too_heavy = reader
        .rules()
        .max_weight
        .is_some_and(|most| weight(selection.as_ref(), items) > most);
    if too_heavy {
        Err(GraphError::too_much_data())
    } else {
        Ok(selection)
    }
}

/// 90 days after the user was last active a token still authenticates, but reaches no data.
fn check_data_access(reader: &Reader<'_>, node: &Node<'_>) -> Outcome<()> {
    if reader.caller.has_data_access(reader.now) || matches!(node, Node::User) {
        return Ok(());
    }
    Err(GraphError::no_permission())
}

fn common_headers(version: &str, trace_id: &str) -> Vec<(String, String)> {
    [
        ("content-type", "application/json; charset=UTF-8"),
        ("facebook-api-version", version),
        ("x-fb-trace-id", trace_id),
        ("x-fb-rev", "1030512345"),
        ("x-fb-debug", trace_id),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Errors about the token come with a challenge.
fn challenge(error: &GraphError) -> Option<(String, String)> {
    let about_token = matches!(error.code, 102 | 190);
    let message = error.message.replace('"', "'");
    about_token.then(|| {
        (
            "www-authenticate".to_owned(),
            format!("OAuth \"Facebook Platform\" \"invalid_token\" \"{message}\""),
        )
    })
}

impl Changes {
    /// What is left of an answer.
    fn applied(
        &self,
        status: u16,
        body: String,
        headers: &mut Vec<(String, String)>,
    ) -> (u16, String) {
        let mut body = self.body.clone().unwrap_or(body);
        if self.html {
            set(headers, "content-type", "text/html; charset=utf-8");
            body = "<!DOCTYPE html><html><head><title>Facebook | Error</title></head><body>Sorry, something went wrong.\
                    </body></html>"
                .to_owned();
        }
        if self.cut {
            let mut half = body.len() / 2;
            while !body.is_char_boundary(half) {
                half -= 1;
            }
            body.truncate(half);
        }
        for (name, value) in &self.headers {
            set(headers, name, value);
        }
        (self.status.unwrap_or(status), body)
    }

    fn interferes(&self) -> bool {
        self.status.is_some()
            || self.error.is_some()
            || self.body.is_some()
            || self.message.is_some()
            || self.served_version.is_some()
            || self.html
            || self.cut
            || self.dead_cursor
            || self.item_twice
            || self.shifted_page
            || !self.delay.is_zero()
    }
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(known, _)| known != name);
    headers.push((name.to_owned(), value.to_owned()));
}
