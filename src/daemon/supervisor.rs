//! The service manager: READY, STATUS, RELOADING, STOPPING and WATCHDOG of the notify protocol (sd_notify(3)). Silent when nobody listens.
//!
//! Nothing waits for the manager. Where its socket takes no more, READY, RELOADING and STOPPING are kept, in their order, and tried again soon;
//! a sign of life and a status are not kept, because the next ones are truer.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;

/// Texts follow each other at this distance at least.
const TEXT_EVERY: Duration = Duration::from_secs(1);

/// What must be heard and was not is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What the service manager was told.
#[derive(Debug)]
pub struct Supervisor {
    socket: Option<PathBuf>,
    /// How often it wants to hear of life.
    watchdog: Option<Duration>,
    beaten: Option<Instant>,
    /// Whether the last sign of life was not heard.
    unheard: bool,
    told: (String, Option<Instant>),
    /// What it must be told and could not be, the first first.
    owed: VecDeque<String>,
    is_stopping: bool,
}

impl Supervisor {
    /// The service manager that listens at a socket, if there is one, and how often it wants to hear of life.
    pub fn at(socket: Option<PathBuf>, watchdog: Option<Duration>) -> Self {
        Self {
            socket,
            watchdog,
            beaten: None,
            unheard: false,
            told: (String::new(), None),
            owed: VecDeque::new(),
            is_stopping: false,
        }
    }

    /// Everything is known that is needed to work.
    pub(super) fn ready(&mut self) {
        self.must_tell(&[NotifyState::Ready]);
    }

    /// The configuration is read again; READY follows.
    pub(super) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.must_tell(&[NotifyState::Reloading, now]),
            Err(_) => self.must_tell(&[NotifyState::Reloading]),
        }
    }

    /// The end has begun. Told once.
    pub(super) fn stopping(&mut self) {
        if !std::mem::replace(&mut self.is_stopping, true) {
            self.must_tell(&[NotifyState::Stopping]);
        }
    }

    /// Tries again what could not be told.
    pub(super) fn catch_up(&mut self) {
        while let Some(message) = self.owed.front() {
            if !self.send(message) {
                return;
            }
            self.owed.pop_front();
        }
    }

    /// What is going on, in one line. One that is not heard is dropped: there is another one soon.
    pub(super) fn status(&mut self, text: &str) {
        let (told, at) = &self.told;
        if told == text || at.is_some_and(|at| at.elapsed() < TEXT_EVERY) {
            return;
        }
        if self.tell(&[NotifyState::Status(text)]) {
            self.told = (text.to_owned(), Some(Instant::now()));
        }
    }

    /// There is progress. Told four times as often as the service manager wants to hear it.
    pub(super) fn alive(&mut self) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        if self.beaten.is_none_or(|at| at.elapsed() >= watchdog / 4) {
            self.unheard = !self.tell(&[NotifyState::Watchdog]);
            if !self.unheard {
                self.beaten = Some(Instant::now());
            }
        }
    }

    /// The longest pause until it is to be told something.
    pub(super) fn longest_nap(&self) -> Duration {
        let beat = self.watchdog.map_or(Duration::MAX, |watchdog| watchdog / 3);
        if self.unheard || !self.owed.is_empty() {
            beat.min(AGAIN)
        } else {
            beat
        }
    }

    fn must_tell(&mut self, states: &[NotifyState<'_>]) {
        self.owed.push_back(message(states));
        self.catch_up();
    }

    /// Whether it was told: not before what it must be told first.
    fn tell(&self, states: &[NotifyState<'_>]) -> bool {
        self.owed.is_empty() && self.send(&message(states))
    }

    fn send(&self, message: &str) -> bool {
        let Some(socket) = &self.socket else {
            return true;
        };
        let send = || -> io::Result<()> {
            let own = UnixDatagram::unbound()?;
            own.set_nonblocking(true)?;
            own.send_to(message.as_bytes(), socket).map(drop)
        };
        match send() {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "the service manager does not listen");
                false
            }
        }
    }
}

fn message(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manager's socket that is full, and what reads it.
    struct Manager(UnixDatagram, PathBuf);

    impl Manager {
        fn that_takes_no_more(folder: &tempfile::TempDir) -> Self {
            let path = folder.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            let other = UnixDatagram::unbound().unwrap();
            other.set_nonblocking(true).unwrap();
            while other.send_to(b"X=1\n", &path).is_ok() {}
            Self(socket, path)
        }

        /// What came, without what filled the socket.
        fn hears(&self) -> Vec<String> {
            let mut heard = Vec::new();
            let mut message = [0; 4096];
            while let Ok(length) = self.0.recv(&mut message) {
                let text = String::from_utf8_lossy(&message[..length]);
                let lines = text.lines().filter(|line| !line.starts_with("X="));
                heard.extend(lines.map(|line| line.split('=').next().unwrap().to_owned()));
            }
            heard
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_that_takes_no_more_holds_nothing_up_and_hears_later_what_it_must() {
        let folder = tempfile::tempdir().unwrap();
        let manager = Manager::that_takes_no_more(&folder);
        let watchdog = Duration::from_secs(300);
        let mut supervisor = Supervisor::at(Some(manager.1.clone()), Some(watchdog));
        supervisor.ready();
        supervisor.reloading();
        supervisor.ready();
        supervisor.alive();
        supervisor.status("0 of 2 accounts");
        assert_eq!(supervisor.longest_nap(), AGAIN);
        // Room again, and a newer status is the first one.
        assert_eq!(manager.hears(), [""; 0]);
        supervisor.status("1 of 2 accounts");
        assert_eq!(manager.hears(), [""; 0], "a status came before READY");
        supervisor.catch_up();
        supervisor.alive();
        supervisor.status("2 of 2 accounts");
        let kinds = manager.hears();
        assert_eq!(
            kinds,
            [
                "READY",
                "RELOADING",
                "MONOTONIC_USEC",
                "READY",
                "WATCHDOG",
                "STATUS"
            ]
        );
        assert_eq!(supervisor.longest_nap(), watchdog / 3);
        supervisor.stopping();
        supervisor.stopping();
        assert_eq!(manager.hears(), ["STOPPING"]);
    }

    #[tokio::test(start_paused = true)]
    async fn life_is_told_in_time_and_a_text_no_more_than_once_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let manager = Manager::that_takes_no_more(&folder);
        manager.hears();
        let watchdog = Duration::from_secs(300);
        let mut supervisor = Supervisor::at(Some(manager.1.clone()), Some(watchdog));
        let begun = Instant::now();
        let mut beats = 0;
        while begun.elapsed() < Duration::from_secs(3600) {
            supervisor.alive();
            beats += manager.hears().len();
            tokio::time::sleep(supervisor.longest_nap()).await;
        }
        assert_eq!(beats, 36);
        supervisor.status("a");
        supervisor.status("b");
        assert_eq!(manager.hears(), ["STATUS"]);
        tokio::time::sleep(TEXT_EVERY).await;
        supervisor.status("b");
        supervisor.status("b");
        assert_eq!(manager.hears(), ["STATUS"]);
        // Who does not ask for signs of life gets none.
        let mut unwatched = Supervisor::at(Some(manager.1.clone()), None);
        unwatched.alive();
        assert_eq!(manager.hears(), [""; 0]);
    }
}
