use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::*;
use crate::store::Read;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn facts(now: &str) -> Facts {
    Facts::of("1", at(now))
}

/// Notes all that is due as read now, and gives the subjects.
fn ask_all(facts: &mut Facts) -> Vec<String> {
    let asked: Vec<String> = due(facts).into_iter().map(|asked| asked.subject).collect();
    for subject in &asked {
        let read = Read {
            subject: subject.clone(),
            read_at: Some(facts.now),
            ..Read::default()
        };
        facts.reads.insert(subject.clone(), read);
    }
    asked
}

#[test]
fn a_night_asks_for_what_is_new_or_has_not_settled() {
    let mut facts = facts("2026-11-20T10:00:00Z");
    let first = ask_all(&mut facts);
    let of =
        |asked: &[String], kind: &str| asked.iter().filter(|one| one.starts_with(kind)).count();
    assert_eq!(of(&first, "total/"), 30);
    assert_eq!(of(&first, "media_product_type/"), 3);
    assert_eq!(first[0], "series/follower_count day");
    assert_eq!(first[1], "total/2026-11-19");
    assert_eq!(ask_all(&mut facts), [] as [String; 0]);

    facts.now += TimeDelta::days(1);
    let second = ask_all(&mut facts);
    assert_eq!(
        second,
        [
            "series/follower_count day",
            "total/2026-11-20",
            "total/2026-11-19",
            "total/2026-11-18",
            "follow_type/2026-11-18",
            "media_product_type/2026-11-18",
            "contact_button_type/2026-11-18",
            "series/reach week",
            "views follow_type/2026-11-18",
        ]
    );
    // Nights that did not run are made up for.
    facts.now += TimeDelta::days(5);
    let late = ask_all(&mut facts);
    assert_eq!(of(&late, "total/"), 7);
    assert_eq!(of(&late, "follow_type/"), 5);
}

#[test]
fn days_that_nobody_asked_for_in_a_long_time_are_made_up_for() {
    let mut facts = facts("2026-11-20T10:00:00Z");
    ask_all(&mut facts);
    assert_eq!(lost(&facts), []);
    // The whole of them, and those that had not settled.
    facts.now += TimeDelta::days(75);
    assert_eq!(
        lost(&facts)[0].field.as_deref(),
        Some("follower_count from 2026-11-18")
    );
    assert!(lost(&facts)[0].detail.contains("to 2027-01-03"));
    let asked = ask_all(&mut facts);
    let of = |kind: &str| asked.iter().filter(|one| one.starts_with(kind)).count();
    assert_eq!(of("total/"), 77);
    assert_eq!(of("follow_type/"), 75);
    let windows: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|one| one.starts_with("series/"))
        .collect();
    assert_eq!(
        windows,
        [
            "series/follower_count day",
            "series/reach week 2026-11-18..2026-12-17",
            "series/reach week 2026-12-18..2027-01-03",
            "series/reach days_28 2026-11-18..2026-12-17",
            "series/reach days_28 2026-12-18..2027-01-03",
        ]
    );
    // What one call tells comes behind them.
    let asked = ask_all(&mut facts);
    assert_eq!(asked, ["series/reach week", "series/reach days_28"]);
    assert_eq!(ask_all(&mut facts), [] as [String; 0]);
    assert_eq!(lost(&facts), []);
    // As far as the API tells.
    facts.now += TimeDelta::days(3 * 365);
    let asked = ask_all(&mut facts);
    let days = asked.iter().filter(|one| one.starts_with("total/")).count();
    assert!((727..=729).contains(&days), "{days}");
}

#[test]
fn a_backfill_reads_history_once_and_only_as_far_as_is_told() {
    let mut facts = facts("2026-11-20T10:00:00Z");
    facts.everything_since = Some(facts.now);
    let ranges = |facts: &Facts| -> Vec<(i64, i64)> {
        let asked = due(facts).into_iter();
        asked
            .map(|asked| ["since", "until"].map(|name| asked.param(name).unwrap().parse().unwrap()))
            .map(|[since, until]| (since, until))
            .collect()
    };
    let asked = ranges(&facts);
    for (since, until) in &asked {
        assert!(since < until && until - since <= 30 * 86_400);
        assert!(*since >= (facts.now - TimeDelta::days(730)).timestamp());
        assert!(*until <= facts.now.timestamp());
    }
    let history = |asked: &[String]| asked.iter().filter(|one| one.contains("..")).count();
    assert_eq!(history(&ask_all(&mut facts)), 24);
    facts.now += TimeDelta::days(1);
    facts.everything_since = Some(facts.now);
    assert_eq!(history(&ask_all(&mut facts)), 0);
}

