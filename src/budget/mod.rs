//! How fast we may go: pools, their pace and their gates.
//!
//! Owns the answer to "may this call go now, and if not, when". Refuses to know what a call is for, and never
//! sleeps: it answers with a time, and the caller waits or gives up.
//!
//! A pool is what Meta meters: BUC belongs to an app and one Instagram account, Platform to the app or its user
//! (Graph API "Rate Limits" page). Two halves decide:
//!
//! - *Pace* (governor) smooths our own calls inside an open pool.
//! - *Gate* (`gate`) closes the pool when a usage reading reaches the ceiling or Meta refuses a call, and opens it
//!   when the time is over. Gates survive restarts through [`Budget::states`] and [`Budget::restore`].

mod gate;
mod pace;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use gate::{Closed, GateState, Reading};
use pace::Pace;

/// What the configuration says about budgets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The share of every pool that igsync may use up to, 1 to 100.
    pub ceiling_percent: u8,
    /// How long Meta's BUC window is.
    pub buc_window: Duration,
    /// How long Meta's Platform window is.
    pub platform_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ceiling_percent: 80,
            buc_window: Duration::from_secs(24 * 3600),
            platform_window: Duration::from_secs(3600),
        }
    }
}

/// Names a pool. Written as `buc:<account id>` and `platform:<credential name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PoolKey {
    /// Business Use Case limits of one Instagram account.
    Buc {
        /// IG User id.
        account_id: String,
    },
    /// Platform limits of a token's app and user.
    Platform {
        /// The credential's name.
        credential: String,
    },
}

impl fmt::Display for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buc { account_id } => write!(f, "buc:{account_id}"),
            Self::Platform { credential } => write!(f, "platform:{credential}"),
        }
    }
}

impl PoolKey {
    /// Reads what `Display` wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (family, owner) = text.split_once(':')?;
        match family {
            "buc" => Some(Self::Buc {
                account_id: owner.to_owned(),
            }),
            "platform" => Some(Self::Platform {
                credential: owner.to_owned(),
            }),
            _ => None,
        }
    }
}

/// May a call go?
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// Yes, and it is counted as sent.
    Go,
    /// Not yet: pace. Ask again after this.
    After(Duration),
    /// No: the pool is closed.
    Closed(Closed),
}

/// All pools of the program.
#[derive(Debug)]
pub struct Budget {
    settings: Settings,
    pools: Mutex<HashMap<PoolKey, Pool>>,
}

#[derive(Debug)]
struct Pool {
    pace: Pace,
    gate: GateState,
}

impl Budget {
    /// Budgets under these settings, all pools open.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            pools: Mutex::default(),
        }
    }

    /// Asks for a permit for one call.
    pub fn admit(&self, key: &PoolKey, now: DateTime<Utc>) -> Admission {
        self.with(key, |_, pool| match pool.gate.closed(now) {
            Some(closed) => Admission::Closed(closed),
            None => match pool.pace.permit() {
                Ok(()) => Admission::Go,
                Err(wait) => Admission::After(wait),
            },
        })
    }

    /// Books what Meta said about the pool in an answer's headers.
    pub fn observe(&self, key: &PoolKey, reading: Reading, now: DateTime<Utc>) {
        self.with(key, |settings, pool| {
            pool.gate.observe(reading, settings, key, now);
        });
    }

    /// Books that a call of the pool was answered.
    pub fn answered(&self, key: &PoolKey, now: DateTime<Utc>) {
        self.with(key, |_, pool| pool.gate.answered(now));
    }

    /// Books that Meta refused a call for want of budget; `hint` is how long it says that lasts. Says until when
    /// the pool is closed now.
    pub fn refuse(
        &self,
        key: &PoolKey,
        hint: Option<Duration>,
        why: &str,
        now: DateTime<Utc>,
    ) -> Closed {
        self.with(key, |settings, pool| {
            pool.gate.refuse(hint, why, settings, key, now)
        })
    }

    /// Books a block of the token's user or app: as [`Budget::refuse`], and [`Budget::blocked`] tells it to every
    /// call of the token.
    pub fn block(&self, key: &PoolKey, hint: Option<Duration>, why: &str, now: DateTime<Utc>) {
        self.with(key, |settings, pool| {
            pool.gate.refuse(hint, why, settings, key, now);
            pool.gate.for_all = true;
        });
    }

    /// Whether a block holds for every call of the token that the pool belongs to.
    pub fn blocked(&self, key: &PoolKey, now: DateTime<Utc>) -> Option<Closed> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = &pools.get(key)?.gate;
        gate.closed(now).filter(|_| gate.for_all)
    }

    /// Every pool as it stands, in the order of their names.
    pub fn states(&self) -> Vec<(PoolKey, GateState)> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states: Vec<_> = pools
            .iter()
            .map(|(key, pool)| (key.clone(), pool.gate.clone()))
            .collect();
        states.sort_by_key(|(key, _)| key.to_string());
        states
    }

    /// Takes up a pool where an earlier process left it.
    pub fn restore(&self, key: &PoolKey, state: GateState) {
        self.with(key, |_, pool| pool.gate = state);
    }

    fn with<T>(&self, key: &PoolKey, work: impl FnOnce(&Settings, &mut Pool) -> T) -> T {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.entry(key.clone()).or_insert_with(|| Pool {
            pace: Pace::of(key),
            gate: GateState::default(),
        });
        work(&self.settings, pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_names_survive_text() {
        for text in ["buc:17841400000000000", "platform:main"] {
            assert_eq!(
                PoolKey::parse(text).map(|key| key.to_string()).as_deref(),
                Some(text)
            );
        }
        assert_eq!(PoolKey::parse("other:1"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_closed_pool_holds_up_no_other() {
        let budget = Budget::new(Settings::default());
        let now = DateTime::UNIX_EPOCH;
        let closed = PoolKey::Buc {
            account_id: "1".into(),
        };
        let open = PoolKey::Buc {
            account_id: "2".into(),
        };
        budget.refuse(&closed, None, "code 80002", now);
        assert!(matches!(budget.admit(&closed, now), Admission::Closed(_)));
        assert_eq!(budget.admit(&open, now), Admission::Go);
    }

    #[tokio::test(start_paused = true)]
    async fn pace_spreads_calls_and_follows_paused_time() {
        let budget = Budget::new(Settings::default());
        let now = DateTime::UNIX_EPOCH;
        let key = PoolKey::Platform {
            credential: "main".into(),
        };
        assert_eq!(budget.admit(&key, now), Admission::Go);
        let Admission::After(wait) = budget.admit(&key, now) else {
            panic!("the second call went at once");
        };
        tokio::time::sleep(wait).await;
        assert_eq!(budget.admit(&key, now), Admission::Go);
    }
}
