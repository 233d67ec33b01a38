//! A long-lived token for a short-lived one.

use std::time::Duration;

use chrono::TimeDelta;
use igsync_simulator::{Revocation, WorldSpec};

use crate::probe::{ACCOUNT, Probe, TOKEN, refusal};

const APP: &str = "client_id=138483919580948&client_secret=5eecc0de5eecc0de5eecc0de5eecc0de";

/// A token that ends within two hours.
fn short_lived() -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    spec.tokens[0].expires_at = Some(spec.epoch + TimeDelta::hours(2));
    spec
}

fn exchange(token: &str) -> String {
    format!(
        "/v25.0/oauth/access_token?no_token&grant_type=fb_exchange_token&{APP}&fb_exchange_token={token}"
    )
}

async fn exchanged(probe: &Probe, token: &str) -> String {
    let body = probe.ok(&exchange(token)).await;
    assert_eq!(body["token_type"], "bearer");
    body["access_token"].as_str().unwrap().to_owned()
}

async fn page_token(probe: &Probe, token: &str) -> String {
    let path = format!("/me/accounts?fields=access_token&access_token={token}");
    let page = probe.ok(&path).await["data"][0].clone();
    page["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_exchanged_token_lives_for_sixty_days_with_the_same_reach() {
    let probe = Probe::of(short_lived());
    let body = probe.ok(&exchange(TOKEN)).await;
    assert_eq!(body["expires_in"], 5_183_944);
    let token = body["access_token"].as_str().unwrap();
    assert_ne!(token, TOKEN);
    assert_ne!(
        exchanged(&probe, TOKEN).await,
        token,
        "each exchange gives a new text"
    );
    tokio::time::advance(Duration::from_secs(3 * 3600)).await;
    assert_eq!(probe.refused("/me").await.subcode, Some(463));
    let question = format!("/{ACCOUNT}?fields=username&access_token={token}");
    probe.ok(&question).await;
    probe.world().withdraw_permission(token, "instagram_basic");
    assert_eq!(probe.refused(&question).await.code, 10);
    probe.world().grant_permission(token, "instagram_basic");
    tokio::time::advance(Duration::from_secs(59 * 86_400)).await;
    probe.ok(&question).await;
    tokio::time::advance(Duration::from_secs(86_400)).await;
    assert_eq!(probe.refused(&question).await.subcode, Some(463));
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_token_can_be_exchanged_again_while_it_lives() {
    let probe = Probe::of(short_lived());
    let first = exchanged(&probe, TOKEN).await;
    tokio::time::advance(Duration::from_secs(50 * 86_400)).await;
    let second = exchanged(&probe, &first).await;
    tokio::time::advance(Duration::from_secs(20 * 86_400)).await;
    let late = probe.refused(&exchange(&first)).await;
    assert_eq!(
        (late.code, late.subcode),
        (190, Some(463)),
        "an expired token cannot be exchanged"
    );
    probe.ok(&format!("/me?access_token={second}")).await;
    probe
        .world()
        .revoke_token(TOKEN, Revocation::PasswordChanged);
    let dead = probe.refused(&format!("/me?access_token={second}")).await;
    assert_eq!((dead.code, dead.subcode), (190, Some(460)));
}

#[tokio::test(start_paused = true)]
async fn page_tokens_from_a_long_lived_token_do_not_end() {
    let probe = Probe::of(short_lived());
    let short = page_token(&probe, TOKEN).await;
    let lasting = page_token(&probe, &exchanged(&probe, TOKEN).await).await;
    assert_ne!(short, lasting);
    tokio::time::advance(Duration::from_secs(100 * 86_400)).await;
    let dead = probe.refused(&format!("/me?access_token={short}")).await;
    assert_eq!(dead.subcode, Some(463));
    probe.ok(&format!("/me?access_token={lasting}")).await;
    probe.world().revoke_token(TOKEN, Revocation::AppRemoved);
    let dead = probe.refused(&format!("/me?access_token={lasting}")).await;
    assert_eq!(dead.subcode, Some(458));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_an_end_is_exchanged_for_one_without_an_end() {
    let probe = Probe::small();
    let body = probe.ok(&exchange(TOKEN)).await;
    assert!(body.get("expires_in").is_none());
    let token = body["access_token"].as_str().unwrap();
    tokio::time::advance(Duration::from_secs(400 * 86_400)).await;
    probe.ok(&format!("/me?access_token={token}")).await;
}

#[tokio::test]
async fn inspection_knows_when_an_exchanged_token_ends() {
    let probe = Probe::of(short_lived());
    let token = exchanged(&probe, TOKEN).await;
    let path = format!(
        "/debug_token?input_token={token}&access_token=138483919580948%7C5eecc0de5eecc0de5eecc0de5eecc0de"
    );
    let data = probe.ok(&path).await["data"].clone();
    let (issued, expires) = (data["issued_at"].as_i64(), data["expires_at"].as_i64());
    assert_eq!(issued, Some(probe.world().now().timestamp()));
    assert_eq!(expires.unwrap() - issued.unwrap(), 5_183_944);
    assert_eq!(
        (&data["type"], &data["is_valid"]),
        (&"USER".into(), &true.into())
    );
}

#[tokio::test]
async fn wrong_exchanges_are_refused() {
    let probe = Probe::of(short_lived());
    let unknown = probe.refused(&exchange("made-up")).await;
    assert_eq!((unknown.status, unknown.code), (400, 190));
    let forged = exchanged(&probe, TOKEN).await.replace("SIML-0", "SIML-1");
    assert_eq!(probe.refused(&exchange(&forged)).await.code, 190);
    let of_page = page_token(&probe, TOKEN).await;
    assert_eq!(probe.refused(&exchange(&of_page)).await.code, 100);
    for left_out in [
        "client_id",
        "client_secret",
        "grant_type",
        "fb_exchange_token",
    ] {
        let path = exchange(TOKEN).replace(&format!("{left_out}="), "x=");
        let expected = format!("(#100) The parameter {left_out} is required");
        assert_eq!(
            probe.refused(&path).await,
            refusal(400, 100, None, &expected)
        );
    }
    let path = exchange(TOKEN).replace("=fb_exchange_token", "=password");
    let refused = probe.refused(&path).await;
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (100, "Invalid grant_type: 'password'.")
    );
    let path = exchange(TOKEN).replace("client_id=1", "client_id=9");
    let refused = probe.refused(&path).await;
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (101, "Error validating application. Invalid application ID.")
    );
}

#[tokio::test]
async fn a_wrong_app_secret_is_refused_with_the_code_of_the_switch() {
    for code in [1, 100] {
        let mut spec = short_lived();
        spec.rules.wrong_secret_code = code;
        let path = exchange(TOKEN).replace("5eecc0de", "00000000");
        assert_eq!(
            Probe::of(spec).refused(&path).await,
            refusal(400, code, None, "Error validating client secret.")
        );
    }
}

#[tokio::test]
async fn an_exchange_is_a_call_of_the_app_and_leaves_no_secret_in_the_journal() {
    let probe = Probe::of(short_lived());
    exchanged(&probe, TOKEN).await;
    let call = probe.simulator.journal().remove(0);
    assert_eq!(call.pool.as_deref(), Some("platform:app"));
    assert_eq!(call.token.as_deref(), Some("app"));
    let told: Vec<_> = call.query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(told, ["grant_type", "client_id"]);
}
