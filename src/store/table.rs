//! The vocabulary of the store: tables as data, rows as values.
//!
//! A resource declares its tables once; field lists, SQL and tests are derived from the declaration.

/// What a column holds, and how a JSON value becomes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An id: TEXT, also where the API sends a number.
    Id,
    /// TEXT as told.
    Text,
    /// A whole number.
    Integer,
    /// A number as told, whole or not.
    Number,
    /// `true` and `false` as 1 and 0.
    Boolean,
    /// TEXT in UTC, whole seconds: `2026-05-07T13:00:34Z`.
    Instant,
    /// A signed CDN address: refreshed in place, never a change.
    Address,
    /// Any JSON value, as TEXT.
    Json,
}

/// One column of a [`Table`].
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in `schema.sql`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The field of the node it is read from, `owner.id` for a nested one; `None` when the resource fills it.
    pub field: Option<&'static str>,
    /// True for a field that many apps are refused: its absence is noted, but is no failure.
    pub optional: bool,
}

impl Column {
    /// A column that is read from the field of the same name.
    pub const fn field(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            field: Some(name),
            optional: false,
        }
    }

    /// A column that the resource fills.
    pub const fn filled(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            field: None,
            optional: false,
        }
    }

    /// The same column, read from the field at `path`.
    pub const fn from(mut self, path: &'static str) -> Self {
        self.field = Some(path);
        self
    }

    /// The same column, for a field that many apps are refused.
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// How a table treats a row that it has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// One row a key, updated in place; `first_seen_at` and `changed_at` are the store's.
    Entity,
    /// A new row when a value changed; `observed_at` (the key's last column) and `confirmed_at` are the store's.
    Observation,
}

/// A table that a resource fills.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in `schema.sql`.
    pub name: &'static str,
    /// The columns that name the subject. An observation's key in the database has `observed_at` behind them.
    pub key: &'static [&'static str],
    /// All columns but those the store fills.
    pub columns: &'static [Column],
    /// How it treats a row that it has already.
    pub history: History,
    /// For entities that a list shows completely: the column of the subject whose list it is. Such a table has
    /// `deleted_at`, which the store fills.
    pub listed_by: Option<&'static str>,
}

impl Table {
    /// The place of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A value on its way into the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The API told nothing.
    Null,
    /// TEXT.
    Text(String),
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A row for one table: a value per column, `None` where the column was not asked for and stays as it is.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where it belongs.
    pub table: &'static Table,
    /// One entry per column of the table, in its order.
    pub values: Vec<Option<Value>>,
}

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that were new.
    pub inserted: u64,
    /// Rows of which an attribute or a number differed.
    pub changed: u64,
    /// Rows found as they were.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
    }
}
