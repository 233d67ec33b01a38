//! Whose turn it is in an account: one job asks at a time, and a long one makes room for what is lost when it is not read now.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::job::Job;

/// An account's turn, which one job has.
pub(super) type Account = Arc<Mutex<()>>;

/// A job's turn in its account, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    account: Account,
    held: Option<OwnedMutexGuard<()>>,
    gives_way: bool,
}

impl Turn {
    /// Waits for the turn of a job; who waits longest has it next.
    pub(super) async fn take(account: Account, job: &Job) -> Self {
        Self {
            held: Some(Arc::clone(&account).lock_owned().await),
            account,
            gives_way: !job.resource.urgent,
        }
    }

    /// Between two pages, with everything committed: whoever waits goes first.
    pub(super) async fn give_way(&mut self) {
        if self.gives_way {
            self.held = None;
            self.held = Some(Arc::clone(&self.account).lock_owned().await);
        }
    }
}
