//! Answers that are almost right, for tests: those of the simulator and recorded ones, with parts changed.
//!
//! A test tries some of them; the environment variable `PROPTEST_CASES` says how many.

mod answers;

use std::ops::Range;
use std::time::Duration;

use igsync_simulator::{Clock, Simulator, World, WorldSpec};
use proptest::prelude::*;

use super::page::Page;
use super::request::{Request, encode};
use crate::budget::PoolKey;

/// A request and what the simulator answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) request: Request,
    pub(crate) body: String,
    /// Its usage headers.
    pub(crate) usage: Vec<(String, String)>,
}

/// Asks a simulator whose first account has something of everything, and broadcasts.
pub(crate) fn ask(requests: impl FnOnce(&World) -> Vec<Request>) -> Vec<Answer> {
    on_a_simulator(async |simulator, http, token| {
        let mut answers = Vec::new();
        for request in requests(simulator.world()) {
            let query = encode(&request.query());
            let url = format!("http://graph.example/v25.0{}?{query}", request.path);
            // Messages are told to a Page's own token.
            let of_page = match &request.pool {
                PoolKey::Messenger { page_id } => page_token(http, token, page_id).await,
                _ => token.to_owned(),
            };
            let answer = http.get(url).bearer_auth(of_page).send().await.unwrap();
            let usage = answer.headers().iter().filter_map(|(name, value)| {
                let is_usage = name.as_str().ends_with("-usage");
                is_usage.then(|| (name.to_string(), value.to_str().unwrap().to_owned()))
            });
            answers.push(Answer {
                usage: usage.collect(),
                body: answer.text().await.unwrap(),
                request,
            });
        }
        answers
    })
}

async fn page_token(http: &reqwest::Client, token: &str, page_id: &str) -> String {
    let url = "http://graph.example/v25.0/me/accounts?fields=id,access_token";
    let answer = http.get(url).bearer_auth(token).send().await.unwrap();
    let pages: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let mut pages = pages["data"].as_array().unwrap().iter();
    let page = pages.find(|page| page["id"] == page_id).unwrap();
    page["access_token"].as_str().unwrap().to_owned()
}

fn on_a_simulator<T>(work: impl AsyncFnOnce(&Simulator, &reqwest::Client, &str) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut spec = WorldSpec::demo(1);
        let account = spec.pages[0].account.as_mut().unwrap();
        (account.posts_per_week, account.lives_per_mille) = (35, 500);
        (account.stories_per_day, account.quiet_stories_per_mille) = (1, 0);
        account.collaborators_per_mille = 1000;
        spec.rules.comments_on_mentioning_media = true;
        spec.rules.live_viewer_count = true;
        let account = spec.pages[0].account.as_mut().unwrap();
        account.product_tags_per_mille = 1000;
        let token = spec.tokens[0].token.clone();
        let clock = Clock::starting_at(spec.epoch);
        let simulator = Simulator::new(World::new(spec), clock);
        while simulator.world().expected(&["live_media"]).rows["live_media"].is_empty() {
            simulator.clock().skip(Duration::from_secs(900));
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("graph.sock");
        simulator.serve_unix(&socket).await.unwrap();
        let http = super::socket_client(&socket).unwrap();
        work(&simulator, &http, &token).await
    })
}

/// The page that a body is, if it is one.
pub(crate) fn page(request: &Request, body: &[u8]) -> Option<Page> {
    Page::read(request, body).ok()
}

/// Something that is done to a text of values: JSON, or nearly so.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A part becomes something else.
    Put(u16, &'static str),
    /// A part becomes a copy of another one.
    Copy(u16, u16),
    /// A part comes twice.
    Twice(u16),
    /// A part is gone.
    Gone(u16),
    /// Some bytes become others.
    Bytes(u16, u8, Vec<u8>),
    /// The rest is missing.
    Cut(u16),
}

