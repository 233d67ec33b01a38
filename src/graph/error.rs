//! Why there is no page.

use super::client::LARGEST_BODY;
use super::token::Credential;
use super::verdict::{ErrorBody, Reaction};
use crate::budget::{Closed, PoolKey};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API refused.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No answer came, or not all of it.
    #[error("{endpoint}: no answer: {}", root_cause(.source))]
    Unreachable {
        /// What was asked.
        endpoint: &'static str,
        /// Without URL, which could hold a secret.
        source: reqwest::Error,
    },
    /// An answer came that is neither a page nor an error of the API.
    #[error("{endpoint}: answer with HTTP {status} that cannot be read: {problem}")]
    Unreadable {
        /// What was asked.
        endpoint: &'static str,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// The answer is too large to be held.
    #[error("{endpoint}: the answer is larger than {} MiB", LARGEST_BODY >> 20)]
    Oversized {
        /// What was asked.
        endpoint: &'static str,
    },
    /// A part of a batch that Meta did not finish in time.
    #[error("{endpoint}: not finished in time, as a part of a batch")]
    Unfinished {
        /// What was asked.
        endpoint: &'static str,
    },
    /// The batch that the call was a part of failed as a whole.
    #[error("{endpoint}: the batch that it was a part of failed")]
    Batch {
        /// What was asked.
        endpoint: &'static str,
    },
    /// The pool stays closed for longer than [`super::SHORT_WAIT`]; nothing was sent.
    #[error("pool {pool} is {closed}")]
    Closed {
        /// The pool.
        pool: PoolKey,
        /// Until when, and why.
        closed: Closed,
    },
    /// Somebody asked to end.
    #[error("stopped by a signal")]
    Stopped,
}

/// A refusal of the API, without secrets.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint}: {message} (code {code}{})", details(.subcode, .trace))]
pub struct Refusal {
    /// What was asked.
    pub endpoint: &'static str,
    /// The API's words; the text for users where the message says nothing.
    pub message: String,
    /// The code.
    pub code: i64,
    /// The subcode.
    pub subcode: Option<i64>,
    /// What Meta's support asks for.
    pub trace: Option<String>,
    /// What to do about it.
    pub reaction: Reaction,
}

fn details(subcode: &Option<i64>, trace: &Option<String>) -> String {
    let subcode = subcode.map(|subcode| format!("/{subcode}"));
    let trace = trace.as_ref().map(|trace| format!(", trace {trace}"));
    format!(
        "{}{}",
        subcode.unwrap_or_default(),
        trace.unwrap_or_default()
    )
}

fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl Error {
    /// What to do about it.
    pub fn reaction(&self) -> Reaction {
        match self {
            Self::Refused(refusal) => refusal.reaction.clone(),
            Self::Oversized { .. } => Reaction::Shrink,
            _ => Reaction::Fail,
        }
    }

    /// Whether a metric is refused to one kind of posts and may be fine for others.
    pub fn is_about_one_kind(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.message.contains("for this media product type"),
            _ => false,
        }
    }

    /// Whether the version of the API is refused, whatever is asked and with which token.
    pub fn is_about_the_version(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 2635)
    }

    /// Whether the proof of the app secret is missing or wrong, and not the token.
    pub fn is_about_the_app_secret(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.message.contains("appsecret_proof"))
    }
}

impl Refusal {
    /// From an error body, with the secrets scrubbed out of its words.
    pub(super) fn new(
        credential: &Credential,
        endpoint: &'static str,
        error: ErrorBody,
        reaction: Reaction,
    ) -> Self {
        let mut message = error.message;
        if HIDE_THE_REASON.contains(&message.as_str()) {
            for text in [error.error_user_title, error.error_user_msg]
                .into_iter()
                .flatten()
            {
                message = format!("{message}: {text}");
            }
        }
        // Scrubbed before it is shortened: half a token is no token that could be found.
        let told = |text: &str| shorten(credential.scrub(text));
        Self {
            endpoint,
            message: told(&message),
            code: error.code,
            subcode: error.error_subcode,
            trace: error.fbtrace_id.map(|trace| told(&trace)),
            reaction,
        }
    }
}

/// Characters of a text of the API's at most that are told and kept: no message of the API is so long.
const LONGEST_TEXT: usize = 2_000;

/// The beginning of a text that is longer than any should be.
pub(super) fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Messages that say nothing: the reason is in the texts for users then ("Handle Errors" page).
const HIDE_THE_REASON: [&str; 5] = [
    "",
    "Fatal",
    "Invalid parameter",
    "An unknown error occurred",
    "An unknown error has occurred",
];
