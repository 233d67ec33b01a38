//! `online_followers`: how many followers are online, hour by hour.
//!
//! `GET /{ig-user}/insights` with `period=lifetime` ("Instagram Account Insights" page): hours 0 to 23 in Pacific time of the last
//! 30 days; hours or whole days may be missing. One call tells all of them, so it is made once a week. Rows stand in
//! `account_insights`.

use super::account_insights::{ACCOUNT_INSIGHTS_TABLE, PERMISSIONS, question, rows};
use super::{Facts, Lost, Meter, Question, Questions, Resource, Work, pacific, weekly};

/// The resource.
pub(super) static ONLINE_FOLLOWERS: Resource = Resource {
    name: "online_followers",
    permissions: PERMISSIONS,
    meter: Meter::Account,
    urgent: false,
    tables: &[&ACCOUNT_INSIGHTS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: Some(lost),
    }),
};

/// Its night of the week.
const PLACE: i64 = 5;

const SUBJECT: &str = "series/online_followers";

fn due(facts: &Facts) -> Vec<Question> {
    if !facts.is_due_weekly(SUBJECT, PLACE, weekly::SHORTEST) {
        return Vec::new();
    }
    let mut params = vec![("period", "lifetime".to_owned())];
    params.extend(pacific::untold(facts, SUBJECT));
    let family = "hours".to_owned();
    let asked = question(
        facts,
        SUBJECT.to_owned(),
        family,
        &["online_followers"],
        params,
    );
    asked.into_iter().collect()
}

/// Days whose hours cannot be told any more.
fn lost(facts: &Facts) -> Vec<Lost> {
    let lost = pacific::lost(facts, SUBJECT, "online_followers");
    lost.into_iter().collect()
}
