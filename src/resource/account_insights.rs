//! `account_insights`: what Meta measured about an account, day by day.
//!
//! `GET /{ig-user}/insights` ("Instagram Account Insights" page). A total is told for one day a call; a series tells up to 30 days a
//! call, and only of reach and of `follower_count`. Totals carry reach, so its series is read for history only. A metric or a
//! breakdown that is not accepted refuses the whole answer, so only what the page lists together is asked together. Left out are the
//! accepted names that no page explains (`content_views`, `quotes`, `threads_…`: accounts linked to Threads only), longer periods of
//! other metrics than reach, which nobody has seen answered, and two breakdowns at once, which would cost a call more for each day.

mod series;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::value::RawValue;

use super::decode::{self, Decoded};
use super::insight::{self, Number};
use super::pacific::{self, SETTLING};
use super::{Facts, Lost, Meter, Question, Questions, Resource, Work, left_out};
use crate::graph::{Fields, Shape};
use crate::store::{Column, History, Kind, Table, Value};

pub(super) static ACCOUNT_INSIGHTS_TABLE: Table = Table {
    name: "account_insights",
    key: &[
        "account_id",
        "name",
        "period",
        "breakdown",
        "dimension_value",
        "end_time",
    ],
    columns: &[
        Column::filled("account_id", Kind::Id),
        Column::filled("name", Kind::Text),
        Column::filled("period", Kind::Text),
        Column::filled("breakdown", Kind::Text),
        Column::filled("dimension_value", Kind::Text),
        Column::filled("end_time", Kind::Instant),
        Column::filled("value", Kind::Number),
    ],
    history: History::Observation,
    listed_by: None,
};

/// What all insights of accounts need.
pub(super) const PERMISSIONS: &[&str] = &[
    "instagram_basic",
    "instagram_manage_insights",
    "pages_read_engagement",
];

/// The resource.
pub(super) static ACCOUNT_INSIGHTS: Resource = Resource {
    name: "account_insights",
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

/// Totals are read this many days back at first: a call a day. From there on no day is left out, however long nobody asked.
const TOTAL_DAYS: i64 = 30;

/// Settled days whose breakdowns the first night asks for: three calls a day, so enough to show something and no more. Later nights
/// ask for each day once, when it has settled.
const FIRST_BREAKDOWN_DAYS: i64 = 3;

/// How far back a series is read for history: the API refuses a `since` of more than two years ago, and the clock of the API is not ours.
const HISTORY: TimeDelta = TimeDelta::days(729);

/// How often a day that is not final is read again, and what only tells new days is read.
pub(super) const NIGHTLY: Duration = Duration::from_secs(24 * 3600);

/// The series that tells of the last thirty days only ("Instagram Account Insights" page).
const FOLLOWERS: &str = "series/follower_count day";

/// The rolling windows of reach, with their nights of the week: one call tells 30 of them.
const WINDOWS: [(&str, i64); 2] = [("week", 1), ("days_28", 3)];

/// Totals of one day that are told together, all or by one breakdown.
struct Totals {
    /// How subjects begin, before the day.
    subject: &'static str,
    family: &'static str,
    breakdown: Option<&'static str>,
    metrics: &'static [&'static str],
}

static TOTALS: Totals = Totals {
    subject: "total",
    family: "day totals",
    breakdown: None,
    metrics: &[
        "reach",
        "views",
        "accounts_engaged",
        "total_interactions",
        "likes",
        "comments",
        "shares",
        "saves",
        "replies",
        "reposts",
        "profile_links_taps",
        "profile_views",
        "website_clicks",
    ],
};

/// Which metrics can be told by which breakdown.
static BREAKDOWNS: [Totals; 3] = [
    Totals {
        subject: "follow_type",
        family: "day by follow_type",
        breakdown: Some("follow_type"),
        metrics: &["reach", "follows_and_unfollows"],
    },
    Totals {
        subject: "media_product_type",
        family: "day by media_product_type",
        breakdown: Some("media_product_type"),
        metrics: &[
            "reach",
            "views",
            "total_interactions",
            "likes",
            "comments",
            "shares",
            "saves",
        ],
    },
    Totals {
        subject: "contact_button_type",
        family: "day by contact_button_type",
        breakdown: Some("contact_button_type"),
        metrics: &["profile_links_taps"],
    },
];

