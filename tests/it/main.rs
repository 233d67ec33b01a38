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
mod albums;
mod architecture;
mod backfill;
mod backup;
mod batches;
mod binary;
mod blocks;
mod browser;
mod business_discovery;
mod changes;
mod check;
mod check_around;
mod choosing;
mod commands;
mod comments;
mod conversations;
mod daemon;
mod daemon_life;
mod daemon_trouble;
mod daemon_year;
mod deletions;
mod disk;
mod documents;
mod equality;
mod faults;
mod foreign_posts;
mod forget;
mod gaps;
mod hashtags;
mod hostile;
mod insights;
mod jobs;
mod journal;
mod kills;
mod live_media;
mod mentions;
mod metering;
mod nights;
mod plan;
mod pools;
mod post_edges;
mod publishing_limit;
mod queries;
mod recorded;
mod recorded_bodies;
mod refusals;
mod running;
mod scenario;
mod schemas;
mod secrets;
mod snapshot;
mod status;
mod stories;
mod units;
mod waiting;
mod web;
mod world;
