//! Tokens, secrets and proofs reach nothing that is printed or kept.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use igsync::resource::RESOURCES;
use igsync_simulator::{AccountSpec, Fault, Match, PageSpec, TokenSpec, WorldSpec};
use sha2::Sha256;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::binary::{Folder, SECRET, TOKEN};
use crate::running::serve;
use crate::snapshot::texts_of;
use crate::world::World;

/// What must not be found, by name: the secrets, and what is made of them.
fn secrets() -> Vec<(&'static str, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(TOKEN.as_bytes());
    let proof: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    vec![
        ("the token", TOKEN.to_owned()),
        ("half the token", TOKEN[..24].to_owned()),
        ("the app secret", SECRET.to_owned()),
        ("the proof", proof),
    ]
}

#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    for (name, secret) in secrets() {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{name} is in {what}");
    }
}

/// Every file that igsync made: the database with its WAL, and the lock.
fn assert_files_clean(folder: &Folder) {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("igsync.db") {
            assert_clean(&name, &std::fs::read(&path).unwrap());
            looked_at += 1;
        }
    }
    assert!(looked_at > 0 || !Path::new(&folder.path("igsync.db")).exists());
}

#[tokio::test]
async fn a_failing_run_at_the_loudest_level_shows_no_secret() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    // Everything that goes wrong quotes what it must not.
    let url = format!(
        "https://graph.facebook.com/v25.0/me?access_token={TOKEN}&appsecret_proof={}",
        secrets()[3].1
    );
    let quoting = format!("Malformed access token {TOKEN} at {url}");
    let account = simulator.world().accounts().next().unwrap().id().to_owned();
    let at = Match::path_ends_with;
    // One failure a request, so that no delay grows.
    let runs = [
        (
            &["-vvv", "backfill"][..],
            vec![
                Fault::on(at("/me/accounts"))
                    .status(500)
                    .error(2, None, &quoting),
                Fault::on(at(&account)).html(503),
                Fault::on(at("/media")).reset(),
            ],
        ),
        (
            &["-vvv", "check"],
            vec![
                Fault::on(at("/me/accounts")).body(&format!("{{\"data\":\"{TOKEN}\"}}")),
                Fault::on(at("/me/permissions")).cut_json(),
            ],
        ),
        (
            &["-vvv", "backfill", "--json"],
            vec![
                Fault::on(at("/media"))
                    .status(400)
                    .error(190, Some(467), &quoting),
            ],
        ),
    ];
    for (arguments, faults) in runs {
        let expected = faults.len();
        for fault in faults {
            simulator.inject(fault);
        }
        simulator.clear_journal();
        let ran = folder.run(arguments).await;
        assert_clean("stdout", ran.stdout.as_bytes());
        assert_clean("stderr", ran.stderr.as_bytes());
        assert!(
            ran.stderr.contains("GET"),
            "the log is silent: {}",
            ran.stderr
        );
        assert_eq!(
            simulator
                .journal()
                .iter()
                .filter(|call| call.faulted)
                .count(),
            expected
        );
        assert_files_clean(&folder);
    }
    let kept: i64 = folder
        .database()
        .query_row(
            "SELECT count(*) FROM sync_gaps WHERE detail LIKE '%[REDACTED]%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(kept > 0, "no quoting error came so far as the database");
}

