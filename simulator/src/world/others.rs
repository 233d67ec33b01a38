//! What other people do with an account: tags, mentions, collaborations, hashtags.

use chrono::{DateTime, Utc};

use crate::id::{MediaKind, Object};
use crate::seed::Seed;

use super::media::Media;
use super::timeline::DAY;
use super::{Account, World, caption};

/// Where posts with pending invites begin among collaborations.
const FIRST_INVITE: u64 = 1 << 19;

/// A comment of somebody else, on a post of somebody else, that mentions an account.
#[derive(Clone, Debug)]
pub struct MentioningComment<'w> {
    account: Account<'w>,
    index: u32,
}

impl World {
    /// Posts of others in which an account is tagged, newest first.
    pub fn tagged_media(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        self.foreign_media(account_id, MediaKind::Tagged)
    }

    /// Posts of others whose caption mentions an account. The API has no list of them: webhooks tell the ids.
    pub fn mentioned_media(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        self.foreign_media(account_id, MediaKind::Mention)
    }

    /// Posts of others on which an account is an accepted collaborator, newest first.
    pub fn collaborative_media(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        self.foreign_media(account_id, MediaKind::Collaboration)
    }

    /// Posts of others on which an account is invited to be a collaborator and has not answered, newest first.
    pub fn invites(&self, account_id: &str) -> impl Iterator<Item = Media<'_>> {
        let account = self.account(account_id);
        account.into_iter().flat_map(Account::invites)
    }

    /// Comments of others that mention an account; webhooks tell the ids of these, too.
    pub fn mentioning_comments(
        &self,
        account_id: &str,
    ) -> impl Iterator<Item = MentioningComment<'_>> {
        let account = self.account(account_id);
        account.into_iter().flat_map(|account| {
            let spec = account.spec();
            (0..spec.mentions * spec.comments_per_mention)
                .map(move |index| MentioningComment { account, index })
                .filter(|comment| comment.timestamp() <= comment.account.world().now())
        })
    }

    /// Public posts with a hashtag within a span of seconds before now, newest first.
    pub(crate) fn hashtag_media(
        &self,
        hashtag: u32,
        seconds: i64,
    ) -> impl Iterator<Item = Media<'_>> {
        self.hashtag_media_at(hashtag, seconds, self.now_seconds())
    }

    /// Public posts with a hashtag within a span of seconds before an instant, as they were then, newest first.
    pub(crate) fn hashtag_media_at(
        &self,
        hashtag: u32,
        seconds: i64,
        now: i64,
    ) -> impl Iterator<Item = Media<'_>> {
        let posts = self.hashtag_posts(hashtag);
        let recent = posts.count_at(now - seconds)..posts.count_at(now);
        recent.rev().filter_map(move |index| {
            let path = crate::id::MediaId {
                kind: MediaKind::Hashtag,
                account: hashtag,
                index: u32::try_from(index).ok()?,
                child: 0,
            };
            Media::new(self, path, now)
        })
    }

    /// The id of a hashtag.
    pub fn hashtag_id(&self, name: &str) -> Option<String> {
        let hashtag = self.hashtag_named(name)?;
        Some(self.ids().hashtag(hashtag).to_string())
    }

    pub(crate) fn hashtag_named(&self, name: &str) -> Option<u32> {
        (0..)
            .zip(&self.spec().hashtags)
            .find(|(_, hashtag)| hashtag.name == name)
            .map(|(index, _)| index)
    }

    pub(crate) fn mentioning_comment(
        &self,
        account: Account<'_>,
        id: &str,
    ) -> Option<MentioningComment<'_>> {
        match self.ids().resolve(id)? {
            Object::MentioningComment { account: of, index } if of == account.index() => self
                .mentioning_comments(account.id())
                .find(|comment| comment.index == index),
            _ => None,
        }
    }

    fn foreign_media(&self, account_id: &str, kind: MediaKind) -> impl Iterator<Item = Media<'_>> {
        self.account(account_id)
            .into_iter()
            .flat_map(move |account| account.foreign(kind))
    }
}

impl<'w> Account<'w> {
    /// They stand far behind the accepted ones, where nothing has been published for this account.
    pub(crate) fn invites(self) -> impl Iterator<Item = Media<'w>> {
        let invites = (0..self.spec().invites).rev().map(u64::from);
        invites.map(move |index| self.media(MediaKind::Collaboration, FIRST_INVITE + index))
    }

    pub(crate) fn foreign(self, kind: MediaKind) -> impl Iterator<Item = Media<'w>> {
        let timeline = match kind {
            MediaKind::Tagged => self.tagged(),
            MediaKind::Mention => self.mentions(),
            _ => self.collaborations(),
        };
        (0..timeline.count_at(self.now()))
            .rev()
            .map(move |index| self.media(kind, index))
    }
}

impl MentioningComment<'_> {
    /// IG Comment id.
    pub fn id(&self) -> String {
        self.account
            .world()
            .ids()
            .mentioning_comment(self.account.index(), self.index)
            .to_string()
    }

    /// What it says.
    pub fn text(&self) -> String {
        format!(
            "@{} {}",
            self.account.username(),
            caption::remark(self.seed().with(1))
        )
    }

    /// When it was written.
    pub fn timestamp(&self) -> DateTime<Utc> {
        let epoch = self.account.world().spec().epoch.timestamp();
        let age = self
            .seed()
            .with(2)
            .below(90 * DAY.cast_unsigned())
            .cast_signed();
        DateTime::from_timestamp(epoch - age, 0).unwrap_or_default()
    }

    /// Likes.
    pub fn like_count(&self) -> i64 {
        self.seed().with(3).below(20).cast_signed()
    }

    /// The post that it stands under.
    pub fn media_id(&self) -> String {
        let post = self.index / self.account.spec().comments_per_mention;
        self.account.media(MediaKind::Mention, u64::from(post)).id()
    }

    fn seed(&self) -> Seed {
        self.account.seed().with(51).with(u64::from(self.index))
    }
}
