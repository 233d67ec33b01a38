//! What each token may do, and what it lacks for which resource; and the machine around it. Asks Meta, and writes nothing.
//!
//! `needs` says what a resource lacks, `found` what somebody should do about all of it, `daily` is the check that runs by itself and
//! writes down what it found.

mod daily;
mod found;
mod needs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::discovery::{Problem, Survey, survey};
use super::job::Account;
use super::selection::Selection;
use super::status::{Finding, headline};
use crate::budget::Urgency;
use crate::graph::{Client, Credential, Fields, Request, Shape, Tally, TokenFacts};
use crate::store::{Around, CredentialRow, Outcome, Severity, WarningRow};

pub use daily::{check_when_due, daily_check};

/// What was found.
#[derive(Debug)]
pub struct CheckReport {
    /// When.
    pub at: DateTime<Utc>,
    /// Each credential, in the order of the configuration.
    pub credentials: Vec<CredentialCheck>,
    /// Each account that a token reaches and that is meant.
    pub accounts: Vec<AccountCheck>,
    /// Pages without a linked account, as `name (id)`; no error.
    pub unlinked_pages: Vec<String>,
    /// Credentials that could not be asked or reach nothing.
    pub problems: Vec<Problem>,
    /// Names in the configuration that no token reaches, as far as all could be asked.
    pub unreached: Vec<String>,
    /// Accounts that were read before, are meant and are reached no more: id and username.
    pub lost: Vec<(String, Option<String>)>,
    /// The version that answered, where it is not the one that was asked for.
    pub served_instead: Option<String>,
    /// How far Meta's clock is ahead of this machine's.
    pub clock_ahead: Option<TimeDelta>,
    /// What was known before.
    pub around: Around,
    /// What somebody should do, but for the ends of tokens; see [`CheckReport::findings`].
    pub warnings: Vec<WarningRow>,
    /// Calls spent.
    pub calls: u64,
}

/// A credential.
#[derive(Debug)]
pub struct CredentialCheck {
    /// What is kept of it; `None` when it could not be asked, so that nothing is known.
    pub row: Option<CredentialRow>,
    /// Its name.
    pub name: String,
    /// What it was granted; `None` when Meta did not say.
    pub granted: Option<BTreeSet<String>>,
    /// Permissions that were granted and do not hold, and why: declined, expired.
    pub withheld: BTreeMap<String, String>,
    /// Permissions that hold for some objects only: their ids.
    pub restricted: BTreeMap<String, Vec<String>>,
}

/// An account and what can be read of it.
#[derive(Debug)]
pub struct AccountCheck {
    /// The account; its first route is the one that is used.
    pub account: Arc<Account>,
    /// Each resource that is meant.
    pub resources: Vec<ResourceCheck>,
}

/// A resource of an account.
#[derive(Debug)]
pub struct ResourceCheck {
    /// Its name.
    pub resource: &'static str,
    /// What is missing and where it is granted; empty: ready.
    pub missing: Vec<String>,
    /// Whether Meta told the token's permissions; if not, more may be missing.
    pub told: bool,
    /// What it needs besides and what no call tells of.
    pub untold: Option<String>,
}

impl CheckReport {
    /// Whether an operator must act before everything can be read.
    pub fn needs_operator(&self) -> bool {
        self.findings()
            .iter()
            .any(|finding| finding.severity == Severity::Critical)
    }

    /// What it comes to. `stopped` says whether a signal may have cut it short.
    pub fn outcome(&self, stopped: bool) -> Outcome {
        let resume_at = self
            .problems
            .iter()
            .filter_map(|problem| problem.resume_at)
            .min();
        match resume_at {
            _ if self.needs_operator() => Outcome::Refused,
            Some(until) => Outcome::Suspended(until),
            None if stopped => Outcome::Stopped,
            None if self.problems.is_empty() => Outcome::Complete,
            None => Outcome::Failed,
        }
    }

    /// The worst that was found, and how much more there is; empty when there is nothing.
    pub fn headline(&self) -> String {
        headline(&self.findings()).unwrap_or_default()
    }

    /// What somebody should know and do, the worst first.
    pub fn findings(&self) -> Vec<Finding> {
        found::findings(self)
    }
}

/// Asks Meta about each credential and its accounts, as far as the selection means them.
pub async fn check(
    graph: &Client,
    credentials: &[Arc<Credential>],
    selection: &Selection,
    around: Around,
    now: DateTime<Utc>,
) -> CheckReport {
    let mut tally = Tally::default();
    let mut report = ask(graph, credentials, selection, around, now, &mut tally).await;
    report.calls = tally
        .take()
        .iter()
        .map(|(_, _, calls, _)| u64::from(*calls))
        .sum();
    report
}

