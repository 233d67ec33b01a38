//! Hashtags, and what webhooks tell the ids of.

use serde_json::json;

use crate::probe::ids;

use super::{PUBLIC, PUBLIC_TOO, Walk};

const HASHTAG_MEDIA: &str = "id,caption,comments_count,like_count,media_type,media_url,permalink,timestamp,\
     children{id,media_type,media_url,permalink,timestamp}";

impl Walk<'_> {
    pub(super) async fn hashtags(&mut self, names: [&str; 3]) {
        let accounts: Vec<String> = self.tables["accounts"].keys().cloned().collect();
        for (name, account) in names.iter().zip(&accounts) {
            let path = format!("/v25.0/ig_hashtag_search?user_id={account}&q={name}");
            let id = ids(&self.probe.ok(&path).await).remove(0);
            let node = self.probe.ok(&format!("/v25.0/{id}?fields=id,name")).await;
            self.add("hashtags", id.clone(), node);
            for edge in ["top", "recent"] {
                let path = format!(
                    "/v25.0/{id}/{edge}_media?user_id={account}&fields={HASHTAG_MEDIA}&limit=15"
                );
                for mut media in self.probe.walk(&path).await {
                    let key = format!("{id}/{edge}/{}", media["id"].as_str().unwrap());
                    media["hashtag_id"] = json!(id);
                    media["edge"] = json!(edge);
                    self.items("hashtag_post_children", &mut media);
                    self.add("hashtag_media", key, media);
                }
            }
        }
        for account in accounts {
            let path = format!("/v25.0/{account}/recently_searched_hashtags?limit=2");
            for mut hashtag in self.probe.walk(&path).await {
                hashtag["account_id"] = json!(account);
                let key = format!("{account}/{}", hashtag["id"].as_str().unwrap());
                self.add("recently_searched_hashtags", key, hashtag);
            }
        }
    }

    /// No list has their ids: webhooks tell them.
    pub(super) async fn mentions(&mut self, account: &str) {
        let world = self.probe.world();
        let media: Vec<String> = world.mentioned_media(account).map(|it| it.id()).collect();
        let comments = world.mentioning_comments(account);
        let comments: Vec<String> = comments.map(|comment| comment.id()).collect();
        for id in media {
            let comments = "comments{id,text,timestamp,like_count}";
            let field =
                format!("mentioned_media.media_id({id}){{{PUBLIC}{PUBLIC_TOO},{comments}}}");
            let path = format!("/v25.0/{account}?fields={field}");
            let mut row = self.probe.ok(&path).await["mentioned_media"].clone();
            let comments = row.as_object_mut().unwrap().remove("comments");
            for comment in comments
                .iter()
                .flat_map(|edge| edge["data"].as_array().unwrap())
            {
                let (mut comment, key) = (comment.clone(), comment["id"].as_str().unwrap());
                let key = format!("{account}/{key}");
                (comment["account_id"], comment["media_id"]) = (json!(account), json!(id));
                self.add("mentioned_media_comments", key, comment);
            }
            self.mention(account, row);
        }
        for id in comments {
            let field =
                format!("mentioned_comment.comment_id({id}){{id,text,timestamp,like_count,media}}");
            let path = format!("/v25.0/{account}?fields={field}");
            let mut row = self.probe.ok(&path).await["mentioned_comment"].clone();
            row["media_id"] = row["media"]["id"].clone();
            row["media_media_url"] = row["media"]["media_url"].clone();
            self.mention(account, row);
        }
    }

    fn mention(&mut self, account: &str, mut row: serde_json::Value) {
        row["account_id"] = json!(account);
        let key = format!("{account}/{}", row["id"].as_str().unwrap());
        self.add("mentions", key, row);
    }
}
