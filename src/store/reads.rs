//! SQL of `sync_reads`, and of what questions are chosen by.

use rusqlite::{Connection, params};

use super::record::{Answered, Commit, Conversation, Post, Read};
use crate::clock::{instant_text, parse_instant};

/// Notes how far a subject of the run's account and resource has been read.
pub(super) fn write(connection: &Connection, run: i64, read: &Read) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_reads (account_id, resource, subject, read_at, cursor, mark, closed)
             SELECT account_id, resource, ?2, ?3, ?4, ?5, ?6 FROM sync_runs WHERE id = ?1
             ON CONFLICT DO UPDATE SET read_at = ifnull(?3, read_at), cursor = ?4, mark = ifnull(?5, mark), closed = ?6",
        )?
        .execute(params![
            run,
            read.subject,
            read.read_at.map(instant_text),
            read.cursor,
            read.mark,
            read.closed
        ])?;
    Ok(())
}

/// How far each subject of an account's resource has been read.
pub(super) fn all(
    connection: &Connection,
    account_id: &str,
    resource: &str,
) -> rusqlite::Result<Vec<Read>> {
    connection
        .prepare_cached(
            "SELECT subject, read_at, cursor, mark, closed FROM sync_reads WHERE account_id = ? AND resource = ?",
        )?
        .query_map([account_id, resource], |row| {
            let read_at: Option<String> = row.get(1)?;
            Ok(Read {
                subject: row.get(0)?,
                read_at: read_at.as_deref().and_then(parse_instant),
                cursor: row.get(2)?,
                mark: row.get(3)?,
                closed: row.get(4)?,
            })
        })?
        .collect()
}

/// An account's posts that are not deleted, newest first.
pub(super) fn posts(connection: &Connection, account_id: &str) -> rusqlite::Result<Vec<Post>> {
    let posts = connection
        .prepare_cached(
            // Without a time of its own it is as old as what is known of it.
            "SELECT id, media_type, media_product_type, ifnull(timestamp, first_seen_at) AS posted_at, comments_count FROM media_current
             WHERE account_id = ? AND deleted_at IS NULL
             ORDER BY posted_at DESC, id",
        )?
        .query_map([account_id], |row| {
            let timestamp: String = row.get(3)?;
            let post = parse_instant(&timestamp).map(|timestamp| (row, timestamp));
            post.map(|(row, timestamp)| {
                Ok(Post {
                    id: row.get(0)?,
                    media_type: row.get(1)?,
                    product_type: row.get(2)?,
                    timestamp,
                    comments_count: row.get(4)?,
                })
            })
            .transpose()
        })?
        .collect::<rusqlite::Result<Vec<Option<Post>>>>()?;
    Ok(posts.into_iter().flatten().collect())
}

/// An account's conversations, the one that moved last first.
pub(super) fn conversations(
    connection: &Connection,
    account_id: &str,
) -> rusqlite::Result<Vec<Conversation>> {
    let rows: Vec<(String, String)> = connection
        .prepare_cached(
            "SELECT id, updated_time FROM conversations WHERE account_id = ? AND updated_time IS NOT NULL
             ORDER BY updated_time DESC, id",
        )?
        .query_map([account_id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let conversation = |(id, updated_time): (String, String)| {
        let updated_time = parse_instant(&updated_time)?;
        Some(Conversation { id, updated_time })
    };
    Ok(rows.into_iter().filter_map(conversation).collect())
}

/// Which account has asked for each name of a resource: name and account, the latest last. A name is what stands before the first
/// colon of a subject.
pub(super) fn askers(
    connection: &Connection,
    resource: &str,
) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached(
            "SELECT substr(subject, 1, instr(subject || ':', ':') - 1) AS name, account_id FROM sync_reads
             WHERE resource = ? GROUP BY name, account_id ORDER BY max(ifnull(read_at, '')), account_id",
        )?
        .query_map([resource], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Closes the gaps that an answer proves closed.
pub(super) fn close_gaps(
    connection: &Connection,
    commit: &Commit,
    answered: &Answered,
) -> rusqlite::Result<()> {
    let json = |names: &[String]| serde_json::Value::from(names).to_string();
    // As the unique index has them, so that it is used.
    connection
        .prepare_cached(
            "UPDATE sync_gaps SET resolved_at = ?2
             FROM (SELECT account_id AS account, resource AS subject FROM sync_runs WHERE id = ?1)
             WHERE ifnull(account_id, '') = account AND resource = subject
               AND ifnull(object_id, '') IN ('', ?3) AND resolved_at IS NULL
               AND ((object_id = ?3 AND (field IS NULL AND NOT ?6 OR field IN (SELECT value FROM json_each(?4))))
                    OR (object_id IS NULL AND field IN (SELECT value FROM json_each(?5))))",
        )?
        .execute(params![
            commit.run,
            instant_text(commit.at),
            answered.object_id,
            json(&answered.fields),
            json(&answered.families),
            answered.is_part
        ])?;
    Ok(())
}

/// Metrics that are refused to all posts of a family, as far as they were learned since then: `reach of FEED IMAGE`.
pub(super) fn refused(
    connection: &Connection,
    account_id: &str,
    resource: &str,
    since: &str,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT field FROM sync_gaps WHERE account_id = ? AND resource = ? AND object_id IS NULL
             AND field IS NOT NULL AND reason IN ('refused', 'not_applicable') AND resolved_at IS NULL AND last_seen_at >= ?",
        )?
        .query_map([account_id, resource, since], |row| row.get(0))?
        .collect()
}

/// Metrics that single objects are refused, as far as they were learned since then: the object and the metric.
pub(super) fn refused_of_objects(
    connection: &Connection,
    account_id: &str,
    resource: &str,
    since: &str,
) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached(
            "SELECT object_id, field FROM sync_gaps WHERE account_id = ? AND resource = ? AND object_id IS NOT NULL
             AND field IS NOT NULL AND reason = 'not_applicable' AND resolved_at IS NULL AND last_seen_at >= ?",
        )?
        .query_map([account_id, resource, since], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}
