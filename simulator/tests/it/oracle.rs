//! The oracle names every row that a database has wrong, has too many, or misses.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use igsync_simulator::{Expectation, JOURNAL_TABLES, ORACLE_TABLES, Tables, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{BAKERY, Probe, ids};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// As a database writes it.
pub(crate) fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What is wrong with a database of one row, when no row is required.
pub(crate) fn differences(probe: &Probe, table: &str, key: &str, row: &Value) -> Vec<String> {
    let held: Tables = serde_json::from_value(json!({table: {key: row}})).unwrap();
    let expected = probe.simulator.expected(&[table]);
    let expected = expected.not_requiring(table, |_| true);
    expected.compare(&held).differences
}

/// Whether a value under a key is one that the world allows.
pub(crate) fn fits(probe: &Probe, table: &str, key: &str, value: impl Into<Value>) -> bool {
    let row = json!({ "value": value.into() });
    differences(probe, table, key, &row).is_empty()
}

/// A world in which there is something to tell in every table, and in which what no list has was asked for.
async fn full_of_everything() -> Probe {
    let mut spec = WorldSpec::demo(3);
    for account in spec
        .pages
        .iter_mut()
        .filter_map(|page| page.account.as_mut())
    {
        account.posts /= 4;
        account.lives_per_mille = 200;
        account.invites = 4;
    }
    spec.rules.comments_on_mentioning_media = true;
    let probe = Probe::of(spec);
    while probe.world().expected(&["live_media"]).rows["live_media"].is_empty() {
        tokio::time::advance(Duration::from_secs(1800)).await;
    }
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough");
    let hashtag = ids(&probe.ok(&search).await).remove(0);
    for edge in ["top_media", "recent_media"] {
        probe
            .ok(&format!("/{hashtag}/{edge}?user_id={BAKERY}"))
            .await;
    }
    let media = probe.world().mentioned_media(BAKERY).next().unwrap().id();
    let fields = "{caption,comments{id}}";
    let path = format!("/{BAKERY}?fields=mentioned_media.media_id({media}){fields}");
    probe.ok(&path).await;
    probe
}

fn tables() -> impl Iterator<Item = &'static str> {
    ORACLE_TABLES.into_iter().chain(JOURNAL_TABLES)
}

fn altered(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap() + 1.0),
        Value::Bool(boolean) => json!(!boolean),
        Value::String(text) => json!(format!("not {text}")),
        _ => json!("something"),
    }
}

/// What is found wrong with the complete table after a change.
fn after(expected: &Expectation<'_>, change: impl FnOnce(&mut Tables)) -> Vec<String> {
    let mut held = expected.rows.clone();
    change(&mut held);
    expected.compare(&held).differences
}

#[tokio::test(start_paused = true)]
async fn a_complete_database_has_no_differences_and_each_change_is_named() {
    let probe = full_of_everything().await;
    for table in tables() {
        let expected = probe.simulator.expected(&[table]);
        assert_eq!(after(&expected, |_| ()), [""; 0], "{table}");
        let too_many = after(&expected, |held| {
            let row = [("id".to_owned(), json!("1"))].into();
            held.get_mut(table).unwrap().insert("1/2/3".to_owned(), row);
        });
        assert_eq!(too_many, [format!("{table} 1/2/3: is not in the world")]);
        let rows = &expected.rows[table];
        let (key, row) = rows.iter().nth(rows.len() / 2).unwrap();
        let missing = after(&expected, |held| {
            held.get_mut(table).unwrap().remove(key);
        });
        assert_eq!(missing, [format!("{table} {key}: is missing")]);
        for (column, value) in row {
            let wrong = after(&expected, |held| {
                let row = held.get_mut(table).unwrap().get_mut(key).unwrap();
                row.insert(column.clone(), altered(value));
            });
            let sentence = format!(
                "{table} {key}: {column} is {}, in the world it is {value}",
                altered(value)
            );
            assert_eq!(wrong, [sentence]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_are_not_taken_for_those_of_another_object() {
    let probe = full_of_everything().await;
    for table in tables() {
        let expected = probe.simulator.expected(&[table]);
        let rows = &expected.rows[table];
        let moved = rows.iter().find_map(|(key, row)| {
            // The parts of a key in another order are the key of nothing.
            let (first, rest) = key.split_once('/')?;
            let key = format!("{rest}/{first}");
            (!rows.contains_key(&key)).then(|| (key, row.clone()))
        });
        let Some((key, row)) = moved else {
            continue;
        };
        let differences = after(&expected, |held| {
            held.get_mut(table).unwrap().insert(key.clone(), row);
        });
        assert_eq!(differences, [format!("{table} {key}: is not in the world")]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_required_is_not_missed_but_still_checked() {
    let probe = full_of_everything().await;
    for table in tables() {
        let held = probe.simulator.expected(&[table]).rows;
        let waived = probe.simulator.expected(&[table]);
        let waived = waived.not_requiring(table, |_| true);
        assert_eq!(waived.compare(&held).differences, [""; 0], "{table}");
        let empty = [(table.to_owned(), std::collections::BTreeMap::new())].into();
        assert_eq!(waived.compare(&empty).differences, [""; 0], "{table}");
    }
    let table = "account_insights";
    let is_part = |key: &str| key.contains("/media_product_type/");
    let all = probe.world().expected(&[table]);
    let some = probe
        .world()
        .expected(&[table])
        .not_requiring(table, is_part);
    let parts = all.rows[table].len() - some.rows[table].len();
    assert!(parts > 1_000, "{parts}");
    assert_eq!(after(&some, |_| ()), [""; 0]);
    assert_eq!(some.compare(&all.rows).differences, [""; 0]);
    let mut wrong = all.rows;
    let rows = wrong.get_mut(table).unwrap();
    let (key, row) = rows.iter_mut().find(|(key, _)| is_part(key)).unwrap();
    let key = key.clone();
    row.insert("value".to_owned(), json!(-1));
    let differences = some.compare(&wrong).differences;
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(
        differences[0].starts_with(&format!("{table} {key}: value is -1, in the world it is "))
    );
}
