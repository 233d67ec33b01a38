//! From the runtime's thread to SQLite's, and the patience with other programs' locks.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::time::{Instant, sleep};

use super::open::BUSY_TIMEOUT;
use super::{Store, StoreError};

/// How often a lock of another program's is tried.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest single call, such as the comparison of a long list, takes seconds. What takes this long does not come back.
const HANGS_AFTER: Duration = Duration::from_secs(120);

impl Store {
    /// One transaction. Another program that holds the write lock, as an analyst's open transaction does, is waited for.
    pub(super) async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let mut work = Some(work);
        self.patiently(action, move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // The lock is ours now, so nothing below is busy and tried again.
            let work = work.take().ok_or(rusqlite::Error::InvalidQuery)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Work that is tried again for a while when another program's lock is in its way.
    pub(super) async fn patiently<T, F>(
        &self,
        action: &'static str,
        mut work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let begun = Instant::now();
        let mut is_told = false;
        loop {
            // SQLite would wait in its own time and keep its thread.
            let attempt = self.call(action, move |connection| {
                connection.busy_timeout(Duration::ZERO)?;
                let result = work(connection);
                connection.busy_timeout(BUSY_TIMEOUT)?;
                Ok((result, work))
            });
            let (result, again) = attempt.await?;
            match result {
                Ok(value) => return Ok(value),
                Err(cause) if !is_busy(&cause) || begun.elapsed() >= BUSY_TIMEOUT => {
                    return Err(StoreError { action, cause });
                }
                Err(_) => work = again,
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!("another program holds a lock on the database; waiting for it");
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether a call has been under way for longer than any may, as on a disk that does not answer.
    pub fn hangs(&self) -> bool {
        let longest = self.inner.calls.longest();
        longest.is_some_and(|age| age > HANGS_AFTER)
    }

    pub(super) async fn call<T, F>(&self, action: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let _under_way = self.inner.calls.begin();
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = inner
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|cause| StoreError { action, cause })
        });
        match task.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_come_back_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("igsync.db"), "a test").unwrap();
        let (comes_back, waits) = std::sync::mpsc::channel::<()>();
        let hanging = store.clone();
        let hanging = tokio::spawn(async move {
            hanging
                .call("wait", move |_| Ok(waits.recv().is_ok()))
                .await
        });
        // Work behind it waits as well.
        let behind = store.clone();
        let behind = tokio::spawn(async move { behind.jobs().await });
        tokio::task::yield_now().await;
        tokio::time::advance(HANGS_AFTER).await;
        assert!(!store.hangs());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(store.hangs());
        comes_back.send(()).unwrap();
        assert!(hanging.await.unwrap().unwrap());
        behind.await.unwrap().unwrap();
        assert!(!store.hangs());
    }
}
