//! One fault at one place of one resource: what igsync does, and whether nothing is lost, doubled or pretended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use igsync::clock::instant_text;
use igsync::resource::{Meter, find};
use igsync::stop::stop_pair;
use igsync::store::Outcome;
use igsync::sync::{self, JobReport, Range, Selection, Summary, Verdict};
use igsync_simulator::Call;

use crate::world::World;

use super::SHOWN;
use super::cases::{Case, Class};
use super::ground::{ACCOUNT, BESIDE, Ground, OTHER, Place};
use super::truth::{Keys, differences, gaps};

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub case: &'static str,
    pub resource: &'static str,
    pub place: Place,
    /// How often the question was asked again after the first refusal.
    pub again: usize,
    /// How often at most the very same question, word for word.
    pub alike: usize,
    /// How the resource's run ended.
    pub outcome: String,
    pub exit: u8,
    /// The open gaps after it, by reason: of the whole resource, of an object, of a field.
    pub gaps: BTreeSet<String>,
    /// How long it rests.
    pub rests: Option<i64>,
    /// Starts after the fault until all is there.
    pub starts: usize,
    /// Minutes until no gap was left; none: one is left for good.
    pub asked_again: Option<i64>,
    /// Rows that were compared at the end.
    pub rows: usize,
}

impl Cell {
    /// Whether the documentation tells of it.
    pub fn is_shown(&self) -> bool {
        self.place == Place::Middle && SHOWN.contains(&self.resource)
    }
}

fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Complete => 0,
        Verdict::Failed => 1,
        Verdict::Partial => 3,
        Verdict::Suspended(_) => 4,
        Verdict::OperatorNeeded => 5,
    }
}

async fn start(world: &World, selection: &Selection) -> Summary {
    let process = world.process(stop_pair().1).await;
    let summary = sync::backfill(&process, selection, Range::default());
    summary.await.unwrap()
}

/// Meets a fault, outlives it, and fails when anything is lost, doubled or pretended.
pub async fn meet(ground: &Ground, case: &Case, place: Place, at: usize) -> Cell {
    let what = format!("{} at {place:?} of {}", case.name, ground.resource.name);
    let world = ground.world().await;
    let selection = ground.selection(&world);
    let in_batch = ground.calls[at].in_batch && case.is_of_messages();
    let on = if in_batch {
        ground.batch(at)
    } else {
        ground.question(at)
    };
    let fault = case.fault(on);
    world.simulator.inject(match place {
        Place::Middle => fault.always(),
        _ => fault,
    });

    let began = world.now();
    let summary = start(&world, &selection).await;
    let journal = world.simulator.journal();
    let refused = journal.iter().filter(|call| call.faulted).count();
    assert!(refused > 0, "{what}: the fault was not met");
    assert_tells_the_truth(&world, ground, &summary, &what);
    assert_untouched(&world, ground, &summary, case, &what);
    let job = job(&summary, ACCOUNT, ground.resource.name);
    let mut cell = Cell {
        case: case.name,
        resource: ground.resource.name,
        place,
        again: again(&journal, in_batch),
        alike: alike(&journal),
        outcome: job.map_or("given up", |job| job.outcome.text()).to_owned(),
        exit: exit_code(summary.verdict()),
        gaps: gaps(&world.database(), ground.resource)
            .difference(&ground.gaps)
            .cloned()
            .collect(),
        rests: rests(&summary, began),
        starts: 0,
        asked_again: None,
        rows: 0,
    };
    assert_expected(&cell, case, brings_comments(&ground.calls[at]), &what);
    assert_no_call_into_the_block(&world, ground, &selection, &journal, &what).await;

    world.simulator.clear_faults();
    let cleared = world.now();
    let mut last = summary;
    let mut open_pass = is_open(&world, ground.resource.name);
    loop {
        let (missing, rows) = of_ground(&world, ground);
        cell.rows = rows;
        let is_complete = last.verdict() == Verdict::Complete && cell.starts > 0;
        if is_complete && (failures(&world) == 0 || cell.starts == WAITS.len()) {
            assert_explained(
                &world,
                ground,
                &missing,
                case.class == Class::Without,
                &what,
            );
            cell.asked_again =
                (failures(&world) == 0).then(|| (world.now() - cleared).num_minutes());
            break;
        }
        assert!(
            cell.starts < WAITS.len(),
            "{what}: after {} starts it is {:?}; {:#?} {missing:.300?} {:?}",
            cell.starts,
            last.verdict(),
            world.open_gaps(),
            last.jobs
        );
        let wait = match last.verdict() {
            Verdict::Suspended(until) => until - world.now(),
            _ => chrono::TimeDelta::minutes(WAITS[cell.starts]),
        };
        tokio::time::sleep(wait.to_std().unwrap_or_default() + Duration::from_secs(2)).await;
        let answered = world.simulator.journal();
        last = start(&world, &selection).await;
        cell.starts += 1;
        assert_tells_the_truth(&world, ground, &last, &what);
        // Later, numbers may be due again.
        if open_pass && wait < chrono::TimeDelta::hours(1) {
            assert_paid_once(&world, &answered, case, &what);
        }
        open_pass = is_open(&world, ground.resource.name);
    }
    cell
}

