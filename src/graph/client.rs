//! The only way out: permit, HTTP, verdict, retry.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;

use super::error::{Error, Refusal, shorten};
use super::metering::Permit;
use super::page::{Page, PageError};
use super::request::{PATIENCE_WITH_MESSAGES, Request};
use super::retry::Delays;
use super::served::Served;
use super::tally::Tally;
use super::token::Credential;
use super::verdict::{ErrorBody, Verdict, judge};
use crate::budget::Budget;
use crate::clock::Clock;
use crate::stop::Stop;
use crate::under_way::UnderWay;

/// No page of the API comes near this; what does is refused before it fills the memory.
pub(super) const LARGEST_BODY: usize = 16 << 20;

/// No wait that a server names is longer: what is longer is a mistake, and would overflow a clock.
pub(super) const LONGEST_WISH: Duration = Duration::from_secs(7 * 24 * 3600);

/// Further attempts after a failure between us and the API: no answer, a cut one, or one that is not JSON.
pub(super) const TRANSPORT_RETRIES: u32 = 5;

/// After a stop, an answer that is under way is waited for so long: a service manager's patience is short, and what is committed is safe.
const PATIENCE_AFTER_STOP: Duration = Duration::from_secs(4);

/// A request's time limit ends it within this.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// What the configuration says about the API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://graph.facebook.com`, without a slash at the end.
    pub base_url: String,
    /// `v25.0`.
    pub version: String,
    /// How long one request may take.
    pub timeout: Duration,
}

/// The Graph API client. One for the whole program.
#[derive(Debug)]
pub struct Client {
    pub(super) http: reqwest::Client,
    settings: Settings,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    under_way: UnderWay,
    served: Served,
}

/// One attempt's failure: the error, how often it is worth another try, and how long the server wants us to wait.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retries: u32,
    pub(super) wish: Option<Duration>,
}

/// An answer, held but not read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) wish: Option<Duration>,
}

impl Failure {
    pub(super) fn of_transport(error: Error, wish: Option<Duration>) -> Self {
        Self {
            error,
            retries: TRANSPORT_RETRIES,
            wish,
        }
    }
}

