//! What is asked of the Graph API.

use std::time::Duration;

use super::fields::Fields;
use crate::budget::{PoolKey, Urgency};

/// How an answer holds its objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// One object.
    #[default]
    Node,
    /// A list in one page. Insights have `paging` with links to other times, which never ends.
    Single,
    /// A list that ends when `paging.next` is missing ("Paginated Results" page).
    Edge,
    /// A list that has no `paging.next`, or of which that is not known: it ends when there is no `after` cursor, when a page is empty
    /// and has no `next`, or when the cursor stands still. `/tags` and every edge inside a field list.
    CursorEdge,
    /// A list whose cursor is the same on every page, so that only `paging.next` and what a page shows tell its end: media of
    /// hashtags.
    SameCursor,
    /// An object of somebody else inside a node, and a list of its that is paged inside the field list, by a cursor alone: Business
    /// Discovery.
    Within {
        /// The field of the node, without its argument.
        object: &'static str,
        /// The edge of the object.
        edge: &'static str,
    },
}

/// One read. `path` and `params` never hold a secret, so a request can be logged as it is.
#[derive(Clone, Debug)]
pub struct Request {
    /// The endpoint with placeholders, for counting: `/{ig-user}/media`.
    pub endpoint: &'static str,
    /// The path without version: `/17841400000000000/media`.
    pub path: String,
    /// What is wanted of each object; empty: the API's defaults.
    pub fields: Fields,
    /// Further parameters.
    pub params: Vec<(&'static str, String)>,
    /// Objects a page.
    pub limit: Option<u32>,
    /// Where the page begins; opaque.
    pub after: Option<String>,
    /// How the answer holds its objects.
    pub shape: Shape,
    /// The pool that the call is expected to be metered in.
    pub pool: PoolKey,
    /// What may wait.
    pub urgency: Urgency,
}

/// Answers about conversations have been seen to take 90 seconds.
pub(super) const PATIENCE_WITH_MESSAGES: Duration = Duration::from_secs(180);

impl Request {
    /// How long its answer is waited for.
    pub(super) fn patience(&self, usual: Duration) -> Duration {
        match self.pool {
            PoolKey::Messenger { .. } => usual.max(PATIENCE_WITH_MESSAGES),
            _ => usual,
        }
    }

    /// How often it is worth another attempt, whatever went wrong: what is slow and fails now and then is left to the next run soon.
    pub(super) fn most_retries(&self) -> u32 {
        match self.pool {
            PoolKey::Messenger { .. } => 1,
            _ => u32::MAX,
        }
    }

    /// The query, without secrets.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = self.params.clone();
        if let Shape::Within { edge, .. } = self.shape {
            let fields = self.fields.paged(edge, self.limit, self.after.as_deref());
            query.push(("fields", fields.to_string()));
        } else {
            if !self.fields.is_empty() {
                query.push(("fields", self.fields.to_string()));
            }
            if let Some(limit) = self.limit {
                query.push(("limit", limit.to_string()));
            }
            if let Some(after) = &self.after {
                query.push(("after", after.clone()));
            }
        }
        // Messages in English, whatever the account's language: some verdicts need them.
        query.push(("locale", "en_US".to_owned()));
        query
    }
}

/// Names and values as a query string or a form has them.
pub(super) fn encode(pairs: &[(&'static str, String)]) -> String {
    let url = reqwest::Url::parse_with_params("http://localhost/", pairs);
    // The address before the parameters is a good one.
    let url = url.ok();
    url.as_ref()
        .and_then(reqwest::Url::query)
        .unwrap_or_default()
        .to_owned()
}
