//! What goes wrong on purpose, and what the journal says about it.

use std::time::Duration;

use igsync_simulator::{Fault, Match};

use crate::probe::{ACCOUNT, Probe, ids};

#[tokio::test]
async fn a_fault_hits_the_calls_it_was_scripted_for() {
    let probe = Probe::small();
    let when = Match::path_contains("/media").after_calls(1);
    probe.simulator.inject(
        Fault::on(when)
            .times(2)
            .error(2, None, "An unexpected error has occurred.")
            .transient()
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
