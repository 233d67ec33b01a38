//! What this module reads, almost right: pages, errors, batches, headers.

use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use super::{Answer, ask, changed, changes, on_a_simulator};
use crate::budget::{self, Budget, PoolKey, Urgency};
use crate::clock::Clock;
use crate::graph::client::{LONGEST_WISH, retry_after};
use crate::graph::error::Refusal;
use crate::graph::page::Page;
use crate::graph::request::{Request, Shape, encode};
use crate::graph::usage::{HEADERS, Usage};
use crate::graph::{
    Client, Credential, Error, ErrorBody, Fields, Settings, judge, nested, nested_next,
    socket_client,
};
use crate::stop::stop_pair;

const ACCOUNT: &str = "17841400000000001";
const TOKEN: &str = "EAAtokentokentokentokentoken";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn request(path: &str, fields: &[&str], params: &[(&'static str, &str)], shape: Shape) -> Request {
    let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
    Request {
        endpoint: "/{subject}",
        path: path.to_owned(),
        fields: Fields::of(fields.iter().copied()),
        params: params.iter().map(owned).collect(),
        limit: (shape == Shape::Edge || shape == Shape::CursorEdge).then_some(3),
        after: None,
        shape,
        pool: PoolKey::Buc {
            account_id: ACCOUNT.to_owned(),
        },
        urgency: Urgency::Bulk,
    }
}

/// Good answers of every shape, and refusals.
fn answers() -> &'static [Answer] {
    static ANSWERS: OnceLock<Vec<Answer>> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let answers = ask(|world| {
            let media = world.media(ACCOUNT).next().unwrap().id();
            let edge = |edge: &str| format!("/{ACCOUNT}/{edge}");
            let day = [("metric", "reach,follower_count"), ("period", "day")];
            let of_post = [("metric", "reach,saved,shares")];
            let child = "children{id,media_type}";
            let comment = "replies{id,text}";
            vec![
                request(
                    "/me/accounts",
                    &["id", "name", "tasks"],
                    &[],
                    Shape::CursorEdge,
                ),
                request(
                    &format!("/{ACCOUNT}"),
                    &["id", "username", "media_count"],
                    &[],
                    Shape::Node,
                ),
                request(
                    &edge("media"),
                    &["id", "caption", "timestamp", "like_count", child],
                    &[],
                    Shape::Edge,
                ),
                request(&edge("insights"), &[], &day, Shape::Single),
                request(&format!("/{media}/insights"), &[], &of_post, Shape::Single),
                request(
                    &format!("/{media}/comments"),
                    &["id", "text", comment],
                    &[],
                    Shape::Edge,
                ),
                request(&edge("media"), &["id", "nonsense"], &[], Shape::Edge),
                request("/17000000000000000", &["id"], &[], Shape::Node),
                request(
                    &edge("insights"),
                    &[],
                    &[("metric", "nonsense")],
                    Shape::Single,
                ),
                request("/me/nonsense", &[], &[], Shape::Edge),
            ]
        });
        let refused = answers
            .iter()
            .filter(|answer| ErrorBody::read(answer.body.as_bytes()).is_some());
        assert_eq!(refused.count(), 4);
        answers
    })
}

/// Bodies of all kinds: what the simulator answers, and what was recorded.
fn bodies() -> &'static [String] {
    static BODIES: OnceLock<Vec<String>> = OnceLock::new();
    BODIES.get_or_init(|| {
        let mut bodies: Vec<String> = answers().iter().map(|answer| answer.body.clone()).collect();
        if cfg!(recordings) {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recorded");
            collect(folder.as_ref(), &mut bodies);
            assert!(bodies.len() > 30, "only {} recordings", bodies.len());
        }
        bodies
    })
}

fn collect(folder: &std::path::Path, bodies: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, bodies);
        } else if path.file_name().is_some_and(|name| name == "errors.json") {
            let errors = std::fs::read(&path).unwrap();
            let errors: Vec<Value> = serde_json::from_slice(&errors).unwrap();
            bodies.extend(errors.iter().map(|error| error["body"].to_string()));
        } else if path.extension().is_some_and(|ending| ending == "json")
            && path.metadata().unwrap().len() < 8 << 10
        {
            bodies.extend(std::fs::read_to_string(&path));
        }
    }
}

