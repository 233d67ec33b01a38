//! The Graph API: how it is asked, how it answers, how it refuses.
//!
//! Owns paging envelopes, error bodies, usage headers, retries and tokens. Refuses to know SQL, and what a field means.
//! [`Client::get`] is the only way out of the program; it asks the budget first. Outside this module a cursor
//! is opaque and no envelope key appears.

mod batch;
mod client;
mod error;
mod fields;
#[cfg(test)]
pub(crate) mod hostile;
mod inspect;
mod limited;
mod metering;
mod page;
mod request;
mod retry;
mod served;
mod tally;
mod token;
mod usage;
mod verdict;

pub use batch::MOST_PARTS;
pub use client::{Client, Settings, http_client, socket_client};
pub use error::{Error, Refusal};
pub use fields::Fields;
pub use inspect::{Expires, TokenFacts};
pub use metering::SHORT_WAIT;
pub use page::{Page, nested, nested_next, objects};
pub use request::{Request, Shape};
pub use tally::Tally;
pub use token::{Credential, SecretError, scrub};
pub use verdict::{ErrorBody, Family, Reaction, Skip, Verdict, judge};