/// Meta's page has this breakdown under another name, and the API has been seen to refuse it: on its own, and one day a night.
static VIEWS_BY_FOLLOW_TYPE: Totals = Totals {
    subject: "views follow_type",
    family: "views by follow_type",
    breakdown: Some("follow_type"),
    metrics: &["views"],
};

/// Metrics that are absent while fewer than 100 people stand behind them.
const NEEDS_PEOPLE: [&str; 3] = [
    "follower_count",
    "follows_and_unfollows",
    "online_followers",
];

/// People who came and people who went: told by that breakdown, and the sum that comes along counts nothing.
const HAS_NO_TOTAL: &str = "follows_and_unfollows";

fn due(facts: &Facts) -> Vec<Question> {
    let today = pacific::day_of(facts.now);
    let mut questions = Vec::new();
    // Nothing older than 30 days is told of it: it would be lost first.
    if facts.is_old(FOLLOWERS, NIGHTLY) {
        let untold = pacific::untold(facts, FOLLOWERS);
        questions.extend(series::series(
            facts,
            FOLLOWERS.to_owned(),
            "follower_count",
            "day",
            untold,
        ));
    }
    let newest = pacific::earlier(today, 1);
    let at_first = pacific::earlier(today, TOTAL_DAYS);
    let first = first_known(facts, &TOTALS).map_or(at_first, |(day, _)| day.min(at_first));
    let days = days_back(facts, newest, first);
    questions.extend(days.filter_map(|day| total(facts, &TOTALS, day)));
    for breakdown in &BREAKDOWNS {
        let days = settled(facts, breakdown);
        questions.extend(days.filter_map(|day| total(facts, breakdown, day)));
    }
    for (period, place) in WINDOWS {
        questions.extend(series::windows(facts, period, place));
    }
    questions.extend(series::history(facts, today));
    let views = &VIEWS_BY_FOLLOW_TYPE;
    questions.extend(
        settled(facts, views)
            .next()
            .and_then(|day| total(facts, views, day)),
    );
    questions
}

/// Settled days whose breakdowns are wanted, the newest first: from where the first night began, so that nights that did not run, or
/// were cut off, are made up for.
fn settled(facts: &Facts, totals: &Totals) -> impl Iterator<Item = NaiveDate> + use<> {
    let newest_at = |at| pacific::earlier(pacific::day_of(at - SETTLING), 1);
    let first_night = |newest| pacific::earlier(newest, FIRST_BREAKDOWN_DAYS - 1);
    let newest = newest_at(facts.now);
    let first = first_known(facts, totals).map_or(first_night(newest), |(day, read_at)| {
        read_at.map_or(day, |at| first_night(newest_at(at)).min(day))
    });
    days_back(facts, newest, first)
}

/// The first day that anything is known of totals, and when it was read last.
fn first_known(facts: &Facts, totals: &Totals) -> Option<(NaiveDate, Option<DateTime<Utc>>)> {
    let from = format!("{}/", totals.subject);
    let (subject, read) = facts.reads.range(from.clone()..).next()?;
    let day = subject.strip_prefix(&from)?.parse().ok()?;
    Some((day, read.read_at))
}

/// Days from the newest back to the first, as far as the API tells of any.
fn days_back(
    facts: &Facts,
    newest: NaiveDate,
    first: NaiveDate,
) -> impl Iterator<Item = NaiveDate> + use<> {
    let oldest = pacific::later(pacific::day_of(facts.now - HISTORY), 1);
    let first = first.max(oldest);
    (0..)
        .map(move |back| pacific::earlier(newest, back))
        .take_while(move |day| *day >= first)
}