/// What igsync says at its loudest, and what the libraries below it would say if they were let.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A secret in every form in which it could be found.
fn forms(secret: &str) -> Vec<String> {
    let percent = |byte: u8| format!("%{byte:02X}");
    let escaped = |byte: u8| format!("\\u{byte:04x}");
    let mut forms = vec![
        secret.to_owned(),
        secret[..secret.len() / 2].to_owned(),
        secret[secret.len() / 2..].to_owned(),
        secret.bytes().map(percent).collect(),
        secret.bytes().map(escaped).collect(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.replace('|', "%7C"),
    ];
    // Wherever it stands in what was encoded.
    for before in ["", "x", "xx"] {
        let encoded = base64(format!("{before}{secret}").as_bytes());
        forms.push(encoded[4..encoded.len() - 4].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0;
        for at in 0..3 {
            bits = bits << 8 | usize::from(*group.get(at).unwrap_or(&0));
        }
        for digit in (0..4).rev() {
            text.push(char::from(DIGITS[bits >> (6 * digit) & 63]));
        }
    }
    text
}

type Make = Box<dyn Fn(Match) -> Fault>;

/// Everything that the simulator can make go wrong, quoting what it must not wherever there is a place for words.
fn faults(quoting: &str) -> Vec<(String, Make)> {
    let words = quoting.to_owned();
    let data = serde_json::json!({"blame": quoting});
    let mut faults: Vec<(String, Make)> = Vec::new();
    for code in [
        0, -1, -2, 1, 2, 3, 4, 10, 17, 18, 24, 25, 32, 100, 102, 110, 190, 200, 341, 368, 459, 613,
        803, 2500, 2635, 3001, 9005, 9009, 36_104, 80_002, 80_006,
    ] {
        let (words, data) = (words.clone(), data.clone());
        let fault = move |on| {
            Fault::on(on)
                .error(code, Some(7), &words)
                .error_type(&words)
                .error_user_title(&words)
                .error_user_msg(&words)
                .error_data(&data)
        };
        faults.push((format!("code {code}"), Box::new(fault)));
    }
    let mut add = |name: &str, fault: fn(Fault, &str) -> Fault| {
        let words = words.clone();
        faults.push((
            name.to_owned(),
            Box::new(move |on| fault(Fault::on(on), &words)),
        ));
    };
    let json = |words: &str| serde_json::json!(words).to_string();
    add("an error in the account's language", |fault, words| {
        fault.error(100, None, "x").localized(words)
    });
    add("an error with status 200", |fault, words| {
        fault.error(1, None, words).status(200)
    });
    add("html", |fault, _| fault.html(503));
    add("text", |fault, words| fault.body(words));
    add("a list of words", |fault, words| {
        fault.body(&format!("{{\"data\":{}}}", serde_json::json!(words)))
    });
    add("an object of words", |fault, words| {
        let words = serde_json::json!(words);
        fault.body(&format!(
            "{{\"data\":[{{\"id\":\"1\",\"caption\":[{words}],\"values\":{words}}}],\"id\":[{words}]}}"
        ))
    });
    add("a key of words", |fault, words| {
        let words = serde_json::json!(words);
        fault.body(&format!("{{{words}:1,\"data\":[{{{words}:{words}}}]}}"))
    });
    add("an unusable code", |fault, words| {
        fault.body(&serde_json::json!({"error": {"code": words, "message": words}}).to_string())
    });
    add("words cut in the middle", |fault, words| {
        fault
            .body(&serde_json::json!({"data": [words, words]}).to_string())
            .cut_json()
    });
    add("reset", |fault, _| fault.reset());
    add("cut", |fault, _| fault.cut_json());
    add("late", |fault, _| fault.delay(Duration::from_secs(70)));
    add("hang", |fault, _| fault.hang());
    add("unfinished", |fault, _| fault.unfinished());
    add("a dead cursor", |fault, _| fault.dead_cursor());
    add("an item twice", |fault, _| fault.item_twice());
    add("a shifted page", |fault, _| fault.shifted_page());
    add("another version", |fault, words| {
        fault.served_version(words)
    });
    add("no usage", |fault, _| fault.without_usage_headers());
    for header in [
        "x-app-usage",
        "x-business-use-case-usage",
        "retry-after",
        "location",
        "facebook-api-version",
        "content-type",
    ] {
        let words = json(&words);
        faults.push((
            header.to_owned(),
            Box::new(move |on| Fault::on(on).header(header, &words)),
        ));
    }
    faults
}

#[tokio::test(start_paused = true)]
async fn no_fault_brings_a_secret_into_the_log_or_the_files() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    let writer = log.clone();
    let _guard = tracing_subscriber::registry()
        .with(lines.with_writer(move || writer.clone()))
        .set_default();
    let proof = secrets()[3].1.clone();
    let url =
        format!("https://graph.facebook.com/v25.0/me?access_token={TOKEN}&appsecret_proof={proof}");
    let quoting = format!("Malformed access token {TOKEN} at {url} {SECRET}|{proof}");
    let mut faulted = 0;
    for batch in [false, true] {
        for (name, fault) in faults(&quoting) {
            let world = World::new(small()).await;
            let page = world.page_token("134895793791901").await;
            let on = if batch { Match::batch() } else { Match::any() };
            // Discovery has its say, and then everything else, first and later.
            for after in [0, 1, 4, 9] {
                world.simulator.inject(fault(on.clone().after_calls(after)));
            }
            world.simulator.clear_journal();
            let everything = RESOURCES.iter().map(|resource| resource.name);
            let summary = world.backfill_of(&everything.collect::<Vec<_>>()).await;
            let journal = world.simulator.journal();
            faulted += journal.iter().filter(|call| call.faulted).count();
            let said = std::mem::take(&mut *log.0.lock().unwrap());
            let said = String::from_utf8(said).unwrap();
            assert!(said.contains("GET"), "{name}: the log is silent");
            let mut places = texts_of(&world.path());
            places.push(("the log".into(), said));
            places.push(("the summary".into(), format!("{summary:?}")));
            for secret in [TOKEN, SECRET, &proof, &page] {
                for form in forms(secret) {
                    for (place, text) in &places {
                        let is_there = text.contains(&form);
                        assert!(!is_there, "{name}: {form} is in {}", place.display());
                    }
                }
            }
        }
    }
    assert!(faulted > 200, "only {faulted} calls went wrong");
}

fn small() -> WorldSpec {
    let account = AccountSpec {
        posts: 6,
        stories_per_day: 1,
        mean_comments: 2,
        ..AccountSpec::numbered(1)
    };
    let mut spec = WorldSpec {
        tokens: vec![TokenSpec::default()],
        pages: vec![PageSpec::numbered(1, Some(account))],
        ..WorldSpec::default()
    };
    TOKEN.clone_into(&mut spec.tokens[0].token);
    SECRET.clone_into(&mut spec.app.secret);
    spec.app.require_proof = true;
    spec
}
