//! The simulator as a client sees it.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod faults;
mod meters;
mod nodes;
mod paging;
mod probe;
mod refusals;
mod sockets;
