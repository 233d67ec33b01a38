//! What goes wrong on purpose, and what the journal says about it.

use std::time::Duration;

use igsync_simulator::{Fault, Match, MeterSpec, Pool, Revocation, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, Reply, TOKEN, ids};

#[tokio::test]
async fn a_fault_hits_the_calls_it_was_scripted_for() {
    let probe = Probe::small();
    let when = Match::path_contains("/media").after_calls(1);
    probe.simulator.inject(
        Fault::on(when)
            .times(2)
            .error(2, None, "An unexpected error has occurred.")
            .is_transient(true)
            .status(500),
    );
    let path = format!("/{ACCOUNT}/media?limit=1");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        probe.ok(&format!("/{ACCOUNT}")).await;
        statuses.push(probe.get(&path).await.status);
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
    let journal = probe.simulator.journal();
    let faulted: Vec<_> = journal
        .iter()
        .filter(|call| call.faulted)
        .map(|call| (call.status, call.code))
        .collect();
    assert_eq!(faulted, [(500, Some(2)), (500, Some(2))]);
}

#[tokio::test]
async fn bodies_can_be_html_cut_foreign_or_an_error_with_status_200() {
    let probe = Probe::small();
    let any = || Fault::on(Match::any());
    probe.simulator.inject(any().html(503));
    let html = probe.get("/me").await;
    assert!(html.status == 503 && html.text.starts_with("<!DOCTYPE html>"));
    assert!(
        html.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    probe.simulator.inject(any().cut_json());
    let cut = probe.get("/me").await;
    assert!(cut.status == 200 && cut.body.is_null() && cut.text.starts_with('{'));
    probe.simulator.inject(any().body("[1,2").status(200));
    assert_eq!(probe.get("/me").await.text, "[1,2");
    probe.simulator.inject(
        any()
            .error(4, None, "(#4) Application request limit reached")
            .status(200),
    );
    let disguised = probe.get("/me").await;
    assert_eq!(
        (disguised.status, disguised.refusal().unwrap().code),
        (200, 4)
    );
    probe.simulator.inject(any().status(429).body(""));
    assert_eq!(probe.get("/me").await.status, 429);
    probe.ok("/me").await;
}

#[tokio::test]
async fn pages_can_repeat_items() {
    let probe = Probe::small();
    let all = probe.ids(&format!("/{ACCOUNT}/media?limit=10")).await;
    probe
        .simulator
        .inject(Fault::on(Match::path_contains("/media")).item_twice());
    assert_eq!(
        probe.ids(&format!("/{ACCOUNT}/media?limit=2")).await,
        [all[0].clone(), all[1].clone(), all[1].clone()]
    );
    let first = probe.ok(&format!("/{ACCOUNT}/media?limit=5")).await;
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    probe
        .simulator
        .inject(Fault::on(Match::any().with_parameter("after", "")).shifted_page());
    let shifted = probe
        .ok(&format!("/{ACCOUNT}/media?limit=5&after={after}"))
        .await;
    assert_eq!(
        ids(&shifted),
        all[4..9],
        "the last item of the page before comes again"
    );
    probe
        .simulator
        .inject(Fault::on(Match::any().with_parameter("after", "")).dead_cursor());
    assert_eq!(
        probe
            .refused(&format!("/{ACCOUNT}/media?after={after}"))
            .await
            .code,
        100
    );
}

#[tokio::test]
async fn texts_can_be_localized_and_versions_swapped() {
    let probe = Probe::small();
    probe
        .simulator
        .inject(Fault::on(Match::any()).localized("Ungültiger Parameter"));
    let refusal = probe.refused("/17999999999999999").await;
    assert_eq!(
        (refusal.code, refusal.subcode, refusal.message.as_str()),
        (100, Some(33), "Ungültiger Parameter")
    );
    let mut spec = WorldSpec::small(1);
    spec.pages[0].account.as_mut().unwrap().converted_at = Some(spec.epoch);
    let converted = Probe::of(spec);
    let post = converted.world().media(ACCOUNT).last().unwrap().id();
    converted
        .simulator
        .inject(Fault::on(Match::any()).localized("Ungültiger Parameter"));
    let reply = converted
        .get(&format!("/{post}/insights?metric=reach"))
        .await;
    for text in ["message", "error_user_title", "error_user_msg"] {
        assert_eq!(reply.body["error"][text], "Ungültiger Parameter", "{text}");
    }
    probe
        .simulator
        .inject(Fault::on(Match::any()).served_version("v24.0"));
    assert_eq!(
        probe.get("/v25.0/me").await.header("facebook-api-version"),
        Some("v24.0")
    );
    assert_eq!(
        probe.get("/v25.0/me").await.header("facebook-api-version"),
        Some("v25.0")
    );
    assert_eq!(
        probe.get("/v18.0/me").await.header("facebook-api-version"),
        Some("v21.0")
    );
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_slow_or_never_come() {
    let probe = Probe::small();
    probe
        .simulator
        .inject(Fault::on(Match::any()).delay(Duration::from_secs(45)));
    let before = probe.world().now();
    probe.ok("/me").await;
    assert_eq!((probe.world().now() - before).num_seconds(), 45);
    probe.simulator.inject(Fault::on(Match::any()).hang());
    let hanging = tokio::time::timeout(Duration::from_secs(3600), probe.get("/me")).await;
    assert!(hanging.is_err());
    assert_eq!(probe.simulator.journal().last().unwrap().status, 0);
}

#[tokio::test]
async fn a_seeded_chance_hits_the_same_calls_in_every_run() {
    let run = async || {
        let probe = Probe::small();
        probe
            .simulator
            .inject(Fault::on(Match::any().with_chance(300)).always().html(502));
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(probe.get("/me").await.status);
        }
        statuses
    };
    let first = run().await;
    assert_eq!(first, run().await);
    let hits = first.iter().filter(|status| **status == 502).count();
    assert!((8..30).contains(&hits), "{hits}");
}

#[tokio::test]
async fn the_journal_tells_each_call_without_its_secrets() {
    let probe = Probe::small();
    probe
        .ok(&format!(
            "/v25.0/{ACCOUNT}/media?fields=id&limit=3&access_token=SIM-main"
        ))
        .await;
    let journal = probe.simulator.journal();
    let call = &journal[0];
    assert_eq!(call.path, format!("/{ACCOUNT}/media"));
    assert_eq!(
        (call.version.as_deref(), call.fields.as_deref(), call.limit),
        (Some("v25.0"), Some("id"), Some(3))
    );
    assert_eq!(
        (call.token.as_deref(), call.status, call.account.as_deref()),
        (Some("main"), 200, Some(ACCOUNT))
    );
    assert!(!format!("{journal:?}").contains("SIM-main"));
    probe.simulator.clear_journal();
    assert!(probe.simulator.journal().is_empty());
}

async fn batch(probe: &Probe) -> Reply {
    let parts = json!([
        {"method": "GET", "relative_url": ACCOUNT},
        {"method": "GET", "relative_url": "me"},
    ]);
    let form = [("access_token", TOKEN), ("batch", &parts.to_string())];
    probe.post("/v25.0/", &form).await
}

#[tokio::test(start_paused = true)]
async fn a_batch_can_fail_as_a_whole() {
    let probe = Probe::small();
    let whole = || Fault::on(Match::batch());
    let inject = |fault: Fault| {
        probe.simulator.clear_journal();
        probe.simulator.inject(fault);
    };
    let journal = || -> Vec<_> {
        let calls = probe.simulator.journal();
        let told = calls.iter();
        told.map(|call| (call.status, call.cost, call.faulted))
            .collect()
    };
    inject(whole().html(502));
    probe.ok("/me").await;
    let html = batch(&probe).await;
    assert!(html.status == 502 && html.text.starts_with("<!DOCTYPE html>"));
    assert_eq!(
        journal(),
        [
            (200, 1, false),
            (502, 0, true),
            (200, 1, true),
            (200, 1, true)
        ],
        "the parts were answered, and nobody heard it"
    );
    inject(whole().status(429));
    assert_eq!(batch(&probe).await.status, 429);
    inject(whole().cut_json());
    let cut = batch(&probe).await;
    assert!(cut.status == 200 && cut.body.is_null() && cut.text.starts_with('['));
    inject(whole().error(2, None, "An unexpected error has occurred."));
    assert_eq!(batch(&probe).await.refusal().unwrap().code, 2);
    assert_eq!(journal(), [(400, 0, true)]);
    inject(whole().without_usage_headers().header("x-extra", "1"));
    let bare = batch(&probe).await;
    assert!(bare.header("x-app-usage").is_none() && bare.header("x-extra").is_some());
    inject(whole().hang());
    let hanging = tokio::time::timeout(Duration::from_secs(60), batch(&probe)).await;
    assert!(hanging.is_err());
    assert_eq!(journal(), [(0, 0, true), (0, 1, true), (0, 1, true)]);
    inject(Fault::on(Match::any()).status(503));
    let parts = batch(&probe).await;
    assert_eq!(
        (parts.status, &parts.body[0]["code"], &parts.body[1]["code"]),
        (200, &json!(503), &json!(200)),
        "a match for any call is for parts, not for the whole"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_without_an_answer_or_with_a_dead_token_count_and_lengthen_a_block() {
    for is_hanging in [true, false] {
        let meters = MeterSpec {
            buc_instagram_calls: Some(2),
            penalty_seconds: 1_800,
            ..MeterSpec::default()
        };
        let probe = Probe::of(WorldSpec {
            meters,
            ..WorldSpec::small(1)
        });
        let path = format!("/{ACCOUNT}");
        let regain = async || -> u64 {
            let reply = probe.get(&path).await;
            let usage = reply.header("x-business-use-case-usage").unwrap();
            let usage: Value = serde_json::from_str(usage).unwrap();
            usage[ACCOUNT][0]["estimated_time_to_regain_access"]
                .as_u64()
                .unwrap()
        };
        regain().await;
        regain().await;
        let before = regain().await;
        if is_hanging {
            probe.simulator.inject(Fault::on(Match::any()).hang());
            let hanging = tokio::time::timeout(Duration::from_secs(1), probe.get(&path)).await;
            assert!(hanging.is_err());
            assert!(regain().await >= before + 59);
        } else {
            probe.world().revoke_token(TOKEN, Revocation::Invalid);
            assert_eq!(probe.refused(&path).await.code, 190);
        }
        let journal = probe.simulator.journal();
        let call = &journal[3];
        assert_eq!((call.cost, call.token.as_deref()), (1, Some("main")));
        assert!(call.while_blocked);
        assert_eq!(call.usage_percent, Some(200));
        let pool = Pool::BucInstagram(ACCOUNT.to_owned());
        assert_eq!(call.pool, Some(pool.to_string()));
    }
    let probe = Probe::small();
    probe.get("/me?access_token=made-up").await;
    assert_eq!(probe.simulator.journal()[0].cost, 0, "nobody's call");
}

#[tokio::test]
async fn the_journal_marks_answers_whose_headers_were_changed() {
    let probe = Probe::small();
    let any = || Fault::on(Match::any());
    for fault in [any().header("x-extra", "1"), any().without_usage_headers()] {
        probe.simulator.inject(fault);
        probe.ok("/me").await;
    }
    probe
        .simulator
        .inject(Fault::on(Match::path_ends_with("/me")).unfinished());
    batch(&probe).await;
    let faulted: Vec<_> = probe
        .simulator
        .journal()
        .iter()
        .map(|call| call.faulted)
        .collect();
    assert_eq!(faulted, [true, true, false, false, true]);
}
