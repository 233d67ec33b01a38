//! What a check found: credentials and warnings, without any secret. Types, and the SQL of `sync_credentials` and `sync_warnings`.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::{Store, StoreError};
use crate::clock::{instant_text, parse_instant};

/// What a check found out, to be written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Credentials that Meta could be asked about; what is known of others stays.
    pub credentials: Vec<CredentialRow>,
    /// What is wrong; takes the place of what the last check found. `None` where not everything could be asked: then that stays.
    pub warnings: Option<Vec<WarningRow>>,
}

/// A row of `sync_credentials`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CredentialRow {
    /// Its name in the configuration.
    pub credential: String,
    /// When Meta was asked about it.
    pub checked_at: DateTime<Utc>,
    /// Whether it works.
    pub is_valid: bool,
    /// Whether Meta told its type, its app and when it ends.
    pub inspected: bool,
    /// USER, PAGE, SYSTEM_USER.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The app that it belongs to.
    pub app_id: Option<String>,
    /// Granted permissions; `None`: not told.
    pub scopes: Option<Vec<String>>,
    /// When it ends; `None`: never, or not told.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ceases to read; `None`: never, or not told.
    pub data_access_expires_at: Option<DateTime<Utc>>,
    /// What is wrong or not known, and what to do about it.
    pub problem: Option<String>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is not.
    #[default]
    Ok,
    /// Somebody should act within days.
    Warning,
    /// Something is not read, or soon will not be, until somebody acts.
    Critical,
}

impl Severity {
    /// As `sync_warnings.severity` has it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A row of `sync_warnings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WarningRow {
    /// When it was found.
    pub checked_at: DateTime<Utc>,
    /// How bad it is.
    pub severity: Severity,
    /// The credential that it is about, if any.
    pub credential: Option<String>,
    /// The account that it is about, if any.
    pub account_id: Option<String>,
    /// The resource that it is about, if any.
    pub resource: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Store {
    /// What the last check learned of each credential.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials(&self) -> Result<Vec<CredentialRow>, StoreError> {
        self.call("read credentials", |connection| credentials(connection))
            .await
    }

    /// Writes what a check found out about credentials, accounts and the machine.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn write_health(&self, health: Health) -> Result<(), StoreError> {
        self.write("write what a check found", move |connection| {
            write(connection, &health)
        })
        .await
    }
}

impl Store {
    /// Notes that a configuration was not taken over, and why, until another one is or a process starts anew.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn refuse_configuration(
        &self,
        why: String,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write("note a refused configuration", move |connection| {
            forget_refused(connection)?;
            connection
                .prepare_cached(
                    "INSERT INTO sync_warnings (found_by, checked_at, severity, message) VALUES ('reload', ?, 'warning', ?)",
                )?
                .execute(params![instant_text(at), why])?;
            Ok(())
        })
        .await
    }
}

/// Forgets that a configuration was not taken over.
pub(super) fn forget_refused(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sync_warnings WHERE found_by = 'reload'", [])?;
    Ok(())
}

/// Why the configuration that was read last is not in force; nothing: it is.
pub(super) fn refused_configuration(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT message FROM sync_warnings WHERE found_by = 'reload'")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Writes what a check found.
fn write(connection: &Connection, health: &Health) -> rusqlite::Result<()> {
    let text = |instant: Option<DateTime<Utc>>| instant.map(instant_text);
    for row in &health.credentials {
        let scopes = row.scopes.as_deref();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO sync_credentials
                 (credential, checked_at, is_valid, inspected, type, app_id, scopes, expires_at, data_access_expires_at, problem)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                row.credential,
                instant_text(row.checked_at),
                row.is_valid,
                row.inspected,
                row.kind,
                row.app_id,
                scopes.map(|scopes| serde_json::Value::from(scopes).to_string()),
                text(row.expires_at),
                text(row.data_access_expires_at),
                row.problem
            ])?;
    }
    let Some(warnings) = &health.warnings else {
        return Ok(());
    };
    connection.execute("DELETE FROM sync_warnings WHERE found_by = 'check'", [])?;
    for row in warnings {
        connection
            .prepare_cached(
                "INSERT INTO sync_warnings (checked_at, severity, credential, account_id, resource, message)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                instant_text(row.checked_at),
                row.severity.text(),
                row.credential,
                row.account_id,
                row.resource,
                row.message
            ])?;
    }
    Ok(())
}

/// Every credential that a check wrote about.
pub(super) fn credentials(connection: &Connection) -> rusqlite::Result<Vec<CredentialRow>> {
    let list = |text: Option<String>| serde_json::from_str(&text?).ok();
    connection
        .prepare_cached(
            "SELECT credential, checked_at, is_valid, inspected, type, app_id, scopes, expires_at, data_access_expires_at, problem
             FROM sync_credentials ORDER BY credential",
        )?
        .query_map([], |row| {
            Ok(CredentialRow {
                credential: row.get(0)?,
                checked_at: instant(row, 1)?.unwrap_or_default(),
                is_valid: row.get(2)?,
                inspected: row.get(3)?,
                kind: row.get(4)?,
                app_id: row.get(5)?,
                scopes: list(row.get(6)?),
                expires_at: instant(row, 7)?,
                data_access_expires_at: instant(row, 8)?,
                problem: row.get(9)?,
            })
        })?
        .collect()
}

/// What the last check found wrong.
pub(super) fn warnings(connection: &Connection) -> rusqlite::Result<Vec<WarningRow>> {
    let severity = |text: &str| match text {
        "critical" => Severity::Critical,
        _ => Severity::Warning,
    };
    connection
        .prepare_cached(
            "SELECT checked_at, severity, credential, account_id, resource, message FROM sync_warnings
             WHERE found_by = 'check' ORDER BY id",
        )?
        .query_map([], |row| {
            Ok(WarningRow {
                checked_at: instant(row, 0)?.unwrap_or_default(),
                severity: severity(&row.get::<_, String>(1)?),
                credential: row.get(2)?,
                account_id: row.get(3)?,
                resource: row.get(4)?,
                message: row.get(5)?,
            })
        })?
        .collect()
}

/// An instant in a column.
pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.as_deref().and_then(parse_instant))
}
