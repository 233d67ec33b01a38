//! How a media follows from its path: what it is, when it appeared, when it goes.

use crate::id::{CommentId, MAX_COMMENTS, MediaId, MediaKind, SCRIPTED_POSTS};
use crate::seed::Seed;
use crate::spec::AccountSpec;

use super::World;
use super::account::{Account, STORY_SECONDS};
use super::comment::Comment;
use super::growth::{SETTLED_AFTER, grown};
use super::media::{Media, MediaType, ProductType};
use super::timeline::{DAY, Timeline};

/// How long a broadcast lasts before it becomes an ordinary post.
const BROADCAST_SECONDS: i64 = 3600;

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Image,
    Reel,
    Album { children: u8 },
    FeedVideo,
    Broadcast,
}

impl<'w> Media<'w> {
    /// Nothing when the path leads to no media at all; what lies in the future is still built.
    pub(crate) fn new(world: &'w World, path: MediaId, now: i64) -> Option<Self> {
        let media = Self::at(world, path, now);
        let is_item = path.child == 0 || media.child(path.child).is_some();
        let is_known =
            path.index < SCRIPTED_POSTS || path.kind != MediaKind::Post || media.scripted.is_some();
        (is_item && is_known).then_some(media)
    }

    pub(crate) fn at(world: &'w World, path: MediaId, now: i64) -> Self {
        let edits = world.edits();
        let scripted = match path.kind {
            MediaKind::Post if path.index >= SCRIPTED_POSTS => edits
                .scripted
                .get(&path.account)
                .and_then(|posts| posts.get((path.index - SCRIPTED_POSTS) as usize)),
            _ => None,
        };
        let published_at = scripted.map(|post| post.published_at);
        let mut media = Self {
            world,
            path,
            now,
            seed: seed_of(world, path),
            published_at: 0,
            shape: Shape::Image,
            scripted: scripted.map(|scripted| scripted.post.clone()),
            edit: if edits.media.is_empty() {
                None
            } else {
                edits.media.get(&path).cloned()
            },
        };
        drop(edits);
        media.shape = media.derive_shape();
        media.published_at =
            published_at.unwrap_or_else(|| media.timeline().time_of(u64::from(path.index)));
        media
    }

    /// The media as it was at another instant.
    pub(crate) fn as_of(&self, now: i64) -> Self {
        Self::at(self.world, self.path, now)
    }

    /// The media as it was when it could last be read; none if that was before the simulation started.
    pub(crate) fn last_readable(&self) -> Option<Self> {
        let ends =
            (self.path.kind == MediaKind::Story).then_some(self.published_at + STORY_SECONDS);
        let gone_at = [ends, self.deletion()].into_iter().flatten().min();
        let last = gone_at.map_or(self.now, |at| self.now.min(at - 1));
        // It may have been read within the second in which it was deleted.
        let could_be_read = gone_at.is_none_or(|at| at >= self.world.start_seconds());
        could_be_read.then(|| self.as_of(last.max(self.published_at)))
    }

    /// Whether it has been deleted, whatever instant this is.
    pub(crate) fn deleted_at_some_time(&self) -> bool {
        self.as_of(self.world.now_seconds()).is_deleted()
    }

    /// When likes were added or taken away by a script.
    pub(crate) fn jumps(&self) -> impl Iterator<Item = i64> + use<> {
        let jumps = self.edit.as_ref().map(|edit| edit.likes.clone());
        let now = self.now;
        let instants = jumps.into_iter().flatten().map(|(at, _)| at);
        instants.filter(move |at| *at <= now)
    }

    pub(crate) fn path(&self) -> MediaId {
        self.path
    }

    pub(crate) fn number(&self) -> u64 {
        self.world.ids().media(self.path)
    }

    /// The number that older interfaces know it by; 19 digits like recorded ones.
    pub(crate) fn legacy_number(&self) -> u64 {
        1_500_000_000_000_000_000 + self.seed().with(59).below(2_300_000_000_000_000_000)
    }

