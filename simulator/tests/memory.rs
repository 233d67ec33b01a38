//! How much memory a large world takes. Alone in its process, so that nothing else is measured.
//!
//! `cargo bench -p igsync-simulator --bench memory` prints the number.

mod large_world;

#[tokio::test]
async fn ten_thousand_accounts_with_a_thousand_posts_each_take_less_than_200_mb() {
    let measured = large_world::measure();
    assert_eq!(measured.posts, 500_000);
    assert!(
        measured.has_oldest,
        "the last of ten million posts is there"
    );
    // 200 MB are 190 MiB.
    if let Some(peak) = measured.peak_mebibytes {
        assert!(peak < 190, "the process held {peak} MiB at its peak");
    }
}
