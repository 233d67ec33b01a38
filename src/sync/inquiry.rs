//! Which questions are asked next, and what a refusal changes. Pure: time and answers are arguments.
//!
//! Questions of one family are refused the same metrics. So the first of a family goes alone, and what it is refused is left out of the
//! others before they are asked: a metric that is gone costs a call or two, not one for each post.

mod alike;
mod extras;
mod heard;
mod named;
mod together;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};

use super::job::{Job, Route};
use super::lists::Lists;
use super::plan::{Recovery, reason};
use crate::graph::{Error, Family, Fields, MOST_PARTS, Reaction, Request, Skip};
use crate::resource::{Question, Told};
use crate::store::{Answered, Gap, Outcome, Read, Reason, WholeList};

/// Failures in a row, each after its retries, after which the API is taken to be out of order.
const PATIENCE: u32 = 3;

/// Questions at a time where most of them may be refused.
const FEW: usize = 4;

/// Refusals of a metric to different posts, without an answer in between, after which it is taken as refused to all of the family.
const PROOF: u32 = 2;

/// The questions of one job.
#[derive(Debug)]
pub(super) struct Inquiry<'a> {
    job: &'a Job,
    waiting: VecDeque<Question>,
    asked: VecDeque<Question>,
    /// Subjects that were chosen: none is asked twice in a run.
    chosen: BTreeSet<String>,
    /// Whether answers have begun subjects since questions were chosen.
    has_begun: bool,
    lists: Lists,
    /// The list of which the current answer is the last missing part.
    whole: Option<WholeList>,
    /// What the current answer tells of subjects that its question stands for, with the lists that came whole.
    told: Vec<(Told, Option<WholeList>)>,
    /// Objects that the current answer holds to have too few viewers.
    silent: Vec<String>,
    /// How many news the current answer holds.
    news: i64,
    /// Families of which a question was answered: the others may follow all at once.
    known: BTreeSet<String>,
    /// How often a metric was refused to a family that was never answered it.
    refusals: BTreeMap<(String, String), u32>,
    refused: BTreeSet<(String, String)>,
    /// Subjects that were begun anew after their cursor had died.
    restarted: BTreeSet<String>,
    /// Subjects that were refused for no reason that is known, and asked about once more as they are.
    doubted: BTreeSet<String>,
    /// Subjects of which a page is asked for without what comes along, what is asked for behind it, and why.
    without_extras: BTreeMap<String, (Fields, Reason, String)>,
    /// Subjects of which a page was only to be had without.
    lack_extras: BTreeSet<String>,
    failures: u32,
    /// Whether posts from before the conversion are near: the next ones are asked a few at a time.
    is_careful: bool,
    gaps: Vec<Gap>,
    reads: Vec<Read>,
    answered: Vec<Answered>,
    /// Metrics that the answer at hand leaves out.
    untold: Vec<&'static str>,
    /// Whether what the list behind the answer at hand has is not wanted.
    enough: bool,
    /// What lists without a place have shown, by subject.
    shown: BTreeMap<String, BTreeSet<String>>,
    /// Whether the API says that the account has spent all of its hashtags.
    hashtags_are_spent: bool,
    incomplete: bool,
}

