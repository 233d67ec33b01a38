//! Which accounts the tokens reach.
//!
//! `GET /me/accounts` lists the Pages of a token's user with what the user may do on each and the professional account
//! that is linked to it ("Overview" of the Instagram API with Facebook Login). The same account through several Pages or
//! tokens is one account with several routes. An account that is not found any more is an access loss, never a
//! deletion: nothing is taken out of the database here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::job::{Account, DISCOVERY, Route};
use super::pages::{Found, PageNode, pages};
use super::report::hint_about_token;
use super::world::World;
use crate::clock::instant_text;
use crate::graph::{Client, Credential, Error, Reaction, Tally};
use crate::resource;
use crate::store::{Commit, FinishedRun, Gap, NewRun, Outcome, Reason, Row, StoreError, Value};

/// What the tokens reach.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The run that found it; groups the jobs that follow.
    pub run: i64,
    /// Accounts, by id.
    pub accounts: Vec<Account>,
    /// Pages without a linked account, as `name (id)`; no error.
    pub unlinked_pages: Vec<String>,
    /// What went wrong, one credential each.
    pub problems: Vec<Problem>,
    /// Calls spent.
    pub calls: u64,
}

/// A credential that could not be asked, or reaches nothing.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its name.
    pub credential: String,
    /// What is wrong and what to do, for a person.
    pub message: String,
    /// Whether an operator must act.
    pub operator: bool,
    /// Whether the token is of no use for anything.
    pub dead: bool,
    /// When it can go on, where a budget is used up.
    pub resume_at: Option<DateTime<Utc>>,
}

impl Problem {
    /// What a start comes to that needs this credential.
    pub fn outcome(&self) -> Outcome {
        match self.resume_at {
            _ if self.operator => Outcome::Refused,
            Some(until) => Outcome::Suspended(until),
            None => Outcome::Failed,
        }
    }
}

/// What the tokens reach, before anything of it is written.
#[derive(Debug, Default)]
pub struct Survey {
    /// Accounts, by id.
    pub accounts: Vec<Account>,
    /// Pages without a linked account, as `name (id)`; no error.
    pub unlinked_pages: Vec<String>,
    /// What went wrong, one credential each.
    pub problems: Vec<Problem>,
    /// Credentials with which nothing was wrong.
    answered: Vec<String>,
    rows: Vec<Row>,
    gaps: Vec<Gap>,
}

impl Survey {
    /// Notes a Page, or a description of an account, that breaks the API's rules and is left out.
    fn unreadable(&mut self, credential: &Credential, problem: &str) {
        let problem = credential.scrub(problem);
        let problem = Problem {
            credential: credential.name().to_owned(),
            message: format!(
                "credential {}: something in its list of Pages breaks the API's rules and is left out: {problem}",
                credential.name()
            ),
            operator: false,
            dead: false,
            resume_at: None,
        };
        self.gaps.push(Gap {
            reason: Reason::Unreadable,
            ..gap(&problem, None)
        });
        self.problems.push(problem);
    }
}

/// Asks every credential.
pub async fn survey(graph: &Client, credentials: &[Arc<Credential>], tally: &mut Tally) -> Survey {
    let mut survey = Survey::default();
    let mut accounts = BTreeMap::new();
    for credential in credentials {
        let Found {
            pages,
            broken,
            error,
        } = pages(graph, credential, tally).await;
        for problem in broken {
            survey.unreadable(credential, &problem);
        }
        if let Some(problem) = problem(credential, pages.len(), error.as_ref()) {
            if !matches!(error, Some(Error::Stopped)) {
                survey.gaps.push(gap(&problem, error.as_ref()));
            }
            survey.problems.push(problem);
        }
        for page in pages {
            take(page, credential, &mut accounts, &mut survey);
        }
        let wrong = |problem: &Problem| problem.credential == credential.name();
        if !survey.problems.iter().any(wrong) {
            survey.answered.push(credential.name().to_owned());
        }
    }
    survey.accounts = accounts.into_values().collect();
    survey
}

/// Asks credentials, and writes the accounts that were found. `started_by` groups what ran together.
///
/// # Errors
/// Only when the database cannot be written; a token that cannot be asked is a [`Problem`].
pub async fn discover(
    world: &World,
    job: &str,
    credentials: &[Arc<Credential>],
    started_by: Option<i64>,
) -> Result<Discovery, StoreError> {
    let new_run = NewRun {
        started_by,
        job: job.to_owned(),
        account_id: None,
        resource: DISCOVERY,
        range: String::new(),
        forecast_calls: None,
        at: world.clock.now(),
    };
    let run = world.store.begin_run(new_run).await?;
    let mut tally = Tally::default();
    let survey = survey(&world.graph, credentials, &mut tally).await;
    for problem in survey.problems.iter().filter(|problem| problem.dead) {
        world.bury(&problem.credential);
    }
    for credential in &survey.answered {
        world.revive(credential);
    }
    record(world, run, survey, &mut tally).await
}

/// What is wrong with a credential, in words for an operator.
fn problem(credential: &Credential, pages: usize, error: Option<&Error>) -> Option<Problem> {
    let name = credential.name();
    let mut dead = false;
    let (message, operator, resume_at) = match error {
        None if pages > 0 => return None,
        None => (
            format!(
                "credential {name} sees no Page. If its user's Page roles come from a business, the token needs the \
                 permission business_management; otherwise choose the Pages when logging in"
            ),
            true,
            None,
        ),
        Some(Error::Closed { closed, pool }) => (
            format!(
                "credential {name}: pool {pool} is closed until {}: {}",
                instant_text(closed.until),
                closed.why
            ),
            false,
            Some(closed.until),
        ),
        Some(error) => {
            let reaction = error.reaction();
            dead = matches!(reaction, Reaction::StopCredential | Reaction::Block);
            let hint = match reaction {
                Reaction::StopCredential => hint_about_token(error, credential),
                Reaction::Block => {
                    "; Meta blocks the app: see the app dashboard before starting again".to_owned()
                }
                Reaction::Disable => {
                    "; grant the permissions pages_show_list and pages_read_engagement to the token"
                        .to_owned()
                }
                _ => String::new(),
            };
            let operator = dead || reaction == Reaction::Disable;
            (format!("credential {name}: {error}{hint}"), operator, None)
        }
    };
    Some(Problem {
        credential: name.to_owned(),
        message,
        operator,
        dead,
        resume_at,
    })
}

