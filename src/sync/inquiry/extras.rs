//! What comes nested in a list and may be left out: a page that is refused with it is asked for without.

use super::Inquiry;
use crate::graph::Reaction;
use crate::resource::Question;

impl Inquiry<'_> {
    /// Leaves out of one page what comes along, whatever refuses it: one object that may not have it refuses them all. Says
    /// whether there was something to leave out.
    pub(super) fn leave_out_extras(
        &mut self,
        question: &mut Question,
        reaction: &Reaction,
    ) -> bool {
        let may_help = match reaction {
            // A name that is asked for can be left out alone.
            Reaction::Drop(names) => !names
                .iter()
                .any(|name| question.fields.all_names().contains(&name.as_str())),
            Reaction::Shrink => question.limit.is_none_or(|limit| limit <= 1),
            Reaction::DropMetric(_) | Reaction::Skip(_) | Reaction::Mistake | Reaction::Fail => {
                true
            }
            _ => false,
        };
        let Some(fields) = question.fields.without_extras().filter(|_| may_help) else {
            return false;
        };
        let full = std::mem::replace(&mut question.fields, fields);
        self.without_extras.insert(question.subject.clone(), full);
        true
    }

    /// Takes them in again behind that page.
    pub(super) fn take_in_extras(&mut self, question: &mut Question) {
        if let Some(full) = self.without_extras.remove(&question.subject) {
            question.fields = full;
        }
    }
}
