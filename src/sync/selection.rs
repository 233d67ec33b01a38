//! Which accounts and resources are meant, and which of their jobs are still to be done. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::job::{Account, Job, Range, is_called};
use super::plan::is_over;
use crate::resource::{RESOURCES, Resource, mention};
use crate::store::{Checkpoint, StoreError};

/// Which accounts and resources.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Ids or usernames from the command line; empty: all.
    pub accounts: Vec<String>,
    /// Ids or usernames from `accounts.include`; empty: all.
    pub include: Vec<String>,
    /// Ids or usernames from `accounts.exclude`.
    pub exclude: Vec<String>,
    /// Resources; empty: all that common permissions allow.
    pub resources: Vec<&'static Resource>,
    /// For `hashtags`.
    pub hashtags: Vec<String>,
    /// For `business_discovery`.
    pub usernames: Vec<String>,
    /// For `mentions`: `<account>/<media id>` or `<account>/<media id>/<comment id>`.
    pub mentions: Vec<String>,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// A name that no token reaches, or that the configuration leaves out.
    #[error("no account `{name}`; the tokens reach: {known}")]
    NoSuchAccount {
        /// As it was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Selection {
    /// What all of these mean together.
    pub fn of_all<'s>(selections: impl IntoIterator<Item = &'s Self>) -> Self {
        let mut all = Self::default();
        for one in selections {
            all.include.clone_from(&one.include);
            all.exclude.clone_from(&one.exclude);
            all.mentions.extend(one.mentions.iter().cloned());
            for resource in &one.resources {
                if !all
                    .resources
                    .iter()
                    .any(|known| known.name == resource.name)
                {
                    all.resources.push(resource);
                }
            }
        }
        all
    }

    /// Whether an account with this id and username is meant.
    pub(super) fn means(&self, id: &str, username: Option<&str>) -> bool {
        let named = |names: &[String]| names.iter().any(|name| is_called(id, username, name));
        let chosen = |names: &[String]| names.is_empty() || named(names);
        chosen(&self.include) && chosen(&self.accounts) && !named(&self.exclude)
    }

    /// The accounts that are meant, of those that the tokens reach. `all_asked` says whether every token could be asked; when
    /// one could not, an account that is not there may well exist.
    ///
    /// # Errors
    /// [`SelectionError::NoSuchAccount`].
    pub fn select(
        &self,
        found: &[Account],
        all_asked: bool,
    ) -> Result<Vec<Arc<Account>>, SelectionError> {
        let named =
            |account: &Account, names: &[String]| names.iter().any(|name| account.is_called(name));
        let excluded_all = missing(&self.exclude, found).is_empty();
        let allowed: Vec<&Account> = found
            .iter()
            .filter(|account| self.include.is_empty() || named(account, &self.include))
            .filter(|account| !named(account, &self.exclude))
            // An account whose name nobody told may be one that is to be left out.
            .filter(|account| account.username.is_some() || excluded_all)
            .collect();
        for name in &self.accounts {
            let known = allowed.iter().any(|account| account.is_called(name));
            if !known && all_asked {
                let known: Vec<&str> = allowed.iter().map(|account| account.label()).collect();
                return Err(SelectionError::NoSuchAccount {
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(allowed
            .into_iter()
            .filter(|account| self.accounts.is_empty() || named(account, &self.accounts))
            .map(|account| Arc::new(account.clone()))
            .collect())
    }

    /// Names of accounts in the configuration, to be included or with what mentions them, that no token reaches.
    pub fn unreached(&self, found: &[Account]) -> Vec<String> {
        let mentions = self.mentions.iter().filter_map(|entry| mention(entry));
        let mentioned = mentions.map(|(account, _)| account.to_owned());
        let named: BTreeSet<String> = self.include.iter().cloned().chain(mentioned).collect();
        missing(&Vec::from_iter(named), found)
    }

    /// Whether a resource is meant: one that is chosen, or where none is, one that common permissions allow.
    pub(super) fn wants(&self, resource: &Resource) -> bool {
        let chosen = &self.resources;
        let is_chosen = chosen.iter().any(|one| one.name == resource.name);
        is_chosen || (chosen.is_empty() && resource.is_common())
    }

    fn names(&self, resource: &Resource, account: &Account) -> Vec<String> {
        match resource.name {
            "mentions" => {
                let mentions = self.mentions.iter().filter_map(|entry| mention(entry));
                let own = mentions.filter(|(name, _)| account.is_called(name));
                own.map(|(_, subject)| subject.to_owned()).collect()
            }
            "hashtags" => self.hashtags.clone(),
            "business_discovery" => self.usernames.clone(),
            _ => Vec::new(),
        }
    }

    /// A job for each chosen resource of each account, in the order in which they are run.
    pub fn jobs(&self, name: &str, accounts: &[Arc<Account>], range: Range) -> Vec<Job> {
        let resources = RESOURCES.iter().filter(|resource| self.wants(resource));
        let of_account = |account: &Arc<Account>| {
            let account = Arc::clone(account);
            resources.clone().map(move |resource| Job {
                name: name.to_owned(),
                account: Arc::clone(&account),
                resource,
                range,
                forecast_calls: None,
                names: self.names(resource, &account),
            })
        };
        accounts.iter().flat_map(of_account).collect()
    }
}

/// Those of the names that mean no account which a token reaches.
pub(super) fn missing(names: &[String], found: &[Account]) -> Vec<String> {
    let reached = |name: &String| found.iter().any(|account| account.is_called(name));
    names
        .iter()
        .filter(|name| !reached(name))
        .cloned()
        .collect()
}

/// A job and where it stands; `None` when it never committed a page.
pub(super) type Place = (Job, Option<Checkpoint>);

/// Whether an earlier start has finished all of them, so that a new pass begins.
pub(super) fn all_over(jobs: &[Place]) -> bool {
    jobs.iter().all(has_ended)
}

/// Those that are unfinished, and those that an earlier start finished.
pub(super) fn unfinished(jobs: Vec<Place>) -> (Vec<Place>, Vec<Place>) {
    jobs.into_iter().partition(|place| !has_ended(place))
}

/// Those that are still to be done by a start that began then, and those that it has read to their end.
pub(super) fn read_since(jobs: Vec<Place>, began: DateTime<Utc>) -> (Vec<Place>, Vec<Place>) {
    let is_read = |(_, checkpoint): &Place| {
        let finished = checkpoint
            .as_ref()
            .and_then(|checkpoint| checkpoint.finished_at);
        finished.is_some_and(|at| at >= began)
    };
    jobs.into_iter().partition(|place| !is_read(place))
}

fn has_ended((_, checkpoint): &Place) -> bool {
    checkpoint.as_ref().is_some_and(is_over)
}
