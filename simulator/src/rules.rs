//! Limits of the API, and a switch for everything that Meta's pages leave open or contradict each other about.

use chrono_tz::Tz;

/// What is told when one part of a nested request is refused.
///
/// Meta's pages do not say; recordings of v2.11 and of v24 show that the whole request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestedRefusal {
    /// The whole request answers with the error.
    WholeRequest,
    /// The refused key is missing and the rest is answered.
    KeyMissing,
}

/// Which usage header an answer of a metered endpoint carries; captures contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageHeader {
    /// Only `X-App-Usage`.
    App,
    /// Only `X-Business-Use-Case-Usage`.
    BusinessUseCase,
    /// Both.
    Both,
}

/// Limits and switches. The defaults are what Meta documents, else what was recorded.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Base of `paging.next` and `paging.previous`.
    pub base_url: String,
    /// Versions that are served, oldest first.
    pub versions: Vec<String>,
    /// Items of a page when no `limit` is given.
    pub default_limit: usize,
    /// A larger `limit` is silently lowered to this, or refused.
    pub max_limit: usize,
    /// Whether a `limit` that is too large is refused; else it is lowered. "Paginated Results" page: depends on the edge.
    pub large_limits_refused: bool,
    /// Most comments per query ("IG Media Comments" page: 50).
    pub max_comments: usize,
    /// Most replies per query; not documented.
    pub max_replies: usize,
    /// Whether replies come newest first; the page's sample does, no text says so.
    pub replies_newest_first: bool,
    /// Most media per query of a hashtag ("IG Hashtag Recent Media" page: 50).
    pub max_hashtag_media: usize,
    /// Different hashtags that an account may query within seven days ("Hashtag Search" page: 30).
    pub max_hashtags_per_account: usize,
    /// Most reads of collaboration invites per user and day ("Collaboration" guide: 300).
    pub max_invite_reads_per_day: usize,
    /// Whether the last page of a list still has `cursors.after`; recordings disagree.
    pub last_page_has_after: bool,
    /// Whether a cursor fails once its item is deleted ("Paginated Results" page: do not store cursors).
    pub cursors_die_with_their_item: bool,
    /// Every how many pages of a list an empty page with `next` is put in; 0 is never.
    pub empty_page_every: u64,
    /// How many items of every hundred are filtered out of a page after counting it, so that pages are short.
    pub filtered_per_hundred: u64,
    /// Whether refusals of fields name the node type. Recorded refusals of Instagram nodes do not.
    pub name_node_type: bool,
    /// Whether a list read by its owner omits `like_count` of posts with hidden likes; the node itself always tells.
    pub hidden_likes_omitted_in_lists: bool,
    /// The weight (items times fields, nested ones included) from which on "reduce the amount of data" is answered.
    pub max_weight: Option<u64>,
    /// What a refusal inside a nested edge does.
    pub nested_refusal: NestedRefusal,
    /// Whether `follows` and `shares` are accepted for images; peers contradict the page.
    pub follows_and_shares_on_images: bool,
    /// Whether `views` of FEED videos is refused, as one connector recorded.
    pub views_refused_on_feed_videos: bool,
    /// The breakdown that account `views` accepts: the page says `follower_type`, the API's enum `follow_type`.
    pub views_breakdown: Option<String>,
    /// Whether totals other than `reach` accept the periods `week` and `days_28`; only those of `reach` are known.
    pub longer_periods_of_totals: bool,
    /// Whether `follower_demographics` needs a `timeframe`; the page says so, a connector omits it.
    pub follower_demographics_need_timeframe: bool,
    /// Whether a breakdown without support answers "An unknown error has occurred", as the pages say; recordings
    /// name the breakdown instead.
    pub breakdown_refusal_is_unknown_error: bool,
    /// Whether demographics of too few engaged or reached people are refused with 2874010, as recorded; the page says
    /// that they are missing.
    pub small_audience_is_refused: bool,
    /// Whether a metric or a breakdown that is listed twice is refused; else it counts once. Nobody recorded it.
    pub repeated_metrics_refused: bool,
    /// Whether account insights refuse a `since` after `until`; else they are empty. Nobody recorded it.
    pub reversed_range_refused: bool,
    /// The zone whose midnight ends a day of account insights.
    pub insights_zone: Tz,
    /// How far back account insights answer, in days.
    pub insights_retention_days: i64,
    /// How many days after its publication a media still tells insights; none is for ever. The page says two years, older
    /// ones were seen to answer.
    pub media_insights_retention_days: Option<i64>,
    /// How long numbers lag behind what happened, in seconds ("up to 48 hours").
    pub insights_delay_seconds: i64,
    /// Subcode of an expired token: documented 463, recorded 0.
    pub expired_token_subcode: i64,
    /// Subcode after a password change: documented 460, recorded 452.
    pub password_changed_subcode: i64,
    /// Code of the refusal of a wrong app secret in an exchange. Meta's pages name none; people who tried it saw 1 on
    /// this host and 100 on that of Instagram Login.
    pub wrong_secret_code: i64,
    /// HTTP status of throttling answers with code 4.
    pub app_throttle_status: u16,
    /// HTTP status of the other throttling answers.
    pub throttle_status: u16,
    /// `Retry-After` in seconds on throttling answers; never recorded.
    pub retry_after_seconds: Option<u64>,
    /// Whether a nested edge counts as a call of its own.
    pub nested_edges_count_as_calls: bool,
    /// Whether parts of a batch carry usage headers.
    pub usage_headers_in_batch_parts: bool,
    /// Whether the outer answer of a batch carries usage headers.
    pub usage_headers_on_batch: bool,
    /// The header of Instagram nodes read with a user token.
    pub user_token_header: UsageHeader,
    /// The header of Business Discovery.
    pub discovery_header: UsageHeader,
    /// Whether `since` and `until` of `/media` include their own second.
    pub media_range_inclusive: bool,
    /// How long a signed address of a file is valid, in seconds.
    pub media_url_seconds: i64,
    /// Whether a role given through a business also needs `ads_management` or `ads_read`.
    pub business_roles_need_ads_permission: bool,
    /// Whether unknown hashtags and missing features answer 10 (else 200).
    pub hashtag_feature_code: i64,
    /// Whether a post of others tells its comments to an account that it mentions: its page lists them, that of comments says that they
    /// cannot be read.
    pub comments_on_mentioning_media: bool,
    /// Whether a running broadcast tells `current_live_viewer_count`; it stands in the SDK alone.
    pub live_viewer_count: bool,
    /// Whether collaborative media refuses the further counts that the "Collaboration" guide lists; nobody recorded them.
    pub collaborative_media_basic_fields_only: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            versions: ["v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0"]
                .map(str::to_owned)
                .to_vec(),
            default_limit: 25,
            max_limit: 100,
            large_limits_refused: false,
            max_comments: 50,
            max_replies: 50,
            replies_newest_first: true,
            max_hashtag_media: 50,
            max_hashtags_per_account: 30,
            max_invite_reads_per_day: 300,
            last_page_has_after: true,
            cursors_die_with_their_item: true,
            empty_page_every: 0,
            filtered_per_hundred: 0,
            name_node_type: false,
            hidden_likes_omitted_in_lists: true,
            max_weight: Some(100_000),
            nested_refusal: NestedRefusal::WholeRequest,
            follows_and_shares_on_images: true,
            views_refused_on_feed_videos: true,
            views_breakdown: None,
            longer_periods_of_totals: false,
            follower_demographics_need_timeframe: false,
            breakdown_refusal_is_unknown_error: false,
            small_audience_is_refused: true,
            repeated_metrics_refused: true,
            reversed_range_refused: true,
            insights_zone: chrono_tz::America::Los_Angeles,
            insights_retention_days: 730,
            media_insights_retention_days: None,
            insights_delay_seconds: 2 * 3600,
            expired_token_subcode: 463,
            password_changed_subcode: 460,
            wrong_secret_code: 1,
            app_throttle_status: 403,
            throttle_status: 400,
            retry_after_seconds: None,
            nested_edges_count_as_calls: false,
            usage_headers_in_batch_parts: true,
            usage_headers_on_batch: true,
            user_token_header: UsageHeader::Both,
            discovery_header: UsageHeader::App,
            media_range_inclusive: true,
            media_url_seconds: 3 * 86_400,
            business_roles_need_ads_permission: false,
            hashtag_feature_code: 10,
            comments_on_mentioning_media: false,
            live_viewer_count: false,
            collaborative_media_basic_fields_only: true,
        }
    }
}
