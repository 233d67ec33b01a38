//! How much memory a large world takes. Alone in its process, so that nothing else is measured.

use igsync_simulator::{Clock, Simulator, World, WorldSpec};

/// Memory of this process in MiB; nothing where the system does not say.
fn resident_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024)
}

#[tokio::test]
async fn ten_thousand_accounts_with_a_thousand_posts_each_take_less_than_200_mb() {
    let spec = WorldSpec::many_accounts(1, 10_000, 1_000);
    let clock = Clock::starting_at(spec.epoch);
    let simulator = Simulator::new(World::new(spec), clock);
    let mut posts = 0;
    for account in simulator.world().accounts() {
        posts += simulator
            .world()
            .media(account.id())
            .take(50)
            .filter(|media| !media.is_deleted())
            .count();
    }
    assert_eq!(posts, 500_000);
    let oldest = simulator.world().media("17841400000010000").last();
    assert!(
        oldest.is_some_and(|media| media.caption().is_some()),
        "the last of ten million posts is there"
    );
    if let Some(resident) = resident_mebibytes() {
        assert!(resident < 200, "{resident} MiB");
    }
}
