//! The service manager: READY, STATUS, RELOADING, STOPPING and WATCHDOG of the notify protocol (sd_notify(3)). Silent when nobody listens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;

/// Texts follow each other at this distance at least.
const TEXT_EVERY: Duration = Duration::from_secs(1);

/// What the service manager was told.
#[derive(Debug)]
pub struct Supervisor {
    /// How often it wants to hear of life.
    watchdog: Option<Duration>,
    beaten: Option<Instant>,
    told: (String, Option<Instant>),
}

impl Supervisor {
    /// The service manager that started this process, if one did.
    pub fn find() -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled(),
            beaten: None,
            told: (String::new(), None),
        }
    }

    /// Everything is known that is needed to work.
    pub(super) fn ready() {
        tell(&[NotifyState::Ready]);
    }

    /// The configuration is read again; READY follows.
    pub(super) fn reloading() {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    /// The end has begun.
    pub fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    /// What is going on, in one line.
    pub(super) fn status(&mut self, text: &str) {
        let (told, at) = &self.told;
        if told == text || at.is_some_and(|at| at.elapsed() < TEXT_EVERY) {
            return;
        }
        tell(&[NotifyState::Status(text)]);
        self.told = (text.to_owned(), Some(Instant::now()));
    }

    /// There is progress. Told four times as often as the service manager wants to hear it.
    pub(super) fn alive(&mut self) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        if self.beaten.is_none_or(|at| at.elapsed() >= watchdog / 4) {
            tell(&[NotifyState::Watchdog]);
            self.beaten = Some(Instant::now());
        }
    }

    /// The longest pause between two signs of life.
    pub(super) fn longest_nap(&self) -> Duration {
        self.watchdog.map_or(Duration::MAX, |watchdog| watchdog / 3)
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
