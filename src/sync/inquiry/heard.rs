//! What answers bring: further subjects, parts of lists, and where each subject stands.

use chrono::{DateTime, Utc};

use super::super::lists::Part;
use super::{Inquiry, of_family};
use crate::graph::Page;
use crate::resource::{Decoded, Lost, Question};
use crate::store::{Answered, Gap, Read, Reason, WholeList};

impl Inquiry<'_> {
    /// Takes the questions that are due, but for those that were asked already.
    pub(in crate::sync) fn choose(&mut self, due: Vec<Question>) {
        self.has_begun = false;
        for question in due {
            if self.chosen.insert(question.subject.clone()) {
                self.waiting.push_back(question);
            }
        }
    }

    /// Whether more may be due than when questions were chosen.
    pub(in crate::sync) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Notes what ended before it was read for the last time.
    pub(in crate::sync) fn lose(&mut self, lost: Lost) {
        self.gaps.push(Gap {
            account_id: Some(self.job.account.id.clone()),
            resource: self.job.resource.name,
            object_id: Some(lost.object_id),
            field: None,
            reason: Reason::Expired,
            detail: lost.detail,
        });
        self.reads.push(Read {
            subject: lost.subject,
            closed: true,
            ..Read::default()
        });
    }

    /// Notes what the current answer begins, and which list it is a part of.
    pub(in crate::sync) fn hear(&mut self, decoded: &Decoded, page: &Page) {
        let Some(question) = self.asked.front_mut() else {
            return;
        };
        if decoded.mark.is_some() {
            question.mark.clone_from(&decoded.mark);
        }
        self.has_begun |= !decoded.begun.is_empty();
        self.reads.extend(decoded.begun.iter().map(|begun| Read {
            subject: begun.subject.clone(),
            cursor: begun.cursor.clone(),
            ..Read::default()
        }));
        let Some(listed) = &decoded.listed else {
            return;
        };
        if !decoded.problems.is_empty() {
            self.lists.spoil_of(&listed.owner);
            return;
        }
        let part = Part {
            subject: &question.subject,
            listed,
            begun: &decoded.begun,
            objects: decoded.rows.len(),
            is_last: page.next.is_none(),
        };
        let table = self.job.resource.tables.first();
        let whole = self.lists.add(&part).zip(table);
        self.whole = whole.map(|(owner, table)| WholeList { table, owner });
    }

    /// Moves on behind an answer.
    pub(in crate::sync) fn advance(&mut self, page: &Page, now: DateTime<Utc>) {
        let Some(mut question) = self.asked.pop_front() else {
            return;
        };
        self.failures = 0;
        self.known.insert(question.family.clone());
        for metric in &question.metrics {
            self.refusals
                .remove(&(question.family.clone(), (*metric).to_owned()));
        }
        let untold = std::mem::take(&mut self.untold);
        let more = page.next.is_some();
        let list = self.whole.take();
        self.note(&question, (!more).then_some(now), page.next.clone(), false);
        if !more {
            let fields = question.fields.names();
            let metrics = question.metrics.iter().copied();
            let metrics = metrics.filter(|metric| !untold.contains(metric));
            let told: Vec<&str> = metrics.chain(fields).collect();
            self.answered.push(Answered {
                object_id: question.object_id.clone(),
                fields: told.iter().map(|&name| name.to_owned()).collect(),
                families: told
                    .iter()
                    .map(|name| of_family(name, &question.family))
                    .collect(),
                list,
            });
        }
        self.take_in_extras(&mut question);
        if more {
            question.after.clone_from(&page.next);
            self.waiting.push_front(question);
        }
    }
}
