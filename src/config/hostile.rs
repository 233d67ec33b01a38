//! Configurations that are almost right: none may do harm, and what is accepted can be worked with.

use proptest::prelude::*;

use super::*;
use crate::budget::{Budget, Demand, PoolKey, Urgency};
use crate::clock::parse_instant;
use crate::graph::hostile::{changed, changes};
use crate::resource::Refresh;

/// The example with every commented key switched on, without the environment's.
fn example() -> &'static str {
    static EXAMPLE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let example = include_str!("../../config.example.toml");
        let on = |line: &str| match line.strip_prefix('#') {
            Some(rest) if rest.contains("_env = ") => String::new(),
            Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
            Some(_) => String::new(),
            None => format!("{line}\n"),
        };
        let text: String = example.lines().map(on).collect();
        let config = check("igsync.toml".as_ref(), &text, None);
        config.unwrap_or_else(|error| panic!("{error}"));
        text
    })
}

/// What people write at the wrong place, or too much of.
const WORDS: &[&str] = &[
    "\"99999999999999y\"",
    "\"18446744073709551615s\"",
    "\"1ns\"",
    "\"0 0 * * *\"",
    "\"*/0 * * * *\"",
    "\"0-99999999999 * * * *\"",
    "\"* * 31 2 *\"",
    "\"@yearly\"",
    "\"Europe/Nowhere\"",
    "\"v99999999999.0\"",
    "\"http://localhost@evil.example\"",
    "\"https://[::\"",
    "9223372036854775807",
    "inf",
    "1979-05-27T07:32:00Z",
    "[\"\u{0}\"]",
    "'''",
];

proptest! {
    #[test]
    fn a_configuration_is_refused_with_a_place_or_can_be_worked_with(
        changes in changes(),
        word in prop::sample::select(WORDS),
        at in any::<prop::sample::Index>(),
    ) {
        let mut text = String::from_utf8_lossy(&changed(example(), &changes)).into_owned();
        let values: Vec<usize> = text.match_indices(" = ").map(|(at, _)| at + 3).collect();
        if !values.is_empty() && changes.len() < 3 {
            let begin = values[at.index(values.len())];
            let end = text[begin..].find('\n').map_or(text.len(), |end| begin + end);
            text.replace_range(begin..end, word);
        }
        match check("igsync.toml".as_ref(), &text, None) {
            Ok(config) => work_with(&config),
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.starts_with("igsync.toml:"), "{}", error);
                prop_assert!(!error.contains('\n'), "{}", error);
            }
        }
    }

    #[test]
    fn a_schedule_is_refused_or_has_its_next_time(line in "[0-9*/,?LW# a-zA-Z-]{0,30}|([0-9]{1,4}|\\*|[0-9]-[0-9]{1,2}|\\*/[0-9]{1,3}|[A-Z]{3})( ([0-9]{1,4}|\\*|[0-9]-[0-9]|\\*/[0-9]|[A-Za-z]{3})){4,5}") {
        if let Ok(schedule) = Schedule::parse(&line, Tz::Europe__Berlin) {
            follow(&schedule);
        }
    }
}

fn follow(schedule: &Schedule) {
    let mut now = parse_instant("2026-03-28T23:00:00Z").unwrap();
    for _ in 0..3 {
        let Some(next) = schedule.next_after(now) else {
            return;
        };
        assert!(next > now, "{next} is not after {now}");
        now = next;
    }
}

fn work_with(config: &Config) {
    let now = parse_instant("2026-05-07T13:00:00Z").unwrap();
    for job in &config.jobs {
        follow(&job.schedule);
    }
    let refresh = Refresh(config.refresh.clone());
    let age = refresh.daily();
    assert!(now - age < now + chrono::TimeDelta::seconds(1));
    if let Some(often) = refresh.every(age) {
        let _ = now + often;
    }
    let budget = Budget::new(config.budget.clone());
    let pools = [PoolKey::parse("buc:1").unwrap()];
    let demand = Demand {
        pools: &pools,
        calls: 1,
        urgency: Urgency::Bulk,
    };
    let _ = budget.admit(demand, now);
    budget.settle(demand, now);
}
