//! Rows whose values depend on when they were read.

use chrono::DateTime;
use serde_json::Value;

use crate::world::World;

use super::collect::instant;
use super::{Columns, account_insights, audience, columns, media_insights, shop};

/// An answer may have been on its way for so long when its row was written.
const ANSWER_SECONDS: i64 = 60;

/// What a row may say.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) columns: Columns,
    pub(super) numbers: Numbers,
}

/// Whether numbers that grow may differ from the columns.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    /// They may not.
    Exact,
    /// They were read earlier, perhaps when they were smaller.
    UpTo,
    /// They were read between an earlier instant and that of the columns.
    Since(Columns),
}

impl Told {
    pub(super) fn exactly(columns: Columns) -> Self {
        Self {
            columns,
            numbers: Numbers::Exact,
        }
    }

    /// A value that could last be read so: it stays, or it may have been read when it was smaller.
    pub(super) fn latest(row: Value, has_settled: bool) -> Self {
        Self {
            columns: columns(row),
            numbers: if has_settled {
                Numbers::Exact
            } else {
                Numbers::UpTo
            },
        }
    }
}

/// Whether what a row may say follows from its key, however many rows there may be.
pub(super) fn is_found_by_key(table: &str) -> bool {
    is_dated(table) && table != "publishing_limit"
}

/// Whether an `observed_at` of the table says when a row was read.
pub(super) fn is_dated(table: &str) -> bool {
    matches!(
        table,
        "account_insights" | "audience" | "media_insights" | "publishing_limit" | "story_insights"
    )
}

/// Whether a complete database holds the last word on a row: days are read again until they have settled, while posts
/// are read ever more rarely.
pub(super) fn is_final(world: &World, table: &str, key: &str) -> bool {
    let told = until_now(world, table, key).filter(|_| table == "account_insights");
    told.is_some_and(|told| matches!(told.numbers, Numbers::Exact))
}

/// What could be read at an instant.
fn at(world: &World, table: &str, key: &str, now: i64) -> Option<Value> {
    match table {
        "account_insights" => account_insights::at(world, key, now),
        "audience" => audience::at(world, key, now),
        "media_insights" | "story_insights" => media_insights::at(world, table, key, now),
        "publishing_limit" => shop::publishing_limit_at(world, key, now),
        _ => None,
    }
}

/// What could be read at some time until now.
pub(super) fn until_now(world: &World, table: &str, key: &str) -> Option<Told> {
    match table {
        "account_insights" => account_insights::until_now(world, key),
        "audience" => audience::until_now(world, key),
        "media_insights" | "story_insights" => media_insights::until_now(world, table, key),
        _ => None,
    }
}

/// What a row must say that tells when it was read.
pub(super) fn when_observed(
    world: &World,
    table: &str,
    key: &str,
    observed_at: &Value,
) -> Result<Told, String> {
    let text = observed_at.as_str().unwrap_or_default();
    let read_at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| format!("observed_at is {observed_at}, which is no instant"))?
        .timestamp();
    if read_at < world.start_seconds() || read_at > world.now_seconds() {
        let now = instant(world.now());
        return Err(format!(
            "observed_at is {observed_at}, which is before the start or after now, {now}"
        ));
    }
    let earlier = at(world, table, key, read_at - ANSWER_SECONDS);
    let then = at(world, table, key, read_at).or_else(|| earlier.clone());
    let then = then.ok_or_else(|| format!("could not be read at {text}"))?;
    Ok(Told {
        columns: columns(then),
        numbers: earlier.map_or(Numbers::UpTo, |earlier| Numbers::Since(columns(earlier))),
    })
}
