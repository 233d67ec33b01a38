use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_800_000_000 + seconds)
}

fn told(percent: f32) -> Reading {
    Reading {
        call_count: percent,
        ..Reading::default()
    }
}

/// Of a pool of 200 calls an hour.
fn ledger() -> Ledger {
    Ledger::new(HOUR, 0.5)
}

/// So many calls, each sent and answered, without a reading.
fn spend(ledger: &mut Ledger, calls: u32, now: DateTime<Utc>) {
    for _ in 0..calls {
        ledger.send(1);
        ledger.settle(1, now);
    }
}

fn used(ledger: &mut Ledger, now: DateTime<Utc>) -> f32 {
    ledger.levels(now)[0]
}

#[test]
fn time_frees_what_was_spent_and_not_before() {
    let mut ledger = ledger();
    spend(&mut ledger, 40, at(0));
    spend(&mut ledger, 20, at(1800));
    for (seconds, expected) in [
        (1800, 30.0),
        (3599, 30.0),
        // Slices leave as a whole, when their last moment is a window old.
        (3600 + 50, 10.0),
        (5399, 10.0),
        (5400 + 50, 0.0),
    ] {
        let used = used(&mut ledger, at(seconds));
        assert!((used - expected).abs() < 0.01, "{used} after {seconds} s");
    }
}

#[test]
fn what_was_read_leaves_a_window_later_whoever_spent_it() {
    let mut ledger = ledger();
    ledger.read(told(0.0), at(0));
    ledger.read(told(60.0), at(60));
    assert!(used(&mut ledger, at(3500)) >= 60.0);
    assert!(used(&mut ledger, at(3700)) < 0.01);
}

#[test]
fn a_quota_that_halves_or_doubles_is_learned_from_readings() {
    let mut ledger = ledger();
    let mut now = 0;
    let mut level = 0.0_f32;
    let mut gone = std::collections::VecDeque::new();
    // Ten calls a minute, and what they really cost.
    for (cost, learned) in [(0.5, 0.5), (1.0, 1.0), (0.5, 0.5)] {
        for _ in 0..60 {
            now += 60;
            for _ in 0..4 {
                spend(&mut ledger, 1, at(now));
                level += cost;
                gone.push_back((now, cost));
                while gone.front().is_some_and(|(then, _)| *then + 3600 <= now) {
                    level -= gone.pop_front().map_or(0.0, |(_, cost)| cost);
                }
                ledger.read(told(level.floor()), at(now));
            }
        }
        let one = ledger.call_costs()[0];
        assert!((one - learned).abs() < 0.2, "{one} for {learned}");
    }
}

#[test]
fn fewer_requests_are_in_flight_near_the_ceiling() {
    let in_flight = |percent: f32| {
        let mut ledger = ledger();
        ledger.read(told(percent), at(0));
        let mut sent = 0;
        while ledger.room(1, 80.0, at(1)) == Room::Free {
            ledger.send(1);
            sent += 1;
            assert!(sent < 100);
        }
        (sent, ledger.room(1, 80.0, at(1)))
    };
    assert_eq!(in_flight(10.0), (8, Room::Busy));
    let (some, _) = in_flight(72.0);
    assert!((2..8).contains(&some), "{some} at 72 %");
    assert_eq!(in_flight(78.5), (1, Room::Busy));
    let (none, room) = in_flight(80.0);
    assert_eq!(none, 0);
    assert!(
        matches!(room, Room::Later(until) if until > at(1)),
        "{room:?}"
    );
}

#[test]
fn room_that_time_freed_is_taken_by_one_call_until_a_reading_confirms_it() {
    let mut ledger = ledger();
    ledger.read(told(70.0), at(0));
    assert_eq!(ledger.room(1, 80.0, at(4000)), Room::Free);
    ledger.send(1);
    assert_eq!(ledger.room(1, 80.0, at(4000)), Room::Busy);
    ledger.settle(1, at(4001));
    // Answered, but nothing was told: still one at a time.
    assert_eq!(ledger.room(1, 80.0, at(4001)), Room::Free);
    ledger.send(1);
    assert_eq!(ledger.room(1, 80.0, at(4001)), Room::Busy);
    ledger.settle(1, at(4002));
    ledger.read(told(1.0), at(4002));
    ledger.send(1);
    assert_eq!(ledger.room(1, 80.0, at(4002)), Room::Free);
}

