//! The other recorded bodies through the decoders that live answers go through.

use igsync::graph::{ErrorBody, Reaction, Skip, judge};
use igsync::resource;
use igsync::store::Value as Stored;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::recorded::{read, recordings};

/// The objects of a recorded body: of its list, of its map by id, or itself.
fn nodes(body: &Value) -> Vec<Value> {
    if let Some(list) = body["data"].as_array() {
        return list.clone();
    }
    let map = body.as_object().unwrap();
    if map.keys().all(|key| key.parse::<u64>().is_ok()) {
        return map.values().cloned().collect();
    }
    vec![body.clone()]
}

/// Rows of a recorded object, asked for with the resource's own fields.
fn rows(resource: &str, node: &Value) -> Vec<igsync::store::Row> {
    let resource = resource::find(resource).unwrap();
    let raw = RawValue::from_string(node.to_string()).unwrap();
    let mut decoded = resource::Decoded::default();
    let walk = resource.walk().unwrap();
    (walk.rows)("1", &(walk.fields)(), &raw, &mut decoded);
    assert!(
        decoded.problems.is_empty(),
        "{:?}: {node}",
        decoded.problems
    );
    decoded.rows
}

fn value<'a>(rows: &'a [igsync::store::Row], table: &str, column: &str) -> Option<&'a Stored> {
    let row = rows.iter().find(|row| row.table.name == table)?;
    row.values[row.table.position(column)?].as_ref()
}

#[test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
fn recorded_accounts_media_and_children_become_rows() {
    let folder = recordings();
    let mut decoded = 0;
    for file in [
        "airbyte/users.json",
        "python-facebook/users__user_fields.json",
    ] {
        for node in nodes(&read(&folder.join(file))) {
            let rows = rows("account", &node);
            let followers = node["followers_count"].as_i64().map(Stored::Integer);
            assert_eq!(
                value(&rows, "account_snapshots", "followers_count").cloned(),
                followers,
                "{file}"
            );
            if let Some(id) = node["ig_id"].as_i64() {
                assert_eq!(
                    value(&rows, "accounts", "ig_id"),
                    Some(&Stored::Text(id.to_string())),
                    "{file}"
                );
            }
            decoded += 1;
        }
    }
    for file in [
        "airbyte/media.json",
        "airbyte/media_for_reels.json",
        "airbyte/media_for_carousel_album.json",
        "airbyte/media_for_children.json",
        "airbyte/stories.json",
        "python-facebook/users__medias_p1.json",
        "python-facebook/medias__medias_fields.json",
        "restfb/instagram__media-image.json",
    ] {
        for node in nodes(&read(&folder.join(file))) {
            let rows = rows("media", &node);
            let likes = node["like_count"]
                .as_i64()
                .map_or(Stored::Null, Stored::Integer);
            assert_eq!(
                value(&rows, "media_snapshots", "like_count"),
                Some(&likes),
                "{file}"
            );
            let children = node["children"]["data"].as_array().map_or(0, Vec::len);
            let stored = rows
                .iter()
                .filter(|row| row.table.name == "media_children")
                .count();
            assert_eq!(stored, children, "{file}");
            decoded += 1;
        }
    }
    // Children as the edge gives them, put into the album they belong to.
    let children = read(&folder.join("python-facebook/medias__children.json"));
    let child = read(&folder.join("airbyte/media_children_for_children.json"));
    for list in [children, serde_json::json!({"data": [child]})] {
        let album =
            serde_json::json!({"id": "1", "media_type": "CAROUSEL_ALBUM", "children": list});
        let rows = rows("media", &album);
        let media_type = &album["children"]["data"][0]["media_type"];
        assert_eq!(
            value(&rows, "media_children", "media_type"),
            Some(&Stored::Text(media_type.as_str().unwrap().to_owned()))
        );
        decoded += 1;
    }
    assert!(decoded > 30, "only {decoded} recorded objects");
}

#[test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
fn recorded_pages_say_which_account_is_linked() {
    let folder = recordings();
    for (file, linked) in [
        ("airbyte/api.json", 1),
        ("me_accounts_page_without_instagram.json", 1),
    ] {
        let accounts: Vec<Value> = nodes(&read(&folder.join(file)))
            .into_iter()
            .filter_map(|page| page.get("instagram_business_account").cloned())
            .collect();
        assert_eq!(accounts.len(), linked, "{file}");
        let node = accounts[0].as_object().unwrap();
        let row = resource::discovered_account(node, &[]).unwrap();
        assert_eq!(
            row.values[0],
            Some(Stored::Text(node["id"].as_str().unwrap().to_owned()))
        );
    }
}

#[test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
fn recorded_errors_meet_the_reaction_they_need() {
    let folder = recordings();
    let mut judged = 0;
    let mut bodies: Vec<(String, Value)> = [
        "airbyte/media_insights_for_error_posted_before_business.json",
        "airbyte/media_insights_for_error_with_wrong_permissions_code_10.json",
        "python-facebook/error_data.json",
        "rust-crate/err__access_token_invalid_1.json",
    ]
    .into_iter()
    .map(|file| (file.to_owned(), read(&folder.join(file))))
    .collect();
    for entry in read(&folder.join("errors.json")).as_array().unwrap() {
        bodies.push((
            entry["seen"].as_str().unwrap().to_owned(),
            entry["body"].clone(),
        ));
    }
    for recording in [
        "vcr_v23_account_2026-03-06",
        "vcr_v23_user_insights_metric_type_2026-04-21",
    ] {
        let recording = read(&folder.join(format!("keboola/{recording}.json")));
        for pair in recording["interactions"].as_array().unwrap() {
            let body: Value =
                serde_json::from_str(pair["response"]["body"]["string"].as_str().unwrap()).unwrap();
            if pair["response"]["status"]["code"] != 200 {
                bodies.push((body["error"]["message"].to_string(), body));
            }
        }
    }
    for (seen, body) in bodies {
        let error = ErrorBody::read(body.to_string().as_bytes())
            .unwrap_or_else(|| panic!("{seen}: not read"));
        let message = error.message.clone();
        // Their recorder blotted the code out; it is still in most messages.
        if error.code == 0 {
            assert!(
                message.starts_with("Unknown path"),
                "{seen}: no code in {message}"
            );
            continue;
        }
        let reaction = judge(&error).reaction;
        let right = match (error.code, error.error_subcode) {
            (100, Some(2_108_006)) => reaction == Reaction::Skip(Skip::BeforeConversion),
            (100, Some(33)) => reaction == Reaction::Skip(Skip::Gone),
            (4 | 17 | 80_004, _) => matches!(reaction, Reaction::Throttle(_)),
            (190, _) => reaction == Reaction::StopCredential,
            (2, _) => reaction == Reaction::Fail,
            (10, _) if message.contains("viewers") => matches!(reaction, Reaction::Skip(_)),
            (10, _) => reaction == Reaction::Disable,
            (100, _) if message.contains("nonexisting field") => {
                matches!(reaction, Reaction::Drop(_))
            }
            (100, _) if message.contains("does not support") && message.contains("metric") => {
                matches!(reaction, Reaction::Drop(_))
            }
            (100, _) if message.contains("] must be one of") => {
                matches!(reaction, Reaction::DropMetric(_))
            }
            (100, _) => matches!(reaction, Reaction::Mistake),
            other => panic!("{seen}: nobody thought of {other:?}"),
        };
        assert!(right, "{seen}: {reaction:?} for {message}");
        judged += 1;
    }
    assert!(judged > 15, "only {judged} recorded errors");
}
