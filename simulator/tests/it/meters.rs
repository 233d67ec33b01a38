//! Pools and usage headers.

use std::time::Duration;

use igsync_simulator::{
    AccountSpec, MeterSpec, PageSpec, Pool, Rules, TokenKind, UsageHeader, WorldSpec,
};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, Reply};

pub(crate) const SECOND_ACCOUNT: &str = "17841400000000002";

pub(crate) fn metered(meters: MeterSpec) -> Probe {
    let mut spec = WorldSpec {
        meters,
        ..WorldSpec::small(1)
    };
    spec.pages[1].account = Some(AccountSpec::numbered(2));
    Probe::of(spec)
}

pub(crate) fn pool(account: &str) -> Pool {
    Pool::BucInstagram(account.to_owned())
}

/// The entry of an account in `X-Business-Use-Case-Usage`.
pub(crate) fn business(reply: &Reply, id: &str) -> Value {
    let usage: Value =
        serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
    usage[id][0].clone()
}

pub(crate) async fn account(probe: &Probe) -> Reply {
    probe
        .get(&format!("/v25.0/{ACCOUNT}?fields=username"))
        .await
}

#[tokio::test]
async fn usage_headers_have_the_documented_shape() {
    let probe = Probe::small();
    let reply = account(&probe).await;
    let usage: Value =
        serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
    let ids: Vec<_> = usage.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        ids,
        [ACCOUNT, "2119000000000000"],
        "the account and the business that owns it"
    );
    let mut entry = usage[ACCOUNT][0].clone();
    assert_eq!(entry["type"], "instagram");
    for gauge in [
        "call_count",
        "total_cputime",
        "total_time",
        "estimated_time_to_regain_access",
    ] {
        assert!(entry[gauge].is_u64(), "{entry}");
    }
    entry.as_object_mut().unwrap().remove("type");
    assert_eq!(entry.as_object().unwrap().len(), 4);
    let app: Value = serde_json::from_str(reply.header("x-app-usage").unwrap()).unwrap();
    assert_eq!(
        crate::probe::keys(&app),
        ["call_count", "total_cputime", "total_time"]
    );
    let me = probe.get("/me").await;
    assert!(me.header("x-app-usage").is_some() && me.header("x-business-use-case-usage").is_none());
}

#[tokio::test]
async fn which_header_comes_with_a_user_token_and_with_discovery_is_a_switch() {
    for (header, app, business) in [
        (UsageHeader::App, true, false),
        (UsageHeader::BusinessUseCase, false, true),
        (UsageHeader::Both, true, true),
    ] {
        let rules = Rules {
            user_token_header: header,
            discovery_header: header,
            ..Rules::default()
        };
        let probe = Probe::of(WorldSpec {
            rules,
            ..WorldSpec::small(1)
        });
        for fields in ["username", "business_discovery.username(sim.account.1){id}"] {
            let reply = probe.get(&format!("/{ACCOUNT}?fields={fields}")).await;
            assert_eq!(reply.header("x-app-usage").is_some(), app);
            assert_eq!(
                reply.header("x-business-use-case-usage").is_some(),
                business
            );
        }
    }
}

