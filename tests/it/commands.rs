//! The real binary against a simulated world over loopback, in real time.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use igsync_simulator::{Fault, Match, WorldSpec};

use rusqlite::Connection;

use crate::binary::{Folder, TOKEN, dump, open};
use crate::running::{ended, serve, signal, slow, spawn, until_asked};
use crate::world::assert_complete;

#[tokio::test]
async fn the_demo_needs_nothing_and_leaves_growth_and_deletions_to_explore() {
    let folder = Folder::new("http://127.0.0.1:9", "");
    let first = folder.run(&["demo"]).await.exits(0);
    assert!(
        first.stderr.contains("night 14 of 14: "),
        "{}",
        first.stderr
    );
    let mode = std::fs::metadata(folder.path("igsync-demo.db")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600);
    let database = open(&folder.path("igsync-demo.db"));
    let mut tried = 0;
    for line in first
        .stdout
        .lines()
        .filter(|line| line.trim_start().starts_with("sqlite3 "))
    {
        let query = line.split('"').nth(1).unwrap();
        let rows = database
            .prepare(query)
            .unwrap()
            .query_map([], |_| Ok(()))
            .unwrap()
            .count();
        assert!(rows > 1, "{rows} rows: {query}");
        tried += 1;
    }
    assert_eq!(tried, 3);
    let number = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let rows = number("SELECT count(*) FROM media");
    let told = first
        .stdout
        .lines()
        .find(|line| line.starts_with("media "))
        .unwrap();
    assert_eq!(
        told.split_whitespace().nth(1),
        Some(rows.to_string().as_str())
    );
    let before = dump(&database);
    let again = folder.run(&["demo"]).await.exits(0);
    assert!(
        again.stdout.contains("is there already and stays as it is"),
        "{}",
        again.stdout
    );
    assert_eq!(dump(&database), before);
}

#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_and_no_committed_page_is_paid_twice() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    slow(&simulator, 25);
    for (kills, pages) in [1, 2, 5, 9].into_iter().enumerate() {
        let child = spawn(&folder, &["backfill", "--resource", "media"]);
        until_asked(&simulator, pages + kills).await;
        tokio::time::sleep(Duration::from_millis(7 * kills as u64)).await;
        signal(&child, "KILL");
        assert_eq!(
            ended(child).await.code,
            -1,
            "it had ended before it was killed"
        );
    }
    let last = folder
        .run(&["backfill", "--resource", "media", "--json"])
        .await
        .exits(0)
        .json();
    assert_eq!(
        last["jobs"].as_array().unwrap().last().unwrap()["resumed"],
        true
    );
    let database = folder.database();
    assert_complete(&database, &simulator);
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let number = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let asked = simulator
        .journal()
        .iter()
        .filter(|call| call.path.ends_with("/media"))
        .count();
    let committed = number("SELECT sum(pages) FROM sync_runs WHERE resource = 'media'");
    assert_eq!(
        committed,
        number("SELECT pages FROM sync_checkpoints WHERE resource = 'media'")
    );
    let lost = i64::try_from(asked).unwrap() - committed;
    assert!(
        (0..=4).contains(&lost),
        "{lost} pages were asked for again by 4 kills"
    );
    assert_eq!(
        number("SELECT count(*) FROM sync_runs WHERE outcome = 'interrupted'"),
        4
    );
    assert_eq!(
        number("SELECT count(*) FROM sync_runs WHERE outcome = 'running'"),
        0
    );
}

