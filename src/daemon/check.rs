//! The daily check: what an operator must know before a night fails. A job of igsync's own, with a row in `sync_jobs` as the others have.

use std::sync::Arc;

use crate::schedule::{Schedule, ScheduleError};
use crate::store::Outcome;
use crate::sync::{self, CHECK, Configured, Selection, World};

/// After most nights and before most mornings.
const SCHEDULE: &str = "45 4 * * *";

/// The job: what all the others read is checked.
pub(super) fn job(others: &[Configured]) -> Result<Configured, ScheduleError> {
    Ok(Configured {
        name: CHECK.to_owned(),
        schedule: Schedule::parse(SCHEDULE, chrono_tz::Tz::UTC)?,
        selection: Selection::of_all(others.iter().map(|job| &job.selection)),
    })
}

/// Checks, writes down and logs what somebody should do, and says what it comes to.
pub(super) async fn daily(world: Arc<World>, meant: Selection) -> (Outcome, String) {
    let check = sync::daily_check(&world, &meant);
    match world.tasks.watch(check).await {
        Ok(report) => (report.outcome(world.stop.requested()), report.headline()),
        Err(error) => (Outcome::Failed, error.to_string()),
    }
}
