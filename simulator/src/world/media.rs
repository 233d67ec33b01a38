//! Media: posts, stories, items of albums, and what other people published.

use chrono::{DateTime, Utc};

use crate::id::{MediaId, MediaKind};
use crate::seed::Seed;

use super::comment::Comment;
use super::edit::{MediaEdit, NewPost};
use super::growth::{SETTLED_AFTER, grown};
use super::media_path::Shape;
use super::{World, caption};

/// `media_type` ("IG Media" page). Reels are `VIDEO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `IMAGE`
    Image,
    /// `VIDEO`
    Video,
    /// `CAROUSEL_ALBUM`
    CarouselAlbum,
}

/// `media_product_type` ("IG Media" page).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductType {
    /// `FEED`
    Feed,
    /// `REELS`
    Reels,
    /// `STORY`
    Story,
}

/// A media at an instant. It has been published; it may have been deleted since.
#[derive(Clone, Debug)]
pub struct Media<'w> {
    pub(super) world: &'w World,
    pub(super) path: MediaId,
    pub(super) now: i64,
    pub(super) seed: Seed,
    pub(super) published_at: i64,
    pub(super) shape: Shape,
    pub(super) scripted: Option<NewPost>,
    pub(super) edit: Option<MediaEdit>,
}

impl MediaType {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::CarouselAlbum => "CAROUSEL_ALBUM",
        }
    }
}

impl ProductType {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "FEED",
            Self::Reels => "REELS",
            Self::Story => "STORY",
        }
    }
}

impl<'w> Media<'w> {
    /// IG Media id.
    pub fn id(&self) -> String {
        self.number().to_string()
    }

