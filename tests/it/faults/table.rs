//! `docs/faults.md`: what was seen, in a table.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::SHOWN;
use super::cases::{CASES, Case, Class};
use super::cell::Cell;

const FILE: &str = "docs/faults.md";

const INTRODUCTION: &str = "\
# What igsync does when something goes wrong

Every code that Meta's pages or captures of its answers tell of, and what can break between igsync and the API. This page is written by the
test that tries them, `tests/it/faults/`, and fails when it is not true any more; `IGSYNC_WRITE_DOCS=1 cargo test -p igsync --test it faults`
writes it anew. Each was met in the middle of a list (`media`) and in the middle of questions (`media_insights`), whenever the same was asked
again; where the two differ, both are told, the list first. Other resources are tried in the same way by `IGSYNC_MATRIX=full`.

- **asked again**: how often, within the same start. Waits between attempts double from a second to a minute, with jitter.
- **run**: `sync_runs.outcome` of the resource; others, and other accounts, are read as if nothing had happened, unless the code speaks of
  the token, the app or a pool that they share.
- **gap**: what `sync_gaps` says until it is read: the reason, and whether the gap names an object (`object_id`), a field or metric (`field`),
  or neither, which means the rest of the resource.
- **exit**: the exit code of the command (README).
- **goes on**: when it is asked again, once what went wrong is over. What is committed is never asked for again by the start that goes on.
";

/// Fails unless the documentation tells what was seen; writes it instead, where that is wanted.
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write is said from outside"
)]
pub fn assert_told(seen: &[&Cell]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let page = page(seen);
    if std::env::var("IGSYNC_WRITE_DOCS").is_ok() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &page).unwrap();
    }
    let told = std::fs::read_to_string(&file).unwrap();
    let differs = page
        .lines()
        .zip(told.lines())
        .find(|(seen, told)| seen != told);
    assert!(
        told == page,
        "{FILE} is not true any more: {differs:#?}; IGSYNC_WRITE_DOCS=1 writes it anew"
    );
}

fn page(seen: &[&Cell]) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(
        "\n| code | what is said | igsync | asked again | run | gap | exit | goes on |\n",
    );
    page.push_str("|---|---|---|---|---|---|---|---|\n");
    for case in CASES {
        let cells = SHOWN.map(|resource| {
            let mut cells = seen.iter();
            *cells
                .find(|cell| cell.case == case.name && cell.resource == resource)
                .unwrap()
        });
        let both = |tell: fn(&Cell) -> String| {
            let told = cells.map(tell);
            if told[0] == told[1] {
                return told[0].clone();
            }
            told.join("; ")
        };
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            case.name,
            case.text,
            reaction(case),
            both(|cell| cell.again.to_string()),
            both(|cell| cell.outcome.clone()),
            both(gaps),
            both(|cell| cell.exit.to_string()),
            both(goes_on),
        )
        .unwrap();
    }
    page
}

/// What is done, in words.
fn reaction(case: &Case) -> String {
    match case.class {
        Class::Again(most) => {
            format!("asks again, {most} times at most, then leaves it for the next start")
        }
        Class::Shrink => "asks for fewer objects, then for each alone".to_owned(),
        Class::Without => "asks without what is refused, and remembers that".to_owned(),
        Class::Skip(..) => "leaves it out and goes on".to_owned(),
        Class::Resource => "leaves the resource of this account: an operator is needed".to_owned(),
        Class::Account => "leaves the account: an operator is needed".to_owned(),
        Class::Token => "leaves everything of the token: an operator is needed".to_owned(),
        Class::Pool => "closes the pool of the call".to_owned(),
        Class::Everything => "closes all pools of the token".to_owned(),
        Class::Hashtags => "keeps new hashtags for later".to_owned(),
        Class::Mistake => "does not ask that again in this start".to_owned(),
        Class::Restart => "begins the list anew, once".to_owned(),
        Class::End => "takes it for the end of the list, after beginning anew once".to_owned(),
    }
}

fn gaps(cell: &Cell) -> String {
    let gaps: BTreeSet<String> = cell.gaps.iter().map(|gap| format!("`{gap}`")).collect();
    if gaps.is_empty() {
        return "none".to_owned();
    }
    gaps.into_iter()
        .collect::<Vec<_>>()
        .join(", ")
        .replace(" of a field`", "` of a field")
        .replace(" of an object`", "` of an object")
}

fn goes_on(cell: &Cell) -> String {
    let minutes = match (cell.rests, cell.asked_again) {
        (Some(rests), Some(_)) => return format!("after {rests} minutes"),
        (None, Some(minutes)) => minutes,
        (_, None) => return "never: the gap stays".to_owned(),
    };
    let when = match minutes {
        0..60 => "at the next start",
        60..360 => "within hours",
        360..720 => "after six hours",
        720..2_880 => "after a day",
        2_880..14_400 => "after a week",
        _ => "after a month",
    };
    when.to_owned()
}