#[tokio::test]
async fn the_pool_follows_from_token_and_endpoint() {
    let mut spec = WorldSpec::demo(1);
    spec.tokens.push(igsync_simulator::TokenSpec {
        token: "SIM-system".to_owned(),
        kind: TokenKind::System,
        ..spec.tokens[0].clone()
    });
    let probe = Probe::of(spec);
    let page_token =
        probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"].clone();
    let page_token = page_token.as_str().unwrap();
    probe.ok(&format!("/{ACCOUNT}/media?limit=1")).await;
    probe.ok(&format!("/me?access_token={page_token}")).await;
    probe.ok("/134895793791902?fields=name").await;
    probe
        .ok("/134895793791902?fields=name&access_token=SIM-system")
        .await;
    let hashtag = probe
        .ids(&format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough"))
        .await[0]
        .clone();
    probe.ok(&format!("/{hashtag}?fields=name")).await;
    probe
        .ok(&format!(
            "/134895793791901/conversations?platform=instagram&access_token={page_token}"
        ))
        .await;
    let pools: Vec<_> = probe
        .simulator
        .journal()
        .into_iter()
        .map(|call| call.pool.unwrap())
        .collect();
    assert_eq!(
        json!(pools),
        json!([
            "platform:user:10158000000000001",
            format!("buc:instagram:{ACCOUNT}"),
            "buc:pages:134895793791901",
            "platform:user:10158000000000001",
            "buc:pages:134895793791902",
            "platform:app",
            "platform:app",
            "buc:messenger:134895793791901",
        ])
    );
}

#[tokio::test]
async fn the_allowance_of_an_account_follows_from_its_impressions() {
    let impressions = [(ACCOUNT.to_owned(), 2), (SECOND_ACCOUNT.to_owned(), 0)].into();
    let probe = metered(MeterSpec {
        impressions,
        calls_per_impression: 100,
        ..MeterSpec::default()
    });
    for _ in 0..21 {
        account(&probe).await;
    }
    assert_eq!(
        business(&account(&probe).await, ACCOUNT)["call_count"],
        11,
        "22 of 200, rounded down"
    );
    let seen = probe.get(&format!("/{SECOND_ACCOUNT}")).await;
    assert_eq!(seen.status, 200);
    assert_eq!(
        probe.refused(&format!("/{SECOND_ACCOUNT}")).await.code,
        80002,
        "nobody sees it: almost no allowance"
    );
}

/// No page tells a floor for Instagram; that of Threads is 10.
#[tokio::test]
async fn an_account_that_nobody_sees_may_count_as_seen_a_few_times() {
    let probe = metered(MeterSpec {
        impressions: [(ACCOUNT.to_owned(), 0), (SECOND_ACCOUNT.to_owned(), 30)].into(),
        least_impressions: 10,
        calls_per_impression: 5,
        ..MeterSpec::default()
    });
    assert_eq!(business(&account(&probe).await, ACCOUNT)["call_count"], 2);
    let pool = |account: &str| Pool::BucInstagram(account.to_owned());
    probe.simulator.consume(&pool(SECOND_ACCOUNT), 15);
    assert_eq!(probe.simulator.usage_percent(&pool(SECOND_ACCOUNT)), 10);
}

#[tokio::test]
async fn headers_can_be_absent_at_first_and_come_only_now_and_then() {
    let meters = MeterSpec {
        headers_after_calls: 3,
        headers_every: 2,
        ..MeterSpec::default()
    };
    let probe = metered(meters);
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(
            account(&probe)
                .await
                .header("x-business-use-case-usage")
                .is_some(),
        );
    }
    assert_eq!(told, [false, false, false, true, false, true, false, true]);
}

#[tokio::test]
async fn refused_calls_count_and_carry_headers() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(10),
        ..MeterSpec::default()
    });
    let reply = probe.get(&format!("/{ACCOUNT}?fields=nonsense")).await;
    assert_eq!(reply.status, 400);
    assert_eq!(business(&reply, ACCOUNT)["call_count"], 10);
}

#[tokio::test]
async fn nested_edges_count_as_calls_only_by_a_switch() {
    let path = format!("/{ACCOUNT}/media?limit=10&fields=id,comments{{id}}");
    for (nested, cost) in [(false, 1), (true, 11)] {
        let rules = Rules {
            nested_edges_count_as_calls: nested,
            ..Rules::default()
        };
        let probe = Probe::of(WorldSpec {
            rules,
            ..WorldSpec::small(1)
        });
        probe.ok(&path).await;
        assert_eq!(probe.simulator.journal()[0].cost, cost);
    }
}

#[tokio::test]
async fn every_account_has_its_own_pool() {
    let mut spec = WorldSpec::many_accounts(1, 3, 5);
    spec.pages.push(PageSpec::numbered(9, None));
    spec.meters.buc_instagram_calls = Some(2);
    let probe = Probe::of(spec);
    for number in 1..=3 {
        probe.ok(&format!("/1784140000000000{number}")).await;
    }
    assert_eq!(probe.simulator.usage_percent(&pool(ACCOUNT)), 50);
}

