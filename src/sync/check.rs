//! What each token may do, and what it lacks for which resource. Reads only; writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::discovery::{Problem, survey};
use super::job::Account;
use crate::budget::Urgency;
use crate::graph::{Client, Credential, Fields, Request, Shape, Tally};
use crate::resource::{RESOURCES, Resource};

/// What was found.
#[derive(Debug)]
pub struct CheckReport {
    /// Each credential, in the order of the configuration.
    pub credentials: Vec<CredentialCheck>,
    /// Each account that a token reaches.
    pub accounts: Vec<AccountCheck>,
    /// Pages without a linked account, as `name (id)`; no error.
    pub unlinked_pages: Vec<String>,
    /// Credentials that could not be asked or reach nothing.
    pub problems: Vec<Problem>,
    /// The version that answered, where it is not the one that was asked for.
    pub served_instead: Option<String>,
    /// Calls spent.
    pub calls: u64,
}

/// A credential's permissions.
#[derive(Debug)]
pub struct CredentialCheck {
    /// Its name.
    pub name: String,
    /// What it was granted; `None` when Meta did not say.
    pub granted: Option<BTreeSet<String>>,
}

/// An account and what can be read of it.
#[derive(Debug)]
pub struct AccountCheck {
    /// The account; its first route is the one that is used.
    pub account: Account,
    /// Each resource.
    pub resources: Vec<ResourceCheck>,
}

/// A resource of an account.
#[derive(Debug)]
pub struct ResourceCheck {
    /// Its name.
    pub resource: &'static str,
    /// Whether it is read at all: a backfill reads it, or a job names it.
    pub wanted: bool,
    /// What is missing and where it is granted; empty: ready.
    pub missing: Vec<String>,
    /// Whether Meta told the token's permissions; if not, more may be missing.
    pub told: bool,
}

impl CheckReport {
    /// Whether an operator must act before everything can be read.
    pub fn needs_operator(&self) -> bool {
        let incomplete = |account: &AccountCheck| {
            account
                .resources
                .iter()
                .any(|resource| resource.wanted && !resource.missing.is_empty())
        };
        self.problems.iter().any(|problem| problem.operator) || self.accounts.iter().any(incomplete)
    }
}

/// Asks Meta about each credential and its accounts. What is lacking for resources that are not wanted is told, and no fault.
pub async fn check(
    graph: &Client,
    credentials: &[Arc<Credential>],
    wanted: &[&'static Resource],
) -> CheckReport {
    let mut tally = Tally::default();
    let survey = survey(graph, credentials, &mut tally).await;
    let mut checks = Vec::new();
    for credential in credentials {
        let problem = survey
            .problems
            .iter()
            .find(|problem| problem.credential == credential.name());
        // A token that is dead, and an API that does not answer, would only say it again.
        let granted = match problem {
            Some(problem) if problem.dead || !problem.operator => None,
            _ => granted(graph, credential, &mut tally).await,
        };
        checks.push(CredentialCheck {
            name: credential.name().to_owned(),
            granted,
        });
    }
    let accounts = survey
        .accounts
        .into_iter()
        .map(|account| {
            let used = &account.routes[0];
            let granted = checks
                .iter()
                .find(|check| check.name == used.credential.name())
                .and_then(|check| check.granted.as_ref());
            let resources = RESOURCES
                .iter()
                .map(|resource| ResourceCheck {
                    resource: resource.name,
                    wanted: wanted.iter().any(|one| one.name == resource.name),
                    missing: missing(resource.permissions, granted, &used.tasks),
                    told: granted.is_some(),
                })
                .collect();
            AccountCheck { account, resources }
        })
        .collect();
    CheckReport {
        credentials: checks,
        accounts,
        unlinked_pages: survey.unlinked_pages,
        problems: survey.problems,
        served_instead: graph.served_instead().map(str::to_owned),
        calls: tally
            .take()
            .iter()
            .map(|(_, _, calls, _)| u64::from(*calls))
            .sum(),
    }
}

fn missing(
    permissions: &[&str],
    granted: Option<&BTreeSet<String>>,
    tasks: &[String],
) -> Vec<String> {
    let mut missing: Vec<String> = permissions
        .iter()
        .filter(|permission| granted.is_some_and(|granted| !granted.contains(**permission)))
        .map(|permission| format!("permission {permission}: grant it when the token is made (Facebook Login, or the system user's token)"))
        .collect();
    // Every task carries instagram_basic ("Overview", table of permissions and tasks), so one is enough.
    if tasks.is_empty() {
        missing.push(
            "a task on the Page: give the token's user one in the Page's access settings"
                .to_owned(),
        );
    }
    missing
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
    status: String,
}

/// `GET /me/permissions` ("Access Tokens" page); `None` when Meta does not say.
async fn granted(
    graph: &Client,
    credential: &Credential,
    tally: &mut Tally,
) -> Option<BTreeSet<String>> {
    let request = Request {
        endpoint: "/me/permissions",
        path: "/me/permissions".to_owned(),
        fields: Fields::default(),
        params: Vec::new(),
        limit: None,
        after: None,
        shape: Shape::Edge,
        pool: credential.user_pool(),
        urgency: Urgency::Bulk,
    };
    let page = match graph.get(credential, &request, tally).await {
        Ok(page) => page,
        Err(error) => {
            tracing::info!(credential = credential.name(), %error, "permissions are not told");
            return None;
        }
    };
    let permissions = page
        .items
        .iter()
        .filter_map(|item| serde_json::from_str::<Permission>(item.get()).ok())
        .filter(|permission| permission.status == "granted")
        .map(|permission| permission.permission);
    Some(permissions.collect())
}
