//! What conversations and messages tell beyond their text, and which conversations are listed.

use std::time::Duration;

use igsync_simulator::{AccountSpec, Conversation, Message, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, keys};

/// Ninety conversations, with requests among them.
fn probe() -> Probe {
    let mut spec = WorldSpec::small(1);
    spec.meters.conversation_calls_per_second = 100;
    spec.pages[0].account = Some(AccountSpec {
        conversations: 90,
        messages_per_conversation: 20,
        requests_per_mille: 500,
        ..AccountSpec::numbered(1)
    });
    Probe::of(spec)
}

async fn page_token(probe: &Probe) -> String {
    let accounts = probe.ok("/me/accounts?fields=access_token").await;
    accounts["data"][0]["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn requests_are_listed_for_thirty_days_after_their_last_message() {
    let probe = probe();
    let token = page_token(&probe).await;
    let path =
        format!("/134895793791901/conversations?platform=instagram&limit=100&access_token={token}");
    let conversations = |probe: &Probe| -> Vec<(String, bool, i64)> {
        let told = |conversation: Conversation<'_>| {
            let at = conversation.updated_time().timestamp();
            (conversation.id(), conversation.is_request(), at)
        };
        probe.world().conversations(ACCOUNT).map(told).collect()
    };
    let at_first = conversations(&probe);
    assert_eq!(at_first.len(), 90, "all were active in the last 20 days");
    assert_eq!(probe.ids(&path).await.len(), 90);
    tokio::time::advance(Duration::from_secs(29 * 86_400)).await;
    assert_eq!(probe.ids(&path).await.len(), 90);
    tokio::time::advance(Duration::from_secs(3 * 86_400)).await;
    let listed = probe.ids(&path).await;
    let now = probe.world().now().timestamp();
    let by_id = |id: &str| format!("/{id}?fields=updated_time&access_token={token}");
    let (mut quiet_requests, mut quiet_others) = (0, 0);
    for (id, is_request, _) in &at_first {
        // What is not listed any more has not been deleted.
        let told = probe.ok(&by_id(id)).await;
        let updated = told["updated_time"].as_str().unwrap();
        let updated = chrono::DateTime::parse_from_str(updated, "%Y-%m-%dT%H:%M:%S%z").unwrap();
        let is_quiet = updated.timestamp() < now - 30 * 86_400;
        quiet_requests += usize::from(is_quiet && *is_request);
        quiet_others += usize::from(is_quiet && !is_request);
        assert_eq!(listed.contains(id), !(is_quiet && *is_request), "{id}");
    }
    assert!(quiet_requests > 0 && quiet_others > 0);
    assert_eq!(conversations(&probe).len(), listed.len());
}

#[tokio::test]
async fn nobody_has_answered_a_request() {
    let probe = probe();
    let world = probe.world();
    let has_answer = |conversation: &Conversation<'_>| {
        conversation
            .messages()
            .any(|message| message.is_from_account())
    };
    let all: Vec<_> = world.conversations(ACCOUNT).collect();
    assert!(all.iter().any(has_answer));
    assert!(all.iter().all(|one| one.is_request() != has_answer(one)));
}

#[tokio::test]
async fn messages_tell_pictures_reactions_and_what_is_unsupported() {
    let probe = probe();
    let token = page_token(&probe).await;
    let find = |fits: fn(&Message<'_>) -> bool| {
        let mut all = probe.world().conversations(ACCOUNT);
        let fits = |message: &Message<'_>| fits(message) && message.has_details();
        all.find_map(|conversation| conversation.messages().find(fits))
            .unwrap()
    };
    let ask = async |message: &Message<'_>| -> Value {
        let fields = "message,from,to,attachments,reactions,is_unsupported,reply_to,shares,story";
        probe
            .ok(&format!(
                "/{}?fields={fields}&access_token={token}",
                message.id()
            ))
            .await
    };
    let plain = find(|one| !one.is_picture() && !one.is_unsupported() && !one.has_reaction());
    let told = ask(&plain).await;
    assert_eq!(
        keys(&told),
        ["from", "id", "message", "to"],
        "no data, no key"
    );
    assert_eq!(told["message"], plain.text());

    let picture = find(|one| one.is_picture() && !one.has_reaction());
    let told = ask(&picture).await;
    assert_eq!(keys(&told), ["attachments", "from", "id", "message", "to"]);
    assert_eq!(told["message"], "");
    let attachment = &told["attachments"]["data"][0];
    assert_eq!(keys(attachment), ["id", "image_data"]);
    assert!(
        attachment["image_data"]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    let edge = format!(
        "/{}/attachments?fields=id&access_token={token}",
        picture.id()
    );
    assert_eq!(
        probe.ok(&edge).await,
        json!({"data": [{"id": attachment["id"]}]})
    );

    let unsupported = find(|one| one.is_unsupported() && !one.has_reaction());
    let told = ask(&unsupported).await;
    assert_eq!(
        keys(&told),
        ["from", "id", "is_unsupported", "message", "to"]
    );
    assert_eq!(
        (&told["is_unsupported"], &told["message"]),
        (&json!(true), &json!(""))
    );

    let told = ask(&find(|one| one.has_reaction())).await;
    let reaction = &told["reactions"]["data"][0];
    assert_eq!(keys(reaction), ["reaction", "users"]);
    assert_eq!(
        reaction["users"], told["to"]["data"],
        "whoever got it has reacted"
    );
}

#[tokio::test]
async fn older_messages_do_not_tell_their_attachments_either() {
    let mut spec = WorldSpec::demo(7);
    spec.meters.conversation_calls_per_second = 100;
    let probe = Probe::of(spec);
    let token = page_token(&probe).await;
    let mut conversations = probe.world().conversations(ACCOUNT);
    let is_old = |message: &Message<'_>| !message.has_details();
    let old = conversations
        .find_map(|one| one.messages().find(is_old))
        .unwrap();
    for question in [
        "/attachments?",
        "?fields=attachments&",
        "?fields=reactions&",
    ] {
        let path = format!("/{}{question}access_token={token}", old.id());
        assert_eq!(probe.refused(&path).await.subcode, Some(33), "{path}");
    }
}
