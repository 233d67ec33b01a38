//! Several calls in one request.
//!
//! Meta's page: "Batch Requests" (developers.facebook.com/docs/graph-api/batch-requests).

use std::time::Duration;

use serde::Deserialize;

use crate::error::GraphError;
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

/// A call that carries a batch.
pub(super) fn is_batch(call: &Incoming) -> bool {
    call.method == "POST" && call.path.is_empty() && call.param("batch").is_some()
}

impl Simulator {
    /// Answers every part on its own; the whole takes as long as its slowest part. A part that a fault leaves
    /// unfinished is `null`.
    pub(super) async fn answer_batch(&self, batch: &Incoming) -> Answer {
        let parts = match self.parts(batch) {
            Ok(parts) => parts,
            Err(error) => return self.refuse_batch(batch, &error),
        };
        let parts: Vec<(Incoming, Changes)> = parts
            .iter()
            .map(|part| Incoming::part(&part.method, &part.relative_url, batch))
            .map(|part| (self.take_fault(&part), part))
            .map(|(changes, part)| (part, changes))
            .collect();
        let slowest = parts.iter().map(|(_, changes)| changes.delay).max();
        tokio::time::sleep(slowest.unwrap_or(Duration::ZERO)).await;
        self.note_batch(batch, 200);
        let answers: Vec<Option<Answer>> = parts
            .iter()
            .map(|(part, changes)| {
                let answer = self.answer(part, changes);
                (!changes.unfinished && !changes.hang && !changes.reset).then_some(answer)
            })
            .collect();
        self.assembled(batch, &answers)
    }

    fn parts(&self, batch: &Incoming) -> Result<Vec<Part>, GraphError> {
        caller::identify(self.world(), batch, self.world().now_seconds())?;
        let text = batch.param("batch").unwrap_or_default();
        let parts: Vec<Part> = serde_json::from_str(text)
            .map_err(|_| GraphError::new(100, "(#100) param batch must be an array."))?;
        if parts.len() > MOST_PARTS {
            let message =
                format!("Too many requests in batch message. Maximum batch size is {MOST_PARTS}");
            return Err(GraphError::new(100, message).kind("GraphBatchException"));
        }
        Ok(parts)
    }

    fn assembled(&self, batch: &Incoming, answers: &[Option<Answer>]) -> Answer {
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
        let seed = self.next_call();
        let mut headers = common_headers(self.version_of(batch), &format!("A{}", seed.text(22)));
        if rules.usage_headers_on_batch {
            let last = answers.iter().flatten().next_back();
            headers.extend(
                last.into_iter()
                    .flat_map(|answer| &answer.headers)
                    .filter(|(name, _)| is_usage(name))
                    .cloned(),
            );
        }
        Answer {
            status: 200,
            headers,
            body: json.into_text(),
        }
    }

    fn refuse_batch(&self, batch: &Incoming, error: &GraphError) -> Answer {
        self.note_batch(batch, error.status);
        let trace_id = format!("A{}", self.next_call().text(22));
        let headers = common_headers(self.version_of(batch), &trace_id);
        Answer {
            status: error.status,
            headers,
            body: error.body(&trace_id),
        }
    }
}
