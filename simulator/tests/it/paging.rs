//! How lists page.

use std::time::Duration;

use igsync_simulator::{NewPost, Rules, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, BAKERY, Probe, TOKEN, ids, keys};

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
async fn edits_and_deletions_while_paging_show_on_the_pages_that_follow() {
    let probe = Probe::small();
    let world = probe.world();
    let path = format!("/{ACCOUNT}/media?limit=10&fields=id,caption");
    let all = probe.ids(&format!("/{ACCOUNT}/media?limit=30")).await;
    let after = cursor_after(&probe, 10).await;
    world.edit_caption(&all[10], Some("edited"));
    world.delete_media(&all[11]);
    world.delete_media(&all[3]);
    world.publish(ACCOUNT, NewPost::default()).unwrap();
    let page = probe.ok(&format!("{path}&after={after}")).await;
    assert_eq!(page["data"][0]["caption"], "edited");
    let mut expected = all[10..21].to_vec();
    expected.remove(1);
    assert_eq!(ids(&page), expected);
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

#[tokio::test]
async fn a_list_ends_after_ten_thousand_posts() {
    let probe = Probe::of(WorldSpec::single_account(1, 10_020));
    let all = probe.walk(&format!("/{ACCOUNT}/media?limit=100")).await;
    let told = ids(&json!({ "data": all }));
    let newest: Vec<String> = probe
        .world()
        .media(ACCOUNT)
        .map(|post| post.id())
        .take(10_000)
        .collect();
    assert_eq!(told, newest);
    let oldest = probe.world().media(ACCOUNT).last().unwrap().id();
    probe.ok(&format!("/{oldest}?fields=caption")).await;
}

#[tokio::test]
async fn arguments_of_nested_edges_are_those_of_the_edge() {
    let probe = Probe::demo();
    let edge = |question: &str| format!("/{BAKERY}/{question}");
    let nested = |field: &str| format!("/{BAKERY}?fields={field}");
    let posts: Vec<_> = probe.world().media(BAKERY).collect();
    let since = posts[20].timestamp().timestamp();
    let until = posts[5].timestamp().timestamp();
    let total =
        "metric=likes,saves&period=day&metric_type=total_value&breakdown=media_product_type";
    for (name, question, field) in [
        (
            "media",
            format!("media?since={since}&until={until}&limit=4"),
            format!("media.since({since}).until({until}).limit(4)"),
        ),
        (
            "insights",
            "insights?metric=reach&period=day&since=2026-09-01&until=2026-09-05".to_owned(),
            "insights.metric(reach).period(day).since(2026-09-01).until(2026-09-05)".to_owned(),
        ),
        (
            "insights",
            format!("insights?{total}&since=2026-09-01&until=2026-09-05"),
            "insights.metric(likes,saves).period(day).metric_type(total_value)\
             .breakdown(media_product_type).since(2026-09-01).until(2026-09-05)"
                .to_owned(),
        ),
        (
            "insights",
            "insights?metric=engaged_audience_demographics&period=lifetime&metric_type=total_value\
             &breakdown=age,gender&timeframe=this_month"
                .to_owned(),
            "insights.metric(engaged_audience_demographics).period(lifetime)\
             .metric_type(total_value).breakdown(age,gender).timeframe(this_month)"
                .to_owned(),
        ),
    ] {
        let told = probe.ok(&edge(&question)).await["data"].clone();
        assert!(!told.as_array().unwrap().is_empty(), "{question}");
        assert_eq!(
            probe.ok(&nested(&field)).await[name]["data"],
            told,
            "{field}"
        );
    }
    let deep = nested(
        "media.limit(3){id,comments.limit(2){id,text,replies.limit(1){id}},insights.metric(reach){values}}",
    );
    let page = probe.ok(&deep).await;
    for post in page["media"]["data"].as_array().unwrap() {
        let id = post["id"].as_str().unwrap();
        let comments = probe.ids(&format!("/{id}/comments?limit=2")).await;
        let told = post.get("comments").map(ids).unwrap_or_default();
        assert_eq!(told, comments, "{id}: what is empty is absent");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_window_of_insights_never_ends() {
    let probe = Probe::small();
    let question = "metric=reach&period=day&since=2026-09-21&until=2026-10-04";
    let mut page = probe.ok(&format!("/{ACCOUNT}/insights?{question}")).await;
    let local = |link: &Value| {
        let link = link.as_str().unwrap();
        link.strip_prefix("https://graph.facebook.com")
            .unwrap()
            .to_owned()
    };
    let window = |link: &str| {
        let of = |name: &str| {
            let (_, rest) = link.split_once(&format!("{name}=")).unwrap();
            rest.split('&').next().unwrap().parse::<i64>().unwrap()
        };
        (of("since"), of("until"))
    };
    // Who follows it comes to the present, and to the future, which is refused until it is there.
    let mut until = 1_791_072_000;
    for _ in 0..30 {
        let next = local(&page["paging"]["next"]);
        assert_eq!(window(&next).0, until + 1, "windows have no gap");
        until = window(&next).1;
        let now = probe.world().now().timestamp();
        let ahead = u64::try_from(window(&next).0 - now).unwrap_or(0);
        if ahead > 0 {
            let refused = probe.refused(&next).await;
            assert_eq!(
                refused.message,
                "(#100) since param is not valid. Metrics data is available for the last 2 years"
            );
            tokio::time::advance(Duration::from_secs(ahead)).await;
        }
        page = probe.ok(&next).await;
        assert!(page["paging"]["previous"].is_string());
    }
    // The same backwards, as far as numbers are kept.
    let mut windows = 0;
    let mut reply = probe.get(&local(&page["paging"]["previous"])).await;
    while reply.status == 200 {
        windows += 1;
        reply = probe.get(&local(&reply.body["paging"]["previous"])).await;
    }
    assert!(windows > 50, "{windows}");
    assert!(reply.text.contains("available for the last 2 years"));
}
