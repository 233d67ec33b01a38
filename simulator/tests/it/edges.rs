//! Shopping, messages, what a token is worth, and batches.

use igsync_simulator::{Fault, Match, MediaType, Rules, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{BAKERY, Probe, TOKEN, ids, keys, refusal};

#[tokio::test]
async fn shopping_edges_tell_numbers_as_ids_and_need_their_permissions() {
    let probe = Probe::demo();
    let catalog = probe.ok(&format!("/{BAKERY}/available_catalogs")).await["data"][0].clone();
    assert_eq!(catalog["product_count"], 12);
    let all = probe
        .ok(&format!(
            "/{BAKERY}/catalog_product_search?catalog_id={}&q=",
            catalog["catalog_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(all["data"].as_array().unwrap().len(), 12);
    let tagged = probe
        .world()
        .media(BAKERY)
        .find(|post| !post.product_tags().is_empty())
        .unwrap();
    let tags = probe.ok(&format!("/{}/product_tags", tagged.id())).await;
    assert!(tags["data"][0]["product_id"].is_u64());
    let product = tags["data"][0]["product_id"].as_u64().unwrap();
    assert_eq!(
        probe
            .ok(&format!("/{BAKERY}/product_appeal?product_id={product}"))
            .await["data"][0]["product_id"],
        product
    );
    let creator = probe.ok("/17841400000000003/available_catalogs").await;
    assert_eq!(creator, json!({"data": []}), "creators have no catalog");
    let limit = probe
        .ok(&format!(
            "/{BAKERY}/content_publishing_limit?fields=config,quota_usage"
        ))
        .await;
    assert_eq!(
        limit["data"][0]["config"],
        json!({"quota_duration": 86_400, "quota_total": 50})
    );
    assert_eq!(
        probe
            .ok(&format!(
                "/{BAKERY}?fields=shopping_product_tag_eligibility"
            ))
            .await["shopping_product_tag_eligibility"],
        true
    );
    probe
        .world()
        .withdraw_permission(TOKEN, "catalog_management");
    assert_eq!(
        probe
            .refused(&format!("/{BAKERY}/available_catalogs"))
            .await
            .code,
        10
    );
    assert_eq!(
        probe
            .refused(&format!(
                "/{BAKERY}?fields=username,shopping_product_tag_eligibility"
            ))
            .await
            .code,
        10
    );
}

#[tokio::test]
async fn conversations_need_the_page_token_and_tell_twenty_messages() {
    let mut spec = WorldSpec::demo(7);
    spec.meters.conversation_calls_per_second = 100;
    let probe = Probe::of(spec);
    let accounts = probe.ok("/me/accounts?fields=id,access_token").await;
    let (page, token) = (
        accounts["data"][0]["id"].as_str().unwrap(),
        accounts["data"][0]["access_token"].as_str().unwrap(),
    );
    let path = format!("/{page}/conversations?platform=instagram");
    let refusal = probe.refused(&path).await;
    assert_eq!(refusal.code, 210);
    let body = probe.ok(&format!("{path}&access_token={token}")).await;
    let conversation = ids(&body)[0].clone();
    assert_eq!(keys(&body["data"][0]), ["id", "updated_time"]);
    assert_eq!(
        ids(&body).len(),
        probe.world().conversations(BAKERY).count()
    );
    let node = probe
        .ok(&format!(
            "/{conversation}?fields=participants,messages.limit(100){{id}}&access_token={token}"
        ))
        .await;
    let messages = ids(&node["messages"]);
    assert!(messages.len() > 20);
    let partner = node["participants"]["data"][1]["id"].as_str().unwrap();
    assert_eq!(
        probe
            .ids(&format!("{path}&user_id={partner}&access_token={token}"))
            .await,
        [conversation]
    );
    let newest = probe
        .ok(&format!(
            "/{}?fields=id,created_time,from,to,message&access_token={token}",
            messages[0]
        ))
        .await;
    assert_eq!(
        keys(&newest),
        ["created_time", "from", "id", "message", "to"]
    );
    let old = probe
        .refused(&format!(
            "/{}?fields=message&access_token={token}",
            messages[20]
        ))
        .await;
    assert_eq!((old.code, old.subcode), (100, Some(33)));
    probe
        .ok(&format!(
            "/{}?fields=id,created_time&access_token={token}",
            messages[20]
        ))
        .await;
}

#[tokio::test]
async fn debug_token_tells_what_a_token_is_worth() {
    let probe = Probe::demo();
    let app = "138483919580948%7C5eecc0de5eecc0de5eecc0de5eecc0de";
    let body = probe
        .ok(&format!(
            "/debug_token?input_token={TOKEN}&access_token={app}"
        ))
        .await;
    let data = &body["data"];
    assert_eq!(
        (&data["type"], &data["is_valid"], &data["expires_at"]),
        (&json!("USER"), &json!(true), &json!(0))
    );
    assert!(
        data["scopes"]
            .as_array()
            .unwrap()
            .contains(&json!("instagram_basic"))
    );
    let page_token = probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = probe
        .ok(&format!(
            "/debug_token?input_token={page_token}&access_token={app}"
        ))
        .await;
    assert_eq!(
        (&page["data"]["type"], &page["data"]["profile_id"]),
        (&json!("PAGE"), &json!("134895793791901"))
    );
    probe
        .world()
        .revoke_token(TOKEN, igsync_simulator::Revocation::AppRemoved);
    let dead = probe
        .ok(&format!(
            "/debug_token?input_token={TOKEN}&access_token={app}"
        ))
        .await;
    assert_eq!(
        (&dead["data"]["is_valid"], &dead["data"]["error"]["subcode"]),
        (&json!(false), &json!(458))
    );
    assert_eq!(
        probe.refused(&format!("/me?access_token={app}")).await.code,
        2500
    );
}

#[tokio::test]
async fn a_batch_answers_each_part_on_its_own() {
    let probe = Probe::demo();
    let images: Vec<_> = probe
        .world()
        .media(BAKERY)
        .filter(|post| post.media_type() == MediaType::Image)
        .take(2)
        .map(|post| post.id())
        .collect();
    let batch = json!([
        {"method": "GET", "relative_url": format!("{}/insights?metric=reach", images[0])},
        {"method": "GET", "relative_url": format!("{}/insights?metric=plays", images[1])},
        {"method": "GET", "relative_url": "me?fields=name"},
    ]);
    probe
        .simulator
        .inject(Fault::on(Match::path_ends_with("/me")).unfinished());
    let reply = probe
        .post(
            "/v25.0/",
            &[
                ("access_token", TOKEN),
                ("include_headers", "true"),
                ("batch", &batch.to_string()),
            ],
        )
        .await;
    assert_eq!(reply.status, 200);
    let parts = reply.body.as_array().unwrap();
    assert_eq!(
        (&parts[0]["code"], &parts[1]["code"], &parts[2]),
        (&json!(200), &json!(400), &Value::Null)
    );
    let body: Value = serde_json::from_str(parts[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["data"][0]["name"], "reach");
    let header = |part: &Value, name: &str| {
        part["headers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|header| header["name"] == name)
    };
    assert!(
        header(&parts[0], "x-business-use-case-usage") && header(&parts[1], "facebook-api-version")
    );
    assert!(reply.header("x-business-use-case-usage").is_some());
    let journal = probe.simulator.journal();
    let costs: Vec<_> = journal
        .iter()
        .map(|call| (call.in_batch, call.cost))
        .collect();
    assert_eq!(
        costs,
        [(false, 0), (true, 1), (true, 1), (true, 1)],
        "every part counts, the batch itself does not"
    );
    let plain = probe
        .post(
            "/v25.0/",
            &[
                ("access_token", TOKEN),
                ("include_headers", "false"),
                ("batch", &batch.to_string()),
            ],
        )
        .await;
    assert!(plain.body[0].get("headers").is_none());
}

#[tokio::test]
async fn a_batch_that_is_too_large_malformed_or_without_a_token_is_refused_as_a_whole() {
    let probe = Probe::demo();
    let part = json!({"method": "GET", "relative_url": "me"});
    let many = Value::from(vec![part; 51]).to_string();
    let too_large = probe
        .post("/", &[("access_token", TOKEN), ("batch", &many)])
        .await
        .refusal()
        .unwrap();
    assert_eq!(
        too_large.message,
        "Too many requests in batch message. Maximum batch size is 50"
    );
    let malformed = probe
        .post("/", &[("access_token", TOKEN), ("batch", "{")])
        .await;
    let told = "(#100) param batch must be an array.";
    assert_eq!(malformed.refusal().unwrap(), refusal(400, 100, None, told));
    assert_eq!(
        probe
            .post("/", &[("batch", "[]")])
            .await
            .refusal()
            .unwrap()
            .code,
        104
    );
    let switched = Rules {
        usage_headers_in_batch_parts: false,
        usage_headers_on_batch: false,
        ..Rules::default()
    };
    let probe = Probe::of(WorldSpec {
        rules: switched,
        ..WorldSpec::demo(7)
    });
    let one = json!([{"method": "GET", "relative_url": BAKERY}]).to_string();
    let reply = probe
        .post("/", &[("access_token", TOKEN), ("batch", &one)])
        .await;
    assert!(
        reply.header("x-business-use-case-usage").is_none()
            && !reply.text.contains("x-business-use-case-usage")
    );
}
