//! A strict simulator of the Graph API (Instagram API with Facebook Login, read endpoints) over a made-up world.
//!
//! A [`WorldSpec`] describes a world, a [`World`] is the truth about it at any instant of a [`Clock`], and a
//! [`Simulator`] answers requests about it over HTTP: it refuses what the real API refuses, with the same texts,
//! pages the way each edge pages, and meters what the real API meters. Faults are scripted, every call is written
//! into a journal, and the world can say what a complete database would hold.

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
pub use meter::{MeterSpec, Pool};
pub use rules::{NestedRefusal, Rules, UsageHeader};
pub use server::Simulator;
pub use spec::{
    ALL_TASKS, AccountSpec, AppSpec, HashtagSpec, PageReach, PageSpec, READ_PERMISSIONS, TokenKind,
    TokenSpec, WorldSpec,
};
pub use world::{Account, Comment, Media, MediaType, NewPost, ProductType, Revocation, World};
