//! The rows of `/{ig}/insights`.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::error::{GraphError, Outcome};
use crate::reader::Reader;
use crate::world::Account;

use super::Row;
use super::account_insights::Question;
use super::insight::{Described, described, row};
use super::timestamp::timestamp;

/// Fewer followers, reached or engaged people than this, and some metrics are not told.
const PEOPLE_NEEDED: i64 = 100;

const MEDIA_PRODUCT_TYPES: [&str; 5] = ["AD", "CAROUSEL_CONTAINER", "POST", "REEL", "STORY"];
const FOLLOW_TYPES: [&str; 3] = ["FOLLOWER", "NON_FOLLOWER", "UNKNOWN"];
const CONTACT_BUTTON_TYPES: [&str; 7] = [
    "BOOK_NOW",
    "CALL",
    "DIRECTION",
    "EMAIL",
    "INSTANT_EXPERIENCE",
    "TEXT",
    "UNDEFINED",
];
/// Timeframes of engaged and reached people; the longer ones were dropped with v20.0.
const TIMEFRAMES: [&str; 2] = ["this_week", "this_month"];
const OLD_TIMEFRAMES: [&str; 4] = ["last_14_days", "last_30_days", "last_90_days", "prev_month"];

/// One value per day.
pub(super) fn series(account: Account<'_>, metric: &str, question: &Question<'_>) -> Vec<Row> {
    let needs_people = metric != "reach";
    if needs_people && account.followers_count() < PEOPLE_NEEDED {
        return Vec::new();
    }
    let days = account.days_ending_within(question.since, question.until);
    let values: Vec<Value> = days
        .iter()
        .filter_map(|day| point(account, metric, question.period, *day))
        .collect();
    // Recorded: the time series of reach has a shorter title than its total.
    let (title, description) = match metric {
        "reach" => (
            "Reach".to_owned(),
            "The total number of times that the business account's media objects have been uniquely viewed.".to_owned(),
        ),
        _ => {
            let Described { title, description } = described(metric);
            (title, description)
        }
    };
    let insight = row()
        .with("name", metric)
        .with("period", question.period)
        .with("values", values)
        .with("title", title)
        .with("description", description)
        .with("id", id(account, metric, question));
    vec![insight]
}

fn point(account: Account<'_>, metric: &str, period: &str, day: NaiveDate) -> Option<Value> {
    let end_time = account.end_of_day(day)?.timestamp();
    let value = match (metric, period) {
        ("online_followers", _) => {
            account.insight_on("reach", day)?;
            let hours = account.online_followers(day);
            Value::Object(
                hours
                    .into_iter()
                    .map(|(hour, people)| (hour.to_string(), Value::from(people)))
                    .collect::<Map<_, _>>(),
            )
        }
        (_, "week" | "days_28") => {
            account.insight_on(metric, day)?;
            let length = if period == "week" { 7 } else { 28 };
            let window: Vec<NaiveDate> = day.iter_days().rev().take(length).collect();
            Value::from(account.insight_over(metric, &window))
        }
        _ => Value::from(account.insight_on(metric, day)?),
    };
    Some(json!({ "value": value, "end_time": timestamp(end_time).to_string() }))
}

/// One number for the range, by breakdowns where wanted.
pub(super) fn totals(account: Account<'_>, metric: &str, question: &Question<'_>) -> Vec<Row> {
    let few_followers = account.followers_count() < PEOPLE_NEEDED;
    if is_about_threads(metric) || (metric == "follows_and_unfollows" && few_followers) {
        return Vec::new();
    }
    // A day that ended exactly at `since` belongs to the range before.
    let days = account.days_ending_within(question.since + 1, question.until);
    let Described { title, description } = described(metric);
    let mut insight = row()
        .with("name", metric)
        .with("period", question.period)
        .with("title", title)
        .with("description", description);
    if let Some(total_value) = total_value(account, metric, &days, &question.breakdowns) {
        insight = insight.with("total_value", total_value);
    }
    vec![insight.with("id", id(account, metric, question))]
}

