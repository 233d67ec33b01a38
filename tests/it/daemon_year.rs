//! A year of nights in virtual time: the clocks change twice, the machine is off twice, Meta is down once, and the process is killed once in
//! the middle of its work.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Europe::Berlin;
use igsync_simulator::{Fault, Match, WorldSpec};
use tokio::time::sleep;

use crate::daemon::{Until, job_in, live};
use crate::world::World;

/// Waits until a time of a day after the first one, as Berlin's clocks show it.
async fn until(world: &World, day: u64, hour: u32, minute: u32) {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    let at = first_day(world) + Days::new(day);
    let at = Berlin
        .from_local_datetime(&at.and_time(time))
        .earliest()
        .unwrap();
    let wait = at.to_utc() - world.now();
    sleep(wait.to_std().unwrap()).await;
}

fn first_day(world: &World) -> NaiveDate {
    let epoch = world.simulator.world().spec().epoch;
    epoch.with_timezone(&Berlin).date_naive()
}

#[tokio::test(start_paused = true)]
async fn a_year_of_nights_with_three_outages_ends_with_the_world_in_the_database() {
    let mut spec = WorldSpec::many_accounts(1, 2, 30);
    for page in &mut spec.pages {
        let account = page.account.as_mut().unwrap();
        (account.deleted_per_mille, account.posts_per_week) = (0, 2);
    }
    let world = World::new(spec).await;
    let jobs = [job_in(
        Berlin,
        "nightly",
        "30 2 * * *",
        &["account", "media"],
    )];

    // Off for three days.
    live(&world, &jobs, Until::Stopped(until(&world, 60, 12, 0))).await;
    let old = world.texts("SELECT id FROM media ORDER BY timestamp LIMIT 2");
    assert!(world.simulator.world().delete_media(&old[0]));
    assert!(
        world
            .simulator
            .world()
            .edit_caption(&old[1], Some("second thoughts"))
    );
    until(&world, 63, 12, 0).await;
    // Killed in the middle of a night, and off until the morning.
    live(
        &world,
        &jobs,
        Until::Killed(async {
            until(&world, 150, 2, 29).await;
            world.simulator.inject(
                Fault::on(Match::path_ends_with("/media"))
                    .always()
                    .delay(Duration::from_secs(40)),
            );
            until(&world, 150, 2, 31).await;
            world.simulator.clear_faults();
        }),
    )
    .await;
    until(&world, 150, 7, 0).await;
    live(
        &world,
        &jobs,
        Until::Stopped(async {
            // Meta is down for five hours around the time of the job.
            until(&world, 250, 0, 0).await;
            world
                .simulator
                .inject(Fault::on(Match::any()).always().html(503));
            until(&world, 250, 5, 0).await;
            world.simulator.clear_faults();
            until(&world, 365, 2, 40).await;
        }),
    )
    .await;

    world.assert_complete();
    let deleted = world.texts("SELECT id FROM media WHERE deleted_at IS NOT NULL");
    assert_eq!(deleted, old[..1]);
    assert_eq!(
        world.count(
            "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND account_id IS NOT NULL"
        ),
        0
    );

    // Each night was read once; of those that were missed in a row, one.
    let runs = world.texts(
        "SELECT account_id || ' ' || started_at FROM sync_runs WHERE resource = 'media' AND outcome IN ('complete', 'partial') ORDER BY id",
    );
    let mut nights: BTreeMap<(String, NaiveDate), u32> = BTreeMap::new();
    for run in &runs {
        let (account, at) = run.split_once(' ').unwrap();
        let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
        let night = at.with_timezone(&Berlin).date_naive();
        *nights.entry((account.to_owned(), night)).or_default() += 1;
    }
    let twice: Vec<_> = nights.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let first = first_day(&world);
    let missing: Vec<u64> = (1..=365)
        .filter(|day| {
            let night = first + Days::new(*day);
            nights.keys().filter(|(_, read)| *read == night).count() != 2
        })
        .collect();
    assert_eq!(missing, [61, 62], "nights that were not read");
    assert_eq!(nights.len(), 2 * 363);
}