/// What the database lacks of the resource, and how many rows were compared.
fn of_ground(world: &World, ground: &Ground) -> (Vec<String>, usize) {
    differences(
        &world.database(),
        &world.simulator,
        ground.resource,
        &ground.keys,
    )
}

fn job<'s>(summary: &'s Summary, account: &str, resource: &str) -> Option<&'s JobReport> {
    let mut jobs = summary.jobs.iter();
    jobs.find(|job| job.account_id == account && job.resource == resource)
}

/// Fails unless igsync does what the reference asks for.
fn assert_expected(cell: &Cell, case: &Case, brings_comments: bool, what: &str) {
    let says = |reason: &str| cell.gaps.iter().any(|gap| gap.starts_with(reason));
    match case.class {
        // It may be the comments that nobody has the permission for.
        Class::Resource if brings_comments && cell.place != Place::Middle => {
            assert_eq!((cell.exit, cell.again), (0, 0), "{what}: {cell:?}");
            assert!(says("not_applicable"), "{what}: {cell:?}");
        }
        Class::Resource | Class::Account | Class::Token => {
            let again = usize::from(brings_comments && case.class == Class::Resource);
            assert_eq!((cell.exit, cell.again), (5, again), "{what}: {cell:?}");
            assert!(
                cell.outcome == "refused" && says("no_permission"),
                "{what}: {cell:?}"
            );
        }
        Class::Pool | Class::Everything if cell.case != "368" => {
            assert_eq!((cell.exit, cell.again), (4, 0), "{what}: {cell:?}");
            assert!(
                cell.outcome == "suspended" && says("rate_limited"),
                "{what}: {cell:?}"
            );
        }
        Class::Everything => assert_eq!((cell.exit, cell.again), (5, 0), "{what}: {cell:?}"),
        // Once is no failure.
        Class::Again(_) if cell.place != Place::Middle => {
            assert_eq!((cell.exit, cell.again), (0, 0), "{what}: {cell:?}");
            assert!(cell.gaps.is_empty(), "{what}: {cell:?}");
        }
        Class::Again(most) => {
            assert!(cell.exit == 3 && says("failed"), "{what}: {cell:?}");
            assert!(!cell.is_shown() || cell.again == most, "{what}: {cell:?}");
        }
        _ => {}
    }
    let (most, exits, reasons) = allowed(case.class);
    let mut why = cell.gaps.iter().filter_map(|gap| gap.split(' ').next());
    assert!(
        cell.alike <= most && exits.contains(&cell.exit) && why.all(|why| reasons.contains(&why)),
        "{what}: {cell:?}, and it is held to {most}, {exits:?}, {reasons:?}"
    );
    // Nothing is called complete that could be had.
    let mut why = cell.gaps.iter().filter_map(|gap| gap.split(' ').next());
    let is_failure = |why: &str| !NO_FAILURE.contains(&format!("'{why}'"));
    assert!(cell.exit != 0 || !why.any(is_failure), "{what}: {cell:?}");
}

/// How often the very same question may be asked again, which exit codes there may be, and why something may be missing. What comes along
/// may have been what was refused: asked for without it, it is not applicable.
fn allowed(class: Class) -> (usize, &'static [u8], Vec<&'static str>) {
    match class {
        Class::Again(most) => (most, &[0, 3], vec!["failed"]),
        Class::Shrink | Class::Without | Class::Mistake => {
            (0, &[0, 3], vec!["refused", "not_applicable"])
        }
        Class::Skip(most, reason) => (most, &[0, 3], vec![reason, "not_applicable"]),
        Class::Hashtags => (0, &[3], vec!["rate_limited"]),
        // From the top it is walked to the same place once more.
        Class::Restart | Class::End => (1, &[0, 3], vec!["list_limit"]),
        Class::Resource => (0, &[0, 5], vec!["no_permission", "not_applicable"]),
        Class::Account | Class::Token => (0, &[5], vec!["no_permission"]),
        Class::Pool => (0, &[4], vec!["rate_limited"]),
        Class::Everything => (0, &[4, 5], vec!["rate_limited", "no_permission"]),
    }
}

/// Whether the first comments on somebody else's post are asked for, which may be told or not.
fn brings_comments(call: &Call) -> bool {
    let fields = call.fields.as_deref().unwrap_or_default();
    fields.starts_with("mentioned_media.") && fields.contains(",comments.limit(50){")
}

