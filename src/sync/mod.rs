//! Jobs: what is read of an account, in which order, and what became of it.
//!
//! `run` is the program's sentence spoken aloud. Around it: `plan` decides the next request and what "finished"
//! means, `discovery` finds the accounts, `check` says what each token lacks, `backfill` runs accounts side by side, `report` says what happened.

mod backfill;
mod check;
mod discovery;
mod inquire;
mod inquiry;
mod job;
mod lists;
mod page_size;
mod pages;
mod plan;
mod pools;
mod progress;
mod report;
mod run;
mod world;

pub use backfill::{Selection, SelectionError, backfill};
pub use check::{AccountCheck, CheckReport, CredentialCheck, ResourceCheck, check};
pub use discovery::{Discovery, Problem, Survey, discover, survey};
pub use job::{Account, BACKFILL, DISCOVERY, Job, Range, RangeError, Route};
pub use pools::restore_pools;
pub use progress::{JobProgress, Progress};
pub use report::{JobReport, Summary, Verdict};
pub use world::World;