#[tokio::test]
async fn a_signal_ends_it_within_a_second_after_the_page_in_flight() {
    for name in ["TERM", "INT"] {
        let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
        slow(&simulator, 300);
        let child = spawn(&folder, &["backfill"]);
        until_asked(&simulator, 2).await;
        signal(&child, name);
        let asked = tokio::time::Instant::now();
        let ran = ended(child).await.exits(3);
        // The page in flight takes 0.3 seconds.
        assert!(
            asked.elapsed() < Duration::from_millis(1300),
            "{:?}",
            asked.elapsed()
        );
        assert!(
            ran.stderr.contains("stopping after the page in flight"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stdout.contains("The same command tries what is left."),
            "{}",
            ran.stdout
        );
        let pages: i64 = folder
            .database()
            .query_row(
                "SELECT pages FROM sync_checkpoints WHERE resource = 'media'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        let answered = simulator
            .journal()
            .iter()
            .filter(|call| call.path.ends_with("/media"))
            .count();
        assert_eq!(usize::try_from(pages).unwrap(), answered);
    }
}

#[tokio::test]
async fn the_second_process_is_told_which_one_holds_the_database() {
    let (simulator, folder) = serve(WorldSpec::single_account(11, 900)).await;
    slow(&simulator, 300);
    let first = spawn(&folder, &["backfill"]);
    until_asked(&simulator, 1).await;
    let second = folder.run(&["backfill"]).await.exits(2);
    let holder = format!("in use by igsync backfill, process {}", first.id());
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    // Analysts and check are not locked out.
    let rows: i64 = folder
        .database()
        .query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
    folder.run(&["check"]).await.exits(0);
    signal(&first, "TERM");
    ended(first).await.exits(3);
}

#[tokio::test]
async fn check_says_what_is_ready_and_exits_with_5_when_somebody_must_act() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    let ready = folder.run(&["check"]).await.exits(0);
    for line in [
        "  account: ready",
        "  media: ready",
        "will be created",
        "no Instagram professional account",
    ] {
        assert!(
            ready.stdout.contains(line),
            "no {line:?} in {}",
            ready.stdout
        );
    }
    assert!(!folder.path("igsync.db").exists(), "check wrote a database");
    simulator
        .world()
        .withdraw_permission(TOKEN, "instagram_basic");
    let lacking = folder.run(&["check"]).await.exits(5);
    assert!(
        lacking
            .stdout
            .contains("media: missing permission instagram_basic: it was declined"),
        "{}",
        lacking.stdout
    );
    let json = folder.run(&["check", "--json"]).await.exits(5).json();
    assert_eq!(json["accounts"][0]["resources"][0]["resource"], "account");
}

#[tokio::test]
async fn without_no_wait_it_says_what_it_waits_for_and_a_signal_ends_that() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    let message = "(#80002) There have been too many calls to this Instagram account.";
    let block = Match::path_ends_with("/media");
    simulator.inject(Fault::on(block).error(80_002, None, message));
    let child = spawn(
        &folder,
        &["backfill", "--resource", "account", "--resource", "media"],
    );
    until_asked(&simulator, 1).await;
    // The line comes with the next drawing.
    tokio::time::sleep(Duration::from_millis(700)).await;
    signal(&child, "TERM");
    let asked = tokio::time::Instant::now();
    let ran = ended(child).await.exits(4);
    assert!(asked.elapsed() < Duration::from_secs(1), "it slept on");
    let lines: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("waiting 14m ") || line.starts_with("waiting 15m"))
        .collect();
    assert_eq!(lines.len(), 1, "{}", ran.stderr);
    let pool = "pool buc:17841400000000001 is closed until ";
    assert!(lines[0].contains(pool), "{}", lines[0]);
    assert!(ran.stdout.contains("goes on from "), "{}", ran.stdout);
    let outcomes: String = folder
        .database()
        .query_row(
            "SELECT group_concat(outcome, ' ') FROM sync_runs",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(outcomes, "complete complete suspended");
}

#[tokio::test]
async fn a_used_up_budget_exits_with_4_and_names_the_time() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    let message = "(#80002) There have been too many calls to this Instagram account.";
    let block = Match::path_ends_with("/media");
    simulator.inject(Fault::on(block).status(400).error(80_002, None, message));
    let ran = folder.run(&["backfill", "--no-wait"]).await.exits(4);
    let at: String = folder
        .database()
        .query_row(
            "SELECT resume_at FROM sync_runs WHERE resume_at IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(
        ran.stdout.contains(&format!("goes on from {at}.")),
        "{}",
        ran.stdout
    );
    let calls = simulator.journal().len();
    let again = folder
        .run(&["backfill", "--no-wait", "--json"])
        .await
        .exits(4)
        .json();
    assert_eq!(again["resume_at"], at.as_str());
    // Discovery has a pool of its own; the blocked one was left alone.
    assert_eq!(simulator.journal().len(), calls + 1);
    // Plain lines without a terminal.
    assert!(again["problems"].as_array().unwrap().is_empty());
    assert!(
        ran.stderr
            .contains("sim.account.1 media: 0 of about 120 read: suspended"),
        "{}",
        ran.stderr
    );

    let message = "(#4) Application request limit reached";
    simulator.inject(
        Fault::on(Match::path_ends_with("/me/accounts"))
            .status(403)
            .error(4, None, message),
    );
    folder.run(&["backfill", "--no-wait"]).await.exits(4);
    let calls = simulator.journal().len();
    let check = folder.run(&["check"]).await.exits(4);
    assert_eq!(
        simulator.journal().len(),
        calls,
        "check called into a known block: {}",
        check.stdout
    );
}

