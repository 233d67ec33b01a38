//! Who a token stands for and what it may do.

use std::collections::BTreeSet;

use crate::spec::{PageReach, TokenSpec};

use super::access::{Revocation, Successor};
use super::{Account, World};

/// Which token a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKey {
    /// A token of the description.
    User(usize),
    /// The page token that `/me/accounts` gives out for a page.
    Page { token: usize, page: usize },
    /// App id and secret.
    App,
}

/// A known token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'w> {
    pub(crate) key: TokenKey,
    world: &'w World,
    /// How many tokens of this user it has followed on.
    generation: usize,
    /// Unix seconds; none is never.
    expires_at: Option<i64>,
    is_long_lived: bool,
}

/// How the texts of page tokens begin.
const PAGE_TOKEN: &str = "SIMP";
/// How the texts of page tokens without end begin.
const LASTING_PAGE_TOKEN: &str = "SIMQ";
/// How the texts of exchanged tokens begin.
const LONG_LIVED_TOKEN: &str = "SIML";
/// `expires_in` of the sample on Meta's page "Get Long-Lived Access Tokens": a little less than 60 days.
pub(crate) const LONG_LIFE: i64 = 5_183_944;

impl World {
    /// The token behind a text, dead or alive.
    pub(crate) fn identify(&self, text: &str) -> Option<Identity<'_>> {
        if let Some(token) = self.token_by_text.get(text) {
            return Some(self.identity(TokenKey::User(*token), 0));
        }
        if let Some((token, generation)) = self.successor_with_text(text) {
            return Some(self.identity(TokenKey::User(token), generation));
        }
        if let Some((id, secret)) = text.split_once('|') {
            return self.identify_app(id, secret);
        }
        let (kind, rest) = text.split_once('-')?;
        match kind {
            PAGE_TOKEN => self.identify_page_token(text, rest, false),
            LASTING_PAGE_TOKEN => self.identify_page_token(text, rest, true),
            LONG_LIVED_TOKEN => self.identify_long_lived(text, rest),
            _ => None,
        }
    }

    /// The app itself, by its id and secret.
    pub(crate) fn identify_app(&self, id: &str, secret: &str) -> Option<Identity<'_>> {
        let app = &self.spec().app;
        (id == app.id && secret == app.secret).then(|| self.identity(TokenKey::App, 0))
    }

    /// The token of the description whose place a text has taken, and how many came before it.
    fn successor_with_text(&self, text: &str) -> Option<(usize, usize)> {
        let edits = self.edits();
        let all = edits.access.successors.iter();
        all.filter_map(|(token, successors)| {
            let found = successors.iter().position(|next| next.text == text)?;
            Some((*token, found + 1))
        })
        .next()
    }

    /// How many tokens have taken the place of one of the description.
    fn generations(&self, token: usize) -> usize {
        let edits = self.edits();
        edits.access.successors.get(&token).map_or(0, Vec::len)
    }

    /// The text of a page token; it needs no table to be recognised. Tokens from a long-lived user token have no end
    /// ("Get Long-Lived Access Tokens" page).
    fn page_token(&self, token: usize, generation: usize, page: usize, is_lasting: bool) -> String {
        let kind = if is_lasting {
            LASTING_PAGE_TOKEN
        } else {
            PAGE_TOKEN
        };
        let check = self
            .seed()
            .with(if is_lasting { 402 } else { 400 } + 10 * generation as u64)
            .with(token as u64)
            .with(page as u64)
            .text(24);
        format!("{kind}-{token}-{page}-{check}")
    }

    /// The text of a token that another one was exchanged for: it says itself whose it is and when it ends (0 is
    /// never), and no two exchanges give the same.
    fn long_lived_token(
        &self,
        token: usize,
        generation: usize,
        expires_at: i64,
        nonce: u64,
    ) -> String {
        let check = self
            .seed()
            .with(401 + 10 * generation as u64)
            .with(token as u64)
            .with(expires_at.cast_unsigned())
            .with(nonce)
            .text(24);
        format!("{LONG_LIVED_TOKEN}-{token}-{expires_at}-{nonce}-{check}")
    }

    fn identify_page_token(
        &self,
        text: &str,
        rest: &str,
        is_lasting: bool,
    ) -> Option<Identity<'_>> {
        let mut parts = rest.splitn(3, '-');
        let token: usize = parts.next()?.parse().ok()?;
        let page: usize = parts.next()?.parse().ok()?;
        let known = token < self.spec().tokens.len() && page < self.spec().pages.len();
        let generation = (0..=self.generations(token)).find(|generation| {
            known && self.page_token(token, *generation, page, is_lasting) == text
        })?;
        let identity = self.identity(TokenKey::Page { token, page }, generation);
        Some(Identity {
            expires_at: identity.expires_at.filter(|_| !is_lasting),
            ..identity
        })
    }

    fn identify_long_lived(&self, text: &str, rest: &str) -> Option<Identity<'_>> {
        let mut parts = rest.splitn(4, '-');
        let token: usize = parts.next()?.parse().ok()?;
        let expires_at: i64 = parts.next()?.parse().ok()?;
        let nonce: u64 = parts.next()?.parse().ok()?;
        let known = token < self.spec().tokens.len();
        let generation = (0..=self.generations(token)).find(|generation| {
            known && self.long_lived_token(token, *generation, expires_at, nonce) == text
        })?;
        Some(Identity {
            expires_at: Some(expires_at).filter(|expires_at| *expires_at > 0),
            is_long_lived: true,
            ..self.identity(TokenKey::User(token), generation)
        })
    }

    /// A token as the description has it, or as it was made later.
    fn identity(&self, key: TokenKey, generation: usize) -> Identity<'_> {
        let identity = Identity {
            key,
            world: self,
            generation,
            expires_at: None,
            is_long_lived: false,
        };
        let described = || {
            let ends = identity.spec().and_then(|spec| spec.expires_at);
            ends.map(|instant| instant.timestamp())
        };
        let made = identity.successor(|successor| successor.expires_at);
        Identity {
            expires_at: made.unwrap_or_else(described),
            ..identity
        }
    }
}

