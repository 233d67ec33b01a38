//! The made-up world: what is true about accounts, posts and people at any instant.
//!
//! Nothing is stored: every fact follows from the seed, the path of its object and the clock. Only what a test
//! scripts (a deletion, a new caption, a lost permission) is remembered.

mod access;
mod account;
mod caption;
mod comment;
mod conversation;
mod day;
mod edit;
mod growth;
mod insight;
mod media;
mod media_path;
mod others;
mod people;
mod retired;
mod shop;
mod timeline;
mod token;

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::id::{CommentId, Ids, MAX_ACCOUNTS, MediaId, MediaKind, Object};
use crate::seed::Seed;
use crate::spec::{AccountSpec, PageSpec, WorldSpec};

pub use access::Revocation;
pub use account::Account;
pub use comment::Comment;
pub use conversation::{Conversation, Message};
pub use edit::NewPost;
pub use media::{Media, MediaType, ProductType};
pub use others::MentioningComment;
pub use retired::InsightsOf;
pub use shop::{Collaborator, Product};

pub(crate) use edit::Edits;
pub(crate) use timeline::{DAY, Timeline};
pub(crate) use token::{Identity, LONG_LIFE, TokenKey};

/// The truth behind every answer.
#[derive(Debug)]
pub struct World {
    spec: WorldSpec,
    seed: Seed,
    ids: Ids,
    homes: Vec<Home>,
    own_accounts: usize,
    account_by_id: HashMap<String, u32>,
    account_by_username: HashMap<String, u32>,
    page_by_id: HashMap<String, usize>,
    token_by_text: HashMap<String, usize>,
    clock: OnceLock<Clock>,
    edits: RwLock<Edits>,
}

/// Where the description of an account stands.
#[derive(Clone, Copy, Debug)]
enum Home {
    Page(usize),
    Other(usize),
}

impl World {
    /// Builds the world. Accounts beyond the 16,384 that fit into ids are left out.
    pub fn new(spec: WorldSpec) -> Self {
        let seed = Seed::new(spec.seed);
        let linked = spec
            .pages
            .iter()
            .enumerate()
            .filter(|(_, page)| page.account.is_some());
        let mut homes: Vec<Home> = linked.map(|(page, _)| Home::Page(page)).collect();
        homes.truncate(MAX_ACCOUNTS);
        let own_accounts = homes.len();
        homes.extend((0..spec.others.len()).map(Home::Other));
        homes.truncate(MAX_ACCOUNTS);
        let page_by_id = spec
            .pages
            .iter()
            .enumerate()
            .map(|(page, spec)| (spec.id.clone(), page))
            .collect();
        let token_by_text = spec
            .tokens
            .iter()
            .enumerate()
            .map(|(token, spec)| (spec.token.clone(), token))
            .collect();
        let mut world = Self {
            ids: Ids::new(seed),
            seed,
            homes,
            own_accounts,
            account_by_id: HashMap::new(),
            account_by_username: HashMap::new(),
            page_by_id,
            token_by_text,
            clock: OnceLock::new(),
            edits: RwLock::default(),
            spec,
        };
        for (index, _) in (0u32..).zip(0..world.homes.len()) {
            let spec = world.account_spec(index);
            let (id, username) = (spec.id.clone(), spec.username.clone());
            world.account_by_id.insert(id, index);
            world.account_by_username.insert(username, index);
        }
        world
    }

    /// What the world was made from.
    pub fn spec(&self) -> &WorldSpec {
        &self.spec
    }

    /// The simulated instant; the epoch before a simulator runs on this world.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.get().map_or(self.spec.epoch, Clock::now)
    }

    /// The accounts that are linked to a page.
    pub fn accounts(&self) -> impl Iterator<Item = Account<'_>> {
        (0u32..)
            .take(self.own_accounts)
            .map(|index| self.account_at(index))
    }

    /// A professional account, linked to a page or not.
    pub fn account(&self, id: &str) -> Option<Account<'_>> {
        self.account_by_id
            .get(id)
            .map(|index| self.account_at(*index))
    }

    /// Every post that an account has published so far, newest first, deleted ones included.
    pub fn media(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        self.account(account_id).into_iter().flat_map(|account| {
            (0..account.slots())
                .rev()
                .map(move |slot| account.post_at_slot(slot))
        })
    }

    /// The stories of an account that are live now, newest first.
    pub fn stories(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        self.account(account_id).into_iter().flat_map(|account| {
            account
                .live_stories()
                .rev()
                .map(move |index| account.story(index))
        })
    }

    /// A media that has been published, whether it still exists or not.
    pub fn media_by_id(&self, id: &str) -> Option<Media<'_>> {
        match self.ids.resolve(id)? {
            Object::Media(path) => self.media_at(path),
            _ => None,
        }
    }

    /// Every comment on a media that is visible now, newest first, without replies.
    pub fn comments(&self, media_id: &str) -> impl Iterator<Item = Comment<'_>> {
        self.media_by_id(media_id).into_iter().flat_map(|media| {
            let comments: Vec<_> = media.comments().collect();
            comments.into_iter().rev()
        })
    }
}

