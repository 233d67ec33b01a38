//! Full pools.

use std::time::Duration;

use igsync_simulator::{Foreign, MeterSpec, Pool, Rules, WorldSpec};
use serde_json::{Value, json};

use crate::meters::{SECOND_ACCOUNT, account, business, metered, pool};
use crate::probe::{ACCOUNT, Probe};

#[tokio::test(start_paused = true)]
async fn a_full_pool_refuses_with_80002_until_the_minutes_have_passed() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(10),
        ..MeterSpec::default()
    });
    for _ in 0..9 {
        assert_eq!(
            business(&account(&probe).await, ACCOUNT)["estimated_time_to_regain_access"],
            0
        );
    }
    let last = business(&account(&probe).await, ACCOUNT);
    assert_eq!(
        (
            &last["call_count"],
            &last["estimated_time_to_regain_access"]
        ),
        (&json!(100), &json!(24 * 60 + 1))
    );
    probe.ok(&format!("/{SECOND_ACCOUNT}")).await;
    tokio::time::advance(Duration::from_secs(23 * 3600)).await;
    let reply = account(&probe).await;
    let refusal = reply.refusal().unwrap();
    assert_eq!(
        (refusal.status, refusal.code, refusal.subcode),
        (400, 80002, None)
    );
    assert_eq!(
        refusal.message,
        "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting."
    );
    let minutes = business(&reply, ACCOUNT)["estimated_time_to_regain_access"]
        .as_u64()
        .unwrap();
    assert!(
        (61..=63).contains(&minutes),
        "one hour, and a penalty minute: {minutes}"
    );
    assert!(reply.header("retry-after").is_none());
    tokio::time::advance(Duration::from_secs(minutes * 60)).await;
    assert_eq!(account(&probe).await.status, 200);
    let blocked: Vec<_> = probe
        .simulator
        .journal()
        .iter()
        .map(|call| call.while_blocked)
        .collect();
    assert_eq!(blocked.iter().filter(|blocked| **blocked).count(), 1);
    assert!(blocked[11]);
}

#[tokio::test(start_paused = true)]
async fn calling_while_blocked_lengthens_the_block() {
    let meters = MeterSpec {
        buc_instagram_calls: Some(10),
        penalty_seconds: 1_800,
        ..MeterSpec::default()
    };
    let probe = metered(meters);
    for _ in 0..10 {
        account(&probe).await;
    }
    let regain = async || {
        business(&account(&probe).await, ACCOUNT)["estimated_time_to_regain_access"]
            .as_u64()
            .unwrap()
    };
    let (first, second) = (regain().await, regain().await);
    assert_eq!(second - first, 30);
}

#[tokio::test]
async fn heavy_answers_fill_the_other_gauges() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(1_000),
        cpu_ms_per_object: 20,
        ..MeterSpec::default()
    });
    let reply = probe
        .get(&format!("/{ACCOUNT}/media?fields=id&limit=100"))
        .await;
    let usage = business(&reply, ACCOUNT);
    assert_eq!(
        (&usage["call_count"], &usage["total_cputime"]),
        (&json!(0), &json!(3)),
        "2,010 of 60,000 ms"
    );
    assert_eq!(probe.simulator.usage_percent(&pool(ACCOUNT)), 3);
}

#[tokio::test(start_paused = true)]
async fn the_app_has_a_rolling_hour_and_code_4() {
    let probe = metered(MeterSpec {
        app_users: 1,
        ..MeterSpec::default()
    });
    probe.simulator.consume(&Pool::PlatformApp, 199);
    let discover = format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.2){{id}}");
    let last = probe.get(&discover).await;
    let usage: Value = serde_json::from_str(last.header("x-app-usage").unwrap()).unwrap();
    assert_eq!((last.status, &usage["call_count"]), (200, &json!(100)));
    let reply = probe.get(&discover).await;
    let refusal = reply.refusal().unwrap();
    assert_eq!(
        (refusal.status, refusal.code, refusal.message.as_str()),
        (403, 4, "(#4) Application request limit reached")
    );
    assert_eq!(reply.body["error"]["is_transient"], true);
    account(&probe).await.body["username"].as_str().unwrap();
    tokio::time::advance(Duration::from_secs(3600 + 120)).await;
    assert_eq!(probe.get(&discover).await.status, 200);
}

