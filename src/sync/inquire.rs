//! The sentence for many small questions: they are asked in batches, and each answer is a page.

use super::hashtags::SpentHashtags;
use super::inquiry::Inquiry;
use super::job::{Job, Route};
use super::plan::Recovery;
use super::report::{JobReport, hint};
use super::run::{Ending, NO_TOKEN, finish};
use super::turn::Turn;
use super::world::World;
use crate::budget::Urgency;
use crate::graph::{Credential, Page, Reaction, Tally};
use crate::resource::{Decoded, Meter, Questions};
use crate::store::{Checkpoint, Commit, Outcome, Row, StoreError};

/// Asks what is due, and reports.
pub(super) async fn inquire(
    world: &World,
    job: &Job,
    questions: &Questions,
    id: i64,
    checkpoint: Option<Checkpoint>,
    mut turn: Turn,
) -> Result<JobReport, StoreError> {
    let open = checkpoint.filter(|checkpoint| checkpoint.finished_at.is_none());
    let resumed = open.is_some();
    let mut place = open.unwrap_or_else(|| job.begun(id, world.clock.now()));
    let known = world.facts(job, Some(&place)).await?;
    let mut inquiry = Inquiry::new(job);
    inquiry.choose((questions.due)(&known));
    let lost = questions.lost.filter(|_| inquiry.left() > 0);
    for lost in lost.map(|lost| lost(&known)).unwrap_or_default() {
        inquiry.lose(lost);
    }
    let mut report = JobReport::new(job, resumed);
    let (mut tally, mut tried) = (Tally::default(), 0);
    let mut hashtags = SpentHashtags::open(world, job).await?;

    let ended = 'asking: loop {
        turn.give_way().await;
        if inquiry.left() == 0 && inquiry.has_begun() {
            let facts = world.facts(job, Some(&place)).await?;
            inquiry.choose((questions.due)(&facts));
        }
        if inquiry.left() == 0 {
            break None;
        }
        let Some((at, route)) = world.route(&job.account, tried) else {
            let why = report.message.get_or_insert_with(|| NO_TOKEN.to_owned());
            break Some(inquiry.no_token(why));
        };
        let Some(credential) = job.credential(route) else {
            report.message = Some(no_page_token(job, route));
            tried = at + 1;
            continue;
        };
        let mut requests = inquiry.next_requests(route);
        if requests.is_empty() {
            // What was left has lost all that it asked for.
            continue;
        }
        if job.resource.meter == Meter::Messenger {
            // Slow answers and so many a second: each goes alone.
            requests.truncate(1);
        }
        if let Some(hashtags) = &mut hashtags {
            requests.truncate(world.graph.fit(credential, &requests[0]));
            let booked = hashtags
                .book(world, credential, &mut inquiry, requests.len(), &mut tally)
                .await?;
            if !booked {
                // Others are chosen.
                continue;
            }
        }
        let answers = world.graph.get_all(credential, &requests, &mut tally).await;
        let now = world.clock.now();
        let (mut rows, mut pages, mut objects, mut ended) = (Vec::new(), 0, 0, None);
        let mut refused = false;
        for answer in answers {
            match answer {
                Ok(mut page) => {
                    pages += 1;
                    inquiry.drop_repeated(&mut page);
                    if let Some(hashtags) = &mut hashtags {
                        hashtags.answered(&inquiry, &page, now).await?;
                    }
                    objects += page.items.len();
                    rows.extend(read(job, questions, credential, &mut inquiry, &page));
                    inquiry.advance(&page, now);
                }
                // It has met the same.
                Err(_) if refused => inquiry.set_aside(),
                Err(error) => {
                    let why = format!("{error}{}", hint(job.resource, &error, credential));
                    let recovery = inquiry.recover(&error, &why, now);
                    report.leaves_account |= error.reaction() == Reaction::DisableAccount;
                    match recovery {
                        Recovery::Ask => continue,
                        Recovery::OtherToken { dead } => {
                            // A Page's token says nothing about its user's.
                            if dead && job.resource.meter != Meter::Messenger {
                                world.bury(credential.name());
                            }
                            tried = at + 1;
                        }
                        Recovery::End(outcome) => ended = Some(outcome),
                    }
                    report.message = Some(why);
                    // Answers behind it were paid for.
                    refused = true;
                }
            }
        }
        place.pages += pages;
        place.objects += objects as u64;
        if job.urgency() == Urgency::Urgent {
            // What is lost when it is not read finds room the next time, too.
            let pool = job.account.pool();
            let budget = world.graph.budget();
            budget.reserve(&pool, pages, now);
        }
        let (calls, pools) = world.spent(&mut tally);
        report.spent(&calls);
        let gaps = inquiry.take_gaps();
        report.gaps += gaps.len();
        let commit = Commit {
            run: id,
            at: now,
            pages,
            rows,
            checkpoint: Some(place.clone()),
            gaps,
            calls,
            pools,
            reads: inquiry.take_reads(),
            answered: inquiry.take_answered(),
        };
        let written = world.store.commit(commit).await?;
        report.wrote(&written, objects);
        world.progress.page(job, objects, resumed);
        if ended.is_some() {
            break 'asking ended;
        }
    };
    let done = ended.is_none();
    report.outcome = ended.unwrap_or_else(|| inquiry.outcome());
    if done {
        place.finished_at = Some(world.clock.now());
    } else if !matches!(report.outcome, Outcome::Suspended(_) | Outcome::Stopped) {
        place.failures = place.failures.saturating_add(1);
    }
    let ending = Ending {
        gaps: inquiry.take_gaps(),
        pass: place.first_run,
        checkpoint: place,
        listing: None,
        is_to_the_end: true,
        judges_objects: false,
        reads: inquiry.take_reads(),
        pass_is_over: done,
        fields: Vec::new(),
    };
    finish(world, job, ending, &mut tally, &mut report, id).await?;
    Ok(report)
}

fn no_page_token(job: &Job, route: &Route) -> String {
    format!(
        "Meta tells no token of Page {} ({}) to credential {}; reading {} needs {}",
        route.page_name.as_deref().unwrap_or("without a name"),
        route.page_id,
        route.credential.name(),
        job.resource.name,
        job.resource.also_needs()
    )
}

/// The rows of an answer; what cannot be read becomes a gap.
fn read(
    job: &Job,
    questions: &Questions,
    credential: &Credential,
    inquiry: &mut Inquiry<'_>,
    page: &Page,
) -> Vec<Row> {
    let mut decoded = Decoded::default();
    if let Some(question) = inquiry.current() {
        (questions.rows)(&job.account.id, question, &page.items, &mut decoded);
    }
    inquiry.hear(&decoded, page);
    for problem in decoded.problems {
        // The problem quotes the answer, and an answer may hold anything.
        let object = credential.scrub(&problem.object);
        let problem = credential.scrub(&problem.problem);
        tracing::warn!(
            account = job.account.label(),
            resource = job.resource.name,
            object,
            problem,
            "an object in the answer cannot be read"
        );
        inquiry.unreadable(object, &problem);
    }
    inquiry.too_few(&decoded.too_few);
    decoded.rows
}
