//! Usage headers: what Meta tells about its pools.
//!
//! `X-App-Usage` speaks of Platform pools, `X-Business-Use-Case-Usage` of BUC pools ("Rate Limits" page). Both may be
//! on any answer, errors included; absent means unknown, not zero.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::budget::Reading;

/// The headers that tell usage.
pub(super) const HEADERS: [&str; 2] = ["x-app-usage", "x-business-use-case-usage"];

/// No usage header is so long: Meta lists the pools of one call.
const LONGEST: usize = 64 << 10;

/// The usage that one answer reported.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// `X-App-Usage`.
    pub(super) platform: Option<Reading>,
    /// `X-Business-Use-Case-Usage`: an entry per id and type, as they came.
    pub(super) buc: Vec<BucUsage>,
}

/// One entry of `X-Business-Use-Case-Usage`.
#[derive(Debug, PartialEq)]
pub(super) struct BucUsage {
    /// The business, account, Page or ad account it belongs to.
    pub(super) id: String,
    /// `instagram`, `pages`, `messenger`, …; unknown ones are kept.
    pub(super) kind: String,
    /// The gauges.
    pub(super) reading: Reading,
}

#[derive(Deserialize)]
struct Gauges {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    call_count: f32,
    #[serde(default)]
    total_cputime: f32,
    #[serde(default)]
    total_time: f32,
    /// Minutes.
    #[serde(default)]
    estimated_time_to_regain_access: f64,
}

/// A JSON object as a list of its entries. Meta's own sample repeats a key, and a map would keep the last only.
struct Entries(Vec<(String, Vec<Gauges>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

impl From<Gauges> for Reading {
    fn from(gauges: Gauges) -> Self {
        let percent = |value: f32| {
            if value.is_finite() {
                value.max(0.0)
            } else {
                0.0
            }
        };
        let minutes = gauges.estimated_time_to_regain_access;
        let minutes = if minutes.is_finite() {
            minutes.clamp(0.0, MOST_REGAIN_MINUTES)
        } else {
            0.0
        };
        Self {
            call_count: percent(gauges.call_count),
            total_cputime: percent(gauges.total_cputime),
            total_time: percent(gauges.total_time),
            regain: Duration::from_secs_f64(minutes * 60.0),
        }
    }
}

/// A week: what is longer is a mistake, and would overflow a clock.
const MOST_REGAIN_MINUTES: f64 = 7.0 * 24.0 * 60.0;

impl Usage {
    /// Reads the headers of an answer. A header that cannot be read counts as absent and is reported in the log.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let platform = parse::<Gauges>(headers, HEADERS[0]).map(Reading::from);
        let entries = parse::<Entries>(headers, HEADERS[1]);
        let buc = entries
            .into_iter()
            .flat_map(|Entries(entries)| entries)
            .flat_map(|(id, gauges)| gauges.into_iter().map(move |gauges| (id.clone(), gauges)))
            .map(|(id, gauges)| BucUsage {
                id,
                kind: gauges.kind.clone(),
                reading: gauges.into(),
            })
            .collect();
        Self { platform, buc }
    }

    /// The worst BUC reading of a type, over all ids: the business and the account report alike.
    pub(super) fn of_type(&self, kind: &str) -> Option<Reading> {
        self.worst(|usage| usage.kind == kind)
    }

    /// The worst BUC reading.
    pub(super) fn of_any_type(&self) -> Option<Reading> {
        self.worst(|_| true)
    }

    fn worst(&self, counts: impl Fn(&BucUsage) -> bool) -> Option<Reading> {
        let readings = self.buc.iter().filter(|usage| counts(usage));
        readings.map(|usage| usage.reading).reduce(Reading::max)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(headers: &HeaderMap, name: &str) -> Option<T> {
    let value = headers.get(name)?;
    if value.len() > LONGEST {
        tracing::warn!(
            header = name,
            bytes = value.len(),
            "a usage header is longer than any can be; it counts as absent"
        );
        return None;
    }
    serde_json::from_slice(value.as_bytes())
        .inspect_err(|error| {
            // Not what the error says: it quotes, and a header may hold anything.
            let (kind, column) = (error.classify(), error.column());
            tracing::warn!(
                header = name,
                ?kind,
                column,
                "a usage header cannot be read; it counts as absent"
            );
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    fn usage(name: &'static str, value: &str) -> Usage {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        Usage::read(&headers)
    }

    #[test]
    fn the_app_header_has_three_gauges_in_any_order() {
        let usage = usage(
            "x-app-usage",
            r#"{"call_count": 28, "total_time": 25, "total_cputime": 2.5}"#,
        );
        let reading = usage.platform.unwrap();
        assert_eq!(
            (
                reading.call_count,
                reading.total_cputime,
                reading.total_time
            ),
            (28.0, 2.5, 25.0)
        );
        assert_eq!(reading.regain, Duration::ZERO);
    }

    #[test]
    fn a_key_that_appears_twice_keeps_both_values() {
        let usage = usage(
            "x-business-use-case-usage",
            r#"{"66782684":[{"type":"ads_insights","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":0}],
                "66782684":[{"type":"instagram","call_count":97,"total_cputime":23,"total_time":23,"estimated_time_to_regain_access":19}],
                "17841400000000000":[{"type":"instagram","call_count":1,"total_cputime":99,"total_time":1}]}"#
                .replace('\n', " ").as_str(),
        );
        assert_eq!(usage.buc.len(), 3);
        let worst = usage.of_type("instagram").unwrap();
        assert_eq!((worst.call_count, worst.total_cputime), (97.0, 99.0));
        assert_eq!(worst.regain, Duration::from_secs(19 * 60));
    }

    #[test]
    fn headers_that_cannot_be_read_count_as_absent() {
        for value in [
            "",
            "null",
            "[1]",
            "{\"call_count\":",
            "{\"call_count\":\"x\"}",
        ] {
            assert_eq!(usage("x-app-usage", value), Usage::default(), "{value}");
            assert_eq!(
                usage("x-business-use-case-usage", value),
                Usage::default(),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_number_in_a_header_breaks_anything(number in any::<f64>(), minutes in any::<f64>()) {
            let value = serde_json::json!({"1": [{"type": "instagram", "call_count": number,
                "estimated_time_to_regain_access": minutes}]});
            let worst = usage("x-business-use-case-usage", &value.to_string());
            if let Some(reading) = worst.of_type("instagram") {
                prop_assert!(reading.call_count >= 0.0);
                prop_assert!(reading.regain <= Duration::from_secs(7 * 24 * 3600));
            }
        }
    }
}
