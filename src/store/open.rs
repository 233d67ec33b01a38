//! Opening the file: version, migration.
//!
//! Owns who may write and whether the file is one this igsync understands. Refuses, before anything is
//! written: a file that is not SQLite, one that another program made, one of a newer igsync, a folder that
//! cannot be written to, and a database that another igsync holds.

use std::fs::{OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::lock::Lock;

/// Marks the file as igsync's (SQLite's `application_id`): "igsy" in ASCII.
pub const APPLICATION_ID: i32 = 0x6967_7379;

/// The newest version of the schema, which `schema.sql` describes.
pub const SCHEMA_VERSION: i32 = 1;

/// From version n to n + 1 each. Append only: a released step is never edited or removed.
const STEPS: &[&str] = &[];

const _: () = assert!(SCHEMA_VERSION.unsigned_abs() as usize == STEPS.len() + 1);

pub(super) const SCHEMA: &str = include_str!("../../schema.sql");

/// How long a writer waits for an analyst who holds a write lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(90);

/// Why a database cannot be used. Each message ends with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing or cannot be written to.
    #[error(
        "{}: cannot write here: {source}; {}",
        .path.display(),
        remedy(.source)
    )]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder cannot be looked into, or the file not be read.
    #[error("{}: cannot be read: {source}; ask as a user who may read it, such as root", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another igsync holds the database.
    #[error(
        "{}: in use by {holder}; wait for it to end, stop it, or set database.path to another file",
        .path.display()
    )]
    Held {
        /// The database.
        path: PathBuf,
        /// Who holds it, as it wrote itself into the lock file.
        holder: String,
    },
    /// The file has another format.
    #[error(
        "{}: this file is not an SQLite database; set database.path to another file, or move this one away",
        .path.display()
    )]
    NotSqlite {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's database.
    #[error(
        "{}: this SQLite database was not made by igsync; set database.path to another file, or move this one away",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer igsync.
    #[error(
        "{}: made by a newer igsync (schema {found}, this igsync knows {SCHEMA_VERSION}); install that igsync or a newer one",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// SQLite refuses for another reason.
    #[error("{}: {source}{}", .path.display(), super::hint(.source))]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// Whether something else should have been written or set up, as opposed to trouble of the disk.
    pub fn is_of_the_user(&self) -> bool {
        match self {
            Self::Unwritable { source, .. } => !is_full(source),
            Self::Sqlite { .. } => false,
            _ => true,
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        _ if is_full(error) => "free some space and start again",
        ErrorKind::ReadOnlyFilesystem => {
            "it is mounted read-only: mount it for writing, or set database.path to another place"
        }
        ErrorKind::PermissionDenied => {
            "give it to this user (chown, chmod), or set database.path to another place"
        }
        _ => "create the folder, or set database.path to another place",
    }
}

/// Opens the database at `path` for writing, creating it if it is missing. `holder` is what another igsync is
/// told when it finds the database in use.
pub(super) fn open(path: &Path, holder: &str) -> Result<(Connection, Lock), OpenError> {
    inspect(path)?;
    let lock = Lock::take(path, holder)?;
    create_private(path)?;
    let mut connection = Connection::open(path).map_err(|source| sqlite(path, source))?;
    configure(&connection).map_err(|source| sqlite(path, source))?;
    bring_up_to_date(&mut connection, path, SCHEMA, STEPS)?;
    Ok((connection, lock))
}

/// Opens the file for reading, without the lock; `None` when there is no file, or an empty or older one.
pub(super) fn peek(path: &Path) -> Result<Option<Connection>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = |source| sqlite(path, source);
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let known = verify(&connection, path)? == SCHEMA_VERSION;
    Ok(known.then_some(connection))
}