#[tokio::test(start_paused = true)]
async fn what_others_hold_of_a_pool_shows_in_headers_and_blocks() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(100),
        ..MeterSpec::default()
    });
    let gauges = async || {
        let reply = account(&probe).await;
        let entry = business(&reply, ACCOUNT);
        let gauge = |name: &str| entry[name].as_u64().unwrap();
        (
            reply.status,
            gauge("call_count"),
            gauge("estimated_time_to_regain_access"),
        )
    };
    assert_eq!(gauges().await, (200, 1, 0));
    probe.simulator.hold(&pool(ACCOUNT), 60);
    assert_eq!(gauges().await, (200, 62, 0));
    tokio::time::advance(Duration::from_secs(25 * 3600)).await;
    assert_eq!(gauges().await, (200, 61, 0), "it does not leave the window");
    probe.simulator.hold(&pool(ACCOUNT), 98);
    let (status, percent, minutes) = gauges().await;
    assert_eq!((status, percent), (200, 100), "98 held and 2 own");
    assert_eq!(minutes, 24 * 60 + 1);
    let refused = account(&probe).await.refusal().unwrap();
    assert_eq!((refused.status, refused.code), (400, 80002));
    probe.ok(&format!("/{SECOND_ACCOUNT}")).await;
    let journal = probe.simulator.journal();
    let blocked = journal.iter().filter(|call| call.while_blocked).count();
    assert_eq!(blocked, 1);
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(100),
        ..MeterSpec::default()
    });
    probe.simulator.hold(&pool(ACCOUNT), 100);
    assert_eq!(account(&probe).await.status, 400, "nothing is left");
    tokio::time::advance(Duration::from_secs(3 * 86_400)).await;
    assert_eq!(account(&probe).await.status, 400, "however long one waits");
    probe.simulator.hold(&pool(ACCOUNT), 0);
    tokio::time::advance(Duration::from_secs(86_400 + 180)).await;
    assert_eq!(account(&probe).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_changed_allowance_holds_at_once() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(1_000),
        ..MeterSpec::default()
    });
    let usage = async || {
        let entry = business(&account(&probe).await, ACCOUNT);
        let gauge = |name: &str| entry[name].as_u64().unwrap();
        (
            gauge("call_count"),
            gauge("estimated_time_to_regain_access"),
        )
    };
    for _ in 0..9 {
        account(&probe).await;
    }
    assert_eq!(usage().await, (1, 0), "10 of 1,000");
    probe.simulator.allow(&pool(ACCOUNT), 22);
    assert_eq!(usage().await, (50, 0), "11 of 22");
    tokio::time::advance(Duration::from_secs(3 * 3600)).await;
    assert_eq!(usage().await, (54, 0), "12 of 22, hours later as well");
    probe.simulator.allow(&pool(ACCOUNT), 13);
    let (percent, minutes) = usage().await;
    assert_eq!(percent, 100);
    assert_eq!(minutes, 21 * 60 + 1, "until the first eleven are a day old");
    probe.simulator.allow(&pool(ACCOUNT), 2);
    let full = probe.simulator.usage(&pool(ACCOUNT));
    assert!((full[0] - 650.0).abs() < 1e-9, "13 of 2: {full:?}");
    probe.simulator.allow(&pool(ACCOUNT), 1_000);
    assert_eq!(
        usage().await,
        (1, 0),
        "open again, and nobody called meanwhile"
    );
    probe.simulator.allow(&pool(ACCOUNT), 1);
    assert_eq!(account(&probe).await.refusal().unwrap().code, 80002);
    let (_, minutes) = usage().await;
    assert_eq!(
        minutes,
        24 * 60 + 1 + 2,
        "until the last one is a day old, and two minutes for calling"
    );
}

#[tokio::test]
async fn usage_is_told_exactly_gauge_by_gauge() {
    let probe = metered(MeterSpec {
        buc_instagram_calls: Some(1_000),
        cpu_ms_per_call: 10,
        cpu_ms_per_object: 0,
        time_ms_per_call: 30,
        time_ms_per_object: 0,
        cpu_ms_allowed_per_call: 60,
        time_ms_allowed_per_call: 200,
        ..MeterSpec::default()
    });
    let told = |shares: [f64; 3]| {
        let found = probe.simulator.usage(&pool(ACCOUNT));
        let is_near = |(found, share): (f64, f64)| (found - share).abs() < 1e-9;
        assert!(found.into_iter().zip(shares).all(is_near), "{found:?}");
    };
    told([0.0, 0.0, 0.0]);
    for _ in 0..3 {
        account(&probe).await;
    }
    told([0.3, 0.05, 0.045]);
    assert_eq!(probe.simulator.usage_percent(&pool(ACCOUNT)), 0);
    probe.simulator.hold(&pool(ACCOUNT), 7);
    told([7.3, 7.05, 7.045]);
    probe.simulator.consume(&pool(ACCOUNT), 10);
    told([8.3, 7.0 + 13.0 / 60.0, 7.195]);
    assert_eq!(probe.simulator.usage_percent(&pool(ACCOUNT)), 8);
}
