//! The daily check: what an operator must know before a night fails. A job of igsync's own, with a row in `sync_jobs` as the others have.

use std::sync::Arc;

use crate::schedule::{Schedule, ScheduleError};
use crate::store::Outcome;
use crate::sync::{self, CHECK, Configured, Selection, World};

/// After most nights and before most mornings.
const SCHEDULE: &str = "45 4 * * *";

/// The job.
pub(super) fn job() -> Result<Configured, ScheduleError> {
    Ok(Configured {
        name: CHECK.to_owned(),
        schedule: Schedule::parse(SCHEDULE, chrono_tz::Tz::UTC)?,
        selection: Selection::default(),
    })
}

/// Checks, logs each warning, and says what it comes to.
pub(super) async fn daily(world: Arc<World>) -> (Outcome, String) {
    let report = sync::check(&world.graph, &world.credentials).await;
    let mut warnings: Vec<String> = Vec::new();
    for problem in &report.problems {
        tracing::warn!(credential = problem.credential, "{}", problem.message);
        warnings.push(problem.message.clone());
    }
    for one in &report.accounts {
        for resource in one
            .resources
            .iter()
            .filter(|resource| !resource.missing.is_empty())
        {
            let (account, resource, missing) = (
                one.account.label(),
                resource.resource,
                resource.missing.join("; "),
            );
            tracing::warn!(account, resource, "missing: {missing}");
            warnings.push(format!("{account} {resource}: {missing}"));
        }
    }
    let outcome = if report.needs_operator() {
        Outcome::Refused
    } else if warnings.is_empty() {
        Outcome::Complete
    } else {
        Outcome::Failed
    };
    let more = warnings.len().saturating_sub(1);
    let first = warnings.into_iter().next().unwrap_or_default();
    let message = match more {
        0 => first,
        more => format!("{first} (and {more} more)"),
    };
    (outcome, message)
}
