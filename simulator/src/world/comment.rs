//! Comments and replies.

use chrono::{DateTime, Utc};

use crate::id::{CommentId, MAX_REPLIES, MediaId, MediaKind};
use crate::seed::Seed;

use super::growth::{SETTLED_AFTER, age_of_event, grown};
use super::media::Media;
use super::timeline::DAY;
use super::{World, caption};

/// A comment or a reply at an instant.
#[derive(Clone, Debug)]
pub struct Comment<'w> {
    world: &'w World,
    path: CommentId,
    now: i64,
    written_at: i64,
    is_deleted: bool,
    hidden: Option<bool>,
    /// Nobody answers comments on a broadcast.
    has_replies: bool,
}

impl<'w> Comment<'w> {
    /// IG Comment id.
    pub fn id(&self) -> String {
        self.number().to_string()
    }

    /// What it says.
    pub fn text(&self) -> String {
        caption::remark(self.seed().with(1))
    }

    /// When it was written.
    pub fn timestamp(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.written_at, 0).unwrap_or_default()
    }

    /// Handle of its author.
    pub fn username(&self) -> String {
        caption::username(self.seed().with(2))
    }

    /// Instagram-scoped id of its author.
    pub fn author_id(&self) -> String {
        self.seed()
            .with(3)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999)
            .to_string()
    }

    /// Another id of its author, which is told of some.
    pub fn self_ig_scoped_id(&self) -> Option<String> {
        let seed = self.seed().with(10);
        let id = seed.between(1_000_000_000_000_000, 9_999_999_999_999_999);
        seed.with(1).per_mille(100).then(|| id.to_string())
    }

    /// Likes now.
    pub fn like_count(&self) -> i64 {
        grown(
            self.seed().with(4).below(12),
            self.now - self.written_at,
            SETTLED_AFTER,
        ) as i64
    }

    /// Whether the owner of the post has hidden it.
    pub fn hidden(&self) -> bool {
        self.hidden
            .unwrap_or_else(|| self.seed().with(5).per_mille(20))
    }

    /// Id of the media it is on.
    pub fn media_id(&self) -> String {
        self.world.ids().media(self.media_path()).to_string()
    }

    /// Replies only: the comment it answers.
    pub fn parent_id(&self) -> Option<String> {
        let parent = CommentId {
            reply: 0,
            ..self.path
        };
        (self.path.reply > 0).then(|| self.world.ids().comment(parent).to_string())
    }

    /// Replies that are visible now, oldest first.
    pub fn replies(&self) -> impl Iterator<Item = Comment<'w>> {
        self.written_replies().filter(Self::is_visible)
    }
}

impl<'w> Comment<'w> {
    /// Nothing when there is no such comment on the post; one that lies in the future is still built.
    pub(crate) fn of_post(world: &'w World, path: CommentId, media: &Media<'w>) -> Option<Self> {
        let slots = media.comment_slots();
        if path.comment >= slots {
            return None;
        }
        let seed = seed(world, path).with(6);
        let age = age_of_event(
            u64::from(path.comment),
            u64::from(slots),
            seed.below(1000),
            media.comment_seconds(),
        );
        let edits = world.edits();
        let top = CommentId { reply: 0, ..path };
        let now = media.account().now();
        let is_deleted = |path| {
            let edit = edits.comments.get(&path);
            edit.is_some_and(|edit| edit.is_deleted(now))
        };
        let edit = edits.comments.get(&path);
        let mut comment = Self {
            world,
            path: top,
            now,
            written_at: media.published_at() + age,
            is_deleted: is_deleted(top) || is_deleted(path),
            hidden: edit.and_then(|edit| edit.hidden),
            has_replies: !media.was_broadcast(),
        };
        if path.reply > 0 {
            if path.reply > comment.reply_slots() {
                return None;
            }
            comment.written_at = comment.reply_written_at(path.reply);
            comment.path = path;
        }
        Some(comment)
    }

    pub(crate) fn is_visible(&self) -> bool {
        self.is_written() && !self.is_deleted
    }

    pub(crate) fn is_written(&self) -> bool {
        self.written_at <= self.now
    }

    /// Replies so far, oldest first, deleted ones included.
    pub(crate) fn written_replies(&self) -> impl Iterator<Item = Comment<'w>> {
        let edits = self.world.edits();
        let count = if self.path.reply == 0 {
            self.reply_slots()
        } else {
            0
        };
        let replies: Vec<_> = (1..=count)
            .map(|reply| {
                let path = CommentId { reply, ..self.path };
                let edit = edits.comments.get(&path);
                Self {
                    path,
                    written_at: self.reply_written_at(reply),
                    is_deleted: self.is_deleted
                        || edit.is_some_and(|edit| edit.is_deleted(self.now)),
                    hidden: edit.and_then(|edit| edit.hidden),
                    ..*self
                }
            })
            .filter(Self::is_written)
            .collect();
        replies.into_iter()
    }

    pub(crate) fn path(&self) -> CommentId {
        self.path
    }

    pub(crate) fn number(&self) -> u64 {
        self.world.ids().comment(self.path)
    }

    /// The number that older interfaces know it by.
    pub(crate) fn legacy_number(&self) -> u64 {
        self.seed()
            .with(9)
            .between(17_800_000_000_000_000, 18_099_999_999_999_999)
    }

    pub(crate) fn written_at(&self) -> i64 {
        self.written_at
    }

    pub(crate) fn media_path(&self) -> MediaId {
        MediaId {
            kind: MediaKind::Post,
            account: self.path.account,
            index: self.path.post,
            child: 0,
        }
    }

    fn reply_slots(&self) -> u32 {
        let seed = self.seed().with(7);
        let replied = self.world.account_spec(self.path.account).replied_per_mille;
        if !self.has_replies || !seed.per_mille(replied) {
            return 0;
        }
        (1 + seed.with(1).below_u32(4)).min(MAX_REPLIES)
    }

    /// Replies follow their comment one after the other within days.
    fn reply_written_at(&self, reply: u32) -> i64 {
        let top = CommentId {
            reply: 0,
            ..self.path
        };
        let wait = seed(self.world, top)
            .with(8)
            .with(u64::from(reply))
            .between(30, DAY.cast_unsigned() / 2);
        self.written_at + i64::from(reply) * DAY / 2 + wait as i64
    }

    fn seed(&self) -> Seed {
        seed(self.world, self.path)
    }
}

fn seed(world: &World, path: CommentId) -> Seed {
    let seed = world
        .seed()
        .with(300)
        .with(u64::from(path.account))
        .with(u64::from(path.post));
    seed.with(u64::from(path.comment))
        .with(u64::from(path.reply))
}
