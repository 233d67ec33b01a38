//! What is asked next, what a refusal changes, and what "finished" means. Pure: time and answers are arguments.

pub(super) mod nested;
mod repeats;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::depth::WHOLE_LIST;
use super::job::{Job, Range};
use super::page_size::PageSize;
use crate::graph::{Error, Fields, Page, Reaction, Request, Shape, Skip};
use crate::resource::{self, Walk};
use crate::store::{Checkpoint, Gap, Listing, Outcome, Read, Reason};

/// The walk of one job over its list.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    job: &'a Job,
    walk: &'static Walk,
    fields: Fields,
    /// Metrics that come along.
    along: nested::Along,
    /// Fields left out because the API refused them, now or before.
    refused: BTreeSet<String>,
    size: PageSize,
    cursor: Option<String>,
    pages: u32,
    objects: u64,
    failures: u32,
    run: i64,
    pub(super) first_run: i64,
    started_at: DateTime<Utc>,
    resumed: bool,
    restarted: bool,
    done: bool,
    /// Whether it ended before the end of the list, on known ground.
    early: bool,
    gaps: Vec<Gap>,
    incomplete: bool,
    /// Whether an object could not be read, or the API told that it lists no further.
    unclean: bool,
    /// Ids that a list with cursors only has shown.
    shown: BTreeSet<String>,
    /// What it means when no token is left.
    without_token: (Reason, Outcome),
}

/// After so many starts in a row that fail without a page, a pass is over.
const PATIENCE: u32 = 3;

/// Whether nothing of a pass is left that the next start should go on with before a new pass begins: it came to its
/// end, or it fails at every start and must not hold up all others for ever.
pub(super) fn is_over(checkpoint: &Checkpoint) -> bool {
    checkpoint.finished_at.is_some() || checkpoint.failures >= PATIENCE
}

/// What to do after an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Ask again: the plan has changed the question.
    Ask,
    /// Ask again with another token: this one may not, or does not work any more.
    OtherToken {
        /// True when the token is of no use for anything.
        dead: bool,
    },
    /// The job ends so.
    End(Outcome),
}

impl<'a> Plan<'a> {
    /// Begins at the checkpoint, or at the top of the list: also where the page at the checkpoint never came, at each start until the list
    /// was walked through.
    pub(super) fn start(
        job: &'a Job,
        walk: &'static Walk,
        checkpoint: Option<Checkpoint>,
        refused: BTreeSet<String>,
        run: i64,
        now: DateTime<Utc>,
    ) -> Self {
        let mut fields = (walk.fields)();
        for field in &refused {
            fields.remove(field);
        }
        let open = checkpoint.filter(|checkpoint| checkpoint.finished_at.is_none());
        let failures = open.as_ref().map_or(0, |open| open.failures);
        // What stands at the top is not lost for the sake of a page that never comes.
        let open = open.filter(|open| open.failures < PATIENCE);
        let open = open.unwrap_or_else(|| Checkpoint {
            failures,
            ..job.begun(run, now)
        });
        let incomplete = refused
            .iter()
            .any(|field| !resource::is_optional(job.resource, field));
        Self {
            job,
            walk,
            fields,
            along: nested::Along::default(),
            refused,
            size: PageSize::default(),
            resumed: open.cursor.is_some(),
            cursor: open.cursor,
            pages: open.pages,
            objects: open.objects,
            failures: open.failures,
            run,
            first_run: open.first_run,
            started_at: open.started_at,
            restarted: false,
            done: false,
            early: false,
            gaps: Vec::new(),
            incomplete,
            unclean: false,
            shown: BTreeSet::new(),
            without_token: (Reason::NoPermission, Outcome::Refused),
        }
    }

    /// The next request; `None` when the walk is over.
    pub(super) fn next_request(&self) -> Option<Request> {
        let walk = self.walk;
        let listed = walk.shape != Shape::Node;
        (!self.done).then(|| Request {
            endpoint: walk.endpoint,
            path: walk.endpoint.replace("{ig-user}", &self.job.account.id),
            fields: self.along.add_to(&self.fields, walk),
            params: if listed {
                self.job.range.parameters()
            } else {
                Vec::new()
            },
            limit: listed.then_some(self.limit()),
            after: self.cursor.clone(),
            shape: walk.shape,
            pool: self.job.account.pool(),
            urgency: self.job.urgency(),
        })
    }

