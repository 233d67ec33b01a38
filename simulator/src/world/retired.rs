//! What Meta takes back: metrics and versions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::World;

/// Everything that was taken back so far.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    /// Since when metrics do not exist any more, and until when.
    metrics: BTreeMap<(InsightsOf, String), (i64, Option<i64>)>,
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
        let away = (from, None);
        self.edit(|edits| edits.retired.metrics.insert((of, metric.to_owned()), away));
    }

    /// Accepts a retired metric again from now on. Says whether it was retired.
    pub fn restore_metric(&self, of: InsightsOf, metric: &str) -> bool {
        let now = self.now_seconds();
        self.edit(|edits| {
            let away = edits.retired.metrics.get_mut(&(of, metric.to_owned()));
            away.map(|(_, until)| *until = Some(now)).is_some()
        })
    }

    /// Ends a version now: calls for it are served by the oldest one that is left, silently.
    pub fn expire_version(&self, version: &str) {
        self.edit(|edits| edits.retired.versions.insert(version.to_owned()));
    }

    /// Since when a metric is retired, if it ever is and did not come back.
    pub(crate) fn metric_retired_at(&self, of: InsightsOf, metric: &str) -> Option<i64> {
        let (from, until) = self.metric_away(of, metric)?;
        until.is_none().then_some(from)
    }

    pub(crate) fn has_metric(&self, of: InsightsOf, metric: &str, now: i64) -> bool {
        let away = self.metric_away(of, metric);
        away.is_none_or(|(from, until)| now < from || until.is_some_and(|until| until <= now))
    }

    fn metric_away(&self, of: InsightsOf, metric: &str) -> Option<(i64, Option<i64>)> {
        let edits = self.edits();
        let mut retired = edits.retired.metrics.iter();
        let found = retired.find(|((whose, name), _)| *whose == of && name == metric);
        found.map(|(_, away)| *away)
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
