//! The 30 hashtags of an account: taken up from the database, compared with what Meta tells, and booked before a call is sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::inquiry::Inquiry;
use super::job::Job;
use super::world::World;
use crate::budget::{HASHTAGS, HashtagLedger, PoolKey, SpentHashtag, Urgency};
use crate::clock::instant_text;
use crate::graph::{self, Credential, Fields, Page, Reaction, Request, Shape, Tally};
use crate::resource::{self, Meter, Names};
use crate::store::{HashtagRow, Store, StoreError};

/// What an account may still ask for.
#[derive(Debug)]
pub struct Hashtags {
    store: Store,
    account_id: String,
    spent: Spent,
}

/// What an account has spent, by names.
#[derive(Debug)]
pub(super) struct Spent {
    ledger: HashtagLedger,
    /// Ids never change, so each is resolved once.
    ids: BTreeMap<String, String>,
}

/// What a job of a resource that asks for hashtags must keep about them.
pub(super) struct SpentHashtags {
    hashtags: Hashtags,
    /// Whether Meta was asked what counts.
    is_told: bool,
    /// Why it did not say, where it may say so later.
    untold: Option<String>,
}

impl SpentHashtags {
    /// Of a job that asks for hashtags.
    pub(super) async fn open(world: &World, job: &Job) -> Result<Option<Self>, StoreError> {
        if job.resource.meter != Meter::Hashtags {
            return Ok(None);
        }
        let hashtags = Hashtags::open(world.store.clone(), &job.account.id).await?;
        Ok(Some(Self {
            hashtags,
            is_told: false,
            untold: None,
        }))
    }

    /// Books the hashtags of the first questions that are about to be asked. False when one cannot be had: the questions about it are
    /// left out, and others are to be chosen.
    pub(super) async fn book(
        &mut self,
        world: &World,
        credential: &Credential,
        inquiry: &mut Inquiry<'_>,
        most: usize,
        tally: &mut Tally,
    ) -> Result<bool, StoreError> {
        if inquiry.take_hashtags_are_spent() {
            self.is_told = false;
        }
        if !std::mem::replace(&mut self.is_told, true) {
            self.untold = match self.hashtags.learn(world, credential, tally).await {
                Err(HashtagError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::info!(%error, "Meta does not tell which hashtags count");
                    error.is_temporary().then(|| error.to_string())
                }
                Ok(()) => None,
            };
        }
        for name in inquiry.names(most) {
            // What counts for sure costs nothing. Of others nobody knows whether they are the 31st.
            let counts = || self.hashtags.counts(&name, world.clock.now());
            if let Some(why) = self.untold.as_ref().filter(|_| !counts()) {
                let why = format!("it is not known how many hashtags others have spent: {why}");
                inquiry.hold_back_name(&name, &why);
                return Ok(false);
            }
            match self.hashtags.book(&name, world.clock.now()).await {
                Ok(()) => {}
                Err(HashtagError::Store(error)) => return Err(error),
                Err(error) => {
                    inquiry.hold_back_name(&name, &error.to_string());
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Notes that the question at hand was answered.
    pub(super) async fn answered(
        &mut self,
        inquiry: &Inquiry<'_>,
        page: &Page,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(question) = inquiry.current() else {
            return Ok(());
        };
        match resource::hashtag_id(question, &page.items) {
            Some(id) => self.hashtags.answered(question.name(), &id, now).await,
            None => Ok(()),
        }
    }
}

/// Why a hashtag cannot be asked for, or what was spent cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum HashtagError {
    /// Meta did not tell what counts.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// It would be the 31st.
    #[error(
        "#{name}: {HASHTAGS} different hashtags count for the account within seven days; the next one can be asked for from {} on",
        instant_text(*.next_at)
    )]
    Spent {
        /// Its name.
        name: String,
        /// When it can be asked for.
        next_at: DateTime<Utc>,
    },
    /// The database cannot be written, so nothing may be sent.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HashtagError {
    /// Whether Meta may tell later what it did not tell now. A refusal for good is none of these: what is known already still holds then.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Graph(error) => matches!(
                error.reaction(),
                Reaction::Fail | Reaction::Throttle(_) | Reaction::Block
            ),
            Self::Spent { .. } | Self::Store(_) => false,
        }
    }
}

impl Spent {
    /// As it is kept in the database.
    pub(super) fn new(rows: Vec<HashtagRow>) -> Self {
        let mut ids = BTreeMap::new();
        for row in &rows {
            let name = row.name.clone();
            if let Some(name) = name.filter(|_| !row.hashtag_id.starts_with('#')) {
                ids.insert(name, row.hashtag_id.clone());
            }
        }
        let spent = rows.into_iter().map(|row| {
            let spent = SpentHashtag {
                spent_at: row.spent_at,
                by_others: row.by_others,
                answered: row.answered,
                counts_until: row.counts_until,
            };
            (row.hashtag_id, spent)
        });
        Self {
            ledger: HashtagLedger::new(spent),
            ids,
        }
    }

