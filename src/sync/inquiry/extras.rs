//! What comes nested in an answer and may be left out: what is refused with it is asked for without.
//!
//! A refusal that names a field is remembered for that field. One that does not may be the fault of one object: what came along is left out
//! of that answer alone, and of all once the answers about two subjects in a row were only to be had without it. What was not refused but
//! failed is missing, and asked for by the next start.

use super::{Inquiry, alike};
use crate::graph::{Error, Reaction, Shape, Skip};
use crate::resource::Question;
use crate::store::Reason;

impl Inquiry<'_> {
    /// Leaves out of one page what comes along, whatever refuses it: one object that may not have it refuses them all. Says
    /// whether there was something to leave out.
    pub(super) fn leave_out_extras(
        &mut self,
        question: &mut Question,
        error: &Error,
        why: &str,
    ) -> bool {
        // Without what is paged, there is no use in its further pages.
        if question.after.is_some() && is_paged_inside(question) {
            return false;
        }
        let reaction = &error.reaction();
        let is_wanted = question.wants_extras;
        let may_help = match reaction {
            // A name that is asked for can be left out alone.
            Reaction::Drop(names) => !names.iter().any(|name| {
                let fields = &question.fields;
                fields.all_names().contains(&name.as_str()) || place(question, name).is_some()
            }),
            // What is worth asking for without it is not asked for in small pieces for its sake.
            Reaction::Shrink => !is_wanted || question.limit.is_none_or(|limit| limit <= 1),
            // Of a single object, and of a name, nothing else is said than that it is not there.
            Reaction::Skip(skip) => {
                is_wanted || question.limit.is_some() && *skip != Skip::NoSuchName
            }
            Reaction::DropMetric(_) | Reaction::Mistake | Reaction::Fail => true,
            // The list alone may be what nobody has the permission for.
            Reaction::Disable => is_paged_inside(question),
            _ => false,
        };
        let Some(fields) = question.fields.without_extras().filter(|_| may_help) else {
            return false;
        };
        let full = std::mem::replace(&mut question.fields, fields);
        let reason = match reaction {
            Reaction::Fail if !alike::is_unknown(error) => Reason::Failed,
            _ => Reason::NotApplicable,
        };
        let left_out = (full, reason, why.to_owned());
        self.without_extras
            .insert(question.subject.clone(), left_out);
        true
    }

    /// Asks for everything again, as another token may be answered.
    pub(super) fn ask_for_all(&mut self, mut question: Question) {
        if let Some((full, ..)) = self.without_extras.remove(&question.subject) {
            question.fields = full;
        }
        self.waiting.push_front(question);
    }

    /// Leaves a field out that is refused by name, and remembers that; what comes along goes first, as the same name may stand in the rest,
    /// too. Says whether it was asked for.
    pub(super) fn drop_field(&mut self, question: &mut Question, name: &str, why: &str) -> bool {
        let family = question.family.clone();
        if let Some(place) = place(question, name).filter(|_| !question.wants_extras) {
            question.fields.remove(&place);
            self.refuse(&family, &place, Reason::NotApplicable, why);
            return true;
        }
        let was_there = question.fields.remove(name);
        if was_there {
            self.refuse_field(&family, name, why);
        }
        was_there
    }

    /// Takes them in again behind an answer that was only to be had without, unless that is so for others, too, or for the page before.
    pub(super) fn take_in_extras(&mut self, question: &mut Question) {
        let Some((full, reason, why)) = self.without_extras.remove(&question.subject) else {
            return;
        };
        if question.wants_extras {
            question.fields = full;
            return;
        }
        if !self.lack_extras.insert(question.subject.clone()) {
            return;
        }
        question.fields = full;
        // Whether others are refused it, too, the next one shows alone.
        self.known.remove(&question.family);
        let places = question.fields.extras().into_iter();
        for name in places.filter(|place| !place.contains('.')) {
            self.refuse_to_one(question, &name, reason, &why);
            let place = (question.family.clone(), name);
            if self.refused.contains(&place) {
                question.fields.remove(&place.1);
            }
        }
    }
}

/// Whether what comes along is the list that the answer is a page of.
fn is_paged_inside(question: &Question) -> bool {
    let Shape::Within { edge, .. } = question.shape else {
        return false;
    };
    question.fields.extras().iter().any(|place| place == edge)
}

/// Whether a smaller page can be asked for: not without the list that the answer is a page of.
pub(super) fn can_shrink(question: &Question) -> bool {
    let has_pages = match question.shape {
        Shape::Within { object, edge } => {
            let within = question.fields.selection(object);
            within.is_some_and(|fields| fields.selection(edge).is_some())
        }
        _ => true,
    };
    has_pages && question.limit.is_some_and(|limit| limit > 1)
}

/// Where a name stands in what may be left out.
fn place(question: &Question, name: &str) -> Option<String> {
    let mut places = question.fields.extras().into_iter();
    places.find(|place| place.rsplit('.').next() == Some(name))
}
