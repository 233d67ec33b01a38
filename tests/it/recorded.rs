//! A real account's recorded answers, served to the real binary.
//!
//! The recordings stand beside the repository, in `../shared/recorded`; where they are missing the tests are shown and
//! counted as ignored.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

use crate::binary::{Folder, TOKEN, dump};

/// The folder of recordings. Tests that need it are ignored where it is missing.
pub fn recordings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded")
}

/// Reads a recording as JSON.
pub fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One recorded pair.
struct Pair {
    path: String,
    after: Option<String>,
    status: u16,
    body: Value,
}

const ACCOUNT: &str = "17841403584244541";

fn pairs(recording: &Value) -> Vec<Pair> {
    let interactions = recording["interactions"].as_array().unwrap();
    interactions
        .iter()
        .map(|pair| {
            let uri = pair["request"]["uri"].as_str().unwrap();
            let (path, query) = uri.split_once('?').unwrap();
            let after = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("after="));
            let body = pair["response"]["body"]["string"].as_str().unwrap();
            Pair {
                path: path
                    .strip_prefix("https://graph.facebook.com")
                    .unwrap()
                    .to_owned(),
                after: after.map(str::to_owned),
                status: u16::try_from(pair["response"]["status"]["code"].as_u64().unwrap())
                    .unwrap(),
                body: serde_json::from_str(body).unwrap(),
            }
        })
        .collect()
}

/// Answers with what was recorded for the same path and cursor, cut down to the fields that were asked for.
async fn answer(State(pairs): State<Arc<Vec<Pair>>>, uri: Uri, headers: HeaderMap) -> Response {
    let refuse = |text: &str| {
        let error = json!({"error": {"message": text, "type": "OAuthException", "code": 2500}});
        (StatusCode::BAD_REQUEST, error.to_string()).into_response()
    };
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != &format!("Bearer {TOKEN}"))
    {
        return refuse("An active access token must be used");
    }
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    if !header("user-agent").starts_with("igsync/") || !header("accept-encoding").contains("gzip") {
        return refuse("a client that says who it is and takes packed answers is expected");
    }
    let query: Vec<(String, String)> = axum::extract::Query::try_from_uri(&uri)
        .map(|query| query.0)
        .unwrap();
    let parameter = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if parameter("access_token").is_some() {
        return refuse("the token belongs in the header");
    }
    let asked = first_level(parameter("fields").unwrap_or("id"));
    let recorded = pairs
        .iter()
        .filter(|pair| {
            pair.status == 200
                && pair.path == uri.path()
                && pair.after.as_deref() == parameter("after")
        })
        .max_by_key(|pair| overlap(&pair.body, &asked));
    match recorded {
        Some(pair) => (
            [
                ("facebook-api-version", "v23.0"),
                ("content-encoding", "gzip"),
                ("content-type", "application/json; charset=UTF-8"),
            ],
            gzip(&cut(pair.body.clone(), &asked).to_string()),
        )
            .into_response(),
        None => refuse(&format!("nothing was recorded for {}", uri.path())),
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn first_level(fields: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let (mut names, mut name) = (BTreeSet::new(), String::new());
    for c in fields.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => drop(names.insert(std::mem::take(&mut name))),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names
}

/// How many of the fields that were asked for a recorded body tells.
fn overlap(body: &Value, asked: &BTreeSet<String>) -> usize {
    let node = body["data"].get(0).unwrap_or(body);
    node.as_object().map_or(0, |node| {
        node.keys().filter(|key| asked.contains(*key)).count()
    })
}

fn cut(mut body: Value, asked: &BTreeSet<String>) -> Value {
    let trim = |node: &mut Value| {
        if let Some(node) = node.as_object_mut() {
            node.retain(|key, _| key == "id" || asked.contains(key));
        }
    };
    match body.get_mut("data").and_then(Value::as_array_mut) {
        Some(list) => list.iter_mut().for_each(trim),
        None => trim(&mut body),
    }
    body
}

async fn serve(pairs: Vec<Pair>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::new(pairs));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// The column that holds a field of a node, and the field's value as the database writes it.
fn expected<'a>(field: &str, value: &'a Value) -> (String, std::borrow::Cow<'a, Value>) {
    match field {
        "owner" => (
            "owner_id".to_owned(),
            std::borrow::Cow::Borrowed(&value["id"]),
        ),
        "timestamp" => {
            let text = value.as_str().unwrap().replace("+0000", "Z");
            (field.to_owned(), std::borrow::Cow::Owned(text.into()))
        }
        _ => (field.to_owned(), std::borrow::Cow::Borrowed(value)),
    }
}

