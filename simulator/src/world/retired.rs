//! What Meta takes back: metrics and versions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::World;

/// Everything that was taken back so far.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    /// Since when metrics do not exist any more.
    metrics: BTreeMap<(InsightsOf, String), i64>,
    versions: BTreeSet<String>,
}

/// Whose insights a metric belongs to: some names are metrics of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InsightsOf {
    /// Of posts and stories.
    Media,
    /// Of accounts.
    Account,
}

impl World {
    /// Retires a metric from an instant on, for all versions, as `impressions` was retired: its name is refused like one
    /// that never existed.
    pub fn retire_metric(&self, of: InsightsOf, metric: &str, from: DateTime<Utc>) {
        let from = from.timestamp();
        self.edit(|edits| edits.retired.metrics.insert((of, metric.to_owned()), from));
    }

    /// Ends a version now: calls for it are served by the oldest one that is left, silently.
    pub fn expire_version(&self, version: &str) {
        self.edit(|edits| edits.retired.versions.insert(version.to_owned()));
    }

    /// Since when a metric is retired, if it ever is.
    pub(crate) fn metric_retired_at(&self, of: InsightsOf, metric: &str) -> Option<i64> {
        let edits = self.edits();
        let retired = edits.retired.metrics.iter();
        retired
            .filter(|((whose, name), _)| *whose == of && name == metric)
            .map(|(_, from)| *from)
            .next()
    }

    pub(crate) fn has_metric(&self, of: InsightsOf, metric: &str, now: i64) -> bool {
        let retired_at = self.metric_retired_at(of, metric);
        retired_at.is_none_or(|retired_at| now < retired_at)
    }

    /// The versions that are served, oldest first.
    pub(crate) fn versions(&self) -> Vec<&str> {
        let expired = &self.edits().retired.versions;
        let versions = self.spec().rules.versions.iter().map(String::as_str);
        versions
            .filter(|version| !expired.contains(*version))
            .collect()
    }
}
