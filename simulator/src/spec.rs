//! What a world is made of, as plain data.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::meter::MeterSpec;
use crate::rules::Rules;

/// A description of a world. The same description gives the same world everywhere.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// Everything that is not said here follows from this number.
    pub seed: u64,
    /// The instant at which the simulation starts.
    pub epoch: DateTime<Utc>,
    /// The app that the tokens belong to.
    pub app: AppSpec,
    /// Tokens of users and system users. Page tokens are derived from them.
    pub tokens: Vec<TokenSpec>,
    /// Facebook Pages, with or without a professional account.
    pub pages: Vec<PageSpec>,
    /// Professional accounts that no token reaches: targets of Business Discovery.
    pub others: Vec<AccountSpec>,
    /// Hashtags that exist.
    pub hashtags: Vec<HashtagSpec>,
    /// `/{ig}/media` lists this many of the most recent posts that still exist ("IG User Media" page: 10,000).
    pub media_list_cap: u64,
    /// Limits and switches.
    pub rules: Rules,
    /// Sizes of the pools that calls are metered against.
    pub meters: MeterSpec,
}

/// The app.
#[derive(Clone, Debug)]
pub struct AppSpec {
    /// App id.
    pub id: String,
    /// App secret, the key of `appsecret_proof`.
    pub secret: String,
    /// Its name, as `debug_token` tells it.
    pub name: String,
    /// The setting "Require App Secret": a call without `appsecret_proof` is refused.
    pub require_proof: bool,
    /// The version that calls without one get; none means the oldest served.
    pub default_version: Option<String>,
    /// The feature "Instagram Public Content Access", which hashtags need.
    pub public_content_access: bool,
}

/// Who a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A person.
    User,
    /// A system user of a business.
    System,
}

/// Which pages a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageReach {
    /// Every page of the world.
    All,
    /// The pages with these ids.
    Only(BTreeSet<String>),
}

/// A token.
#[derive(Clone, Debug)]
pub struct TokenSpec {
    /// How the journal calls it.
    pub name: String,
    /// The secret text.
    pub token: String,
    /// Who it stands for.
    pub kind: TokenKind,
    /// Id of the user.
    pub user_id: String,
    /// Name of the user.
    pub user_name: String,
    /// Granted permissions.
    pub permissions: BTreeSet<String>,
    /// When it ends; none is never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it stops to reach user data; none is never.
    pub data_access_expires_at: Option<DateTime<Utc>>,
    /// Which pages it reaches.
    pub pages: PageReach,
    /// The ids of the professional accounts that the user has let the app see; none is all. The page of another one tells
    /// no account.
    pub accounts: Option<BTreeSet<String>>,
    /// The role on the pages was given through a business: without `business_management` no page is listed.
    pub role_from_business: bool,
}

/// A Facebook Page.
#[derive(Clone, Debug)]
pub struct PageSpec {
    /// Page id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Category.
    pub category: String,
    /// What the tokens' users may do on it, as `/me/accounts` tells it.
    pub tasks: Vec<String>,
    /// `has_transitioned_to_new_page_experience`.
    pub new_page_experience: bool,
    /// The business that owns it; appears as a second id in usage headers.
    pub business_id: Option<String>,
    /// The business of the tokens' users, where they work on the page for the business that owns it: an agency. Their
    /// role on it is then given through a business.
    pub client_business_id: Option<String>,
    /// The professional account linked to it.
    pub account: Option<AccountSpec>,
}

