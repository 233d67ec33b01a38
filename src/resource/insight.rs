//! Answers of `/insights` edges: metrics, with or without breakdowns ("Instagram Media Insights" and "Instagram Account Insights"
//! pages, response shapes).

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::decode::{self, Unreadable};

/// One number of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// The metric.
    pub(super) name: String,
    /// The dimensions' names, joined by commas; empty: none.
    pub(super) breakdown: String,
    /// The dimensions' values as they are told, joined by commas where there are several.
    pub(super) dimension_value: String,
    /// End of the day that is meant; only in time series.
    pub(super) end_time: Option<String>,
    /// What was measured.
    pub(super) value: Json,
}

/// The numbers of one metric of an answer. What is absent is not told: no number, not zero.
pub(super) fn numbers(raw: &RawValue) -> Result<Vec<Number>, Unreadable> {
    of_metric(&decode::object(raw)?)
}

/// The numbers of one metric that came nested in its object.
pub(super) fn of_nested(metric: &Json) -> Result<Vec<Number>, Unreadable> {
    of_metric(decode::map(metric)?)
}

fn of_metric(metric: &Map<String, Json>) -> Result<Vec<Number>, Unreadable> {
    let Some(name) = metric.get("name").and_then(Json::as_str) else {
        return Err(Unreadable {
            object: "a metric".to_owned(),
            problem: "it has no name".to_owned(),
        });
    };
    let number = |value: &Json| Number {
        name: name.to_owned(),
        breakdown: String::new(),
        dimension_value: String::new(),
        end_time: None,
        value: value.clone(),
    };
    let mut numbers = Vec::new();
    let values = metric.get("values").and_then(Json::as_array);
    for value in values.into_iter().flatten() {
        let end_time = value.get("end_time").and_then(Json::as_str);
        match value.get("value") {
            // online_followers: an hour each.
            Some(Json::Object(hours)) => numbers.extend(hours.iter().map(|(hour, value)| Number {
                breakdown: "hour".to_owned(),
                dimension_value: hour.clone(),
                end_time: end_time.map(str::to_owned),
                ..number(value)
            })),
            Some(value) => numbers.push(Number {
                end_time: end_time.map(str::to_owned),
                ..number(value)
            }),
            None => {}
        }
    }
    let Some(total) = metric.get("total_value") else {
        return Ok(numbers);
    };
    // With a breakdown the total comes in both forms.
    if numbers.is_empty() {
        numbers.extend(total.get("value").map(number));
    }
    let breakdowns = total.get("breakdowns").and_then(Json::as_array);
    for breakdown in breakdowns.into_iter().flatten() {
        numbers.extend(of_breakdown(breakdown, &number(&Json::Null)));
    }
    Ok(numbers)
}

/// Dimensions are found by their keys: `timeframe` may stand among them, and is no dimension of ours.
fn of_breakdown(breakdown: &Json, number: &Number) -> Vec<Number> {
    let texts = |list: Option<&Json>| -> Vec<String> {
        let list = list.and_then(Json::as_array).into_iter().flatten();
        list.map(|text| text.as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let keys = texts(breakdown.get("dimension_keys"));
    let named = |values: &[String]| -> Vec<String> {
        let pairs = keys
            .iter()
            .zip(values)
            .filter(|(key, _)| *key != "timeframe");
        pairs.map(|(_, value)| value.clone()).collect()
    };
    let results = breakdown.get("results").and_then(Json::as_array);
    let results = results.into_iter().flatten();
    results
        .filter_map(|result| {
            Some(Number {
                breakdown: named(&keys).join(","),
                dimension_value: named(&texts(result.get("dimension_values"))).join(","),
                end_time: None,
                value: result.get("value")?.clone(),
                ..number.clone()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, String, Option<String>, String)> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let numbers = numbers(&raw).unwrap().into_iter();
        numbers
            .map(|n| {
                (
                    n.breakdown,
                    n.dimension_value,
                    n.end_time,
                    n.value.to_string(),
                )
            })
            .collect()
    }

    fn row(
        breakdown: &str,
        dimension: &str,
        value: &str,
    ) -> (String, String, Option<String>, String) {
        (
            breakdown.to_owned(),
            dimension.to_owned(),
            None,
            value.to_owned(),
        )
    }

    #[test]
    fn every_documented_shape_is_read() {
        assert_eq!(
            read(r#"{"name":"reach","period":"lifetime","values":[{"value":57}]}"#),
            [row("", "", "57")]
        );
        assert_eq!(
            read(
                r#"{"name":"profile_activity","values":[{"value":4}],"total_value":{"value":4,"breakdowns":[
                {"dimension_keys":["action_type"],"results":[{"dimension_values":["email"],"value":1},
                {"dimension_values":["bio_link_clicked"],"value":3}]}]}}"#
            ),
            [
                row("", "", "4"),
                row("action_type", "email", "1"),
                row("action_type", "bio_link_clicked", "3")
            ]
        );
        assert_eq!(
            read(
                r#"{"name":"reach","period":"day","values":[{"value":111,"end_time":"2026-09-19T07:00:00+0000"}]}"#
            ),
            [(
                String::new(),
                String::new(),
                Some("2026-09-19T07:00:00+0000".to_owned()),
                "111".to_owned()
            )]
        );
        assert_eq!(
            read(
                r#"{"name":"x","total_value":{"breakdowns":[{"dimension_keys":["timeframe","age","gender"],
                "results":[{"dimension_values":["LAST_90_DAYS","25-34","F"],"value":9}]}]}}"#
            ),
            [row("age,gender", "25-34,F", "9")]
        );
    }

    #[test]
    fn what_is_absent_is_no_number() {
        assert_eq!(
            read(r#"{"name":"follows_and_unfollows","period":"day"}"#),
            []
        );
        assert_eq!(
            read(r#"{"name":"x","total_value":{"breakdowns":[{"dimension_keys":["a"]}]}}"#),
            []
        );
        assert_eq!(
            read(r#"{"name":"online_followers","values":[{"value":{}}]}"#),
            []
        );
        let raw = RawValue::from_string("{}".to_owned()).unwrap();
        assert!(numbers(&raw).is_err());
    }
}
