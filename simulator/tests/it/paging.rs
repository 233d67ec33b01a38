//! How lists page.

use igsync_simulator::{NewPost, Rules, WorldSpec};
use serde_json::json;

use crate::probe::{ACCOUNT, Probe, TOKEN, ids, keys};

#[tokio::test]
async fn next_contains_the_token_the_parameters_and_the_cursor() {
    let probe = Probe::small();
    let body = probe
        .ok(&format!("/v25.0/{ACCOUNT}/media?fields=id,caption&limit=2"))
        .await;
    let after = body["paging"]["cursors"]["after"].as_str().unwrap();
    assert!(after.starts_with("QVFI"));
    let next = body["paging"]["next"].as_str().unwrap();
    let expected = format!(
        "https://graph.facebook.com/v25.0/{ACCOUNT}/media?fields=id%2Ccaption&limit=2&access_token={TOKEN}&after="
    );
    assert!(next.starts_with(&expected), "{next}");
    assert_eq!(
        probe
            .ids(next.strip_prefix("https://graph.facebook.com").unwrap())
            .await
            .len(),
        2
    );
    assert!(
        body["paging"].get("previous").is_none(),
        "no page before the first"
    );
}

#[tokio::test]
async fn the_last_page_keeps_after_and_has_no_next() {
    let probe = Probe::small();
    let mut page = probe.ok(&format!("/{ACCOUNT}/media?limit=50")).await;
    let mut sizes = Vec::new();
    loop {
        sizes.push(page["data"].as_array().unwrap().len());
        let after = page["paging"]["cursors"]["after"]
            .as_str()
            .unwrap()
            .to_owned();
        if page["paging"].get("next").is_none() {
            let beyond = probe
                .get(&format!("/{ACCOUNT}/media?limit=50&after={after}"))
                .await;
            assert_eq!(beyond.text, r#"{"data":[]}"#);
            break;
        }
        page = probe
            .ok(&format!("/{ACCOUNT}/media?limit=50&after={after}"))
            .await;
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert!(page["paging"].get("previous").is_some());
    let rules = Rules {
        last_page_has_after: false,
        ..Rules::default()
    };
    let other = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    let last = other
        .ok(&format!(
            "/{ACCOUNT}/media?limit=50&after={}",
            page["paging"]["cursors"]["before"].as_str().unwrap()
        ))
        .await;
    assert_eq!(keys(&last["paging"]["cursors"]), ["before"]);
}

#[tokio::test]
async fn before_leads_back() {
    let probe = Probe::small();
    let all = probe.ids(&format!("/{ACCOUNT}/media?limit=100")).await;
    let second = probe
        .ok(&format!(
            "/{ACCOUNT}/media?limit=10&after={}",
            cursor_after(&probe, 10).await
        ))
        .await;
    assert_eq!(ids(&second), all[10..20]);
    let before = second["paging"]["cursors"]["before"].as_str().unwrap();
    assert_eq!(
        probe
            .ids(&format!("/{ACCOUNT}/media?limit=10&before={before}"))
            .await,
        all[..10]
    );
}

#[tokio::test]
async fn a_limit_beyond_the_maximum_is_lowered_silently() {
    let probe = Probe::small();
    assert_eq!(
        probe
            .ids(&format!("/{ACCOUNT}/media?limit=5000"))
            .await
            .len(),
        100
    );
    assert_eq!(probe.ids(&format!("/{ACCOUNT}/media")).await.len(), 25);
}

#[tokio::test]
async fn since_and_until_narrow_the_list() {
    let probe = Probe::small();
    let posts: Vec<_> = probe.world().media(ACCOUNT).collect();
    let (until, since) = (
        posts[10].timestamp().timestamp(),
        posts[20].timestamp().timestamp(),
    );
    let listed = probe
        .ids(&format!(
            "/{ACCOUNT}/media?limit=100&since={since}&until={until}"
        ))
        .await;
    let expected: Vec<_> = posts[10..=20]
        .iter()
        .map(igsync_simulator::Media::id)
        .collect();
    assert_eq!(listed, expected);
    let by_date = probe
        .ok(&format!(
            "/{ACCOUNT}/media?since=2009-01-01&until=2009-02-01"
        ))
        .await;
    assert_eq!(by_date, json!({"data": []}));
    let rules = Rules {
        media_range_inclusive: false,
        ..Rules::default()
    };
    let exclusive = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    let listed = exclusive
        .ids(&format!(
            "/{ACCOUNT}/media?limit=100&since={since}&until={until}"
        ))
        .await;
    assert_eq!(listed, expected[1..10]);
}

#[tokio::test]
async fn only_the_most_recent_posts_are_listed() {
    let mut spec = WorldSpec::single_account(3, 300);
    spec.media_list_cap = 120;
    let probe = Probe::of(spec);
    assert_eq!(
        probe
            .walk(&format!("/{ACCOUNT}/media?limit=100"))
            .await
            .len(),
        120
    );
    assert_eq!(
        probe.ok(&format!("/{ACCOUNT}?fields=media_count")).await["media_count"],
        300
    );
}

#[tokio::test]
async fn deleted_posts_make_room_for_older_ones() {
    let mut spec = WorldSpec::single_account(3, 300);
    spec.media_list_cap = 120;
    spec.pages[0].account.as_mut().unwrap().deleted_per_mille = 300;
    let probe = Probe::of(spec.clone());
    let visible: Vec<String> = probe
        .world()
        .media(ACCOUNT)
        .filter(|post| !post.is_deleted())
        .map(|post| post.id())
        .collect();
    assert!((120..300).contains(&visible.len()));
    let walk = async |probe: &Probe| -> Vec<String> {
        let path = format!("/{ACCOUNT}/media?limit=100&fields=id");
        ids(&json!({ "data": probe.walk(&path).await }))
    };
    assert_eq!(walk(&probe).await, visible[..120]);
    probe.world().delete_media(&visible[5]);
    probe.world().delete_media(&visible[120]);
    let listed = walk(&probe).await;
    assert_eq!((listed.len(), &listed[119]), (120, &visible[121]));
    // The same where nothing is ever deleted but by hand.
    spec.pages[0].account.as_mut().unwrap().deleted_per_mille = 0;
    let probe = Probe::of(spec);
    let before = walk(&probe).await;
    probe.world().delete_media(&before[0]);
    let after = walk(&probe).await;
    assert_eq!((after.len(), &after[..119]), (120, &before[1..]));
}

#[tokio::test]
async fn a_post_published_while_paging_does_not_disturb_the_cursors() {
    let probe = Probe::small();
    let all = probe.ids(&format!("/{ACCOUNT}/media?limit=100")).await;
    let after = cursor_after(&probe, 10).await;
    probe.world().publish(ACCOUNT, NewPost::default()).unwrap();
    assert_eq!(
        probe
            .ids(&format!("/{ACCOUNT}/media?limit=10&after={after}"))
            .await,
        all[10..20]
    );
}

#[tokio::test]
async fn a_cursor_dies_with_its_item_and_works_on_its_own_edge_only() {
    let probe = Probe::small();
    let after = cursor_after(&probe, 10).await;
    let tenth = probe.ids(&format!("/{ACCOUNT}/media?limit=10")).await[9].clone();
    probe.world().delete_media(&tenth);
    let path = format!("/{ACCOUNT}/media?limit=10&after={after}");
    let refusal = probe.refused(&path).await;
    assert_eq!((refusal.status, refusal.code), (400, 100));
    assert!(
        refusal.message.contains("After Cursor"),
        "{}",
        refusal.message
    );
    assert_eq!(
        probe
            .refused(&format!("/me/accounts?after={after}"))
            .await
            .code,
        100
    );
    let rules = Rules {
        cursors_die_with_their_item: false,
        ..Rules::default()
    };
    let lenient = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    lenient.world().delete_media(&tenth);
    assert_eq!(lenient.ids(&path).await.len(), 10);
}

#[tokio::test]
async fn pages_may_be_short_or_empty_and_still_have_a_next() {
    let rules = Rules {
        empty_page_every: 2,
        filtered_per_hundred: 30,
        ..Rules::default()
    };
    let probe = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    let mut sizes = Vec::new();
    let mut page = probe.ok(&format!("/{ACCOUNT}/media?limit=10")).await;
    while let Some(after) = page["paging"]["next"]
        .as_str()
        .and(page["paging"]["cursors"]["after"].as_str())
    {
        sizes.push(page["data"].as_array().unwrap().len());
        page = probe
            .ok(&format!("/{ACCOUNT}/media?limit=10&after={after}"))
            .await;
    }
    assert!(sizes.contains(&0), "{sizes:?}");
    assert!(sizes.iter().any(|size| (1..10).contains(size)), "{sizes:?}");
    assert!(sizes.len() > 12, "{sizes:?}");
}

#[tokio::test]
async fn comments_page_with_after_alone_and_are_silent_at_the_end() {
    let probe = Probe::small();
    let post = probe
        .world()
        .media(ACCOUNT)
        .max_by_key(|post| post.comments().count())
        .unwrap();
    let total = post.comments().count();
    assert!(total > 4);
    let first = probe.ok(&format!("/{}/comments?limit=3", post.id())).await;
    assert_eq!(keys(&first["paging"]["cursors"]), ["after"]);
    assert!(first["paging"]["next"].is_string());
    assert_eq!(keys(&first["data"][0]), ["id", "text", "timestamp"]);
    let all = probe.ok(&format!("/{}/comments?limit=50", post.id())).await;
    assert!(all.get("paging").is_none());
    let truth: Vec<_> = probe
        .world()
        .comments(&post.id())
        .map(|comment| comment.id())
        .collect();
    assert_eq!(ids(&all), truth, "newest first");
    let nested = probe
        .ok(&format!("/{}?fields=comments.limit(3){{id}}", post.id()))
        .await;
    assert_eq!(
        keys(&nested["comments"]["paging"]),
        ["cursors"],
        "no next inside fields"
    );
}

#[tokio::test]
async fn nested_lists_carry_cursors_that_work_on_the_edge_itself() {
    let probe = Probe::small();
    let nested = probe
        .ok(&format!("/{ACCOUNT}?fields=username,media.limit(5){{id}}"))
        .await;
    assert_eq!(keys(&nested["media"]["paging"]), ["cursors"]);
    let after = nested["media"]["paging"]["cursors"]["after"]
        .as_str()
        .unwrap();
    let all = probe.ids(&format!("/{ACCOUNT}/media?limit=10")).await;
    assert_eq!(
        probe
            .ids(&format!("/{ACCOUNT}/media?limit=5&after={after}"))
            .await,
        all[5..10]
    );
    let inside = probe
        .ok(&format!(
            "/{ACCOUNT}?fields=media.limit(5).after({after}){{id}}"
        ))
        .await;
    assert_eq!(ids(&inside["media"]), all[5..10]);
}

#[tokio::test]
async fn replies_hang_below_their_comment() {
    let probe = Probe::small();
    let posts = probe.world().media(ACCOUNT).collect::<Vec<_>>();
    let comment = posts
        .iter()
        .flat_map(igsync_simulator::Media::comments)
        .find(|comment| comment.replies().count() > 1)
        .unwrap();
    let fields =
        "id,text,username,from,like_count,hidden,media{id},parent_id,replies{id,parent_id}";
    let body = probe
        .ok(&format!("/{}?fields={fields}", comment.id()))
        .await;
    assert!(body.get("parent_id").is_none());
    assert_eq!(body["media"]["id"], comment.media_id());
    let edge = probe.ids(&format!("/{}/replies", comment.id())).await;
    assert_eq!(ids(&body["replies"]), edge);
    assert_eq!(body["replies"]["data"][0]["parent_id"], comment.id());
    let deleted = edge[0].clone();
    probe.world().delete_comment(&deleted);
    assert_eq!(
        probe.ids(&format!("/{}/replies", comment.id())).await,
        edge[1..]
    );
}

async fn cursor_after(probe: &Probe, items: usize) -> String {
    let page = probe.ok(&format!("/{ACCOUNT}/media?limit={items}")).await;
    page["paging"]["cursors"]["after"]
        .as_str()
        .unwrap()
        .to_owned()
}
