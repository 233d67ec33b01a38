//! `igsync check` and the check that runs by itself: what they say is missing, compared with what the simulated API refuses.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use igsync::resource::RESOURCES;
use igsync::stop::stop_pair;
use igsync::store::{Disk, Severity};
use igsync::sync::{self, CheckReport, Range, Selection, Status, Watched};
use igsync_simulator::{
    AccountSpec, Fault, HashtagSpec, Match, PageSpec, Revocation, TokenSpec, WorldSpec,
};
use tokio::time::sleep;

use crate::world::{World, selection_of};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world with one account that has a little of everything, and a change to its description.
async fn world_with(change: impl FnOnce(&mut WorldSpec)) -> World {
    let mut spec = WorldSpec::default();
    let account = AccountSpec {
        posts: 3,
        stories_per_day: 2,
        conversations: 3,
        messages_per_conversation: 5,
        ..AccountSpec::numbered(1)
    };
    spec.others = vec![AccountSpec::numbered(900)];
    spec.hashtags = vec![HashtagSpec {
        name: "coffee".to_owned(),
        posts_per_day: 3,
        sensitive: false,
    }];
    spec.pages = vec![PageSpec::numbered(1, Some(account))];
    spec.tokens = vec![TokenSpec::default()];
    change(&mut spec);
    World::new(spec).await
}

fn token(spec: &mut WorldSpec) -> &mut TokenSpec {
    &mut spec.tokens[0]
}

fn all() -> Vec<&'static str> {
    RESOURCES.iter().map(|resource| resource.name).collect()
}

/// A check of all resources, those that need uncommon permissions included.
async fn check_all(world: &World) -> CheckReport {
    world.check_of(&selection_of(&all()), |_| {}).await
}

/// The resources of the first account of which something is missing.
fn lacking(report: &CheckReport) -> BTreeSet<&'static str> {
    let resources = report.accounts.iter().flat_map(|found| &found.resources);
    let lacking = resources.filter(|resource| !resource.missing.is_empty());
    lacking.map(|resource| resource.resource).collect()
}

/// What is said, the worst first.
fn said(report: &CheckReport) -> Vec<(Severity, String)> {
    let findings = report.findings().into_iter();
    findings
        .map(|finding| (finding.severity, finding.message))
        .collect()
}

#[track_caller]
fn assert_says(report: &CheckReport, severity: Severity, words: &str) {
    let said = said(report);
    assert!(
        said.iter()
            .any(|(how, what)| *how == severity && what.contains(words)),
        "no {severity:?} {words:?} in {said:#?}"
    );
}

/// Fails unless the check says of each resource what the API does: that it is refused, or that it is not.
async fn assert_right(world: &World, why: &str) -> BTreeSet<&'static str> {
    let report = check_all(world).await;
    let everything = Selection {
        hashtags: vec!["coffee".to_owned()],
        usernames: vec![AccountSpec::numbered(900).username],
        ..selection_of(&all())
    };
    let summary = world
        .start(&everything, Range::default(), stop_pair().1)
        .await;
    let refused = summary
        .jobs
        .iter()
        .filter(|job| job.outcome.text() == "refused");
    let refused: BTreeSet<&str> = refused.map(|job| job.resource).collect();
    assert_eq!(summary.jobs.len(), RESOURCES.len(), "{why}: {summary:?}");
    // Where posts cannot be read, nothing is asked about them.
    let asked = |name: &&str| {
        summary
            .jobs
            .iter()
            .any(|job| job.resource == *name && job.calls > 0)
    };
    let lacking: BTreeSet<&str> = lacking(&report).into_iter().filter(asked).collect();
    assert_eq!(lacking, refused, "{why}");
    assert_eq!(report.needs_operator(), !refused.is_empty(), "{why}");
    refused
}

#[tokio::test(start_paused = true)]
async fn with_everything_granted_all_is_ready_and_nothing_is_said() {
    let world = world_with(|_| {}).await;
    assert_eq!(
        assert_right(&world, "everything is granted").await,
        BTreeSet::new()
    );
    assert_eq!(said(&world.check().await), []);
}

