//! What nodes tell.

use chrono::TimeDelta;
use igsync_simulator::{AccountSpec, MediaType, NewPost, PageSpec, ProductType, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, BAKERY, Probe, TOKEN, keys};

#[tokio::test]
async fn pages_are_discovered_with_their_accounts_and_a_page_without_one_says_nothing() {
    let probe = Probe::small();
    let body = probe
        .ok("/v25.0/me/accounts?fields=id,name,tasks,access_token,instagram_business_account{id,username}&limit=100")
        .await;
    let pages = body["data"].as_array().unwrap();
    assert_eq!(pages.len(), 2);
    assert_eq!(
        pages[0]["instagram_business_account"],
        json!({"id": ACCOUNT, "username": "sim.account.1"})
    );
    assert!(
        pages[1].get("instagram_business_account").is_none(),
        "absent, not null"
    );
    assert!(body["paging"]["cursors"]["after"].is_string() && body["paging"]["next"].is_null());
    let page_token = pages[0]["access_token"].as_str().unwrap();
    let me = probe
        .ok(&format!("/me?access_token={page_token}&fields=name"))
        .await;
    assert_eq!(me["name"], "Sim Page 1", "a page token is the page");
}

#[tokio::test]
async fn permissions_are_listed_with_their_status() {
    let probe = Probe::small();
    probe.world().withdraw_permission(TOKEN, "ads_read");
    let body = probe.ok("/me/permissions").await;
    let permissions = body["data"].as_array().unwrap();
    assert_eq!(
        permissions[0],
        json!({"permission": "ads_read", "status": "declined"})
    );
    assert_eq!(permissions[1]["status"], "granted");
}

#[tokio::test]
async fn an_account_tells_the_fields_that_are_asked_for_and_its_id_always() {
    let probe = Probe::small();
    let body = probe
        .ok(&format!(
            "/v25.0/{ACCOUNT}?fields=username, followers_count,name,legacy_instagram_user_id"
        ))
        .await;
    assert_eq!(body["username"], "sim.account.1");
    assert_eq!(body["id"], ACCOUNT);
    assert!(body["followers_count"].is_i64() && body["legacy_instagram_user_id"].is_string());
    assert_eq!(
        probe.ok(&format!("/{ACCOUNT}")).await,
        json!({"id": ACCOUNT})
    );
    let unnamed = AccountSpec {
        name: String::new(),
        website: String::new(),
        ..AccountSpec::numbered(5)
    };
    let mut spec = WorldSpec::small(1);
    spec.pages.push(PageSpec::numbered(5, Some(unnamed)));
    let body = Probe::of(spec)
        .ok("/17841400000000005?fields=name,website,biography")
        .await;
    assert_eq!(keys(&body), ["biography", "id"]);
}

#[tokio::test]
async fn the_world_and_the_answers_agree_about_every_post() {
    let probe = Probe::small();
    let fields = "id,caption,media_type,media_product_type,timestamp,permalink,shortcode,like_count,comments_count,\
                  is_comment_enabled,is_shared_to_feed,media_url,thumbnail_url,username,owner{id}";
    let told = probe
        .walk(&format!("/v25.0/{ACCOUNT}/media?fields={fields}&limit=50"))
        .await;
    let truth: Vec<_> = probe.world().media(ACCOUNT).collect();
    assert_eq!(told.len(), 120);
    for (told, truth) in told.iter().zip(&truth) {
        assert_eq!(told["id"], truth.id());
        assert_eq!(
            told.get("caption").and_then(Value::as_str),
            truth.caption().as_deref()
        );
        assert_eq!(told["media_type"], truth.media_type().as_str());
        assert_eq!(
            told["media_product_type"],
            truth.media_product_type().as_str()
        );
        assert_eq!(
            told["timestamp"],
            truth
                .timestamp()
                .format("%Y-%m-%dT%H:%M:%S+0000")
                .to_string()
        );
        assert_eq!(told["comments_count"], truth.comments_count());
        assert_eq!(told.get("like_count").is_none(), truth.likes_hidden());
        assert_eq!(
            told.get("media_url").is_none(),
            truth.media_url_path().is_none()
        );
        assert_eq!(
            told.get("thumbnail_url").is_some(),
            truth.media_type() == MediaType::Video
        );
        assert_eq!(
            told.get("is_shared_to_feed").is_some(),
            truth.media_product_type() == ProductType::Reels
        );
        assert_eq!(told["owner"], json!({"id": ACCOUNT}));
    }
    assert!(
        told.iter().any(|post| post.get("media_url").is_none()),
        "some are copyrighted"
    );
    assert!(
        told.iter().any(|post| post.get("like_count").is_none()),
        "some hide their likes"
    );
    for needle in ["\u{0}", "\"", "\u{1F60D}", "שלום", "@"] {
        assert!(
            told.iter().any(|post| post["caption"]
                .as_str()
                .is_some_and(|text| text.contains(needle))),
            "{needle:?}"
        );
    }
}

#[tokio::test]
async fn hidden_likes_are_told_by_the_node_itself() {
    let probe = Probe::small();
    let hidden = probe
        .world()
        .media(ACCOUNT)
        .find(igsync_simulator::Media::likes_hidden)
        .unwrap();
    let body = probe
        .ok(&format!("/{}?fields=like_count", hidden.id()))
        .await;
    assert_eq!(body["like_count"], hidden.like_count());
}

