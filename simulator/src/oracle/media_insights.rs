//! Rows of insights of posts and stories.
//!
//! Meta's page: "Instagram Media Insights" (…/documentation/instagram-platform/reference/instagram-media/insights).

use serde_json::{Value, json};

use crate::id::MediaKind;
use crate::node::{MEDIA_METRICS, is_metric_of};
use crate::world::{InsightsOf, Media, World};

use super::Expectation;
use super::reading::Told;

/// Metrics by their breakdowns.
const BREAKDOWNS: [(&str, &str); 2] = [
    ("profile_activity", "action_type"),
    ("navigation", "story_navigation_action_type"),
];

/// Everything that is told about a media now.
pub(super) fn of_media(table: &str, media: &Media<'_>, expectation: &mut Expectation<'_>) {
    let plain = MEDIA_METRICS.map(|metric| (metric, ""));
    for (metric, breakdown) in plain.into_iter().chain(BREAKDOWNS) {
        for (dimension, value) in told(media, metric, breakdown, u32::MAX) {
            let id = media.id();
            let key = Key {
                media: &id,
                metric,
                breakdown,
                dimension,
            };
            let name = format!("{id}/{metric}/{breakdown}/{dimension}");
            expectation.add(table, name, key.row(&value));
        }
    }
}

pub(super) fn at(world: &World, table: &str, key: &str, now: i64) -> Option<Value> {
    let key = Key::parse(key)?;
    let media = key.media(world, table)?.as_of(now);
    let value = key.value(&media).filter(|_| media.is_readable())?;
    Some(key.row(&value))
}

pub(super) fn until_now(world: &World, table: &str, key: &str) -> Option<Told> {
    let key = Key::parse(key)?;
    let media = key.last_told(&key.media(world, table)?.last_readable()?)?;
    let value = key.value(&media)?;
    let has_settled = media.insights_have_settled();
    // Likes that were taken away later may have been read before.
    let earlier = media
        .jumps()
        .filter_map(|at| key.value(&media.as_of(at - 1)));
    let most = earlier.chain([value]).max_by(|left, right| {
        let (left, right) = (left.as_f64(), right.as_f64());
        left.partial_cmp(&right)
            .unwrap_or(std::cmp::Ordering::Equal)
    })?;
    let rounding = if has_settled || key.breakdown.is_empty() {
        0
    } else {
        told(&media, key.metric, key.breakdown, u32::MAX).len() as i64
    };
    let most = most
        .as_i64()
        .map_or(most, |most| Value::from(most + rounding));
    Some(Told::latest(key.row(&most), has_settled))
}

/// A key: media id/name/breakdown/dimension value.
struct Key<'k> {
    media: &'k str,
    metric: &'k str,
    breakdown: &'k str,
    dimension: &'k str,
}

impl<'k> Key<'k> {
    fn parse(key: &'k str) -> Option<Self> {
        let mut parts = key.splitn(4, '/');
        Some(Self {
            media: parts.next()?,
            metric: parts.next()?,
            breakdown: parts.next()?,
            dimension: parts.next()?,
        })
    }

    /// A post or a story of an own account.
    fn media<'w>(&self, world: &'w World, table: &str) -> Option<Media<'w>> {
        let media = world.media_by_id(self.media)?;
        let kind = if table == "story_insights" {
            MediaKind::Story
        } else {
            MediaKind::Post
        };
        let path = media.path();
        world.page_of_account(path.account)?;
        (path.kind == kind && path.child == 0).then_some(media)
    }

    /// The media as it was when its metric could last be told: metrics are retired, accounts converted again, and
    /// numbers may be kept for a while only. None if that was before the simulation started.
    fn last_told<'w>(&self, media: &Media<'w>) -> Option<Media<'w>> {
        let world = media.account().world();
        let ends = [
            world.metric_retired_at(InsightsOf::Media, self.metric),
            media.converted_again_at(),
            media.insights_kept_until(),
        ];
        let end = ends
            .into_iter()
            .flatten()
            .filter(|end| *end > media.published_at())
            .min();
        let Some(end) = end.filter(|end| *end <= media.now()) else {
            return Some(media.clone());
        };
        (end > world.start_seconds()).then(|| media.as_of(end - 1))
    }

    /// Any version that is served may have been asked.
    fn value(&self, media: &Media<'_>) -> Option<Value> {
        let oldest = oldest_version(media.account().world());
        let of_version = |version| {
            let told = told(media, self.metric, self.breakdown, version);
            let found = told.into_iter().find(|(name, _)| *name == self.dimension);
            found.map(|(_, value)| value)
        };
        of_version(u32::MAX).or_else(|| of_version(oldest))
    }

    fn row(&self, value: &Value) -> Value {
        json!({
            "media_id": self.media,
            "name": self.metric,
            "breakdown": self.breakdown,
            "dimension_value": self.dimension,
            "value": value,
        })
    }
}

/// The major number of the oldest version that is served.
fn oldest_version(world: &World) -> u32 {
    let versions = &world.spec().rules.versions;
    let majors = versions.iter().filter_map(|version| {
        let major = version.trim_start_matches('v').split('.').next()?;
        major.parse().ok()
    });
    majors.min().unwrap_or(u32::MAX)
}

/// Dimensions and their values: nothing from before the conversion, and nothing that throws.
fn told(
    media: &Media<'_>,
    metric: &str,
    breakdown: &str,
    version: u32,
) -> Vec<(&'static str, Value)> {
    let rules = &media.account().world().spec().rules;
    let throws =
        matches!(metric, "facebook_views" | "crossposted_views") && !media.is_crossposted();
    let of_media = InsightsOf::Media;
    if throws
        || !media
            .account()
            .world()
            .has_metric(of_media, metric, media.now())
        || media.is_from_before_conversion()
        || media.is_too_quiet()
        || !is_metric_of(rules, version, media, metric)
    {
        return Vec::new();
    }
    if breakdown.is_empty() {
        return media
            .insight(metric)
            .map(|value| ("", value))
            .into_iter()
            .collect();
    }
    if !BREAKDOWNS.contains(&(metric, breakdown)) {
        return Vec::new();
    }
    let parts = media.insight_breakdown(metric).into_iter().flatten();
    parts
        .filter(|(_, share)| *share > 0)
        .map(|(part, share)| (part, Value::from(share)))
        .collect()
}
