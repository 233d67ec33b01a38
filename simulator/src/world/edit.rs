//! What a test, or a night of the demo, makes happen in the world.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use crate::id::{CommentId, MediaId, Object, SCRIPTED_POSTS};

use super::World;
use super::access::AccessEdits;
use super::media::ProductType;
use super::retired::Retired;

/// Everything that was scripted so far.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    pub(crate) media: HashMap<MediaId, MediaEdit>,
    pub(crate) comments: HashMap<CommentId, CommentEdit>,
    /// Scripted posts per account, in the order of publication.
    pub(crate) scripted: HashMap<u32, Vec<ScriptedPost>>,
    pub(crate) usernames: HashMap<u32, String>,
    pub(crate) unlinked: HashSet<u32>,
    /// When accounts were converted again to professional ones.
    pub(crate) converted: HashMap<u32, i64>,
    pub(crate) access: AccessEdits,
    pub(crate) retired: Retired,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct MediaEdit {
    /// Since when it is deleted or back again.
    pub(crate) deletions: Vec<(i64, bool)>,
    pub(crate) caption: Option<Option<String>>,
    /// Instant and number of additional likes.
    pub(crate) likes: Vec<(i64, i64)>,
    pub(crate) likes_hidden: Option<bool>,
    /// Since when comments are on or off.
    pub(crate) comments_enabled: Vec<(i64, bool)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CommentEdit {
    pub(crate) deleted_at: Option<i64>,
    pub(crate) hidden: Option<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct ScriptedPost {
    pub(crate) slot: u64,
    pub(crate) published_at: i64,
    pub(crate) post: NewPost,
}

/// A post to publish.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// Its caption.
    pub caption: Option<String>,
    /// `FEED` or `REELS`.
    pub media_product_type: ProductType,
    /// Items of an album; 0 is an image or a reel.
    pub children: u8,
}

impl Default for NewPost {
    /// An image with a caption.
    fn default() -> Self {
        Self {
            caption: Some("Just published".to_owned()),
            media_product_type: ProductType::Feed,
            children: 0,
        }
    }
}

impl CommentEdit {
    pub(crate) fn is_deleted(&self, now: i64) -> bool {
        self.deleted_at.is_some_and(|at| at <= now)
    }
}

/// Scripted changes. Each takes effect at once, at the simulated instant of the call.
impl World {
    /// Deletes a post or a story. Says whether there was one.
    pub fn delete_media(&self, id: &str) -> bool {
        let now = self.now_seconds();
        self.edit_media(id, |edit| edit.deletions.push((now, true)))
    }

    /// Shows a post again that was deleted, as its owner does with an archived one. Says whether there was one.
    pub fn restore_media(&self, id: &str) -> bool {
        let now = self.now_seconds();
        self.edit_media(id, |edit| edit.deletions.push((now, false)))
    }

    /// Changes a caption; none removes it. Says whether there is such a media.
    pub fn edit_caption(&self, id: &str, caption: Option<&str>) -> bool {
        self.edit_media(id, |edit| edit.caption = Some(caption.map(str::to_owned)))
    }

    /// Adds likes, or takes some away.
    pub fn add_likes(&self, id: &str, likes: i64) -> bool {
        let now = self.now_seconds();
        self.edit_media(id, |edit| edit.likes.push((now, likes)))
    }

    /// Hides or shows the number of likes.
    pub fn hide_likes(&self, id: &str, hidden: bool) -> bool {
        self.edit_media(id, |edit| edit.likes_hidden = Some(hidden))
    }

    /// Turns comments on or off.
    pub fn enable_comments(&self, id: &str, enabled: bool) -> bool {
        let now = self.now_seconds();
        self.edit_media(id, |edit| edit.comments_enabled.push((now, enabled)))
    }

    /// Publishes a post now and says its id; none when there is no such account.
    pub fn publish(&self, account_id: &str, post: NewPost) -> Option<String> {
        let account = self.account(account_id)?;
        let index = account.index();
        let (slot, published_at) = (account.slots(), self.now_seconds());
        let nth = self.edit(|edits| {
            let posts = edits.scripted.entry(index).or_default();
            posts.push(ScriptedPost {
                slot,
                published_at,
                post,
            });
            posts.len() - 1
        });
        let index_of_post = u64::from(SCRIPTED_POSTS) + nth as u64;
        Some(
            account
                .media(crate::id::MediaKind::Post, index_of_post)
                .id(),
        )
    }

    /// Deletes a comment, and with a top-level comment its replies.
    pub fn delete_comment(&self, id: &str) -> bool {
        let now = self.now_seconds();
        self.edit_comment(id, |edit| edit.deleted_at = Some(now))
    }

    /// Hides or shows a comment.
    pub fn hide_comment(&self, id: &str, hidden: bool) -> bool {
        self.edit_comment(id, |edit| edit.hidden = Some(hidden))
    }

    /// Gives an account another handle. Says whether there is such an account.
    pub fn rename_account(&self, account_id: &str, username: &str) -> bool {
        let index = self.account_by_id.get(account_id).copied();
        let Some(index) = index else {
            return false;
        };
        self.edit(|edits| edits.usernames.insert(index, username.to_owned()));
        true
    }

    /// Cuts or restores the link between an account and its page.
    pub fn link_account(&self, account_id: &str, linked: bool) -> bool {
        let index = self.account_by_id.get(account_id).copied();
        let Some(index) = index else {
            return false;
        };
        self.edit(|edits| {
            if linked {
                edits.unlinked.remove(&index)
            } else {
                edits.unlinked.insert(index)
            }
        });
        true
    }

    /// Converts an account to a professional one again, now: insights of older posts are refused from then on. Says
    /// whether there is such an account.
    pub fn convert_account(&self, account_id: &str) -> bool {
        let Some(index) = self.account_by_id.get(account_id).copied() else {
            return false;
        };
        let now = self.now_seconds();
        self.edit(|edits| edits.converted.insert(index, now));
        true
    }

    fn edit_media(&self, id: &str, change: impl FnOnce(&mut MediaEdit)) -> bool {
        let Some(media) = self.media_by_id(id) else {
            return false;
        };
        let path = media.path();
        self.edit(|edits| change(edits.media.entry(path).or_default()));
        true
    }

    fn edit_comment(&self, id: &str, change: impl FnOnce(&mut CommentEdit)) -> bool {
        let Some(Object::Comment(path)) = self.ids().resolve(id) else {
            return false;
        };
        if self.comment_at(path).is_none() {
            return false;
        }
        self.edit(|edits| change(edits.comments.entry(path).or_default()));
        true
    }

    pub(super) fn edit<T>(&self, change: impl FnOnce(&mut Edits) -> T) -> T {
        change(&mut self.edits.write().unwrap_or_else(PoisonError::into_inner))
    }
}
