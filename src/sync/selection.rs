//! Which accounts and resources are meant, and which of their jobs are still to be done. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::askers::{Among, Askers};
use super::job::{Account, Job, Range, is_called};
use super::plan::is_over;
use crate::resource::{Names, RESOURCES, Resource, mention};
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
    pub fn means(&self, id: &str, username: Option<&str>) -> bool {
        let named = |names: &[String]| names.iter().any(|name| is_called(id, username, name));
        self.permits(id, username) && (self.accounts.is_empty() || named(&self.accounts))
    }

    /// Whether the configuration has an account with this id and username read.
    pub(super) fn permits(&self, id: &str, username: Option<&str>) -> bool {
        let named = |names: &[String]| names.iter().any(|name| is_called(id, username, name));
        (self.include.is_empty() || named(&self.include)) && !named(&self.exclude)
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
        let allowed = self.allowed(found);
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

    /// The accounts that the configuration allows.
    fn allowed<'a>(&self, found: &'a [Account]) -> Vec<&'a Account> {
        let excluded_all = missing(&self.exclude, found).is_empty();
        found
            .iter()
            .filter(|account| self.include.is_empty() || named(account, &self.include))
            .filter(|account| !named(account, &self.exclude))
            // An account whose name nobody told may be one that is to be left out.
            .filter(|account| account.username.is_some() || excluded_all)
            .collect()
    }

    /// The resources that are meant.
    fn resources(&self) -> impl Iterator<Item = &'static Resource> + Clone {
        let wanted = |resource: &&Resource| self.wants(resource);
        RESOURCES.iter().copied().filter(wanted)
    }

    /// Whether a resource is meant: one that is chosen, or where none is, one that common permissions allow.
    pub(super) fn wants(&self, resource: &Resource) -> bool {
        let chosen = &self.resources;
        let is_chosen = chosen.iter().any(|one| one.name == resource.name);
        is_chosen || (chosen.is_empty() && resource.is_common())
    }

    /// What mentions an account.
    fn mentions_of(&self, account: &Account) -> Vec<String> {
        let mentions = self.mentions.iter().filter_map(|entry| mention(entry));
        let own = mentions.filter(|(name, _)| account.is_called(name));
        own.map(|(_, subject)| subject.to_owned()).collect()
    }

    /// The resources that are meant and read by names, with the names: each once, as the API has it.
    pub(super) fn named_resources(&self) -> Vec<(&'static str, Vec<String>)> {
        let names = |resource: &'static Resource| {
            let kind = resource.names()?;
            let given = match kind {
                Names::Hashtags => &self.hashtags,
                Names::Usernames => &self.usernames,
            };
            let mut names: Vec<String> = Vec::new();
            for name in given.iter().map(|name| kind.plain(name)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Some((resource.name, names))
        };
        self.resources().filter_map(names).collect()
    }

    /// Shares the names of a resource among the accounts that were found.
    pub(super) fn share(
        &self,
        askers: &mut Askers,
        (resource, names): (&'static str, &[String]),
        known: &[(String, String)],
        (found, all_asked): (&[Account], bool),
    ) {
        let allowed = self.allowed(found);
        let is_chosen =
            |account: &&Account| self.accounts.is_empty() || named(account, &self.accounts);
        let chosen: Vec<&Account> = allowed.iter().copied().filter(is_chosen).collect();
        let among = Among {
            allowed: &allowed,
            chosen: &chosen,
            all_asked,
        };
        askers.share(resource, names, known, &among);
    }

    /// A job for each chosen resource of each account, in the order in which they are run; none where a resource is read by names and
    /// the account asks for none.
    pub fn jobs(
        &self,
        name: &str,
        accounts: &[Arc<Account>],
        range: Range,
        askers: &Askers,
    ) -> Vec<Job> {
        let resources = self.resources();
        let of_account = |account: &Arc<Account>| {
            let account = Arc::clone(account);
            resources.clone().filter_map(move |resource| {
                let names = match resource.name {
                    "mentions" => self.mentions_of(&account),
                    _ => askers.names_of(resource.name, &account.id),
                };
                let is_job = resource.names().is_none() || !names.is_empty();
                is_job.then(|| Job {
                    name: name.to_owned(),
                    account: Arc::clone(&account),
                    resource,
                    range,
                    forecast_calls: None,
                    names,
                })
            })
        };
        accounts.iter().flat_map(of_account).collect()
    }
}

fn named(account: &Account, names: &[String]) -> bool {
    names.iter().any(|name| account.is_called(name))
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
