//! Tokens, secrets and proofs reach nothing that is printed or kept.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use igsync_simulator::{Fault, Match, WorldSpec};
use sha2::Sha256;

use crate::binary::{Folder, SECRET, TOKEN};
use crate::commands::serve;

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
