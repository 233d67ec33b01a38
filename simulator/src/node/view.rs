//! From where a media is looked at; not everybody is told everything.
//!
//! Meta's page: "IG Media", its column of public fields and its remarks per field.

use crate::reader::Reader;
use crate::world::Media;

/// Who looks, and through which door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The owner reads the node itself.
    Node,
    /// The owner reads a list, or an edge inside `fields`.
    List,
    /// Somebody who is tagged or mentioned.
    Public,
    /// An accepted collaborator.
    Collaborator,
    /// Anybody, through a hashtag.
    Hashtag,
    /// Anybody, through Business Discovery.
    Discovery,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Told,
    /// Known, but nothing is told.
    Silently,
    /// Refused as if it did not exist.
    Never,
    /// Refused because only Business Discovery tells it.
    ElsewhereOnly,
}

/// Fields of items of albums.
const OF_CHILDREN: [&str; 12] = [
    "id",
    "ig_id",
    "legacy_instagram_media_id",
    "media_product_type",
    "media_type",
    "media_url",
    "owner",
    "permalink",
    "shortcode",
    "thumbnail_url",
    "timestamp",
    "username",
];
/// Further fields of whole media.
const OF_MEDIA: [&str; 20] = [
    "alt_text",
    "boost_ads_list",
    "boost_eligibility_info",
    "caption",
    "comments_count",
    "copyright_check_information",
    // Recorded: accepted, and never told.
    "from_full_name",
    "from_id",
    "is_ai_generated",
    "is_comment_enabled",
    "is_shared_to_feed",
    "like_count",
    "media_audio_type",
    "reposts_count",
    "saved_count",
    "shares_count",
    "total_comments_count",
    "total_like_count",
    "total_views_count",
    "view_count",
];
/// What everybody may know.
const PUBLIC: [&str; 12] = [
    "caption",
    "comments_count",
    "id",
    "like_count",
    "media_product_type",
    "media_type",
    "media_url",
    "permalink",
    "shortcode",
    "thumbnail_url",
    "timestamp",
    "username",
];
/// What the column of public fields adds to it, for those who are tagged or mentioned, and for Business Discovery.
const PUBLIC_TOO: [&str; 6] = [
    "alt_text",
    "is_shared_to_feed",
    "media_audio_type",
    "reposts_count",
    "total_comments_count",
    "total_like_count",
];
/// What the "Collaboration" guide adds to it for accepted collaborators.
const COLLABORATIVE: [&str; 5] = [
    "reposts_count",
    "shares_count",
    "total_comments_count",
    "total_like_count",
    "total_views_count",
];
/// "IG Hashtag Recent Media" page.
const HASHTAG: [&str; 8] = [
    "caption",
    "comments_count",
    "id",
    "like_count",
    "media_type",
    "media_url",
    "permalink",
    "timestamp",
];

impl View {
    pub(super) fn is_owners(self) -> bool {
        matches!(self, Self::Node | Self::List)
    }

    fn refuses_view_count(self) -> bool {
        matches!(self, Self::Node | Self::List | Self::Public)
    }

    pub(super) fn of_children(self) -> Self {
        if self == Self::Node { Self::List } else { self }
    }

    pub(super) fn shows(self, reader: &Reader<'_>, media: &Media<'_>, name: &str) -> Shown {
        let is_known = OF_CHILDREN.contains(&name) || OF_MEDIA.contains(&name);
        if name == "current_live_viewer_count" && reader.rules().live_viewer_count {
            let is_told = self.is_owners() && media.is_live();
            return if is_told {
                Shown::Told
            } else {
                Shown::Silently
            };
        }
        if !is_known {
            return Shown::Never;
        }
        // Asked for anywhere else it refuses the request, items of albums and media of others included; what hashtags
        // and collaborations do not show is refused as unknown.
        if name == "view_count" && self.refuses_view_count() {
            return Shown::ElsewhereOnly;
        }
        if media.path().child > 0 && !OF_CHILDREN.contains(&name) {
            return Shown::Silently;
        }
        let is_told = match self {
            Self::Node | Self::List => true,
            Self::Public => PUBLIC.contains(&name) || PUBLIC_TOO.contains(&name),
            Self::Discovery => {
                PUBLIC.contains(&name) || PUBLIC_TOO.contains(&name) || name == "view_count"
            }
            Self::Collaborator if PUBLIC.contains(&name) || name == "saved_count" => true,
            Self::Collaborator
                if reader.rules().collaborative_media_basic_fields_only
                    || !COLLABORATIVE.contains(&name) =>
            {
                return Shown::Never;
            }
            Self::Collaborator => true,
            Self::Hashtag if !HASHTAG.contains(&name) => return Shown::Never,
            // Albums show no address of their own here.
            Self::Hashtag => name != "media_url" || media.children().next().is_none(),
        };
        if is_told {
            Shown::Told
        } else {
            Shown::Silently
        }
    }
}