/// Opens the file for reading, as [`peek`] does, for somebody who may not write here.
pub(super) fn peek_read_only(path: &Path) -> Result<Option<Connection>, OpenError> {
    let unreadable = |source| OpenError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if !path.try_exists().map_err(unreadable)? {
        return Ok(None);
    }
    // SQLite would only say that it cannot.
    std::fs::File::open(path).map_err(unreadable)?;
    let failed = |source| sqlite(path, source);
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let known = verify(&connection, path)? == SCHEMA_VERSION;
    Ok(known.then_some(connection))
}

/// Looks at the file without changing anything: may this igsync open it?
///
/// # Errors
/// [`OpenError`] with the reason; a missing file in a writable folder is fine.
pub(super) fn inspect(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let writable = tempfile_probe(folder);
    writable.map_err(|source| OpenError::Unwritable {
        path: folder.to_owned(),
        source,
    })?;
    if !path.exists() {
        return Ok(());
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|source| OpenError::Unwritable {
            path: path.to_owned(),
            source,
        })?;
    // Not read-only: SQLite may have to recover a WAL that a crash left behind before it can read.
    let connection = Connection::open(path).map_err(|source| sqlite(path, source))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(|source| sqlite(path, source))?;
    verify(&connection, path).map(|_| ())
}

/// Whether a file can be made in the folder, by making one and removing it: rights alone do not tell about
/// read-only mounts.
fn tempfile_probe(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".igsync-probe-{}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    std::fs::remove_file(&probe)
}

/// The version of the file: 0 for an empty one.
fn verify(connection: &Connection, path: &Path) -> Result<i32, OpenError> {
    let pragma = |name: &str| -> Result<i32, OpenError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|source| sqlite(path, source))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|source| sqlite(path, source))?;
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if tables == 0 && application == 0 && version == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
        });
    }
    if version > SCHEMA_VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found: version,
        });
    }
    Ok(version)
}

/// Creates the file readable by its owner alone, before SQLite would create it with the process's umask. SQLite
/// gives the WAL the rights of the database. A file that is there keeps its rights: its owner may let others read.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let private = match made {
        // A umask may have taken rights away from its owner, too.
        Ok(file) => file.set_permissions(Permissions::from_mode(0o600)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    private.map_err(|source| OpenError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(super::listing::SEEN)
}

/// Makes a new file from `schema`, or takes an older one through the `steps` it lacks, in one exclusive
/// transaction, after a copy of it was put beside it.
fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    schema: &str,
    steps: &[&str],
) -> Result<(), OpenError> {
    let version = verify(connection, path)?;
    let target = 1 + i32::try_from(steps.len()).unwrap_or(i32::MAX);
    if version == target {
        return Ok(());
    }
    let failed = |source| sqlite(path, source);
    if version > 0 {
        keep_copy(connection, path, version)?;
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(failed)?;
    let pending = match version {
        0 => std::slice::from_ref(&schema),
        version => &steps[usize::try_from(version - 1).unwrap_or(0)..],
    };
    for step in pending {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    transaction
        .pragma_update(None, "user_version", target)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Puts a copy of an older file beside it, as `<database>.v<version>`, readable by its owner alone. A copy that an earlier
/// try left behind is replaced: the file has not changed since.
fn keep_copy(connection: &Connection, path: &Path, version: i32) -> Result<(), OpenError> {
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".v{version}{ending}"));
        PathBuf::from(name)
    };
    let (copy, unfinished) = (named(""), named(".unfinished"));
    let unwritable = |source| OpenError::Unwritable {
        path: unfinished.clone(),
        source,
    };
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(unwritable)?;
    }
    // SQLite fills an empty file that is there, and keeps its rights.
    create_private(&unfinished)?;
    connection
        .execute("VACUUM INTO ?", [unfinished.to_string_lossy()])
        .map_err(|source| sqlite(path, source))?;
    std::fs::rename(&unfinished, &copy).map_err(unwritable)
}

