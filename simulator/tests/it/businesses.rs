//! Businesses, the pages they own or work on, and the accounts of those pages.

use igsync_simulator::{PageReach, WorldSpec};
use serde_json::json;

use crate::probe::{Probe, TOKEN, ids, refusal};

const OWNER: &str = "2119000000000000";
const AGENCY: &str = "2119000000000077";

/// Five pages of one owner; on the second and third the token's user works for an agency.
fn probe() -> Probe {
    let mut spec = WorldSpec::demo(7);
    for page in &mut spec.pages[1..3] {
        page.client_business_id = Some(AGENCY.to_owned());
    }
    Probe::of(spec)
}

#[tokio::test]
async fn businesses_of_the_user_are_told_by_id_and_name() {
    let probe = probe();
    let body = probe.ok("/me/businesses").await;
    assert_eq!(
        body["data"],
        json!([
            {"name": format!("Business {OWNER}"), "id": OWNER},
            {"name": format!("Business {AGENCY}"), "id": AGENCY},
        ])
    );
    assert_eq!(probe.ok(&format!("/{AGENCY}")).await, body["data"][1]);
}

#[tokio::test]
async fn owned_and_client_pages_are_listed_page_by_page() {
    let probe = probe();
    let every = probe.ids("/me/accounts").await;
    let told = probe.walk(&format!("/{OWNER}/owned_pages?limit=2")).await;
    assert_eq!(ids(&json!({ "data": told })), every);
    assert_eq!(told[0], json!({"name": "Sim Page 1", "id": every[0]}));
    assert_eq!(
        probe.ids(&format!("/{AGENCY}/client_pages")).await,
        every[1..3]
    );
    for empty in [
        format!("/{AGENCY}/owned_pages"),
        format!("/{OWNER}/client_pages"),
        format!("/{AGENCY}/instagram_business_accounts"),
    ] {
        assert_eq!(probe.get(&empty).await.text, r#"{"data":[]}"#, "{empty}");
    }
    let fields = "fields=id,tasks,access_token,instagram_business_account";
    let listed = probe.ok(&format!("/{OWNER}/owned_pages?{fields}")).await;
    let mine = probe.ok(&format!("/me/accounts?{fields}")).await;
    assert_eq!(listed["data"], mine["data"], "they are the same pages");
}

#[tokio::test]
async fn pages_of_a_business_need_the_permission_of_pages_as_well() {
    let probe = probe();
    for permission in ["pages_show_list", "pages_read_engagement"] {
        probe.ok(&format!("/{OWNER}/owned_pages")).await;
        probe.world().withdraw_permission(TOKEN, permission);
    }
    for path in [
        format!("/{OWNER}/owned_pages"),
        format!("/{AGENCY}/client_pages"),
        format!("/{OWNER}?fields=owned_pages{{id}}"),
    ] {
        let refused = probe.refused(&path).await;
        assert_eq!((refused.status, refused.code), (400, 100), "{path}");
        assert!(refused.message.contains("'pages_read_engagement'"));
    }
}

#[tokio::test]
async fn pages_that_the_user_has_through_an_agency_are_listed_with_business_management_alone() {
    let probe = probe();
    let every = probe.ids("/me/accounts").await;
    probe
        .world()
        .withdraw_permission(TOKEN, "business_management");
    let own = [&every[..1], &every[3..]].concat();
    assert_eq!(probe.ids("/me/accounts").await, own);
}

#[tokio::test]
async fn an_account_tells_the_business_that_owns_it() {
    let probe = probe();
    let account = probe.world().accounts().nth(1).unwrap().id().to_owned();
    let told = probe.ok(&format!("/{account}?fields=owner_business")).await;
    assert_eq!(
        told["owner_business"],
        json!({"name": format!("Business {OWNER}"), "id": OWNER})
    );
    let mut spec = WorldSpec::small(1);
    spec.pages[0].business_id = None;
    let told = Probe::of(spec)
        .ok("/17841400000000001?fields=owner_business")
        .await;
    assert_eq!(told, json!({"id": "17841400000000001"}));
}

#[tokio::test]
async fn accounts_of_a_business_tell_their_id_and_on_demand_their_names() {
    let probe = probe();
    let path = format!("/{OWNER}/instagram_business_accounts");
    let body = probe.ok(&path).await;
    let accounts: Vec<_> = probe
        .world()
        .accounts()
        .map(|account| json!({"id": account.id()}))
        .collect();
    assert_eq!(body["data"], json!(accounts));
    let named = probe.ok(&format!("{path}?fields=username,name")).await;
    let last = named["data"].as_array().unwrap().last().unwrap();
    assert_eq!(
        *last,
        json!({"username": "tiny.new.shop", "id": "17841400000000004"}),
        "an empty name is not told"
    );
    let owned = format!("/{OWNER}/owned_instagram_accounts");
    assert_eq!(probe.ids(&owned).await, probe.ids(&path).await);
    let clients = format!("/{AGENCY}/client_instagram_accounts");
    let expected = ["17841400000000002", "17841400000000003"];
    assert_eq!(probe.ids(&clients).await, expected);
    probe.world().link_account("17841400000000004", false);
    assert_eq!(probe.ids(&path).await.len(), 3);
    probe.world().withdraw_permission(TOKEN, "instagram_basic");
    let refused = probe.refused(&format!("{path}?fields=username")).await;
    assert_eq!(refused.code, 10, "told nothing without its permission");
}

#[tokio::test]
async fn without_business_management_no_business_is_told() {
    let probe = probe();
    probe
        .world()
        .withdraw_permission(TOKEN, "business_management");
    let expected = "(#200) Requires business_management permission to manage the object";
    for path in [
        "/me/businesses".to_owned(),
        format!("/{OWNER}?fields=name"),
        "/me?fields=businesses{owned_pages}".to_owned(),
        "/17841400000000001?fields=owner_business".to_owned(),
        format!("/{OWNER}/owned_instagram_accounts"),
        format!("/{OWNER}/client_instagram_accounts"),
        format!("/{OWNER}/owned_pages"),
        format!("/{OWNER}/client_pages"),
        format!("/{OWNER}/instagram_business_accounts"),
    ] {
        assert_eq!(
            probe.refused(&path).await,
            refusal(400, 200, None, expected),
            "{path}"
        );
    }
}

#[tokio::test]
async fn businesses_of_other_people_look_as_if_they_did_not_exist() {
    let mut spec = WorldSpec::demo(7);
    spec.pages[1].business_id = Some(AGENCY.to_owned());
    spec.tokens[0].pages = PageReach::Only([spec.pages[0].id.clone()].into());
    let probe = Probe::of(spec);
    let refused = probe.refused(&format!("/{AGENCY}/owned_pages")).await;
    assert_eq!((refused.code, refused.subcode), (100, Some(33)));
    assert_eq!(probe.ids("/me/businesses").await, [OWNER]);
    assert_eq!(probe.ids(&format!("/{OWNER}/owned_pages")).await.len(), 1);
}
