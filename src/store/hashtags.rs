//! SQL of `sync_hashtags`.

use rusqlite::{Connection, named_params, params};

use super::record::HashtagRow;
use crate::clock::{instant_text, parse_instant};

/// What an account has spent, as far as it is kept.
pub(super) fn spent(
    connection: &Connection,
    account_id: &str,
) -> rusqlite::Result<Vec<HashtagRow>> {
    let instant = |text: String| parse_instant(&text).unwrap_or_default();
    connection
        .prepare_cached(
            "SELECT hashtag_id, name, spent_at, spent_by = 'others', answered, counts_until
             FROM sync_hashtags WHERE account_id = ? ORDER BY hashtag_id",
        )?
        .query_map([account_id], |row| {
            Ok(HashtagRow {
                hashtag_id: row.get(0)?,
                name: row.get(1)?,
                spent_at: instant(row.get(2)?),
                by_others: row.get(3)?,
                answered: row.get(4)?,
                counts_until: instant(row.get(5)?),
            })
        })?
        .collect()
}

/// Writes rows and takes others away.
pub(super) fn write(
    connection: &Connection,
    account_id: &str,
    rows: &[HashtagRow],
    gone: &[String],
) -> rusqlite::Result<()> {
    for hashtag_id in gone {
        connection
            .prepare_cached("DELETE FROM sync_hashtags WHERE account_id = ? AND hashtag_id = ?")?
            .execute(params![account_id, hashtag_id])?;
    }
    for row in rows {
        connection
            .prepare_cached(
                "INSERT INTO sync_hashtags
                 (account_id, hashtag_id, name, spent_at, spent_by, answered, counts_until)
                 VALUES (:account_id, :hashtag_id, :name, :spent_at, :spent_by, :answered, :counts_until)
                 ON CONFLICT DO UPDATE SET name = ifnull(:name, name), spent_at = :spent_at,
                 spent_by = :spent_by, answered = :answered, counts_until = :counts_until",
            )?
            .execute(named_params! {
                ":account_id": account_id,
                ":hashtag_id": row.hashtag_id,
                ":name": row.name,
                ":spent_at": instant_text(row.spent_at),
                ":spent_by": if row.by_others { "others" } else { "igsync" },
                ":answered": row.answered,
                ":counts_until": instant_text(row.counts_until),
            })?;
    }
    Ok(())
}