/// A professional account and how much there is of everything.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// IG User id.
    pub id: String,
    /// Handle.
    pub username: String,
    /// Name; an empty one is not told.
    pub name: String,
    /// Biography; an empty one is not told.
    pub biography: String,
    /// Website; an empty one is not told.
    pub website: String,
    /// Followers at the epoch.
    pub followers: u64,
    /// Followers won per day, on average.
    pub followers_per_day: u64,
    /// Accounts it follows.
    pub follows: u64,
    /// Posts before the epoch.
    pub posts: u32,
    /// The days before the epoch over which those posts are spread.
    pub history_days: u32,
    /// Posts per week after the epoch.
    pub posts_per_week: u32,
    /// Reels among 1,000 posts.
    pub reels_per_mille: u32,
    /// Albums among 1,000 posts.
    pub carousels_per_mille: u32,
    /// FEED videos among 1,000 posts.
    pub videos_per_mille: u32,
    /// Videos that were broadcast live, among 1,000 posts.
    pub lives_per_mille: u32,
    /// Most items of an album; albums have between 2 and this many.
    pub max_children: u8,
    /// Top-level comments per post, on average, once they have all been written.
    pub mean_comments: u32,
    /// Comments with replies among 1,000.
    pub replied_per_mille: u32,
    /// Stories per day.
    pub stories_per_day: u32,
    /// Posts of others in which it is tagged, per year.
    pub tagged_per_year: u32,
    /// Posts of others whose caption mentions it.
    pub mentions: u32,
    /// Comments that mention it on each of these posts.
    pub comments_per_mention: u32,
    /// Posts of others on which it is an accepted collaborator.
    pub collaborations: u32,
    /// Posts of others on which it is invited to be a collaborator.
    pub invites: u32,
    /// Own posts with collaborators among 1,000.
    pub collaborators_per_mille: u32,
    /// Conversations.
    pub conversations: u32,
    /// Messages per conversation.
    pub messages_per_conversation: u32,
    /// Conversations in the Requests folder among 1,000: the account has never answered in them.
    pub requests_per_mille: u32,
    /// Products in its catalog; 0 is no catalog.
    pub products: u32,
    /// Posts with product tags among 1,000.
    pub product_tags_per_mille: u32,
    /// When it was last converted to a professional account; insights of older media are refused.
    pub converted_at: Option<DateTime<Utc>>,
    /// Whether it is a Creator account (else a Business account).
    pub creator: bool,
    /// Whether it lives in Europe or Japan, where replies to stories count 0.
    pub story_replies_hidden: bool,
    /// Posts with hidden like counts among 1,000.
    pub hidden_likes_per_mille: u32,
    /// Posts among 1,000 whose owner hides how often they were shared and reposted.
    pub hidden_shares_per_mille: u32,
    /// Media without `media_url` among 1,000.
    pub missing_media_url_per_mille: u32,
    /// Posts without a caption among 1,000.
    pub no_caption_per_mille: u32,
    /// Posts with comments turned off among 1,000.
    pub comments_off_per_mille: u32,
    /// Posts that get deleted some day, among 1,000.
    pub deleted_per_mille: u32,
    /// Posts also shared to Facebook, among 1,000; only they have `facebook_views`.
    pub crossposted_per_mille: u32,
    /// Stories with too few viewers for insights, among 1,000.
    pub quiet_stories_per_mille: u32,
}

/// A hashtag.
#[derive(Clone, Debug)]
pub struct HashtagSpec {
    /// The text without `#`.
    pub name: String,
    /// Public posts per day that carry it.
    pub posts_per_day: u32,
    /// Searching a sensitive hashtag answers a generic error.
    pub sensitive: bool,
}

impl Default for WorldSpec {
    /// A world without pages and tokens.
    fn default() -> Self {
        Self {
            seed: 1,
            epoch: DateTime::from_timestamp(1_791_187_200, 0).unwrap_or_default(), // 2026-10-05T08:00:00Z
            app: AppSpec::default(),
            tokens: Vec::new(),
            pages: Vec::new(),
            others: Vec::new(),
            hashtags: Vec::new(),
            media_list_cap: 10_000,
            rules: Rules::default(),
            meters: MeterSpec::default(),
        }
    }
}

impl Default for AppSpec {
    fn default() -> Self {
        Self {
            id: "138483919580948".to_owned(),
            secret: "5eecc0de5eecc0de5eecc0de5eecc0de".to_owned(),
            name: "igsync in a simulated world".to_owned(),
            require_proof: false,
            default_version: None,
            public_content_access: true,
        }
    }
}

