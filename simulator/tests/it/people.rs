//! Stories, broadcasts, and what other people do with an account: tags, mentions, collab posts.

use std::time::Duration;

use igsync_simulator::{Rules, WorldSpec};
use serde_json::json;

use crate::probe::{BAKERY, Probe, TOKEN, ids, keys};

#[tokio::test(start_paused = true)]
async fn stories_are_shown_for_a_day_and_then_gone() {
    let probe = Probe::demo();
    let fields =
        "id,media_type,media_product_type,media_url,timestamp,permalink,username,like_count";
    let listed = probe
        .ok(&format!("/{BAKERY}/stories?fields={fields}&limit=100"))
        .await;
    let truth: Vec<_> = probe
        .world()
        .stories(BAKERY)
        .map(|story| story.id())
        .collect();
    assert_eq!(ids(&listed), truth);
    assert!(
        (3..=5).contains(&truth.len()),
        "four per day: {}",
        truth.len()
    );
    let story = &listed["data"][0];
    assert_eq!(story["media_product_type"], "STORY");
    assert!(
        story["permalink"]
            .as_str()
            .unwrap()
            .contains("/stories/kornblume.bakery/")
    );
    let media = probe.ids(&format!("/{BAKERY}/media?limit=100")).await;
    assert!(
        !media.contains(&truth[0]),
        "stories are not among the media"
    );
    let youngest = probe.world().media_by_id(&truth[0]).unwrap().timestamp();
    let age = (probe.world().now() - youngest).to_std().unwrap();
    let last_second = Duration::from_secs(86_399) - age;
    tokio::time::advance(last_second).await;
    probe.ok(&format!("/{}", truth[0])).await;
    assert!(
        probe
            .ids(&format!("/{BAKERY}/stories"))
            .await
            .contains(&truth[0])
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        probe.refused(&format!("/{}", truth[0])).await.subcode,
        Some(33)
    );
    let next_day = probe.ids(&format!("/{BAKERY}/stories?limit=100")).await;
    assert!(!next_day.is_empty() && next_day.iter().all(|id| !truth.contains(id)));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_live_media_first_and_a_post_later() {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.lives_per_mille = 400;
    (
        account.reels_per_mille,
        account.carousels_per_mille,
        account.posts_per_week,
    ) = (0, 0, 40);
    let probe = Probe::of(spec);
    let account = crate::probe::ACCOUNT;
    for _ in 0..400 {
        let live = probe.ids(&format!("/{account}/live_media")).await;
        if let Some(id) = live.first() {
            assert!(
                !probe
                    .ids(&format!("/{account}/media?limit=5"))
                    .await
                    .contains(id)
            );
            tokio::time::advance(Duration::from_secs(3600)).await;
            assert!(
                !probe
                    .ids(&format!("/{account}/live_media"))
                    .await
                    .contains(id)
            );
            assert!(
                probe
                    .ids(&format!("/{account}/media?limit=5"))
                    .await
                    .contains(id)
            );
            return;
        }
        tokio::time::advance(Duration::from_secs(1800)).await;
    }
    panic!("nothing was ever live");
}

#[tokio::test]
async fn broadcasts_and_the_quota_of_posts_can_be_narrowed_by_time() {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.posts, account.history_days, account.lives_per_mille) = (3_000, 2, 370);
    let probe = Probe::of(spec);
    let account = crate::probe::ACCOUNT;
    let live = format!("/{account}/live_media?fields=timestamp");
    let all = probe.walk(&live).await;
    assert!(all.len() > 4);
    let instant = probe.world().media_by_id(all[2]["id"].as_str().unwrap());
    let instant = instant.unwrap().timestamp().timestamp();
    assert_eq!(
        probe.walk(&format!("{live}&since={instant}")).await,
        all[..3]
    );
    assert_eq!(
        probe.walk(&format!("{live}&until={instant}")).await,
        all[2..]
    );
    let quota = async |since: i64| {
        let path = format!("/{account}/content_publishing_limit?since={since}");
        probe.ok(&path).await["data"][0]["quota_usage"].as_u64()
    };
    let now = probe.world().now().timestamp();
    let hour = probe.world().media(account);
    let hour = hour.filter(|post| post.timestamp().timestamp() >= now - 3_600);
    assert_eq!(quota(now - 3_600).await, Some(hour.count() as u64));
    assert_eq!(quota(now - 86_400).await, quota(0).await);
    assert!(quota(now - 3_600).await < quota(0).await);
    assert_eq!(quota(now + 60).await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn comments_on_a_broadcast_are_readable_only_while_it_runs() {
    let mut spec = WorldSpec::small(1);
    let account = spec.pages[0].account.as_mut().unwrap();
    (account.lives_per_mille, account.mean_comments) = (1000, 40);
    (account.reels_per_mille, account.carousels_per_mille) = (0, 0);
    account.comments_off_per_mille = 0;
    let probe = Probe::of(spec);
    let live = format!("/{}/live_media", crate::probe::ACCOUNT);
    let mut running = probe.ids(&live).await;
    while running.is_empty() {
        tokio::time::advance(Duration::from_secs(1800)).await;
        running = probe.ids(&live).await;
    }
    let media = format!("/{}", running[0]);
    let written = probe.world().media_by_id(&running[0]).unwrap().timestamp();
    let age = (probe.world().now() - written).num_seconds().unsigned_abs();
    tokio::time::advance(Duration::from_secs(3599 - age)).await;
    let comments = probe.ids(&format!("{media}/comments")).await;
    assert!(!comments.is_empty());
    probe.ok(&format!("/{}", comments[0])).await;
    let count = format!("{media}?fields=comments_count,comments{{id}}");
    let before = probe.ok(&count).await;
    assert!(before["comments"].is_object());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        probe.get(&format!("{media}/comments")).await.text,
        r#"{"data":[]}"#
    );
    assert_eq!(
        probe.refused(&format!("/{}", comments[0])).await.subcode,
        Some(33)
    );
    let after = probe.ok(&count).await;
    assert_eq!(after["comments_count"], before["comments_count"]);
    assert!(after.get("comments").is_none());
    let expected = probe.world().expected(&["comments"]);
    assert!(!expected.rows["comments"].contains_key(&comments[0]));
    assert!(
        expected.optional["comments"].contains_key(&comments[0]),
        "whoever read it in time may keep it"
    );
}

#[tokio::test]
async fn comments_on_media_of_others_are_readable_through_mentioned_comment_alone() {
    let probe = Probe::demo();
    let world = probe.world();
    let comment = world.mentioning_comments(BAKERY).next().unwrap();
    let (id, media) = (comment.id(), comment.media_id());
    for hidden in [
        format!("/{id}"),
        format!("/{id}/replies"),
        format!("/{media}/comments"),
    ] {
        assert_eq!(probe.refused(&hidden).await.subcode, Some(33), "{hidden}");
    }
    let nested =
        format!("/{BAKERY}?fields=mentioned_media.media_id({media}){{id,comments{{text}}}}");
    assert_eq!(probe.refused(&nested).await.code, 100);
    let told = probe
        .ok(&format!(
            "/{BAKERY}?fields=mentioned_comment.comment_id({id}){{id,text,timestamp,like_count,media{{id}}}}"
        ))
        .await;
    assert_eq!(told["mentioned_comment"]["text"], comment.text());
    assert_eq!(told["mentioned_comment"]["media"]["id"], media);
    for untold in ["username", "from", "hidden", "replies"] {
        let path = format!("/{BAKERY}?fields=mentioned_comment.comment_id({id}){{{untold}}}");
        assert_eq!(probe.refused(&path).await.code, 100, "{untold}");
    }
}

#[tokio::test]
async fn tags_have_cursors_alone_and_tell_public_fields_only() {
    let probe = Probe::demo();
    let path =
        format!("/{BAKERY}/tags?fields=id,username,caption,like_count,owner,saved_count&limit=10");
    let page = probe.ok(&path).await;
    assert_eq!(keys(&page["paging"]), ["cursors"]);
    let item = &page["data"][0];
    assert!(
        item["username"].is_string()
            && item.get("owner").is_none()
            && item.get("saved_count").is_none()
    );
    let told = probe.walk(&path).await;
    let truth: Vec<_> = probe
        .world()
        .tagged_media(BAKERY)
        .map(|media| media.id())
        .collect();
    assert_eq!(
        told.iter()
            .map(|item| item["id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        truth
    );
    assert_eq!(
        probe.refused(&format!("/{}", truth[0])).await.subcode,
        Some(33),
        "not ours to read"
    );
    probe
        .world()
        .withdraw_permission(TOKEN, "instagram_manage_comments");
    assert_eq!(
        probe.refused(&path).await.message,
        "(#10) Application does not have permission for this action"
    );
}

#[tokio::test]
async fn mentions_are_read_by_the_ids_that_webhooks_tell() {
    let probe = Probe::demo();
    let media = probe.world().mentioned_media(BAKERY).next().unwrap();
    let body = probe.ok(&format!("/{BAKERY}?fields=mentioned_media.media_id({}){{caption,media_type,timestamp,username}}", media.id())).await;
    assert_eq!(body["mentioned_media"]["id"], media.id());
    assert!(
        body["mentioned_media"]["caption"]
            .as_str()
            .unwrap()
            .contains("kornblume.bakery")
    );
    let comment = probe.world().mentioning_comments(BAKERY).next().unwrap();
    let body = probe.ok(&format!("/{BAKERY}?fields=mentioned_comment.comment_id({}){{id,text,timestamp,like_count,media{{id,media_url}}}}", comment.id())).await;
    assert_eq!(body["mentioned_comment"]["text"], comment.text());
    assert_eq!(body["mentioned_comment"]["media"]["id"], comment.media_id());
    let other = probe
        .refused(&format!(
            "/17841400000000002?fields=mentioned_media.media_id({}){{id}}",
            media.id()
        ))
        .await;
    assert_eq!(other.subcode, Some(33));
}

#[tokio::test]
async fn collab_posts_of_others_tell_basic_fields() {
    let probe = Probe::demo();
    let fields = "id,caption,media_type,permalink,timestamp,username,saved_count";
    let told = probe
        .walk(&format!("/{BAKERY}/collaborative_media?fields={fields}"))
        .await;
    assert_eq!(
        told.len(),
        probe.world().collaborative_media(BAKERY).count()
    );
    assert!(!told.is_empty());
    assert_eq!(
        probe
            .refused(&format!(
                "/{BAKERY}/collaborative_media?fields=shares_count"
            ))
            .await
            .code,
        100
    );
    let rules = Rules {
        collaborative_media_basic_fields_only: false,
        ..Rules::default()
    };
    let generous = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::demo(7)
    });
    let path = format!("/{BAKERY}/collaborative_media?fields=");
    generous.ok(&format!("{path}shares_count")).await;
    for unlisted in ["alt_text", "owner", "is_comment_enabled"] {
        assert_eq!(
            generous.refused(&format!("{path}{unlisted}")).await.code,
            100
        );
    }
    let own = probe
        .world()
        .media(BAKERY)
        .find(|post| !post.collaborators().is_empty())
        .unwrap();
    let listed = probe.ok(&format!("/{}/collaborators", own.id())).await;
    assert_eq!(
        listed["data"].as_array().unwrap().len(),
        own.collaborators().len()
    );
    assert!(matches!(
        listed["data"][0]["invite_status"].as_str(),
        Some("Accepted" | "Pending")
    ));
}

#[tokio::test]
async fn one_collab_post_is_looked_up_by_its_id() {
    let probe = Probe::demo();
    let id = probe
        .world()
        .collaborative_media(BAKERY)
        .next()
        .unwrap()
        .id();
    let search = |id: &str| {
        format!("/{BAKERY}?fields=collaborative_media_search.media_id({id}){{id,caption,username}}")
    };
    let listed = format!("/{BAKERY}/collaborative_media?fields=id,caption,username");
    let told = probe.ok(&search(&id)).await;
    assert_eq!(
        told,
        json!({
            "collaborative_media_search": probe.ok(&listed).await["data"][0],
            "id": BAKERY,
        })
    );
    let own = probe.world().media(BAKERY).next().unwrap().id();
    let mention = probe.world().mentioned_media(BAKERY).next().unwrap().id();
    for other in [own, mention] {
        let refused = probe.refused(&search(&other)).await;
        assert_eq!((refused.code, refused.subcode), (100, Some(33)));
    }
    let path = format!("/{BAKERY}?fields=collaborative_media_search{{id}}");
    assert_eq!(probe.refused(&path).await.code, 100, "whose?");
    probe.world().withdraw_permission(TOKEN, "instagram_basic");
    assert_eq!(probe.refused(&search(&id)).await.code, 10);
}

#[tokio::test]
async fn invites_are_told_ten_at_a_time_and_their_posts_not_at_all() {
    let mut spec = WorldSpec::demo(7);
    spec.pages[0].account.as_mut().unwrap().invites = 23;
    let probe = Probe::of(spec);
    let path = format!("/{BAKERY}/collaboration_invites");
    let page = probe.ok(&path).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 10);
    assert_eq!(keys(&page["paging"]), ["cursors", "next"]);
    let all = probe.walk(&format!("{path}?limit=7")).await;
    let told: Vec<_> = all
        .iter()
        .map(|invite| invite["media_id"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = probe
        .world()
        .invites(BAKERY)
        .map(|media| media.id())
        .collect();
    assert_eq!(told, expected);
    let complete = all.iter().find(|invite| keys(invite).len() == 4).unwrap();
    assert_eq!(
        keys(complete),
        ["caption", "media_id", "media_owner_username", "media_url"]
    );
    let search = format!(
        "/{BAKERY}?fields=collaborative_media_search.media_id({})",
        told[0]
    );
    for path in [search, format!("/{}", told[0])] {
        assert_eq!(probe.refused(&path).await.subcode, Some(33), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn collaboration_invites_are_empty_and_can_be_read_300_times_a_day() {
    let probe = Probe::demo();
    let path = format!("/{BAKERY}/collaboration_invites");
    for _ in 0..300 {
        assert_eq!(probe.get(&path).await.text, r#"{"data":[]}"#);
    }
    let refused = probe.refused(&path).await;
    assert_eq!((refused.status, refused.code), (400, 613));
    tokio::time::advance(Duration::from_secs(86_400)).await;
    probe.ok(&path).await;
    let made_up = probe.refused(&format!("{path}?after=bWFkZSB1cA")).await;
    assert_eq!(made_up.code, 100);
    probe.world().withdraw_permission(TOKEN, "instagram_basic");
    assert_eq!(probe.refused(&path).await.code, 10);
}