#[tokio::test]
async fn nothing_is_touched_when_the_command_line_or_the_configuration_is_wrong() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    for (arguments, problem) in [
        (
            &["backfill", "--resource", "medai"][..],
            "no resource `medai`; there are: account, ",
        ),
        (
            &["backfill", "--since", "2026-02-30"],
            "invalid value '2026-02-30'",
        ),
        (
            &["backfill", "--since", "2026-02-03", "--until", "2026-02-01"],
            "give the earlier day to --since",
        ),
        (
            &["backfill", "--config", "nowhere.toml"],
            "nowhere.toml: No such file",
        ),
        (&["backfil"], "unrecognized subcommand 'backfil'"),
    ] {
        let ran = folder.run(arguments).await.exits(2);
        assert!(ran.stderr.contains(problem), "{}", ran.stderr);
    }
    let good = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    for (more, problem) in [
        (
            "[database]\npath = \"no/such/folder/a.db\"\n",
            "`database.path`: no/such/folder: cannot write here",
        ),
        (
            "[database]\npath = \"/proc/a.db\"\n",
            "/proc: cannot write here",
        ),
        (
            "[database]\npath = \"token\"\n",
            "token: this file is not an SQLite database",
        ),
        ("[database]\npath = 7\n", "invalid type: integer `7`"),
    ] {
        folder.configure(&format!("{good}{more}"));
        for command in ["backfill", "check"] {
            let ran = folder.run(&[command]).await.exits(2);
            assert!(
                ran.stderr
                    .starts_with("error: igsync.toml:10: `database.path`: ")
                    && ran.stderr.contains(problem),
                "{command}: {}",
                ran.stderr
            );
            assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{}", ran.stderr);
        }
    }
    let newer = Connection::open(folder.path("newer.db")).unwrap();
    newer
        .execute_batch(
            "CREATE TABLE a (b); PRAGMA application_id = 1768387449; PRAGMA user_version = 99;",
        )
        .unwrap();
    drop(newer);
    folder.configure(&format!("{good}[database]\npath = \"newer.db\"\n"));
    let ran = folder.run(&["backfill"]).await.exits(2);
    assert!(
        ran.stderr.contains("made by a newer igsync (schema 99"),
        "{}",
        ran.stderr
    );
    std::fs::remove_file(folder.path("newer.db")).unwrap();
    assert_eq!(simulator.journal().len(), 0);
    let left: Vec<_> = std::fs::read_dir(folder.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[tokio::test]
async fn an_account_that_no_token_reaches_is_a_wrong_command_line() {
    let (_simulator, folder) = serve(WorldSpec::small(1)).await;
    let ran = folder
        .run(&["backfill", "--account", "nobody"])
        .await
        .exits(2);
    assert!(
        ran.stderr
            .contains("no account `nobody`; the tokens reach: sim.account.1"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn another_version_is_told_once_in_the_log_and_once_in_the_summary() {
    let (simulator, folder) = serve(WorldSpec::single_account(1, 300)).await;
    simulator.inject(Fault::on(Match::any()).always().served_version("v24.0"));
    // Days of an account's insights need one clock on both sides.
    let ran = folder
        .run(&["backfill", "--resource", "media"])
        .await
        .exits(0);
    let told = |text: &str| text.lines().filter(|line| line.contains("v24.0")).count();
    assert_eq!(
        (told(&ran.stderr), told(&ran.stdout)),
        (1, 1),
        "{}{}",
        ran.stderr,
        ran.stdout
    );
}

#[tokio::test]
async fn the_simulator_serves_the_present_and_keeps_its_clients_to_itself() {
    let folder = Folder::new("http://127.0.0.1:9", "");
    let mut child = spawn(&folder, &["simulator", "--port", "0"]);
    let mut lines = BufReader::new(child.child().stdout.take().unwrap()).lines();
    let told = tokio::task::spawn_blocking(move || {
        lines
            .by_ref()
            .take(8)
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .join("\n")
    });
    let told = told.await.unwrap();
    let between = |before: &str, after: &str| {
        told.split_once(before)
            .unwrap()
            .1
            .split_once(after)
            .unwrap()
            .0
            .to_owned()
    };
    let (base_url, token) = (
        between("answers at ", ". To reach it"),
        told.split_once("holds: ")
            .unwrap()
            .1
            .lines()
            .next()
            .unwrap()
            .to_owned(),
    );
    folder.write("token", &token);
    folder.configure(&format!("[graph]\nbase_url = \"{base_url}\"\n[[credential]]\nname = \"main\"\ntoken_file = \"token\"\n"));
    folder.run(&["backfill"]).await.exits(0);
    let days: f64 = folder
        .database()
        .query_row(
            "SELECT julianday('now') - julianday(max(timestamp)) FROM media",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(
        (-0.1..10.0).contains(&days),
        "the newest post is {days} days old"
    );

    let client = igsync::graph::http_client(&base_url).unwrap();
    let mut url = format!("{base_url}/v25.0/me/accounts?limit=1&access_token={token}");
    let mut pages = 0;
    loop {
        let body = client
            .get(&url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        pages += 1;
        match page["paging"]["next"].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => break,
        }
        assert!(
            url.starts_with(&base_url),
            "a client is sent away from the simulator"
        );
    }
    assert!(pages > 2, "{pages} pages");
    signal(&child, "TERM");
    let said = ended(child).await.exits(0).stderr;
    let spec = WorldSpec::demo(1);
    let mut needed = vec![base_url, spec.app.id, spec.app.secret];
    for told in spec.tokens {
        needed.extend([told.name, told.token]);
    }
    for account in spec.pages.into_iter().filter_map(|page| page.account) {
        needed.extend([account.id, account.username]);
    }
    needed.extend(spec.others.into_iter().map(|other| other.username));
    needed.extend(spec.hashtags.into_iter().map(|hashtag| hashtag.name));
    for needed in needed {
        assert!(said.contains(&needed), "{needed} is not told: {said}");
    }
}