#[tokio::test]
async fn signed_addresses_change_on_every_read_in_their_query_only() {
    let probe = Probe::small();
    let post = probe
        .world()
        .media(ACCOUNT)
        .find(|post| post.media_url_path().is_some())
        .unwrap();
    let path = format!("/{}?fields=media_url", post.id());
    let first = probe.ok(&path).await["media_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = probe.ok(&path).await["media_url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    assert_eq!(first.split('?').next(), second.split('?').next());
    assert!(first.contains(&post.media_url_path().unwrap()));
    let twice = probe
        .ok(&format!(
            "/{}?fields=media_url,media_url.as(again)",
            post.id()
        ))
        .await;
    assert_ne!(twice["media_url"], twice["again"], "also within one answer");
}

#[tokio::test]
async fn an_album_has_children_with_fewer_fields() {
    let probe = Probe::small();
    let is_album =
        |post: &igsync_simulator::Media<'_>| post.media_type() == MediaType::CarouselAlbum;
    let album = probe.world().media(ACCOUNT).find(is_album).unwrap();
    let fields = "id,caption,media_type,media_url,like_count,permalink,timestamp";
    let children = probe
        .ok(&format!("/{}/children?fields={fields}", album.id()))
        .await;
    let nested = probe
        .ok(&format!("/{}?fields=children{{id}}", album.id()))
        .await;
    assert_eq!(
        children["data"].as_array().unwrap().len(),
        album.children().count()
    );
    assert_eq!(
        crate::probe::ids(&children),
        crate::probe::ids(&nested["children"])
    );
    assert!(children.get("paging").is_none());
    for child in children["data"].as_array().unwrap() {
        assert!(child.get("caption").is_none() && child.get("like_count").is_none());
        assert_eq!(
            child.get("permalink").is_none(),
            child["media_type"] == "IMAGE"
        );
    }
    let single = probe
        .world()
        .media(ACCOUNT)
        .find(|post| !is_album(post))
        .unwrap();
    let body = probe
        .ok(&format!("/{}?fields=id,children{{id}}", single.id()))
        .await;
    assert_eq!(keys(&body), ["id"], "an empty nested edge is absent");
    assert_eq!(
        probe.get(&format!("/{}/children", single.id())).await.text,
        r#"{"data":[]}"#
    );
}

#[tokio::test(start_paused = true)]
async fn numbers_grow_and_settle() {
    let probe = Probe::small();
    let id = probe.world().publish(ACCOUNT, NewPost::default()).unwrap();
    let likes = async || {
        probe.ok(&format!("/{id}?fields=like_count")).await["like_count"]
            .as_i64()
            .unwrap()
    };
    let mut series = Vec::new();
    for _ in 0..40 {
        series.push(likes().await);
        tokio::time::advance(TimeDelta::days(2).to_std().unwrap()).await;
    }
    assert_eq!(series[0], 0);
    assert!(
        series.is_sorted() && series[5] > 0 && series[31] == series[39],
        "{series:?}"
    );
    probe.world().add_likes(&id, 1_000);
    assert_eq!(likes().await, series[39] + 1_000);
}

#[tokio::test]
async fn scripted_edits_show_at_once() {
    let probe = Probe::small();
    let world = probe.world();
    let first = world.media(ACCOUNT).next().unwrap().id();
    world.edit_caption(&first, Some("New words"));
    assert_eq!(
        probe.ok(&format!("/{first}?fields=caption")).await["caption"],
        "New words"
    );
    let published = world
        .publish(
            ACCOUNT,
            NewPost {
                children: 3,
                ..NewPost::default()
            },
        )
        .unwrap();
    let listed = probe.ids(&format!("/{ACCOUNT}/media?limit=2")).await;
    assert_eq!(listed, [published.clone(), first.clone()]);
    assert_eq!(probe.ids(&format!("/{published}/children")).await.len(), 3);
    world.delete_media(&first);
    let listed = probe.ids(&format!("/{ACCOUNT}/media?limit=100")).await;
    assert!(!listed.contains(&first));
    assert_eq!(probe.refused(&format!("/{first}")).await.subcode, Some(33));
    world.rename_account(ACCOUNT, "another.name");
    assert_eq!(
        probe.ok(&format!("/{ACCOUNT}?fields=username")).await["username"],
        "another.name"
    );
    assert!(
        world
            .media(ACCOUNT)
            .any(|post| post.id() == first && post.is_deleted()),
        "the oracle still knows it"
    );
}

#[tokio::test]
async fn hidden_shares_are_told_to_nobody() {
    let probe = Probe::demo();
    let is_hidden = |post: &igsync_simulator::Media<'_>| post.shares_hidden() && !post.is_deleted();
    let hidden = probe.world().media(BAKERY).find(is_hidden).unwrap().id();
    let path = format!("/{hidden}?fields=reposts_count,shares_count,saved_count");
    assert_eq!(keys(&probe.ok(&path).await), ["id", "saved_count"]);
    let path = format!("/{BAKERY}/media?limit=100&fields=reposts_count,shares_count");
    let told = probe.walk(&path).await;
    let (bare, full): (Vec<_>, Vec<_>) = told.iter().partition(|post| post["id"] == *hidden);
    assert_eq!(keys(bare[0]), ["id"]);
    assert!(full.iter().any(|post| keys(post).len() == 3));
}
