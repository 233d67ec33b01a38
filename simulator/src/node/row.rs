//! Rows that are nothing but their values: permissions, quotas, products.

use serde_json::Value;

use crate::json::Json;

/// Keys and values in the order in which the API tells them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row(Vec<(&'static str, Value)>);

impl Row {
    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    pub(super) fn keys(&self) -> Vec<&'static str> {
        self.0.iter().map(|(key, _)| *key).collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == key)
    }

    pub(super) fn write_field(&self, json: &mut Json, name: &str, key: &str) -> bool {
        let found = self.0.iter().find(|(known, _)| *known == name);
        if let Some((_, value)) = found {
            json.key(key);
            json.value(value);
        }
        found.is_some()
    }
}
