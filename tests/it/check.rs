//! `igsync check`: what it says is missing, compared with what the simulated API refuses.

use std::collections::BTreeSet;

use crate::world::{World, selection_of};
use chrono::TimeDelta;
use igsync::resource::RESOURCES;
use igsync::stop::stop_pair;
use igsync::store::Severity;
use igsync::sync::{CheckReport, Range, Selection};
use igsync_simulator::{
    AccountSpec, Fault, HashtagSpec, Match, PageSpec, Revocation, TokenSpec, WorldSpec,
};

/// A world with one account that has a little of everything, and a change to its description.
pub async fn world_with(change: impl FnOnce(&mut WorldSpec)) -> World {
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

pub fn token(spec: &mut WorldSpec) -> &mut TokenSpec {
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
pub fn said(report: &CheckReport) -> Vec<(Severity, String)> {
    let findings = report.findings().into_iter();
    findings
        .map(|finding| (finding.severity, finding.message))
        .collect()
}

#[track_caller]
pub fn assert_says(report: &CheckReport, severity: Severity, words: &str) {
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
        "replace the token of credential",
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
    assert_says(
        &report,
        Severity::Critical,
        "into app_secret_file of credential",
    );

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