/// Every permission that a read endpoint of the Instagram API with Facebook Login asks for.
pub const READ_PERMISSIONS: [&str; 13] = [
    "ads_read",
    "business_management",
    "catalog_management",
    "instagram_basic",
    "instagram_content_publish",
    "instagram_manage_comments",
    "instagram_manage_insights",
    "instagram_manage_messages",
    "instagram_shopping_tag_products",
    "pages_manage_metadata",
    "pages_messaging",
    "pages_read_engagement",
    "pages_show_list",
];

/// All classic tasks of a Page.
pub const ALL_TASKS: [&str; 6] = [
    "ADVERTISE",
    "ANALYZE",
    "CREATE_CONTENT",
    "MANAGE",
    "MESSAGING",
    "MODERATE",
];

impl Default for TokenSpec {
    /// A user's token that never ends, with every read permission and every page.
    fn default() -> Self {
        Self {
            name: "main".to_owned(),
            token: "SIM-main".to_owned(),
            kind: TokenKind::User,
            user_id: "10158000000000001".to_owned(),
            user_name: "Sim User".to_owned(),
            permissions: READ_PERMISSIONS.map(str::to_owned).into(),
            expires_at: None,
            data_access_expires_at: None,
            pages: PageReach::All,
            accounts: None,
            role_from_business: false,
        }
    }
}

impl TokenSpec {
    /// The same token without one permission.
    #[must_use]
    pub fn without(mut self, permission: &str) -> Self {
        self.permissions.remove(permission);
        self
    }
}

impl Default for PageSpec {
    /// A page with all tasks and no account.
    fn default() -> Self {
        Self {
            id: "134895793791900".to_owned(),
            name: "A Page".to_owned(),
            category: "Internet Company".to_owned(),
            tasks: ALL_TASKS.map(str::to_owned).to_vec(),
            new_page_experience: true,
            business_id: Some("2119000000000000".to_owned()),
            client_business_id: None,
            account: None,
        }
    }
}

impl Default for AccountSpec {
    /// An account with a little of everything that posts have, and nothing else.
    fn default() -> Self {
        Self {
            id: "17841400000000000".to_owned(),
            username: "an.account".to_owned(),
            name: "An Account".to_owned(),
            biography: "Numbers & \"quotes\" \u{1F4C8}".to_owned(),
            website: "https://example.com/".to_owned(),
            followers: 12_000,
            followers_per_day: 9,
            follows: 180,
            posts: 120,
            history_days: 365,
            posts_per_week: 4,
            reels_per_mille: 350,
            carousels_per_mille: 250,
            videos_per_mille: 30,
            lives_per_mille: 0,
            max_children: 10,
            mean_comments: 6,
            replied_per_mille: 250,
            stories_per_day: 0,
            tagged_per_year: 0,
            mentions: 0,
            comments_per_mention: 1,
            collaborations: 0,
            invites: 0,
            collaborators_per_mille: 0,
            conversations: 0,
            messages_per_conversation: 0,
            requests_per_mille: 0,
            products: 0,
            product_tags_per_mille: 0,
            converted_at: None,
            creator: false,
            story_replies_hidden: false,
            hidden_likes_per_mille: 40,
            hidden_shares_per_mille: 30,
            missing_media_url_per_mille: 60,
            no_caption_per_mille: 50,
            comments_off_per_mille: 30,
            deleted_per_mille: 0,
            crossposted_per_mille: 0,
            quiet_stories_per_mille: 100,
        }
    }
}

impl AccountSpec {
    /// The default account under a number: id and handle differ.
    pub fn numbered(number: u64) -> Self {
        Self {
            id: (17_841_400_000_000_000 + number).to_string(),
            username: format!("sim.account.{number}"),
            name: format!("Sim Account {number}"),
            ..Self::default()
        }
    }
}

impl PageSpec {
    /// The default page under a number, linked to `account`.
    pub fn numbered(number: u64, account: Option<AccountSpec>) -> Self {
        Self {
            id: (134_895_793_791_900 + number).to_string(),
            name: format!("Sim Page {number}"),
            account,
            ..Self::default()
        }
    }
}