/// Counts the values of a recorded node that the view holds, and fails on the first that differs.
fn compare(
    database: &Connection,
    view: &str,
    node: &Map<String, Value>,
    left_out: &[&str],
) -> usize {
    let id = node["id"].as_str().unwrap();
    let mut compared = 0;
    for (field, value) in node
        .iter()
        .filter(|(field, _)| !left_out.contains(&field.as_str()))
    {
        let (column, value) = expected(field, value);
        let sql = format!("SELECT {column} FROM {view} WHERE id = ?");
        let stored = database
            .query_row(&sql, [id], |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => number.into(),
                    ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap().into(),
                    other => panic!("{other:?}"),
                })
            })
            .unwrap_or_else(|error| panic!("{view} {id} {column}: {error}"));
        let same = match (&*value, &stored) {
            (Value::Bool(truth), stored) => *stored == i64::from(*truth),
            (value, stored) => value == stored,
        };
        assert!(
            same,
            "{view} {id} {column}: recorded {value}, stored {stored}"
        );
        compared += 1;
    }
    compared
}

/// The recording has the account and its posts, and no insights.
const OF_THE_RECORDING: [&str; 6] = [
    "backfill",
    "--json",
    "--resource",
    "account",
    "--resource",
    "media",
];

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn a_recorded_account_is_in_the_database_and_a_second_run_writes_no_row() {
    let folder = recordings();
    let recording = read(&folder.join("keboola/vcr_v23_account_2026-03-06.json"));
    let mut served = pairs(&recording);
    // The recorder asked for Page ids only; which Page the account is linked to is the one thing added here.
    let pages = served
        .iter_mut()
        .find(|pair| pair.path.ends_with("/me/accounts"))
        .unwrap();
    pages.body["data"][0]["instagram_business_account"] = json!({"id": ACCOUNT});
    pages.body["data"][0]["tasks"] = json!(["ANALYZE"]);
    let base_url = serve(served).await;

    let igsync = Folder::new(&base_url, "version = \"v23.0\"");
    let first = igsync.run(&OF_THE_RECORDING).await.exits(0).json();
    assert_eq!(first["unlinked_pages"].as_array().unwrap().len(), 1);

    let database = igsync.database();
    let (mut values, mut posts) = (0, BTreeSet::new());
    for pair in pairs(&recording).iter().filter(|pair| pair.status == 200) {
        if pair.path == format!("/v23.0/{ACCOUNT}") {
            values += compare(
                &database,
                "accounts_current",
                pair.body.as_object().unwrap(),
                &[],
            );
        }
        if pair.path == format!("/v23.0/{ACCOUNT}/media") {
            for post in pair.body["data"].as_array().unwrap() {
                // Comments have no table yet.
                values += compare(
                    &database,
                    "media_current",
                    post.as_object().unwrap(),
                    &["comments"],
                );
                posts.insert(post["id"].as_str().unwrap().to_owned());
            }
        }
    }
    let stored: i64 = database
        .query_row("SELECT count(*) FROM media", [], |row| row.get(0))
        .unwrap();
    assert_eq!((posts.len(), stored), (160, 160));
    assert!(
        values > 160 * 15,
        "only {values} recorded values were compared"
    );

    let before = dump(&database);
    let second = igsync.run(&OF_THE_RECORDING).await.exits(0).json();
    for job in second["jobs"].as_array().unwrap() {
        for (table, rows) in job["tables"].as_object().unwrap() {
            assert_eq!(rows["inserted"], 0, "{table}");
            assert_eq!(rows["changed"], 0, "{table}");
        }
    }
    assert_eq!(dump(&igsync.database()), before);
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn a_recorded_refusal_ends_the_run_with_its_words() {
    let folder = recordings();
    let error = read(&folder.join("rust-crate/err__access_token_invalid_1.json"));
    let router = axum::Router::new()
        .fallback(move || async move { (StatusCode::BAD_REQUEST, error.to_string()) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let igsync = Folder::new(&base_url, "");
    let ran = igsync.run(&["backfill"]).await.exits(5);
    assert!(
        ran.stdout
            .contains("The access token could not be decrypted (code 190"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("replace the token"), "{}", ran.stdout);
}
