//! Conversations, and accounts of other people.

use serde_json::{Value, json};

use crate::probe::TOKEN;

use super::{PUBLIC, PUBLIC_TOO, Walk};

impl Walk<'_> {
    pub(super) async fn messages(&mut self, account: &str, page: &Value) {
        let (id, token) = (
            page["id"].as_str().unwrap(),
            page["access_token"].as_str().unwrap(),
        );
        let path =
            format!("/v25.0/{id}/conversations?platform=instagram&limit=3&access_token={token}");
        for mut conversation in self.probe.walk(&path).await {
            let id = conversation["id"].as_str().unwrap().to_owned();
            conversation["account_id"] = json!(account);
            let path = format!("/v25.0/{id}/messages?limit=10&access_token={token}");
            for message in self.probe.walk(&path).await.iter().take(20) {
                let path = format!(
                    "/v25.0/{}?fields=id,created_time,from,message&access_token={token}",
                    message["id"].as_str().unwrap()
                );
                let mut message = self.probe.ok(&path).await;
                self.attached(account, &message, token).await;
                message["conversation_id"] = json!(id);
                message["from_id"] = message["from"]["id"].clone();
                self.add(
                    "messages",
                    message["id"].as_str().unwrap().to_owned(),
                    message,
                );
            }
            self.add("conversations", id, conversation);
        }
    }

    /// Pictures are attached, and nobody here shares anything.
    async fn attached(&self, account: &str, message: &Value, token: &str) {
        let id = message["id"].as_str().unwrap();
        let mut messages = self.probe.world().conversations(account);
        let message = messages.find_map(|one| one.messages().find(|message| message.id() == id));
        let pictures = usize::from(message.unwrap().is_picture());
        for (edge, items) in [("attachments", pictures), ("shares", 0)] {
            let path = format!("/v25.0/{id}/{edge}?access_token={token}");
            assert_eq!(self.probe.ids(&path).await.len(), items, "{edge} of {id}");
        }
    }

    pub(super) async fn discovered(&mut self, username: &str) {
        let asking = self
            .probe
            .world()
            .accounts()
            .next()
            .unwrap()
            .id()
            .to_owned();
        let mut paging = String::new();
        loop {
            let items =
                "children{id,media_type,media_url,thumbnail_url,permalink,shortcode,timestamp}";
            let media =
                format!("media.limit(40){paging}{{{PUBLIC}{PUBLIC_TOO},view_count,{items}}}");
            let fields = format!(
                "id,username,name,biography,website,ig_id,followers_count,follows_count,media_count,{media}"
            );
            let path = format!(
                "/v25.0/{asking}?fields=business_discovery.username({username}){{{fields}}}&access_token={TOKEN}"
            );
            let mut account = self.probe.ok(&path).await["business_discovery"].clone();
            let id = account["id"].as_str().unwrap().to_owned();
            let media = account.as_object_mut().unwrap().remove("media");
            account["ig_id"] = json!(account["ig_id"].to_string());
            self.add("discovered_accounts", id.clone(), account);
            let Some(media) = media else {
                return;
            };
            for mut item in media["data"].as_array().unwrap().clone() {
                item["account_id"] = json!(id);
                self.items("discovered_media_children", &mut item);
                self.add(
                    "discovered_media",
                    item["id"].as_str().unwrap().to_owned(),
                    item,
                );
            }
            paging = format!(
                ".after({})",
                media["paging"]["cursors"]["after"].as_str().unwrap()
            );
        }
    }
}
