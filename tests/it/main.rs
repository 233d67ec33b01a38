//! igsync from outside: worlds, recorded answers, the real binary.
//!
//! Tests in virtual time run the engine against the simulator in their own runtime; tests that start the
//! real binary run in real time over loopback and are few.

#![expect(unreachable_pub, reason = "a test crate has no outside")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod account_insights;
mod architecture;
mod backfill;
mod batches;
mod binary;
mod blocks;
mod commands;
mod comments;
mod documents;
mod foreign_posts;
mod gaps;
mod hashtags;
mod insights;
mod jobs;
mod live_media;
mod mentions;
mod metering;
mod nights;
mod plan;
mod pools;
mod post_edges;
mod publishing_limit;
mod recorded;
mod recorded_bodies;
mod refusals;
mod scenario;
mod secrets;
mod stories;
mod waiting;
mod world;
