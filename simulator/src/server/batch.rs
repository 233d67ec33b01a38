//! Several calls in one request.
//!
//! Meta's page: "Batch Requests" (developers.facebook.com/docs/graph-api/batch-requests).

use std::time::Duration;

use serde::Deserialize;

use crate::error::{GraphError, Outcome};
use crate::fault::Changes;
use crate::json::Json;

use super::answer::{Answer, common_headers};
use super::{Incoming, Simulator, caller};

/// Parts of a batch at most.
const MOST_PARTS: usize = 50;

/// One part as the caller describes it. Names and dependencies between parts are not simulated.
#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default = "get")]
    method: String,
    relative_url: String,
}

fn get() -> String {
    "GET".to_owned()
}

impl Simulator {
    /// Answers every part on its own; the whole takes as long as its slowest part. A part that a fault leaves
    /// unfinished is `null`.
    pub(super) async fn answer_batch(&self, batch: &Incoming, whole: &Changes) -> Answer {
        let parts = match whole.error.clone().map_or_else(|| self.parts(batch), Err) {
            Ok(parts) => parts,
            Err(error) => return self.refuse_batch(batch, error, whole),
        };
        let is_faulted = whole.interferes();
        let parts: Vec<(Incoming, Changes)> = parts
            .into_iter()
            .map(|part| (self.take_fault(&part), part))
            .map(|(changes, part)| {
                let around = is_faulted;
                (part, Changes { around, ..changes })
            })
            .collect();
        let slowest = parts.iter().map(|(_, changes)| changes.delay).max();
        tokio::time::sleep(slowest.unwrap_or(Duration::ZERO)).await;
        self.note_batch(batch, whole.status.unwrap_or(200), None, is_faulted);
        let answers: Vec<Option<Answer>> = parts
            .iter()
            .map(|(part, changes)| {
                let answer = self.answer(part, changes);
                (!changes.unfinished && !changes.hang && !changes.reset).then_some(answer)
            })
            .collect();
        self.assembled(batch, &answers, whole)
    }

    /// The connection breaks or never answers: what was in it has arrived.
    pub(super) fn note_unanswered_batch(&self, batch: &Incoming) {
        self.note_batch(batch, 0, None, true);
        for part in self.parts(batch).unwrap_or_default() {
            self.note_unanswered(&part);
        }
    }

    fn parts(&self, batch: &Incoming) -> Outcome<Vec<Incoming>> {
        caller::identify(self.world(), batch, self.world().now_seconds())?;
        let text = batch.param("batch").unwrap_or_default();
        let parts: Vec<Part> = serde_json::from_str(text)
            .map_err(|_| GraphError::new(100, "(#100) param batch must be an array."))?;
        if parts.len() > MOST_PARTS {
            let message =
                format!("Too many requests in batch message. Maximum batch size is {MOST_PARTS}");
            return Err(GraphError::new(100, message).kind("GraphBatchException"));
        }
        let parts = parts
            .iter()
            .map(|part| Incoming::part(&part.method, &part.relative_url, batch));
        Ok(parts.collect())
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
                for (name, value) in answer.headers.iter().filter(|(name, _)| told(name)) {
                    json.open_object();
                    json.string_member("name", name);
                    json.string_member("value", value);
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
            .filter(|(name, _)| is_usage(name))
            .cloned();
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
        further: impl IntoIterator<Item = (String, String)>,
    ) -> Answer {
        let served = whole.served_version.as_deref();
        let mut headers = common_headers(served.unwrap_or(self.version_of(batch)), trace_id);
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
