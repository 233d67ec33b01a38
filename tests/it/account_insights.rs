//! Insights of accounts, audiences and hours, against the simulator's world, in nights of virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use igsync::sync::Verdict;
use igsync_simulator::{Call, Fault, Match, WorldSpec};

use crate::world::{World, outcomes};

const RESOURCES: [&str; 4] = [
    "account",
    "account_insights",
    "online_followers",
    "audience",
];

/// One pass; gives its calls for insights.
async fn night(world: &World) -> Vec<Call> {
    world.simulator.clear_journal();
    let summary = world.backfill_of(&RESOURCES).await;
    assert_eq!(
        summary.verdict(),
        Verdict::Complete,
        "{:?}",
        outcomes(&summary)
    );
    world.calls("/insights")
}

/// Nights that begin at the same time of the day.
async fn nights(world: &World, count: usize) -> Vec<Vec<Call>> {
    let mut nights = Vec::new();
    for _ in 0..count {
        let begin = tokio::time::Instant::now();
        nights.push(night(world).await);
        tokio::time::sleep_until(begin + Duration::from_secs(24 * 3600)).await;
    }
    nights
}

fn parameter<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let mut query = call.query.iter();
    query
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn instant(call: &Call, name: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(parameter(call, name)?.parse().ok()?, 0)
}

/// What was refused, apart from what teaches: the breakdown of views, and audiences that are too small.
fn refused(calls: &[Call]) -> Vec<String> {
    let views = |call: &Call| {
        parameter(call, "metric") == Some("views")
            && parameter(call, "breakdown") == Some("follow_type")
    };
    let calls = calls.iter().filter(|call| call.status != 200);
    calls
        .filter(|call| !views(call) && call.subcode != Some(2_874_010))
        .map(|call| format!("{call:?}"))
        .collect()
}

/// Fails unless every number of the last 30 days is stored that the world has for it; gives how many were compared.
#[track_caller]
fn assert_days(world: &World) -> usize {
    let database = world.database();
    let expected = world.simulator.world().expected(&["account_insights"]);
    let today = world
        .simulator
        .world()
        .now()
        .with_timezone(&chrono_tz::America::Los_Angeles);
    let mut compared = 0;
    for (key, row) in &expected.rows["account_insights"] {
        let day: NaiveDate = key.rsplit('/').next().unwrap().parse().unwrap();
        if today.date_naive() - day > TimeDelta::days(30) && row["name"] != "reach" {
            continue;
        }
        let of = |column: &str| row[column].as_str().unwrap();
        let value: Result<i64, _> = database.query_row(
            "SELECT value FROM account_insights_current WHERE account_id = ? AND name = ? AND period = ?
             AND breakdown = '' AND end_time = ? AND day = ?",
            [of("account_id"), of("name"), of("period"), of("end_time"), day.to_string().as_str()],
            |row| row.get(0),
        );
        let value = value.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(Some(value), row["value"].as_i64(), "{key}");
        compared += 1;
    }
    compared
}

