//! Series of an account: a number per day, or per window that ends with that day, of a stretch of time. Pure.

use chrono::{Datelike, NaiveDate};

use super::{HISTORY, TOTAL_DAYS, is_final, question};
use crate::resource::{Facts, Question, pacific, weekly};

/// Days of history a call.
const HISTORY_DAYS: i32 = 30;

/// The rolling windows of reach that are due; where there are more than a call tells, the earlier ones first.
pub(super) fn windows(facts: &Facts, period: &str, place: i64) -> Vec<Question> {
    let subject = format!("series/reach {period}");
    if !facts.is_due_weekly(&subject, place, weekly::SHORTEST) {
        return Vec::new();
    }
    let earliest = facts.now - HISTORY;
    let mut earlier = Vec::new();
    if let Some((mut first, last)) = pacific::out_of_reach(facts, &subject) {
        first = first.max(pacific::later(pacific::day_of(earliest), 1));
        while first <= last {
            let end = last.min(pacific::later(first, i64::from(HISTORY_DAYS) - 1));
            let part = format!("{subject} {first}..{end}");
            if facts.read_at(&part).is_none() {
                let range = pacific::range(first, end, earliest);
                earlier.extend(series(facts, part, "reach", period, range));
            }
            first = pacific::later(end, 1);
        }
    }
    if earlier.is_empty() {
        let untold = pacific::untold(facts, &subject);
        return series(facts, subject, "reach", period, untold)
            .into_iter()
            .collect();
    }
    earlier
}

/// One number per day or window of a stretch of time.
pub(super) fn series(
    facts: &Facts,
    subject: String,
    metric: &'static str,
    period: &str,
    range: [(&'static str, String); 2],
) -> Option<Question> {
    let mut params = vec![("period", period.to_owned())];
    params.extend(range);
    question(
        facts,
        subject,
        format!("{period} series"),
        &[metric],
        params,
    )
}

/// Reach per day from before the totals, for backfills. The ranges lie still, so that none is asked for twice.
pub(super) fn history(facts: &Facts, today: NaiveDate) -> Vec<Question> {
    let oldest = facts.now - HISTORY;
    let newest = pacific::earlier(today, TOTAL_DAYS + 1);
    let mut questions = Vec::new();
    if facts.everything_since.is_none() {
        return questions;
    }
    let mut place = newest.num_days_from_ce() / HISTORY_DAYS;
    while let Some(first) = NaiveDate::from_num_days_from_ce_opt(place * HISTORY_DAYS) {
        let last = pacific::later(first, i64::from(HISTORY_DAYS) - 1);
        if pacific::end(last) <= oldest {
            break;
        }
        place -= 1;
        let subject = format!("series/{first}..{last}");
        if is_final(facts, &subject, last) || !facts.is_due_every(&subject, None) {
            continue;
        }
        let last = last.min(pacific::earlier(today, 1));
        let mut params = vec![("period", "day".to_owned())];
        params.extend(pacific::range(first, last, oldest));
        questions.extend(question(
            facts,
            subject,
            "reach series".to_owned(),
            &["reach"],
            params,
        ));
    }
    questions
}