impl<'w> Identity<'w> {
    /// The user's token behind it; none for the app.
    pub(crate) fn spec(&self) -> Option<&'w TokenSpec> {
        self.world.spec().tokens.get(self.user_token()?)
    }

    pub(crate) fn user_token(&self) -> Option<usize> {
        match self.key {
            TokenKey::User(token) | TokenKey::Page { token, .. } => Some(token),
            TokenKey::App => None,
        }
    }

    /// How the journal calls it.
    pub(crate) fn name(&self) -> String {
        match (self.key, self.spec()) {
            (TokenKey::Page { page, .. }, Some(spec)) => {
                let page = self.world.page(page).map_or("", |page| page.id.as_str());
                format!("{}/page:{page}", spec.name)
            }
            (_, Some(spec)) => spec.name.clone(),
            (_, None) => "app".to_owned(),
        }
    }

    /// Why it is dead, if somebody has killed it or another one has taken its place.
    pub(crate) fn revocation(&self) -> Option<Revocation> {
        let edits = self.world.edits();
        let successors = edits.access.successors.get(&self.user_token()?);
        let next = successors.and_then(|all| all.get(self.generation));
        let killed = || edits.access.revoked.get(&self.spec()?.token).copied();
        next.map(|next| next.before).or_else(killed)
    }

    /// What is known about it, if it has taken the place of one of the description.
    fn successor<T>(&self, tell: impl FnOnce(&Successor) -> T) -> Option<T> {
        let edits = self.world.edits();
        let successors = edits.access.successors.get(&self.user_token()?)?;
        successors.get(self.generation.checked_sub(1)?).map(tell)
    }

    /// When it was made, if it has taken the place of one of the description.
    pub(crate) fn made_at(&self) -> Option<i64> {
        self.successor(|successor| successor.issued_at)
    }

    /// The text of the token that `/me/accounts` gives out for a page.
    pub(crate) fn page_token(&self, page: usize) -> Option<String> {
        let (token, is_lasting) = (self.user_token()?, self.is_long_lived);
        let world = self.world;
        Some(world.page_token(token, self.generation, page, is_lasting))
    }

    /// The text of the token that it is exchanged for.
    pub(crate) fn long_lived_token(&self, expires_at: i64, nonce: u64) -> Option<String> {
        let (token, world) = (self.user_token()?, self.world);
        Some(world.long_lived_token(token, self.generation, expires_at, nonce))
    }

    /// When it ends, in Unix seconds; none is never.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    pub(crate) fn expired_at(&self, now: i64) -> Option<i64> {
        self.expires_at.filter(|expires_at| *expires_at <= now)
    }

    /// Whether it came out of an exchange.
    pub(crate) fn is_long_lived(&self) -> bool {
        self.is_long_lived
    }

    pub(crate) fn has_data_access(&self, now: i64) -> bool {
        self.data_access_expires_at().is_none_or(|ends| ends > now)
    }

    /// When it stops to reach data, in Unix seconds; none is never. Whoever makes a new token is active.
    pub(crate) fn data_access_expires_at(&self) -> Option<i64> {
        let ends = self.spec()?.data_access_expires_at?;
        (self.generation == 0).then(|| ends.timestamp())
    }

    pub(crate) fn reaches_page(&self, page: usize) -> bool {
        match self.key {
            TokenKey::Page { page: own, .. } => own == page,
            TokenKey::App => false,
            TokenKey::User(_) => self.spec().is_some_and(|spec| match &spec.pages {
                _ if !self.has_role(page) => false,
                PageReach::All => true,
                PageReach::Only(ids) => self
                    .world
                    .page(page)
                    .is_some_and(|page| ids.contains(&page.id)),
            }),
        }
    }

    /// The account of a page, if the user lets the app see it.
    pub(crate) fn account_of_page(&self, page: usize) -> Option<Account<'w>> {
        let account = self.world.account_of_page(page)?;
        let seen = &self.spec()?.accounts;
        let is_seen = seen.as_ref().is_none_or(|ids| ids.contains(account.id()));
        is_seen.then_some(account)
    }

    /// Whether the user may do anything on a page.
    pub(crate) fn has_role(&self, page: usize) -> bool {
        self.has_task(page, |_| true)
    }

    /// Whether one of the user's tasks on a page is of a kind.
    pub(crate) fn has_task(&self, page: usize, fits: impl Fn(&str) -> bool) -> bool {
        let edits = self.world.edits();
        let changed = edits.access.tasks.get(&page);
        let described = || self.world.page(page).map(|page| &page.tasks);
        let tasks = changed.or_else(described);
        tasks.is_some_and(|tasks| tasks.iter().any(|task| fits(task)))
    }

    /// Whether the permission is granted.
    pub(crate) fn is_granted(&self, permission: &str) -> bool {
        let Some(spec) = self.spec() else {
            return false;
        };
        let edits = self.world.edits();
        let changed = edits.access.permissions.get(&spec.token);
        let changed = changed.and_then(|permissions| permissions.get(permission));
        changed
            .copied()
            .unwrap_or_else(|| spec.permissions.contains(permission))
    }

    /// Every permission that was ever asked for, granted or not.
    pub(crate) fn permissions(&self) -> BTreeSet<String> {
        let Some(spec) = self.spec() else {
            return BTreeSet::new();
        };
        let edits = self.world.edits();
        let changed = edits.access.permissions.get(&spec.token);
        let changed = changed
            .into_iter()
            .flat_map(|permissions| permissions.keys());
        spec.permissions.iter().chain(changed).cloned().collect()
    }

    /// Whether the permission works on a page: it must be granted, and a task of the user must carry it.
    pub(crate) fn may(&self, permission: &str, page: usize) -> bool {
        self.is_granted(permission) && self.has_task(page, |task| task_carries(task, permission))
    }

    pub(crate) fn tasks(&self, page: usize) -> Vec<String> {
        let changed = self.world.edits().access.tasks.get(&page).cloned();
        changed.unwrap_or_else(|| {
            self.world
                .page(page)
                .map_or_else(Vec::new, |page| page.tasks.clone())
        })
    }
}

/// The table of the "Instagram API with Facebook Login" overview, and the newer one of the platform overview for
/// `PROFILE_PLUS_*`. Permissions that the tables do not name need no special task.
fn task_carries(task: &str, permission: &str) -> bool {
    if matches!(task, "MANAGE" | "PROFILE_PLUS_FULL_CONTROL") {
        return true;
    }
    match permission {
        "instagram_content_publish" => {
            matches!(task, "CREATE_CONTENT" | "PROFILE_PLUS_CREATE_CONTENT")
        }
        "instagram_manage_comments" => {
            matches!(
                task,
                "CREATE_CONTENT" | "MODERATE" | "PROFILE_PLUS_MODERATE"
            )
        }
        "instagram_manage_insights" => {
            matches!(
                task,
                "CREATE_CONTENT" | "MODERATE" | "ADVERTISE" | "ANALYZE" | "PROFILE_PLUS_ANALYZE"
            )
        }
        "instagram_manage_messages" => matches!(task, "MESSAGING" | "PROFILE_PLUS_MESSAGING"),
        _ => true,
    }
}
