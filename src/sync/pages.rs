//! The Pages of a token's user: the walk over `/me/accounts`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::budget::Urgency;
use crate::graph::{Client, Credential, Error, Fields, Reaction, Request, Shape, Tally};

/// A Page, as far as igsync asks about it.
#[derive(Debug, Deserialize)]
pub(super) struct PageNode {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) tasks: Vec<String>,
    pub(super) has_transitioned_to_new_page_experience: Option<bool>,
    pub(super) instagram_business_account: Option<Map<String, Json>>,
    /// Its own token, which stands beside the other fields and goes nowhere but here.
    #[serde(skip)]
    pub(super) credential: Option<Arc<Credential>>,
}

const ENDPOINT: &str = "/me/accounts";

/// What a credential reaches.
pub(super) struct Found {
    pub(super) pages: Vec<PageNode>,
    /// Why Pages in the answer could not be read.
    pub(super) broken: Vec<String>,
    /// What ended the list before its end.
    pub(super) error: Option<Error>,
}

/// All Pages of a credential.
pub(super) async fn pages(graph: &Client, credential: &Credential, tally: &mut Tally) -> Found {
    let page = Fields::of([
        "id",
        "name",
        "tasks",
        "has_transitioned_to_new_page_experience",
        "access_token",
    ]);
    let account = Fields::of(["id", "username", "name", "media_count"]);
    let mut expanded = true;
    let mut request = Request {
        endpoint: ENDPOINT,
        path: ENDPOINT.to_owned(),
        fields: page.clone().with("instagram_business_account", account),
        params: Vec::new(),
        limit: Some(100),
        after: None,
        shape: Shape::Edge,
        pool: credential.user_pool(),
        urgency: Urgency::Bulk,
    };
    let (mut pages, mut broken) = (Vec::new(), Vec::new());
    loop {
        match graph.get(credential, &request, tally).await {
            Ok(page) => {
                for item in &page.items {
                    match serde_json::from_str(item.get()) {
                        Ok(page) => pages.push(PageNode {
                            credential: credential.of_page(item).map(Arc::new),
                            ..page
                        }),
                        Err(error) => broken.push(error.to_string()),
                    }
                }
                if page.next.is_none() {
                    return Found {
                        pages,
                        broken,
                        error: None,
                    };
                }
                request.after = page.next;
            }
            Err(error) => {
                let can_shrink = request.limit.is_some_and(|limit| limit > 1);
                match error.reaction() {
                    Reaction::Shrink if can_shrink => {
                        request.limit = request.limit.map(|limit| limit / 2);
                    }
                    Reaction::Drop(names)
                        if names.iter().any(|name| {
                            name != "instagram_business_account" && request.fields.remove(name)
                        }) => {}
                    // Names need more permissions than ids: without them the accounts are found all the same.
                    Reaction::Disable if expanded => {
                        expanded = false;
                        request.fields =
                            page.clone().and(Fields::of(["instagram_business_account"]));
                    }
                    _ => {
                        return Found {
                            pages,
                            broken,
                            error: Some(error),
                        };
                    }
                }
            }
        }
    }
}
