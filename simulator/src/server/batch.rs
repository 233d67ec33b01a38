//! Several calls in one request.
//!
//! Meta's page: "Batch Requests" (developers.facebook.com/docs/graph-api/batch-requests).

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{GraphError, Outcome};
use crate::fault::Changes;
use crate::json::Json;

use super::answer::{Answer, common_headers};
use super::{Incoming, Simulator, caller, dependency};

/// Parts of a batch at most.
const MOST_PARTS: usize = 50;

/// One part as the caller describes it.
#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default = "get")]
    method: String,
    relative_url: String,
    /// What other parts call it.
    name: Option<String>,
    /// A part that must have succeeded before, whether its answer is used or not.
    depends_on: Option<String>,
    /// Told by default: without it a part on which others depend is `null` once it has succeeded.
    #[serde(default = "yes")]
    omit_response_on_success: bool,
}

fn get() -> String {
    "GET".to_owned()
}

fn yes() -> bool {
    true
}

impl Part {
    /// The names of the parts that come before it.
    fn dependencies(&self) -> impl Iterator<Item = &str> {
        let used = dependency::names(&self.relative_url);
        used.chain(self.depends_on.as_deref())
    }

    fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// What became of a part: its answer, or nothing where it was left unfinished or never asked.
type Settled = Option<Answer>;

impl Simulator {
    /// Answers the parts in rounds: those of a round depend on none of each other, and it takes as long as its slowest
    /// part. A part that a fault leaves unfinished is `null`, and so is one that depends on a part without success.
    pub(super) async fn answer_batch(&self, batch: &Incoming, whole: &Changes) -> Answer {
        let parts = match whole.error.clone().map_or_else(|| self.parts(batch), Err) {
            Ok(parts) => parts,
            Err(error) => return self.refuse_batch(batch, error, whole),
        };
        let around = whole.interferes();
        self.note_batch(batch, whole.status.unwrap_or(200), None, around);
        let mut settled: Vec<Option<Settled>> = parts.iter().map(|_| None).collect();
        while settled.iter().any(Option::is_none) {
            let mut round = Vec::new();
            for index in (0..parts.len()).filter(|index| settled[*index].is_none()) {
                if let Some(call) = asked(&parts, index, &settled, batch) {
                    let changes = call.as_ref().map(|call| self.take_fault(call));
                    let changes = changes.unwrap_or_default();
                    round.push((index, call, Changes { around, ..changes }));
                }
            }
            let slowest = round.iter().map(|(_, _, changes)| changes.delay).max();
            tokio::time::sleep(slowest.unwrap_or(Duration::ZERO)).await;
            for (index, call, changes) in round {
                let answer = call.map(|call| self.answer(&call, &changes));
                let is_finished = !changes.unfinished && !changes.hang && !changes.reset;
                settled[index] = Some(answer.filter(|_| is_finished));
            }
        }
        let mut answers: Vec<Settled> = settled.into_iter().map(Option::flatten).collect();
        for (part, answer) in parts.iter().zip(&mut answers) {
            let has_dependents = part.name.as_deref().is_some_and(|name| {
                parts
                    .iter()
                    .any(|other| other.dependencies().any(|used| used == name))
            });
            if has_dependents && part.omit_response_on_success {
                answer.take_if(|answer| answer.status == 200);
            }
        }
        self.assembled(batch, &answers, whole)
    }

    /// The connection breaks or never answers: what was in it has arrived.
    pub(super) fn note_unanswered_batch(&self, batch: &Incoming) {
        self.note_batch(batch, 0, None, true);
        let parts = self.parts(batch).unwrap_or_default();
        let independent = parts
            .iter()
            .filter(|part| part.dependencies().next().is_none());
        for part in independent {
            self.note_unanswered(&Incoming::part(&part.method, &part.relative_url, batch));
        }
    }

