//! The lock: one igsync writes at a time. It is the operating system's, lies on `<database>.lock`, and names its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::open::OpenError;

/// How often the lock is tried while nobody but somebody who looks at it is in the way: that takes microseconds, or until it has a core again where
/// the machine is busy.
const TRIES: usize = 100_000;

/// Held as long as the store is open; the operating system lets go when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the database at `path`. `holder` is what another igsync is told when it finds it taken.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Self, OpenError> {
        let lock_path = lock_path(path);
        let unwritable = |source| OpenError::Unwritable {
            path: lock_path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(unwritable)?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES && !is_taken(&file) => {
                    tries += 1;
                    std::thread::yield_now();
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::Held {
                        path: path.to_owned(),
                        holder: name(file),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
            }
        }
        file.set_len(0).map_err(unwritable)?;
        file.rewind().map_err(unwritable)?;
        file.write_all(holder.as_bytes()).map_err(unwritable)?;
        Ok(Self { _file: file })
    }
}

/// Who holds the database at `path`, as it wrote itself into the lock file; `None` when nobody does, or nobody can tell.
pub(super) fn holder(path: &Path) -> Option<String> {
    let file = File::open(lock_path(path)).ok()?;
    is_taken(&file).then(|| name(file))
}

/// Whether somebody holds the lock. Looks at it for a moment together with others who do the same.
fn is_taken(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => {
            // Closing the file would do the same.
            let _ = file.unlock();
            false
        }
        Err(_) => true,
    }
}

fn name(mut file: File) -> String {
    let mut holder = String::new();
    // Lossless enough: the holder writes one line of text at once.
    let _ = file.read_to_string(&mut holder);
    match holder.trim() {
        "" => "another igsync".to_owned(),
        holder => holder.to_owned(),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_holder_is_named_as_long_as_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        assert_eq!(holder(&path), None);
        let lock = Lock::take(&path, "igsync run, process 17").unwrap();
        assert_eq!(holder(&path).as_deref(), Some("igsync run, process 17"));
        drop(lock);
        assert_eq!(holder(&path), None);
    }

    #[test]
    fn looking_at_the_lock_keeps_nobody_from_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        holder(&path);
                    }
                });
            }
            let taken = (0..500).all(|_| Lock::take(&path, "me").is_ok());
            is_over.store(true, Ordering::Relaxed);
            assert!(taken);
        });
    }
}