#[test]
fn a_restart_goes_on_with_one_request_in_flight_until_a_reading() {
    let mut before = ledger();
    before.read(told(0.0), at(0));
    spend(&mut before, 40, at(1));
    before.read(told(20.0), at(2));
    let mut ledger = ledger();
    ledger.restore(&before.record(at(10)), before.reading(), at(10));
    assert_eq!(ledger.room(1, 80.0, at(10)), Room::Free);
    ledger.send(1);
    assert_eq!(ledger.room(1, 80.0, at(10)), Room::Busy, "it bursts");
    ledger.settle(1, at(11));
    ledger.read(told(20.0), at(11));
    ledger.send(1);
    assert_eq!(ledger.room(1, 80.0, at(11)), Room::Free);
}

#[test]
fn what_is_foreseen_waits_for_what_was_spent_to_leave() {
    let mut ledger = ledger();
    spend(&mut ledger, 100, at(0));
    let patience = TimeDelta::seconds(60);
    let few = ledger.foresee(50, 80.0, patience, at(60));
    assert_eq!((few.done_at, few.wait), (at(60), None));
    let more = ledger.foresee(100, 80.0, patience, at(60));
    let (at_once, until) = more.wait.unwrap();
    assert!((59..=60).contains(&at_once), "{at_once}");
    assert!((at(3600)..at(3700)).contains(&until), "{until}");
    assert_eq!(more.done_at, until);
    // Behind the windows that are gone through, the average counts: 160 calls an hour.
    let many = ledger.foresee(160 * 24, 80.0, patience, at(60));
    let hours = (many.done_at - at(60)).num_hours();
    assert!((22..=27).contains(&hours), "{hours}");
}

#[test]
fn a_record_survives_json_and_another_window() {
    let mut before = ledger();
    before.read(told(0.0), at(0));
    spend(&mut before, 30, at(60));
    before.read(told(22.0), at(61));
    spend(&mut before, 10, at(1200));
    let level = used(&mut before, at(1300));
    let json = serde_json::to_string(&before.record(at(1300))).unwrap();
    let record: LedgerRecord = serde_json::from_str(&json).unwrap();
    for window in [HOUR, 24 * HOUR] {
        let mut ledger = Ledger::new(window, 0.5);
        ledger.restore(&record, before.reading(), at(1300));
        let restored = used(&mut ledger, at(1300));
        assert!((restored - level).abs() < 0.1, "{restored} of {level}");
        assert_eq!(ledger.own_calls(), 40);
        let (known, learned) = (before.call_costs()[0], ledger.call_costs()[0]);
        assert!((known - learned).abs() < 0.01, "{learned} of {known}");
    }
    // What a shorter window has left already is not taken up.
    let mut ledger = Ledger::new(Duration::from_secs(600), 0.5);
    ledger.restore(&record, before.reading(), at(1300));
    assert_eq!(ledger.own_calls(), 10);
}

#[test]
fn a_record_of_nonsense_does_no_harm() {
    let start = at(0).timestamp_millis();
    let huge = [f32::NAN, f32::INFINITY, f32::MAX, f32::MIN, -1.0, 1e-40];
    for number in huge {
        for other in huge {
            let record = LedgerRecord {
                spent: vec![
                    (start, u32::MAX, number, other, number),
                    (start, u32::MAX, other, number, 1.0),
                    (i64::MAX, 1, 1.0, 1.0, 1.0),
                    (i64::MIN, 1, 1.0, 1.0, 1.0),
                ],
                costs: vec![(number, other); 7],
            };
            let mut ledger = ledger();
            let reading = Some((told(number), at(0)));
            ledger.restore(&record, reading, at(10));
            assert_usable(&mut ledger, at(10));
        }
    }
    for broken in [
        "",
        "[]",
        "{\"spent\":[[1,2]],\"costs\":[]}",
        "{\"spent\":[[1,2,null,3,4]]}",
    ] {
        assert!(
            serde_json::from_str::<LedgerRecord>(broken).is_err(),
            "{broken}"
        );
    }
}

