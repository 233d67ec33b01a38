//! A world of ten million posts, and the memory of the process that holds it.

use igsync_simulator::{Clock, Simulator, World, WorldSpec};

/// What the large world showed.
pub(crate) struct Measured {
    /// Posts that were looked at, the newest 50 of each account.
    pub(crate) posts: usize,
    /// Whether the oldest post of the last account is there.
    pub(crate) has_oldest: bool,
    /// The most memory that this process ever held, in MiB; nothing where the system does not say.
    pub(crate) peak_mebibytes: Option<u64>,
}

/// Builds 10,000 accounts with 1,000 posts each and looks at them.
pub(crate) fn measure() -> Measured {
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
    let oldest = simulator.world().media("17841400000010000").last();
    Measured {
        posts,
        has_oldest: oldest.is_some_and(|media| media.caption().is_some()),
        peak_mebibytes: peak_mebibytes(),
    }
}

fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes.div_ceil(1024))
}
