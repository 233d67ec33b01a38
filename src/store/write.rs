//! Rows into tables: read, compare, and insert, update or leave alone.

use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, params_from_iter};

use super::listing::see;
use super::table::{History, Kind, Row, Table, Value, Written};
use crate::clock::instant_text;

/// How far `confirmed_at` may lag behind: a run that learns nothing new within it writes nothing.
const CONFIRM_EVERY: chrono::Duration = chrono::Duration::hours(1);

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
        }))
    }
}

/// Writes rows inside one transaction. Keeps the statements of the tables it met, so that a row costs
/// SQLite's work and little else.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    /// The run whose listing the rows belong to.
    run: i64,
    now: Value,
    /// Observations confirmed at or before this are confirmed again.
    confirm_before: String,
    prepared: Vec<Prepared<'c>>,
}

/// The statements for one table and one choice of columns.
struct Prepared<'c> {
    table: &'static Table,
    /// Places of the columns that the rows speak of.
    asked: Vec<usize>,
    /// Places of the key's columns.
    key: Vec<usize>,
    select: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    /// Updates all columns that are spoken of, and for entities `changed_at` if it is not NULL; confirms observations.
    update: CachedStatement<'c>,
    /// Notes that a listing showed the row.
    seen: Option<CachedStatement<'c>>,
}

/// How a stored row and a row that was read relate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    None,
    AddressOnly,
    Real,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, run: i64, now: DateTime<Utc>) -> Self {
        Self {
            connection,
            run,
            now: Value::Text(instant_text(now)),
            confirm_before: instant_text(now - CONFIRM_EVERY),
            prepared: Vec::new(),
        }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// Whatever SQLite says, constraint violations included.
    pub(super) fn write(&mut self, row: &Row) -> rusqlite::Result<Written> {
        let at = self.prepare(row)?;
        let prepared = &mut self.prepared[at];
        if let Some(seen) = &mut prepared.seen {
            let run = Value::Integer(self.run);
            let id = values(row, &prepared.key);
            seen.execute(params_from_iter([&run].into_iter().chain(id)))?;
        }
        match row.table.history {
            History::Entity => prepared.write_entity(row, &self.now),
            History::Observation => {
                prepared.write_observation(row, &self.now, &self.confirm_before)
            }
        }
    }

    fn prepare(&mut self, row: &Row) -> rusqlite::Result<usize> {
        let known = self.prepared.iter().position(|prepared| {
            std::ptr::eq(prepared.table, row.table) && prepared.speaks_of(row)
        });
        if let Some(at) = known {
            return Ok(at);
        }
        let table = row.table;
        let asked: Vec<usize> = (0..row.values.len())
            .filter(|&at| row.values[at].is_some())
            .collect();
        let key = table
            .key
            .iter()
            .filter_map(|name| table.position(name))
            .collect();
        let (select, insert, update) = match table.history {
            History::Entity => (
                select_entity(table, &asked),
                insert_entity(table, &asked),
                update_entity(table, &asked),
            ),
            History::Observation => (
                select_newest(table, &asked),
                insert_observation(table, &asked),
                confirm(table),
            ),
        };
        self.prepared.push(Prepared {
            table,
            asked,
            key,
            select: self.connection.prepare_cached(&select)?,
            insert: self.connection.prepare_cached(&insert)?,
            update: self.connection.prepare_cached(&update)?,
            seen: match table.listed_by {
                Some(_) => Some(self.connection.prepare_cached(&see(table))?),
                None => None,
            },
        });
        Ok(self.prepared.len() - 1)
    }
}

impl Prepared<'_> {
    fn speaks_of(&self, row: &Row) -> bool {
        let mut asked = self.asked.iter();
        (0..row.values.len()).all(|at| row.values[at].is_none() || asked.next() == Some(&at))
            && asked.next().is_none()
    }

    fn write_entity(&mut self, row: &Row, now: &Value) -> rusqlite::Result<Written> {
        let asked = &self.asked;
        let stored = self
            .select
            .query_row(params_from_iter(values(row, &self.key)), |stored| {
                let deleted: bool = stored.get(asked.len())?;
                if deleted {
                    return Ok(Difference::Real);
                }
                compare(row, asked, |position| stored.get_ref(position))
            })
            .optional()?;
        let mut written = Written::default();
        match stored {
            None => {
                self.insert
                    .execute(params_from_iter(values(row, &self.asked).chain([now, now])))?;
                written.inserted = 1;
            }
            Some(Difference::None) => written.unchanged = 1,
            Some(difference) => {
                let real = difference == Difference::Real;
                let changed_at = if real { now } else { &Value::Null };
                self.update.execute(params_from_iter(
                    values(row, &self.asked)
                        .chain([changed_at])
                        .chain(values(row, &self.key)),
                ))?;
                written.changed = u64::from(real);
                written.unchanged = u64::from(!real);
            }
        }
        Ok(written)
    }

    fn write_observation(
        &mut self,
        row: &Row,
        now: &Value,
        confirm_before: &str,
    ) -> rusqlite::Result<Written> {
        let asked = &self.asked;
        let newest = self
            .select
            .query_row(params_from_iter(values(row, &self.key)), |stored| {
                let difference = compare(row, asked, |position| stored.get_ref(position))?;
                // Instants are written in one form, so their order is that of their texts.
                let confirmed_at = stored.get_ref(asked.len())?.as_str()?;
                Ok((difference, confirmed_at <= confirm_before))
            })
            .optional()?;
        let mut written = Written::default();
        match newest {
            Some((Difference::None, stale)) => {
                written.unchanged = 1;
                if stale {
                    let key = || values(row, &self.key);
                    let now = [now].into_iter();
                    self.update
                        .execute(params_from_iter(now.chain(key()).chain(key())))?;
                }
            }
            newest => {
                self.insert
                    .execute(params_from_iter(values(row, &self.asked).chain([now, now])))?;
                written.changed = u64::from(newest.is_some());
                written.inserted = u64::from(newest.is_none());
            }
        }
        Ok(written)
    }
}

