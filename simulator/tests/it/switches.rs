//! Switches for what Meta's pages leave open, each turned the other way. Those of single features stand beside the
//! tests of the feature.

use std::time::Duration;

use igsync_simulator::{Fault, Match, MeterSpec, Pool, Revocation, Rules, WorldSpec};
use serde_json::json;

use crate::probe::{ACCOUNT, BAKERY, Probe, TOKEN, refusal};

fn with(rules: Rules) -> Probe {
    Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    })
}

#[tokio::test]
async fn page_sizes_can_differ() {
    let probe = with(Rules {
        default_limit: 7,
        max_limit: 110,
        ..Rules::default()
    });
    assert_eq!(probe.ids(&format!("/{ACCOUNT}/media")).await.len(), 7);
    assert_eq!(
        probe
            .ids(&format!("/{ACCOUNT}/media?limit=500"))
            .await
            .len(),
        110
    );
    let probe = with(Rules {
        max_comments: 3,
        max_replies: 1,
        replies_newest_first: false,
        ..Rules::default()
    });
    let posts: Vec<_> = probe.world().media(ACCOUNT).collect();
    let post = posts
        .iter()
        .max_by_key(|post| post.comments().count())
        .unwrap();
    assert_eq!(
        probe
            .ids(&format!("/{}/comments?limit=50", post.id()))
            .await
            .len(),
        3
    );
    let comment = posts
        .iter()
        .flat_map(|post| post.comments())
        .find(|comment| comment.replies().count() > 1)
        .unwrap();
    let oldest = comment.replies().next().unwrap().id();
    assert_eq!(
        probe
            .ids(&format!("/{}/replies?limit=50", comment.id()))
            .await,
        [oldest]
    );
}

#[tokio::test]
async fn large_limits_are_lowered_or_refused() {
    let mut spec = WorldSpec::demo(7);
    spec.rules.large_limits_refused = true;
    let strict = Probe::of(spec);
    let lenient = Probe::demo();
    let hashtag = strict.world().hashtag_id("sourdough").unwrap();
    let posts = strict.world().media(BAKERY);
    let commented = { posts }.find(|post| post.comments().count() > 0).unwrap();
    for (path, most) in [
        (format!("/{BAKERY}/media?limit="), 100),
        ("/me/accounts?limit=".to_owned(), 100),
        (format!("/{}/comments?limit=", commented.id()), 50),
        (format!("/{hashtag}/top_media?user_id={BAKERY}&limit="), 50),
    ] {
        strict.ok(&format!("{path}{most}")).await;
        let large = format!("{path}{}", most + 1);
        assert_eq!(
            strict.refused(&large).await,
            refusal(400, 100, None, "Invalid parameter"),
            "{path}"
        );
        lenient.ok(&large).await;
    }
}

#[tokio::test]
async fn hashtag_limits_can_differ() {
    let mut spec = WorldSpec::demo(7);
    (
        spec.rules.max_hashtag_media,
        spec.rules.max_hashtags_per_account,
    ) = (4, 2);
    let probe = Probe::of(spec);
    let search = |tag: &str| format!("/ig_hashtag_search?user_id={BAKERY}&q={tag}");
    let hashtag = probe.ids(&search("sourdough")).await[0].clone();
    assert_eq!(
        probe
            .ids(&format!("/{hashtag}/top_media?user_id={BAKERY}&limit=50"))
            .await
            .len(),
        4
    );
    probe.ok(&search("smallmuseums")).await;
    assert_eq!(probe.refused(&search("trailrunning")).await.code, 18);
}

#[tokio::test]
async fn links_and_versions_can_differ() {
    let rules = Rules {
        base_url: "http://sim".to_owned(),
        versions: vec!["v25.0".to_owned()],
        ..Rules::default()
    };
    let probe = with(rules);
    let reply = probe.get(&format!("/{ACCOUNT}/media?limit=1")).await;
    assert_eq!(reply.header("facebook-api-version"), Some("v25.0"));
    assert!(
        reply.body["paging"]["next"]
            .as_str()
            .unwrap()
            .starts_with("http://sim/v25.0/")
    );
    let mut spec = WorldSpec::small(1);
    spec.app.default_version = Some("v24.0".to_owned());
    assert_eq!(
        Probe::of(spec)
            .get("/me")
            .await
            .header("facebook-api-version"),
        Some("v24.0")
    );
}

