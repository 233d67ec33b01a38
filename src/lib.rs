//! igsync: Instagram professional accounts into one SQLite file, within Meta's budgets.
//!
//! The data flow is one sentence, and each word is a type or a module:
//!
//! > config → schedule → job → plan → request → budget → HTTP → page → rows → store
//!
//! A job says what is wanted of one account. Its plan decides the next request; the budget lets it out when
//! the pool that Meta will charge has room; the client sends it and turns the answer into a page or a reaction;
//! the resource turns the page into rows; the store writes rows and checkpoint in one transaction. The sentence
//! is spoken aloud in [`sync`].
//!
//! `ARCHITECTURE.md` has the map, the invariants and a walkthrough.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod schedule;
pub mod sync;
pub mod web;

pub mod resource;

pub mod budget;
pub mod graph;
pub mod store;

pub mod clock;
pub mod stop;
pub mod under_way;