fn values<'r>(row: &'r Row, places: &'r [usize]) -> impl Iterator<Item = &'r Value> {
    places.iter().filter_map(|&at| row.values[at].as_ref())
}

fn compare<'a>(
    row: &Row,
    asked: &[usize],
    stored: impl Fn(usize) -> rusqlite::Result<ValueRef<'a>>,
) -> rusqlite::Result<Difference> {
    let mut difference = Difference::None;
    for (position, &at) in asked.iter().enumerate() {
        let same = match (&row.values[at], stored(position)?) {
            (Some(Value::Text(new)), ValueRef::Text(old)) => new.as_bytes() == old,
            (Some(Value::Integer(new)), ValueRef::Integer(old)) => *new == old,
            (Some(Value::Real(new)), ValueRef::Real(old)) => new.to_bits() == old.to_bits(),
            (Some(Value::Null), ValueRef::Null) => true,
            _ => false,
        };
        if !same {
            if row.table.columns[at].kind != Kind::Address {
                return Ok(Difference::Real);
            }
            difference = Difference::AddressOnly;
        }
    }
    Ok(difference)
}

fn names(table: &Table, asked: &[usize]) -> Vec<&'static str> {
    asked.iter().map(|&at| table.columns[at].name).collect()
}

fn key_condition(table: &Table) -> String {
    let terms: Vec<String> = table.key.iter().map(|name| format!("{name} = ?")).collect();
    terms.join(" AND ")
}

/// Tells last whether the row was thought to be deleted.
fn select_entity(table: &Table, asked: &[usize]) -> String {
    let deleted = table.listed_by.map_or("0", |_| "deleted_at IS NOT NULL");
    format!(
        "SELECT {}, {deleted} FROM {} WHERE {}",
        names(table, asked).join(", "),
        table.name,
        key_condition(table)
    )
}

fn select_newest(table: &Table, asked: &[usize]) -> String {
    let mut columns = names(table, asked);
    columns.push("confirmed_at");
    format!(
        "SELECT {} FROM {} WHERE {} ORDER BY observed_at DESC LIMIT 1",
        columns.join(", "),
        table.name,
        key_condition(table)
    )
}

fn insert_into(table: &Table, asked: &[usize], more: &[&str]) -> String {
    let mut columns = names(table, asked);
    columns.extend(more);
    let marks = vec!["?"; columns.len()].join(", ");
    format!(
        "INSERT INTO {} ({}) VALUES ({marks})",
        table.name,
        columns.join(", ")
    )
}

fn insert_entity(table: &Table, asked: &[usize]) -> String {
    insert_into(table, asked, &["first_seen_at", "changed_at"])
}

/// Two readings within one second share `observed_at`: the later one replaces the earlier.
fn insert_observation(table: &Table, asked: &[usize]) -> String {
    let sets: Vec<String> = names(table, asked)
        .iter()
        .chain(&["confirmed_at"])
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "{} ON CONFLICT DO UPDATE SET {}",
        insert_into(table, asked, &["observed_at", "confirmed_at"]),
        sets.join(", ")
    )
}

/// Takes `changed_at` behind the columns; NULL keeps the stored one.
fn update_entity(table: &Table, asked: &[usize]) -> String {
    let mut sets: Vec<String> = names(table, asked)
        .iter()
        .map(|name| format!("{name} = ?"))
        .collect();
    sets.push("changed_at = ifnull(?, changed_at)".to_owned());
    if table.listed_by.is_some() {
        sets.push("deleted_at = NULL".to_owned());
    }
    format!(
        "UPDATE {} SET {} WHERE {}",
        table.name,
        sets.join(", "),
        key_condition(table)
    )
}

/// Takes the key twice.
fn confirm(table: &Table) -> String {
    let (name, key) = (table.name, key_condition(table));
    format!(
        "UPDATE {name} SET confirmed_at = ? WHERE {key}
         AND observed_at = (SELECT max(observed_at) FROM {name} WHERE {key})"
    )
}