    pub(crate) fn account(&self) -> Account<'w> {
        let index = if self.path.kind == MediaKind::Hashtag {
            0
        } else {
            self.path.account
        };
        Account::new(self.world, index, self.now)
    }

    /// Whether the account in whose list it stands has published it.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.path.kind, MediaKind::Post | MediaKind::Story)
    }

    pub(crate) fn is_published(&self) -> bool {
        self.published_at <= self.now
    }

    /// Whether the broadcast of a live video still runs.
    pub(crate) fn is_live(&self) -> bool {
        self.was_broadcast() && self.age() < BROADCAST_SECONDS
    }

    /// Within which time its comments are written: those of a broadcast while it runs.
    pub(crate) fn comment_seconds(&self) -> i64 {
        if self.was_broadcast() {
            BROADCAST_SECONDS
        } else {
            SETTLED_AFTER
        }
    }

    /// Whether it is a live video, running or ended.
    pub(crate) fn was_broadcast(&self) -> bool {
        self.shape == Shape::Broadcast
    }

    /// Whether its comments can be read: they may be turned off, and those of a live video end with the broadcast.
    pub(crate) fn shows_comments(&self) -> bool {
        self.is_comment_enabled() && (!self.was_broadcast() || self.is_live())
    }

    /// Whether it is older than the latest conversion to a professional account.
    pub(crate) fn is_from_before_conversion(&self) -> bool {
        let converted_at = self.habits().converted_at;
        let is_older = |converted_at| self.published_at < converted_at;
        converted_at.is_some_and(|at| is_older(at.timestamp()))
            || self
                .converted_again_at()
                .is_some_and(|at| at <= self.now && is_older(at))
    }

    /// When the account was converted again, if it was.
    pub(crate) fn converted_again_at(&self) -> Option<i64> {
        self.world
            .edits()
            .converted
            .get(&self.path.account)
            .copied()
    }

    /// Whether it was also shared to Facebook.
    pub(crate) fn is_crossposted(&self) -> bool {
        self.seed()
            .with(67)
            .per_mille(self.habits().crossposted_per_mille)
    }

    /// A FEED video, which does not know every metric.
    pub(crate) fn is_feed_video(&self) -> bool {
        self.media_type() == MediaType::Video && self.media_product_type() == ProductType::Feed
    }

    /// Whether it can be read: stories end, and what was deleted is gone.
    pub(crate) fn is_readable(&self) -> bool {
        let ended = self.path.kind == MediaKind::Story && self.age() >= STORY_SECONDS;
        self.is_published() && !ended && !self.is_deleted()
    }

    /// Whether `/media` shows it: a broadcast becomes a post when it ends.
    pub(crate) fn is_listed(&self) -> bool {
        self.is_readable() && !self.is_live()
    }

    /// The instant that this is about.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn published_at(&self) -> i64 {
        self.published_at
    }

    pub(crate) fn age(&self) -> i64 {
        self.now - self.published_at
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    /// Top-level comments so far, oldest first, deleted ones included.
    pub(crate) fn written_comments(&self) -> impl Iterator<Item = Comment<'w>> {
        let (world, path) = (self.world, self.path);
        let of_slot = |comment| {
            let id = CommentId {
                account: path.account,
                post: path.index,
                comment,
                reply: 0,
            };
            Comment::of_post(world, id, self)
        };
        // Slots are in the order of time: what follows the first unwritten one is unwritten, too.
        let written =
            (0..self.comment_slots()).map_while(|slot| of_slot(slot).filter(Comment::is_written));
        written.collect::<Vec<_>>().into_iter()
    }

    /// Comments that will have been written once all have been written.
    pub(crate) fn comment_slots(&self) -> u32 {
        if self.path.kind != MediaKind::Post || self.path.child > 0 {
            return 0;
        }
        let mean = u64::from(self.habits().mean_comments);
        let comments = mean * self.seed().with(60).below(201) / 100;
        u32::try_from(comments)
            .unwrap_or(u32::MAX)
            .min(MAX_COMMENTS - 1)
    }

    pub(crate) fn final_likes(&self) -> u64 {
        let audience = if self.is_own() {
            self.habits().followers
        } else {
            4_000
        };
        let favour = if self.shape == Shape::Reel { 2 } else { 1 };
        audience * self.seed().with(61).between(4, 60) * favour / 1000
            + self.seed().with(62).below(6)
    }

    pub(crate) fn child(&self, child: u8) -> Option<Self> {
        let Shape::Album { children } = self.shape else {
            return None;
        };
        (child <= children).then(|| Self {
            path: MediaId { child, ..self.path },
            seed: seed_of(self.world, MediaId { child, ..self.path }),
            ..self.clone()
        })
    }

    /// The description of the account it belongs to, for its habits.
    pub(crate) fn habits(&self) -> &'w AccountSpec {
        self.account().spec()
    }

    pub(super) fn hashtag_name(&self) -> &'w str {
        let hashtag = self.world.spec().hashtags.get(self.path.account as usize);
        hashtag.map_or("", |hashtag| hashtag.name.as_str())
    }

    pub(super) fn image_path(&self, part: u64) -> String {
        let seed = self.seed().with(part);
        format!(
            "/v/t51.82787-15/{}_{}_{}_n.jpg",
            seed.with(1).between(100_000_000, 699_999_999),
            seed.with(2)
                .between(18_000_000_000_000_000, 18_999_999_999_999_999),
            seed.with(3)
                .between(1_000_000_000_000_000_000, 8_999_999_999_999_999_999)
        )
    }

    pub(super) fn share_of_likes(&self, part: u64, per_mille: u64) -> i64 {
        let total = self.final_likes() * self.seed().with(part).below(per_mille) / 1000;
        grown(total, self.age(), SETTLED_AFTER) as i64
    }

    /// When it was or will be deleted, as far as that is known at its instant.
    pub(super) fn deletion(&self) -> Option<i64> {
        let scripted = self.edit.iter().flat_map(|edit| &edit.deletions);
        let latest = scripted.rev().find(|(at, _)| *at <= self.now);
        if let Some((at, is_deleted)) = latest {
            return is_deleted.then_some(*at);
        }
        let seed = self.seed().with(63);
        let doomed = self.path.kind == MediaKind::Post && self.scripted.is_none();
        (doomed && seed.per_mille(self.habits().deleted_per_mille)).then(|| {
            self.published_at + 3600 + seed.with(1).below(120 * DAY.cast_unsigned()) as i64
        })
    }

    fn derive_shape(&self) -> Shape {
        if let Some(post) = &self.scripted {
            return match (post.media_product_type, post.children) {
                (ProductType::Reels, _) => Shape::Reel,
                (_, 0) => Shape::Image,
                (_, children) => Shape::Album { children },
            };
        }
        let whole = MediaId {
            child: 0,
            ..self.path
        };
        let seed = seed_of(self.world, whole).with(64);
        let habits = self.habits();
        let roll = seed.below_u32(1000);
        if self.path.kind == MediaKind::Story {
            return if roll < 500 {
                Shape::Image
            } else {
                Shape::FeedVideo
            };
        }
        let reels = habits.reels_per_mille;
        let albums = reels + habits.carousels_per_mille;
        let videos = albums + habits.videos_per_mille;
        let broadcasts = videos + habits.lives_per_mille;
        match roll {
            _ if roll < reels => Shape::Reel,
            _ if roll < albums => {
                let more = u32::from(habits.max_children.max(2)) - 1;
                Shape::Album {
                    children: u8::try_from(2 + seed.with(1).below_u32(more)).unwrap_or(2),
                }
            }
            _ if roll < videos => Shape::FeedVideo,
            _ if roll < broadcasts && self.path.kind == MediaKind::Post => Shape::Broadcast,
            _ => Shape::Image,
        }
    }

    fn timeline(&self) -> Timeline {
        let account = self.account();
        match self.path.kind {
            MediaKind::Post => account.posts(),
            MediaKind::Story => account.stories(),
            MediaKind::Tagged => account.tagged(),
            MediaKind::Mention => account.mentions(),
            MediaKind::Collaboration => account.collaborations(),
            MediaKind::Hashtag => self.world.hashtag_posts(self.path.account),
        }
    }
}

/// The branch of the seed that everything about a media follows from.
fn seed_of(world: &World, path: MediaId) -> Seed {
    let seed = world
        .seed()
        .with(200 + path.kind as u64)
        .with(u64::from(path.account));
    seed.with(u64::from(path.index)).with(u64::from(path.child))
}
