//! What happens to tokens, permissions, accounts and their pages while a client runs.

use std::time::Duration;

use chrono::TimeDelta;
use igsync_simulator::{Revocation, TokenSpec, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, TOKEN, refusal};

const PAGE: &str = "134895793791901";
const NEW: &str = "SIM-new";

/// Status of a permission, as `/me/permissions` tells it.
async fn status(probe: &Probe, permission: &str) -> Option<Value> {
    let body = probe.ok("/me/permissions").await;
    let rows = body["data"].as_array().unwrap().iter();
    let mut found = rows.filter(|row| row["permission"] == permission);
    found.next().map(|row| row["status"].clone())
}

/// What `/debug_token` tells of a token.
async fn inspected(probe: &Probe, token: &str) -> Value {
    let app = &probe.world().spec().app;
    let path = format!(
        "/debug_token?input_token={token}&access_token={}|{}",
        app.id, app.secret
    );
    probe.ok(&path.replace('|', "%7C")).await["data"].clone()
}

/// The page token that a user's token is given.
async fn page_token(probe: &Probe, token: &str) -> String {
    let path = format!("/me/accounts?fields=access_token&access_token={token}");
    let token = &probe.ok(&path).await["data"][0]["access_token"];
    token.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn permissions_can_be_granted_and_withdrawn() {
    let permission = "instagram_manage_comments";
    let mut spec = WorldSpec::small(1);
    spec.tokens = vec![TokenSpec::default().without(permission)];
    let probe = Probe::of(spec);
    let mut posts = probe.world().media(ACCOUNT);
    let post = posts.find(|post| post.comments().count() > 0).unwrap().id();
    let comments = format!("/{post}/comments");
    let scopes = async || inspected(&probe, TOKEN).await["scopes"].to_string();
    assert_eq!(probe.refused(&comments).await.code, 10);
    assert_eq!(status(&probe, permission).await, None);
    probe.world().grant_permission(TOKEN, permission);
    probe.ok(&comments).await;
    assert_eq!(status(&probe, permission).await, Some(json!("granted")));
    assert!(scopes().await.contains(permission));
    // A page token loses it as well.
    let page = page_token(&probe, TOKEN).await;
    probe.world().withdraw_permission(TOKEN, permission);
    for path in [&comments, &format!("{comments}?access_token={page}")] {
        assert_eq!(probe.refused(path).await.code, 10);
    }
    assert_eq!(status(&probe, permission).await, Some(json!("declined")));
    assert!(!scopes().await.contains(permission));
}

#[tokio::test(start_paused = true)]
async fn a_new_token_takes_the_place_of_an_old_one() {
    let mut spec = WorldSpec::small(1);
    let ends = spec.epoch + TimeDelta::days(3);
    spec.tokens[0].data_access_expires_at = Some(spec.epoch + TimeDelta::days(1));
    let probe = Probe::of(spec);
    let (world, me) = (probe.world(), |token: &str| {
        format!("/me?access_token={token}")
    });
    let old_page = page_token(&probe, TOKEN).await;
    assert!(!world.replace_token("made-up", NEW, None));
    tokio::time::advance(Duration::from_secs(2 * 86_400)).await;
    let account = format!("/{ACCOUNT}?fields=username");
    assert_eq!(probe.refused(&account).await.code, 10, "no data access");
    world.revoke_token(TOKEN, Revocation::PasswordChanged);
    assert!(world.replace_token(TOKEN, NEW, Some(ends)));
    for dead in [TOKEN, &old_page] {
        assert_eq!(probe.refused(&me(dead)).await.subcode, Some(460));
    }
    probe.ok(&format!("{account}&access_token={NEW}")).await;
    let page = page_token(&probe, NEW).await;
    assert_ne!(page, old_page);
    probe.ok(&me(&page)).await;
    let told = inspected(&probe, NEW).await;
    let now = world.now().timestamp();
    assert_eq!(
        [
            &told["issued_at"],
            &told["expires_at"],
            &told["data_access_expires_at"]
        ],
        [now, ends.timestamp(), 0]
    );
    tokio::time::advance(Duration::from_secs(86_400)).await;
    for expired in [NEW, &page] {
        assert_eq!(probe.refused(&me(expired)).await.subcode, Some(463));
    }
    // Another one, and what it is exchanged for; the one before was killed by nobody.
    world.replace_token(NEW, "SIM-newer", Some(ends + TimeDelta::days(1)));
    assert_eq!(probe.refused(&me(NEW)).await.subcode, Some(467));
    let app = &world.spec().app;
    let exchange = format!(
        "/oauth/access_token?no_token&grant_type=fb_exchange_token&client_id={}&client_secret={}\
         &fb_exchange_token=SIM-newer",
        app.id, app.secret
    );
    let lasting = probe.ok(&exchange).await["access_token"].clone();
    let lasting = lasting.as_str().unwrap();
    probe.ok(&me(lasting)).await;
    world.replace_token(lasting, "SIM-newest", None);
    assert_eq!(probe.refused(&me(lasting)).await.subcode, Some(467));
    probe.ok(&me("SIM-newest")).await;
    let journal = probe.simulator.journal();
    assert_eq!(journal.last().unwrap().token.as_deref(), Some("main"));
}

#[tokio::test]
async fn a_renamed_account_is_found_by_its_new_name_alone() {
    let probe = Probe::demo();
    let discovery = |username: &str| {
        format!("/{ACCOUNT}?fields=business_discovery.username({username}){{id,username}}")
    };
    let before = probe.ok(&discovery("sim.account.900")).await;
    let id = before["business_discovery"]["id"].as_str().unwrap();
    assert!(probe.world().rename_account(id, "another.name"));
    assert!(!probe.world().rename_account("1", "another.name"));
    let after = probe.ok(&discovery("another.name")).await;
    assert_eq!(
        after["business_discovery"],
        json!({"id": id, "username": "another.name"})
    );
    assert_eq!(
        probe.refused(&discovery("sim.account.900")).await,
        refusal(400, 110, Some(2_207_013), "Invalid user id")
    );
    assert!(probe.world().rename_account(ACCOUNT, "kornblume"));
    let path = format!("/{ACCOUNT}/media?limit=1&fields=username");
    assert_eq!(probe.ok(&path).await["data"][0]["username"], "kornblume");
}

#[tokio::test]
async fn an_account_can_be_unlinked_and_linked_again() {
    let probe = Probe::small();
    let world = probe.world();
    let post = world.media(ACCOUNT).next().unwrap().id();
    let account_of_page = async || {
        let fields = "fields=instagram_business_account{id}";
        let body = probe.ok(&format!("/{PAGE}?{fields}")).await;
        let listed = probe.ok(&format!("/me/accounts?{fields}")).await;
        let key = "instagram_business_account";
        assert_eq!(listed["data"][0].get(key), body.get(key));
        body[key]["id"].as_str().map(str::to_owned)
    };
    let is_expected = || !world.expected(&["media"]).rows["media"].is_empty();
    assert!(world.link_account(ACCOUNT, false) && !world.link_account("1", false));
    assert_eq!(account_of_page().await, None);
    for gone in [ACCOUNT, &post] {
        let refused = probe.refused(&format!("/{gone}")).await;
        assert_eq!((refused.code, refused.subcode), (100, Some(33)));
    }
    assert!(!is_expected(), "nobody can read it");
    world.link_account(ACCOUNT, true);
    assert_eq!(account_of_page().await.as_deref(), Some(ACCOUNT));
    probe.ok(&format!("/{post}")).await;
    assert!(is_expected());
}

#[tokio::test]
async fn accounts_that_the_user_did_not_let_the_app_see_are_missing_from_their_pages() {
    let mut spec = WorldSpec::many_accounts(1, 2, 5);
    let (seen, unseen) = ("17841400000000001", "17841400000000002");
    spec.tokens[0].accounts = Some([seen.to_owned()].into());
    let probe = Probe::of(spec);
    let pages = probe
        .ok("/me/accounts?fields=id,instagram_business_account")
        .await;
    let pages = pages["data"].as_array().unwrap();
    assert_eq!(pages[0]["instagram_business_account"]["id"], seen);
    assert_eq!(crate::probe::keys(&pages[1]), ["id"]);
    let post = probe.world().media(unseen).next().unwrap().id();
    for path in [format!("/{unseen}?fields=username"), format!("/{post}")] {
        assert_eq!(probe.refused(&path).await.subcode, Some(33), "{path}");
    }
    let business = "/2119000000000000/instagram_business_accounts";
    assert_eq!(probe.ids(business).await, [seen]);
    let page = pages[1]["id"].as_str().unwrap();
    let token =
        probe.ok("/me/accounts?fields=access_token").await["data"][1]["access_token"].clone();
    let token = token.as_str().unwrap();
    let path = format!("/{page}/conversations?platform=instagram&access_token={token}");
    assert_eq!(probe.ids(&path).await, [""; 0]);
    let scopes = inspected(&probe, TOKEN).await["granular_scopes"].clone();
    let of = |name: &str| {
        let mut scopes = scopes.as_array().unwrap().iter();
        scopes.find(|scope| scope["scope"] == name).unwrap()["target_ids"].clone()
    };
    assert_eq!(of("instagram_basic"), json!([seen]));
    assert_eq!(of("pages_show_list"), Value::Null);
}
