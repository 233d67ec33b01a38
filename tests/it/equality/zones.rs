//! Two accounts whose nights begin at hours of other zones, east and west of UTC, across the nights in which their clocks change.

use chrono::NaiveDate;
use chrono_tz::Tz;
use igsync::sync::Configured;
use tokio::time::sleep;

use super::tonight::Tonight;
use super::{DAY, Nights, worlds};
use crate::daemon::{HOUR, Until, job_in, live};
use crate::nights::NIGHTLY;
use crate::world::World;

/// A job of one account.
fn job_of(account: &str, zone: Tz, line: &str) -> Configured {
    let mut job = job_in(zone, account, line, &NIGHTLY);
    job.selection.accounts = vec![account.to_owned()];
    job
}

/// Days on which an account was read, as its clocks show them.
fn days(world: &World, account: &str, zone: Tz) -> Vec<NaiveDate> {
    let runs = format!(
        "SELECT started_at FROM sync_runs WHERE resource = 'media' AND account_id = '{account}' AND job <> 'backfill' ORDER BY id"
    );
    let day = |at: String| {
        let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
        at.with_timezone(&zone).date_naive()
    };
    world.texts(&runs).into_iter().map(day).collect()
}

/// So many nights, each account by its own clocks, then some in common until the lists were walked through.
async fn nights(epoch: &str, count: u32, east: (Tz, &str), west: (Tz, &str)) {
    let mut nights = Nights::of(worlds::two(epoch)).await;
    nights.next().await;
    let world = &nights.world;
    let ids: Vec<String> = {
        let accounts = world.simulator.world().accounts();
        accounts.map(|account| account.id().to_owned()).collect()
    };
    let zones = [east, west];
    let jobs: Vec<Configured> = ids
        .iter()
        .zip(zones)
        .map(|(id, (zone, line))| job_of(id, zone, line))
        .collect();
    live(world, &jobs, Until::Stopped(sleep(DAY * (count - 1)))).await;
    let tonight = Tonight::begins(world);
    live(world, &jobs, Until::Stopped(sleep(DAY + HOUR))).await;
    tonight.of_both().assert_equal(world);
    for (id, (zone, _)) in ids.iter().zip(zones) {
        let days = days(world, id, zone);
        assert!(days.len() >= count as usize, "{days:?}");
        let follow = |pair: &[NaiveDate]| pair[0].succ_opt() == Some(pair[1]);
        assert!(days.windows(2).all(follow), "{days:?}");
    }
    sleep(DAY).await;
    let tonight = nights.next_long().await;
    tonight.assert_equal(&nights.world);
}

#[tokio::test(start_paused = true)]
async fn nights_of_two_zones_equal_the_world_when_the_clocks_go_back() {
    // In Berlin half past two comes twice on October 25, in Los Angeles half past one on November 1.
    let berlin = (Tz::Europe__Berlin, "30 2 * * *");
    let los_angeles = (Tz::America__Los_Angeles, "30 1 * * *");
    nights("2026-10-22T15:20:00Z", 14, berlin, los_angeles).await;
}

#[tokio::test(start_paused = true)]
async fn nights_of_two_zones_equal_the_world_when_the_clocks_go_forward() {
    // In Los Angeles half past two is left out on March 8, in Berlin on March 29.
    let berlin = (Tz::Europe__Berlin, "30 2 * * *");
    let los_angeles = (Tz::America__Los_Angeles, "30 2 * * *");
    nights("2026-03-05T15:20:00Z", 27, berlin, los_angeles).await;
}

#[tokio::test(start_paused = true)]
async fn nights_at_the_far_ends_of_the_day_equal_the_world() {
    let auckland = (Tz::Pacific__Auckland, "20 0 * * *");
    let honolulu = (Tz::Pacific__Honolulu, "20 23 * * *");
    nights("2026-09-22T15:20:00Z", 8, auckland, honolulu).await;
}
