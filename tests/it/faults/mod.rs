//! The fault matrix: each thing that can go wrong, at each resource, at the first, a middle and the last of its calls.
//!
//! Every cell of it is a world of its own in virtual time ([`cell::meet`]): igsync meets the fault, goes on when it is over, and the
//! database is compared with the world. A middle call meets its fault whenever it is asked again, the first and the last meet it once. An
//! everyday run tries each fault at one list and at one kind of questions, which is what `docs/faults.md` tells, and each other resource
//! once. `IGSYNC_MATRIX=full` tries all; names of resources instead of `full` try these.

mod cases;
mod cell;
pub mod ground;
mod table;
pub mod truth;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use igsync::resource::{RESOURCES, Resource, find};

use cases::{CASES, Case};
use cell::{Cell, meet};
use ground::{Ground, Place};

/// A list, and questions about objects: what stands in the documentation was seen with these.
pub const SHOWN: [&str; 2] = ["media", "media_insights"];

/// Worlds side by side.
const THREADS: usize = 2;

pub fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// A fault at a resource, and the places that are tried.
type Trial = (&'static Resource, Vec<(&'static Case, Place)>);

/// Each fault at a list and at questions, in the middle; each other resource with one fault.
fn everyday() -> Vec<Trial> {
    let trial = |(resource, number): (&&'static Resource, usize)| {
        let shown = SHOWN.contains(&resource.name);
        let cases = CASES.iter().enumerate();
        let chosen = cases.filter(|(at, _)| shown || *at == number * 5 % CASES.len());
        let place = |(_, case): (usize, &'static Case)| (case, Place::Middle);
        (*resource, chosen.map(place).collect())
    };
    RESOURCES.iter().zip(0..).map(trial).collect()
}

/// Each fault at each place of resources.
fn all(resources: impl Iterator<Item = &'static Resource>) -> Vec<Trial> {
    let places = |case: &'static Case| Place::ALL.map(|place| (case, place));
    resources
        .map(|resource| (resource, CASES.iter().flat_map(places).collect()))
        .collect()
}

/// What `IGSYNC_MATRIX` says.
#[expect(
    clippy::disallowed_methods,
    reason = "how much is tried is said from outside"
)]
fn chosen() -> Vec<Trial> {
    match std::env::var("IGSYNC_MATRIX").as_deref() {
        Ok("full") => all(RESOURCES.iter().copied()),
        Ok(names) => all(names.split(',').map(|name| find(name).unwrap())),
        Err(_) => everyday(),
    }
}

/// Tries them, and says what was seen; fails with the names of those that failed.
#[expect(clippy::disallowed_macros, reason = "says what was tried")]
fn tried(trials: Vec<Trial>) -> Vec<Cell> {
    let waiting = Mutex::new(VecDeque::from(trials));
    let (seen, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some((resource, places)) = waiting.lock().unwrap().pop_front() else {
                return;
            };
            let ground = in_virtual_time(Ground::of(resource));
            for (case, place) in places {
                let Some(at) = ground.at(place) else {
                    continue;
                };
                let cell = || in_virtual_time(meet(&ground, case, place, at));
                match catch_unwind(AssertUnwindSafe(cell)) {
                    Ok(cell) => seen.lock().unwrap().push(cell),
                    Err(_) => {
                        let name = format!("{} at {place:?} of {}", case.name, resource.name);
                        failed.lock().unwrap().push(name);
                    }
                }
            }
            println!("{} is done", resource.name);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    let seen = seen.into_inner().unwrap();
    let rows: usize = seen.iter().map(|cell| cell.rows).sum();
    println!(
        "{} faults tried, {} of them failed; {rows} rows compared in the others, each of them there or named by a gap",
        seen.len() + failed.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{failed:#?}");
    seen
}

#[test]
fn nothing_is_lost_doubled_or_pretended_whatever_goes_wrong_and_the_documentation_tells_it() {
    let seen = tried(chosen());
    let names: Vec<&str> = RESOURCES.iter().map(|resource| resource.name).collect();
    assert!(seen.iter().all(|cell| names.contains(&cell.resource)));
    let shown: Vec<&Cell> = seen.iter().filter(|cell| cell.is_shown()).collect();
    // Where only some resources are tried, there may be nothing to tell.
    if shown.len() == CASES.len() * SHOWN.len() {
        table::assert_told(&shown);
    }
}
