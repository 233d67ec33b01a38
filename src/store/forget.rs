//! Taking an account out of the file: its rows, and the bytes that they would leave behind.
//!
//! Which rows are an account's is read from the schema: those with its id in `account_id`, and those that refer to such
//! rows. What another account's list showed of it, such as a comment that it wrote there, is the other account's.
//!
//! SQLite leaves deleted and changed bytes in the file and in the WAL. So the file is written anew and the WAL emptied. A
//! note beside the database says that this is due, until it is done: whatever ends the process in between, the next
//! [`Store::forget`] does it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, named_params};

use super::count::tables;
use super::{OpenError, SCHEMA_VERSION, Store, StoreError, open};

/// An account that the database holds rows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// IG User id.
    pub id: String,
    /// Its handle, as far as it was read.
    pub username: Option<String>,
}

/// How many rows of an account each table holds; tables without any are left out.
pub type AccountRows = Vec<(String, u64)>;

/// Why an account is not, or not yet wholly, out of the file.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// Nothing was removed.
    #[error(transparent)]
    Kept(#[from] StoreError),
    /// The note beside the database cannot be made or removed.
    #[error(transparent)]
    Note(#[from] OpenError),
    /// The rows are gone, their bytes may not be.
    #[error(
        "{0}; the rows are removed, but bytes of them may be left in the file: run igsync forget again"
    )]
    NotRewritten(StoreError),
}

/// A table whose rows can belong to an account, and the condition that finds those of `:account`.
struct Owned {
    table: String,
    condition: String,
}

/// Columns of the `sync_…` tables that hold words for people, in which an account may be named.
const WORDS: &[&str] = &["message", "detail", "closed_why", "problem"];

impl Store {
    /// The accounts that the database holds rows of, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn known_accounts(&self) -> Result<Vec<KnownAccount>, StoreError> {
        self.call("read accounts", |connection| known(connection))
            .await
    }

    /// How many rows each table holds of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rows_of(&self, account_id: String) -> Result<AccountRows, StoreError> {
        self.call("count an account's rows", move |connection| {
            let mut rows = Vec::new();
            for Owned { table, condition } in owned(connection)? {
                let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
                let named = named_params! {":account": account_id};
                let count: i64 = connection.query_row(&sql, named, |row| row.get(0))?;
                if count > 0 {
                    rows.push((table, count.unsigned_abs()));
                }
            }
            Ok(rows)
        })
        .await
    }

    /// Removes an account and everything that was read from it, and writes the file anew without it.
    ///
    /// # Errors
    /// [`ForgetError`], which says how far it came.
    pub async fn forget(&self, account_id: String) -> Result<(), ForgetError> {
        let note = self.note().await?;
        open::create_private(&note)?;
        self.patiently("remove an account", move |connection| {
            // Checked as a whole before the end: row by row, a run would cost a look through all gaps.
            connection.pragma_update(None, "foreign_keys", false)?;
            connection.pragma_update(None, "secure_delete", true)?;
            let removed = remove(connection, &account_id);
            connection.pragma_update(None, "foreign_keys", true)?;
            removed
        })
        .await?;
        self.rewrite(&note).await
    }

    /// Finishes what an interrupted [`Store::forget`] left to be done; says whether there was anything.
    ///
    /// # Errors
    /// [`ForgetError`].
    pub async fn finish_forgetting(&self) -> Result<bool, ForgetError> {
        let note = self.note().await?;
        if !note.exists() {
            return Ok(false);
        }
        self.rewrite(&note).await?;
        Ok(true)
    }

    /// Copies of the database beside it that an upgrade has kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_copies(&self) -> Result<Vec<PathBuf>, StoreError> {
        let path = self.path().await?;
        let copies = (1..=SCHEMA_VERSION).map(|version| beside(&path, &format!(".v{version}")));
        Ok(copies.filter(|copy| copy.exists()).collect())
    }

    async fn note(&self) -> Result<PathBuf, StoreError> {
        Ok(beside(&self.path().await?, ".forgetting"))
    }

    async fn path(&self) -> Result<PathBuf, StoreError> {
        self.call("name its file", |connection| {
            Ok(PathBuf::from(connection.path().unwrap_or_default()))
        })
        .await
    }

    async fn rewrite(&self, note: &Path) -> Result<(), ForgetError> {
        let rewritten = async {
            let vacuum = |connection: &mut Connection| connection.execute_batch("VACUUM");
            self.patiently("write the file anew", vacuum).await?;
            self.patiently("empty the WAL", empty_wal).await
        };
        rewritten.await.map_err(ForgetError::NotRewritten)?;
        std::fs::remove_file(note).map_err(|source| OpenError::Unwritable {
            path: note.to_owned(),
            source,
        })?;
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Busy as long as a reader looks at pages of the WAL.
fn empty_wal(connection: &mut Connection) -> rusqlite::Result<()> {
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        let words = "a reader still looks at its pages".to_owned();
        return Err(rusqlite::Error::SqliteFailure(busy, Some(words)));
    }
    Ok(())
}

