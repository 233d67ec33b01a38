//! Rows about other people, and rows of what has passed.

use igsync_simulator::{AccountSpec, MediaType, PageSpec, ProductType, Tables, WorldSpec};
use serde_json::json;

use crate::oracle::{DAY, differences};
use crate::probe::{ACCOUNT, BAKERY, Probe, ids};

#[tokio::test(start_paused = true)]
async fn messages_that_once_had_details_may_stay_and_are_checked() {
    let probe = Probe::demo();
    let world = probe.world();
    let talk = |conversation: usize| {
        let conversation = world.conversations(BAKERY).nth(conversation).unwrap();
        let messages = conversation.messages();
        messages
            .map(|message| (message.id(), message.text(), message.has_details()))
            .collect::<Vec<_>>()
    };
    let before: Vec<_> = (0..4).map(talk).collect();
    tokio::time::advance(30 * DAY).await;
    let grown = (0..4).find(|nth| talk(*nth).len() > before[*nth].len());
    let nth = grown.unwrap();
    let now = talk(nth);
    let has_details = |id: &String| now.iter().any(|(known, _, told)| known == id && *told);
    let (id, text, _) = before[nth]
        .iter()
        .find(|(id, _, told)| *told && !has_details(id))
        .unwrap();
    let required = world.expected(&["messages"]);
    assert!(!required.rows["messages"].contains_key(id));
    let right = json!({ "message": text });
    assert_eq!(differences(&probe, "messages", id, &right), [""; 0]);
    let wrong = json!({ "message": "made up" });
    let sentence = format!("messages {id}: message is \"made up\", in the world it is \"{text}\"");
    assert_eq!(differences(&probe, "messages", id, &wrong), [sentence]);
    let (never, text, _) = before[nth].last().unwrap();
    let sentence = format!("messages {never}: is not in the world");
    let row = json!({ "message": text });
    assert_eq!(differences(&probe, "messages", never, &row), [sentence]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_became_quiet_may_stay_with_their_messages() {
    let mut spec = WorldSpec::small(1);
    spec.pages[0].account = Some(AccountSpec {
        conversations: 90,
        messages_per_conversation: 20,
        requests_per_mille: 500,
        ..AccountSpec::numbered(1)
    });
    let probe = Probe::of(spec);
    let world = probe.world();
    let tables = ["conversations", "messages"];
    let before = world.expected(&tables).rows;
    tokio::time::advance(40 * DAY).await;
    let now = world.expected(&tables);
    let (quiet, row) = before["conversations"]
        .iter()
        .find(|(id, _)| !now.rows["conversations"].contains_key(*id))
        .unwrap();
    assert_eq!(
        differences(&probe, "conversations", quiet, &json!(row)),
        [""; 0]
    );
    let wrong = json!({ "updated_time": "2026-10-05T08:00:00Z" });
    assert_eq!(differences(&probe, "conversations", quiet, &wrong).len(), 1);
    let (id, row) = before["messages"]
        .iter()
        .find(|(_, row)| row["conversation_id"] == *quiet)
        .unwrap();
    assert!(!now.rows["messages"].contains_key(id));
    assert_eq!(differences(&probe, "messages", id, &json!(row)), [""; 0]);
    let wrong = json!({ "message": "made up" });
    assert_eq!(differences(&probe, "messages", id, &wrong).len(), 1);
}

#[tokio::test]
async fn the_posts_of_a_list_with_an_end_are_those_that_it_shows() {
    let mut spec = WorldSpec::single_account(3, 300);
    spec.media_list_cap = 120;
    let account = spec.pages[0].account.as_mut().unwrap();
    account.deleted_per_mille = 300;
    account.lives_per_mille = 100;
    let probe = Probe::of(spec);
    let path = format!("/{ACCOUNT}/media?limit=100&fields=id");
    let mut listed = ids(&json!({ "data": probe.walk(&path).await }));
    listed.sort();
    let expected = probe.world().expected(&["media"]);
    let rows: Vec<_> = expected.rows["media"].keys().cloned().collect();
    assert_eq!((rows.len(), &rows), (120, &listed));
    let beyond = probe
        .world()
        .media(ACCOUNT)
        .filter(|post| !post.is_deleted())
        .nth(120)
        .unwrap()
        .id();
    let row = json!({ "id": beyond });
    assert_eq!(differences(&probe, "media", &beyond, &row), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn media_of_hashtags_are_required_as_the_latest_reading_told_them() {
    let probe = Probe::demo();
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough");
    let hashtag = ids(&probe.ok(&search).await).remove(0);
    let path = format!("/{hashtag}/recent_media?user_id={BAKERY}&limit=7");
    let expected = |probe: &Probe| {
        let expected = probe.simulator.expected(&["hashtag_media"]);
        let keys = expected.rows["hashtag_media"].keys().cloned();
        keys.collect::<std::collections::BTreeSet<String>>()
    };
    let keys = |found: &[String]| {
        let keys = found.iter().map(|id| format!("{hashtag}/recent/{id}"));
        keys.collect::<std::collections::BTreeSet<String>>()
    };
    assert!(expected(&probe).is_empty());
    let first = probe.ok(&path).await;
    assert_eq!(expected(&probe), keys(&ids(&first)));
    let cursor = first["paging"]["cursors"]["after"].as_str().unwrap();
    tokio::time::advance(DAY / 24).await;
    let second = probe.ids(&format!("{path}&after={cursor}")).await;
    let mut both = ids(&first);
    both.extend(second);
    assert_eq!(expected(&probe), keys(&both), "page by page");
    tokio::time::advance(2 * DAY).await;
    let later = probe.ids(&path).await;
    assert_eq!(
        expected(&probe),
        keys(&later),
        "from the first page on again"
    );
    let earlier = format!("{hashtag}/recent/{}", both[0]);
    let row = json!({ "hashtag_id": hashtag, "id": both[0] });
    assert_eq!(
        differences(&probe, "hashtag_media", &earlier, &row),
        [""; 0]
    );
    let many = json!({ "comments_count": 1_000_000 });
    assert_eq!(
        differences(&probe, "hashtag_media", &earlier, &many).len(),
        1
    );
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=trailrunning");
    let other = ids(&probe.ok(&search).await).remove(0);
    let post = probe.world().media(BAKERY).next().unwrap().id();
    for key in [
        format!("{other}/recent/{}", later[0]),
        format!("{hashtag}/latest/{}", later[0]),
        format!("{hashtag}/recent/{post}"),
    ] {
        let sentence = format!("hashtag_media {key}: is not in the world");
        assert_eq!(
            differences(&probe, "hashtag_media", &key, &json!({})),
            [sentence]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn searched_hashtags_count_for_a_week() {
    let probe = Probe::demo();
    let recent = format!("/{BAKERY}/recently_searched_hashtags");
    let search = |name: &str| format!("/ig_hashtag_search?user_id={BAKERY}&q={name}");
    let expected = |probe: &Probe| {
        let expected = probe.simulator.expected(&["recently_searched_hashtags"]);
        let rows = expected.rows["recently_searched_hashtags"].values();
        let mut ids: Vec<_> = rows
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let told = async || {
        let mut ids = probe.ids(&recent).await;
        ids.sort();
        ids
    };
    let first = ids(&probe.ok(&search("sourdough")).await).remove(0);
    tokio::time::advance(4 * DAY).await;
    probe.ok(&search("smallmuseums")).await;
    probe
        .ok(&format!("/{first}/top_media?user_id={BAKERY}"))
        .await;
    assert_eq!(
        (expected(&probe).len(), expected(&probe)),
        (2, told().await)
    );
    tokio::time::advance(4 * DAY).await;
    assert_eq!(
        (expected(&probe).len(), expected(&probe)),
        (1, told().await)
    );
}

#[tokio::test(start_paused = true)]
async fn broadcasts_and_stories_may_stay_after_their_end() {
    let mut spec = WorldSpec::demo(3);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.lives_per_mille = 300;
    let probe = Probe::of(spec);
    let world = probe.world();
    while world.expected(&["live_media"]).rows["live_media"].is_empty() {
        tokio::time::advance(DAY / 48).await;
    }
    let shown = world.expected(&["live_media", "stories"]).rows;
    tokio::time::advance(2 * DAY).await;
    let expected = world.expected(&["live_media", "stories"]);
    for table in ["live_media", "stories"] {
        for key in shown[table].keys() {
            assert!(!expected.rows[table].contains_key(key), "{table} {key}");
        }
        let (key, row) = shown[table].first_key_value().unwrap();
        let mut row = json!(row);
        assert_eq!(differences(&probe, table, key, &row), [""; 0]);
        row["shortcode"] = json!("D");
        assert_eq!(differences(&probe, table, key, &row).len(), 1);
    }
    let photo = world
        .media(BAKERY)
        .find(|post| post.thumbnail_url_path().is_none());
    let photo = photo.unwrap().id();
    assert_eq!(
        differences(&probe, "live_media", &photo, &json!({})).len(),
        1
    );
}

#[tokio::test]
async fn a_broadcast_that_ended_before_the_start_was_never_seen() {
    let account = AccountSpec {
        history_days: 2,
        videos_per_mille: 0,
        lives_per_mille: 300,
        ..AccountSpec::numbered(1)
    };
    let mut spec = WorldSpec::small(1);
    spec.pages = vec![PageSpec::numbered(1, Some(account))];
    let probe = Probe::of(spec);
    let world = probe.world();
    let is_video = |post: &igsync_simulator::Media<'_>| {
        post.media_type() == MediaType::Video && post.media_product_type() == ProductType::Feed
    };
    let since = world.now() - chrono::TimeDelta::hours(20);
    let until = world.now() - chrono::TimeDelta::hours(2);
    let ended = world
        .media(ACCOUNT)
        .find(|post| is_video(post) && (since..until).contains(&post.timestamp()));
    let ended = ended.unwrap().id();
    assert_eq!(
        differences(&probe, "media", &ended, &json!({"id": ended})),
        [""; 0]
    );
    let sentence = format!("live_media {ended}: is not in the world");
    assert_eq!(
        differences(&probe, "live_media", &ended, &json!({"id": ended})),
        [sentence]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_gone_before_the_start_could_never_be_read() {
    let mut spec = WorldSpec::demo(3);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.deleted_per_mille = 300;
    let probe = Probe::of(spec);
    let world = probe.world();
    let gone = world
        .media(BAKERY)
        .find(igsync_simulator::Media::is_deleted);
    let gone = gone.unwrap().id();
    let row = json!({ "id": gone, "deleted_at": "2026-10-05T08:00:00Z" });
    let sentence = format!("media {gone}: is not in the world");
    assert_eq!(differences(&probe, "media", &gone, &row), [sentence]);
    let post = world.media(BAKERY).find(|post| !post.is_deleted());
    let post = post.unwrap().id();
    tokio::time::advance(DAY).await;
    world.delete_media(&post);
    let row = json!({ "id": post, "deleted_at": "2026-10-06T08:00:00Z" });
    assert_eq!(differences(&probe, "media", &post, &row), [""; 0]);
    let counted = json!({ "like_count": 1_000_000_000 });
    assert_eq!(
        differences(&probe, "media_current", &post, &counted).len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn the_publishing_quota_is_that_of_when_it_was_read() {
    let probe = Probe::demo();
    let world = probe.world();
    let path = format!("/{BAKERY}/content_publishing_limit");
    let used = async || probe.ok(&path).await["data"][0]["quota_usage"].clone();
    let before = used().await;
    let read_at = world.now().to_rfc3339();
    tokio::time::advance(DAY / 24).await;
    for _ in 0..3 {
        world.publish(BAKERY, igsync_simulator::NewPost::default());
    }
    tokio::time::advance(DAY / 24).await;
    assert_ne!(before, used().await);
    let expected = world.expected(&["publishing_limit"]);
    let check = |observed_at: Option<&str>| {
        let row = json!({ "quota_usage": before, "observed_at": observed_at });
        let held: Tables =
            serde_json::from_value(json!({"publishing_limit": {BAKERY: row}})).unwrap();
        let differences = expected.compare(&held).differences;
        differences
            .iter()
            .filter(|line| line.contains(BAKERY))
            .count()
    };
    assert_eq!(check(Some(&read_at)), 0);
    assert_eq!(check(Some(&world.now().to_rfc3339())), 1);
    assert_eq!(check(None), 1);
}

#[tokio::test]
async fn nothing_was_read_before_the_start_after_now_or_at_no_instant() {
    let probe = Probe::demo();
    let now = crate::oracle::instant(probe.world().now());
    let check = |observed_at: &str| {
        let row = json!({ "quota_usage": 0, "observed_at": observed_at });
        differences(&probe, "publishing_limit", BAKERY, &row)
    };
    let begin = format!("publishing_limit {BAKERY}: observed_at is");
    for at in ["2020-01-01T00:00:00Z", "2036-01-01T00:00:00Z"] {
        let sentence = format!("{begin} \"{at}\", which is before the start or after now, {now}");
        assert_eq!(check(at), [sentence]);
    }
    let sentence = format!("{begin} \"at noon\", which is no instant");
    assert_eq!(check("at noon"), [sentence]);
}
