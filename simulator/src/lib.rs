//! A strict simulator of the Graph API (Instagram API with Facebook Login, read endpoints) over a made-up world.
//!
//! A [`WorldSpec`] describes a world, a [`World`] is the truth about it at any instant of a [`Clock`], and a
//! [`Simulator`] answers requests about it over HTTP: it refuses what the real API refuses, with the same texts,
//! pages the way each edge pages, and meters what the real API meters. Faults are scripted, every call is written
//! into a journal, and the world can say what a complete database would hold.
//!
//! Faults, foreign consumers of a pool, edits of the world and the journal belong to the program that embeds the
//! simulator, by the methods of [`Simulator`] and [`World`]: no address changes or tells them, because the real API has
//! none. Served alone, it is a world in which nothing goes wrong but what its [`WorldSpec`] says.
//!
//! # What is not simulated
//!
//! These fields and edges have a name in Meta's pages or its generated SDK, but nothing that could be read says what they
//! answer, or that they still answer. They are refused like names that the API does not know.
//!
//! Webhooks are not sent, and answers are not compressed, whatever a caller accepts.
//!
//! | Name | Of | Why |
//! |---|---|---|
//! | `shopping_review_status` | IG User | in the SDK alone; its values are not documented |
//! | `alt_text` | IG User | listed by mistake: a field of media |
//! | `account_type` | IG User | a field of Instagram Login; recorded as refused |
//! | `scheduled_media` | IG User | in the SDK alone, without a shape |
//! | `upcoming_events` | IG User | its page says that it cannot be read |
//! | `welcome_message_flows` | IG User | in the SDK alone, without a shape |
//! | `notification_message_tokens` | IG User | in the SDK alone, without a shape |
//! | `connected_threads_user` | IG User | in the SDK alone; nothing of Threads exists here |
//! | `instagram_backed_threads_user` | IG User | in the SDK alone; nothing of Threads exists here |
//! | `agencies` | IG User | in the SDK alone; agencies are seen from the side of the business |
//! | `authorized_adaccounts` | IG User | in the SDK alone; nothing of ads exists here |
//! | `branded_content_ad_permissions` | IG User | in the SDK alone, partly gated |
//! | `branded_content_advertisable_medias` | IG User | in the SDK alone, partly gated |
//! | `branded_content_tag_approval` | IG User | in the SDK alone, partly gated |
//! | `creator_marketplace_creators` | IG User | in the SDK alone, partly gated |
//! | `dataset` | IG User | in the SDK alone, without a shape |
//! | `has_poll` | IG Media | in the SDK alone; its values are not documented |
//! | `has_slider` | IG Media | in the SDK alone; its values are not documented |
//! | `current_live_viewer_count` | IG Media | in the SDK alone; told where a switch of the rules says so |
//! | `video_title` | IG Media | dead since v14 |
//! | `filter_name` | IG Media | documented as never available |
//! | `location` | IG Media | documented as never available |
//! | `location_name` | IG Media | documented as never available |
//! | `latitude` | IG Media | documented as never available |
//! | `longitude` | IG Media | documented as never available |
//! | `branded_content_partner_promote` | IG Media | in the SDK alone, without a shape |
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
    Account, Collaborator, Comment, Conversation, InsightsOf, Media, MediaType, MentioningComment,
    Message, NewPost, Product, ProductType, Revocation, World,
};
