//! Walks every edge over HTTP and builds the tables that a database would hold.

mod hashtags;
mod insights;
mod people;
mod shop;

use std::collections::BTreeMap;

use igsync_simulator::{JOURNAL_TABLES, ORACLE_TABLES, Tables};
use serde_json::{Map, Value, json};

use crate::probe::Probe;

const MEDIA: &str = "id,media_type,media_product_type,caption,permalink,shortcode,timestamp,username,owner,alt_text,\
                     is_comment_enabled,is_shared_to_feed,is_ai_generated,media_audio_type,legacy_instagram_media_id,\
                     ig_id,media_url,thumbnail_url";
const COUNTS: &str = "like_count,comments_count,reposts_count,saved_count,shares_count,total_like_count,\
                      total_comments_count,total_views_count";
const COMMENT: &str = "id,text,timestamp,username,from,like_count,hidden,media,parent_id";
const PUBLIC: &str = "id,username,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,\
                      timestamp,like_count,comments_count";
/// What is told to those who are tagged or mentioned, and by Business Discovery.
const PUBLIC_TOO: &str = ",alt_text,is_shared_to_feed,media_audio_type,reposts_count,total_like_count,total_comments_count";
const FEED: &str = "reach,likes,comments,saved,shares,reposts,total_interactions,follows,profile_visits,\
                    profile_activity,total_likes,total_comments,total_views";
const REELS: &str = "reach,views,likes,comments,saved,shares,reposts,total_interactions,ig_reels_avg_watch_time,\
                     ig_reels_video_view_total_time,reels_skip_rate,total_likes,total_comments,total_views";
const STORY: &str = "reach,views,replies,shares,reposts,total_interactions,follows,profile_visits,profile_activity,\
                     navigation,link_clicks,total_views";

/// A client that asks for everything, and the rows it has got.
pub(crate) struct Walk<'p> {
    probe: &'p Probe,
    pub(crate) tables: Tables,
}

impl<'p> Walk<'p> {
    pub(crate) fn of(probe: &'p Probe) -> Self {
        Self {
            probe,
            tables: Tables::new(),
        }
    }

    pub(crate) async fn everything(&mut self) {
        for table in ORACLE_TABLES.into_iter().chain(JOURNAL_TABLES) {
            self.tables.entry(table.to_owned()).or_default();
        }
        let fields = "id,name,access_token,instagram_business_account";
        let accounts = format!("/v25.0/me/accounts?fields={fields}&limit=2");
        let pages = self.probe.walk(&accounts).await;
        self.businesses(&pages).await;
        for page in &pages {
            if let Some(account) = page["instagram_business_account"]["id"].as_str() {
                self.account(account, page).await;
                self.insights_of_account(account).await;
                self.shop(account).await;
                self.mentions(account).await;
                self.messages(account, page).await;
            }
        }
        for username in ["sim.account.900", "sim.account.901", "sim.account.902"] {
            self.discovered(username).await;
        }
        self.hashtags(["sourdough", "smallmuseums", "trailrunning"])
            .await;
    }

    async fn account(&mut self, id: &str, page: &Value) {
        let fields = "id,username,name,biography,website,profile_picture_url,has_profile_pic,is_published,\
                      legacy_instagram_user_id,ig_id,followers_count,follows_count,media_count";
        let mut node = self.probe.ok(&format!("/v25.0/{id}?fields={fields}")).await;
        node["ig_id"] = json!(node["ig_id"].to_string());
        node["page_id"] = page["id"].clone();
        node["page_name"] = page["name"].clone();
        self.add("accounts", id.to_owned(), node.clone());
        self.add("accounts_current", id.to_owned(), node);
        let edges = format!(
            "{MEDIA},{COUNTS},children{{id,media_type,media_url,thumbnail_url,permalink,shortcode,timestamp}}"
        );
        let path = format!("/v25.0/{id}/media?fields={edges}&limit=50");
        for media in self.probe.walk(&path).await {
            self.media(id, media).await;
        }
        let path = format!("/v25.0/{id}/stories?fields={MEDIA}&limit=3");
        for story in self.probe.walk(&path).await {
            let key = story["id"].as_str().unwrap().to_owned();
            self.insights("story_insights", &key, STORY).await;
            self.insights("story_insights", &key, "facebook_views")
                .await;
            let navigation = "navigation&breakdown=story_navigation_action_type";
            self.insights("story_insights", &key, navigation).await;
            let activity = "profile_activity&breakdown=action_type";
            self.insights("story_insights", &key, activity).await;
            self.add("stories", key, with_owner(story, id));
        }
        let path = format!("/v25.0/{id}/live_media?fields={MEDIA}");
        for media in self.probe.walk(&path).await {
            let key = media["id"].as_str().unwrap().to_owned();
            self.add("live_media", key, with_owner(media, id));
        }
        for (table, edge, more) in [
            ("tagged_media", "tags", PUBLIC_TOO),
            ("collaborative_media", "collaborative_media", ""),
        ] {
            let path = format!("/v25.0/{id}/{edge}?fields={PUBLIC}{more}&limit=20");
            for mut media in self.probe.walk(&path).await {
                media["account_id"] = json!(id);
                let key = format!("{id}/{}", media["id"].as_str().unwrap());
                self.add(table, key, media);
            }
        }
        let fields = "media_id,media_owner_username,caption,media_url";
        let path = format!("/v25.0/{id}/collaboration_invites?fields={fields}&limit=4");
        for mut invite in self.probe.walk(&path).await {
            invite["account_id"] = json!(id);
            let key = format!("{id}/{}", invite["media_id"].as_str().unwrap());
            self.add("collaboration_invites", key, invite);
        }
    }

