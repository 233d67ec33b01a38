//! What the server remembers between calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Incoming;

/// State beside the meters.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    positions: Mutex<HashMap<String, u64>>,
}

impl Memory {
    /// Where a caller stopped in a list whose cursor says nothing.
    pub(crate) fn position(&self, call: &Incoming) -> Option<u64> {
        self.positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&list_of(call))
            .copied()
    }

    pub(crate) fn remember_position(&self, call: &Incoming, slot: Option<u64>) {
        if let Some(slot) = slot {
            self.positions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(list_of(call), slot);
        }
    }
}

fn list_of(call: &Incoming) -> String {
    format!(
        "{} {}",
        call.param("user_id").unwrap_or_default(),
        call.path_text()
    )
}