#[tokio::test]
async fn hidden_likes_can_be_told_in_lists_of_the_owner() {
    let probe = with(Rules {
        hidden_likes_omitted_in_lists: false,
        ..Rules::default()
    });
    let page = probe
        .ok(&format!("/{ACCOUNT}/media?limit=100&fields=like_count"))
        .await;
    assert!(
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|post| post["like_count"].is_i64())
    );
}

#[tokio::test]
async fn days_can_end_elsewhere_start_earlier_and_be_known_at_once() {
    let rules = Rules {
        insights_zone: chrono_tz::Europe::Berlin,
        insights_retention_days: 1_000,
        insights_delay_seconds: 0,
        ..Rules::default()
    };
    let probe = with(rules);
    let series = probe
        .ok(&format!(
            "/{ACCOUNT}/insights?metric=reach&period=day&since=2024-06-01&until=2024-06-03"
        ))
        .await;
    assert_eq!(
        series["data"][0]["values"][0]["end_time"],
        "2024-06-01T22:00:00+0000"
    );
    let id = probe
        .world()
        .publish(ACCOUNT, igsync_simulator::NewPost::default())
        .unwrap();
    let insights = probe.ok(&format!("/{id}/insights?metric=reach")).await;
    assert_eq!(insights["data"][0]["values"][0]["value"], 0);
}

#[tokio::test]
async fn totals_can_know_longer_periods() {
    let lenient = with(Rules {
        longer_periods_of_totals: true,
        ..Rules::default()
    });
    for period in ["week", "days_28"] {
        let path =
            format!("/{ACCOUNT}/insights?metric=likes&period={period}&metric_type=total_value");
        let refused = Probe::small().refused(&path).await;
        let text = format!(
            "(#100) The following periods ({period}) are incompatible with the metric (likes)"
        );
        assert_eq!(refused.message, text);
        let told = lenient.ok(&path).await["data"][0].clone();
        assert_eq!(told["period"], period);
        assert!(told["total_value"]["value"].is_u64());
        let path = format!("/{ACCOUNT}/insights?metric=follower_count&period={period}");
        assert_eq!(lenient.refused(&path).await.code, 100);
    }
}

#[tokio::test]
async fn signed_addresses_end_when_the_rules_say() {
    let probe = with(Rules {
        media_url_seconds: 3_600,
        ..Rules::default()
    });
    let post = probe
        .world()
        .media(ACCOUNT)
        .find(|post| post.media_url_path().is_some())
        .unwrap()
        .id();
    let url = probe.ok(&format!("/{post}?fields=media_url")).await["media_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let expires = i64::from_str_radix(url.rsplit_once("&oe=").unwrap().1, 16).unwrap();
    assert_eq!(expires, probe.world().now().timestamp() + 3_600);
}

#[tokio::test]
async fn a_changed_password_has_two_recorded_subcodes() {
    let probe = with(Rules {
        password_changed_subcode: 452,
        ..Rules::default()
    });
    probe
        .world()
        .revoke_token(TOKEN, Revocation::PasswordChanged);
    assert_eq!(probe.refused("/me").await.subcode, Some(452));
}

#[tokio::test]
async fn roles_given_through_a_business_may_need_an_ads_permission() {
    for (needed, code) in [(false, None), (true, Some(10))] {
        let rules = Rules {
            business_roles_need_ads_permission: needed,
            ..Rules::default()
        };
        let mut spec = WorldSpec {
            rules,
            ..WorldSpec::small(1)
        };
        spec.tokens[0].role_from_business = true;
        spec.tokens[0].permissions.remove("ads_read");
        let reply = Probe::of(spec)
            .get(&format!("/{ACCOUNT}?fields=username"))
            .await;
        assert_eq!(reply.refusal().map(|refusal| refusal.code), code);
    }
}

#[tokio::test(start_paused = true)]
async fn windows_can_be_shorter() {
    let rules = Rules {
        app_throttle_status: 400,
        ..Rules::default()
    };
    let meters = MeterSpec {
        buc_instagram_calls: Some(1),
        page_engaged_users: 0,
        buc_seconds: 600,
        buc_pages_seconds: 600,
        platform_seconds: 600,
        ..MeterSpec::default()
    };
    let probe = Probe::of(WorldSpec {
        rules,
        meters,
        ..WorldSpec::small(1)
    });
    let page_token =
        probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"].clone();
    let questions = [
        (format!("/{ACCOUNT}"), 80002),
        (
            format!("/me?access_token={}", page_token.as_str().unwrap()),
            80001,
        ),
        (
            format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.1){{id}}"),
            4,
        ),
    ];
    probe.simulator.consume(&Pool::PlatformApp, 9_999);
    for (question, code) in &questions {
        probe.ok(question).await;
        let refusal = probe.refused(question).await;
        assert_eq!((refusal.status, refusal.code), (400, *code));
    }
    tokio::time::advance(Duration::from_secs(600 + 120)).await;
    for (question, _) in &questions {
        probe.ok(question).await;
    }
}

