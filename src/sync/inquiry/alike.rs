//! What the refusal of one question changes for those like it.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, Utc};

use super::together::families;
use super::{Inquiry, PROOF, is_failure, of_family};
use crate::graph::{Error, Reaction};
use crate::resource::{self, Question};
use crate::store::{Gap, Reason};
use crate::sync::plan::Recovery;

impl Inquiry<'_> {
    pub(super) fn drop_metric(&mut self, question: &mut Question, name: &str, why: &str) {
        let Some(at) = question.metrics.iter().position(|metric| *metric == name) else {
            return;
        };
        question.metrics.remove(at);
        if question.object_id.is_none() {
            // Nothing of its own was asked about: the others would be refused the same.
            self.refuse(&question.family.clone(), name, Reason::NotApplicable, why);
            return;
        }
        self.refuse_to_one(question, name, Reason::NotApplicable, why);
    }

    /// Notes that one object is refused something; what is refused to others of its family, too, is refused to all.
    pub(super) fn refuse_to_one(
        &mut self,
        question: &Question,
        name: &str,
        reason: Reason,
        why: &str,
    ) {
        self.gap(Some(question), Some(name), reason, why);
        self.count_refusal(question, name, reason, why);
    }

    /// Leaves out a metric by a breakdown of one object, and of all of its family when two in a row are refused it: it may be gone.
    pub(super) fn leave_out_part(
        &mut self,
        question: &Question,
        reaction: &Reaction,
        why: &str,
        now: DateTime<Utc>,
    ) -> Recovery {
        let reason = match reaction {
            Reaction::Drop(_) => Reason::NotApplicable,
            _ => Reason::Refused,
        };
        self.gap(Some(question), None, reason, why);
        self.note_unread(question, false, now);
        for name in &question.metrics {
            self.count_refusal(question, name, reason, why);
        }
        Recovery::Ask
    }

    fn count_refusal(&mut self, question: &Question, name: &str, reason: Reason, why: &str) {
        let place = (question.family.clone(), name.to_owned());
        let times = self.refusals.entry(place).or_default();
        *times += 1;
        if *times >= PROOF {
            self.refuse(&question.family, name, reason, why);
        }
    }

    /// Notes that a family has answered: as long as it may not have a metric, its next question goes alone, too.
    pub(super) fn know(&mut self, question: &Question) {
        let metrics = question.metrics.iter().map(|metric| (*metric).to_owned());
        for name in metrics.chain(question.fields.extras()) {
            self.refusals.remove(&(question.family.clone(), name));
        }
        let unsure = |((family, name), times): (&(String, String), &u32)| {
            let is_refused = self.refused.contains(&(family.clone(), name.clone()));
            *family == question.family && *times > 0 && !is_refused
        };
        if !self.refusals.iter().any(unsure) {
            self.known.insert(question.family.clone());
        }
    }

    /// Leaves a metric out of all questions of a family.
    pub(super) fn refuse(&mut self, family: &str, name: &str, reason: Reason, why: &str) {
        self.incomplete |= is_failure(reason);
        let is_new = self.refused.insert((family.to_owned(), name.to_owned()));
        // Those that are asked stay as they were sent: their answers speak of that.
        for question in &mut self.waiting {
            forget(question, family, name);
        }
        self.split_pages(family, name);
        // A question that has lost its last metric is none, nor is a page of such.
        let is_none =
            |question: &Question| question.metrics.is_empty() && question.fields.is_empty();
        self.waiting.retain(|question| {
            let mut others = question.stands_for.iter();
            let is_empty_page = question.is_page() && others.all(is_none);
            !(is_empty_page || question.family == family && is_none(question))
        });
        if is_new {
            self.gaps.push(Gap {
                account_id: Some(self.job.account.id.clone()),
                resource: self.job.resource.name,
                object_id: None,
                field: Some(of_family(name, family)),
                reason,
                detail: why.to_owned(),
            });
        }
    }

    /// Leaves out a metric that the API does not know: what it does not know of one object, it does not know of any.
    pub(super) fn refuse_unknown(&mut self, question: &Question, name: &str, why: &str) {
        let is_of_objects = |one: &Question| one.object_id.is_some() || !one.stands_for.is_empty();
        let mut families: BTreeSet<String> = families(question).into_iter().collect();
        if is_of_objects(question) {
            let others = self.waiting.iter().chain(&self.asked);
            let others = others.flat_map(|one| one.stands_for.iter().chain([one]));
            let asks = |one: &&Question| one.object_id.is_some() && one.metrics.contains(&name);
            families.extend(others.filter(asks).map(|one| one.family.clone()));
        }
        for family in families {
            self.refuse(&family, name, Reason::Refused, why);
        }
    }

    /// A question without what was refused to its family since it was sent; nothing when that was all of it.
    pub(super) fn without_refused(&self, mut question: Question) -> Option<Question> {
        let asks = |one: &Question| !one.metrics.is_empty() || !one.fields.is_empty();
        let had = asks(&question);
        for (family, name) in &self.refused {
            forget(&mut question, family, name);
        }
        (!had || asks(&question)).then_some(question)
    }

    /// Leaves a field out of all questions of a family.
    pub(super) fn refuse_field(&mut self, family: &str, name: &str, why: &str) {
        let reason = if resource::is_optional(self.job.resource, name) {
            Reason::NotApplicable
        } else {
            Reason::Refused
        };
        self.refuse(family, name, reason, why);
    }

    /// Pages that ask several families at once cannot leave out what only one of them is refused.
    fn split_pages(&mut self, family: &str, name: &str) {
        let is_split = |page: &Question| {
            let mut others = page.stands_for.iter();
            page.metrics.contains(&name) && others.any(|one| one.family == family)
        };
        for question in std::mem::take(&mut self.waiting) {
            if is_split(&question) {
                self.waiting.extend(question.stands_for);
            } else {
                self.waiting.push_back(question);
            }
        }
    }

    /// Adds to a question, and to those like it, the parameter that was missed.
    pub(super) fn ask_otherwise(&mut self, question: Question, why: &str) -> Recovery {
        let otherwise = question.otherwise;
        let is_missed = otherwise.is_none_or(|(name, _)| why.contains(name));
        if !is_missed && self.doubted.insert(question.subject.clone()) {
            // It may be about something else, and how it is asked is remembered.
            self.waiting.push_front(question);
            return Recovery::Ask;
        }
        self.waiting.push_front(question);
        for question in &mut self.waiting {
            if question.otherwise == otherwise
                && let Some((name, value)) = question.otherwise.take()
            {
                question.params.push((name, value.to_owned()));
                question.mark = Some(value.to_owned());
            }
        }
        Recovery::Ask
    }

    /// Leaves out a question, and goes on.
    pub(super) fn leave_out(
        &mut self,
        question: &Question,
        reason: Reason,
        why: &str,
        now: DateTime<Utc>,
    ) -> Recovery {
        self.gap(Some(question), None, reason, why);
        self.lists.spoil(&question.subject);
        let is_end = reason == Reason::ListLimit && question.after.is_some();
        if question.object_id.is_none() && !is_end {
            // The gap names no object, so the next pass closes it unless it asks the same: nothing was read, and a list goes on at
            // this page.
            self.note_begun(question, question.after.clone());
        } else if self.is_part_of_name(question) && !is_end {
            // The gap names the name, and the next answer about that closes it: the list is read from its top then.
            self.note_begun(question, None);
        } else {
            let forever = reason == Reason::BeforeConversion;
            self.note_unread(question, forever, now);
        }
        Recovery::Ask
    }

    /// Notes that nothing was read, so that the next start asks.
    pub(super) fn note_begun(&mut self, question: &Question, cursor: Option<String>) {
        let unread = Question {
            mark: None,
            ..question.clone()
        };
        self.note(&unread, None, cursor, false);
    }

    pub(super) fn note_unread(&mut self, question: &Question, closed: bool, now: DateTime<Utc>) {
        // Nothing was read, so what it looked like at the last reading stays.
        let question = Question {
            mark: None,
            ..question.clone()
        };
        self.note(&question, Some(now), None, closed);
    }

    /// Leaves out a question about too few people, and those about the same people.
    pub(super) fn leave_out_alike(
        &mut self,
        refused: &Question,
        why: &str,
        now: DateTime<Utc>,
    ) -> Recovery {
        for metric in &refused.metrics {
            let field = of_family(metric, &refused.family);
            self.gap(None, Some(&field), Reason::TooFewViewers, why);
        }
        let is_alike = |question: &Question| {
            question.family == refused.family && question.metrics == refused.metrics
        };
        let (alike, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_alike);
        self.waiting = rest;
        for question in std::iter::once(refused).chain(&alike) {
            self.note(question, Some(now), None, false);
        }
        Recovery::Ask
    }

    /// Posts that are older than one from before the conversion are from before it as well: they are not even asked for.
    pub(super) fn leave_out_older(&mut self, refused: &Question, why: &str) {
        let Some(posted_at) = refused.posted_at else {
            return;
        };
        let is_older = |question: &Question| question.posted_at.is_some_and(|at| at <= posted_at);
        let (older, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_older);
        self.waiting = rest;
        self.is_careful = false;
        let alone = older.into_iter().flat_map(|mut question| {
            let others = std::mem::take(&mut question.stands_for);
            let itself = others.is_empty().then_some(question);
            itself.into_iter().chain(others)
        });
        for question in alone.collect::<Vec<Question>>() {
            self.gap(Some(&question), None, Reason::BeforeConversion, why);
            self.note(&question, None, None, true);
        }
    }
}