    /// Books a hashtag. Gives its key if that is news, and an error with the time when it can be asked for.
    pub(super) fn book(
        &mut self,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, DateTime<Utc>> {
        let key = self.key(name);
        self.ledger.admit(&key, now)?;
        Ok(self.ledger.book(&key, now).then_some(key))
    }

    /// What a hashtag is called in the ledger: its id, or `#` and its name before it was resolved.
    fn key(&self, name: &str) -> String {
        let name = plain(name);
        match self.ids.get(&name) {
            Some(id) => id.clone(),
            None => format!("#{name}"),
        }
    }
}

impl Hashtags {
    /// Takes up what an account has spent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(store: Store, account_id: &str) -> Result<Self, StoreError> {
        let rows = store.hashtags(account_id.to_owned()).await?;
        Ok(Self {
            spent: Spent::new(rows),
            store,
            account_id: account_id.to_owned(),
        })
    }

    /// Asks Meta what counts, and takes over what others spent. Once at the beginning of a run is enough.
    ///
    /// # Errors
    /// [`HashtagError`]; where Meta did not tell, what is known already still holds.
    pub async fn learn(
        &mut self,
        world: &World,
        credential: &Credential,
        tally: &mut Tally,
    ) -> Result<(), HashtagError> {
        let told = recently_searched(world, credential, &self.account_id, tally).await?;
        let told = told.iter().map(String::as_str);
        let (changed, gone) = self.spent.ledger.learn(told, world.clock.now());
        self.write(&changed, gone).await?;
        Ok(())
    }

    /// Books a hashtag. Only then may a call for it be sent, each time.
    ///
    /// # Errors
    /// [`HashtagError`]; nothing may be sent then.
    pub async fn book(&mut self, name: &str, now: DateTime<Utc>) -> Result<(), HashtagError> {
        match self.spent.book(name, now) {
            Ok(Some(key)) => self.write(&[key], Vec::new()).await?,
            Ok(None) => {}
            Err(next_at) => {
                let name = plain(name);
                return Err(HashtagError::Spent { name, next_at });
            }
        }
        Ok(())
    }

    /// Notes that Meta answered a call for a hashtag, and its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answered(
        &mut self,
        name: &str,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = self.spent.key(name);
        let news = self.spent.ledger.answered(&key, now);
        let mut gone = Vec::new();
        if key != id {
            self.spent.ledger.rename(&key, id);
            self.spent.ids.insert(plain(name), id.to_owned());
            gone.push(key);
        }
        if news || !gone.is_empty() {
            self.write(&[id.to_owned()], gone).await?;
        }
        Ok(())
    }

    /// Whether a hashtag counts already, so that a call for it spends nothing.
    fn counts(&self, name: &str, now: DateTime<Utc>) -> bool {
        self.spent.ledger.counts(&self.spent.key(name), now)
    }

    /// How many more can be spent now.
    pub fn free(&self, now: DateTime<Utc>) -> usize {
        self.spent.ledger.free(now)
    }

    async fn write(&self, changed: &[String], gone: Vec<String>) -> Result<(), StoreError> {
        let name = |key: &str| match key.strip_prefix('#') {
            Some(name) => Some(name.to_owned()),
            None => {
                let known = self.spent.ids.iter().find(|(_, id)| *id == key);
                known.map(|(name, _)| name.clone())
            }
        };
        let row = |key: &String| {
            let spent = self.spent.ledger.get(key)?;
            Some(HashtagRow {
                hashtag_id: key.clone(),
                name: name(key),
                spent_at: spent.spent_at,
                by_others: spent.by_others,
                answered: spent.answered,
                counts_until: spent.counts_until,
            })
        };
        let rows = changed.iter().filter_map(row).collect();
        let account = self.account_id.clone();
        self.store.write_hashtags(account, rows, gone).await
    }
}

fn plain(name: &str) -> String {
    Names::Hashtags.plain(name)
}

#[derive(Deserialize)]
struct HashtagNode {
    id: String,
}

/// `GET /{ig-user}/recently_searched_hashtags` ("IG User Recently Searched Hashtags" reference): what counts, 30 at most.
async fn recently_searched(
    world: &World,
    credential: &Credential,
    account_id: &str,
    tally: &mut Tally,
) -> Result<Vec<String>, graph::Error> {
    let mut request = Request {
        endpoint: "/{ig-user}/recently_searched_hashtags",
        path: format!("/{account_id}/recently_searched_hashtags"),
        fields: Fields::default(),
        params: Vec::new(),
        limit: Some(30),
        after: None,
        shape: Shape::Edge,
        // An edge of the account's own node, so it counts among the calls of the account.
        pool: PoolKey::Buc {
            account_id: account_id.to_owned(),
        },
        urgency: Urgency::Bulk,
    };
    let mut told = Vec::new();
    loop {
        let page = world.graph.get(credential, &request, tally).await?;
        for item in &page.items {
            match serde_json::from_str::<HashtagNode>(item.get()) {
                Ok(node) => told.push(node.id),
                Err(error) => tracing::warn!(%error, "a hashtag that counts cannot be read"),
            }
        }
        if page.next.is_none() {
            return Ok(told);
        }
        request.after = page.next;
    }
}
