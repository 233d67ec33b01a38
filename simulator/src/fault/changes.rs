//! What a fault makes of a call and of its answer.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::GraphError;

/// What becomes of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) delay: Duration,
    pub(crate) hang: bool,
    pub(crate) reset: bool,
    pub(crate) broken_off: bool,
    pub(crate) unfinished: bool,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<GraphError>,
    pub(crate) body: Option<String>,
    pub(crate) html: bool,
    pub(crate) cut: bool,
    pub(crate) dead_cursor: bool,
    pub(crate) item_twice: bool,
    pub(crate) shifted_page: bool,
    pub(crate) message: Option<String>,
    pub(crate) served_version: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) without_usage: bool,
    /// Whether the batch around the call is changed.
    pub(crate) around: bool,
}

impl Changes {
    /// What is left of an answer.
    pub(crate) fn applied(
        &self,
        status: u16,
        body: String,
        headers: &mut HeaderMap,
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

    /// Whether the caller gets something else than without the fault.
    pub(crate) fn interferes(&self) -> bool {
        let is_unanswered = self.hang || self.reset || self.unfinished;
        is_unanswered
            || self.around
            || self.broken_off
            || self.without_usage
            || !self.headers.is_empty()
            || self.status.is_some()
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

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
