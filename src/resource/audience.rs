//! `audience`: who follows, who engaged, who was reached, by age and gender, city, country.
//!
//! `GET /{ig-user}/insights` with `period=lifetime` ("Instagram Account Insights" page, demographic metrics): the 45 largest groups of
//! people whose data Meta knows. Age and gender are asked for together, as neither can be told from the other. Fewer than 100 people
//! are absent or refused.

use serde_json::value::RawValue;

use super::account_insights::{PERMISSIONS, question};
use super::decode::{self, Decoded};
use super::{Facts, Meter, Question, Questions, Resource, Work, insight, weekly};
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

/// A metric, whether it is of a timeframe (people who engaged or were reached need one), and its night of the week: an audience
/// changes slowly.
const METRICS: [(&str, Option<&str>, i64); 3] = [
    ("follower_demographics", None, 2),
    ("engaged_audience_demographics", Some(MONTH), 4),
    ("reached_audience_demographics", Some(MONTH), 6),
];

/// The longest timeframe that is told: what `this_week` adds costs as much again.
const MONTH: &str = "this_month";

const BREAKDOWNS: [&str; 3] = ["age,gender", "city", "country"];

fn due(facts: &Facts) -> Vec<Question> {
    let mut due = Vec::new();
    for (metric, timeframe, place) in METRICS {
        for breakdown in BREAKDOWNS {
            let subject = format!("{metric}/{breakdown}");
            if facts.is_due_weekly(&subject, place, weekly::LONGER) {
                due.extend(ask(facts, metric, timeframe, subject, breakdown));
            }
        }
    }
    due
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
    use chrono::TimeDelta;

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
        assert_eq!(nights[0], 9);
        assert!(nights.windows(2).all(|pair| pair[0] == 0 || pair[1] == 0));
        for week in nights[1..].chunks(7) {
            assert_eq!(week.iter().sum::<usize>(), 9, "{nights:?}");
        }
    }
}