/// The HTTP client for an address: rustls with ring, gzip, no redirects, so a token never follows one. Plain http is
/// for simulators on this machine: it needs no certificates, and no proxy may see it.
///
/// # Errors
/// When the system's certificates cannot be loaded.
pub fn http_client(base_url: &str) -> Result<reqwest::Client, reqwest::Error> {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .user_agent(concat!("igsync/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none());
    if base_url.starts_with("http://") {
        return client.no_proxy().tls_certs_only([]).build();
    }
    client.build()
}

/// The HTTP client for a simulator on a Unix socket.
///
/// # Errors
/// When TLS cannot be set up, which it needs for nothing.
pub fn socket_client(socket: &Path) -> Result<reqwest::Client, reqwest::Error> {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    client.unix_socket(socket).build()
}

impl Client {
    /// A client that sends through `http`.
    pub fn new(
        http: reqwest::Client,
        settings: Settings,
        budget: Budget,
        clock: Clock,
        stop: Stop,
    ) -> Self {
        Self {
            http,
            settings,
            budget,
            clock,
            stop,
            under_way: UnderWay::default(),
            served: Served::default(),
        }
    }

    /// The pools, as far as this client filled them.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The version that answered where another one was asked for; `None` while all is well.
    pub fn served_instead(&self) -> Option<&str> {
        self.served.instead()
    }

    /// How far Meta's clock was ahead of ours at the last answer; within seconds, as answers take their time.
    pub fn clock_ahead(&self) -> Option<TimeDelta> {
        self.served.clock_ahead()
    }

    /// Reads one page, with retries for what can get better. Every attempt is counted in `tally`.
    ///
    /// # Errors
    /// [`Error`], with a reaction that says what can be done about it.
    pub async fn get(
        &self,
        credential: &Credential,
        request: &Request,
        tally: &mut Tally,
    ) -> Result<Page, Error> {
        self.get_about(credential, None, request, tally).await
    }

    /// As [`Self::get`], with the token of a credential that is asked about.
    pub(super) async fn get_about(
        &self,
        credential: &Credential,
        subject: Option<&Credential>,
        request: &Request,
        tally: &mut Tally,
    ) -> Result<Page, Error> {
        let mut delays = Delays::new();
        let mut attempt = 0;
        loop {
            let permit = self.permit(credential, request, 1).await?;
            let outcome = self.attempt(credential, subject, request, permit).await;
            tally.count(request, outcome.is_err());
            let failure = match outcome {
                Ok(page) => {
                    self.answered(credential, request);
                    return Ok(page);
                }
                Err(failure) => failure,
            };
            if let Some((pool, closed)) = self.throttled(credential, request, &failure) {
                tracing::warn!(%pool, error = %failure.error, "a budget is used up");
                return Err(Error::Closed { pool, closed });
            }
            if attempt >= failure.retries.min(request.most_retries()) {
                return Err(failure.error);
            }
            attempt += 1;
            let delay = delays.next(failure.wish);
            tracing::info!(
                endpoint = request.endpoint, attempt, ?delay, error = %failure.error,
                "the request failed and is repeated"
            );
            self.sleep(delay).await?;
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) -> Result<(), Error> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.stop.wait() => Err(Error::Stopped),
        }
    }

    async fn attempt(
        &self,
        credential: &Credential,
        subject: Option<&Credential>,
        request: &Request,
        permit: Permit<'_>,
    ) -> Result<Page, Failure> {
        let endpoint = request.endpoint;
        tracing::debug!(endpoint, path = request.path, query = ?request.query(), "GET");
        let url = self.url(&request.path);
        let message = self.http.get(url).query(&request.query());
        let mut message = credential.authorize(message);
        if let Some(subject) = subject {
            message = subject.ask_about(message);
        }
        let answer = self.send(credential, request, message, permit).await?;
        self.read(
            credential,
            request,
            answer.status,
            &answer.body,
            answer.wish,
        )
    }

    pub(super) fn url(&self, path: &str) -> String {
        let Settings {
            base_url, version, ..
        } = &self.settings;
        format!("{base_url}/{version}{path}")
    }

    /// Sends a message and holds its answer. After a stop it is waited for only a while.
    pub(super) async fn send(
        &self,
        credential: &Credential,
        request: &Request,
        message: reqwest::RequestBuilder,
        permit: Permit<'_>,
    ) -> Result<Answer, Failure> {
        let _under_way = self.under_way.begin();
        tokio::select! {
            answer = self.exchange(credential, request, message, permit) => answer,
            () = self.out_of_patience() => Err(Failure {
                error: Error::Stopped,
                retries: 0,
                wish: None,
            }),
        }
    }

    /// Whether a request has been under way for longer than it may: then something hangs that no time limit reached.
    pub fn hangs(&self) -> bool {
        let longest = self.settings.timeout.max(PATIENCE_WITH_MESSAGES) + HANGS_AFTER;
        self.under_way.longest().is_some_and(|age| age > longest)
    }

    async fn out_of_patience(&self) {
        self.stop.wait().await;
        tokio::time::sleep(PATIENCE_AFTER_STOP).await;
    }

    /// Sends a message, books what its headers say and holds its body. The request says whose budget it is.
    async fn exchange(
        &self,
        credential: &Credential,
        request: &Request,
        message: reqwest::RequestBuilder,
        permit: Permit<'_>,
    ) -> Result<Answer, Failure> {
        let endpoint = request.endpoint;
        let unreachable = |source: reqwest::Error| {
            let retries = if source.is_builder() {
                0
            } else {
                TRANSPORT_RETRIES
            };
            Failure {
                error: Error::Unreachable {
                    endpoint,
                    source: source.without_url(),
                },
                retries,
                wish: None,
            }
        };
        let message = message.timeout(request.patience(self.settings.timeout));
        let mut answer = message.send().await.map_err(unreachable)?;
        let (status, now) = (answer.status().as_u16(), self.clock.now());
        // Settled before its usage is booked: the reading counts it.
        drop(permit);
        let regain = self.book(credential, request, answer.headers());
        self.served
            .note(answer.headers(), &self.settings.version, now);
        let wish = retry_after(answer.headers(), now).max(regain);
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(Failure {
                    error: Error::Oversized { endpoint },
                    retries: 0,
                    wish: None,
                });
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(endpoint, status, bytes = body.len(), "answer");
        Ok(Answer { status, body, wish })
    }

    /// From a body to a page or a failure. The verdict comes from the body: an error counts with any status.
    pub(super) fn read(
        &self,
        credential: &Credential,
        request: &Request,
        status: u16,
        body: &[u8],
        wish: Option<Duration>,
    ) -> Result<Page, Failure> {
        let endpoint = request.endpoint;
        if let Some(error) = ErrorBody::read(body) {
            let Verdict { retries, reaction } = judge(&error);
            let refusal = Refusal::new(credential, request.endpoint, error, reaction);
            return Err(Failure {
                error: Error::Refused(Box::new(refusal)),
                retries,
                wish,
            });
        }
        let unreadable = |problem: String| {
            let error = Error::Unreadable {
                endpoint,
                status,
                problem: shorten(credential.scrub(&problem)),
            };
            Failure::of_transport(error, wish)
        };
        if !(200..300).contains(&status) {
            return Err(unreadable("no error of the API in it".to_owned()));
        }
        Page::read(request, body).map_err(|error| match error {
            PageError::Json(error) => unreadable(error.to_string()),
            // As little of the API as a page of HTML.
            PageError::NoObject => unreadable(error.to_string()),
            broken => Failure {
                retries: 1,
                ..unreadable(broken.to_string())
            },
        })
    }
}

/// Meta does not document `Retry-After`; it is honoured if present: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let wish = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now)
            .to_std()
            .ok()?,
    };
    Some(wish.min(LONGEST_WISH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = crate::clock::parse_instant("2026-05-07T13:00:00Z").unwrap();
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("90"), Some(Duration::from_secs(90)));
        assert_eq!(
            read("Thu, 07 May 2026 13:02:00 GMT"),
            Some(Duration::from_secs(120))
        );
        assert_eq!(read("Thu, 07 May 2026 12:00:00 GMT"), None);
        assert_eq!(read("soon"), None);
        assert_eq!(read("18446744073709551615"), Some(LONGEST_WISH));
    }
}
