//! What is asked next, what a refusal changes, and what "finished" means. Pure: time and answers are arguments.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::job::Job;
use crate::graph::{Error, Fields, Page, Reaction, Request, Shape, Skip};
use crate::resource::{self, Unreadable};
use crate::store::{Checkpoint, Gap, Outcome, Reason};

/// The walk of one job over its list.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    job: &'a Job,
    fields: Fields,
    /// Fields left out because the API refused them, now or before.
    refused: BTreeSet<String>,
    size: PageSize,
    cursor: Option<String>,
    pages: u32,
    objects: u64,
    failures: u32,
    started_at: DateTime<Utc>,
    resumed: bool,
    hopeless: bool,
    restarted: bool,
    done: bool,
    gaps: Vec<Gap>,
    incomplete: bool,
}

/// After so many starts in a row that fail without a page, a pass is over.
const PATIENCE: u32 = 3;

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
    /// Begins at the checkpoint, or at the top of the list.
    pub(super) fn start(
        job: &'a Job,
        checkpoint: Option<Checkpoint>,
        refused: BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut fields = (job.resource.fields)();
        for field in &refused {
            fields.remove(field);
        }
        let open = checkpoint.filter(|checkpoint| checkpoint.finished_at.is_none());
        let open = open.unwrap_or_else(|| Checkpoint {
            key: job.checkpoint_key(),
            cursor: None,
            pages: 0,
            objects: 0,
            failures: 0,
            started_at: now,
            finished_at: None,
        });
        let incomplete = refused
            .iter()
            .any(|field| !resource::is_optional(job.resource, field));
        Self {
            job,
            fields,
            refused,
            size: PageSize::default(),
            resumed: open.cursor.is_some(),
            cursor: open.cursor,
            pages: open.pages,
            objects: open.objects,
            failures: open.failures,
            started_at: open.started_at,
            hopeless: false,
            restarted: false,
            done: false,
            gaps: Vec::new(),
            incomplete,
        }
    }

    /// The next request; `None` when the walk is over.
    pub(super) fn next_request(&self) -> Option<Request> {
        let resource = self.job.resource;
        let listed = resource.shape != Shape::Node;
        (!self.done).then(|| Request {
            endpoint: resource.endpoint,
            path: resource.endpoint.replace("{ig-user}", &self.job.account.id),
            fields: self.fields.clone(),
            params: if listed {
                self.job.range.parameters()
            } else {
                Vec::new()
            },
            limit: listed.then_some(self.size.now),
            after: self.cursor.clone(),
            shape: resource.shape,
            pool: self.job.account.pool(),
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

    /// Whether this walk saw all of the list by itself.
    pub(super) fn saw_all(&self) -> bool {
        self.done && (!self.resumed || self.restarted)
    }

    /// Moves on behind a page.
    pub(super) fn advance(&mut self, page: &Page, now: DateTime<Utc>) -> Checkpoint {
        self.pages += 1;
        self.failures = 0;
        self.objects += page.items.len() as u64;
        self.size.answered();
        self.cursor.clone_from(&page.next);
        self.done = page.next.is_none();
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
            started_at: self.started_at,
            finished_at,
        }
    }

    /// Where the job stands after it ended. Work that is left goes on at the next start; a job that fails at every
    /// start does not hold up the next pass of all others for ever.
    pub(super) fn last_checkpoint(&mut self, outcome: &Outcome, now: DateTime<Utc>) -> Checkpoint {
        let over = match outcome {
            Outcome::Complete | Outcome::Partial => true,
            Outcome::Suspended(_) | Outcome::Stopped => false,
            Outcome::Failed | Outcome::Refused => {
                self.failures += 1;
                self.hopeless || self.failures >= PATIENCE
            }
        };
        self.checkpoint(over.then_some(now))
    }

    /// Notes an object that breaks the API's rules.
    pub(super) fn unreadable(&mut self, problem: &Unreadable) {
        self.gap(
            Some(problem.object.clone()),
            Reason::Unreadable,
            &problem.problem,
        );
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

    /// Changes the question so that it can be asked again, or ends the job.
    pub(super) fn recover(&mut self, error: &Error) -> Recovery {
        let text = error.to_string();
        match error {
            Error::Closed { closed, .. } => {
                self.gap(None, Reason::RateLimited, &text);
                return Recovery::End(Outcome::Suspended(closed.until));
            }
            Error::Stopped => return Recovery::End(Outcome::Stopped),
            _ => {}
        }
        match error.reaction() {
            Reaction::Shrink if self.job.resource.shape != Shape::Node && self.size.shrink() => {
                Recovery::Ask
            }
            Reaction::Drop(names) if self.drop(&names, &text) => Recovery::Ask,
            Reaction::Restart if self.restart() => Recovery::Ask,
            // The same words are told for a cursor that died: far from the list's end they mean that.
            Reaction::EndOfList if !self.is_near_the_limit() && self.restart() => Recovery::Ask,
            Reaction::EndOfList => self.end(Reason::ListLimit, &text, Outcome::Partial),
            Reaction::Skip(skip) => self.end(reason(skip), &text, Outcome::Partial),
            Reaction::Disable => Recovery::OtherToken { dead: false },
            Reaction::StopCredential | Reaction::Block => Recovery::OtherToken { dead: true },
            Reaction::DisableAccount => self.end(Reason::NoPermission, &text, Outcome::Refused),
            Reaction::Fail => self.end(Reason::Failed, &text, Outcome::Failed),
            Reaction::Throttle(_) => self.end(Reason::RateLimited, &text, Outcome::Failed),
            Reaction::Shrink
            | Reaction::Drop(_)
            | Reaction::DropMetric(_)
            | Reaction::Restart
            | Reaction::Mistake => {
                self.hopeless = true;
                self.end(Reason::Refused, &text, Outcome::Failed)
            }
        }
    }

    /// Ends the job: no token is left that may do this.
    pub(super) fn no_token(&mut self, why: &str) -> Outcome {
        self.gap(None, Reason::NoPermission, why);
        Outcome::Refused
    }

    /// Goes back to the top of the list, once.
    fn restart(&mut self) -> bool {
        let can = !self.restarted && self.cursor.is_some();
        if can {
            self.restarted = true;
            self.cursor = None;
            self.objects = 0;
        }
        can
    }

    /// Whether so much was listed that the API may have nothing more to show.
    fn is_near_the_limit(&self) -> bool {
        let limit = self.job.resource.list_limit;
        limit.is_some_and(|limit| self.objects * 10 >= limit * 9)
    }

    fn drop(&mut self, names: &[String], why: &str) -> bool {
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
                object_id: None,
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

fn reason(skip: Skip) -> Reason {
    match skip {
        Skip::Gone => Reason::Gone,
        Skip::TooFewViewers => Reason::TooFewViewers,
        Skip::BeforeConversion => Reason::BeforeConversion,
    }
}

/// How many objects a page is asked to hold: halved when the API says it is too much, doubled again after a few good
/// pages. Maximums are not documented for most edges; connectors use up to 100.
#[derive(Debug, PartialEq, Eq)]
struct PageSize {
    now: u32,
    good: u32,
}

const START: u32 = 50;
const MOST: u32 = 100;
const GOOD_PAGES: u32 = 4;

impl Default for PageSize {
    fn default() -> Self {
        Self {
            now: START,
            good: 0,
        }
    }
}

impl PageSize {
    /// Halves; false when a single object is already too much.
    fn shrink(&mut self) -> bool {
        self.good = 0;
        let can = self.now > 1;
        self.now = (self.now / 2).max(1);
        can
    }

    fn answered(&mut self) {
        self.good += 1;
        if self.good >= GOOD_PAGES && self.now < MOST {
            self.now = (self.now * 2).min(MOST);
            self.good = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shrinks_at_once_and_grows_back_slowly() {
        let mut size = PageSize::default();
        assert!(size.shrink() && size.shrink());
        assert_eq!(size.now, 12);
        let mut sizes = Vec::new();
        for _ in 0..16 {
            size.answered();
            sizes.push(size.now);
        }
        assert_eq!(
            sizes,
            [
                12, 12, 12, 24, 24, 24, 24, 48, 48, 48, 48, 96, 96, 96, 96, 100
            ]
        );
        while size.shrink() {}
        assert_eq!(size.now, 1);
    }
}
