//! The wish to end: set once by a signal, seen by everything that waits.

use tokio::sync::watch;

/// Seen from the inside: has somebody asked to end? Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Seen from the outside: asks everything that holds the [`Stop`] to end.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

/// A pair of both. If the handle is dropped without a wish, nothing ever stops.
pub fn stop_pair() -> (StopHandle, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopHandle(sender), Stop(receiver))
}

impl StopHandle {
    /// Asks to end: the page in flight is finished and committed, and nothing new begins.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the wish is there.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the wish; for ever if it never comes.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wish_wakes_what_waits_and_a_dropped_handle_does_not() {
        let (handle, stop) = stop_pair();
        assert!(!stop.requested());
        handle.stop();
        stop.wait().await;
        assert!(stop.requested());

        let (handle, stop) = stop_pair();
        drop(handle);
        let waited = tokio::time::timeout(std::time::Duration::from_secs(9), stop.wait()).await;
        assert!(waited.is_err());
    }
}