impl World {
    /// Ties the world to the clock of its simulator. Only the first clock counts.
    pub(crate) fn wind(&self, clock: &Clock) {
        let _ = self.clock.set(clock.clone());
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    pub(crate) fn ids(&self) -> Ids {
        self.ids
    }

    /// Seconds since 1970.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.now().timestamp()
    }

    /// When the simulation started: nobody has read anything before.
    pub(crate) fn start_seconds(&self) -> i64 {
        self.spec.epoch.timestamp()
    }

    pub(crate) fn edits(&self) -> RwLockReadGuard<'_, Edits> {
        self.edits.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn page(&self, index: usize) -> Option<&PageSpec> {
        self.spec.pages.get(index)
    }

    pub(crate) fn page_with_id(&self, id: &str) -> Option<usize> {
        self.page_by_id.get(id).copied()
    }

    /// The account linked to a page, unless the link was cut.
    pub(crate) fn account_of_page(&self, page: usize) -> Option<Account<'_>> {
        let spec = self.page(page)?.account.as_ref()?;
        let account = self.account(&spec.id)?;
        (!self.edits().unlinked.contains(&account.index())).then_some(account)
    }

    /// The page to which an account is linked; none for other people's accounts.
    pub(crate) fn page_of_account(&self, account: u32) -> Option<usize> {
        match self.homes.get(account as usize)? {
            Home::Page(page) => Some(*page),
            Home::Other(_) => None,
        }
    }

    pub(crate) fn account_at(&self, index: u32) -> Account<'_> {
        Account::new(self, index, self.now_seconds())
    }

    /// Finds an account by the handle that it has now.
    pub(crate) fn account_with_username(&self, username: &str) -> Option<Account<'_>> {
        let renamed = self
            .edits()
            .usernames
            .iter()
            .find(|(_, name)| *name == username)
            .map(|(index, _)| *index);
        let index = renamed.or_else(|| self.account_by_username.get(username).copied())?;
        Some(self.account_at(index)).filter(|account| account.username() == username)
    }

    pub(crate) fn account_spec(&self, index: u32) -> &AccountSpec {
        static NOBODY: OnceLock<AccountSpec> = OnceLock::new();
        let found = self.homes.get(index as usize).and_then(|home| match home {
            Home::Page(page) => self.spec.pages.get(*page)?.account.as_ref(),
            Home::Other(other) => self.spec.others.get(*other),
        });
        found.unwrap_or_else(|| NOBODY.get_or_init(AccountSpec::default))
    }

    /// When public posts with a hashtag are published.
    pub(crate) fn hashtag_posts(&self, hashtag: u32) -> Timeline {
        let per_day = self
            .spec
            .hashtags
            .get(hashtag as usize)
            .map_or(0, |hashtag| u64::from(hashtag.posts_per_day));
        let days_before = 30_u32;
        Timeline {
            seed: self.seed.with(25).with(u64::from(hashtag)),
            epoch: self.spec.epoch.timestamp(),
            before: per_day * u64::from(days_before),
            span: i64::from(days_before) * DAY,
            per_week: per_day * 7,
        }
    }

    /// A media that has been published, by its path.
    pub(crate) fn media_at(&self, id: MediaId) -> Option<Media<'_>> {
        let accounts = match id.kind {
            MediaKind::Hashtag => self.spec.hashtags.len(),
            _ => self.homes.len(),
        };
        if id.account as usize >= accounts {
            return None;
        }
        Media::new(self, id, self.now_seconds()).filter(Media::is_published)
    }

    /// A comment that is visible now, by its path.
    pub(crate) fn comment_at(&self, id: CommentId) -> Option<Comment<'_>> {
        let media = self.media_at(MediaId {
            kind: MediaKind::Post,
            account: id.account,
            index: id.post,
            child: 0,
        })?;
        if media.is_deleted() || !media.shows_comments() {
            return None;
        }
        let comment = Comment::of_post(self, id, &media)?;
        comment.is_visible().then_some(comment)
    }
}
