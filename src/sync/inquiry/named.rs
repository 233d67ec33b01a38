//! Questions about names: what cannot be asked for now, and what means nothing.

use chrono::{DateTime, Utc};

use super::Inquiry;
use super::alike::is_unknown;
use crate::graph::Error;
use crate::resource::{Meter, Question};
use crate::store::{Read, Reason};
use crate::sync::plan::Recovery;

impl Inquiry<'_> {
    /// The names of the first questions that are about to be asked, each once.
    pub(in crate::sync) fn names(&self, most: usize) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for question in self.asked.iter().take(most) {
            if !names.iter().any(|name| name == question.name()) {
                names.push(question.name().to_owned());
            }
        }
        names
    }

    /// Leaves out the questions about a name that cannot be asked for now: they stay due.
    pub(in crate::sync) fn hold_back_name(&mut self, name: &str, why: &str) {
        let all = self.asked.drain(..).chain(self.waiting.drain(..));
        let (held, rest): (Vec<Question>, Vec<Question>) =
            all.partition(|question| question.name() == name);
        self.waiting.extend(rest);
        for question in &held {
            self.hold_back(question, why);
        }
    }

    pub(super) fn hold_back(&mut self, question: &Question, why: &str) {
        self.gap(Some(question), None, Reason::RateLimited, why);
        // Known to be asked for, so that its account asks again.
        self.reads.push(Read {
            subject: question.subject.clone(),
            ..Read::default()
        });
    }

    /// Whether the API has said that the account has spent all of its hashtags, since the last time it was looked.
    pub(in crate::sync) fn take_hashtags_are_spent(&mut self) -> bool {
        std::mem::take(&mut self.hashtags_are_spent)
    }

    /// Whether a hashtag may be one of those that are searched for in vain: the API does not say which are.
    pub(super) fn may_be_sensitive(&self, question: &Question, error: &Error) -> bool {
        let is_search = question.subject == question.name();
        self.job.resource.meter == Meter::Hashtags && is_search && is_unknown(error)
    }

    /// Leaves out a name that means nothing. It is asked for again, as rarely as its resource says.
    pub(super) fn leave_out_name(
        &mut self,
        question: &Question,
        why: &str,
        now: DateTime<Utc>,
    ) -> Recovery {
        self.gap(Some(question), None, Reason::Gone, why);
        self.lists.spoil(&question.subject);
        if self.is_part_of_name(question) {
            self.note_begun(question, None);
        } else {
            self.note_unread(question, true, now);
        }
        Recovery::Ask
    }

    /// Whether it asks for a list of a name, and not for the name.
    pub(super) fn is_part_of_name(&self, question: &Question) -> bool {
        self.job.resource.names().is_some() && question.subject != question.name()
    }
}