fn gap(problem: &Problem, error: Option<&Error>) -> Gap {
    let reason = match error.map(Error::reaction) {
        _ if problem.resume_at.is_some() => Reason::RateLimited,
        _ if problem.operator => Reason::NoPermission,
        _ => Reason::Failed,
    };
    Gap {
        account_id: None,
        resource: DISCOVERY,
        object_id: Some(problem.credential.clone()),
        field: None,
        reason,
        detail: problem.message.clone(),
    }
}

/// Takes a Page's account in: a new one, or another route to a known one.
fn take(
    page: PageNode,
    credential: &Arc<Credential>,
    accounts: &mut BTreeMap<String, Account>,
    survey: &mut Survey,
) {
    let name = page.name.clone();
    let Some(node) = page.instagram_business_account else {
        let name = name.unwrap_or_else(|| "a Page".to_owned());
        let page = format!("{name} ({})", page.id);
        // Several tokens may reach the same Page.
        if !survey.unlinked_pages.contains(&page) {
            survey.unlinked_pages.push(page);
        }
        return;
    };
    let Some(id) = node.get("id").and_then(Json::as_str).map(str::to_owned) else {
        survey.unreadable(credential, "its linked account has no id");
        return;
    };
    // In one order, so that Meta's order makes no change.
    let mut tasks = page.tasks;
    tasks.sort();
    let route = Route {
        credential: Arc::clone(credential),
        page_id: page.id,
        page_name: name,
        tasks,
        page_credential: page.credential,
        is_new_page: page.has_transitioned_to_new_page_experience,
    };
    let account = accounts.entry(id.clone()).or_insert_with(|| Account {
        id,
        username: node
            .get("username")
            .and_then(Json::as_str)
            .map(str::to_owned),
        media_count: node.get("media_count").and_then(Json::as_u64),
        routes: Vec::new(),
    });
    let first = account.routes.is_empty();
    // More tasks open more resources; between equals the order of the configuration decides.
    let place = account
        .routes
        .iter()
        .position(|known| known.tasks.len() < route.tasks.len())
        .unwrap_or(account.routes.len());
    let text = |text: Option<&String>| text.map_or(Value::Null, |text| Value::Text(text.clone()));
    let moved = page.has_transitioned_to_new_page_experience;
    let filled = [
        ("page_id", Value::Text(route.page_id.clone())),
        ("page_name", text(route.page_name.as_ref())),
        (
            "page_tasks",
            Value::Text(Json::from(route.tasks.clone()).to_string()),
        ),
        (
            "page_has_transitioned_to_new_page_experience",
            moved.map_or(Value::Null, |moved| Value::Integer(i64::from(moved))),
        ),
    ];
    account.routes.insert(place, route);
    if place > 0 && !first {
        return;
    }
    let row = resource::discovered_account(&node, &filled).or_else(|problem| {
        survey.unreadable(credential, &problem.to_string());
        // Its posts can be read all the same, and need the account's row to belong to.
        let id = node
            .get_key_value("id")
            .map(|(key, id)| (key.clone(), id.clone()));
        resource::discovered_account(&id.into_iter().collect(), &filled)
    });
    if let Ok(row) = row {
        let rows = &mut survey.rows;
        rows.retain(|known| known.values.first() != row.values.first());
        rows.push(row);
    }
}

async fn record(
    world: &World,
    run: i64,
    survey: Survey,
    tally: &mut Tally,
) -> Result<Discovery, StoreError> {
    let at = world.clock.now();
    let (calls, pools) = world.spent(tally);
    let discovery = Discovery {
        run,
        accounts: survey.accounts,
        unlinked_pages: survey.unlinked_pages,
        problems: survey.problems,
        calls: calls.iter().map(|count| u64::from(count.calls)).sum(),
    };
    let commit = Commit {
        run,
        at,
        pages: 0,
        rows: survey.rows,
        checkpoint: None,
        gaps: survey.gaps,
        calls,
        pools,
        reads: Vec::new(),
        answered: Vec::new(),
    };
    world.store.commit(commit).await?;
    let problems = &discovery.problems;
    let messages: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let finished = FinishedRun {
        run,
        outcome: outcome(problems, world.stop.requested()),
        message: (!messages.is_empty()).then(|| messages.join("\n")),
        at,
        listing: None,
        is_to_the_end: true,
        reads: Vec::new(),
        judges_objects: false,
        pass: run,
        pass_is_over: false,
        answered: survey.answered,
        fields: Vec::new(),
    };
    world.store.finish_run(finished).await?;
    Ok(discovery)
}

fn outcome(problems: &[Problem], stopped: bool) -> Outcome {
    if problems.is_empty() {
        return Outcome::Complete;
    }
    if problems.iter().any(|problem| problem.operator) {
        return Outcome::Refused;
    }
    match problems
        .iter()
        .filter_map(|problem| problem.resume_at)
        .min()
    {
        Some(until) => Outcome::Suspended(until),
        None if stopped => Outcome::Stopped,
        None => Outcome::Failed,
    }
}
