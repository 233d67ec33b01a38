-- The igsync database as it is today. Every table and column is explained here; sqlite3's `.schema` shows
-- the same text.
--
-- Rules that hold everywhere
--   ids are TEXT; instants are TEXT in UTC, `2026-05-07T13:00:34Z`; booleans are INTEGER 0 or 1
--   column names are the Graph API's field names
--   NULL means "the API did not tell", 0 means "it told zero"; sync_gaps says why something is missing
--   first_seen_at and changed_at are when igsync first read the row and last saw an attribute differ
--   signed CDN addresses (…_url) are refreshed in place: they expire, differ on every read, and are no change

-- An Instagram professional account that a token reaches (Graph API: IG User).
CREATE TABLE accounts (
    id                       TEXT NOT NULL PRIMARY KEY, -- IG User id
    username                 TEXT,    -- handle without @; can change
    name                     TEXT,    -- display name; NULL when empty
    biography                TEXT,    -- NULL when empty
    website                  TEXT,    -- NULL when empty
    profile_picture_url      TEXT,    -- signed address, expires
    has_profile_pic          INTEGER, -- 1 when a profile picture is set
    is_published             INTEGER, -- 1 when the account is published
    legacy_instagram_user_id TEXT,    -- the id that the Marketing API used up to v21
    ig_id                    TEXT,    -- old Instagram id; told to older apps only
    page_id                  TEXT,    -- the Facebook Page through which igsync reads the account
    page_name                TEXT,    -- that Page's name
    page_tasks               TEXT,    -- JSON list: what the token's user may do on that Page
    page_has_transitioned_to_new_page_experience INTEGER, -- 1 for a Page of the New Pages Experience
    first_seen_at            TEXT NOT NULL, -- when igsync first read this account
    changed_at               TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

-- The counts of an account over time: a row when a number changed.
CREATE TABLE account_snapshots (
    account_id      TEXT NOT NULL REFERENCES accounts (id), -- whose
    observed_at     TEXT NOT NULL, -- when these numbers were first read
    followers_count INTEGER, -- followers at that moment
    follows_count   INTEGER, -- accounts it follows
    media_count     INTEGER, -- posts; Meta's number, not always the number of rows in media
    confirmed_at    TEXT NOT NULL, -- when they were last read unchanged, moved at most once an hour
    PRIMARY KEY (account_id, observed_at)
) STRICT, WITHOUT ROWID;

-- A post, reel, story or broadcast of an account (Graph API: IG Media). Its counts over time are in media_snapshots.
CREATE TABLE media (
    id                 TEXT NOT NULL PRIMARY KEY, -- IG Media id
    account_id         TEXT NOT NULL REFERENCES accounts (id), -- the account whose list showed it
    media_type         TEXT,    -- IMAGE, VIDEO or CAROUSEL_ALBUM; reels are VIDEO
    media_product_type TEXT,    -- FEED, REELS, STORY or AD
    caption            TEXT,    -- NULL without a caption
    permalink          TEXT,    -- address on instagram.com
    shortcode          TEXT,    -- the permalink's last part
    timestamp          TEXT,    -- when it was posted
    username           TEXT,    -- handle of the poster at the last read
    owner_id           TEXT,    -- IG User id of the poster (field owner); told only for the token's own posts
    alt_text           TEXT,    -- description of an image
    is_comment_enabled INTEGER, -- 0 when comments are switched off
    is_shared_to_feed  INTEGER, -- reels only
    is_ai_generated    INTEGER, -- labelled as made with AI
    media_audio_type   TEXT,    -- MUSIC or ORIGINAL_SOUND, videos only
    eligible_to_boost  INTEGER, -- 1 when it can be promoted as it is; not told for stories
    boost_ineligible_reason TEXT, -- why it cannot
    legacy_instagram_media_id TEXT, -- the id that the Marketing API used up to v21
    ig_id              TEXT,    -- old Instagram id; told to older apps only
    media_url          TEXT,    -- signed address, expires; absent for copyrighted or flagged media
    thumbnail_url      TEXT,    -- signed address, expires; videos only
    deleted_at         TEXT,    -- when a complete listing first lacked it; NULL again when it comes back; stories: never;
                               -- broadcasts: not within a day
    first_seen_at      TEXT NOT NULL, -- when igsync first read this post
    changed_at         TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

CREATE INDEX media_by_account_and_time ON media (account_id, timestamp);

-- A part of a carousel album.
CREATE TABLE media_children (
    media_id      TEXT NOT NULL REFERENCES media (id), -- the album
    id            TEXT NOT NULL, -- IG Media id of the part
    position      INTEGER NOT NULL, -- place in the album, from 0
    media_type    TEXT, -- IMAGE or VIDEO
    media_url     TEXT, -- signed address, expires
    thumbnail_url TEXT, -- signed address, expires; videos only
    permalink     TEXT, -- not told for photos
    shortcode     TEXT, -- short id of the part
    timestamp     TEXT, -- when it was posted
    first_seen_at TEXT NOT NULL, -- when igsync first read this part
    changed_at    TEXT NOT NULL, -- when an attribute above was last seen to differ
    PRIMARY KEY (media_id, id)
) STRICT, WITHOUT ROWID;

-- The counts of a post over time: a row when a number changed.
CREATE TABLE media_snapshots (
    media_id             TEXT NOT NULL REFERENCES media (id), -- of which post
    observed_at          TEXT NOT NULL, -- when these numbers were first read
    like_count           INTEGER, -- likes, without those on promoted copies
    comments_count       INTEGER, -- comments and replies
    reposts_count        INTEGER, -- reposts
    saved_count          INTEGER, -- saves
    shares_count         INTEGER, -- shares
    total_like_count     INTEGER, -- likes, promoted copies included
    total_comments_count INTEGER, -- comments, promoted copies included
    total_views_count    INTEGER, -- views on all surfaces; videos only
    confirmed_at         TEXT NOT NULL, -- when they were last read unchanged, moved at most once an hour
    PRIMARY KEY (media_id, observed_at)
) STRICT, WITHOUT ROWID;

-- How many watch a broadcast: a row when the number changed. Told by few apps, if any; sync_gaps says where it is refused.
CREATE TABLE live_snapshots (
    media_id                  TEXT NOT NULL REFERENCES media (id), -- which broadcast
    observed_at               TEXT NOT NULL, -- when this number was first read
    current_live_viewer_count INTEGER, -- viewers at that moment; NULL where it is not told
    confirmed_at              TEXT NOT NULL, -- when it was last read unchanged, moved at most once an hour
    PRIMARY KEY (media_id, observed_at)
) STRICT, WITHOUT ROWID;

-- What Meta measured about a post, reel or story: a row when a number changed. Numbers are totals up to the moment.
-- Of posts older than 30 days only the metrics that posts and reels have in common are read again, unless [refresh] has a rule of less than a
-- week for them: follows, profile_visits, profile_activity, ig_reels_avg_watch_time, ig_reels_video_view_total_time and reels_skip_rate stay as they
-- were at that age. confirmed_at says when. Of posts that were older than half a year when a first backfill met them, profile_activity has no
-- parts; of others they are read when there are some, and once more at 29 days.
CREATE TABLE media_insights (
    media_id        TEXT NOT NULL REFERENCES media (id), -- of which post
    name            TEXT NOT NULL, -- the metric: reach, views, saved, …; times of reels are milliseconds
    breakdown       TEXT NOT NULL, -- '' or action_type, story_navigation_action_type
    dimension_value TEXT NOT NULL, -- '' or one value of the breakdown, in lower case: tap_exit, email, …
    observed_at     TEXT NOT NULL, -- when this number was first read
    value           ANY,  -- the number; most are whole, reels_skip_rate is a percentage with a fraction
    confirmed_at    TEXT NOT NULL, -- when it was last read unchanged, moved at most once an hour
    PRIMARY KEY (media_id, name, breakdown, dimension_value, observed_at)
) STRICT, WITHOUT ROWID;

-- What Meta measured about an account, per day: a row when a number changed, as the last days still settle. What was read 50
-- hours after end_time is final. account_insights_current has the newest numbers and the day.
CREATE TABLE account_insights (
    account_id      TEXT NOT NULL REFERENCES accounts (id), -- whose
    name            TEXT NOT NULL, -- the metric: reach, views, follower_count (new followers of that day), …
    period          TEXT NOT NULL, -- day; week and days_28 are windows that end at end_time; lifetime: online_followers
    breakdown       TEXT NOT NULL, -- '' or media_product_type, follow_type, contact_button_type; hour: online_followers
    dimension_value TEXT NOT NULL, -- '' or one value of the breakdown; hours are 0 to 23, Pacific time; of
                                   -- follows_and_unfollows FOLLOWER were gained, NON_FOLLOWER lost
    end_time        TEXT NOT NULL, -- the end of the day that Meta counted: midnight in Pacific time
    observed_at     TEXT NOT NULL, -- when this number was first read
    value           ANY,  -- the number
    confirmed_at    TEXT NOT NULL, -- when it was last read unchanged, moved at most once an hour
    PRIMARY KEY (account_id, name, period, breakdown, dimension_value, end_time, observed_at)
) STRICT, WITHOUT ROWID;

-- Who the audience is: a row when a number changed. Only people whose data Meta knows, only the 45 largest groups.
-- A group that is not among them any more keeps its last row: confirmed_at tells when it was last there.
CREATE TABLE audience (
    account_id      TEXT NOT NULL REFERENCES accounts (id), -- whose
    name            TEXT NOT NULL, -- follower_demographics, engaged_audience_demographics, reached_audience_demographics
    timeframe       TEXT NOT NULL, -- '' or this_week, this_month
    breakdown       TEXT NOT NULL, -- age,gender or city or country
    dimension_value TEXT NOT NULL, -- 25-34,F or the city or the country's two letters
    observed_at     TEXT NOT NULL, -- when this number was first read
    value           ANY,  -- people
    confirmed_at    TEXT NOT NULL, -- when it was last read unchanged, moved at most once an hour
    PRIMARY KEY (account_id, name, timeframe, breakdown, dimension_value, observed_at)
) STRICT, WITHOUT ROWID;

-- A comment on a post of an account, or a reply to one. A post's comments are read when comments_count has moved, and by the
-- post's age: likes and texts are those of that moment.
CREATE TABLE comments (
    id            TEXT NOT NULL PRIMARY KEY, -- IG Comment id
    media_id      TEXT NOT NULL REFERENCES media (id), -- on which post
    parent_id     TEXT,    -- the comment that it answers; NULL: on the post itself
    text          TEXT,    -- what it says
    timestamp     TEXT,    -- when it was written
    username      TEXT,    -- whose
    from_id       TEXT,    -- the author's id, as this app sees it
    from_username TEXT,    -- the author's handle
    from_self_ig_scoped_id TEXT, -- another id of the author, which the API tells of some
    user_id       TEXT,    -- the author's id where the app's own user wrote it
    like_count    INTEGER, -- likes at the last read
    hidden        INTEGER, -- 1: the account hides it
    legacy_instagram_comment_id TEXT, -- the id of older versions
    deleted_at    TEXT,    -- when all comments and replies of the post, read in one run without an error, first lacked it;
                           -- NULL again when it comes back
    first_seen_at TEXT NOT NULL, -- when igsync first read it
    changed_at    TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

CREATE INDEX comments_by_media_and_time ON comments (media_id, timestamp);
CREATE INDEX comments_by_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;

-- A hashtag that was searched for and found (Graph API: IG Hashtag).
CREATE TABLE hashtags (
    id            TEXT NOT NULL PRIMARY KEY, -- IG Hashtag id; it never changes
    name          TEXT, -- without '#', in small letters
    first_seen_at TEXT NOT NULL, -- when igsync first found it
    changed_at    TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

-- A post of anybody that a hashtag showed. The API does not tell whose it is, other than by its permalink.
CREATE TABLE hashtag_posts (
    id            TEXT NOT NULL PRIMARY KEY, -- IG Media id
    caption       TEXT, -- NULL without a caption
    media_type    TEXT, -- IMAGE, VIDEO or CAROUSEL_ALBUM
    media_url     TEXT, -- signed address, expires; not told for albums
    permalink     TEXT, -- address on instagram.com
    timestamp     TEXT, -- when it was posted
    first_seen_at TEXT NOT NULL, -- when igsync first read this post
    changed_at    TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

-- A part of a carousel album that a hashtag showed.
CREATE TABLE hashtag_post_children (
    media_id      TEXT NOT NULL REFERENCES hashtag_posts (id), -- the album
    id            TEXT NOT NULL, -- IG Media id of the part
    position      INTEGER NOT NULL, -- place in the album, from 0
    media_type    TEXT, -- IMAGE or VIDEO
    media_url     TEXT, -- signed address, expires
    permalink     TEXT, -- not told for photos
    timestamp     TEXT, -- when it was posted
    first_seen_at TEXT NOT NULL, -- when igsync first read this part
    changed_at    TEXT NOT NULL, -- when an attribute above was last seen to differ
    PRIMARY KEY (media_id, id)
) STRICT, WITHOUT ROWID;

-- What a hashtag showed on a day, in its order. recent has the posts of the 24 hours before it was read, the first 1,000; top the 100
-- most popular ones.
CREATE TABLE hashtag_media (
    hashtag_id     TEXT NOT NULL REFERENCES hashtags (id), -- which hashtag
    edge           TEXT NOT NULL, -- top or recent
    day            TEXT NOT NULL, -- the day, in UTC, on which the reading began
    media_id       TEXT NOT NULL REFERENCES hashtag_posts (id), -- the post
    rank           INTEGER, -- its place from 1, when it was last shown on that day
    like_count     INTEGER, -- likes then; NULL where the owner hides them
    comments_count INTEGER, -- comments then
    first_seen_at  TEXT NOT NULL, -- when it was first shown on that day
    changed_at     TEXT NOT NULL, -- when place or counts were last seen to differ on that day
    PRIMARY KEY (hashtag_id, edge, day, media_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX hashtag_media_by_post ON hashtag_media (media_id);

-- A professional account of others, read by its name (Graph API: Business Discovery).
CREATE TABLE discovered_accounts (
    id                  TEXT NOT NULL PRIMARY KEY, -- IG User id; stays when the account is renamed
    username            TEXT, -- handle without @; can change
    name                TEXT, -- display name; NULL when empty
    biography           TEXT, -- NULL when empty
    website             TEXT, -- NULL when empty
    ig_id               TEXT, -- old Instagram id; told to older apps only
    profile_picture_url TEXT, -- signed address, expires
    first_seen_at       TEXT NOT NULL, -- when igsync first read this account
    changed_at          TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

-- The counts of an account of others over time: a row when a number changed.
CREATE TABLE discovered_account_snapshots (
    account_id      TEXT NOT NULL REFERENCES discovered_accounts (id), -- whose
    observed_at     TEXT NOT NULL, -- when these numbers were first read
    followers_count INTEGER, -- followers at that moment
    follows_count   INTEGER, -- accounts it follows
    media_count     INTEGER, -- posts; Meta's number
    confirmed_at    TEXT NOT NULL, -- when they were last read unchanged, moved at most once an hour
    PRIMARY KEY (account_id, observed_at)
) STRICT, WITHOUT ROWID;

-- A post or reel of an account of others. Its counts over time are in discovered_media_snapshots.
CREATE TABLE discovered_media (
    id                 TEXT NOT NULL PRIMARY KEY, -- IG Media id
    account_id         TEXT NOT NULL REFERENCES discovered_accounts (id), -- whose
    media_type         TEXT,    -- IMAGE, VIDEO or CAROUSEL_ALBUM; reels are VIDEO
    media_product_type TEXT,    -- FEED or REELS
    caption            TEXT,    -- NULL without a caption
    permalink          TEXT,    -- address on instagram.com
    shortcode          TEXT,    -- the permalink's last part
    timestamp          TEXT,    -- when it was posted
    username           TEXT,    -- handle of the poster at the last read
    alt_text           TEXT,    -- description of an image
    is_shared_to_feed  INTEGER, -- reels only
    media_audio_type   TEXT,    -- MUSIC or ORIGINAL_SOUND, videos only
    media_url          TEXT,    -- signed address, expires; absent for copyrighted or flagged media
    thumbnail_url      TEXT,    -- signed address, expires; videos only
    deleted_at         TEXT,    -- when a complete listing first lacked it; NULL again when it comes back
    first_seen_at      TEXT NOT NULL, -- when igsync first read this post
    changed_at         TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

CREATE INDEX discovered_media_by_account_and_time ON discovered_media (account_id, timestamp);

-- A part of a carousel album of an account of others.
CREATE TABLE discovered_media_children (
    media_id      TEXT NOT NULL REFERENCES discovered_media (id), -- the album
    id            TEXT NOT NULL, -- IG Media id of the part
    position      INTEGER NOT NULL, -- place in the album, from 0
    media_type    TEXT, -- IMAGE or VIDEO
    media_url     TEXT, -- signed address, expires
    thumbnail_url TEXT, -- signed address, expires; videos only
    permalink     TEXT, -- not told for photos
    shortcode     TEXT, -- short id of the part
    timestamp     TEXT, -- when it was posted
    first_seen_at TEXT NOT NULL, -- when igsync first read this part
    changed_at    TEXT NOT NULL, -- when an attribute above was last seen to differ
    PRIMARY KEY (media_id, id)
) STRICT, WITHOUT ROWID;

-- The counts of a post of others over time: a row when a number changed. The 50 newest posts are read every day, the others weekly.
CREATE TABLE discovered_media_snapshots (
    media_id             TEXT NOT NULL REFERENCES discovered_media (id), -- of which post
    observed_at          TEXT NOT NULL, -- when these numbers were first read
    like_count           INTEGER, -- likes; NULL where the owner hides them
    comments_count       INTEGER, -- comments and replies
    reposts_count        INTEGER, -- reposts; NULL where the owner hides them
    total_like_count     INTEGER, -- likes, promoted copies included
    total_comments_count INTEGER, -- comments, promoted copies included
    view_count           INTEGER, -- views, paid ones included; reels only
    confirmed_at         TEXT NOT NULL, -- when they were last read unchanged, moved at most once an hour
    PRIMARY KEY (media_id, observed_at)
) STRICT, WITHOUT ROWID;

-- A conversation of an account with somebody (Instagram Messaging). One of the Requests folder is not listed any more when nobody has
-- written in it for 30 days; its row stays.
CREATE TABLE conversations (
    id               TEXT NOT NULL PRIMARY KEY, -- opaque
    account_id       TEXT NOT NULL REFERENCES accounts (id), -- whose
    updated_time     TEXT, -- when something was last written in it, as the list told
    participants     TEXT, -- JSON list of who takes part, with id and username
    partner_id       TEXT, -- who takes part beside the account: an id that only this account knows; NULL: not one person
    partner_username TEXT, -- that person's handle
    first_seen_at    TEXT NOT NULL, -- when igsync first read it
    changed_at       TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

CREATE INDEX conversations_by_account ON conversations (account_id, updated_time);

-- A message. Only the 20 most recent ones of a conversation can be read; what was not read in time is in sync_gaps, under the
-- conversation's id. JSON is as the API told it, without signed addresses.
CREATE TABLE messages (
    id              TEXT NOT NULL PRIMARY KEY, -- opaque
    conversation_id TEXT NOT NULL REFERENCES conversations (id), -- where
    created_time    TEXT,    -- when it was written
    from_id         TEXT,    -- who wrote it: the account's id, or the partner's
    from_username   TEXT,    -- that one's handle
    to_id           TEXT,    -- to whom
    to_username     TEXT,    -- that one's handle
    message         TEXT,    -- what it says; empty for pictures and the like
    is_unsupported  INTEGER, -- 1: of a kind that the API does not tell
    reply_to        TEXT,    -- JSON: the message that it answers
    attachments     TEXT,    -- JSON list: pictures, videos, files
    shares          TEXT,    -- JSON list: posts and products that were shared
    story           TEXT,    -- JSON: the story that it answers or that mentions the account
    reactions       TEXT,    -- JSON list: reactions, and whose
    first_seen_at   TEXT NOT NULL, -- when igsync first read it
    changed_at      TEXT NOT NULL  -- when an attribute above was last seen to differ
) STRICT;

CREATE INDEX messages_by_conversation_and_time ON messages (conversation_id, created_time);

-- A post of somebody else in which an account is tagged. Posts of private accounts are never shown. Counts are those of the last
-- read; a post is read again as [refresh] says, and once a week.
CREATE TABLE tagged_media (
    account_id           TEXT NOT NULL REFERENCES accounts (id), -- who is tagged
    id                   TEXT NOT NULL, -- IG Media id
    username             TEXT,    -- whose post it is
    media_type           TEXT,    -- IMAGE, VIDEO or CAROUSEL_ALBUM; reels are VIDEO
    media_product_type   TEXT,    -- FEED or REELS
    caption              TEXT,    -- NULL without a caption
    permalink            TEXT,    -- address on instagram.com
    shortcode            TEXT,    -- the permalink's last part
    timestamp            TEXT,    -- when it was posted
    alt_text             TEXT,    -- description of an image
    is_shared_to_feed    INTEGER, -- reels only
    media_audio_type     TEXT,    -- MUSIC or ORIGINAL_SOUND, videos only
    like_count           INTEGER, -- likes; NULL where the owner hides them
    comments_count       INTEGER, -- comments and replies
    reposts_count        INTEGER, -- reposts
    total_like_count     INTEGER, -- likes, promoted copies included
    total_comments_count INTEGER, -- comments, promoted copies included
    media_url            TEXT,    -- signed address, expires; absent for copyrighted or flagged media
    thumbnail_url        TEXT,    -- signed address, expires; videos only
    deleted_at           TEXT,    -- when a complete listing first lacked it: deleted, private, or the tag is gone; NULL again when
                                  -- it comes back
    first_seen_at        TEXT NOT NULL, -- when igsync first read it
    changed_at           TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- A post of somebody else that an account is a collaborator of and has accepted to be. Counts are those of the last read.
CREATE TABLE collaborative_media (
    account_id         TEXT NOT NULL REFERENCES accounts (id), -- the collaborator
    id                 TEXT NOT NULL, -- IG Media id
    username           TEXT,    -- who published it
    media_type         TEXT,    -- IMAGE, VIDEO or CAROUSEL_ALBUM; reels are VIDEO
    media_product_type TEXT,    -- FEED or REELS
    caption            TEXT,    -- NULL without a caption
    permalink          TEXT,    -- address on instagram.com
    shortcode          TEXT,    -- the permalink's last part
    timestamp          TEXT,    -- when it was posted
    like_count         INTEGER, -- likes; NULL where the owner hides them
    comments_count     INTEGER, -- comments and replies
    saved_count        INTEGER, -- saves
    media_url          TEXT,    -- signed address, expires; absent for copyrighted or flagged media
    thumbnail_url      TEXT,    -- signed address, expires; videos only
    deleted_at         TEXT,    -- when a complete listing first lacked it: deleted, or the account is no collaborator any more; NULL
                                -- again when it comes back
    first_seen_at      TEXT NOT NULL, -- when igsync first read it
    changed_at         TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- A post or a comment of somebody else that mentions an account. The API has no list of them: ids come from the configuration, and
-- what was given once stays known. What is not there any more has a gap, gone, under its id, and its row stays.
CREATE TABLE mentions (
    account_id         TEXT NOT NULL REFERENCES accounts (id), -- who is mentioned
    id                 TEXT NOT NULL, -- IG Media id of the post, or IG Comment id of the comment
    media_id           TEXT,    -- of a comment: the post that it stands under; NULL: the post itself mentions the account
    media_media_url    TEXT,    -- of a comment: signed address of that post's file, expires; absent for copyrighted or flagged media
    text               TEXT,    -- of a comment: what it says
    caption            TEXT,    -- of a post: its caption; the API may leave out the @
    username           TEXT,    -- of a post: whose it is; of comments it is not told
    media_type         TEXT,    -- of a post: IMAGE, VIDEO or CAROUSEL_ALBUM; reels are VIDEO
    media_product_type TEXT,    -- of a post: FEED or REELS
    permalink          TEXT,    -- of a post: address on instagram.com
    shortcode          TEXT,    -- of a post: the permalink's last part
    timestamp          TEXT,    -- when it was posted or written
    alt_text           TEXT,    -- of a post: description of an image
    is_shared_to_feed  INTEGER, -- of a post: reels only
    media_audio_type   TEXT,    -- of a post: MUSIC or ORIGINAL_SOUND, videos only
    like_count         INTEGER, -- likes at the last read; NULL where the owner hides them
    comments_count     INTEGER, -- of a post: comments and replies at the last read
    reposts_count      INTEGER, -- of a post: reposts at the last read
    total_like_count   INTEGER, -- of a post: likes at the last read, promoted copies included
    total_comments_count INTEGER, -- of a post: comments at the last read, promoted copies included
    media_url          TEXT,    -- of a post: signed address, expires; absent for copyrighted or flagged media
    thumbnail_url      TEXT,    -- of a post: signed address, expires; videos only
    first_seen_at      TEXT NOT NULL, -- when igsync first read it
    changed_at         TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- A comment on a post of somebody else that mentions an account. All are read the first time, later those that are new, 50 a call, where
-- the API tells them: its pages contradict each other. What was deleted keeps its row.
CREATE TABLE mentioned_media_comments (
    account_id    TEXT NOT NULL REFERENCES accounts (id), -- who is mentioned by the post
    id            TEXT NOT NULL, -- IG Comment id
    media_id      TEXT NOT NULL, -- the post, in mentions
    text          TEXT,    -- what it says
    timestamp     TEXT,    -- when it was written
    like_count    INTEGER, -- likes at the last read
    first_seen_at TEXT NOT NULL, -- when igsync first read it
    changed_at    TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- Somebody who was invited to publish a post of an account together with it. Told to the publisher; who has switched tagging off is
-- missing.
CREATE TABLE collaborators (
    media_id      TEXT NOT NULL, -- the post; media has it once that is read
    id            TEXT NOT NULL, -- IG User id of who was invited
    account_id    TEXT NOT NULL REFERENCES accounts (id), -- whose post it is
    username      TEXT, -- handle of who was invited
    invite_status TEXT, -- Accepted or Pending
    deleted_at    TEXT, -- when a complete listing of the account's posts first lacked it; NULL again when it comes back
    first_seen_at TEXT NOT NULL, -- when igsync first read it
    changed_at    TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (media_id, id)
) STRICT, WITHOUT ROWID;

-- A product of the account's shop that is tagged in one of its posts. Reels and stories tell none.
CREATE TABLE product_tags (
    media_id              TEXT NOT NULL, -- the post; media has it once that is read
    product_id            TEXT NOT NULL, -- the product's id
    account_id            TEXT NOT NULL REFERENCES accounts (id), -- whose post it is
    merchant_id           TEXT,    -- the shop's id
    name                  TEXT,    -- what the product is called
    price_string          TEXT,    -- its price for people
    stripped_price_string TEXT,    -- the same as short as can be
    stripped_sale_price_string TEXT, -- its sale price, as short as can be
    review_status         TEXT,    -- approved, rejected, pending, outdated or empty
    is_checkout           INTEGER, -- 1: it can be bought on Instagram
    x                     ANY,     -- where the tag is: part of the width, from 0 to 1
    y                     ANY,     -- part of the height
    image_url             TEXT,    -- the product's picture
    deleted_at            TEXT,    -- when a complete listing of the account's posts first lacked it; NULL again when it comes back
    first_seen_at         TEXT NOT NULL, -- when igsync first read it
    changed_at            TEXT NOT NULL, -- when something above was last seen to differ
    PRIMARY KEY (media_id, product_id)
) STRICT, WITHOUT ROWID;

-- How much an account has published through the API, and how much it may: a row when a number changed.
CREATE TABLE publishing_limit (
    account_id     TEXT NOT NULL REFERENCES accounts (id), -- whose
    observed_at    TEXT NOT NULL, -- when these numbers were first read
    quota_usage    INTEGER, -- posts published through the API within quota_duration before
    quota_total    INTEGER, -- how many it may
    quota_duration INTEGER, -- in how many seconds
    confirmed_at   TEXT NOT NULL, -- when they were last read unchanged, moved at most once an hour
    PRIMARY KEY (account_id, observed_at)
) STRICT, WITHOUT ROWID;

-- Accounts with their newest counts.
CREATE VIEW accounts_current AS
SELECT a.*, s.followers_count, s.follows_count, s.media_count, s.observed_at, s.confirmed_at
FROM accounts a
LEFT JOIN account_snapshots s ON s.account_id = a.id
    AND s.observed_at = (SELECT max(observed_at) FROM account_snapshots WHERE account_id = a.id);

-- Posts with their newest counts.
CREATE VIEW media_current AS
SELECT m.*, s.like_count, s.comments_count, s.reposts_count, s.saved_count, s.shares_count,
       s.total_like_count, s.total_comments_count, s.total_views_count, s.observed_at, s.confirmed_at
FROM media m
LEFT JOIN media_snapshots s ON s.media_id = m.id
    AND s.observed_at = (SELECT max(observed_at) FROM media_snapshots WHERE media_id = m.id);

-- Accounts of others with their newest counts.
CREATE VIEW discovered_accounts_current AS
SELECT a.*, s.followers_count, s.follows_count, s.media_count, s.observed_at, s.confirmed_at
FROM discovered_accounts a
LEFT JOIN discovered_account_snapshots s ON s.account_id = a.id
    AND s.observed_at = (SELECT max(observed_at) FROM discovered_account_snapshots WHERE account_id = a.id);

-- Posts of others with their newest counts.
CREATE VIEW discovered_media_current AS
SELECT m.*, s.like_count, s.comments_count, s.reposts_count, s.total_like_count, s.total_comments_count, s.view_count,
       s.observed_at, s.confirmed_at
FROM discovered_media m
LEFT JOIN discovered_media_snapshots s ON s.media_id = m.id
    AND s.observed_at = (SELECT max(observed_at) FROM discovered_media_snapshots WHERE media_id = m.id);

-- Insights of posts with their newest numbers.
CREATE VIEW media_insights_current AS
SELECT i.media_id, i.name, i.breakdown, i.dimension_value, i.value, i.observed_at, i.confirmed_at
FROM media_insights i
WHERE i.observed_at = (
    SELECT max(observed_at) FROM media_insights
    WHERE media_id = i.media_id AND name = i.name AND breakdown = i.breakdown AND dimension_value = i.dimension_value);

-- Insights of accounts with their newest numbers; day is the day that Meta counted.
CREATE VIEW account_insights_current AS
SELECT i.account_id, i.name, i.period, i.breakdown, i.dimension_value, date(i.end_time, '-1 day') AS day, i.end_time,
       i.value, i.observed_at, i.confirmed_at
FROM account_insights i
WHERE i.observed_at = (
    SELECT max(observed_at) FROM account_insights
    WHERE account_id = i.account_id AND name = i.name AND period = i.period AND breakdown = i.breakdown
      AND dimension_value = i.dimension_value AND end_time = i.end_time);

-- Stories, with when their numbers were last read, and whether those are final: read in the last hour of their 24. Why there are none
-- that are final is in sync_gaps, under the story's id.
CREATE VIEW stories AS
SELECT m.*, r.mark AS insights_read_at,
       ifnull(r.mark >= strftime('%Y-%m-%dT%H:%M:%SZ', m.timestamp, '+23 hours'), 0) AS is_final
FROM media m
LEFT JOIN sync_reads r ON r.account_id = m.account_id AND r.resource = 'stories' AND r.subject = m.id
WHERE m.media_product_type = 'STORY';

-- The jobs of the configuration and where each stands. Written by `igsync run` and, when it runs a whole job, by `igsync sync`.
CREATE TABLE sync_jobs (
    job           TEXT NOT NULL PRIMARY KEY, -- its name in the configuration; check: igsync's own daily check
    schedule      TEXT NOT NULL, -- its cron line
    timezone      TEXT NOT NULL, -- the IANA zone in which the line is meant
    resources     TEXT NOT NULL, -- JSON list: what it reads
    next_due_at   TEXT, -- when `igsync run` starts it next; in the past: it was missed and is made up for once; NULL: not known,
                        -- because no `igsync run` has seen it
    due_at        TEXT, -- the time of the schedule for which it was last started by `igsync run`; of several that were missed,
                        -- the first; NULL: never
    started_at    TEXT, -- when its last start began; NULL: never
    finished_at   TEXT, -- when that start was over; NULL while something of it is left, also over restarts
    run_id        INTEGER, -- sync_runs.started_by of that start; NULL while nothing of it has begun
    outcome       TEXT CHECK (outcome IN -- NULL: never started; else as in sync_runs, the worst of its accounts and resources;
        ('running', 'complete', 'partial', 'refused', 'suspended', 'stopped', 'failed')),
                  -- while something is left: running; suspended when all that is left waits until resume_at; stopped when the
                  -- process was ended by a signal and the next one goes on
    accounts      INTEGER NOT NULL DEFAULT 0, -- accounts that this start reads
    accounts_done INTEGER NOT NULL DEFAULT 0, -- of these, accounts of which nothing is left
    resume_at     TEXT, -- when the first of what waits for a pool or another try goes on; NULL: nothing waits
    message       TEXT  -- what to know about the outcome, for a person
) STRICT, WITHOUT ROWID;

-- What igsync did: a row for each resource of each account in each start of the program.
CREATE TABLE sync_runs (
    id             INTEGER PRIMARY KEY, -- counts up
    started_by     INTEGER NOT NULL, -- id of the first run of the same start: groups what ran together
    job            TEXT NOT NULL, -- backfill, or the name of a [[job]] in the configuration
    account_id     TEXT, -- NULL for discovery, which finds the accounts
    resource       TEXT NOT NULL, -- media, account, …; discovery
    range          TEXT NOT NULL, -- '' for everything, or the days asked for, 2024-01-01..2024-12-31
    started_at     TEXT NOT NULL, -- when it began
    finished_at    TEXT, -- NULL while it runs
    outcome        TEXT NOT NULL CHECK (outcome IN -- how it ended:
        ('running', 'complete', 'partial', 'refused', 'suspended', 'stopped', 'failed', 'interrupted')),
                   -- complete: all that was due is here; partial: sync_gaps says what is missing; refused: an operator is
                   -- needed; suspended: a budget is used up until resume_at; stopped: by a signal;
                   -- failed: no answer that can be read; interrupted: the process ended without a word
    message        TEXT, -- what to know about the outcome, for a person
    resume_at      TEXT, -- suspended: when it can go on
    pages          INTEGER NOT NULL DEFAULT 0, -- pages committed
    forecast_calls INTEGER, -- requests expected when it began; NULL for discovery, whose size nobody knows before
    calls          INTEGER NOT NULL DEFAULT 0, -- requests sent, retries included
    rows_inserted  INTEGER NOT NULL DEFAULT 0, -- rows that were new
    rows_changed   INTEGER NOT NULL DEFAULT 0, -- rows that differed
    rows_unchanged INTEGER NOT NULL DEFAULT 0  -- rows read and found as they were
) STRICT;

CREATE INDEX sync_runs_by_subject ON sync_runs (account_id, resource, finished_at);
CREATE INDEX sync_runs_by_start ON sync_runs (job, started_by);
CREATE INDEX sync_runs_by_end ON sync_runs (finished_at);

-- Where each job stands. Written in the transaction of the rows it speaks of.
CREATE TABLE sync_checkpoints (
    job         TEXT NOT NULL, -- backfill, or the name of a [[job]]
    account_id  TEXT NOT NULL REFERENCES accounts (id), -- whose
    resource    TEXT NOT NULL, -- media, account, …
    range       TEXT NOT NULL, -- '' or the days asked for, 2024-01-01..2024-12-31
    cursor      TEXT, -- opaque: where the next page begins; NULL at the top of the list
    pages       INTEGER NOT NULL, -- pages committed since started_at
    objects     INTEGER NOT NULL, -- objects on these pages
    failures    INTEGER NOT NULL, -- starts in a row that failed or were refused without a page; after some, the next
                                  -- pass of the others does not wait for this one
    first_run_id INTEGER NOT NULL REFERENCES sync_runs (id), -- the run that began this pass
    started_at  TEXT NOT NULL, -- when this pass over the list began
    updated_at  TEXT NOT NULL, -- when the last page was committed
    finished_at TEXT, -- when the pass came to the end of the list; NULL while pages are left
    PRIMARY KEY (job, account_id, resource, range)
) STRICT, WITHOUT ROWID;

-- How far each subject of a resource that asks many questions has been read: a post's insights, a day of an account.
CREATE TABLE sync_reads (
    account_id TEXT NOT NULL REFERENCES accounts (id), -- whose
    resource   TEXT NOT NULL, -- media_insights, comments, account_insights, …
    subject    TEXT NOT NULL, -- a media id, <media id>/action_type, a day, <hashtag>:<id>:recent, <username>, replies:<media id>:<comment id>,
                               -- a mention as <media id> or <media id>/<comment id>, …
    read_at    TEXT, -- when it was last read to its end; NULL: not yet
    cursor     TEXT, -- opaque: where a list that is being read goes on
    mark       TEXT, -- what it looked like when that reading began, for igsync to compare: comments_count for comments; when a
                     -- story's numbers were read; profile_activity of a post; which metrics were left out
                     -- because they were refused; when a mention was posted
    closed     INTEGER NOT NULL, -- 1: there is no use in asking ever again, or for weeks where a name means nothing; sync_gaps says
                                 -- why
    PRIMARY KEY (account_id, resource, subject)
) STRICT, WITHOUT ROWID;

-- What is missing and why. A row stays when the gap is closed, with resolved_at.
CREATE TABLE sync_gaps (
    id            INTEGER PRIMARY KEY, -- counts up
    account_id    TEXT, -- NULL: for every account of a credential
    resource      TEXT NOT NULL, -- media, account, …; discovery
    object_id     TEXT, -- the post, comment, … that is affected; the hashtag, or its id and list; the username; the credential
                        -- where account_id is NULL; stories after an instant: those that ended before anybody saw them; NULL: the
                        -- whole resource
    field         TEXT, -- the field, metric, or metric by a breakdown that is missing, from a day on where it is not told of
                        -- days long ago; NULL: all of the object
    reason        TEXT NOT NULL CHECK (reason IN -- why:
        ('not_applicable', 'refused', 'too_few_viewers', 'before_conversion', 'no_permission', 'rate_limited',
         'expired', 'gone', 'list_limit', 'unreadable', 'failed', 'stopped')),
                  -- not_applicable: this app, account or post does not have it; refused: the API does not accept the
                  -- question; list_limit: the API shows no older entries, or a hashtag more than igsync reads; unreadable: an answer that
                  -- breaks the API's own rules; failed: no answer; stopped: a signal came first; the others
                  -- say it themselves
    detail        TEXT, -- the API's own words or ours, without secrets
    first_seen_at TEXT NOT NULL, -- when it was first missing
    last_seen_at  TEXT NOT NULL, -- when it was last missing
    last_run_id   INTEGER NOT NULL REFERENCES sync_runs (id), -- the run that missed it last
    resolved_at   TEXT -- when a later run found it
) STRICT;

CREATE UNIQUE INDEX sync_gaps_by_subject ON sync_gaps
    (ifnull(account_id, ''), resource, ifnull(object_id, ''), ifnull(field, ''), reason);

-- The state of each budget, so that a restart makes no call into a block and none too many.
CREATE TABLE sync_pools (
    pool          TEXT NOT NULL PRIMARY KEY, -- buc:<account id>, messenger:<page id>, app:<credential name> or
                                             -- user:<credential name>
    call_count    REAL, -- percent of the allowed calls, as Meta last told
    total_cputime REAL, -- percent of the allowed CPU time
    total_time    REAL, -- percent of the allowed wall time
    observed_at   TEXT, -- when Meta told so; percentages age
    closed_until  TEXT, -- no call before this; NULL: open
    closed_why    TEXT, -- what closed it
    closed_for_all INTEGER NOT NULL, -- 1: no call of this token, whatever pool it belongs to
    refusals      INTEGER NOT NULL, -- refused calls in a row: each doubles the next wait
    own_calls     INTEGER NOT NULL, -- igsync's own calls inside the pool's window, when this row was written
    reserved_calls INTEGER, -- urgent calls that were made together the last time, for which bulk calls leave room; NULL: none
    reserved_times REAL, -- how often they are made in the pool's window
    reserved_since TEXT, -- when the last ones began; a window later no room is kept
    told_by_app   INTEGER NOT NULL, -- 1: answers to its calls tell usage of the app's pool alone, so that is asked, too
    ledger        TEXT NOT NULL -- JSON for igsync itself: spent = [start in unix milliseconds, own calls, percent
                                -- points of calls, CPU time, wall time] per slice of the window; costs = what a call
                                -- was learned to cost in each gauge
) STRICT, WITHOUT ROWID;

-- Calls spent: per run, pool and endpoint.
CREATE TABLE sync_calls (
    run_id   INTEGER NOT NULL REFERENCES sync_runs (id), -- by which run
    pool     TEXT NOT NULL, -- as in sync_pools
    endpoint TEXT NOT NULL, -- /{ig-user}/media, …
    calls    INTEGER NOT NULL, -- requests sent
    failed   INTEGER NOT NULL, -- of these, requests without a usable answer
    PRIMARY KEY (run_id, pool, endpoint)
) STRICT, WITHOUT ROWID;

-- Hashtags that an account has spent: 30 different ones within seven days. Written before the first call for one is sent.
CREATE TABLE sync_hashtags (
    account_id   TEXT NOT NULL REFERENCES accounts (id), -- on whose behalf
    hashtag_id   TEXT NOT NULL, -- IG Hashtag id; '#' and the name while the id is not known
    name         TEXT, -- without '#'; NULL where others spent it and nobody asked for its name
    spent_at     TEXT NOT NULL, -- when its seven days began; where others spent it: when that was first seen
    spent_by     TEXT NOT NULL CHECK (spent_by IN ('igsync', 'others')), -- others: another program with the same account
    answered     INTEGER NOT NULL, -- 0: booked, but nobody knows whether a call for it was counted
    counts_until TEXT NOT NULL, -- until when it counts at the latest
    PRIMARY KEY (account_id, hashtag_id)
) STRICT, WITHOUT ROWID;

-- What the last check learned about each credential: once a day, by `igsync run`, `igsync sync` and `igsync backfill`. Never a token.
CREATE TABLE sync_credentials (
    credential TEXT NOT NULL PRIMARY KEY, -- its name in the configuration
    checked_at TEXT NOT NULL, -- when Meta was asked about it
    is_valid   INTEGER NOT NULL, -- 1: Meta takes the token
    inspected  INTEGER NOT NULL, -- 1: Meta told type, app and ends; 0: it did not, so they are not known
    type       TEXT, -- USER, PAGE or SYSTEM_USER
    app_id     TEXT, -- the app that it belongs to
    scopes     TEXT, -- JSON list of granted permissions; NULL: not told
    expires_at TEXT, -- when the token ends; NULL where inspected is 1: never
    data_access_expires_at TEXT, -- when it ceases to read, though it is valid; NULL where inspected is 1: never
    problem    TEXT  -- what is wrong or not known, and what to do about it
) STRICT, WITHOUT ROWID;

-- What somebody should do something about: what the last check found, and a configuration that `igsync run` did not take over.
CREATE TABLE sync_warnings (
    id         INTEGER PRIMARY KEY, -- in the order in which it was found
    found_by   TEXT NOT NULL DEFAULT 'check' CHECK (found_by IN -- who found it:
        ('check', 'reload')), -- check: the next check writes it anew; reload: it holds until the configuration is read again, or igsync starts
    checked_at TEXT NOT NULL, -- when it was found
    severity   TEXT NOT NULL CHECK (severity IN -- how bad it is:
        ('warning', 'critical')), -- warning: act within days; critical: something is not read until somebody acts
    credential TEXT, -- the credential that it is about, if any
    account_id TEXT, -- the account that it is about, if any
    resource   TEXT, -- the resource that it is about, if any
    message    TEXT NOT NULL -- what is wrong and what to do
) STRICT;
