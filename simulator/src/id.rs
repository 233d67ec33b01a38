//! Ids of derived objects. An id holds its own path (account, index, child) in shuffled form, so the world needs no
//! table to find the object again.

use crate::seed::{Permutation, Seed};

/// Where ids of media and comments begin: 17 digits, `178…` to `189…`, as in recorded bodies.
const OBJECT_BASE: u64 = 17_850_000_000_000_000;
const OBJECT_HALF_BITS: u32 = 25;
/// Where ids of hashtags begin; the examples of Meta's hashtag pages start with `17843`.
const HASHTAG_BASE: u64 = 17_843_000_000_000_000;
const HASHTAG_HALF_BITS: u32 = 17;

/// Accounts that fit into an id.
pub(crate) const MAX_ACCOUNTS: usize = 1 << 14;
/// Posts of one account that fit into the id of a comment.
pub(crate) const MAX_POSTS: u32 = 1 << 17;
/// From this index on, posts are scripted ones instead of derived ones.
pub(crate) const SCRIPTED_POSTS: u32 = MAX_POSTS - 4096;
pub(crate) const MAX_COMMENTS: u32 = 1 << 11;
pub(crate) const MAX_REPLIES: u32 = (1 << 5) - 1;

/// Which list a media belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum MediaKind {
    /// A post of a professional account.
    Post,
    /// A story of a professional account.
    Story,
    /// A post of somebody else in which the account is tagged.
    Tagged,
    /// A post of somebody else with a hashtag; `account` counts hashtags here.
    Hashtag,
    /// A post of somebody else whose caption mentions the account.
    Mention,
    /// A post of somebody else on which the account is a collaborator.
    Collaboration,
}

const MEDIA_KINDS: [MediaKind; 6] = [
    MediaKind::Post,
    MediaKind::Story,
    MediaKind::Tagged,
    MediaKind::Hashtag,
    MediaKind::Mention,
    MediaKind::Collaboration,
];
const COMMENT_KIND: u64 = 6;
const MENTIONING_COMMENT_KIND: u64 = 7;

/// The path of a media, or of one item of an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MediaId {
    pub(crate) kind: MediaKind,
    pub(crate) account: u32,
    pub(crate) index: u32,
    /// 0 is the media itself; items of an album count from 1.
    pub(crate) child: u8,
}

/// The path of a comment on a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CommentId {
    pub(crate) account: u32,
    pub(crate) post: u32,
    pub(crate) comment: u32,
    /// 0 is the comment itself; replies count from 1.
    pub(crate) reply: u32,
}

/// What a numeric id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Media(MediaId),
    Comment(CommentId),
    /// A comment of somebody else that mentions the account.
    MentioningComment {
        account: u32,
        index: u32,
    },
    Hashtag(u32),
}

/// The id scheme of one world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    objects: Permutation,
    hashtags: Permutation,
}

impl Ids {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            objects: Permutation::new(seed.with(1), OBJECT_HALF_BITS),
            hashtags: Permutation::new(seed.with(2), HASHTAG_HALF_BITS),
        }
    }

    pub(crate) fn media(self, id: MediaId) -> u64 {
        let path = u64::from(id.account) << 25 | u64::from(id.index) << 5 | u64::from(id.child);
        self.object(id.kind as u64, path)
    }

    pub(crate) fn comment(self, id: CommentId) -> u64 {
        let path = u64::from(id.account) << 33
            | u64::from(id.post) << 16
            | u64::from(id.comment) << 5
            | u64::from(id.reply);
        self.object(COMMENT_KIND, path)
    }

    pub(crate) fn mentioning_comment(self, account: u32, index: u32) -> u64 {
        self.object(
            MENTIONING_COMMENT_KIND,
            u64::from(account) << 25 | u64::from(index),
        )
    }

    pub(crate) fn hashtag(self, index: u32) -> u64 {
        HASHTAG_BASE + self.hashtags.apply(u64::from(index))
    }

    /// Reads an id back. Whether the object exists is the world's business.
    pub(crate) fn resolve(self, id: &str) -> Option<Object> {
        let number: u64 = id.parse().ok().filter(|_| id.len() == 17)?;
        if let Some(shuffled) = number.checked_sub(OBJECT_BASE) {
            return self.resolve_object(shuffled);
        }
        let shuffled = number.checked_sub(HASHTAG_BASE)?;
        let index =
            (shuffled < 1 << (2 * HASHTAG_HALF_BITS)).then(|| self.hashtags.revert(shuffled))?;
        u32::try_from(index).ok().map(Object::Hashtag)
    }

    fn resolve_object(self, shuffled: u64) -> Option<Object> {
        if shuffled >= 1 << (2 * OBJECT_HALF_BITS) {
            return None;
        }
        let plain = self.objects.revert(shuffled);
        let part = |shift: u32, bits: u32| {
            u32::try_from((plain >> shift) & ((1 << bits) - 1)).unwrap_or(u32::MAX)
        };
        let kind = part(47, 3);
        let object = match u64::from(kind) {
            COMMENT_KIND => Object::Comment(CommentId {
                account: part(33, 14),
                post: part(16, 17),
                comment: part(5, 11),
                reply: part(0, 5),
            }),
            MENTIONING_COMMENT_KIND => Object::MentioningComment {
                account: part(25, 22),
                index: part(0, 25),
            },
            _ => Object::Media(MediaId {
                kind: *MEDIA_KINDS.get(kind as usize)?,
                account: part(25, 22),
                index: part(5, 20),
                child: u8::try_from(part(0, 5)).ok()?,
            }),
        };
        Some(object)
    }

    fn object(self, kind: u64, path: u64) -> u64 {
        OBJECT_BASE + self.objects.apply(kind << 47 | path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_id_leads_back_to_its_object() {
        let ids = Ids::new(Seed::new(5));
        for kind in MEDIA_KINDS {
            let id = MediaId {
                kind,
                account: 9_999,
                index: 126_000,
                child: 10,
            };
            let text = ids.media(id).to_string();
            assert_eq!(text.len(), 17);
            assert_eq!(ids.resolve(&text), Some(Object::Media(id)));
        }
        let comment = CommentId {
            account: 16_000,
            post: 131_000,
            comment: 2_000,
            reply: 31,
        };
        assert_eq!(
            ids.resolve(&ids.comment(comment).to_string()),
            Some(Object::Comment(comment))
        );
        assert_eq!(
            ids.resolve(&ids.mentioning_comment(3, 4).to_string()),
            Some(Object::MentioningComment {
                account: 3,
                index: 4
            })
        );
        assert_eq!(
            ids.resolve(&ids.hashtag(12).to_string()),
            Some(Object::Hashtag(12))
        );
        assert_eq!(ids.resolve("123"), None);
    }
}