/// Goes on from here as with any other ledger: levels are numbers, and a reading puts them right.
#[track_caller]
fn assert_usable(ledger: &mut Ledger, now: DateTime<Utc>) {
    assert_sane(ledger, now);
    ledger.room(1, 80.0, now);
    ledger.send(1);
    assert_sane(ledger, now);
    ledger.settle(1, now);
    ledger.foresee(1_000_000, 80.0, TimeDelta::minutes(1), now);
    ledger.recovered_at(now);
    ledger.calls_in_flight = 0;
    ledger.read(told(30.0), now);
    let level = ledger.level(0);
    assert!((29.9..31.1).contains(&level), "{level}");
    assert_sane(ledger, now);
}

#[track_caller]
fn assert_sane(ledger: &mut Ledger, now: DateTime<Utc>) {
    for level in ledger.levels(now) {
        assert!(level.is_finite() && level >= 0.0, "{level}");
    }
    for cost in ledger.call_costs() {
        assert!(cost.is_finite() && cost > 0.0, "a call costs {cost}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(u32),
    Settle(u32),
    Read([f32; 3]),
    Wait(i64),
    Restart,
}

fn step(
    number: impl Strategy<Value = f32> + Clone + 'static,
    calls: u32,
) -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..=calls).prop_map(Step::Send),
        (0..=calls).prop_map(Step::Settle),
        [number.clone(), number.clone(), number].prop_map(Step::Read),
        (-1_000_i64..100_000).prop_map(Step::Wait),
        Just(Step::Restart),
    ]
}

/// Takes the steps, and looks at the ledger after each.
fn take(steps: Vec<Step>) -> (Ledger, DateTime<Utc>) {
    let (mut ledger, mut now) = (ledger(), at(0));
    for step in steps {
        match step {
            Step::Send(calls) => ledger.send(calls),
            Step::Settle(calls) => ledger.settle(calls, now),
            Step::Read([call_count, total_cputime, total_time]) => {
                let reading = Reading {
                    call_count,
                    total_cputime,
                    total_time,
                    ..Reading::default()
                };
                ledger.read(reading, now);
            }
            Step::Wait(seconds) => now += TimeDelta::seconds(seconds),
            Step::Restart => {
                let (record, reading) = (ledger.record(now), ledger.reading());
                ledger = Ledger::new(HOUR, 0.5);
                ledger.restore(&record, reading, now);
            }
        }
        assert_sane(&mut ledger, now);
        ledger.room(1, 80.0, now);
    }
    (ledger, now)
}

fn any_number() -> impl Strategy<Value = f32> + Clone {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

proptest! {
    #[test]
    fn any_numbers_in_any_order_leave_levels_that_are_numbers(
        steps in prop::collection::vec(step(any_number(), u32::MAX), 0..60)
    ) {
        let (mut ledger, now) = take(steps);
        assert_usable(&mut ledger, now);
    }

    #[test]
    fn the_estimate_stays_between_a_reading_and_the_next_percent(
        steps in prop::collection::vec(step((0_u8..=130).prop_map(f32::from), 60), 0..60),
        gauges in [0_u8..=130, 0_u8..=130, 0_u8..=130],
    ) {
        let (mut ledger, now) = take(steps);
        let [call_count, total_cputime, total_time] = gauges.map(f32::from);
        let reading = Reading { call_count, total_cputime, total_time, ..Reading::default() };
        ledger.read(reading, now);
        for gauge in 0..3 {
            let (level, told) = (ledger.level(gauge), reading.gauges()[gauge]);
            let with_pending = ledger.levels(now)[gauge];
            prop_assert!(with_pending > told - 0.01 && level < told + 1.0, "{level} for {told}");
        }
    }
}