fn total_value(
    account: Account<'_>,
    metric: &str,
    days: &[NaiveDate],
    breakdowns: &[&str],
) -> Option<Value> {
    if metric == "follows_and_unfollows" {
        // Without the breakdown nothing is told: gained and lost are no sum.
        breakdowns.first()?;
        let changes = days
            .iter()
            .filter_map(|day| account.follows_and_unfollows(*day));
        let (gained, lost) = changes.fold((0, 0), |(gained, lost), (more, less)| {
            (gained + more, lost + less)
        });
        let results = json!([
            { "dimension_values": ["FOLLOWER"], "value": gained },
            { "dimension_values": ["NON_FOLLOWER"], "value": lost },
        ]);
        return Some(
            json!({ "value": gained + lost, "breakdowns": [{ "dimension_keys": breakdowns, "results": results }] }),
        );
    }
    let value = account.insight_over(metric, days);
    if breakdowns.is_empty() {
        return Some(json!({ "value": value }));
    }
    let mut results = vec![(Vec::new(), value)];
    for breakdown in breakdowns {
        let values: &[&str] = match *breakdown {
            "media_product_type" => &MEDIA_PRODUCT_TYPES,
            "contact_button_type" => &CONTACT_BUTTON_TYPES,
            _ => &FOLLOW_TYPES,
        };
        results = results
            .into_iter()
            .flat_map(|(path, total): (Vec<&str>, i64)| {
                let parts = account.parts(metric, total, breakdown, values);
                parts
                    .into_iter()
                    .map(move |(part, share)| ([path.as_slice(), &[part]].concat(), share))
            })
            .collect();
    }
    let results: Vec<Value> = results
        .iter()
        .filter(|(_, share)| *share > 0)
        .map(|(path, share)| json!({ "dimension_values": path, "value": share }))
        .collect();
    let mut breakdown = json!({ "dimension_keys": breakdowns });
    if !results.is_empty() {
        breakdown["results"] = Value::from(results);
    }
    Some(json!({ "value": value, "breakdowns": [breakdown] }))
}

/// Who follows, was reached or engaged.
pub(super) fn demographics(
    reader: &Reader<'_>,
    account: Account<'_>,
    metric: &str,
    question: &Question<'_>,
) -> Outcome<Vec<Row>> {
    if is_about_threads(metric) {
        return Ok(Vec::new());
    }
    let is_about_followers = metric == "follower_demographics";
    check_timeframe(reader, question.timeframe, is_about_followers)?;
    if account.audience_size(metric) < PEOPLE_NEEDED {
        let refused = !is_about_followers && reader.rules().small_audience_is_refused;
        return if refused {
            Err(GraphError::new(100, "Invalid parameter").subcode(2_874_010))
        } else {
            Ok(Vec::new())
        };
    }
    let Described { title, description } = described(metric);
    let mut insight = row()
        .with("name", metric)
        .with("period", question.period)
        .with("title", title)
        .with("description", description);
    if !question.breakdowns.is_empty() {
        insight = insight.with("total_value", by_groups(account, metric, question));
    }
    Ok(vec![insight.with("id", id(account, metric, question))])
}

/// With a timeframe it comes first among the dimensions, in upper case.
fn by_groups(account: Account<'_>, metric: &str, question: &Question<'_>) -> Value {
    let timeframe: Vec<String> = question
        .timeframe
        .iter()
        .map(|timeframe| timeframe.to_uppercase())
        .collect();
    let keys: Vec<&str> = question
        .timeframe
        .iter()
        .map(|_| "timeframe")
        .chain(question.breakdowns.iter().copied())
        .collect();
    let results: Vec<Value> = account
        .audience(metric, &question.breakdowns)
        .into_iter()
        .map(|(path, people)| {
            let values = [timeframe.clone(), path].concat();
            json!({ "dimension_values": values, "value": people })
        })
        .collect();
    json!({ "breakdowns": [{ "dimension_keys": keys, "results": results }] })
}

fn check_timeframe(
    reader: &Reader<'_>,
    timeframe: Option<&str>,
    is_about_followers: bool,
) -> Outcome<()> {
    let Some(timeframe) = timeframe else {
        let needed = !is_about_followers || reader.rules().follower_demographics_need_timeframe;
        return if needed {
            Err(GraphError::missing_parameter("timeframe"))
        } else {
            Ok(())
        };
    };
    let known = TIMEFRAMES.contains(&timeframe)
        || (is_about_followers && OLD_TIMEFRAMES.contains(&timeframe));
    if known {
        return Ok(());
    }
    let message = format!(
        "(#100) timeframe must be one of the following values: {}",
        TIMEFRAMES.join(", ")
    );
    Err(GraphError::new(100, message))
}

/// Accepted names that only accounts with a linked Threads profile have values for.
fn is_about_threads(metric: &str) -> bool {
    metric.starts_with("threads_") || matches!(metric, "quotes" | "content_views")
}

fn id(account: Account<'_>, metric: &str, question: &Question<'_>) -> String {
    format!("{}/insights/{metric}/{}", account.id(), question.period)
}
