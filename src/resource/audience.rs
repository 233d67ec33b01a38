//! `audience`: who follows, who engaged, who was reached, by age and gender, city, country.
//!
//! `GET /{ig-user}/insights` with `period=lifetime` ("Instagram Account Insights" page, demographic metrics): the 45 largest groups of
//! people whose data Meta knows. Age and gender are asked for together, as neither can be told from the other. Fewer than 100 people
//! are absent or refused.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;

use super::account_insights::{PERMISSIONS, question};
use super::decode::{self, Decoded};
use super::{Facts, Meter, Question, Questions, Resource, Work, insight};
use crate::store::{Column, History, Kind, Table};

static AUDIENCE_TABLE: Table = Table {
    name: "audience",
    key: &[
        "account_id",
        "name",
        "timeframe",
        "breakdown",
        "dimension_value",
    ],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::filled("name", Kind::Text),
        Column::filled("timeframe", Kind::Text),
        Column::filled("breakdown", Kind::Text),
        Column::filled("dimension_value", Kind::Text),
        Column::filled("value", Kind::Number),
    ],
    history: History::Observation,
    listed_by: None,
};

/// The resource.
pub(super) static AUDIENCE: Resource = Resource {
    name: "audience",
    permissions: PERMISSIONS,
    meter: Meter::Account,
    urgent: false,
    tables: &[&AUDIENCE_TABLE],
    work: Work::Questions(Questions {
        due,
        rows,
        lost: None,
    }),
};

/// A metric, and whether it is of a timeframe: people who engaged or were reached need one.
const METRICS: [(&str, Option<&str>); 3] = [
    ("follower_demographics", None),
    ("engaged_audience_demographics", Some(MONTH)),
    ("reached_audience_demographics", Some(MONTH)),
];

/// The longest timeframe that is told: what `this_week` adds costs as much again.
const MONTH: &str = "this_month";

const BREAKDOWNS: [&str; 3] = ["age,gender", "city", "country"];

/// An audience changes slowly.
const WEEKLY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Between two metrics that are read again, so that they do not all fall into one night.
const APART: TimeDelta = TimeDelta::hours(47);

fn due(facts: &Facts) -> Vec<Question> {
    let subject = |metric: &str, breakdown: &str| format!("{metric}/{breakdown}");
    let read_at = |subject: &String| facts.reads.get(subject).and_then(|read| read.read_at);
    let of_metric = |(metric, timeframe): (&'static str, Option<&'static str>)| {
        let subjects = BREAKDOWNS
            .iter()
            .map(|breakdown| (subject(metric, breakdown), *breakdown));
        subjects
            .filter(|(subject, _)| facts.is_old(subject, WEEKLY))
            .filter_map(|(subject, breakdown)| ask(facts, metric, timeframe, subject, breakdown))
            .collect::<Vec<Question>>()
    };
    let waiting: Vec<Question> = METRICS.into_iter().flat_map(of_metric).collect();
    let (known, new): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .partition(|question| read_at(&question.subject).is_some());
    if !new.is_empty() {
        return new;
    }
    let newest: Option<DateTime<Utc>> = facts.reads.values().filter_map(|read| read.read_at).max();
    if newest.is_some_and(|at| facts.now < at + APART) {
        return Vec::new();
    }
    let Some(oldest) = known
        .iter()
        .min_by_key(|question| read_at(&question.subject))
    else {
        return Vec::new();
    };
    let metrics = oldest.metrics.clone();
    known
        .into_iter()
        .filter(|question| question.metrics == metrics)
        .collect()
}

/// Meta's page wants a timeframe for followers, too; the API has been seen to do without. So it is added when it is missed.
fn ask(
    facts: &Facts,
    metric: &'static str,
    timeframe: Option<&'static str>,
    subject: String,
    breakdown: &str,
) -> Option<Question> {
    let mark = facts.reads.get(&subject).and_then(|read| read.mark.clone());
    let needed = (mark.as_deref() == Some(MONTH)).then_some(MONTH);
    let asked = timeframe.or(needed);
    let mut params = vec![
        ("period", "lifetime".to_owned()),
        ("metric_type", "total_value".to_owned()),
        ("breakdown", breakdown.to_owned()),
    ];
    params.extend(asked.map(|timeframe| ("timeframe", timeframe.to_owned())));
    let family = timeframe.unwrap_or("lifetime").to_owned();
    let question = question(facts, subject, family, &[metric], params)?;
    Some(Question {
        mark: needed.map(str::to_owned),
        otherwise: asked.is_none().then_some(("timeframe", MONTH)),
        ..question
    })
}

/// The rows of an answer. A group that is not among the largest any more keeps its last row: that is not zero.
fn rows(account_id: &str, question: &Question, answer: &[Box<RawValue>], decoded: &mut Decoded) {
    let timeframe = question.param("timeframe").unwrap_or_default();
    let mut is_told = false;
    for metric in answer {
        let numbers = match insight::numbers(metric) {
            Ok(numbers) => numbers,
            Err(problem) => {
                decoded.problems.push(problem);
                continue;
            }
        };
        is_told |= !numbers.is_empty();
        for number in numbers {
            let filled = [
                ("account_id", account_id.into()),
                ("name", number.name.as_str().into()),
                ("timeframe", timeframe.into()),
                ("breakdown", number.breakdown.as_str().into()),
                ("dimension_value", number.dimension_value.as_str().into()),
            ];
            let row = decode::number(&AUDIENCE_TABLE, &filled, &number.value);
            decoded.take(row.map(|row| vec![row]));
        }
    }
    if !is_told {
        decoded.too_few.extend(&question.metrics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Read;

    #[test]
    fn an_audience_is_asked_for_weekly_and_never_two_nights_in_a_row() {
        let mut facts = Facts::of("1", "2026-11-20T10:00:00Z".parse().unwrap());
        let mut nights = Vec::new();
        for _ in 0..22 {
            // A backfill every night asks for no more.
            facts.everything_since = Some(facts.now);
            let asked = due(&facts);
            for question in &asked {
                let read = Read {
                    subject: question.subject.clone(),
                    read_at: Some(facts.now),
                    ..Read::default()
                };
                facts.reads.insert(question.subject.clone(), read);
            }
            nights.push(asked.len());
            facts.now += TimeDelta::days(1);
        }
        assert_eq!(nights[..12], [9, 0, 0, 0, 0, 0, 0, 3, 0, 3, 0, 3]);
        assert_eq!(nights[12..], [0, 0, 3, 0, 3, 0, 3, 0, 0, 3]);
    }
}
