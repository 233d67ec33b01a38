//! SQL of what lists have shown, and what is deleted because they lack it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::record::{Listing, WholeList};
use super::table::Table;
use crate::clock::instant_text;

/// What listings have shown so far: run and id. Temporary, because only a listing that one run saw from its top to its end
/// proves that something is gone.
pub(super) const SEEN: &str =
    "CREATE TEMP TABLE seen (run INTEGER, id TEXT, PRIMARY KEY (run, id)) WITHOUT ROWID";

/// A key of several columns is one text there.
const JOINT: &str = " || '/' || ";

pub(super) fn see(table: &Table) -> String {
    let key = vec!["?"; table.key.len()].join(JOINT);
    format!("INSERT OR IGNORE INTO temp.seen VALUES (?, {key})")
}

/// A row's key as `seen` has it.
fn seen_key(table: &Table) -> String {
    let columns = table
        .key
        .iter()
        .map(|name| format!("{}.{name}", table.name));
    columns.collect::<Vec<_>>().join(JOINT)
}

/// Marks as deleted what a complete listing of a run did not show, and says how many rows that were. If the API lists
/// only so many, older rows than the oldest one shown are not judged. An empty listing proves nothing: lost access
/// looks the same.
pub(super) fn mark_deleted(
    connection: &Connection,
    listing: &Listing,
    run: i64,
    now: DateTime<Utc>,
) -> rusqlite::Result<u64> {
    let Some(owner) = listing.table.listed_by else {
        return Ok(0);
    };
    let (name, key) = (listing.table.name, seen_key(listing.table));
    // No list of posts shows stories, and they end without being deleted; it shows a broadcast after its end.
    let kinds = match name {
        "media" => {
            "media_product_type IS NOT 'STORY'
             AND NOT (timestamp > strftime('%Y-%m-%dT%H:%M:%SZ', ?1, '-1 day')
                      AND EXISTS (SELECT 1 FROM sync_reads r WHERE r.account_id = media.account_id
                                  AND r.resource = 'live_media' AND r.subject = media.id))"
        }
        _ => "1",
    };
    let judged = if listing.limited {
        format!(
            "timestamp >= (SELECT min(timestamp) FROM {name} JOIN temp.seen ON seen.id = {key} WHERE run = ?3)"
        )
    } else {
        "1".to_owned()
    };
    let marked = connection
        .prepare_cached(&format!(
            "UPDATE {name} SET deleted_at = ?1, changed_at = ?1
             WHERE {owner} = ?2 AND deleted_at IS NULL AND {judged} AND {kinds}
               AND {key} NOT IN (SELECT seen.id FROM temp.seen WHERE run = ?3)
               AND EXISTS (SELECT 1 FROM temp.seen WHERE run = ?3)"
        ))?
        .execute(params![instant_text(now), listing.owner, run])?;
    Ok(marked as u64)
}

/// Marks as deleted what a run did not see of a list that it has read completely.
pub(super) fn mark_unseen(
    connection: &Connection,
    list: &WholeList,
    run: i64,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let (name, key) = (list.table.name, seen_key(list.table));
    if let Some(owner) = list.table.listed_by {
        connection
            .prepare_cached(&format!(
                "UPDATE {name} SET deleted_at = ?1, changed_at = ?1
                 WHERE {owner} = ?2 AND deleted_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM temp.seen WHERE run = ?3 AND seen.id = {key})"
            ))?
            .execute(params![instant_text(now), list.owner, run])?;
    }
    Ok(())
}

/// Forgets what a run's listing has shown.
pub(super) fn forget_seen(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM temp.seen WHERE run = ?")?
        .execute([run])?;
    Ok(())
}