    /// Parts may depend on earlier ones alone: what the API makes of other names is not documented, but that it refuses
    /// the whole batch was seen in the tests of a client.
    fn parts(&self, batch: &Incoming) -> Outcome<Vec<Part>> {
        caller::identify(self.world(), batch, self.world().now_seconds())?;
        let text = batch.param("batch").unwrap_or_default();
        let parts: Vec<Part> = serde_json::from_str(text)
            .map_err(|_| GraphError::new(100, "(#100) param batch must be an array."))?;
        if parts.len() > MOST_PARTS {
            let message =
                format!("Too many requests in batch message. Maximum batch size is {MOST_PARTS}");
            return Err(GraphError::new(100, message).kind("GraphBatchException"));
        }
        for (index, part) in parts.iter().enumerate() {
            let is_earlier = |name: &str| parts[..index].iter().any(|other| other.is_named(name));
            let is_sound = dependency::resolved(&part.relative_url, |_| Value::Null).is_some();
            if !is_sound || !part.dependencies().all(is_earlier) {
                return Err(GraphError::new(100, "Invalid parameter").kind("GraphBatchException"));
            }
        }
        Ok(parts)
    }

    fn assembled(&self, batch: &Incoming, answers: &[Option<Answer>], whole: &Changes) -> Answer {
        let rules = &self.world().spec().rules;
        let with_headers = batch.param("include_headers") != Some("false");
        let is_usage = |name: &str| matches!(name, "x-app-usage" | "x-business-use-case-usage");
        let mut json = Json::with_capacity(
            answers
                .iter()
                .flatten()
                .map(|answer| answer.body.len() * 2)
                .sum(),
        );
        json.open_array();
        for answer in answers {
            let Some(answer) = answer else {
                json.raw("null");
                continue;
            };
            json.open_object();
            json.integer_member("code", i64::from(answer.status));
            if with_headers {
                json.key("headers");
                json.open_array();
                let told = |name: &str| rules.usage_headers_in_batch_parts || !is_usage(name);
                let headers = answer.headers.iter();
                for (name, value) in headers.filter(|(name, _)| told(name.as_str())) {
                    json.open_object();
                    json.string_member("name", name.as_str());
                    json.string_member("value", value.to_str().unwrap_or_default());
                    json.close_object();
                }
                json.close_array();
            }
            json.string_member("body", &answer.body);
            json.close_object();
        }
        json.close_array();
        let usage = answers
            .iter()
            .flatten()
            .next_back()
            .filter(|_| rules.usage_headers_on_batch && !whole.without_usage)
            .into_iter()
            .flat_map(|answer| &answer.headers)
            .filter(|(name, _)| is_usage(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()));
        let trace_id = self.trace_id();
        self.finished(batch, whole, &trace_id, (200, json.into_text()), usage)
    }

    fn refuse_batch(&self, batch: &Incoming, mut error: GraphError, whole: &Changes) -> Answer {
        if let Some(message) = &whole.message {
            error.localize(message);
        }
        let status = whole.status.unwrap_or(error.status);
        self.note_batch(batch, status, Some(&error), whole.interferes());
        let trace_id = self.trace_id();
        let body = error.body(&trace_id);
        self.finished(batch, whole, &trace_id, (error.status, body), [])
    }

    /// Headers, and what a fault makes of it all.
    fn finished(
        &self,
        batch: &Incoming,
        whole: &Changes,
        trace_id: &str,
        (status, body): (u16, String),
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Answer {
        let served = whole.served_version.as_deref();
        let mut headers = common_headers(
            served.unwrap_or(self.version_of(batch)),
            trace_id,
            self.world().now_seconds(),
        );
        headers.extend(further);
        let (status, body) = whole.applied(status, body, &mut headers);
        Answer {
            status,
            headers,
            body,
        }
    }

    fn trace_id(&self) -> String {
        format!("A{}", self.next_call().text(22))
    }
}

/// The call that a part makes: nothing yet while what it depends on is open, and no call at all where that has failed.
fn asked(
    parts: &[Part],
    index: usize,
    settled: &[Option<Settled>],
    batch: &Incoming,
) -> Option<Option<Incoming>> {
    let part = &parts[index];
    let answer_of = |name: &str| {
        let earlier = parts[..index].iter().position(|other| other.is_named(name));
        settled[earlier?].as_ref()
    };
    let mut has_failed = false;
    for name in part.dependencies() {
        let answer = answer_of(name)?;
        has_failed |= answer.as_ref().is_none_or(|answer| answer.status != 200);
    }
    let body = |name: &str| {
        let answer = answer_of(name).and_then(Option::as_ref);
        answer.map_or(Value::Null, |answer| {
            serde_json::from_str(&answer.body).unwrap_or_default()
        })
    };
    let relative_url = dependency::resolved(&part.relative_url, body)?;
    let call = || Incoming::part(&part.method, &relative_url, batch);
    Some((!has_failed).then(call))
}