/// How often what was refused was asked for again: a message around a batch is asked for as often as its parts.
fn again(journal: &[Call], in_batch: bool) -> usize {
    let faulted = journal.iter().filter(|call| call.faulted);
    let counted = faulted.filter(|call| !in_batch || call.method == "POST");
    counted.count() - 1
}

/// How often at most the very same question was asked again, word for word: of a message around a batch, its parts.
fn alike(journal: &[Call]) -> usize {
    let is_question = |call: &&Call| call.faulted && call.method == "GET";
    let mut asked = BTreeMap::new();
    for call in journal.iter().filter(is_question) {
        *asked.entry((&call.path, &call.query)).or_insert(0) += 1;
    }
    asked.into_values().max().unwrap_or(1) - 1
}

/// In how many minutes it may go on.
fn rests(summary: &Summary, began: DateTime<Utc>) -> Option<i64> {
    let Verdict::Suspended(until) = summary.verdict() else {
        return None;
    };
    Some((until - began).num_minutes())
}

/// Whether a pass over the resource is under way.
fn is_open(world: &World, resource: &str) -> bool {
    let open = format!(
        "SELECT count(*) FROM sync_checkpoints WHERE resource = '{resource}' AND account_id = '{ACCOUNT}'
             AND finished_at IS NULL AND failures < 3"
    );
    world.count(&open) > 0
}

/// After how many minutes the starts behind a fault follow each other: what rests, rests for a day, a week or a month.
const WAITS: [i64; 6] = [10, 80, 5 * 60, 24 * 60, 7 * 24 * 60, 31 * 24 * 60];

/// Open gaps of what could be had.
fn failures(world: &World) -> i64 {
    world.count(&format!(
        "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND reason NOT IN {NO_FAILURE}"
    ))
}

/// Gaps that say that something is not there because it does not exist for us.
const NO_FAILURE: &str = "('not_applicable', 'too_few_viewers', 'before_conversion', 'expired')";

/// Fails unless verdict, summary, runs and gaps agree.
fn assert_tells_the_truth(world: &World, ground: &Ground, summary: &Summary, what: &str) {
    let started = world.count("SELECT max(started_by) FROM sync_runs");
    let complete = summary
        .jobs
        .iter()
        .all(|job| job.outcome == Outcome::Complete);
    if summary.verdict() == Verdict::Complete {
        assert!(complete, "{what}: {summary:#?}");
    }
    for job in &summary.jobs {
        let of_job = format!(
            "resource = '{}' AND account_id = '{}'",
            job.resource, job.account_id
        );
        let run = world.texts(&format!(
            "SELECT outcome FROM sync_runs WHERE started_by = {started} AND {of_job} ORDER BY id DESC LIMIT 1"
        ));
        assert_eq!(run, [job.outcome.text()], "{what}: {job:?}");
        let failures = world.count(&format!(
            "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND reason NOT IN {NO_FAILURE}
                 AND {of_job}"
        ));
        let is_complete = job.outcome == Outcome::Complete;
        // What rests for a while is not asked for by every start, and its gap stays open meanwhile. It has a name.
        let resting = world.count(&format!(
            "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND reason NOT IN {NO_FAILURE}
                 AND {of_job} AND coalesce(object_id, field) IS NOT NULL AND last_run_id < {started}"
        ));
        let open = format!(
            "SELECT count(*) FROM sync_gaps WHERE resolved_at IS NULL AND resource = '{}'",
            job.resource
        );
        let agrees = if is_complete {
            failures == resting
        } else {
            world.count(&open) > 0
        };
        assert!(agrees, "{what}: {job:?} {:?}", world.open_gaps());
        if is_complete {
            assert_eq!(job.message, None, "{what}");
        }
    }
    let running = "SELECT count(*) FROM sync_runs WHERE outcome IN ('running', 'interrupted')";
    assert_eq!(world.count(running), 0, "{what}");
    // What is called complete is there.
    let (missing, _) = of_ground(world, ground);
    if summary.verdict() == Verdict::Complete {
        assert_explained(world, ground, &missing, true, what);
    }
}

/// Fails unless each difference has an open gap that names it; or one that was closed later, where a metric was refused for so long that
/// days have passed of which it is not told any more.
fn assert_explained(
    world: &World,
    ground: &Ground,
    missing: &[String],
    or_closed: bool,
    what: &str,
) {
    if missing.is_empty() {
        return;
    }
    let gaps = world.texts(&format!(
        "SELECT coalesce(field, object_id, '') FROM sync_gaps WHERE resource = '{}'
             AND (resolved_at IS NULL OR {or_closed} AND field IS NOT NULL)",
        ground.resource.name
    ));
    for difference in missing {
        let is_named = |gap: &String| {
            let name = gap.split(' ').next().unwrap_or_default();
            // Stories that nobody saw have no other name than their time.
            let is_unseen = name == "stories" && difference.starts_with("story_insights ");
            // A field of the parts of albums, or of comments on a post.
            let of_parts = name.split_once('.');
            let is_of_parts = |(edge, field): (&str, &str)| {
                difference.contains(&format!("_{edge} ")) && difference.contains(field)
            };
            gap.is_empty()
                || difference.contains(name)
                || is_unseen
                || of_parts.is_some_and(is_of_parts)
        };
        assert!(
            gaps.iter().any(is_named),
            "{what}: {difference}, of {} differences; {:#?}",
            missing.len(),
            world.open_gaps()
        );
    }
}

