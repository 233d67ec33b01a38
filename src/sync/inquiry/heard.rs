//! What answers bring: further subjects, parts of lists, and where each subject stands.

use chrono::{DateTime, Utc};

use super::super::lists::Part;
use super::{Inquiry, is_failure};
use crate::graph::{Page, Shape};
use crate::resource::{Begun, Decoded, Lost, Question};
use crate::store::{Gap, Read, Reason, WholeList};

impl Inquiry<'_> {
    /// Takes the questions that are due, but for those that were asked already.
    pub(in crate::sync) fn choose(&mut self, due: Vec<Question>) {
        self.has_begun = false;
        for mut question in due {
            if !question.is_page() {
                if self.chosen.insert(question.subject.clone()) {
                    self.waiting.push_back(question);
                }
                continue;
            }
            let chosen = &mut self.chosen;
            let is_new = |one: &Question| chosen.insert(one.subject.clone());
            question.stands_for.retain(is_new);
            if question.stands_for.len() < 2 {
                self.waiting.extend(question.stands_for);
            } else {
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
            object_id: lost.object_id,
            field: lost.field,
            reason: Reason::Expired,
            detail: lost.detail,
        });
        self.reads.extend(lost.subject.map(|subject| Read {
            subject,
            closed: true,
            ..Read::default()
        }));
    }

    /// Notes what the current answer begins, and which list it is a part of.
    pub(in crate::sync) fn hear(&mut self, decoded: &Decoded, page: &Page) {
        let Some(question) = self.asked.front_mut() else {
            return;
        };
        if decoded.mark.is_some() {
            question.mark.clone_from(&decoded.mark);
        }
        self.enough |= decoded.enough;
        for missing in &decoded.missing {
            self.incomplete |= is_failure(missing.reason);
            self.gaps.push(Gap {
                account_id: Some(self.job.account.id.clone()),
                resource: self.job.resource.name,
                object_id: Some(missing.object_id.clone()),
                field: missing.field.map(str::to_owned),
                reason: missing.reason,
                detail: missing.detail.clone(),
            });
        }
        let begun = decoded.told.iter().flat_map(|told| &told.begun);
        let begun: Vec<Read> = begun.chain(&decoded.begun).map(Self::begun).collect();
        self.has_begun |= !begun.is_empty();
        self.reads.extend(begun);
        self.silent.clone_from(&decoded.silent);
        self.news = decoded.news;
        self.told = decoded
            .told
            .iter()
            .map(|told| (told.clone(), None))
            .collect();
        let mut tables = self.job.resource.tables.iter();
        let table = tables.find(|table| table.listed_by.is_some());
        for (told, list) in &mut self.told {
            let Some(listed) = told.listed.as_ref().filter(|_| decoded.problems.is_empty()) else {
                continue;
            };
            let part = Part {
                subject: &told.subject,
                listed,
                begun: &told.begun,
                objects: told.objects,
                is_last: told.cursor.is_none(),
            };
            let whole = self.lists.add(&part).zip(table);
            *list = whole.map(|(owner, table)| WholeList { table, owner });
        }
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
            // What it begins is the rest of it.
            is_last: page.next.is_none() || (decoded.enough && !decoded.begun.is_empty()),
        };
        let whole = self.lists.add(&part).zip(table);
        self.whole = whole.map(|(owner, table)| WholeList { table, owner });
    }

    /// Takes out of an answer what its list has shown on earlier pages, where the cursor does not tell pages apart. A page of nothing
    /// else is the end.
    pub(in crate::sync) fn drop_repeated(&mut self, page: &mut Page) {
        let Some(question) = self.asked.front() else {
            return;
        };
        if question.shape != Shape::SameCursor || page.items.is_empty() {
            return;
        }
        let shown = self.shown.entry(question.subject.clone()).or_default();
        page.items
            .retain(|item| Page::id_of(item).is_none_or(|id| shown.insert(id)));
        self.enough |= page.items.is_empty();
    }

    /// Moves on behind an answer.
    pub(in crate::sync) fn advance(&mut self, page: &Page, now: DateTime<Utc>) {
        let Some(mut question) = self.asked.pop_front() else {
            return;
        };
        self.failures = 0;
        self.know(&question);
        if !question.stands_for.is_empty() {
            return self.advance_together(question, page, now);
        }
        let untold = std::mem::take(&mut self.untold);
        // A list that ends here was not read to its end, and is not judged.
        let is_enough = std::mem::take(&mut self.enough) | question.hears(self.news);
        let next = page.next.clone().filter(|_| !is_enough);
        let more = next.is_some();
        let list = self.whole.take();
        self.note(&question, (!more).then_some(now), next.clone(), false);
        if !more {
            self.answer(&question, &untold, list);
        }
        for silent in std::mem::take(&mut self.silent) {
            self.note_silent(silent, now);
        }
        self.take_in_extras(&mut question);
        if more {
            if let Some(rest) = question.rest.take() {
                question = *rest;
            }
            question.before += page.items.len() as u64;
            question.after = next;
            self.waiting.push_front(question);
        }
    }

    fn note_silent(&mut self, object_id: String, now: DateTime<Utc>) {
        self.reads.push(Read {
            subject: object_id.clone(),
            read_at: Some(now),
            ..Read::default()
        });
        self.gaps.push(Gap {
            account_id: Some(self.job.account.id.clone()),
            resource: self.job.resource.name,
            object_id: Some(object_id),
            field: None,
            reason: Reason::TooFewViewers,
            detail: "the list that begins with it was refused its numbers".to_owned(),
        });
    }

    fn begun(begun: &Begun) -> Read {
        Read {
            subject: begun.subject.clone(),
            cursor: begun.cursor.clone(),
            ..Read::default()
        }
    }
}
