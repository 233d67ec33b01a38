//! Jobs: what is read of an account, in which order, and what became of it.
//!
//! `run` is the program's sentence spoken aloud. Around it: `plan` decides the next request and what "finished"
//! means, `discovery` finds the accounts, `check` says what each token lacks, `preview` what work would cost (`forecast` counts),
//! `engine` runs accounts side by side and waits for pools, `start` says how far a start of a job is, `work` is a command's one
//! start and `backfill` says which there are, `hashtags` keeps the 30 of an account, `report` says what happened.

mod account_jobs;
mod askers;
mod backfill;
mod check;
mod depth;
mod discovery;
mod engine;
mod forecast;
mod group;
mod hashtags;
#[cfg(test)]
mod hostile;
mod inquire;
mod inquiry;
mod job;
mod lists;
mod lost;
mod page_size;
mod pages;
mod plan;
mod pools;
mod preview;
mod progress;
mod report;
mod run;
mod selection;
mod start;
mod status;
mod turn;
mod work;
mod world;

pub use askers::Askers;
pub use backfill::{backfill, backfill_and_wait, run_configured, run_job};
pub use check::{
    AccountCheck, CheckReport, CredentialCheck, ResourceCheck, check, check_when_due, daily_check,
};
pub use discovery::{Discovery, Problem, Survey, discover, survey};
pub use engine::{Ended, Engine, LONGEST_NAP, WhenSuspended};
pub use forecast::{Forecast, JobForecast, PoolForecast, forecast};
pub use group::Group;
pub use hashtags::{HashtagError, Hashtags};
pub use job::{Account, BACKFILL, CHECK, DISCOVERY, Job, Range, RangeError, Route};
pub use lost::LOST;
pub use pools::restore_pools;
pub use preview::{Asked, Preview, PreviewError, WaitingHashtags, preview};
pub use progress::{JobProgress, Progress, Waiting};
pub use report::{JobReport, Summary, Verdict};
pub use selection::{Selection, SelectionError};
pub use start::{Configured, Start};
pub use status::{
    AccountStatus, CredentialStatus, Finding, JobStatus, PoolStatus, ResourceStatus, Rise, Status,
    Watched,
};
pub use world::World;