/// Fails if other resources or the other account were touched by what is none of their business.
fn assert_untouched(world: &World, ground: &Ground, summary: &Summary, case: &Case, what: &str) {
    for job in &summary.jobs {
        let is_it = job.resource == ground.resource.name && job.account_id == ACCOUNT;
        let may_be_touched = match case.class {
            Class::Token | Class::Everything => true,
            Class::Account => job.account_id == ACCOUNT,
            // What hashtags were searched lately is metered in the account's own pool.
            Class::Pool => {
                let meter = find(job.resource).unwrap().meter;
                let of_app = |meter| matches!(meter, Meter::App | Meter::Hashtags);
                let shares = meter == ground.resource.meter
                    || of_app(meter) && of_app(ground.resource.meter);
                shares && of_app(meter)
                    || job.account_id == ACCOUNT
                        && (shares || ground.resource.meter == Meter::Hashtags)
            }
            _ => false,
        };
        if !is_it && !may_be_touched {
            assert_eq!(job.outcome, Outcome::Complete, "{what}: {job:?}");
        }
    }
    let accounts: Vec<&str> = vec![ACCOUNT, OTHER];
    for resource in BESIDE.iter().filter(|name| **name != ground.resource.name) {
        let resource = find(resource).unwrap();
        let read = |account: &&&str| {
            job(summary, account, resource.name).is_some_and(|job| job.outcome == Outcome::Complete)
        };
        if accounts.iter().filter(read).count() == accounts.len() {
            let all = Keys::new();
            let (wrong, _) = differences(&world.database(), &world.simulator, resource, &all);
            assert_eq!(wrong, Vec::<String>::new(), "{what}: {}", resource.name);
        }
    }
}

/// Starts again while a pool is known to be closed.
async fn assert_no_call_into_the_block(
    world: &World,
    ground: &Ground,
    selection: &Selection,
    before: &[Call],
    what: &str,
) {
    let now = instant_text(world.now());
    let closed = world.texts(&format!(
        "SELECT pool || ' ' || closed_for_all FROM sync_pools WHERE closed_until > '{now}'"
    ));
    if closed.is_empty() {
        return;
    }
    let all = closed.iter().any(|pool| pool.ends_with(" 1"));
    let refused = before.iter().filter(|call| call.faulted);
    let pools: BTreeSet<String> = refused.filter_map(|call| call.pool.clone()).collect();
    let again = start(world, selection).await;
    let journal = world.simulator.journal().into_iter().skip(before.len());
    let into: Vec<Call> = journal
        .filter(|call| all || call.pool.as_ref().is_some_and(|pool| pools.contains(pool)))
        .collect();
    assert!(
        into.is_empty(),
        "{what}: {} calls into {closed:?}: {into:#?}",
        into.len()
    );
    assert_tells_the_truth(world, ground, &again, what);
    assert_ne!(again.verdict(), Verdict::Complete, "{what}");
}

/// What a start that goes on asks again after some minutes, because it tells what there is now.
const ALWAYS_ASKED: [&str; 3] = ["/recently_searched_hashtags", "/stories", "/conversations"];

/// Fails if the start that goes on asks again for what was answered and committed before.
fn assert_paid_once(world: &World, before: &[Call], case: &Case, what: &str) {
    if matches!(case.class, Class::Restart | Class::End) {
        // The list begins anew.
        return;
    }
    let key = |call: &Call| {
        let mut query = call.query.clone();
        query.retain(|(name, _)| name != "limit");
        format!("{} {query:?}", call.path)
    };
    let is_paid = |call: &&Call| {
        call.status == 200 && !call.faulted && call.account.as_deref() == Some(ACCOUNT)
    };
    let paid: BTreeSet<String> = before.iter().filter(is_paid).map(key).collect();
    let journal = world.simulator.journal();
    let beside = |call: &&Call| !ALWAYS_ASKED.iter().any(|path| call.path.ends_with(path));
    let later = journal[before.len()..]
        .iter()
        .filter(is_paid)
        .filter(beside);
    let twice: Vec<String> = later.map(key).filter(|key| paid.contains(key)).collect();
    assert!(twice.is_empty(), "{what}: paid twice: {twice:#?}");
}
