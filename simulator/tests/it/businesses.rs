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
    let fields = format!("/{OWNER}/owned_pages?fields=id,access_token");
    assert_eq!(probe.refused(&fields).await.code, 100);
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
    probe.world().link_account("17841400000000004", false);
    assert_eq!(probe.ids(&path).await.len(), 3);
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
