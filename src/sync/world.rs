//! What every job may touch.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::askers::Askers;
use super::job::{Account, Job, Known, Route};
use super::plan::nested::KnownPosts;
use super::pools::{restore_pools, rows};
use super::progress::Progress;
use super::selection::Selection;
use crate::budget::PoolKey;
use crate::clock::Clock;
use crate::graph::{Client, Credential, Tally};
use crate::resource::{Facts, Refresh, Resource, Walk};
use crate::stop::Stop;
use crate::store::{CallCount, Checkpoint, PoolRow, Store, StoreError};
use crate::under_way::UnderWay;

/// How long a refused field is not asked for again.
const REFUSAL_MEMORY: chrono::Duration = chrono::Duration::days(30);

/// What a task waits for without a word (its turn at a pool behind all others, a pool that opens soon, the next try) is over within minutes. One that
/// is silent for this long waits for something that never comes.
const HANGS_AFTER: Duration = Duration::from_secs(30 * 60);

/// Refusals before this are forgotten.
pub(super) fn memory(now: DateTime<Utc>) -> DateTime<Utc> {
    now - REFUSAL_MEMORY
}

/// The world as jobs see it.
#[derive(Debug)]
pub struct World {
    /// The Graph API.
    pub graph: Client,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Has somebody asked to end?
    pub stop: Stop,
    /// Whose tokens, in the order of the configuration.
    pub credentials: Vec<Arc<Credential>>,
    /// What is going on, for whoever wants to show it.
    pub progress: Progress,
    /// How often posts are read again.
    pub refresh: Refresh,
    /// Tasks that work for a process that lives on.
    pub tasks: UnderWay,
    learned: Mutex<Learned>,
}

/// What one job learned and the others should know.
#[derive(Debug, Default)]
struct Learned {
    refused_fields: HashMap<(&'static str, String), BTreeSet<String>>,
    dead_credentials: BTreeSet<String>,
}

impl World {
    /// Puts the world together and takes up the pools where an earlier process left them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn new(
        graph: Client,
        store: Store,
        clock: Clock,
        stop: Stop,
        credentials: Vec<Arc<Credential>>,
    ) -> Result<Self, StoreError> {
        store.close_interrupted_runs(clock.now()).await?;
        restore_pools(&graph, store.pools().await?, clock.now());
        Ok(Self {
            graph,
            store,
            clock,
            stop,
            credentials,
            progress: Progress::default(),
            refresh: Refresh::default(),
            tasks: UnderWay::default(),
            learned: Mutex::default(),
        })
    }

    /// Whether something has been under way for longer than it may: a request, a call of the database, or a task, whatever it waits for.
    pub fn stands_still(&self) -> bool {
        let silent = self.tasks.longest();
        self.graph.hangs() || self.store.hangs() || silent.is_some_and(|age| age > HANGS_AFTER)
    }

    /// The best way to an account whose token still works, `tried` of them left out.
    pub(super) fn route<'a>(
        &self,
        account: &'a Account,
        tried: usize,
    ) -> Option<(usize, &'a Route)> {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        account
            .routes
            .iter()
            .enumerate()
            .skip(tried)
            .find(|(_, route)| !learned.dead_credentials.contains(route.credential.name()))
    }

    /// Notes that a credential is of no use until an operator acts.
    pub(super) fn bury(&self, credential: &str) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.dead_credentials.insert(credential.to_owned());
    }

    /// Notes that a credential was answered.
    pub(super) fn revive(&self, credential: &str) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.dead_credentials.remove(credential);
    }

    /// Whether some credential is of no use until an operator acts.
    pub fn lacks_a_token(&self) -> bool {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        !learned.dead_credentials.is_empty()
    }

    /// Fields that the API refuses for a resource to a credential's app, as far as this process or an earlier one
    /// learned.
    pub(super) async fn refused_fields(
        &self,
        resource: &'static Resource,
        credential: &str,
    ) -> Result<BTreeSet<String>, StoreError> {
        let since = memory(self.clock.now());
        let name = credential.to_owned();
        let stored = self
            .store
            .refused_fields(resource.name, name, since)
            .await?;
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let known = learned
            .refused_fields
            .entry((resource.name, credential.to_owned()))
            .or_default();
        known.extend(stored);
        Ok(known.clone())
    }

    /// Shares the names that resources are read by among the accounts that were found, and that were all if every token could be asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn share_names(
        &self,
        selection: &Selection,
        askers: &mut Askers,
        found: (&[Account], bool),
    ) -> Result<(), StoreError> {
        for (resource, names) in selection.named_resources() {
            let known = self.store.askers(resource).await?;
            selection.share(askers, (resource, &names), &known, found);
        }
        Ok(())
    }

    /// The facts that a job's questions are chosen by.
    pub(super) async fn facts(
        &self,
        job: &Job,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Facts, StoreError> {
        let now = self.clock.now();
        let (account_id, name) = (job.account.id.clone(), job.resource.name);
        let store = &self.store;
        let known = Known {
            posts: store.posts(account_id.clone()).await?,
            conversations: store.conversations(account_id.clone()).await?,
            reads: store.reads(account_id.clone(), name).await?,
            refused: store.refused_metrics(account_id, name, memory(now)).await?,
            refresh: self.refresh.clone(),
        };
        Ok(job.facts(checkpoint, known, now))
    }

    /// What is known of the objects of a list whose metrics come along with it.
    pub(super) async fn known_posts(
        &self,
        job: &Job,
        walk: &Walk,
    ) -> Result<KnownPosts, StoreError> {
        let Some(nested) = walk.nested else {
            return Ok(KnownPosts::default());
        };
        let (account_id, store) = (job.account.id.clone(), &self.store);
        let posts = store.posts(account_id.clone()).await?;
        let reads = store.reads(account_id.clone(), nested.alone).await?;
        let since = memory(self.clock.now());
        let refused = store.refused_metrics(account_id.clone(), nested.alone, since);
        let refused = refused.await?;
        let alone = store.refused_of_objects(account_id, nested.alone, since);
        let alone = alone.await?.into_iter().collect();
        Ok(KnownPosts::new(nested, &posts, (&refused, &alone), &reads))
    }

    /// Notes fields that the API refused.
    pub(super) fn refuse_fields(
        &self,
        resource: &'static Resource,
        credential: &str,
        fields: &BTreeSet<String>,
    ) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let known = learned
            .refused_fields
            .entry((resource.name, credential.to_owned()))
            .or_default();
        known.extend(fields.iter().cloned());
    }

    /// The calls of a tally and the pools they were metered in, as the store takes them.
    pub(super) fn spent(&self, tally: &mut Tally) -> (Vec<CallCount>, Vec<PoolRow>) {
        let calls: Vec<CallCount> = tally
            .take()
            .into_iter()
            .map(|(pool, endpoint, calls, failed)| CallCount {
                pool: pool.to_string(),
                endpoint,
                calls,
                failed,
            })
            .collect();
        let mut touched: BTreeSet<PoolKey> = calls
            .iter()
            .filter_map(|call| PoolKey::parse(&call.pool))
            .collect();
        for credential in &self.credentials {
            touched.extend([credential.app_pool(), credential.user_pool()]);
        }
        let pools = rows(self.graph.budget(), touched, self.clock.now());
        (calls, pools)
    }
}
