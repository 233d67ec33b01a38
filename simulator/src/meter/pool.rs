//! Which pool a call is metered against.
//!
//! Meta's page: "Rate Limits" (developers.facebook.com/docs/graph-api/overview/rate-limiting).

use std::fmt;

use crate::node;
use crate::server::Incoming;
use crate::spec::TokenKind;
use crate::world::{Account, Identity, TokenKey, World};

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
        if node::is_hashtag(world, node) {
            return Self::PlatformApp;
        }
        let page = page_named(world, caller, node);
        let about_messages = call.path.get(1).is_some_and(|edge| edge == "conversations");
        if let Some(page) = page
            .filter(|_| about_messages)
            .or_else(|| page_of_messages(world, node))
        {
            return Self::BucMessenger(page.to_owned());
        }
        if let Some(account) = node::account_behind(world, node) {
            return Self::BucInstagram(account.id().to_owned());
        }
        let user = caller.spec().map_or("", |spec| spec.user_id.as_str());
        let is_system = caller
            .spec()
            .is_some_and(|spec| spec.kind == TokenKind::System);
        match caller.key {
            TokenKey::Page { page, .. } => Self::BucPages(
                world
                    .page(page)
                    .map_or_else(String::new, |page| page.id.clone()),
            ),
            _ if is_system => Self::BucPages(page.unwrap_or(user).to_owned()),
            _ => Self::PlatformUser(user.to_owned()),
        }
    }
}

/// The page that a path begins with; `me` is the page of a page token.
fn page_named<'w>(world: &'w World, caller: &Identity<'_>, node: &str) -> Option<&'w str> {
    let page = match caller.key {
        TokenKey::Page { page, .. } if node == "me" => page,
        _ => world.page_with_id(node)?,
    };
    world.page(page).map(|page| page.id.as_str())
}

/// The page behind a conversation or a message.
fn page_of_messages<'w>(world: &'w World, node: &str) -> Option<&'w str> {
    let account = conversation_account(world, node)?;
    let page = world.page_of_account(account.index())?;
    world.page(page).map(|page| page.id.as_str())
}

/// The account whose conversation or message an id names.
fn conversation_account<'w>(world: &'w World, id: &str) -> Option<Account<'w>> {
    let conversation = world
        .conversation(id)
        .or_else(|| Some(world.message(id)?.conversation()))?;
    Some(conversation.account())
}