fn known(connection: &Connection) -> rusqlite::Result<Vec<KnownAccount>> {
    let mut ids =
        vec!["SELECT id FROM accounts UNION SELECT id FROM discovered_accounts".to_owned()];
    for table in tables(connection)? {
        if columns(connection, &table)?.contains(&"account_id".to_owned()) {
            ids.push(format!("SELECT account_id FROM {table}"));
        }
    }
    let sql = format!(
        "SELECT found.id, ifnull(ours.username, other.username) FROM ({}) AS found
         LEFT JOIN accounts AS ours USING (id) LEFT JOIN discovered_accounts AS other USING (id)
         WHERE found.id IS NOT NULL ORDER BY 1",
        ids.join(" UNION ")
    );
    connection
        .prepare(&sql)?
        .query_map([], |row| {
            Ok(KnownAccount {
                id: row.get(0)?,
                username: row.get(1)?,
            })
        })?
        .collect()
}

/// Removes the rows of an account, in one transaction.
fn remove(connection: &mut Connection, account_id: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    keep_gaps_of_others(&transaction, account_id)?;
    unname(&transaction, account_id)?;
    forget_turns(&transaction, account_id)?;
    // The referring rows first, as long as what they refer to can be asked.
    for Owned { table, condition } in owned(&transaction)?.iter().rev() {
        let sql = format!("DELETE FROM {table} WHERE {condition}");
        transaction.execute(&sql, named_params! {":account": account_id})?;
    }
    let broken: i64 =
        transaction.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })?;
    if broken > 0 {
        let violated = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
        let words = "rows of other accounts refer to rows of this one".to_owned();
        return Err(rusqlite::Error::SqliteFailure(violated, Some(words)));
    }
    transaction.commit()
}

/// A gap of a credential stays, also where a run of this account met it last: an earlier run takes that place.
fn keep_gaps_of_others(connection: &Connection, account_id: &str) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE sync_gaps AS gap SET last_run_id = ifnull(
             (SELECT max(id) FROM sync_runs WHERE account_id IS NOT :account AND id < gap.last_run_id),
             ifnull((SELECT min(id) FROM sync_runs WHERE account_id IS NOT :account), 0))
         WHERE account_id IS NOT :account
           AND last_run_id IN (SELECT id FROM sync_runs WHERE account_id = :account)",
        named_params! {":account": account_id},
    )?;
    connection.execute("DELETE FROM sync_gaps WHERE last_run_id = 0", [])?;
    Ok(())
}

/// Removes how far an account of others was read by its name: it stands with the account that asked.
fn forget_turns(connection: &Connection, account_id: &str) -> rusqlite::Result<()> {
    for (table, column) in [("sync_reads", "subject"), ("sync_gaps", "object_id")] {
        connection.execute(
            &format!(
                "DELETE FROM {table} WHERE resource = 'business_discovery' AND EXISTS (
                     SELECT 1 FROM discovered_accounts WHERE id = :account
                         AND {column} || ':' LIKE replace(username, '_', '\\_') || ':%' ESCAPE '\\')"
            ),
            named_params! {":account": account_id},
        )?;
    }
    Ok(())
}