    /// Id of the professional account in whose lists it stands.
    pub fn account_id(&self) -> &'w str {
        self.account().id()
    }

    /// Handle of whoever published it.
    pub fn username(&self) -> String {
        if self.is_own() {
            self.account().username()
        } else {
            caption::username(self.seed().with(40))
        }
    }

    /// `IMAGE`, `VIDEO` or `CAROUSEL_ALBUM`.
    pub fn media_type(&self) -> MediaType {
        if self.path.child > 0 {
            let is_video = self.seed().with(41).per_mille(200);
            return if is_video {
                MediaType::Video
            } else {
                MediaType::Image
            };
        }
        match self.shape {
            Shape::Image => MediaType::Image,
            Shape::Reel | Shape::FeedVideo | Shape::Broadcast => MediaType::Video,
            Shape::Album { .. } => MediaType::CarouselAlbum,
        }
    }

    /// `FEED`, `REELS` or `STORY`.
    pub fn media_product_type(&self) -> ProductType {
        match (self.path.kind, self.shape) {
            (MediaKind::Story, _) => ProductType::Story,
            (_, Shape::Reel) => ProductType::Reels,
            _ => ProductType::Feed,
        }
    }

    /// The caption; album items and some posts have none.
    pub fn caption(&self) -> Option<String> {
        if let Some(caption) = self.edit.as_ref().and_then(|edit| edit.caption.clone()) {
            return caption;
        }
        if let Some(post) = &self.scripted {
            return post.caption.clone();
        }
        let without = if self.path.kind == MediaKind::Story {
            900
        } else {
            self.habits().no_caption_per_mille
        };
        if self.path.child > 0 || self.seed().with(42).per_mille(without) {
            return None;
        }
        let text = caption::caption(self.seed().with(43));
        match self.path.kind {
            MediaKind::Mention => Some(format!("@{} {text}", self.account().username())),
            MediaKind::Hashtag => Some(format!("{text} #{}", self.hashtag_name())),
            _ => Some(text),
        }
    }

    /// When it was published.
    pub fn timestamp(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.published_at, 0).unwrap_or_default()
    }

    /// The code in its permalink.
    pub fn shortcode(&self) -> String {
        format!("D{}", self.seed().with(44).text(10))
    }

    /// Its address for people; images of albums have none.
    pub fn permalink(&self) -> Option<String> {
        let shortcode = self.shortcode();
        match (self.media_product_type(), self.media_type()) {
            (_, MediaType::Image) if self.path.child > 0 => None,
            (ProductType::Story, _) => {
                let username = self.username();
                Some(format!(
                    "https://www.instagram.com/stories/{username}/{}",
                    self.legacy_number()
                ))
            }
            (ProductType::Reels, _) => Some(format!("https://www.instagram.com/reel/{shortcode}/")),
            (ProductType::Feed, _) => Some(format!("https://www.instagram.com/p/{shortcode}/")),
        }
    }

    /// The part of `media_url` before the query. None for copyrighted media; an album shows its first item's.
    pub fn media_url_path(&self) -> Option<String> {
        let missing = self
            .seed()
            .with(45)
            .per_mille(self.habits().missing_media_url_per_mille);
        if missing && self.path.child == 0 && self.media_type() != MediaType::CarouselAlbum {
            return None;
        }
        match self.media_type() {
            MediaType::CarouselAlbum => self.child(1)?.media_url_path(),
            MediaType::Image => Some(self.image_path(46)),
            MediaType::Video => Some(format!(
                "/o1/v/t2/f2/m86/{}.mp4",
                self.seed().with(47).text(72)
            )),
        }
    }

    /// The part of `thumbnail_url` before the query; videos only.
    pub fn thumbnail_url_path(&self) -> Option<String> {
        (self.media_type() == MediaType::Video).then(|| self.image_path(48))
    }

    /// Likes, as the owner is told when reading the node itself.
    pub fn like_count(&self) -> i64 {
        let jumps = self.edit.iter().flat_map(|edit| &edit.likes);
        let jumped: i64 = jumps
            .filter(|(at, _)| *at <= self.now)
            .map(|(_, likes)| likes)
            .sum();
        grown(self.final_likes(), self.age(), SETTLED_AFTER) as i64 + jumped
    }

    /// Whether its owner hides the number of likes, so that lists and other people are not told.
    pub fn likes_hidden(&self) -> bool {
        let hidden = self.edit.as_ref().and_then(|edit| edit.likes_hidden);
        hidden.unwrap_or_else(|| {
            self.seed()
                .with(49)
                .per_mille(self.habits().hidden_likes_per_mille)
        })
    }

    /// Whether its owner hides how often it was shared and reposted, so that nobody is told.
    pub fn shares_hidden(&self) -> bool {
        self.seed()
            .with(68)
            .per_mille(self.habits().hidden_shares_per_mille)
    }

    /// Comments and replies together. Those of an ended broadcast still count.
    pub fn comments_count(&self) -> i64 {
        if self.path.kind != MediaKind::Post {
            return grown(self.seed().with(50).below(60), self.age(), SETTLED_AFTER) as i64;
        }
        if !self.is_comment_enabled() {
            return 0;
        }
        self.written_comments()
            .filter(Comment::is_visible)
            .map(|comment| 1 + comment.replies().count() as i64)
            .sum()
    }

    /// Whether it can be commented on.
    pub fn is_comment_enabled(&self) -> bool {
        let scripted = self.edit.iter().flat_map(|edit| &edit.comments_enabled);
        let latest = scripted.rev().find(|(at, _)| *at <= self.now);
        latest.map_or_else(
            || {
                !self
                    .seed()
                    .with(51)
                    .per_mille(self.habits().comments_off_per_mille)
            },
            |(_, enabled)| *enabled,
        )
    }

    /// Reels only: whether it also stands in the feed.
    pub fn is_shared_to_feed(&self) -> Option<bool> {
        (self.shape == Shape::Reel).then(|| self.seed().with(52).per_mille(800))
    }

    /// Images only, where somebody wrote one.
    pub fn alt_text(&self) -> Option<String> {
        let written = self.media_type() == MediaType::Image && self.seed().with(53).per_mille(200);
        written.then(|| "A photo, described".to_owned())
    }

    /// Videos only: `MUSIC` or `ORIGINAL_SOUND`.
    pub fn media_audio_type(&self) -> Option<&'static str> {
        let music = self.seed().with(54).per_mille(500);
        (self.media_type() == MediaType::Video).then_some(if music {
            "MUSIC"
        } else {
            "ORIGINAL_SOUND"
        })
    }

    /// Whether it is marked as made by an AI.
    pub fn is_ai_generated(&self) -> bool {
        self.seed().with(55).per_mille(50)
    }

    /// Reposts now.
    pub fn reposts_count(&self) -> i64 {
        self.share_of_likes(56, 30)
    }

    /// Saves now.
    pub fn saved_count(&self) -> i64 {
        self.share_of_likes(57, 200)
    }

    /// Shares now.
    pub fn shares_count(&self) -> i64 {
        self.share_of_likes(58, 150)
    }

    /// Views now; most people who see a post do not like it.
    pub fn views_count(&self) -> i64 {
        let total = self.final_likes() * self.seed().with(65).between(8, 25)
            + self.seed().with(66).below(40);
        grown(total, self.age(), SETTLED_AFTER) as i64
    }

    /// How many watch it while it is broadcast.
    pub fn live_viewer_count(&self) -> i64 {
        let quarter = self.age().unsigned_abs() / 900;
        let viewers = self.seed().with(69).with(quarter);
        viewers.below(self.habits().followers / 20 + 2) as i64
    }

    /// The items of an album, in its order.
    pub fn children(&self) -> impl Iterator<Item = Media<'w>> {
        let count = match self.shape {
            Shape::Album { children } if self.path.child == 0 => children,
            _ => 0,
        };
        (1..=count).filter_map(|child| self.child(child))
    }

    /// Top-level comments that are visible now, oldest first; those of a live video only while it is live.
    pub fn comments(&self) -> impl Iterator<Item = Comment<'w>> {
        let are_shown = self.shows_comments();
        self.written_comments()
            .filter(move |comment| are_shown && comment.is_visible())
    }

    /// When it was deleted, if that has happened.
    pub fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.deletion()
            .filter(|at| *at <= self.now)
            .and_then(|at| DateTime::from_timestamp(at, 0))
    }

    /// Whether it has been deleted.
    pub fn is_deleted(&self) -> bool {
        self.deletion().is_some_and(|at| at <= self.now)
    }
}