/// The answer to a batch of two good reads and a refused one.
fn batch() -> &'static (Vec<Request>, String) {
    static BATCH: OnceLock<(Vec<Request>, String)> = OnceLock::new();
    BATCH.get_or_init(|| {
        let picked = [1, 2, 6].map(|at| answers()[at].request.clone());
        let part = |request: &Request| {
            let url = format!("{}?{}", &request.path[1..], encode(&request.query()));
            json!({"method": "GET", "relative_url": url})
        };
        let parts: Vec<Value> = picked.iter().map(part).collect();
        let body = on_a_simulator(async |_, http, token| {
            let form = [
                ("access_token", token.to_owned()),
                ("include_headers", "true".to_owned()),
                ("batch", Value::from(parts).to_string()),
            ];
            let message = http.post("http://graph.example/v25.0/").body(encode(&form));
            let message = message.header("content-type", "application/x-www-form-urlencoded");
            message.send().await.unwrap().text().await.unwrap()
        });
        assert!(body.matches("\"code\":200").count() >= 2, "{body}");
        (picked.to_vec(), body)
    })
}

fn credential() -> Credential {
    Credential::new("main", TOKEN, Some(SECRET)).unwrap()
}

/// Text that is told or kept: short, and without secrets.
fn is_fit_to_be_told(text: &str) -> bool {
    text.len() < 20_000 && !text.contains(TOKEN) && !text.contains(SECRET)
}

proptest! {
    #[test]
    fn usage_headers_are_read_or_count_as_absent(answer in any::<prop::sample::Index>(), changes in changes()) {
        let headers: Vec<_> = answers().iter().flat_map(|answer| &answer.usage).collect();
        let (name, value) = headers[answer.index(headers.len())];
        let Ok(value) = HeaderValue::from_bytes(&changed(value, &changes)) else {
            return Ok(());
        };
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        let usage = Usage::read(&headers);
        let readings = usage.buc.iter().map(|entry| entry.reading).chain(usage.platform);
        for reading in readings {
            for percent in [reading.call_count, reading.total_cputime, reading.total_time] {
                prop_assert!(percent.is_finite() && percent >= 0.0);
            }
            prop_assert!(reading.regain <= Duration::from_secs(7 * 24 * 3600));
        }
    }

    #[test]
    fn errors_end_in_a_verdict_that_can_be_told(body in any::<prop::sample::Index>(), changes in changes()) {
        let Some(error) = ErrorBody::read(&changed(body.get::<String>(bodies()), &changes)) else {
            return Ok(());
        };
        let verdict = judge(&error);
        prop_assert!(verdict.retries <= 5);
        let refusal = Refusal::new(&credential(), "/{ig-user}/media", error, verdict.reaction);
        prop_assert!(is_fit_to_be_told(&refusal.to_string()));
    }

    #[test]
    fn pages_go_on_where_they_can_or_are_none(
        body in any::<prop::sample::Index>(),
        shape in prop::sample::select(&[Shape::Node, Shape::Single, Shape::Edge, Shape::CursorEdge]),
        after in any::<bool>(),
        changes in changes(),
    ) {
        let body = changed(body.get::<String>(bodies()), &changes);
        let mut request = request("/1/media", &["id"], &[], shape);
        request.after = after.then(|| "QVFI".to_owned());
        let Ok(page) = Page::read(&request, &body) else {
            return Ok(());
        };
        if let Some(next) = &page.next {
            prop_assert!(matches!(shape, Shape::Edge | Shape::CursorEdge));
            prop_assert!(!next.is_empty() && next.len() < 10_000 && Some(next) != request.after.as_ref());
        }
        for item in &page.items {
            let node: Option<serde_json::Map<String, Value>> = serde_json::from_str(item.get()).ok();
            if let Some(node) = node {
                for edge in ["children", "comments", "replies", "insights"] {
                    let goes_on = nested_next(&node, edge).is_some();
                    prop_assert!(!goes_on || !nested(&node, edge).is_empty());
                }
            }
        }
    }

    #[test]
    fn batches_answer_each_part_or_fail_as_a_whole(changes in changes()) {
        thread_local!(static CLIENT: Client = client());
        let (requests, body) = batch();
        let requests: Vec<&Request> = requests.iter().collect();
        let body = changed(body, &changes);
        let parts = CLIENT.with(|client| client.read_parts(&credential(), &requests, &body, None));
        let parts = match parts {
            Ok(parts) => parts,
            Err(failure) => {
                prop_assert!(is_fit_to_be_told(&failure.error.to_string()));
                return Ok(());
            }
        };
        prop_assert_eq!(parts.len(), requests.len());
        for failure in parts.into_iter().filter_map(Result::err) {
            prop_assert!(is_fit_to_be_told(&failure.error.to_string()));
            let is_of_ours = matches!(failure.error, Error::Closed { .. } | Error::Stopped);
            prop_assert!(!is_of_ours);
            prop_assert!(failure.wish.is_none_or(|wish| wish <= LONGEST_WISH));
        }
    }

    #[test]
    fn waits_that_a_server_names_are_never_longer_than_a_week(value in ".{0,40}|[0-9]{1,40}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4,6} [0-9:]{8} GMT") {
        let now = crate::clock::parse_instant("2026-05-07T13:00:00Z").unwrap();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(RETRY_AFTER, value);
        }
        prop_assert!(retry_after(&headers, now).is_none_or(|wish| wish <= LONGEST_WISH));
    }

    #[test]
    fn a_scrubbed_text_has_no_secret_in_it(
        body in any::<prop::sample::Index>(),
        at in any::<[prop::sample::Index; 3]>(),
        changes in changes(),
    ) {
        let credential = credential();
        let proof = credential.proof().unwrap();
        let mut text = String::from_utf8_lossy(&changed(body.get::<String>(bodies()), &changes)).into_owned();
        for (at, secret) in at.iter().zip([TOKEN, SECRET, &proof]) {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, secret);
        }
        let clean = credential.scrub(&text);
        for secret in [TOKEN, SECRET, &proof] {
            prop_assert!(!clean.contains(secret), "{}", clean);
        }
    }
}

