//! How much memory a world of 10,000 accounts with 1,000 posts each takes.
//!
//! The demand: less than 200 MB. What is printed is the peak of the whole process, program and allocator included.
//!
//!     cargo bench -p igsync-simulator --bench memory

#[path = "../tests/large_world/mod.rs"]
mod large_world;

const DEMANDED_MEBIBYTES: u64 = 190; // 200 MB

#[expect(
    clippy::disallowed_macros,
    reason = "the number is what a benchmark is for"
)]
fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let measured = runtime.block_on(async { large_world::measure() });
    let peak = measured
        .peak_mebibytes
        .ok_or_else(|| std::io::Error::other("this system does not tell the peak"))?;
    println!(
        "10,000 accounts with 1,000 posts each, {} posts looked at, the oldest {}: peak of {peak} MiB",
        measured.posts,
        if measured.has_oldest {
            "there"
        } else {
            "MISSING"
        }
    );
    if peak < DEMANDED_MEBIBYTES {
        Ok(())
    } else {
        Err(std::io::Error::other("too much memory"))
    }
}
