//! Ctrl-C and SIGTERM: the first one asks to end, the second one ends. SIGHUP asks the daemon to read its configuration again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::terminal::Terminal;
use crate::stop::StopHandle;

/// What a signal asks for.
pub(super) enum Ask {
    /// To end, in order.
    End,
    /// To end now: it was asked for before.
    EndAtOnce,
    /// To read the configuration again.
    ReadAgain,
}

/// What signals have asked for so far.
pub(super) struct Asked {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    to_end: bool,
}

impl Asked {
    /// Listens to all signals that the daemon knows.
    pub(super) fn new() -> std::io::Result<Self> {
        let hangup = Some(signal(SignalKind::hangup())?);
        Ok(Self {
            hangup,
            ..Self::to_end_only()?
        })
    }

    /// Listens to what ends a command; a terminal that hangs up ends it at once, as it ends other programs.
    fn to_end_only() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: None,
            to_end: false,
        })
    }

    /// Whether one has asked to end.
    pub(super) fn to_end(&self) -> bool {
        self.to_end
    }

    /// Waits for the next one. Loses none when it is dropped.
    pub(super) async fn next(&mut self) -> Ask {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => return Ask::ReadAgain,
        }
        if std::mem::replace(&mut self.to_end, true) {
            Ask::EndAtOnce
        } else {
            Ask::End
        }
    }
}

/// Runs `work`; a signal sets the stop, a second one gives `None` at once. Committed pages are safe either way.
pub(super) async fn until_stopped<T>(
    terminal: &Terminal,
    stop: &StopHandle,
    work: impl Future<Output = T>,
) -> std::io::Result<Option<T>> {
    let mut asked = Asked::to_end_only()?;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            ask = asked.next() => if matches!(ask, Ask::EndAtOnce) {
                return Ok(None);
            }
        }
        stop.stop();
        terminal.say("stopping after the page in flight; the same command goes on from there (again: stop at once)");
    }
}