/// Whether a refusal is about the metric by a breakdown that is asked of an object. The documented one is "an unknown error".
pub(super) fn refuses_the_part(question: &Question, error: &Error) -> bool {
    let is_refusal = match error.reaction() {
        Reaction::Drop(names) => names
            .iter()
            .any(|name| question.metrics.contains(&name.as_str())),
        Reaction::DropMetric(place) => place < question.metrics.len(),
        Reaction::Mistake => true,
        Reaction::Fail => is_unknown(error),
        _ => false,
    };
    is_refusal && question.part().is_some()
}

/// The code of "an unknown error", which some questions are refused with for good.
const UNKNOWN: i64 = 1;

pub(super) fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == UNKNOWN)
}

/// Whether it is about the people around an account, and about no time: then there are as few of them for all questions like it.
pub(super) fn is_about_people(question: &Question) -> bool {
    question.object_id.is_none()
        && !question.metrics.is_empty()
        && question.param("since").is_none()
}

/// Takes a metric or a field out of a question of a family, and out of those that it stands for.
fn forget(question: &mut Question, family: &str, name: &str) {
    for one in &mut question.stands_for {
        forget(one, family, name);
    }
    let mut others = question.stands_for.iter();
    if question.family == family || question.is_page() && others.all(|one| one.family == family) {
        question.fields.remove(name);
        question.metrics.retain(|metric| *metric != name);
    }
}
