//! The simulator as a client sees it.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod access;
mod account_insights;
mod asked;
mod batches;
mod businesses;
mod edges;
mod endpoints;
mod error_codes;
mod every_edge;
mod exchange;
mod faults;
mod hashtags;
mod insights;
mod media_insights;
mod messaging;
mod meters;
mod nodes;
mod oracle;
mod oracle_insights;
mod oracle_media_insights;
mod oracle_others;
mod paging;
mod people;
mod probe;
mod recorded_cassettes;
mod recorded_insights;
mod recorded_limits;
mod recorded_nodes;
mod recorded_refusals;
mod recordings;
mod refusals;
mod retired;
mod same_world;
mod sockets;
mod switches;
mod throttling;
mod tokens;
mod walk;
mod walker;
