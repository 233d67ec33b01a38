//! Pools and usage headers.

use igsync_simulator::{Rules, UsageHeader, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe};

#[tokio::test]
async fn usage_headers_have_the_documented_shape() {
    let probe = Probe::small();
    let reply = probe
        .get(&format!("/v25.0/{ACCOUNT}?fields=username"))
        .await;
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
async fn which_header_comes_with_a_user_token_is_a_switch() {
    for (header, app, business) in [
        (UsageHeader::App, true, false),
        (UsageHeader::BusinessUseCase, false, true),
        (UsageHeader::Both, true, true),
    ] {
        let rules = Rules {
            user_token_header: header,
            ..Rules::default()
        };
        let probe = Probe::of(WorldSpec {
            rules,
            ..WorldSpec::small(1)
        });
        let reply = probe.get(&format!("/{ACCOUNT}")).await;
        assert_eq!(reply.header("x-app-usage").is_some(), app);
        assert_eq!(
            reply.header("x-business-use-case-usage").is_some(),
            business
        );
    }
}

#[tokio::test]
async fn the_pool_follows_from_token_and_endpoint() {
    let probe = Probe::small();
    let page_token =
        probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"].clone();
    let page_token = page_token.as_str().unwrap();
    probe.ok(&format!("/{ACCOUNT}/media?limit=1")).await;
    probe.ok(&format!("/me?access_token={page_token}")).await;
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
            "buc:pages:134895793791901"
        ])
    );
}
