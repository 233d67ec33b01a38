//! Hashtags and Business Discovery.

use std::time::Duration;

use igsync_simulator::{Fault, HashtagSpec, Match, WorldSpec};
use serde_json::json;

use crate::probe::{BAKERY, Probe, TOKEN, ids, keys};

#[tokio::test]
async fn a_hashtag_is_resolved_and_its_cursor_never_changes() {
    let probe = Probe::demo();
    let found = probe
        .ok(&format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough"))
        .await;
    let hashtag = ids(&found)[0].clone();
    assert_eq!(
        probe.ok(&format!("/{hashtag}?fields=id,name")).await["name"],
        "sourdough"
    );
    let path = format!(
        "/{hashtag}/recent_media?user_id={BAKERY}&fields=id,caption,media_type,timestamp,like_count&limit=15"
    );
    let mut seen: Vec<String> = Vec::new();
    let mut page = probe.ok(&path).await;
    let cursor = page["paging"]["cursors"]["after"]
        .as_str()
        .unwrap()
        .to_owned();
    loop {
        assert_eq!(page["paging"]["cursors"], json!({"after": cursor}));
        seen.extend(ids(&page));
        if page["paging"].get("next").is_none() {
            break;
        }
        page = probe.ok(&format!("{path}&after={cursor}")).await;
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len());
    assert!(
        (30..50).contains(&seen.len()),
        "about 40 a day: {}",
        seen.len()
    );
    let top = probe
        .ok(&format!(
            "/{hashtag}/top_media?user_id={BAKERY}&fields=like_count&limit=500"
        ))
        .await;
    let likes: Vec<_> = top["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["like_count"].as_i64())
        .collect();
    assert!(likes.is_sorted_by(|left, right| left >= right));
    assert_eq!(top["data"].as_array().unwrap().len(), 50, "at most 50");
    let username = probe
        .refused(&format!(
            "/{hashtag}/top_media?user_id={BAKERY}&fields=username"
        ))
        .await;
    assert_eq!(
        username.message,
        "(#100) Tried accessing nonexisting field (username)"
    );
    assert_eq!(
        probe
            .refused(&format!("/{hashtag}/top_media?fields=id"))
            .await
            .message,
        "(#100) The parameter user_id is required"
    );
}

#[tokio::test]
async fn pages_of_hashtags_can_repeat_items_and_their_cursor_can_die() {
    let probe = Probe::demo();
    let hashtag = probe.world().hashtag_id("sourdough").unwrap();
    let path = format!("/{hashtag}/recent_media?user_id={BAKERY}&limit=3");
    let inject = |fault: fn(Fault) -> Fault| {
        let fault = fault(Fault::on(Match::path_contains("/recent_media")));
        probe.simulator.inject(fault);
    };
    let all = probe.ids(&path.replace("limit=3", "limit=9")).await;
    inject(Fault::item_twice);
    let first = probe.ok(&path).await;
    assert_eq!(ids(&first)[..3], all[..3]);
    assert_eq!(ids(&first)[3..], all[2..3]);
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let next = format!("{path}&after={after}");
    inject(Fault::shifted_page);
    assert_eq!(probe.ids(&next).await, all[2..5]);
    inject(Fault::dead_cursor);
    assert_eq!(probe.refused(&next).await.code, 100);
    assert_eq!(probe.ids(&next).await, all[5..8]);
}

#[tokio::test(start_paused = true)]
async fn thirty_hashtags_in_seven_days_and_no_more() {
    let mut spec = WorldSpec::demo(7);
    spec.hashtags = (0..40)
        .map(|n| HashtagSpec {
            name: format!("tag{n}"),
            posts_per_day: 3,
            sensitive: n == 39,
        })
        .collect();
    let probe = Probe::of(spec);
    let search = |n: usize| format!("/ig_hashtag_search?user_id={BAKERY}&q=tag{n}");
    for n in 0..30 {
        probe.ok(&search(n)).await;
    }
    let refusal = probe.refused(&search(30)).await;
    assert_eq!((refusal.code, refusal.subcode), (18, Some(2_207_034)));
    probe.ok(&search(5)).await;
    probe
        .ok("/ig_hashtag_search?user_id=17841400000000002&q=tag30")
        .await;
    let recent = probe
        .ids(&format!("/{BAKERY}/recently_searched_hashtags?limit=30"))
        .await;
    assert_eq!(recent.len(), 30);
    tokio::time::advance(Duration::from_secs(7 * 86_400)).await;
    probe.ok(&search(30)).await;
    let missing = probe
        .refused(&format!("/ig_hashtag_search?user_id={BAKERY}&q=nosuchtag"))
        .await;
    assert_eq!((missing.code, missing.subcode), (24, Some(2_207_024)));
    assert_eq!(
        probe.refused(&search(39)).await.code,
        1,
        "a sensitive hashtag"
    );
}

#[tokio::test]
async fn hashtags_need_the_feature() {
    for code in [10, 200] {
        let mut spec = WorldSpec::demo(7);
        spec.app.public_content_access = false;
        spec.rules.hashtag_feature_code = code;
        let refusal = Probe::of(spec)
            .refused(&format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough"))
            .await;
        assert_eq!(refusal.code, code);
    }
}

#[tokio::test]
async fn business_discovery_pages_inside_the_field() {
    let probe = Probe::demo();
    let discover = |paging: &str| {
        format!(
            "/{BAKERY}?fields=business_discovery.username(sim.account.900){{username,followers_count,media_count,media.limit(30){paging}{{id,caption,like_count,comments_count,view_count,media_product_type}}}}"
        )
    };
    let mut page = probe.ok(&discover("")).await;
    let mut seen = Vec::new();
    assert_eq!(page["id"], BAKERY);
    assert_eq!(
        keys(&page["business_discovery"]["media"]["paging"]["cursors"]),
        ["after"]
    );
    loop {
        let media = &page["business_discovery"]["media"];
        if media.is_null() {
            break;
        }
        assert!(media["paging"].get("next").is_none());
        for item in media["data"].as_array().unwrap() {
            assert_eq!(
                item.get("view_count").is_some(),
                item["media_product_type"] == "REELS"
            );
        }
        seen.extend(ids(media));
        let after = media["paging"]["cursors"]["after"]
            .as_str()
            .unwrap()
            .to_owned();
        page = probe.ok(&discover(&format!(".after({after})"))).await;
    }
    let truth: Vec<_> = probe
        .world()
        .media("17841400000000900")
        .map(|media| media.id())
        .collect();
    assert_eq!(seen, truth);
    let refusal = probe
        .refused(&format!(
            "/{BAKERY}?fields=business_discovery.username(nobody){{id}}"
        ))
        .await;
    assert_eq!(
        (refusal.status, refusal.code, refusal.subcode),
        (400, 110, Some(2_207_013))
    );
    assert_eq!(refusal.message, "Invalid user id");
    assert_eq!(
        probe
            .refused("/17841400000000900?fields=username")
            .await
            .subcode,
        Some(33),
        "only through discovery"
    );
    let pool = probe.simulator.journal()[0].pool.clone();
    assert_eq!(pool.as_deref(), Some("platform:app"));
}

#[tokio::test]
async fn names_and_quota_of_hashtags_need_permission_and_feature_like_their_media() {
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough");
    let quota = format!("/{BAKERY}/recently_searched_hashtags");
    let permitted = Probe::demo();
    let hashtag = permitted.ids(&search).await[0].clone();
    let name = format!("/{hashtag}?fields=name");
    permitted.ok(&name).await;
    permitted.ok(&quota).await;
    permitted
        .world()
        .withdraw_permission(TOKEN, "instagram_basic");
    let mut spec = WorldSpec::demo(7);
    spec.app.public_content_access = false;
    spec.rules.hashtag_feature_code = 200;
    let without_feature = Probe::of(spec);
    for question in [&name, &quota] {
        assert_eq!(permitted.refused(question).await.code, 10);
        assert_eq!(without_feature.refused(question).await.code, 200);
    }
}

#[tokio::test]
async fn a_search_can_tell_the_name_as_well() {
    let probe = Probe::demo();
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough");
    let plain = probe.ok(&search).await;
    assert_eq!(keys(&plain["data"][0]), ["id"]);
    let named = probe.ok(&format!("{search}&fields=id,name")).await;
    assert_eq!(
        named["data"],
        json!([{"id": plain["data"][0]["id"], "name": "sourdough"}])
    );
}
