//! Rows that are nothing but their values: permissions, quotas, products.

use serde_json::Value;

use crate::json::Json;

/// Keys and values in the order in which the API tells them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    members: Vec<(&'static str, Value)>,
    /// Fields that may be asked for although this row does not tell them.
    known: &'static [&'static str],
}

impl Row {
    pub(super) fn knowing(known: &'static [&'static str]) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((key, value.into()));
        self
    }

    pub(super) fn keys(&self) -> Vec<&'static str> {
        self.members.iter().map(|(key, _)| *key).collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(known, _)| *known == key)
    }

    pub(super) fn write_field(&self, json: &mut Json, name: &str, key: &str) -> bool {
        let found = self.members.iter().find(|(known, _)| *known == name);
        if let Some((_, value)) = found {
            json.key(key);
            json.value(value);
        }
        found.is_some() || self.known.contains(&name)
    }
}