#[tokio::test]
async fn a_user_gets_17_and_about_pages_32() {
    let probe = metered(MeterSpec {
        platform_user_calls: 2,
        ..MeterSpec::default()
    });
    probe.ok("/me").await;
    probe.ok("/me/accounts").await;
    let user = probe.refused("/me/accounts").await;
    assert_eq!(
        (user.status, user.code, user.message.as_str()),
        (400, 17, "(#17) User request limit reached")
    );
    let page = probe.refused("/134895793791901").await;
    assert_eq!(
        (page.code, page.message.as_str()),
        (32, "(#32) Page request limit reached")
    );
    let switched = Rules {
        throttle_status: 429,
        retry_after_seconds: Some(90),
        ..Rules::default()
    };
    let meters = MeterSpec {
        platform_user_calls: 1,
        ..MeterSpec::default()
    };
    let probe = Probe::of(WorldSpec {
        rules: switched,
        meters,
        ..WorldSpec::small(1)
    });
    probe.ok("/me").await;
    let reply = probe.get("/me").await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("90"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_user_roll_out_of_an_hour() {
    let probe = metered(MeterSpec {
        platform_user_calls: 2,
        ..MeterSpec::default()
    });
    probe.ok("/me").await;
    tokio::time::advance(Duration::from_secs(1_800)).await;
    probe.ok("/me").await;
    assert_eq!(probe.refused("/me").await.code, 17);
    // The first call, the refused one and its penalty.
    tokio::time::advance(Duration::from_secs(1_900)).await;
    assert_eq!(
        probe.refused("/me").await.code,
        17,
        "two calls are left in the hour"
    );
    tokio::time::advance(Duration::from_secs(3_600 + 120)).await;
    probe.ok("/me").await;
}

#[tokio::test]
async fn pages_and_messages_have_business_limits_of_their_own() {
    let meters = MeterSpec {
        page_engaged_users: 0,
        messenger_engaged_users: 0,
        ..MeterSpec::default()
    };
    let probe = Probe::of(WorldSpec {
        meters,
        ..WorldSpec::demo(1)
    });
    let token = probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    probe.ok(&format!("/me?access_token={token}")).await;
    assert_eq!(
        probe
            .refused(&format!("/me?access_token={token}"))
            .await
            .code,
        80001
    );
    let conversations =
        format!("/134895793791901/conversations?platform=instagram&access_token={token}");
    let reply = probe.get(&conversations).await;
    let usage: Value =
        serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
    assert_eq!(usage["134895793791901"][0]["type"], "messenger");
    assert_eq!(probe.refused(&conversations).await.code, 80006);
}

#[tokio::test(start_paused = true)]
async fn two_conversation_calls_a_second() {
    let probe = Probe::of(WorldSpec::demo(1));
    let token = probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/134895793791901/conversations?platform=instagram&access_token={token}");
    probe.ok(&path).await;
    probe.ok(&path).await;
    let third = probe.refused(&path).await;
    let text = "(#613) Calls to this api have exceeded the rate limit.";
    assert_eq!((third.code, third.message.as_str()), (613, text));
    tokio::time::advance(Duration::from_millis(1_001)).await;
    probe.ok(&path).await;
}

#[tokio::test(start_paused = true)]
async fn others_spend_from_the_same_pool() {
    let foreign = vec![Foreign {
        pool: pool(ACCOUNT),
        calls_per_hour: 50,
    }];
    let probe = metered(MeterSpec {
        foreign,
        buc_instagram_calls: Some(1_000),
        ..MeterSpec::default()
    });
    assert_eq!(business(&account(&probe).await, ACCOUNT)["call_count"], 0);
    tokio::time::advance(Duration::from_secs(4 * 3600)).await;
    let count = business(&account(&probe).await, ACCOUNT)["call_count"]
        .as_u64()
        .unwrap();
    assert!((19..=21).contains(&count), "{count}");
}
