//! Metrics that come along with the objects of a list, and what is done when they are refused.

use super::{PageSize, Plan};
use crate::graph::{Fields, Reaction, Skip};

/// Posts that are not worth another call of their own.
const FEW: u32 = 12;

impl Plan<'_> {
    /// Lets metrics come along in the same answers, on full pages: the list was walked through before.
    pub(in crate::sync) fn nest(&mut self) {
        self.size = PageSize::of_known_list();
        let nested = self.walk.nested.map(|nested| nested.metrics.to_vec());
        self.nested = nested.unwrap_or_default();
    }

    pub(super) fn fields_with_nested(&self) -> Fields {
        match self.walk.nested.filter(|_| !self.nested.is_empty()) {
            Some(nested) => {
                let edge = format!("{}.metric({})", nested.edge, self.nested.join(","));
                let fields = nested.fields.iter().copied();
                self.fields.clone().with(&edge, Fields::of(fields))
            }
            None => self.fields.clone(),
        }
    }

    /// What comes along is given up before anything else: whatever refuses it, the page itself may be fine. Says whether
    /// the page is to be asked for again.
    pub(super) fn give_up_nested(&mut self, reaction: &Reaction) -> bool {
        let before = self.nested.len();
        match reaction {
            // Posts are older and older: those before the one that refuses the page still have their numbers.
            Reaction::Skip(Skip::BeforeConversion) if before > 0 && self.size.get() > FEW => {
                self.size = PageSize::of(self.size.get() / 2);
                return true;
            }
            Reaction::Drop(names) => self
                .nested
                .retain(|metric| !names.iter().any(|name| name == metric)),
            Reaction::DropMetric(place) if *place < before => {
                self.nested.remove(*place);
            }
            Reaction::DropMetric(_)
            | Reaction::Skip(_)
            | Reaction::Disable
            | Reaction::Mistake
            | Reaction::Fail => {
                self.nested.clear();
                self.size = PageSize::of_known_list();
            }
            _ => {}
        }
        self.nested.len() < before
    }
}
