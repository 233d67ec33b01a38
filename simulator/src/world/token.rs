//! Who a token stands for and what it may do.

use crate::spec::{PageReach, TokenSpec};

use super::World;
use super::edit::Revocation;

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
}

/// How the texts of page tokens begin.
const PAGE_TOKEN: &str = "SIMP";

impl World {
    /// The token behind a text, dead or alive.
    pub(crate) fn identify(&self, text: &str) -> Option<Identity<'_>> {
        let key = self.token_key(text)?;
        Some(Identity { key, world: self })
    }

    /// The text of a page token; it needs no table to be recognised.
    pub(crate) fn page_token(&self, token: usize, page: usize) -> String {
        let check = self
            .seed()
            .with(400)
            .with(token as u64)
            .with(page as u64)
            .text(24);
        format!("{PAGE_TOKEN}-{token}-{page}-{check}")
    }

    fn token_key(&self, text: &str) -> Option<TokenKey> {
        if let Some(token) = self.token_by_text.get(text) {
            return Some(TokenKey::User(*token));
        }
        let app = &self.spec().app;
        if text
            .split_once('|')
            .is_some_and(|(id, secret)| id == app.id && secret == app.secret)
        {
            return Some(TokenKey::App);
        }
        let mut parts = text
            .strip_prefix(PAGE_TOKEN)?
            .strip_prefix('-')?
            .splitn(3, '-');
        let token: usize = parts.next()?.parse().ok()?;
        let page: usize = parts.next()?.parse().ok()?;
        let known = token < self.spec().tokens.len() && page < self.spec().pages.len();
        (known && self.page_token(token, page) == text).then_some(TokenKey::Page { token, page })
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

    pub(crate) fn revocation(&self) -> Option<Revocation> {
        self.world.edits().revoked.get(&self.spec()?.token).copied()
    }

    pub(crate) fn expired_at(&self, now: i64) -> Option<i64> {
        let expires_at = self.spec()?.expires_at?.timestamp();
        (expires_at <= now).then_some(expires_at)
    }

    pub(crate) fn has_data_access(&self, now: i64) -> bool {
        let ends = self.spec().and_then(|spec| spec.data_access_expires_at);
        ends.is_none_or(|ends| ends.timestamp() > now)
    }

    pub(crate) fn reaches_page(&self, page: usize) -> bool {
        match self.key {
            TokenKey::Page { page: own, .. } => own == page,
            TokenKey::App => false,
            TokenKey::User(_) => self.spec().is_some_and(|spec| match &spec.pages {
                PageReach::All => true,
                PageReach::Only(ids) => self
                    .world
                    .page(page)
                    .is_some_and(|page| ids.contains(&page.id)),
            }),
        }
    }

    /// Whether the permission was granted and not withdrawn.
    pub(crate) fn is_granted(&self, permission: &str) -> bool {
        let Some(spec) = self.spec() else {
            return false;
        };
        let withdrawn = |token: &str| {
            self.world
                .edits()
                .withdrawn
                .get(token)
                .is_some_and(|withdrawn| withdrawn.contains(permission))
        };
        spec.permissions.contains(permission) && !withdrawn(&spec.token)
    }

    /// Whether the permission works on a page: it must be granted, and a task of the user must carry it.
    pub(crate) fn may(&self, permission: &str, page: usize) -> bool {
        self.is_granted(permission)
            && self
                .tasks(page)
                .iter()
                .any(|task| task_carries(task, permission))
    }

    pub(crate) fn tasks(&self, page: usize) -> Vec<String> {
        let changed = self.world.edits().tasks.get(&page).cloned();
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
