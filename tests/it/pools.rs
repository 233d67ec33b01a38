//! Pools in the simulator's meters, over whole windows with more work waiting than fits. The same scenarios, with all numbers in one
//! table: `cargo bench --bench budget`.

use crate::scenario::{self, Scenario, VARIATIONS};

/// In every variation: what holds for one phase of the clock only is luck.
async fn check(scenario: fn(u32) -> Scenario) {
    for variation in 0..VARIATIONS {
        check_one(&scenario(variation), variation).await;
    }
}

async fn check_one(scenario: &Scenario, variation: u32) {
    let measured = scenario.measure().await;
    assert_eq!(
        scenario.wrong(&measured),
        None,
        "{}, variation {variation}: {measured}",
        scenario.name
    );
}

#[tokio::test(start_paused = true)]
async fn a_small_platform_pool_is_used_to_the_ceiling_and_never_refused() {
    check(scenario::alone).await;
}

#[tokio::test(start_paused = true)]
async fn calls_of_uneven_cost_keep_the_tightest_gauge_at_the_ceiling() {
    check(scenario::uneven).await;
}

#[tokio::test(start_paused = true)]
async fn others_who_come_and_go_are_made_room_for() {
    check(scenario::foreign).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_tells_nothing_at_first_is_not_overrun() {
    check(scenario::late_headers).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_tells_rarely_is_estimated_in_between() {
    check(scenario::rare_headers).await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_halves_costs_one_refusal_at_most() {
    check(scenario::halved).await;
}

/// Windows of six hours; `cargo bench --bench budget` runs a window of a day, too, which takes minutes without optimization.
#[tokio::test(start_paused = true)]
async fn killed_every_20_minutes_the_pool_is_used_all_the_same() {
    for variation in [1, 4] {
        check_one(&scenario::killed(variation), variation).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_pool_of_many_everybody_has_a_turn() {
    check(scenario::many).await;
}
