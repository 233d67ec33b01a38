//! Between requests and pools: where a call is metered, its permit, and what its answer says about the pools.
//!
//! Which pool a call belongs to follows from what it asks and whose credential asks; what is used follows from the header
//! that came back ("Rate Limits" page).

use std::time::Duration;

use reqwest::header::HeaderMap;

use super::client::{Client, Failure};
use super::error::Error;
use super::request::Request;
use super::token::Credential;
use super::usage::Usage;
use super::verdict::{Family, Reaction};
use crate::budget::{Admission, Budget, Closed, Demand, PoolKey, Urgency};
use crate::clock::Clock;

/// A pool that opens within this is waited for; a longer wait ends the job as suspended.
pub const SHORT_WAIT: Duration = Duration::from_secs(60);

/// How long everything of a token rests after Meta blocks it for violating policies (code 368).
const POLICY_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// A request on its way, counted as such until this is dropped.
pub(super) struct Permit<'a> {
    budget: &'a Budget,
    clock: &'a Clock,
    pools: Vec<PoolKey>,
    calls: u32,
    urgency: Urgency,
}

impl Permit<'_> {
    fn demand(&self) -> Demand<'_> {
        Demand {
            pools: &self.pools,
            calls: self.calls,
            urgency: self.urgency,
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.budget.settle(self.demand(), self.clock.now());
    }
}

impl Client {
    /// Waits for the permit of so many calls like this one. A block of the token's user or app holds for every pool of the token.
    pub(super) async fn permit(
        &self,
        credential: &Credential,
        request: &Request,
        calls: u32,
    ) -> Result<Permit<'_>, Error> {
        let demand = Demand {
            pools: &self.pools(credential, request),
            calls,
            urgency: request.urgency,
        };
        let _turn = match request.urgency {
            Urgency::Urgent => None,
            Urgency::Bulk => tokio::select! {
                turn = self.budget.turn(&request.pool) => Some(turn),
                () = self.stop.wait() => return Err(Error::Stopped),
            },
        };
        loop {
            if self.stop.requested() {
                return Err(Error::Stopped);
            }
            let now = self.clock.now();
            for pool in [credential.app_pool(), credential.user_pool()] {
                if let Some(closed) = self.budget.blocked(&pool, now) {
                    return Err(Error::Closed { pool, closed });
                }
            }
            match self.budget.admit(demand, now) {
                Admission::Go => {
                    return Ok(Permit {
                        budget: &self.budget,
                        clock: &self.clock,
                        pools: demand.pools.to_vec(),
                        calls: demand.calls,
                        urgency: demand.urgency,
                    });
                }
                Admission::After(wait) => self.sleep(wait).await?,
                // Nothing can be answered in between: the runtime has one thread.
                Admission::Busy(pool) => {
                    let changed = self.budget.changed(&pool);
                    tokio::select! {
                        () = changed.notified() => {}
                        () = self.stop.wait() => return Err(Error::Stopped),
                    }
                }
                Admission::Closed(pool, closed) => match (closed.until - now).to_std() {
                    Ok(wait) if wait <= SHORT_WAIT => self.sleep(wait).await?,
                    _ => return Err(Error::Closed { pool, closed }),
                },
            }
        }
    }

    /// How many calls like this one fit now; at least one, so that somebody waits for it.
    pub fn fit(&self, credential: &Credential, request: &Request) -> usize {
        let now = self.clock.now();
        let pools = self.pools(credential, request);
        let fits = pools
            .iter()
            .map(|pool| self.budget.fit(pool, request.urgency, now));
        fits.min().unwrap_or(1).max(1)
    }

    /// An account whose answers tell usage in `X-App-Usage` alone is metered in the pool of the app, as far as anyone can know, so it
    /// asks that for a permit, too. Captures of such answers and of others contradict each other.
    fn pools(&self, credential: &Credential, request: &Request) -> Vec<PoolKey> {
        let mut pools = vec![request.pool.clone()];
        if self.budget.is_told_by_app(&request.pool) {
            pools.push(credential.app_pool());
        }
        pools
    }

    /// Books that a call was answered and not refused: by the pools that it was metered in, and by those that were closed for every call
    /// of the token. Of others it tells nothing.
    pub(super) fn answered(&self, credential: &Credential, request: &Request) {
        let now = self.clock.now();
        let metered = self.pools(credential, request);
        for pool in &metered {
            self.budget.answered(pool, now);
        }
        for pool in [credential.app_pool(), credential.user_pool()] {
            if !metered.contains(&pool) && self.budget.is_for_all(&pool) {
                self.budget.answered(&pool, now);
            }
        }
    }

    /// Closes the pools that a throttling refusal speaks of, and says which and until when.
    pub(super) fn throttled(
        &self,
        credential: &Credential,
        request: &Request,
        failure: &Failure,
    ) -> Option<(PoolKey, Closed)> {
        let Error::Refused(refusal) = &failure.error else {
            return None;
        };
        let now = self.clock.now();
        let why = format!("code {}, {}", refusal.code, request.endpoint);
        let whole = match refusal.reaction {
            Reaction::Throttle(Family::App) => Some(credential.app_pool()),
            Reaction::Throttle(Family::User) => Some(credential.user_pool()),
            Reaction::Throttle(Family::Own) => None,
            // The hashtags of one account are used up, and no pool.
            Reaction::Throttle(Family::Hashtags) => return None,
            Reaction::Block => {
                let pool = credential.user_pool();
                self.budget.block(&pool, Some(POLICY_PAUSE), &why, now);
                return None;
            }
            _ => return None,
        };
        // The call's own pool is closed in any case: whatever Meta metered it in, the next one like it would
        // meet the same refusal.
        let closed = self.budget.refuse(&request.pool, failure.wish, &why, now);
        let is_platform = request.pool.is_platform();
        match whole.filter(|pool| *pool != request.pool) {
            // One Platform limit of the app stands for all of them, and for no call that is metered by account.
            Some(pool @ PoolKey::App { .. }) if is_platform => {
                self.budget.refuse(&pool, failure.wish, &why, now);
            }
            // Metered in the token's own pool, so that holds for all its calls.
            Some(pool) => self.budget.block(&pool, failure.wish, &why, now),
            None => {}
        }
        Some((request.pool.clone(), closed))
    }

    /// Books usage from an answer's headers; the longest time to regain access that they name.
    pub(super) fn book(
        &self,
        credential: &Credential,
        request: &Request,
        headers: &HeaderMap,
    ) -> Option<Duration> {
        let now = self.clock.now();
        let usage = Usage::read(headers);
        let app = credential.app_pool();
        if let Some(reading) = usage.platform {
            self.budget.observe(&app, reading, now);
        }
        // Page and system user tokens meet BUC limits of type `pages` where user tokens meet Platform limits.
        let kind = match &request.pool {
            PoolKey::Buc { .. } => Some("instagram"),
            PoolKey::Messenger { .. } => Some("messenger"),
            PoolKey::User { .. } => Some("pages"),
            PoolKey::App { .. } => None,
        };
        let own = match kind {
            Some(kind) => usage.of_type(kind),
            // Business Discovery was captured with either header: the one that came is the one that counts.
            None if usage.platform.is_none() => usage.of_any_type(),
            None => None,
        };
        if let Some(reading) = own {
            self.budget.observe(&request.pool, reading, now);
        }
        if matches!(request.pool, PoolKey::Buc { .. })
            && (own.is_some() || usage.platform.is_some())
        {
            self.budget.tell_by_app(&request.pool, own.is_none());
        }
        own.map(|reading| reading.regain)
            .filter(|regain| !regain.is_zero())
    }
}
