//! What answers tell of the server, whatever was asked: which version of the API it serves, and what time it is there.

use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, HeaderMap};

/// What answers told so far.
#[derive(Debug, Default)]
pub(super) struct Served {
    instead: OnceLock<String>,
    clock_ahead: Mutex<Option<TimeDelta>>,
}

impl Served {
    /// The version that answered where another one was asked for.
    pub(super) fn instead(&self) -> Option<&str> {
        self.instead.get().map(String::as_str)
    }

    /// How far the server's clock was ahead of ours at the last answer.
    pub(super) fn clock_ahead(&self) -> Option<TimeDelta> {
        *self
            .clock_ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an answer that came `now`.
    pub(super) fn note(&self, headers: &HeaderMap, asked: &str, now: DateTime<Utc>) {
        self.compare_version(headers, asked);
        // Every answer of an HTTP server says when it was made.
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        if let Some(date) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) {
            let ahead = self.clock_ahead.lock();
            *ahead.unwrap_or_else(PoisonError::into_inner) = Some(date.to_utc() - now);
        }
    }

    /// An expired or mistyped version is served by another one without a word ("Versions" page): say so once.
    fn compare_version(&self, headers: &HeaderMap, asked: &str) {
        let served = headers
            .get("facebook-api-version")
            .and_then(|value| value.to_str().ok());
        // What is no version is nothing that should be told.
        let is_version = |served: &&str| {
            let number = served.strip_prefix('v').unwrap_or_default();
            let is_of_it = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            (1..8).contains(&number.len()) && number.bytes().all(is_of_it)
        };
        let served = served.filter(is_version);
        let Some(served) = served.filter(|served| *served != asked) else {
            return;
        };
        if self.instead.set(served.to_owned()).is_ok() {
            tracing::warn!(
                asked,
                served,
                "Meta serves another version than graph.version asks for: the asked one may have expired; \
                 set graph.version to one that is still served"
            );
        }
    }
}
