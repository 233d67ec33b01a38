//! Parts of a batch that depend on each other.

use std::time::Duration;

use igsync_simulator::{Fault, Match};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, Reply, TOKEN};

async fn ask(probe: &Probe, batch: &Value) -> Reply {
    let form = [("access_token", TOKEN), ("batch", &batch.to_string())];
    probe.post("/v25.0/", &form).await
}

fn body(part: &Value) -> Value {
    serde_json::from_str(part["body"].as_str().unwrap()).unwrap()
}

/// The posts, the first of them, and the comments of the second.
fn dependent() -> Value {
    json!([
        {"method": "GET", "name": "posts", "relative_url": format!("{ACCOUNT}/media?limit=2")},
        {"method": "GET", "relative_url": "{result=posts:$.data[0].id}?fields=permalink"},
        {"method": "GET", "relative_url": "{result=posts:$.data.*.id}?fields=id"},
        {"method": "GET", "relative_url": "me"},
    ])
}

#[tokio::test]
async fn a_part_uses_what_an_earlier_one_answered_and_that_one_is_omitted() {
    let probe = Probe::small();
    let posts = probe.ids(&format!("/{ACCOUNT}/media?limit=2")).await;
    probe.simulator.clear_journal();
    let reply = ask(&probe, &dependent()).await;
    let parts = reply.body.as_array().unwrap();
    assert_eq!(
        parts[0],
        Value::Null,
        "it has succeeded, and others depend on it"
    );
    assert_eq!(body(&parts[1])["id"], posts[0]);
    let message = body(&parts[2])["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    let both = posts.join(",");
    assert!(message.contains(&both), "{message} is about {both}");
    assert_eq!(parts[3]["code"], 200);
    let paths: Vec<String> = probe
        .simulator
        .journal()
        .into_iter()
        .map(|call| call.path)
        .collect();
    assert_eq!(
        paths,
        [
            "",
            &format!("/{ACCOUNT}/media"),
            "/me",
            &format!("/{}", posts[0]),
            &format!("/{both}")
        ],
        "what depends on nothing comes first, and every part is a call"
    );
    let mut told = dependent();
    told[0]["omit_response_on_success"] = json!(false);
    let reply = ask(&probe, &told).await;
    assert_eq!(body(&reply.body[0])["data"][1]["id"], posts[1]);
    let unused = json!([{"name": "me", "relative_url": "me"}]);
    assert_eq!(
        ask(&probe, &unused).await.body[0]["code"],
        200,
        "nothing depends on it"
    );
}

#[tokio::test]
async fn what_depends_on_a_failure_is_null_and_never_asked() {
    let probe = Probe::small();
    let batch = json!([
        {"name": "wrong", "relative_url": format!("{ACCOUNT}?fields=nonsense")},
        {"name": "second", "depends_on": "wrong", "relative_url": "me"},
        {"depends_on": "second", "relative_url": "me"},
    ]);
    let reply = ask(&probe, &batch).await;
    assert_eq!(reply.body[0]["code"], 400, "errors are told");
    assert_eq!(
        (&reply.body[1], &reply.body[2]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        probe.simulator.journal().len(),
        2,
        "the batch and its first part"
    );
    probe.simulator.clear_journal();
    probe
        .simulator
        .inject(Fault::on(Match::path_ends_with("/media")).unfinished());
    let reply = ask(&probe, &dependent()).await;
    assert_eq!(reply.body[1], Value::Null);
    assert_eq!(reply.body[3]["code"], 200);
    assert_eq!(
        probe.simulator.journal().len(),
        3,
        "the batch, the posts and the user"
    );
}

#[tokio::test(start_paused = true)]
async fn dependent_parts_come_one_after_the_other() {
    let probe = Probe::small();
    let delay = Duration::from_secs(3);
    probe
        .simulator
        .inject(Fault::on(Match::any()).delay(delay).always());
    let began = tokio::time::Instant::now();
    ask(
        &probe,
        &json!([{"relative_url": "me"}, {"relative_url": "me"}]),
    )
    .await;
    assert_eq!(began.elapsed(), delay, "in parallel");
    let began = tokio::time::Instant::now();
    ask(&probe, &dependent()).await;
    assert_eq!(began.elapsed(), 2 * delay);
}

#[tokio::test]
async fn names_that_no_earlier_part_has_refuse_the_whole_batch() {
    let probe = Probe::small();
    for batch in [
        json!([{"relative_url": "{result=nobody:$.id}"}]),
        json!([{"depends_on": "later", "relative_url": "me"}, {"name": "later", "relative_url": "me"}]),
        json!([{"name": "self", "relative_url": "{result=self:$.id}"}]),
        json!([{"name": "me", "relative_url": "me"}, {"relative_url": "{result=me:id}"}]),
        json!([{"name": "me", "relative_url": "me"}, {"relative_url": "{result=me:$.id"}]),
    ] {
        let reply = ask(&probe, &batch).await;
        let refusal = reply.refusal();
        assert_eq!(refusal.map(|refusal| refusal.code), Some(100), "{batch}");
    }
    assert_eq!(ask(&probe, &json!([])).await.text, "[]");
}
