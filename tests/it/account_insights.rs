//! Insights of accounts, audiences and hours, against the simulator's world, in nights of virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use igsync::sync::Verdict;
use igsync_simulator::{Call, Fault, Match, WorldSpec};

use crate::world::{World, assert_meets, outcomes, rows_of};

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

/// Days of totals, and of what is told for the last days only.
const RECENT_DAYS: i64 = 30;

/// Breakdowns of so many settled days are asked for in the first night, and of one day more in every later one.
const FIRST_BREAKDOWN_DAYS: i64 = 3;

/// When numbers are final.
const SETTLING: TimeDelta = TimeDelta::hours(50);

/// How much of the two years that are told a database has to hold after so many nights. What is waived is not read, by
/// design; where it is found all the same, it has to be right.
pub fn is_required(key: &str, now: DateTime<Utc>, nights: i64) -> bool {
    let day_of = |at: DateTime<Utc>| at.with_timezone(&Los_Angeles).date_naive();
    let parts: Vec<&str> = key.split('/').collect();
    let (name, period, breakdown) = (parts[1], parts[2], parts[3]);
    let end: DateTime<Utc> = parts[parts.len() - 1].parse().unwrap();
    let day = day_of(end - TimeDelta::hours(1));
    let back = (day_of(now) - day).num_days();
    match (period, breakdown) {
        // The day that is not over has no number yet.
        _ if back < 1 => false,
        // The only history that is read: a call tells 30 days of it, and of other totals one.
        ("day", "") => name == "reach" || back <= RECENT_DAYS,
        // The windows of a week and of 28 days come 30 in a call, so that call is made once a week; those that had not settled then are
        // read again by the next one.
        ("week" | "days_28", _) => back <= RECENT_DAYS && (nights == 1 || back > 10),
        ("lifetime", _) => back <= RECENT_DAYS && (nights == 1 || back > 10),
        // A breakdown costs a call for each day: made once, when the day has settled.
        _ => {
            let newest = day_of(now - SETTLING);
            let back = (newest - day).num_days();
            (1..FIRST_BREAKDOWN_DAYS + nights).contains(&back)
        }
    }
}

/// What an audience is asked by. Age and gender are asked for together, as neither tells the other, and the longer
/// timeframe is that of the month; the rest would cost as much again.
pub fn is_asked_of_audiences(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    parts[2] != "this_week" && parts[3] != "age" && parts[3] != "gender"
}

/// Fails unless the newest numbers of accounts and their audiences are those of the world, after so many nights. Gives how many
/// rows were required.
#[track_caller]
fn assert_numbers(world: &World, nights: i64) -> usize {
    let database = world.database();
    let simulated = world.simulator.world();
    let now = simulated.now();
    let today = now.date_naive();
    let days = today - TimeDelta::days(800)..=today;
    let expected = simulated
        .expected_on(&["account_insights", "audience"], days)
        .not_requiring("account_insights", |key| !is_required(key, now, nights))
        .not_requiring("audience", |key| !is_asked_of_audiences(key));
    let of_accounts = [
        "account_id",
        "name",
        "period",
        "breakdown",
        "dimension_value",
        "end_time",
    ];
    let of_audiences = [
        "account_id",
        "name",
        "timeframe",
        "breakdown",
        "dimension_value",
    ];
    let tables = [
        (
            "account_insights".to_owned(),
            rows_of(&database, "account_insights_current", &of_accounts),
        ),
        (
            "audience".to_owned(),
            rows_of(&database, "audience ORDER BY observed_at", &of_audiences),
        ),
    ];
    assert_meets(&expected, &tables.into())
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
    let compared = assert_numbers(&world, 1);
    assert!(compared > 7_000, "{compared}");

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
    // A later one: 4 totals, as the night begins before the third day is final; 3 breakdowns, follower_count; in some nights a window
    // of reach, the hours or an audience more.
    assert!(
        calls[1..].iter().all(|calls| (8..=11).contains(calls)),
        "{calls:?}"
    );
    assert!(calls[1..].iter().sum::<usize>() <= 15 * 10, "{calls:?}");

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
        let settled = |call: &&&Call| call.at >= *until + SETTLING;
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
    let compared = assert_numbers(&world, 17);
    assert!(compared > 2_400, "{compared}");
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
        let compared = assert_numbers(&world, 1);
        assert!(compared > 2_000, "{compared}");
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
async fn days_are_those_of_meta_at_whatever_hour_the_night_begins() {
    // Half past two in Auckland, Berlin, New York and Los Angeles.
    for epoch in [
        "2026-10-04T13:30:00Z",
        "2026-10-05T00:30:00Z",
        "2026-10-05T06:30:00Z",
        "2026-10-05T09:30:00Z",
    ] {
        let spec = WorldSpec {
            epoch: epoch.parse().unwrap(),
            ..WorldSpec::small(4)
        };
        let world = World::new(spec).await;
        let nights = nights(&world, 3).await;
        assert_eq!(refused(&nights.concat()), [] as [String; 0]);
        night(&world).await;
        let compared = assert_numbers(&world, 4);
        assert!(compared > 1_900, "{compared} at {epoch}");
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
    let later: Vec<Vec<u16>> = nights[1..].iter().map(of_followers).collect();
    assert!(later.contains(&vec![200, 200, 200]), "{later:?}");
    assert!(!later.concat().contains(&400), "{later:?}");
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
    let compared = assert_numbers(&world, 1);
    assert!(compared > 1_000, "{compared}");
}