/// What parts become: other kinds, numbers that nothing holds, texts that break something elsewhere.
const PIECES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "-0.0",
    "1e999",
    "1e-999",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "1e308",
    "\"\"",
    "\"0\"",
    "\"\\u0000\"",
    "\"\\ud83d\"",
    "\"\\udc00\\ud800\"",
    "\"a\u{0}b\"",
    "\"EAAtokentokentokentokentoken\"",
    "\"https://x/?access_token=EAAtokentokentokentokentoken&a=\\u0022\"",
    "\"2026-05-07T13:00:34+0000\"",
    "\"2026-13-45T99:99:99+9999\"",
    "\"2016-12-31T23:59:60-0000\"",
    "\"+262142-12-31T23:59:59-2359\"",
    "\"-262143-01-01T00:00:00+2359\"",
    "[]",
    "{}",
    "[null]",
    "{\"data\":[]}",
    "{\"data\":{\"0\":1}}",
    "{\"id\":\"1\",\"id\":\"2\"}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
    "<html>",
];

/// Few changes: a text that is almost right comes further than noise.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        6 => (any::<u16>(), prop::sample::select(PIECES)).prop_map(|(part, piece)| Change::Put(part, piece)),
        2 => any::<[u16; 2]>().prop_map(|[part, other]| Change::Copy(part, other)),
        1 => any::<u16>().prop_map(Change::Twice),
        1 => any::<u16>().prop_map(Change::Gone),
        2 => (any::<u16>(), 0..4_u8, prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(at, length, bytes)| Change::Bytes(at, length, bytes)),
        1 => any::<u16>().prop_map(Change::Cut),
    ];
    prop::collection::vec(change, 1..4)
}

/// The text after the changes.
pub(crate) fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let parts = parts(&bytes);
        let part = |number: &u16| match parts.len() {
            0 => 0..bytes.len(),
            count => parts[usize::from(*number) % count].clone(),
        };
        let at = |number: &u16| usize::from(*number) % (bytes.len() + 1);
        let (gone, put): (Range<usize>, Vec<u8>) = match change {
            Change::Put(number, piece) => (part(number), piece.as_bytes().to_vec()),
            Change::Copy(number, other) => (part(number), bytes[part(other)].to_vec()),
            Change::Twice(number) => {
                let part = part(number);
                (part.end..part.end, [b",", &bytes[part]].concat())
            }
            Change::Gone(number) => (part(number), Vec::new()),
            Change::Bytes(number, length, put) => {
                let begin = at(number);
                let end = bytes.len().min(begin + usize::from(*length));
                (begin..end, put.clone())
            }
            Change::Cut(number) => (at(number)..bytes.len(), Vec::new()),
        };
        bytes.splice(gone, put);
    }
    bytes
}

/// Where values are, and members of objects with their keys.
fn parts(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    // Where containers begin, and the keys of the members that are read in them.
    let mut open: Vec<(usize, Option<usize>)> = vec![(0, None)];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let begin = at;
        at += 1;
        let value = match byte {
            b'{' | b'[' => {
                open.push((begin, None));
                continue;
            }
            b'}' | b']' if open.len() > 1 => open.pop().map_or(begin, |(begin, _)| begin)..at,
            b'"' => {
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at = bytes.len().min(at + 1);
                begin..at
            }
            b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' => {
                let is_of_it = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                at += bytes[at..].iter().take_while(is_of_it).count();
                begin..at
            }
            _ => continue,
        };
        let key = open.last_mut().map(|(_, key)| key);
        let is_key = bytes.get(at) == Some(&b':');
        match key {
            Some(key) if is_key => *key = Some(value.start),
            Some(key) => parts.extend(key.take().map(|key| key..value.end)),
            None => {}
        }
        parts.push(value);
    }
    parts
}

#[test]
fn parts_are_values_and_members() {
    let text = r#"{"a":[1,{"b":"c\"d"}],"e":null}"#;
    let found: Vec<&str> = parts(text.as_bytes())
        .into_iter()
        .map(|part| &text[part])
        .collect();
    for part in [
        text,
        r#""a":[1,{"b":"c\"d"}]"#,
        "1",
        r#"{"b":"c\"d"}"#,
        r#""b":"c\"d""#,
        r#""c\"d""#,
        r#""e":null"#,
        "null",
    ] {
        assert!(found.contains(&part), "{part} is not in {found:?}");
    }
    let twice = [Change::Twice(0), Change::Put(1, "7")];
    assert_eq!(
        String::from_utf8(changed("[1,2]", &twice)).unwrap(),
        "[1,7,2]"
    );
}
