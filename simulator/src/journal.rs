//! The record of every call.

use chrono::{DateTime, Utc};

/// One call as the server saw it. Parts of a batch are calls of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// HTTP method.
    pub method: String,
    /// Path without the version.
    pub path: String,
    /// Version of the path, where it had one.
    pub version: Option<String>,
    /// Parameters except those that hold secrets: `access_token`, `appsecret_proof`, `input_token`, `client_secret`,
    /// `fb_exchange_token` and `batch`.
    pub query: Vec<(String, String)>,
    /// Parameter `fields`.
    pub fields: Option<String>,
    /// Parameter `after`.
    pub after: Option<String>,
    /// Parameter `limit`.
    pub limit: Option<u64>,
    /// The professional account whose data was asked for.
    pub account: Option<String>,
    /// The pool that it was metered against, as in `buc:instagram:17841400000000001`.
    pub pool: Option<String>,
    /// HTTP status of the answer; 0 when the connection broke.
    pub status: u16,
    /// `error.code` of the answer.
    pub code: Option<i64>,
    /// `error.error_subcode` of the answer.
    pub subcode: Option<i64>,
    /// Calls that it counted as.
    pub cost: u64,
    /// How full the pool was afterwards, in percent of its fullest gauge.
    pub usage_percent: Option<u64>,
    /// Whether the pool was blocked when it was made.
    pub while_blocked: bool,
    /// Whether a scripted fault changed the answer.
    pub faulted: bool,
    /// Whether it was a part of a batch.
    pub in_batch: bool,
    /// Name of the token.
    pub token: Option<String>,
}