impl<'a> Inquiry<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        Self {
            job,
            waiting: VecDeque::new(),
            asked: VecDeque::new(),
            chosen: BTreeSet::new(),
            has_begun: false,
            lists: Lists::default(),
            whole: None,
            told: Vec::new(),
            silent: Vec::new(),
            news: 0,
            known: BTreeSet::new(),
            refusals: BTreeMap::new(),
            refused: BTreeSet::new(),
            restarted: BTreeSet::new(),
            doubted: BTreeSet::new(),
            without_extras: BTreeMap::new(),
            lack_extras: BTreeSet::new(),
            failures: 0,
            is_careful: false,
            gaps: Vec::new(),
            reads: Vec::new(),
            answered: Vec::new(),
            untold: Vec::new(),
            enough: false,
            shown: BTreeMap::new(),
            hashtags_are_spent: false,
            incomplete: false,
        }
    }

    /// Questions that are left.
    pub(super) fn left(&self) -> usize {
        self.waiting.len() + self.asked.len()
    }

    /// The next requests, at most a batch of them; none when all is asked. What is not answered is asked again.
    pub(super) fn next_requests(&mut self, route: &Route) -> Vec<Request> {
        // What was not answered the last time comes first.
        while let Some(question) = self.asked.pop_back() {
            self.waiting.push_front(question);
        }
        let mut scouts = BTreeSet::new();
        let mut later = VecDeque::new();
        let most = if self.is_careful { FEW } else { MOST_PARTS };
        while self.asked.len() < most
            && let Some(question) = self.waiting.pop_front()
        {
            let Some(question) = self.without_refused(question) else {
                continue;
            };
            let scouts_family = scouts.contains(&question.family);
            if !self.known.contains(&question.family) && scouts_family {
                later.push_back(question);
            } else {
                scouts.insert(question.family.clone());
                self.asked.push_back(question);
            }
        }
        while let Some(question) = later.pop_back() {
            self.waiting.push_front(question);
        }
        self.asked
            .iter()
            .map(|question| self.job.request(question, route))
            .collect()
    }

    /// The question that the next answer belongs to.
    pub(super) fn current(&self) -> Option<&Question> {
        self.asked.front()
    }

    /// Changes the current question so that it can be asked again, leaves it out, or ends the job. `why` is the error in
    /// words, with what to do about it.
    pub(super) fn recover(&mut self, error: &Error, why: &str, now: DateTime<Utc>) -> Recovery {
        match error {
            Error::Closed { closed, .. } => {
                self.set_aside();
                return self.end(Reason::RateLimited, why, Outcome::Suspended(closed.until));
            }
            Error::Stopped => {
                self.set_aside();
                return self.end(Reason::Stopped, why, Outcome::Stopped);
            }
            _ => {}
        }
        let Some(question) = self.asked.pop_front() else {
            return Recovery::End(Outcome::Failed);
        };
        let Some(mut question) = self.recover_together(question, &error.reaction(), why) else {
            return Recovery::Ask;
        };
        if self.leave_out_extras(&mut question, error, why) {
            self.waiting.push_front(question);
            return Recovery::Ask;
        }
        match error.reaction() {
            reaction if alike::refuses_the_part(&question, error) => {
                self.leave_out_part(&question, &reaction, why, now)
            }
            Reaction::Drop(names) => {
                let had = question.metrics.len();
                let had_extras =
                    question.wants_extras && question.fields.without_extras().is_some();
                let mut fewer_fields = false;
                for name in &names {
                    self.drop_metric(&mut question, name, why);
                    fewer_fields |= self.drop_field(&mut question, name, why);
                }
                // What was refused is not in the question: the same would be refused for ever. Or it is what was wanted.
                let lost_extras = had_extras && question.fields.without_extras().is_none();
                if lost_extras || (question.metrics.len() == had && !fewer_fields) {
                    return self.leave_out(&question, Reason::Refused, why, now);
                }
                self.ask_again(question, had, why, now)
            }
            Reaction::DropMetric(place) if place < question.metrics.len() => {
                let had = question.metrics.len();
                let name = question.metrics[place];
                self.refuse_unknown(&question, name, why);
                question.metrics.retain(|metric| *metric != name);
                self.ask_again(question, had, why, now)
            }
            Reaction::Shrink if extras::can_shrink(&question) => {
                question.limit = question.limit.map(|limit| limit / 2);
                self.waiting.push_front(question);
                Recovery::Ask
            }
            Reaction::Restart | Reaction::EndOfList
                if question.after.is_some() && self.restarted.insert(question.subject.clone()) =>
            {
                (question.after, question.before) = (None, 0);
                self.shown.remove(&question.subject);
                self.waiting.push_front(question);
                Recovery::Ask
            }
            Reaction::EndOfList => self.leave_out(&question, Reason::ListLimit, why, now),
            Reaction::Mistake if question.otherwise.is_some() => self.ask_otherwise(question, why),
            Reaction::Skip(Skip::TooFewViewers) if alike::is_about_people(&question) => {
                self.leave_out_alike(&question, why, now)
            }
            Reaction::Throttle(Family::Hashtags) => {
                self.hashtags_are_spent = true;
                self.hold_back(&question, why);
                Recovery::Ask
            }
            Reaction::Fail if self.may_be_sensitive(&question, error) => {
                self.failures += 1;
                let why = format!("{why}; sensitive hashtags are answered so");
                let _ = self.leave_out(&question, Reason::Refused, &why, now);
                if self.failures >= PATIENCE {
                    return Recovery::End(Outcome::Failed);
                }
                Recovery::Ask
            }
            Reaction::Skip(skip) => {
                if skip == Skip::NoSuchName && self.job.resource.names().is_some() {
                    return self.leave_out_name(&question, why, now);
                }
                if skip == Skip::BeforeConversion {
                    self.leave_out_older(&question, why);
                }
                self.leave_out(&question, reason(skip), why, now)
            }
            Reaction::Disable => {
                self.ask_for_all(question);
                Recovery::OtherToken { dead: false }
            }
            Reaction::StopCredential => {
                self.waiting.push_front(question);
                Recovery::OtherToken { dead: true }
            }
            Reaction::DisableAccount | Reaction::Block => {
                self.waiting.push_front(question);
                self.end(Reason::NoPermission, why, Outcome::Refused)
            }
            Reaction::Fail | Reaction::Throttle(_) => {
                self.failures += 1;
                self.lists.spoil(&question.subject);
                self.gap(Some(&question), None, Reason::Failed, why);
                if self.failures >= PATIENCE {
                    return Recovery::End(Outcome::Failed);
                }
                Recovery::Ask
            }
            Reaction::Shrink | Reaction::DropMetric(_) | Reaction::Restart | Reaction::Mistake => {
                self.leave_out(&question, Reason::Refused, why, now)
            }
        }
    }

    /// Leaves the current question for later, as it is.
    pub(super) fn set_aside(&mut self) {
        if !self.asked.is_empty() {
            self.asked.rotate_left(1);
        }
    }

    /// Ends the job: no token is left that could do this.
    pub(super) fn no_token(&mut self, why: &str) -> Outcome {
        self.gap(None, None, Reason::NoPermission, why);
        Outcome::Refused
    }

    /// Notes something in an answer that breaks the API's rules.
    pub(super) fn unreadable(&mut self, object: String, problem: &str) {
        self.incomplete = true;
        self.gaps.push(Gap {
            account_id: Some(self.job.account.id.clone()),
            resource: self.job.resource.name,
            object_id: Some(object),
            field: None,
            reason: Reason::Unreadable,
            detail: problem.to_owned(),
        });
    }

    /// Notes metrics that the answer at hand leaves out because too few people are behind them.
    pub(super) fn too_few(&mut self, metrics: &[&'static str]) {
        let why = "absent from the answer: too few people";
        let family = self.current().map(|question| question.family.clone());
        for metric in metrics {
            let field = of_family(metric, family.as_deref().unwrap_or_default());
            self.gap(None, Some(&field), Reason::TooFewViewers, why);
        }
        self.untold = metrics.to_vec();
    }

    /// What turned out to be missing since the last call.
    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }

    /// What was read since the last call.
    pub(super) fn take_reads(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.reads)
    }

    /// What was answered to its end since the last call.
    pub(super) fn take_answered(&mut self) -> Vec<Answered> {
        std::mem::take(&mut self.answered)
    }

    /// How the questions ended when all were asked.
    pub(super) fn outcome(&self) -> Outcome {
        if self.incomplete {
            Outcome::Partial
        } else {
            Outcome::Complete
        }
    }

    /// A question without a metric is none.
    fn ask_again(
        &mut self,
        question: Question,
        had: usize,
        why: &str,
        now: DateTime<Utc>,
    ) -> Recovery {
        if had > 0 && question.metrics.is_empty() && question.object_id.is_none() {
            // The gaps of its metrics say it all; nothing was read.
            return Recovery::Ask;
        }
        if had > 0 && question.metrics.is_empty() {
            return self.leave_out(&question, Reason::Refused, why, now);
        }
        self.waiting.push_front(question);
        Recovery::Ask
    }

    fn note(
        &mut self,
        question: &Question,
        read_at: Option<DateTime<Utc>>,
        cursor: Option<String>,
        closed: bool,
    ) {
        self.reads.push(Read {
            subject: question.subject.clone(),
            read_at,
            cursor,
            mark: question.mark.clone(),
            closed,
        });
    }

    fn end(&mut self, reason: Reason, why: &str, outcome: Outcome) -> Recovery {
        self.gap(None, None, reason, why);
        Recovery::End(outcome)
    }

    fn gap(&mut self, question: Option<&Question>, field: Option<&str>, reason: Reason, why: &str) {
        self.incomplete |= is_failure(reason);
        self.gaps.push(Gap {
            account_id: Some(self.job.account.id.clone()),
            resource: self.job.resource.name,
            object_id: question.and_then(|question| question.object_id.clone()),
            field: field.map(str::to_owned).or_else(|| question?.part()),
            reason,
            detail: why.to_owned(),
        });
    }
}

/// What a post does not have is no failure, nor what ended before anybody asked.
fn is_failure(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::NotApplicable | Reason::BeforeConversion | Reason::TooFewViewers | Reason::Expired
    )
}

/// A metric of a family, as `sync_gaps.field` has it.
fn of_family(metric: &str, family: &str) -> String {
    format!("{metric} of {family}")
}