async fn ask(
    graph: &Client,
    credentials: &[Arc<Credential>],
    selection: &Selection,
    around: Around,
    now: DateTime<Utc>,
    tally: &mut Tally,
) -> CheckReport {
    let survey = survey(graph, credentials, tally).await;
    let mut checks = Vec::new();
    for credential in credentials {
        checks.push(one(graph, credential, credentials, &survey, now, tally).await);
    }
    let all_asked = survey.problems.is_empty();
    // Only names on a command line can be wrong.
    let meant = selection
        .select(&survey.accounts, all_asked)
        .unwrap_or_default();
    let accounts = meant.into_iter().map(|account| AccountCheck {
        resources: needs::resources(&account, selection, &checks, &around),
        account,
    });
    let mut report = CheckReport {
        at: now,
        accounts: accounts.collect(),
        credentials: checks,
        unreached: Vec::new(),
        lost: Vec::new(),
        served_instead: graph.served_instead().map(str::to_owned),
        clock_ahead: graph.clock_ahead(),
        warnings: Vec::new(),
        calls: 0,
        around,
        unlinked_pages: survey.unlinked_pages,
        problems: survey.problems,
    };
    if all_asked {
        report.unreached = selection.unreached(&survey.accounts);
        let reached = |id: &String| survey.accounts.iter().any(|account| account.id == *id);
        let lost = report
            .around
            .accounts
            .iter()
            .filter(|(id, username)| !reached(id) && selection.means(id, username.as_deref()));
        report.lost = lost.cloned().collect();
    }
    report.warnings = found::warnings(&report);
    report
}

/// Asks about one credential.
async fn one(
    graph: &Client,
    credential: &Arc<Credential>,
    all: &[Arc<Credential>],
    survey: &Survey,
    now: DateTime<Utc>,
    tally: &mut Tally,
) -> CredentialCheck {
    let mut check = CredentialCheck {
        row: None,
        name: credential.name().to_owned(),
        granted: None,
        withheld: BTreeMap::new(),
        restricted: BTreeMap::new(),
    };
    let problem = survey
        .problems
        .iter()
        .find(|problem| problem.credential == credential.name());
    match problem {
        Some(problem) if problem.dead => {
            check.row = Some(CredentialRow {
                credential: check.name.clone(),
                checked_at: now,
                problem: Some(problem.message.clone()),
                ..CredentialRow::default()
            });
            return check;
        }
        // An API that does not answer would only say it again.
        Some(problem) if !problem.operator => return check,
        _ => {}
    }
    let facts = inspected(graph, credential, all, tally).await;
    if let Some(permissions) = permissions(graph, credential, tally).await {
        let granted = permissions.iter().filter(|one| one.status == "granted");
        check.granted = Some(granted.map(|one| one.permission.clone()).collect());
        let withheld = permissions
            .into_iter()
            .filter(|one| one.status != "granted");
        check.withheld = withheld.map(|one| (one.permission, one.status)).collect();
    } else if let Some(scopes) = facts.as_ref().and_then(|facts| facts.scopes.clone()) {
        check.granted = Some(scopes.into_iter().collect());
    }
    check.row = Some(row(&check, facts.as_ref(), now));
    if let Some(facts) = facts {
        check.restricted = facts.restricted.into_iter().collect();
    }
    check
}

fn row(check: &CredentialCheck, facts: Option<&TokenFacts>, now: DateTime<Utc>) -> CredentialRow {
    let granted = check.granted.as_ref();
    let untold = || {
        "when it ends is not known: Meta tells that only to somebody who works on the app; its Access Token Debugger shows it".to_owned()
    };
    CredentialRow {
        credential: check.name.clone(),
        checked_at: now,
        // It has just been answered.
        is_valid: true,
        inspected: facts.is_some(),
        kind: facts.and_then(|facts| facts.kind.clone()),
        app_id: facts.and_then(|facts| facts.app_id.clone()),
        scopes: granted.map(|granted| granted.iter().cloned().collect()),
        expires_at: facts.and_then(|facts| facts.expires.at()),
        data_access_expires_at: facts.and_then(|facts| facts.data_access_expires.at()),
        problem: match facts {
            Some(facts) => facts.problem.clone(),
            None => Some(untold()),
        },
    }
}

/// What Meta says a token is worth: asked with the token itself first, then with others, whose users may work on the app.
async fn inspected(
    graph: &Client,
    credential: &Arc<Credential>,
    all: &[Arc<Credential>],
    tally: &mut Tally,
) -> Option<TokenFacts> {
    let others = all.iter().filter(|other| other.name() != credential.name());
    for inspector in std::iter::once(credential).chain(others) {
        match graph.inspect(inspector, credential, tally).await {
            Ok(facts) => return Some(facts),
            Err(error) => {
                tracing::info!(credential = credential.name(), inspector = inspector.name(), %error, "Meta does not tell about the token");
                if !error.is_about_the_asker() {
                    return None;
                }
            }
        }
    }
    None
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
    /// granted, declined or expired.
    status: String,
}

/// `GET /me/permissions` ("Access Tokens" page); `None` when Meta does not say.
async fn permissions(
    graph: &Client,
    credential: &Credential,
    tally: &mut Tally,
) -> Option<Vec<Permission>> {
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
    match graph.get(credential, &request, tally).await {
        Ok(page) => {
            let items = page.items.iter();
            Some(
                items
                    .filter_map(|item| serde_json::from_str(item.get()).ok())
                    .collect(),
            )
        }
        Err(error) => {
            tracing::info!(credential = credential.name(), %error, "permissions are not told");
            None
        }
    }
}