fn client() -> Client {
    let settings = Settings {
        base_url: "http://graph.example".to_owned(),
        version: "v25.0".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let http = socket_client("/nobody/answers".as_ref()).unwrap();
    let budget = Budget::new(budget::Settings::default());
    Client::new(http, settings, budget, Clock::system(), stop_pair().1)
}

#[test]
fn a_part_of_a_batch_may_have_any_headers() {
    let header = |at: usize| json!({"name": format!("x-{at}"), "value": "1"});
    let part = |headers: usize| {
        let mut headers: Vec<Value> = (0..headers).map(header).collect();
        headers.push(json!({"name": "X-App-Usage", "value": r#"{"call_count":7}"#}));
        json!([{"code": 200, "headers": headers, "body": "{\"id\":\"1\"}"}]).to_string()
    };
    let client = client();
    let credential = credential();
    let request = request("/1", &["id"], &[], Shape::Node);
    let read =
        |headers| client.read_parts(&credential, &[&request], part(headers).as_bytes(), None);
    assert!(read(900).is_ok_and(|parts| parts[0].is_ok()));
    let levels = client
        .budget
        .levels(&credential.app_pool(), client.clock.now());
    assert!(levels[0] >= 7.0, "{levels:?}");
    // More than a map of headers can hold.
    assert!(read(40_000).is_err());
}

#[test]
fn a_usage_header_that_is_longer_than_any_counts_as_absent() {
    let value = |pools: usize| {
        let pool = |at: usize| format!(r#""{at}":[{{"type":"instagram","call_count":3}}]"#);
        format!("{{{}}}", (0..pools).map(pool).collect::<Vec<_>>().join(","))
    };
    let pools = |pools: usize| {
        let mut headers = HeaderMap::new();
        headers.insert(HEADERS[1], value(pools).parse().unwrap());
        Usage::read(&headers).buc.len()
    };
    assert_eq!((pools(1_000), pools(10_000)), (1_000, 0));
}
