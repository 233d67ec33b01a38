//! The Graph API: how it is asked, how it answers, how it refuses.
//!
//! Owns paging envelopes, error bodies, usage headers, retries and tokens. Refuses to know SQL, and what a field means.
//! [`Client::get`] is the only way out of the program; it asks the budget first. Outside this module a cursor
//! is opaque and no envelope key appears.

mod client;
mod error;
mod fields;
mod page;
mod request;
mod retry;
mod token;
mod usage;

pub use client::{Client, Error, Refusal, SHORT_WAIT, Settings, Tally, http_client};
pub use error::{ErrorBody, Family, Reaction, Skip, Verdict, judge};
pub use fields::Fields;
pub use page::Page;
pub use request::{Request, Shape};
pub use token::{Credential, SecretError};
