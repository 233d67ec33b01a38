//! Which pool a call is metered against.
//!
//! Meta's page: "Rate Limits" (developers.facebook.com/docs/graph-api/overview/rate-limiting).

use std::fmt;

use crate::node;
use crate::server::Incoming;
use crate::spec::TokenKind;
use crate::world::{Identity, TokenKey, World};

/// A pool of calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pool {
    /// Business Use Case "instagram" of the app and a professional account.
    BucInstagram(String),
    /// Business Use Case "pages" of the app and a page.
    BucPages(String),
    /// Business Use Case "messenger" of the app and a page.
    BucMessenger(String),
    /// Platform limit of the app.
    PlatformApp,
    /// Platform limit of a user, across all apps.
    PlatformUser(String),
}

impl fmt::Display for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BucInstagram(account) => write!(formatter, "buc:instagram:{account}"),
            Self::BucPages(page) => write!(formatter, "buc:pages:{page}"),
            Self::BucMessenger(page) => write!(formatter, "buc:messenger:{page}"),
            Self::PlatformApp => formatter.write_str("platform:app"),
            Self::PlatformUser(user) => write!(formatter, "platform:user:{user}"),
        }
    }
}

impl Pool {
    /// Where both kinds could apply, the Business Use Case does.
    pub(crate) fn of(world: &World, caller: &Identity<'_>, call: &Incoming) -> Self {
        let node = call.path.first().map_or("", String::as_str);
        let fields = call.param("fields").unwrap_or_default();
        if caller.key == TokenKey::App
            || node == "ig_hashtag_search"
            || fields.contains("business_discovery.")
        {
            return Self::PlatformApp;
        }
        if let Some(account) = node::account_behind(world, node) {
            return Self::BucInstagram(account.id().to_owned());
        }
        let user = caller
            .spec()
            .map_or(String::new(), |spec| spec.user_id.clone());
        let page = match caller.key {
            TokenKey::Page { page, .. } => world.page(page).map(|page| page.id.clone()),
            TokenKey::User(_) | TokenKey::App => None,
        };
        let is_system = caller
            .spec()
            .is_some_and(|spec| spec.kind == TokenKind::System);
        match page {
            Some(page) => Self::BucPages(page),
            None if is_system => Self::BucPages(user),
            None => Self::PlatformUser(user),
        }
    }
}