#[test]
fn follower_count_is_asked_for_the_last_thirty_days_without_today() {
    for now in [
        "2026-11-20T10:00:00Z",
        "2026-11-20T07:59:00Z",
        "2026-03-20T06:30:00Z",
    ] {
        let facts = facts(now);
        let asked = &due(&facts)[0];
        let since: i64 = asked.param("since").unwrap().parse().unwrap();
        let until: i64 = asked.param("until").unwrap().parse().unwrap();
        assert_eq!(asked.metrics, ["follower_count"]);
        assert!(
            since >= (facts.now - TimeDelta::days(30)).timestamp(),
            "{now}"
        );
        assert_eq!(
            until,
            pacific::start(pacific::day_of(facts.now)).timestamp()
        );
    }
}

#[test]
fn who_came_and_who_went_are_no_sum() {
    let facts = facts("2026-11-20T10:00:00Z");
    let mut questions = due(&facts).into_iter();
    let question = questions
        .find(|asked| asked.subject == "follow_type/2026-11-16")
        .unwrap();
    let metric = |name: &str| {
        let json = format!(
            r#"{{"name":"{name}","total_value":{{"value":9,"breakdowns":[{{"dimension_keys":["follow_type"],
            "results":[{{"dimension_values":["FOLLOWER"],"value":7}},
            {{"dimension_values":["NON_FOLLOWER"],"value":2}}]}}]}}}}"#
        );
        RawValue::from_string(json).unwrap()
    };
    let answer = [metric("reach"), metric("follows_and_unfollows")];
    let mut decoded = Decoded::default();
    rows("1", &question, &answer, &mut decoded);
    let text = |row: &crate::store::Row, column: &str| {
        let at = ACCOUNT_INSIGHTS_TABLE.position(column).unwrap();
        match &row.values[at] {
            Some(Value::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    let told: Vec<String> = decoded
        .rows
        .iter()
        .map(|row| format!("{} {}", text(row, "name"), text(row, "dimension_value")))
        .collect();
    assert_eq!(
        told,
        [
            "reach ",
            "reach FOLLOWER",
            "reach NON_FOLLOWER",
            "follows_and_unfollows FOLLOWER",
            "follows_and_unfollows NON_FOLLOWER",
        ]
    );
}

#[test]
fn a_refused_metric_is_not_asked_for() {
    let mut facts = facts("2026-11-20T10:00:00Z");
    let refused = |family: &str, name: &str| (family.to_owned(), name.to_owned());
    facts.refused = [
        refused("views by follow_type", "views"),
        refused("day totals", "reach"),
    ]
    .into();
    let asked: BTreeMap<String, Question> = due(&facts)
        .into_iter()
        .map(|asked| (asked.subject.clone(), asked))
        .collect();
    assert!(!asked.contains_key("views follow_type/2026-11-16"));
    assert!(!asked["total/2026-11-19"].metrics.contains(&"reach"));
    assert!(asked["follow_type/2026-11-16"].metrics.contains(&"reach"));
}

#[test]
fn a_metric_that_comes_back_is_asked_for_of_the_days_that_were_read_without_it() {
    let mut facts = facts("2026-11-20T10:00:00Z");
    ask_all(&mut facts);
    for (subject, read) in &mut facts.reads {
        if subject.starts_with("total/2026-11-1") {
            read.mark = Some("without views,saves".to_owned());
        }
    }
    // A moment later, and days later for what is final.
    let mut asked = |now: &str, refused: &[&str]| -> Vec<Vec<&str>> {
        facts.now = at(now);
        let refused = refused
            .iter()
            .map(|name| ("day totals".to_owned(), (*name).to_owned()));
        facts.refused = refused.collect();
        let due = due(&facts).into_iter();
        let due = due.filter(|question| question.subject.starts_with("total/2026-11-1"));
        due.map(|question| question.metrics).collect()
    };
    let now = "2026-11-20T10:05:00Z";
    assert_eq!(asked(now, &["views", "saves"]), [[""; 0]; 0]);
    assert_eq!(asked(now, &["saves"]), [["views"]; 10]);
    assert_eq!(asked("2026-12-15T10:00:00Z", &["views"])[0].len(), 12);
    assert_eq!(
        asked("2026-12-15T10:00:00Z", &["views"]).last().unwrap(),
        &["saves"]
    );
}