/// A day's totals, unless they are final; of those, what was left out when it was read and has come back.
fn total(facts: &Facts, totals: &Totals, day: NaiveDate) -> Option<Question> {
    let subject = format!("{}/{day}", totals.subject);
    let is_due = !is_final(facts, &subject, day) && facts.is_due_every(&subject, Some(NIGHTLY));
    let wanted = if is_due {
        totals.metrics.to_vec()
    } else {
        left_out::of(facts, &subject, totals.metrics)
    };
    let mut params = vec![
        ("period", "day".to_owned()),
        ("metric_type", "total_value".to_owned()),
    ];
    params.extend(totals.breakdown.map(|name| ("breakdown", name.to_owned())));
    params.extend(pacific::whole(day));
    let question = question(facts, subject, totals.family.to_owned(), &wanted, params)?;
    Some(Question {
        mark: Some(wanted.join(",")),
        ..question
    })
}

/// Whether a day was read when its numbers had settled: then it is never asked for again.
fn is_final(facts: &Facts, subject: &str, last: NaiveDate) -> bool {
    let read_at = facts.reads.get(subject).and_then(|read| read.read_at);
    read_at.is_some_and(|at| at >= pacific::end(last) + SETTLING)
}

/// Days of which new followers cannot be told any more.
fn lost(facts: &Facts) -> Vec<Lost> {
    let lost = pacific::lost(facts, FOLLOWERS, "follower_count");
    lost.into_iter().collect()
}

/// A question about an account, with the metrics that are not refused.
pub(super) fn question(
    facts: &Facts,
    subject: String,
    family: String,
    metrics: &[&'static str],
    params: Vec<(&'static str, String)>,
) -> Option<Question> {
    let metrics = facts.accepted(&family, metrics);
    (!metrics.is_empty()).then(|| Question {
        subject,
        object_id: None,
        endpoint: "/{ig-user}/insights",
        path: format!("/{}/insights", facts.account_id),
        fields: Fields::default(),
        metrics,
        params,
        limit: None,
        shape: Shape::Single,
        after: None,
        family,
        posted_at: None,
        mark: None,
        otherwise: None,
        stands_for: Vec::new(),
        rest: None,
        news: None,
        ..Question::default()
    })
}

/// The rows of an answer. A total does not say which day it is of: its question does.
pub(super) fn rows(
    account_id: &str,
    question: &Question,
    answer: &[Box<RawValue>],
    decoded: &mut Decoded,
) {
    let day = question
        .subject
        .rsplit_once('/')
        .and_then(|(_, day)| day.parse().ok());
    let day_end = day.map(|day: NaiveDate| pacific::end(day).to_rfc3339());
    let period = question.param("period").unwrap_or_default();
    // The night on which a metric is refused has left it out, too.
    let wanted = question.mark.as_deref();
    let wanted: Option<Vec<&str>> = wanted.map(|wanted| wanted.split(',').collect());
    decoded.mark = wanted.map(|wanted| left_out::mark(&wanted, &question.metrics));
    let mut told = BTreeSet::new();
    for metric in answer {
        let numbers = match insight::numbers(metric) {
            Ok(numbers) => numbers,
            Err(problem) => {
                decoded.problems.push(problem);
                continue;
            }
        };
        told.extend(numbers.first().map(|number| number.name.clone()));
        let is_told = |number: &Number| number.name != HAS_NO_TOTAL || !number.breakdown.is_empty();
        for number in numbers.into_iter().filter(is_told) {
            let end_time = number.end_time.as_ref().or(day_end.as_ref());
            let end_time = end_time.and_then(|text| decode::instant(text));
            let filled = [
                ("account_id", account_id.into()),
                ("name", number.name.as_str().into()),
                ("period", period.into()),
                ("breakdown", number.breakdown.as_str().into()),
                ("dimension_value", number.dimension_value.as_str().into()),
                ("end_time", end_time.map_or(Value::Null, Value::Text)),
            ];
            let row = decode::number(&ACCOUNT_INSIGHTS_TABLE, &filled, &number.value);
            decoded.take(row.map(|row| vec![row]));
        }
    }
    // An empty map of hours is an answer.
    let is_absent = |name: &&&str| NEEDS_PEOPLE.contains(name) && !told.contains(**name);
    if answer.is_empty() || question.param("breakdown") == Some("follow_type") {
        decoded
            .too_few
            .extend(question.metrics.iter().filter(is_absent));
    }
}

#[cfg(test)]
mod tests;
