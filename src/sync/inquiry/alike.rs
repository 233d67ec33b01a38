//! What the refusal of one question changes for those like it.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::{Inquiry, PROOF, is_failure, of_family};
use crate::resource::Question;
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
        self.gap(Some(question), Some(name), Reason::NotApplicable, why);
        if self.known.contains(&question.family) {
            return;
        }
        let times = self
            .refusals
            .entry((question.family.clone(), name.to_owned()));
        let times = times.or_default();
        *times += 1;
        if *times >= PROOF {
            self.refuse(&question.family.clone(), name, Reason::NotApplicable, why);
        }
    }

    /// Leaves a metric out of all questions of a family.
    pub(super) fn refuse(&mut self, family: &str, name: &str, reason: Reason, why: &str) {
        self.incomplete |= is_failure(reason);
        let is_new = self.refused.insert((family.to_owned(), name.to_owned()));
        for question in &mut self.asked {
            forget(question, family, name);
        }
        // A question that has lost its last metric is none.
        self.waiting.retain_mut(|question| {
            let had = question.metrics.len();
            forget(question, family, name);
            had == 0 || !question.metrics.is_empty()
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

    /// Adds to a question, and to those like it, the parameter that was missed.
    pub(super) fn ask_otherwise(&mut self, question: Question) -> Recovery {
        let otherwise = question.otherwise;
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
        for question in older {
            self.gap(Some(&question), None, Reason::BeforeConversion, why);
            self.note(&question, None, None, true);
        }
    }
}

/// Takes a field or metric out of a question of a family.
fn forget(question: &mut Question, family: &str, name: &str) {
    if question.family == family {
        question.fields.remove(name);
        question.metrics.retain(|metric| *metric != name);
    }
}
