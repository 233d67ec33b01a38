//! Many reads in one message.
//!
//! A batch saves round trips, not budget: each part counts as a call ("Batch Requests" page, "Rate Limits" page). Each part has
//! an answer of its own, good or bad; a part that was not finished in time is `null` and is asked again alone.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Failure};
use super::error::{Error, shorten};
use super::limited::Limited;
use super::page::Page;
use super::request::{Request, encode};
use super::retry::Delays;
use super::tally::Tally;
use super::token::Credential;
use super::usage;
use super::verdict::ErrorBody;

/// Parts of a batch at most ("Batch Requests" page).
pub const MOST_PARTS: usize = 50;

/// Headers of a part at most: no answer has so many.
const MOST_HEADERS: usize = 1_000;

#[derive(Deserialize)]
struct Part {
    code: u16,
    #[serde(default)]
    headers: Limited<Header, MOST_HEADERS>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// What became of one part so far.
type Slot = Option<Result<Page, Error>>;

impl Client {
    /// Reads several pages of one pool, with retries for what can get better. Answers the first of the requests only when the pool has
    /// no room for all: there are as many answers as requests were sent, in their order, and at least one.
    pub async fn get_all(
        &self,
        credential: &Credential,
        requests: &[Request],
        tally: &mut Tally,
    ) -> Vec<Result<Page, Error>> {
        let [first, ..] = requests else {
            return Vec::new();
        };
        let fit = self.fit(credential, first).min(MOST_PARTS);
        let requests = &requests[..requests.len().min(fit)];
        if requests.len() == 1 {
            return vec![self.get(credential, first, tally).await];
        }
        let mut slots: Vec<Slot> = requests.iter().map(|_| None).collect();
        let mut delays = Delays::new();
        let mut attempt = 0;
        loop {
            let open: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].is_none()).collect();
            let asked: Vec<&Request> = open.iter().map(|at| &requests[*at]).collect();
            let answers = self.attempt_all(credential, &asked, tally).await;
            let mut wish = None;
            for (at, answer) in open.into_iter().zip(answers) {
                slots[at] = self.settle_part(credential, &requests[at], answer, attempt, &mut wish);
            }
            if slots.iter().all(Option::is_some) {
                return slots.into_iter().flatten().collect();
            }
            attempt += 1;
            let delay = delays.next(wish);
            tracing::info!(attempt, ?delay, "parts of a batch failed and are repeated");
            if self.sleep(delay).await.is_err() {
                let stopped = |slot: Slot| slot.unwrap_or(Err(Error::Stopped));
                return slots.into_iter().map(stopped).collect();
            }
        }
    }

    /// What a part's answer means: a result, or nothing yet when it is worth another attempt.
    fn settle_part(
        &self,
        credential: &Credential,
        request: &Request,
        answer: Result<Page, Failure>,
        attempt: u32,
        wish: &mut Option<std::time::Duration>,
    ) -> Slot {
        let failure = match answer {
            Ok(page) => {
                self.answered(credential, request);
                return Some(Ok(page));
            }
            Err(failure) => failure,
        };
        if let Some((pool, closed)) = self.throttled(credential, request, &failure) {
            tracing::warn!(%pool, error = %failure.error, "a budget is used up");
            return Some(Err(Error::Closed { pool, closed }));
        }
        if attempt >= failure.retries {
            return Some(Err(failure.error));
        }
        *wish = (*wish).max(failure.wish);
        None
    }

    /// Sends the batch once. There is an answer for each part, in their order.
    async fn attempt_all(
        &self,
        credential: &Credential,
        requests: &[&Request],
        tally: &mut Tally,
    ) -> Vec<Result<Page, Failure>> {
        let first = requests[0];
        let calls = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let permit = match self.permit(credential, first, calls).await {
            Ok(permit) => permit,
            Err(error) => return all(requests, error),
        };
        let parts: Vec<_> = requests.iter().map(|request| part(request)).collect();
        tracing::debug!(parts = requests.len(), endpoint = first.endpoint, "POST");
        let message = self.http.post(self.url("/"));
        let message = credential.batch(message, json!(parts).to_string());
        let answers = match self.send(credential, first, message, permit).await {
            Ok(answer) => self.read_parts(credential, requests, &answer.body, answer.wish),
            Err(failure) => return self.each(requests, failure, tally),
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => return self.each(requests, failure, tally),
        };
        for (request, answer) in requests.iter().zip(&answers) {
            tally.count(request, answer.is_err());
        }
        answers
    }

    /// The whole batch failed: so did each part.
    fn each(
        &self,
        requests: &[&Request],
        failure: Failure,
        tally: &mut Tally,
    ) -> Vec<Result<Page, Failure>> {
        for request in requests {
            tally.count(request, true);
        }
        let (retries, wish) = (failure.retries, failure.wish);
        let others = requests.iter().skip(1).map(|request| Failure {
            error: Error::Batch {
                endpoint: request.endpoint,
            },
            retries,
            wish,
        });
        let others: Vec<_> = others.collect();
        std::iter::once(failure).chain(others).map(Err).collect()
    }

    pub(super) fn read_parts(
        &self,
        credential: &Credential,
        requests: &[&Request],
        body: &[u8],
        wish: Option<std::time::Duration>,
    ) -> Result<Vec<Result<Page, Failure>>, Failure> {
        let first = requests[0];
        let unreadable = |problem: String| {
            let error = Error::Unreadable {
                endpoint: first.endpoint,
                status: 200,
                problem: shorten(credential.scrub(&problem)),
            };
            Failure::of_transport(error, wish)
        };
        // An error in place of the list speaks of the whole batch, and is judged like one of a single call.
        if ErrorBody::read(body).is_some() {
            return match self.read(credential, first, 200, body, wish) {
                Ok(_) => Err(unreadable("no list of answers".to_owned())),
                Err(failure) => Err(failure),
            };
        }
        let parts: Limited<Option<Part>, MOST_PARTS> =
            serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        let Limited(parts) = parts;
        if parts.len() != requests.len() {
            let problem = format!("{} answers to {} parts", parts.len(), requests.len());
            return Err(unreadable(problem));
        }
        let answers = parts.into_iter().zip(requests);
        Ok(answers
            .map(|(part, request)| self.read_part(credential, request, part))
            .collect())
    }

    fn read_part(
        &self,
        credential: &Credential,
        request: &Request,
        part: Option<Part>,
    ) -> Result<Page, Failure> {
        let Some(Part {
            code,
            headers,
            body: Some(body),
        }) = part
        else {
            let endpoint = request.endpoint;
            return Err(Failure::of_transport(Error::Unfinished { endpoint }, None));
        };
        // Whether parts carry usage is not settled: read where it comes.
        let wish = self.book(credential, request, &map(headers.0));
        self.read(credential, request, code, body.as_bytes(), wish)
    }
}

fn part(request: &Request) -> serde_json::Value {
    let path = request.path.trim_start_matches('/');
    let url = format!("{path}?{}", encode(&request.query()));
    json!({"method": "GET", "relative_url": url})
}

fn all(requests: &[&Request], error: Error) -> Vec<Result<Page, Failure>> {
    let none = |error| {
        Err(Failure {
            error,
            retries: 0,
            wish: None,
        })
    };
    let again = |error: &Error| match error {
        Error::Closed { pool, closed } => Error::Closed {
            pool: pool.clone(),
            closed: closed.clone(),
        },
        _ => Error::Stopped,
    };
    let others: Vec<_> = requests
        .iter()
        .skip(1)
        .map(|_| none(again(&error)))
        .collect();
    std::iter::once(none(error)).chain(others).collect()
}

/// The headers that tell usage: nothing else is read from a part's.
fn map(headers: Vec<Header>) -> HeaderMap {
    let header = |Header { name, value }| {
        let name = HeaderName::from_bytes(str::as_bytes(&name)).ok()?;
        usage::HEADERS.contains(&name.as_str()).then_some(())?;
        Some((name, HeaderValue::from_str(&value).ok()?))
    };
    headers.into_iter().filter_map(header).collect()
}
