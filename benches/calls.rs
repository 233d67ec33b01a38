//! What nights cost: calls and round trips of igsync in worlds of known size, from the simulator's journal.
//!
//! The best known other program spends a call for each post and night and two for each part of a carousel: 1,803 calls on the first
//! night of the first world here, 1,572 on each later one. Every night is compared with the world: counts and numbers of posts younger
//! than 30 days, stories, the last three days of accounts, all comments. Fails when one is incomplete, or igsync spends more than its
//! limits. `cargo bench --bench calls`.

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
    let two = run(Nights::two_accounts(), 15);
    let lively = run(Nights::two_accounts().with_comments(22), 15);
    let quiet = run(Nights::two_accounts().with_quiet_stories(100), 15);
    let five = run(Nights::of(5, 2_000, 8 * 365), 9);
    let (first, trips) = two[0];
    let limits = [
        ("first night: calls", first, 620),
        ("first night: round trips", trips, first / 2),
        ("a later night, at most: calls", most(&two), 50),
        (
            "a later night with 30 new comments, at most: calls",
            most(&lively),
            50,
        ),
        (
            "5 accounts of 2,000 posts, a later night, at most: calls",
            most(&five),
            170,
        ),
    ];
    let mut failed = false;
    for (what, spent, limit) in limits {
        println!("{what}: {spent}, limit {limit}");
        failed |= spent > limit;
    }
    println!(
        "later nights, mean: {} calls, {} with 30 new comments, {} for 5 accounts",
        mean(&two),
        mean(&lively),
        mean(&five)
    );
    println!(
        "one story in ten without viewers, a later night: {} calls on average, {} at most",
        mean(&quiet),
        most(&quiet)
    );
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

fn most(nights: &[(usize, usize)]) -> usize {
    let later = nights[1..].iter().map(|(calls, _)| *calls);
    later.max().unwrap()
}

fn mean(nights: &[(usize, usize)]) -> usize {
    let calls: usize = nights[1..].iter().map(|(calls, _)| calls).sum();
    calls.div_ceil(nights.len() - 1)
}