/// Takes the account's names out of words that stay, such as what a run for all accounts told.
fn unname(connection: &Connection, account_id: &str) -> rusqlite::Result<()> {
    let mut names: Vec<String> = connection
        .prepare(
            "SELECT value FROM accounts, json_each(json_array(username, page_id, page_name))
             WHERE accounts.id = ?1 AND ifnull(value, '') <> ''
             UNION SELECT username FROM discovered_accounts WHERE id = ?1 AND username <> ''",
        )?
        .query_map([account_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    names.push(account_id.to_owned());
    for table in tables(connection)? {
        let columns = columns(connection, &table)?;
        let words = columns.iter().filter(|name| WORDS.contains(&name.as_str()));
        for column in words.filter(|_| table.starts_with("sync_")) {
            for name in &names {
                let texts: Vec<String> = connection
                    .prepare(&format!(
                        "SELECT DISTINCT {column} FROM {table} WHERE instr({column}, ?) > 0"
                    ))?
                    .query_map([name], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                let update = format!("UPDATE {table} SET {column} = ? WHERE {column} = ?");
                for text in texts {
                    connection.execute(&update, [unnamed(&text, name), text])?;
                }
            }
        }
    }
    Ok(())
}

/// A text without a name, where it stands for itself: `sim.1` is not in `sim.10`.
fn unnamed(text: &str, name: &str) -> String {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let (mut clean, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(name) {
        clean.push_str(before);
        let mut next = after.chars();
        let ends = match next.next() {
            Some('.') => !next.next().is_some_and(is_of_a_name),
            next => !next.is_some_and(is_of_a_name),
        };
        let is_it = ends && !clean.ends_with(is_of_a_name);
        clean.push_str(if is_it { "[forgotten]" } else { name });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// The tables whose rows can belong to an account, those that are referred to before those that refer to them.
fn owned(connection: &Connection) -> rusqlite::Result<Vec<Owned>> {
    let mut left = tables(connection)?;
    let mut owned: Vec<Owned> = Vec::new();
    loop {
        let before = left.len();
        let mut others = Vec::new();
        for table in left {
            match condition(connection, &table, &owned)? {
                Some(condition) => owned.push(Owned { table, condition }),
                None => others.push(table),
            }
        }
        if others.len() == before {
            return Ok(owned);
        }
        left = others;
    }
}

/// What finds an account's rows in a table; `None` where no row can be an account's.
fn condition(
    connection: &Connection,
    table: &str,
    owned: &[Owned],
) -> rusqlite::Result<Option<String>> {
    // An account that was read as one of others is the same account.
    if ["accounts", "discovered_accounts"].contains(&table) {
        return Ok(Some("id = :account".to_owned()));
    }
    let columns = columns(connection, table)?;
    if columns.iter().any(|name| name == "account_id") {
        return Ok(Some("account_id = :account".to_owned()));
    }
    let mut conditions: Vec<String> = Vec::new();
    let parents: Vec<(String, String, String)> = connection
        .prepare("SELECT \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?)")?
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (parent, from, to) in parents {
        if let Some(Owned { table, condition }) = owned.iter().find(|owned| owned.table == parent) {
            conditions.push(format!(
                "{from} IN (SELECT {to} FROM {table} WHERE {condition})"
            ));
        }
    }
    if columns.iter().any(|name| name == "pool") {
        conditions.push(format!("pool IN ({POOLS})"));
    }
    Ok((!conditions.is_empty()).then(|| conditions.join(" OR ")))
}

/// The pools that are an account's alone.
const POOLS: &str = "SELECT 'buc:' || :account UNION SELECT 'messenger:' || page_id FROM accounts WHERE id = :account";

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables whose rows are no account's: of tokens, of the configuration, and what hashtags showed to everybody.
    const OF_NOBODY: &[&str] = &[
        "sync_credentials",
        "sync_jobs",
        "hashtags",
        "hashtag_posts",
        "hashtag_post_children",
        "hashtag_media",
    ];

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db"), "a test").unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn every_table_is_known_to_be_an_accounts_or_nobodys() {
        let (_folder, store) = store();
        let tables = store.call("list tables", |connection| {
            let owned = owned(connection)?.into_iter().map(|owned| owned.table);
            Ok((owned.collect::<Vec<_>>(), tables(connection)?))
        });
        let (owned, all) = tables.await.unwrap();
        for table in &all {
            assert!(
                owned.contains(table) != OF_NOBODY.contains(&table.as_str()),
                "forget does not know whose rows {table} has: give it account_id or a reference, or name it here"
            );
        }
        let place = |table: &str| owned.iter().position(|owned| owned == table);
        assert!(place("comments") > place("media") && place("media") > place("accounts"));
    }

    #[tokio::test]
    async fn words_that_stay_lose_the_accounts_names_and_keep_those_of_others() {
        let (_folder, store) = store();
        let words = store.call("write words", |connection| {
            connection.execute_batch(
                "INSERT INTO accounts (id, username, page_id, page_name, first_seen_at, changed_at)
                     VALUES ('17841400000000001', 'sim.1', '13', 'Buns [x] Co', '', '');
                 INSERT INTO sync_runs (started_by, job, resource, range, started_at, outcome, message) VALUES (1,
                     'backfill', 'discovery', '', '', 'failed',
                     'sim.1: Page Buns [x] Co (13), account 17841400000000001, and not sim.10 or sim.1.b, nor 130. sim.1.');",
            )?;
            remove(connection, "17841400000000001")?;
            connection.query_row("SELECT message FROM sync_runs", [], |row| row.get(0))
        });
        let words: String = words.await.unwrap();
        assert_eq!(
            words,
            "[forgotten]: Page [forgotten] ([forgotten]), account [forgotten], and not sim.10 or sim.1.b, nor 130. [forgotten]."
        );
    }
}