    async fn media(&mut self, account: &str, mut media: Value) {
        let id = media["id"].as_str().unwrap().to_owned();
        if let Some(nested) = self.items("media_children", &mut media) {
            let path = format!("/v25.0/{id}/children");
            let direct = self.probe.ids(&path).await;
            assert_eq!(direct, crate::probe::ids(&nested), "items of {id}");
        }
        self.comments(&id).await;
        let metrics = match (
            media["media_product_type"].as_str().unwrap(),
            media["media_type"].as_str().unwrap(),
        ) {
            ("REELS", _) => REELS.to_owned(),
            (_, "VIDEO") => FEED.to_owned(),
            _ => format!("{FEED},views"),
        };
        self.insights("media_insights", &id, &metrics).await;
        for metric in ["facebook_views", "crossposted_views"] {
            self.insights("media_insights", &id, metric).await;
        }
        if !metrics.contains("ig_reels") {
            let activity = "profile_activity&breakdown=action_type";
            self.insights("media_insights", &id, activity).await;
        }
        self.tagged_products_and_collaborators(&id).await;
        let ads = self.probe.ids(&format!("/v25.0/{id}/boost_ads_list")).await;
        assert_eq!(ads, [""; 0], "nothing is advertised here");
        self.add("media_current", id.clone(), media.clone());
        self.add("media", id, with_owner(media, account));
    }

    /// Takes the items out of an album; a hashtag shows some albums in both of its lists.
    fn items(&mut self, table: &str, media: &mut Value) -> Option<Value> {
        let id = media["id"].as_str().unwrap().to_owned();
        let children = media.as_object_mut().unwrap().remove("children")?;
        for (position, child) in children["data"].as_array().unwrap().iter().enumerate() {
            let mut child = child.clone();
            let key = format!("{id}/{}", child["id"].as_str().unwrap());
            child["media_id"] = json!(id);
            child["position"] = json!(position);
            let shown_twice = table == "hashtag_post_children";
            if !shown_twice || !self.tables[table].contains_key(&key) {
                self.add(table, key, child);
            }
        }
        Some(children)
    }

    async fn comments(&mut self, media: &str) {
        let fields = format!("{COMMENT},replies.limit(2){{{COMMENT}}}");
        for mut comment in self
            .probe
            .walk(&format!("/v25.0/{media}/comments?fields={fields}&limit=5"))
            .await
        {
            let id = comment["id"].as_str().unwrap().to_owned();
            let nested = comment.as_object_mut().unwrap().remove("replies");
            let mut replies = nested
                .iter()
                .flat_map(|nested| nested["data"].as_array().unwrap())
                .cloned()
                .collect::<Vec<_>>();
            if nested
                .as_ref()
                .is_some_and(|nested| nested.get("paging").is_some())
            {
                replies = self
                    .probe
                    .walk(&format!("/v25.0/{id}/replies?fields={COMMENT}&limit=2"))
                    .await;
            }
            for reply in replies.into_iter().chain([comment]) {
                self.add(
                    "comments",
                    reply["id"].as_str().unwrap().to_owned(),
                    comment_row(reply),
                );
            }
        }
    }

    /// Stores a row the way a database would: every column is there, instants end in `Z`.
    fn add(&mut self, table: &str, key: String, row: Value) {
        let Value::Object(row) = row else {
            panic!("{table} {key}: {row} is no row");
        };
        let columns = columns(row);
        let rows = self.tables.get_mut(table).unwrap();
        let is_new = !rows.contains_key(&key) || table == "discovered_accounts";
        assert!(is_new, "{table} {key} came twice");
        rows.insert(key, columns);
    }
}

/// What the API did not tell is NULL.
fn columns(mut row: Map<String, Value>) -> BTreeMap<String, Value> {
    for column in [
        "alt_text",
        "caption",
        "comments_count",
        "from_self_ig_scoped_id",
        "is_shared_to_feed",
        "like_count",
        "media_audio_type",
        "media_url",
        "name",
        "parent_id",
        "permalink",
        "reposts_count",
        "shares_count",
        "thumbnail_url",
        "total_views_count",
        "view_count",
        "website",
        "biography",
    ] {
        row.entry(column).or_insert(Value::Null);
    }
    let instant = |value: Value| match value {
        Value::String(text) if text.ends_with("+0000") => json!(text.replace("+0000", "Z")),
        other => other,
    };
    row.into_iter()
        .map(|(column, value)| (column, instant(value)))
        .collect()
}

fn with_owner(mut media: Value, account: &str) -> Value {
    media["account_id"] = json!(account);
    media["owner_id"] = media["owner"]["id"].clone();
    media
}

fn comment_row(mut comment: Value) -> Value {
    comment["media_id"] = comment["media"]["id"].clone();
    comment["from_id"] = comment["from"]["id"].clone();
    comment["from_self_ig_scoped_id"] = comment["from"]["self_ig_scoped_id"].clone();
    comment
}
