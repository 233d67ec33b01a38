//! What happens to tokens, permissions and roles.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::World;

/// Everything about access that was scripted so far.
#[derive(Debug, Default)]
pub(crate) struct AccessEdits {
    /// Permissions per described token, where they changed: whether they are granted.
    pub(crate) permissions: HashMap<String, BTreeMap<String, bool>>,
    pub(crate) revoked: HashMap<String, Revocation>,
    /// The tokens that took the place of a described one, in their order.
    pub(crate) successors: HashMap<usize, Vec<Successor>>,
    /// Tasks per page, where they changed.
    pub(crate) tasks: HashMap<usize, Vec<String>>,
}

/// A token that took the place of another one.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(crate) text: String,
    pub(crate) issued_at: i64,
    /// Unix seconds; none is never.
    pub(crate) expires_at: Option<i64>,
    /// Why the one before it is dead.
    pub(crate) before: Revocation,
}

/// Why a token died ("Debugging and errors" page of access tokens).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The user removed the app.
    AppRemoved,
    /// The user must log in on facebook.com first.
    Checkpointed,
    /// The user changed the password.
    PasswordChanged,
    /// The user is not confirmed.
    Unconfirmed,
    /// The token is invalid for another reason.
    Invalid,
}

/// Scripted changes of access. Each takes effect at once.
impl World {
    /// Takes a permission from a token, and from those made from it.
    pub fn withdraw_permission(&self, token: &str, permission: &str) {
        self.set_permission(token, permission, false);
    }

    /// Grants a permission to a token, one that was withdrawn or a new one.
    pub fn grant_permission(&self, token: &str, permission: &str) {
        self.set_permission(token, permission, true);
    }

    fn set_permission(&self, token: &str, permission: &str, is_granted: bool) {
        let token = self.described_token(token);
        self.edit(|edits| {
            let permissions = edits.access.permissions.entry(token).or_default();
            permissions.insert(permission.to_owned(), is_granted)
        });
    }

    /// Kills a token, the page tokens made from it, and the tokens it was exchanged for.
    pub fn revoke_token(&self, token: &str, why: Revocation) {
        let token = self.described_token(token);
        self.edit(|edits| edits.access.revoked.insert(token, why));
    }

    /// Makes a new token for the user of another one, with the permissions that it has now. The old one, the page tokens
    /// made from it and those it was exchanged for are dead from now on. Says whether there was such a token.
    pub fn replace_token(&self, token: &str, new: &str, expires_at: Option<DateTime<Utc>>) -> bool {
        let Some(index) = self.identify(token).and_then(|token| token.user_token()) else {
            return false;
        };
        let (described, issued_at) = (self.described_token(token), self.now_seconds());
        self.edit(|edits| {
            let why = edits.access.revoked.remove(&described);
            let successors = edits.access.successors.entry(index).or_default();
            successors.push(Successor {
                text: new.to_owned(),
                issued_at,
                expires_at: expires_at.map(|instant| instant.timestamp()),
                before: why.unwrap_or(Revocation::Invalid),
            });
        });
        true
    }

    /// The token of the description behind a page token, an exchanged one or a newer one.
    fn described_token(&self, token: &str) -> String {
        let spec = self.identify(token).and_then(|token| token.spec());
        spec.map_or_else(|| token.to_owned(), |spec| spec.token.clone())
    }

    /// Changes what the tokens' users may do on a page. Without any task they have no role on it: it is not listed, and
    /// its tokens die.
    pub fn set_tasks(&self, page_id: &str, tasks: &[&str]) -> bool {
        let Some(page) = self.page_with_id(page_id) else {
            return false;
        };
        let tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
        self.edit(|edits| edits.access.tasks.insert(page, tasks));
        true
    }
}
