//! What nights cost: calls and round trips of igsync in worlds of known size, from the simulator's journal.
//!
//! The best known other program spends a call for each post and night and two for each part of a carousel: 1,803 calls on the first
//! night of the first world here, 1,572 on each later one. Fails when igsync spends more than its limits. `cargo bench --bench calls`.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on should say where"
)]

#[path = "../tests/it/nights.rs"]
#[expect(unreachable_pub, reason = "shared with the tests")]
mod nights;

use nights::Nights;

fn main() {
    let two = run(Nights::two_accounts(), 8);
    let five = run(Nights::of(5, 2_000, 8 * 365), 8);
    let limits = [
        ("2 accounts of 250 posts, first night: calls", two[0].0, 620),
        (
            "2 accounts of 250 posts, first night: round trips",
            two[0].1,
            two[0].0 / 2,
        ),
        (
            "2 accounts of 250 posts, a later night: calls, mean",
            mean(&two[1..]),
            50,
        ),
        (
            "5 accounts of 2,000 posts, a later night: calls, mean",
            mean(&five[1..]),
            170,
        ),
    ];
    let mut failed = false;
    for (what, spent, limit) in limits {
        println!("{what}: {spent}, at most {limit}");
        failed |= spent > limit;
    }
    assert!(!failed, "more calls than that");
}

fn run(nights: Nights, count: usize) -> Vec<(usize, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let spent = runtime.block_on(nights.run(count));
    println!("calls and round trips, night by night: {spent:?}");
    spent
}

fn mean(nights: &[(usize, usize)]) -> usize {
    let calls: usize = nights.iter().map(|(calls, _)| calls).sum();
    calls.div_ceil(nights.len())
}
