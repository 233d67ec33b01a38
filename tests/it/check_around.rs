//! `igsync check` of what is around: the machine, the database, lost accounts; and the check that runs by itself.

use std::time::Duration;

use chrono::TimeDelta;
use igsync::stop::stop_pair;
use igsync::store::{Disk, Severity};
use igsync::sync::{self, CheckReport, Selection, Status, Watched};
use igsync_simulator::{AccountSpec, Fault, Match, PageSpec, Revocation, WorldSpec};
use tokio::time::sleep;

use crate::binary::{Folder, TOKEN};
use crate::check::{assert_says, said, token, world_with};
use crate::running::serve;
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn the_machine_is_checked_too() {
    let world = world_with(|_| {}).await.asking_for("v27.0");
    assert_says(
        &world.check().await,
        Severity::Warning,
        "instead of graph.version; set graph.version",
    );

    let world = world_with(|_| {}).await;
    let with_free = async |free_bytes, database_bytes| {
        let disk = Disk {
            free_bytes,
            database_bytes,
        };
        let everything = Selection::default();
        let report = world.check_of(&everything, |around| around.disk = Some(disk));
        said(&report.await)
    };
    assert_eq!(with_free(2 << 30, 1 << 20).await, []);
    let (little, large, none) = (
        with_free(900 << 20, 1 << 20).await,
        with_free(2 << 30, 3 << 30).await,
        with_free(50 << 20, 1 << 20).await,
    );
    assert_eq!(
        (little[0].0, large[0].0, none[0].0),
        (Severity::Warning, Severity::Warning, Severity::Critical)
    );
    assert!(
        none[0]
            .1
            .starts_with("50 MiB are free where the database of 1 MiB lies; make room"),
        "{none:?}"
    );

    assert!(world.check().await.clock_ahead.unwrap().abs() <= TimeDelta::seconds(1));
    for (date, words) in [
        (
            "Mon, 05 Oct 2026 09:00:00 GMT",
            "this machine's clock is 1h behind Meta's; switch on time synchronisation",
        ),
        (
            "Mon, 05 Oct 2026 07:55:00 GMT",
            "this machine's clock is 5m ahead of Meta's",
        ),
    ] {
        let world = world_with(|_| {}).await;
        world
            .simulator
            .inject(Fault::on(Match::any()).always().header("date", date));
        assert_says(&world.check().await, Severity::Warning, words);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_no_longer_linked_is_lost_and_its_page_is_named() {
    let world = world_with(|spec| {
        let page = PageSpec::numbered(
            2,
            Some(AccountSpec {
                posts: 2,
                ..AccountSpec::numbered(2)
            }),
        );
        spec.pages.push(page);
    })
    .await;
    world.backfill().await;
    assert_eq!(said(&world.check().await), []);
    let account = world
        .simulator
        .world()
        .accounts()
        .next()
        .unwrap()
        .id()
        .to_owned();
    assert!(world.simulator.world().link_account(&account, false));
    let report = world.check().await;
    assert_eq!(report.lost, [(account, Some("sim.account.1".to_owned()))]);
    assert_says(
        &report,
        Severity::Warning,
        "was read before, and no token reaches it any more",
    );
    assert_says(
        &report,
        Severity::Warning,
        "one of Sim Page 1 (134895793791901)",
    );
    assert!(!report.needs_operator());
}

/// Everything that igsync wrote about itself.
fn sync_tables(world: &World) -> Vec<String> {
    let tables = world.texts(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'sync%' ORDER BY name",
    );
    let rows = |table: String| {
        let database = world.database();
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let values: Vec<String> = (0..columns)
                .map(|at| format!("{:?}", row.get_ref(at).unwrap()))
                .collect();
            Ok(format!("{table}: {}", values.join(" ")))
        };
        statement
            .query_map([], row)
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    tables.into_iter().flat_map(rows).collect()
}

async fn daily(world: &World) -> Option<CheckReport> {
    let process = world.process(stop_pair().1).await;
    sync::check_when_due(&process, &Selection::default())
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_daily_check_writes_what_it_found_without_any_secret_and_status_says_it() {
    let world = world_with(|spec| {
        token(spec).permissions.remove("instagram_manage_comments");
        token(spec).expires_at = Some(spec.epoch + TimeDelta::days(10));
    })
    .await;
    world.backfill().await;
    let before = sync_tables(&world);
    world.check().await;
    assert_eq!(sync_tables(&world), before, "check wrote something");

    let report = daily(&world).await.unwrap();
    let calls = "SELECT sum(calls) FROM sync_runs WHERE job = 'check'";
    assert_eq!(world.count(calls).unsigned_abs(), report.calls);
    assert_eq!(
        world
            .count("SELECT sum(calls) FROM sync_calls")
            .unsigned_abs(),
        world.simulator.journal().len() as u64 - 3
    );
    assert_eq!(
        world.texts("SELECT severity || ' ' || resource || ' ' || account_id FROM sync_warnings"),
        ["comments", "tags", "mentions"].map(|one| format!("critical {one} 17841400000000001"))
    );
    let expiry = "SELECT expires_at || ' ' || type || ' ' || is_valid FROM sync_credentials";
    assert_eq!(world.texts(expiry), ["2026-10-15T08:00:00Z USER 1"]);
    let told = sync_tables(&world).join("\n");
    let spec = world.simulator.world().spec().clone();
    for secret in [&spec.tokens[0].token, &spec.app.secret] {
        assert!(
            !told.contains(secret.as_str()),
            "{secret} is in the database"
        );
    }

    let watched = Watched {
        database: world.path(),
        jobs: Vec::new(),
        credentials: vec!["main".to_owned()],
        accounts: Selection::default(),
        budget: igsync::budget::Settings::default(),
    };
    let status = Status::read(&watched, world.now()).unwrap();
    assert_eq!(status.severity, Severity::Critical);
    assert_eq!(
        status.headline,
        "sim.account.1 comments, sim.account.1 tags, sim.account.1 mentions: missing permission instagram_manage_comments: grant it when the token is made (Facebook Login, or the \
         system user's token) (and 1 more)"
    );
    assert_eq!(status.credentials[0].days_left, Some(10));
    assert!(
        status.findings[1]
            .message
            .starts_with("credential main: its token ends in 10 days, at 2026-10-15")
    );
}

#[tokio::test(start_paused = true)]
async fn the_daily_check_runs_once_a_day_and_forgets_nothing_when_meta_does_not_answer() {
    let world = world_with(|spec| {
        token(spec).permissions.remove("instagram_manage_comments");
    })
    .await;
    assert!(daily(&world).await.is_some());
    sleep(DAY / 2).await;
    assert!(daily(&world).await.is_none());
    sleep(DAY / 2).await;
    let down = Match::path_ends_with("/me/accounts");
    world.simulator.inject(Fault::on(down).html(503).times(20));
    assert!(daily(&world).await.is_some());
    assert_eq!(world.count("SELECT count(*) FROM sync_warnings"), 3);
    assert_eq!(
        world.count("SELECT count(*) FROM sync_credentials WHERE is_valid"),
        1
    );
    // What could not be asked is asked again.
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .grant_permission(&token, "instagram_manage_comments");
    sleep(DAY / 24).await;
    assert!(daily(&world).await.is_some());
}

#[tokio::test]
async fn check_proves_the_database_and_asks_about_the_tokens_all_the_same() {
    let (_simulator, folder) = serve(WorldSpec::many_accounts(1, 2, 300)).await;
    folder.run(&["backfill"]).await;
    let whole = folder.run(&["check"]).await.exits(0).stdout;
    assert!(whole.contains("igsync.db: whole, schema "), "{whole}");
    let tamper = |folder: &Folder, sql: &str| {
        let database = rusqlite::Connection::open(folder.path("igsync.db")).unwrap();
        database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        database.execute_batch(sql).unwrap();
        // Nothing is left in the WAL.
        database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
    };
    let damaged = async |folder: &Folder, words: &str| {
        let report = folder.run(&["check"]).await.exits(5);
        let said = &report.stdout;
        assert!(said.contains("igsync.db: damaged\n"), "{said}");
        let line = format!("critical: the database is damaged: {words}");
        assert!(said.contains(&line), "{line}: {said}");
        assert!(said.contains("put a backup in its place"), "{said}");
        assert!(said.contains("media: ready"), "{said}");
    };
    tamper(&folder, "DROP VIEW stories");
    damaged(&folder, "schema: column stories.").await;
    let copy = folder.twin();
    std::fs::copy(folder.path("igsync.db"), copy.path("igsync.db")).unwrap();
    tamper(&copy, "CREATE TABLE mine (id INTEGER)");
    damaged(&copy, "schema: column stories.").await;

    // A page in the middle comes back from the disk as nonsense; then all but the first.
    let break_pages = |pages: std::ops::Range<usize>| {
        let mut bytes = std::fs::read(folder.path("igsync.db")).unwrap();
        for page in pages {
            bytes[page * 4096..page * 4096 + 512].fill(0x5a);
        }
        std::fs::write(folder.path("igsync.db"), bytes).unwrap();
    };
    let pages = std::fs::metadata(folder.path("igsync.db")).unwrap().len() / 4096;
    let pages = usize::try_from(pages).unwrap();
    break_pages(pages / 2..pages / 2 + 1);
    damaged(&folder, "").await;
    break_pages(1..pages);
    let report = folder.run(&["check"]).await.exits(1);
    assert!(
        report
            .stderr
            .contains("the file is damaged: put a backup in its place"),
        "{}",
        report.stderr
    );
}

#[tokio::test]
async fn a_dead_token_that_the_service_manager_handed_over_is_replaced_where_the_unit_says() {
    let (simulator, folder) = serve(WorldSpec::small(1)).await;
    simulator
        .world()
        .revoke_token(TOKEN, Revocation::PasswordChanged);
    let own = folder.run(&["check"]).await.exits(5).stdout;
    let words = "replace the token of credential main, then start again";
    assert!(own.contains(words), "{own}");
    std::fs::create_dir(folder.path("credentials")).unwrap();
    folder.write("credentials/token", TOKEN);
    let mut command = folder.command(&["check"]);
    command.env("CREDENTIALS_DIRECTORY", folder.path("credentials"));
    let handed = crate::binary::run(command).await.exits(5).stdout;
    let words = "in the file that LoadCredential names in the unit, then restart the service (`systemctl restart igsync`)";
    assert!(handed.contains(words), "{handed}");
}