fn sqlite(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::NotSqlite { path },
        _ => OpenError::Sqlite { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_file_is_private_and_carries_the_version() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("a.db");
        let (connection, _lock) = open(&path, "me").unwrap();
        let version: i32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA_VERSION);
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let file = folder.path().join(format!("a.db{suffix}"));
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is open to others", file.display());
        }
    }

    #[test]
    fn the_second_process_is_told_who_holds_the_database() {
        let folder = folder();
        let path = folder.path().join("a.db");
        let _first = open(&path, "igsync backfill, process 17").unwrap();
        let error = open(&path, "second").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("in use by igsync backfill, process 17"),
            "{error}"
        );
    }

    #[test]
    fn files_that_are_not_ours_are_refused_and_left_alone() {
        let folder = folder();
        let text = folder.path().join("text.db");
        std::fs::write(&text, "a,b,c\n".repeat(400)).unwrap();
        assert!(matches!(
            open(&text, "me"),
            Err(OpenError::NotSqlite { .. })
        ));
        assert_eq!(
            std::fs::read_to_string(&text).unwrap(),
            "a,b,c\n".repeat(400)
        );

        let foreign = folder.path().join("foreign.db");
        let other = Connection::open(&foreign).unwrap();
        other.execute_batch("CREATE TABLE notes (text)").unwrap();
        drop(other);
        let before = std::fs::read(&foreign).unwrap();
        assert!(matches!(
            open(&foreign, "me"),
            Err(OpenError::Foreign { .. })
        ));
        assert_eq!(std::fs::read(&foreign).unwrap(), before);

        let newer = folder.path().join("newer.db");
        drop(open(&newer, "me").unwrap());
        let other = Connection::open(&newer).unwrap();
        other
            .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        drop(other);
        assert!(matches!(open(&newer, "me"), Err(OpenError::Newer { .. })));
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(
            !names.iter().any(|name| name == "text.db.lock"),
            "{names:?}"
        );
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let folder = folder();
        let error = open(&folder.path().join("no/such/a.db"), "me").unwrap_err();
        assert!(error.to_string().contains("no/such"), "{error}");
        assert!(error.to_string().contains("database.path"), "{error}");
    }

    #[test]
    fn an_older_file_is_copied_and_then_migrated() {
        let folder = folder();
        let path = folder.path().join("old.db");
        let mut connection = Connection::open(&path).unwrap();
        let first = "CREATE TABLE pets (name TEXT) STRICT; INSERT INTO pets VALUES ('Ada');";
        bring_up_to_date(&mut connection, &path, first, &[]).unwrap();

        let steps = ["ALTER TABLE pets ADD COLUMN age INTEGER;"];
        // SCHEMA_VERSION guards against newer files; the step's own version is what the list says.
        bring_up_to_date(&mut connection, &path, "unused", &steps).unwrap();
        let (name, age): (String, Option<i64>) = connection
            .query_row("SELECT name, age FROM pets", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((name.as_str(), age), ("Ada", None));

        let copy = folder.path().join("old.db.v1");
        let mode = std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0);
        let copy = Connection::open(copy).unwrap();
        let columns: i64 = copy
            .query_row("SELECT count(*) FROM pragma_table_info('pets')", [], |r| {
                r.get(0)
            })
            .unwrap();
        assert_eq!(columns, 1);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let folder = folder();
        let path = folder.path().join("old.db");
        let mut connection = Connection::open(&path).unwrap();
        let schema = "CREATE TABLE pets (name TEXT) STRICT;";
        bring_up_to_date(&mut connection, &path, schema, &[]).unwrap();
        let steps = ["ALTER TABLE pets ADD COLUMN age INTEGER; NONSENSE;"];
        // However often it is tried.
        for _ in 0..2 {
            bring_up_to_date(&mut connection, &path, schema, &steps).unwrap_err();
        }
        let columns: i64 = connection
            .query_row("SELECT count(*) FROM pragma_table_info('pets')", [], |r| {
                r.get(0)
            })
            .unwrap();
        assert_eq!(columns, 1);
    }
}