#[tokio::test(start_paused = true)]
async fn days_hours_and_audiences_are_those_of_the_world() {
    let world = World::new(WorldSpec::demo(1)).await;
    let calls = night(&world).await;
    assert_eq!(refused(&calls), [] as [String; 0]);
    for call in &calls {
        if let (Some(since), Some(until)) = (instant(call, "since"), instant(call, "until")) {
            assert!(
                until - since <= TimeDelta::days(30) && since < until && until <= call.at,
                "{call:?}"
            );
        }
    }
    assert!(assert_days(&world) > 1_000);

    let database = world.database();
    for account in world
        .simulator
        .world()
        .accounts()
        .filter(|account| account.followers_count() >= 100)
    {
        for breakdown in ["age,gender", "city", "country"] {
            let names: Vec<&str> = breakdown.split(',').collect();
            let groups = account.audience("follower_demographics", &names);
            let groups: BTreeSet<(String, i64)> = groups
                .into_iter()
                .map(|(path, value)| (path.join(","), value))
                .collect();
            let mut stored = database
                .prepare(
                    "SELECT dimension_value, value FROM audience WHERE account_id = ? AND breakdown = ?
                     AND name = 'follower_demographics' AND timeframe = ''",
                )
                .unwrap();
            let stored = stored.query_map([account.id(), breakdown], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
            let stored: BTreeSet<(String, i64)> = stored.unwrap().map(Result::unwrap).collect();
            assert_eq!(stored, groups);
        }
    }
    let count = |what: &str| world.count(&format!("SELECT count(DISTINCT {what}"));
    assert_eq!(
        count(
            "timeframe) FROM audience WHERE name <> 'follower_demographics' AND timeframe = 'this_month'"
        ),
        1
    );
    assert_eq!(
        count(
            "dimension_value) FROM account_insights WHERE period = 'lifetime' AND breakdown = 'hour'"
        ),
        24
    );
    assert!(count("end_time) FROM account_insights WHERE name = 'online_followers'") >= 25);
    assert_eq!(
        count("breakdown) FROM account_insights WHERE period = 'day' AND breakdown <> ''"),
        3
    );
    for period in ["week", "days_28"] {
        assert!(
            count(&format!(
                "end_time) FROM account_insights WHERE period = '{period}'"
            )) >= 30
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_asks_for_a_few_days_and_settled_days_are_never_asked_for_again() {
    let world = World::new(WorldSpec::small(1)).await;
    let nights = nights(&world, 16).await;
    let calls: Vec<usize> = nights.iter().map(Vec::len).collect();
    // The first night: 30 totals, 9 breakdowns and the one that is refused, 3 series, 25 ranges of history, hours, 9 audiences.
    assert_eq!(calls[0], 78, "{calls:?}");
    // A later one: 4 totals, 3 breakdowns, follower_count, hours; in some nights the windows of reach or an audience more.
    assert!(
        calls[1..].iter().all(|calls| (9..=14).contains(calls)),
        "{calls:?}"
    );
    assert!(calls[1..].iter().sum::<usize>() <= 15 * 11, "{calls:?}");

    let mut asked = BTreeMap::<_, Vec<&Call>>::new();
    for call in nights.iter().flatten() {
        let Some(until) =
            instant(call, "until").filter(|_| parameter(call, "metric_type").is_some())
        else {
            continue;
        };
        let key = (
            parameter(call, "breakdown"),
            parameter(call, "metric"),
            until,
        );
        asked.entry(key).or_default().push(call);
    }
    for ((breakdown, _, until), calls) in &asked {
        assert!(
            calls.len() <= if breakdown.is_some() { 1 } else { 4 },
            "{calls:?}"
        );
        let settled = |call: &&&Call| call.at >= *until + TimeDelta::days(3);
        assert!(calls.iter().filter(settled).count() <= 1, "{calls:?}");
    }
    let all: Vec<Call> = nights.iter().flatten().cloned().collect();
    assert_eq!(refused(&all), [] as [String; 0]);
    assert_eq!(all.iter().filter(|call| call.status != 200).count(), 1);
    let audience = |calls: &Vec<Call>| {
        calls.iter().any(|call| {
            parameter(call, "metric").is_some_and(|name| name.ends_with("_demographics"))
        })
    };
    let audiences: Vec<bool> = nights.iter().map(audience).collect();
    assert!(
        audiences.windows(2).all(|nights| nights != [true, true]),
        "{audiences:?}"
    );
    night(&world).await;
    assert_days(&world);
}

#[tokio::test(start_paused = true)]
async fn a_retired_metric_costs_a_call_and_not_a_night() {
    let world = World::new(WorldSpec::small(1)).await;
    let retired = Match::path_ends_with("/insights").with_parameter("metric", "profile_views");
    let fault = Fault::on(retired).always();
    let text = "(#100) metric[11] must be one of the following values: reach, views";
    world
        .simulator
        .inject(fault.status(400).error(100, None, text));
    let mut calls = Vec::new();
    for _ in 0..2 {
        world.simulator.clear_journal();
        let summary = world.backfill_of(&RESOURCES).await;
        assert_eq!(summary.jobs.len(), 4);
        calls.push(refused(&world.calls("/insights")).len());
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    }
    assert_eq!(calls, [1, 0]);
    assert_eq!(
        world.texts("SELECT field || ': ' || reason FROM sync_gaps WHERE field LIKE 'profile%'"),
        ["profile_views of day totals: refused"]
    );
    assert_eq!(
        world.count("SELECT count(*) FROM account_insights WHERE name = 'profile_views'"),
        0
    );
    let days =
        "SELECT count(DISTINCT end_time) FROM account_insights WHERE name = 'website_clicks'";
    assert_eq!(world.count(days), 31);
}

#[tokio::test(start_paused = true)]
async fn days_of_23_and_25_hours_are_days() {
    for (epoch, end_time, hours) in [
        ("2026-03-20T03:00:00Z", "2026-03-09T07:00:00Z", 23),
        ("2026-11-10T20:00:00Z", "2026-11-02T08:00:00Z", 25),
    ] {
        let spec = WorldSpec {
            epoch: epoch.parse().unwrap(),
            ..WorldSpec::small(3)
        };
        let world = World::new(spec).await;
        let calls = night(&world).await;
        assert_eq!(refused(&calls), [] as [String; 0]);
        assert!(assert_days(&world) > 300);
        let end: DateTime<Utc> = end_time.parse().unwrap();
        let total = calls.iter().find(|call| {
            instant(call, "until") == Some(end) && parameter(call, "metric_type").is_some()
        });
        assert_eq!(
            end - instant(total.unwrap(), "since").unwrap(),
            TimeDelta::hours(hours)
        );
        for metric in ["views", "follower_count"] {
            let days = "SELECT count(DISTINCT end_time) FROM account_insights WHERE name =";
            assert_eq!(world.count(&format!("{days} '{metric}'")), 30, "{metric}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeframe_is_added_for_followers_where_it_is_missed_and_remembered() {
    let mut spec = WorldSpec::small(1);
    spec.rules.follower_demographics_need_timeframe = true;
    let world = World::new(spec).await;
    let nights = nights(&world, 9).await;
    let of_followers = |calls: &Vec<Call>| -> Vec<u16> {
        let of = |call: &&Call| parameter(call, "metric") == Some("follower_demographics");
        calls.iter().filter(of).map(|call| call.status).collect()
    };
    assert_eq!(of_followers(&nights[0]), [400, 200, 200, 200]);
    assert_eq!(of_followers(&nights[7]), [200, 200, 200]);
    assert_eq!(
        world.texts("SELECT DISTINCT timeframe FROM audience WHERE name = 'follower_demographics'"),
        ["this_month"]
    );
    assert_eq!(
        world.count("SELECT count(*) FROM sync_gaps WHERE resource = 'audience'"),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn too_few_people_are_a_gap_and_no_failure() {
    let mut spec = WorldSpec::small(1);
    for account in spec
        .pages
        .iter_mut()
        .filter_map(|page| page.account.as_mut())
    {
        (account.followers, account.followers_per_day) = (64, 0);
    }
    let world = World::new(spec).await;
    let calls = night(&world).await;
    // One refusal tells of an audience in all its breakdowns.
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.subcode == Some(2_874_010))
            .count(),
        2
    );
    assert_eq!(
        world.texts(
            "SELECT field || ': ' || reason FROM sync_gaps WHERE resolved_at IS NULL ORDER BY field"
        ),
        [
            "engaged_audience_demographics of this_month: too_few_viewers",
            "follower_count of day series: too_few_viewers",
            "follower_demographics of lifetime: too_few_viewers",
            "follows_and_unfollows of day by follow_type: too_few_viewers",
            "online_followers of hours: too_few_viewers",
            "reached_audience_demographics of this_month: too_few_viewers",
            "views of views by follow_type: not_applicable",
        ]
    );
    assert_days(&world);
}