#[tokio::test]
async fn the_gauges_are_shares_of_what_the_pool_holds() {
    let meters = MeterSpec {
        buc_instagram_calls: Some(10),
        cpu_ms_per_call: 100,
        cpu_ms_per_object: 0,
        cpu_ms_allowed_per_call: 50,
        time_ms_per_call: 10,
        time_ms_per_object: 90,
        time_ms_allowed_per_call: 40,
        ..MeterSpec::default()
    };
    let probe = Probe::of(WorldSpec {
        meters,
        ..WorldSpec::small(1)
    });
    let reply = probe.get(&format!("/{ACCOUNT}")).await;
    let usage: serde_json::Value =
        serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
    let gauges =
        ["call_count", "total_cputime", "total_time"].map(|gauge| usage[ACCOUNT][0][gauge].clone());
    assert_eq!(gauges, [10, 20, 25]);
}

#[tokio::test]
async fn headers_of_single_answers_can_be_scripted() {
    let probe = with(Rules::default());
    let usage = r#"{"1":[{"type":"instagram","call_count":96.5}]}"#;
    probe
        .simulator
        .inject(Fault::on(Match::any()).header("X-Business-Use-Case-Usage", usage));
    assert_eq!(
        probe
            .get(&format!("/{ACCOUNT}"))
            .await
            .header("x-business-use-case-usage"),
        Some(usage)
    );
    probe
        .simulator
        .inject(Fault::on(Match::any()).without_usage_headers());
    assert!(
        probe
            .get(&format!("/{ACCOUNT}"))
            .await
            .header("x-business-use-case-usage")
            .is_none()
    );
    probe
        .simulator
        .inject(Fault::on(Match::any()).always().html(500));
    probe.simulator.clear_faults();
    probe.ok("/me").await;
}

#[tokio::test]
async fn metrics_and_breakdowns_listed_twice_are_refused_or_count_once() {
    let strict = Probe::small();
    let lenient = with(Rules {
        repeated_metrics_refused: false,
        ..Rules::default()
    });
    let post = strict.world().media(ACCOUNT).next().unwrap().id();
    let total = "period=day&metric_type=total_value";
    let by_type = "breakdown=media_product_type";
    for (twice, once) in [
        (
            format!("/{ACCOUNT}/insights?metric=likes,saves,likes&{total}"),
            format!("/{ACCOUNT}/insights?metric=likes,saves&{total}"),
        ),
        (
            format!("/{ACCOUNT}/insights?metric=likes&{total}&{by_type},media_product_type"),
            format!("/{ACCOUNT}/insights?metric=likes&{total}&{by_type}"),
        ),
        (
            format!("/{post}/insights?metric=reach,reach"),
            format!("/{post}/insights?metric=reach"),
        ),
    ] {
        let refused = strict.refused(&twice).await;
        assert_eq!((refused.status, refused.code), (400, 100), "{twice}");
        let told = lenient.ok(&twice).await;
        assert_eq!(told["data"], strict.ok(&once).await["data"], "{twice}");
    }
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins_is_refused_or_empty() {
    let strict = Probe::small();
    let lenient = with(Rules {
        reversed_range_refused: false,
        ..Rules::default()
    });
    for metric in [
        "reach&period=day",
        "likes&period=day&metric_type=total_value",
    ] {
        let path = format!("/{ACCOUNT}/insights?metric={metric}&since=2026-09-20&until=");
        let refused = strict.refused(&format!("{path}2026-09-19")).await;
        assert_eq!((refused.status, refused.code), (400, 100));
        strict.ok(&format!("{path}2026-09-20")).await;
        let told = lenient.ok(&format!("{path}2026-09-19")).await;
        assert_eq!(told["data"], json!([]), "{metric}");
        assert!(told["paging"]["next"].is_string());
    }
}