#[tokio::test(start_paused = true)]
async fn each_permission_that_is_missing_is_named_at_the_resources_that_the_api_refuses_for_it() {
    let permissions: BTreeSet<&str> = RESOURCES
        .iter()
        .flat_map(|one| one.permissions)
        .copied()
        .collect();
    assert!(permissions.len() >= 4, "{permissions:?}");
    for permission in permissions {
        let world = world_with(|spec| {
            token(spec).permissions.remove(permission);
        })
        .await;
        let refused = assert_right(&world, permission).await;
        assert!(!refused.is_empty(), "nothing needs {permission}");
        let report = check_all(&world).await;
        let words = format!("missing permission {permission}: grant it when the token is made");
        assert_says(&report, Severity::Critical, &words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_was_declined_is_told_from_one_that_was_never_asked_for() {
    let world = world_with(|_| {}).await;
    let token = world.simulator.world().spec().tokens[0].token.clone();
    world
        .simulator
        .world()
        .withdraw_permission(&token, "instagram_manage_insights");
    assert_right(&world, "declined").await;
    let report = world.check().await;
    assert_says(
        &report,
        Severity::Critical,
        "permission instagram_manage_insights: it was declined; let the token's user log in",
    );
}

#[tokio::test(start_paused = true)]
async fn each_task_on_the_page_opens_what_the_api_opens_for_it_and_what_it_does_not_is_named() {
    let tasks: [&[&str]; 13] = [
        &["ANALYZE"],
        &["ADVERTISE"],
        &["MODERATE"],
        &["CREATE_CONTENT"],
        &["MANAGE"],
        &["MESSAGING"],
        &["PROFILE_PLUS_ANALYZE"],
        &["PROFILE_PLUS_ADVERTISE"],
        &["PROFILE_PLUS_MODERATE"],
        &["PROFILE_PLUS_CREATE_CONTENT"],
        &["PROFILE_PLUS_MESSAGING"],
        &["PROFILE_PLUS_FULL_CONTROL"],
        &["PROFILE_PLUS_ANALYZE", "PROFILE_PLUS_MODERATE"],
    ];
    let mut lacks = 0;
    for tasks in tasks {
        let is_new = tasks[0].starts_with("PROFILE_PLUS");
        let world = world_with(|spec| {
            spec.pages[0].tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
            spec.pages[0].new_page_experience = is_new;
        })
        .await;
        let refused = assert_right(&world, &tasks.join(", ")).await;
        lacks += usize::from(!refused.is_empty());
        if refused.contains("comments") {
            let words = if is_new {
                "missing the task PROFILE_PLUS_MODERATE on the Page Sim Page 1, which carries instagram_manage_comments: in the Page's access settings"
            } else {
                "missing the task MODERATE or CREATE_CONTENT on the Page Sim Page 1, which carry instagram_manage_comments: give it"
            };
            assert_says(&world.check().await, Severity::Critical, words);
        }
    }
    // Only who may do everything may do what all resources need.
    assert_eq!(lacks, 11);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_configured_counts() {
    let world = world_with(|spec| {
        token(spec).permissions.remove("instagram_manage_comments");
    })
    .await;
    assert!(world.check().await.needs_operator());
    let report = world
        .check_of(&selection_of(&["account", "media"]), |_| {})
        .await;
    assert_eq!(said(&report), []);
    let nobody = Selection {
        exclude: vec!["sim.account.1".to_owned()],
        ..Selection::default()
    };
    assert_eq!(world.check_of(&nobody, |_| {}).await.accounts.len(), 0);
    let mistyped = Selection {
        include: vec!["sim.acount.1".to_owned()],
        ..Selection::default()
    };
    let report = world.check_of(&mistyped, |_| {}).await;
    assert_says(
        &report,
        Severity::Critical,
        "sim.acount.1: named in accounts.include, but no token reaches it",
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_from_a_business_lacks_what_no_call_tells_of_until_meta_refuses() {
    let world = world_with(|spec| {
        token(spec).role_from_business = true;
        token(spec).permissions.remove("ads_read");
        spec.rules.business_roles_need_ads_permission = true;
    })
    .await;
    assert_eq!(said(&world.check().await), []);
    world.backfill_of(&["account", "media"]).await;
    let report = world.check().await;
    assert_eq!(lacking(&report), BTreeSet::from(["account", "media"]));
    assert_says(
        &report,
        Severity::Critical,
        "most likely permission ads_management or ads_read if the user's role on the Page comes from a business",
    );

    let world = world_with(|spec| {
        token(spec).role_from_business = true;
        token(spec).permissions.remove("business_management");
    })
    .await;
    let report = world.check().await;
    assert_says(&report, Severity::Critical, "credential main sees no Page");
    assert_says(
        &report,
        Severity::Critical,
        "the token needs the permission business_management",
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_told_with_their_kind_and_their_ends_and_warned_of_from_14_days() {
    for (days, severity) in [(13, Severity::Warning), (2, Severity::Critical)] {
        for data_access in [false, true] {
            let world = world_with(|spec| {
                let end = spec.epoch + TimeDelta::days(days) + TimeDelta::hours(1);
                let token = token(spec);
                if data_access {
                    token.data_access_expires_at = Some(end);
                } else {
                    token.expires_at = Some(end);
                }
            })
            .await;
            let report = world.check().await;
            let what = if data_access {
                "its access to data ends"
            } else {
                "its token ends"
            };
            assert_says(
                &report,
                severity,
                &format!("credential main: {what} in {days} days, at 2026-10-"),
            );
            assert_eq!(report.findings().len(), 1);
        }
    }
    let world =
        world_with(|spec| token(spec).expires_at = Some(spec.epoch + TimeDelta::days(15))).await;
    let report = world.check().await;
    assert_eq!(said(&report), []);
    let row = report.credentials[0].row.clone().unwrap();
    assert_eq!(row.kind.as_deref(), Some("USER"));
    assert_eq!(
        row.app_id,
        Some(world.simulator.world().spec().app.id.clone())
    );
    assert_eq!(
        row.expires_at,
        Some(WorldSpec::default().epoch + TimeDelta::days(15))
    );
    assert_eq!(row.data_access_expires_at, None);
    let granted = &world.simulator.world().spec().tokens[0].permissions;
    assert_eq!(row.scopes, Some(granted.iter().cloned().collect()));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_of_no_use_are_said_to_be_so() {
    let expired =
        world_with(|spec| token(spec).expires_at = Some(spec.epoch - TimeDelta::days(1))).await;
    let report = expired.check().await;
    assert_says(&report, Severity::Critical, "Session has expired");
    assert_says(
        &report,
        Severity::Critical,
        "replace the token (and check app_secret_file)",
    );
    let row = report.credentials[0].row.clone().unwrap();
    assert!(!row.is_valid && row.scopes.is_none(), "{row:?}");
    assert_eq!(report.calls, 1, "a dead token was used again");

    let revoked = world_with(|_| {}).await;
    let token_of = revoked.simulator.world().spec().tokens[0].token.clone();
    revoked
        .simulator
        .world()
        .revoke_token(&token_of, Revocation::PasswordChanged);
    assert_says(
        &revoked.check().await,
        Severity::Critical,
        "changed their password",
    );

    let wrong_secret = world_with(|spec| spec.app.require_proof = true).await;
    assert_eq!(said(&wrong_secret.check().await), []);
    let wrong_secret = wrong_secret.with_app_secret("00000000000000000000000000000000");
    let report = wrong_secret.check().await;
    assert_says(&report, Severity::Critical, "Invalid appsecret_proof");
    assert_says(&report, Severity::Critical, "check app_secret_file");

    let past = world_with(|spec| {
        token(spec).data_access_expires_at = Some(spec.epoch - TimeDelta::days(1));
    })
    .await;
    assert_says(
        &past.check().await,
        Severity::Critical,
        "its access to data ends: it did at 2026-10-04",
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_token_may_not_tell_of_itself_another_one_tells_and_else_it_is_said_to_be_unknown() {
    let refusal = "(#100) You must provide an app access token, or a user access token that is an owner or developer of the app";
    let both = |spec: &mut WorldSpec| {
        token(spec).expires_at = Some(spec.epoch + TimeDelta::days(30));
        let second = TokenSpec {
            name: "developer".to_owned(),
            token: "SIM-developer".to_owned(),
            ..TokenSpec::default()
        };
        spec.tokens.push(second);
    };
    let refuse = || Fault::on(Match::path_ends_with("/debug_token")).error(100, None, refusal);
    let world = world_with(both).await;
    world.simulator.inject(refuse().times(1));
    let report = world.check().await;
    let row = report.credentials[0].row.clone().unwrap();
    assert_eq!(
        row.expires_at,
        Some(WorldSpec::default().epoch + TimeDelta::days(30))
    );

    let world = world_with(both).await;
    world.simulator.inject(refuse().always());
    let report = world.check().await;
    let row = report.credentials[0].row.clone().unwrap();
    assert!(
        row.is_valid && !row.inspected && row.expires_at.is_none(),
        "{row:?}"
    );
    assert!(
        row.problem
            .unwrap()
            .starts_with("when it ends is not known: ")
    );
    assert_eq!(said(&report), []);
}

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