    /// The fields that are asked for.
    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Fields that the API refuses.
    pub(super) fn refused(&self) -> &BTreeSet<String> {
        &self.refused
    }

    /// Whether this walk goes on where an earlier one stopped.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether this pass has come to its end.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Ends the walk here: what follows is known.
    pub(super) fn end_here(&mut self) {
        self.early = !self.done;
        self.done = true;
    }

    /// Whether the list was walked through to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.done && !self.early
    }

    /// Notes that the list was walked through.
    pub(super) fn whole_list(&self, now: DateTime<Utc>) -> Vec<Read> {
        let whole =
            self.is_whole() && self.walk.shape != Shape::Node && self.job.range == Range::default();
        let read = Read {
            subject: WHOLE_LIST.to_owned(),
            read_at: Some(now),
            ..Read::default()
        };
        whole.then_some(read).into_iter().collect()
    }

    /// Whether all pages of this pass came in this run: only then it knows what they showed.
    pub(super) fn is_of_one_run(&self) -> bool {
        !self.resumed || self.restarted
    }

    /// What this run listed from top to end without an error, over all days.
    pub(super) fn listing(&self) -> Option<Listing> {
        let whole = self.is_whole()
            && self.is_of_one_run()
            && !self.unclean
            && self.job.range == Range::default();
        let limit = self.walk.list_limit;
        let table = self.job.resource.tables.first().filter(|_| whole)?;
        Some(Listing {
            table,
            owner: self.job.account.id.clone(),
            limited: limit.is_some_and(|limit| self.objects >= limit),
        })
    }

    /// Moves on behind a page.
    pub(super) fn advance(&mut self, page: &Page, now: DateTime<Utc>) -> Checkpoint {
        self.pages += 1;
        if self.failures < PATIENCE {
            self.failures = 0;
        }
        self.objects += page.items.len() as u64;
        self.size.answered();
        self.along.begin();
        self.cursor.clone_from(&page.next);
        self.done = page.next.is_none();
        let limit = self.walk.list_limit;
        if let Some(limit) = limit.filter(|limit| self.done && self.objects >= *limit) {
            let why =
                format!("the API lists the {limit} most recent ones only; there may be older ones");
            self.gap(None, Reason::ListLimit, &why);
        }
        self.checkpoint(self.done.then_some(now))
    }

    /// Where the job stands.
    fn checkpoint(&self, finished_at: Option<DateTime<Utc>>) -> Checkpoint {
        Checkpoint {
            key: self.job.checkpoint_key(),
            cursor: self.cursor.clone(),
            pages: self.pages,
            objects: self.objects,
            failures: self.failures,
            first_run: self.first_run,
            started_at: self.started_at,
            finished_at,
        }
    }

    /// Where the job stands after it ended. Work that is left goes on at the next start.
    pub(super) fn last_checkpoint(&mut self, outcome: &Outcome, now: DateTime<Utc>) -> Checkpoint {
        let interrupted = matches!(outcome, Outcome::Suspended(_) | Outcome::Stopped);
        if !self.done && !interrupted {
            self.failures = self.failures.saturating_add(1);
        }
        self.checkpoint(self.done.then_some(now))
    }

    /// Notes an object that breaks the API's rules.
    pub(super) fn unreadable(&mut self, object: String, problem: &str) {
        self.unclean = true;
        self.gap(Some(object), Reason::Unreadable, problem);
    }

    /// What turned out to be missing since the last call.
    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    /// How the walk ended when it came to its end.
    pub(super) fn outcome(&self) -> Outcome {
        if self.incomplete {
            Outcome::Partial
        } else {
            Outcome::Complete
        }
    }

    /// Changes the question so that it can be asked again, or ends the job. `why` is the error in words, with what to
    /// do about it.
    pub(super) fn recover(&mut self, error: &Error, why: &str, credential: &str) -> Recovery {
        match error {
            Error::Closed { closed, .. } => {
                return self.end(Reason::RateLimited, why, Outcome::Suspended(closed.until));
            }
            Error::Stopped => return self.end(Reason::Stopped, why, Outcome::Stopped),
            _ => {}
        }
        if self.give_up_nested(error) {
            return Recovery::Ask;
        }
        match error.reaction() {
            Reaction::Shrink if self.walk.shape != Shape::Node && self.size.shrink() => {
                Recovery::Ask
            }
            Reaction::Drop(names) if self.drop(&names, why, credential) => Recovery::Ask,
            Reaction::Restart if self.restart() => Recovery::Ask,
            // The same words are told for a cursor that died: far from the list's end they mean that.
            Reaction::EndOfList if !self.is_near_the_limit() && self.restart() => Recovery::Ask,
            Reaction::EndOfList => {
                self.done = true;
                self.unclean = true;
                self.cursor = None;
                self.end(Reason::ListLimit, why, Outcome::Partial)
            }
            // Not permitted and gone look alike: another token may see it.
            Reaction::Skip(Skip::Gone) => {
                self.without_token = (Reason::Gone, Outcome::Partial);
                Recovery::OtherToken { dead: false }
            }
            Reaction::Skip(skip) => self.end(reason(skip), why, Outcome::Partial),
            Reaction::Disable => Recovery::OtherToken { dead: false },
            Reaction::StopCredential | Reaction::Block => Recovery::OtherToken { dead: true },
            Reaction::DisableAccount => self.end(Reason::NoPermission, why, Outcome::Refused),
            Reaction::Fail => self.end(Reason::Failed, why, Outcome::Failed),
            Reaction::Throttle(_) => self.end(Reason::RateLimited, why, Outcome::Failed),
            Reaction::Shrink
            | Reaction::Drop(_)
            | Reaction::DropMetric(_)
            | Reaction::Restart
            | Reaction::Mistake => {
                // Asked again it would be refused again.
                self.failures = PATIENCE;
                self.end(Reason::Refused, why, Outcome::Failed)
            }
        }
    }

    /// Ends the job: no token is left that could do this.
    pub(super) fn no_token(&mut self, why: &str) -> Outcome {
        let (reason, outcome) = self.without_token.clone();
        self.gap(None, reason, why);
        outcome
    }

    /// Goes back to the top of the list, once.
    fn restart(&mut self) -> bool {
        let can = !self.restarted && self.cursor.is_some();
        if can {
            self.restarted = true;
            self.cursor = None;
            self.objects = 0;
            // From the top it is a new pass, which shows the same again.
            self.shown.clear();
            self.along.restart(self.size.get());
            self.unclean = false;
            self.first_run = self.run;
        }
        can
    }

    /// Whether so much was listed that the API may have nothing more to show.
    fn is_near_the_limit(&self) -> bool {
        (self.walk.list_limit).is_some_and(|limit| self.objects * 10 >= limit * 9)
    }

    fn drop(&mut self, names: &[String], why: &str, credential: &str) -> bool {
        let mut dropped = false;
        for name in names.iter().filter(|name| name.as_str() != "id") {
            if !self.fields.remove(name) {
                continue;
            }
            dropped = true;
            self.refused.insert(name.clone());
            let optional = resource::is_optional(self.job.resource, name);
            self.incomplete |= !optional;
            self.gaps.push(Gap {
                account_id: None,
                resource: self.job.resource.name,
                object_id: Some(credential.to_owned()),
                field: Some(name.clone()),
                reason: if optional {
                    Reason::NotApplicable
                } else {
                    Reason::Refused
                },
                detail: why.to_owned(),
            });
        }
        dropped
    }

    fn end(&mut self, reason: Reason, why: &str, outcome: Outcome) -> Recovery {
        self.gap(None, reason, why);
        Recovery::End(outcome)
    }

    fn gap(&mut self, object_id: Option<String>, reason: Reason, why: &str) {
        self.incomplete = true;
        self.gaps.push(Gap {
            account_id: Some(self.job.account.id.clone()),
            resource: self.job.resource.name,
            object_id,
            field: None,
            reason,
            detail: why.to_owned(),
        });
    }
}

pub(super) fn reason(skip: Skip) -> Reason {
    match skip {
        Skip::Gone | Skip::NoSuchName => Reason::Gone,
        Skip::TooFewViewers => Reason::TooFewViewers,
        Skip::BeforeConversion => Reason::BeforeConversion,
    }
}
