//! Ctrl-C and SIGTERM: the first one asks to end, the second one ends.

use tokio::signal::unix::{SignalKind, signal};

use super::terminal::Terminal;
use crate::stop::StopHandle;

/// Runs `work`; a signal sets the stop, a second one gives `None` at once. Committed pages are safe either way.
pub(super) async fn until_stopped<T>(
    terminal: &Terminal,
    stop: &StopHandle,
    work: impl Future<Output = T>,
) -> std::io::Result<Option<T>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut asked = false;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if asked {
            return Ok(None);
        }
        asked = true;
        stop.stop();
        terminal.say("stopping after the page in flight; the same command goes on from there (again: stop at once)");
    }
}
