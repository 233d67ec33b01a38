//! A strict simulator of the Graph API (Instagram API with Facebook Login, read endpoints) over a made-up world.
//!
//! A [`WorldSpec`] describes a world, a [`World`] is the truth about it at any instant of a [`Clock`], and a
//! [`Simulator`] answers requests about it over HTTP: it refuses what the real API refuses, with the same texts,
//! pages the way each edge pages, and meters what the real API meters. Faults are scripted, every call is written
//! into a journal, and the world can say what a complete database would hold.
//!
//! ```
//! use igsync_simulator::{Clock, Fault, Match, Simulator, World, WorldSpec};
//!
//! # fn main() -> std::io::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let spec = WorldSpec::small(1);
//! let clock = Clock::starting_at(spec.epoch);
//! let simulator = Simulator::new(World::new(spec), clock);
//! simulator.inject(Fault::on(Match::path_ends_with("/media")).html(503));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let server = simulator.serve_tcp(listener).await?;
//! // … a client asks …
//! assert!(simulator.journal().is_empty());
//! assert_eq!(simulator.world().media("17841400000000001").count(), 120);
//! # server.abort();
//! # Ok(())
//! # })
//! # }
//! ```

mod clock;
mod cursor;
mod error;
mod fault;
mod fields;
mod id;
mod journal;
mod json;
mod meter;
mod node;
mod oracle;
mod preset;
mod reader;
mod rules;
mod seed;
mod server;
mod spec;
mod world;

pub use clock::Clock;
pub use fault::{Fault, Match};
pub use journal::Call;
pub use meter::{Foreign, MeterSpec, Pool};
pub use node::EDGES;
pub use oracle::{Comparison, Expectation, JOURNAL_TABLES, ORACLE_TABLES, Tables};
pub use rules::{NestedRefusal, Rules, UsageHeader};
pub use server::Simulator;
pub use spec::{
    ALL_TASKS, AccountSpec, AppSpec, HashtagSpec, PageReach, PageSpec, READ_PERMISSIONS, TokenKind,
    TokenSpec, WorldSpec,
};
pub use world::{
    Account, Collaborator, Comment, Conversation, Media, MediaType, MentioningComment, Message,
    NewPost, Product, ProductType, Revocation, World,
};
