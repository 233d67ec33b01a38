//! Insights of media: totals since publication, as they were when they were last worked out.

use serde_json::Value;

use crate::id::MediaKind;

use super::growth::{SETTLED_AFTER, grown};
use super::media::{Media, ProductType};
use super::timeline::DAY;

/// Totals are worked out once per hour.
const ROUND: i64 = 3600;
const VIEWERS_NEEDED: i64 = 5;

impl Media<'_> {
    /// The value of a metric as the API tells it now; none before there are any numbers. Says nothing about whether
    /// the metric exists for this product type.
    pub fn insight(&self, metric: &str) -> Option<Value> {
        let then = self.lagged()?;
        if metric == "reels_skip_rate" {
            let tenths = u32::try_from(then.seed().with(70).between(150, 700)).unwrap_or(0);
            return Some(Value::from(f64::from(tenths) / 10.0));
        }
        then.total(metric).map(Value::from)
    }

    /// The parts of a metric by the values of a breakdown, in the spelling of Meta's samples.
    pub fn insight_breakdown(&self, metric: &str) -> Option<Vec<(&'static str, i64)>> {
        let then = self.lagged()?;
        let parts: &[&str] = match metric {
            "profile_activity" => &[
                "bio_link_clicked",
                "call",
                "direction",
                "email",
                "other",
                "text",
            ],
            "navigation" => &["swipe_forward", "tap_back", "tap_exit", "tap_forward"],
            _ => return None,
        };
        let total = then.total(metric)?;
        Some(split(total, then.seed().with(71).bits(), parts))
    }

    /// Whether its insights will stay as they are. Comments and their replies come latest.
    pub(crate) fn insights_have_settled(&self) -> bool {
        let is_scripted = self.edit.is_some();
        let settled_after = SETTLED_AFTER + 3 * DAY;
        !is_scripted
            && self
                .lagged()
                .is_some_and(|then| then.age() >= settled_after)
    }

    /// A story with fewer than five viewers so far has no insights.
    pub(crate) fn is_too_quiet(&self) -> bool {
        self.is_story() && self.lagged().map_or(0, |then| then.reach()) < VIEWERS_NEEDED
    }

    /// Until when its insights are told, if they are not kept for ever.
    pub(crate) fn insights_kept_until(&self) -> Option<i64> {
        let days = self.world.spec().rules.media_insights_retention_days?;
        Some(self.published_at + days * DAY)
    }

    fn total(&self, metric: &str) -> Option<i64> {
        let interactions =
            self.like_count() + self.saved_count() + self.comments_count() + self.shares_count();
        Some(match metric {
            "reach" => self.reach(),
            "views" | "total_views" | "impressions" => self.views(),
            "likes" | "total_likes" => self.like_count(),
            "comments" | "total_comments" => self.comments_count(),
            "saved" => self.saved_count(),
            "shares" => self.shares_count(),
            "reposts" => self.reposts_count(),
            "total_interactions" if self.is_story() => self.shares_count() + self.replies(),
            "total_interactions" => interactions,
            "follows" => self.share_of_reach(72, 8),
            "profile_visits" => self.share_of_reach(73, 60),
            "profile_activity" => self.share_of_reach(74, 25),
            "facebook_views" => self.views() / 4,
            "crossposted_views" => self.views() * 5 / 4,
            "ig_reels_avg_watch_time" => self.average_watch_time(),
            "ig_reels_video_view_total_time" => self.average_watch_time() * self.views(),
            "navigation" => self.share_of_reach(75, 2_500),
            "replies" => self.replies(),
            "link_clicks" => self.share_of_reach(76, 40),
            _ => return None,
        })
    }

    /// The media as it was when its numbers were last worked out.
    fn lagged(&self) -> Option<Self> {
        let delayed = self.now - self.world.spec().rules.insights_delay_seconds;
        let now = delayed - delayed.rem_euclid(ROUND);
        let is_kept = self.insights_kept_until().is_none_or(|end| self.now < end);
        (self.published_at <= now && is_kept).then(|| Self {
            now,
            ..self.clone()
        })
    }

    fn is_story(&self) -> bool {
        self.media_product_type() == ProductType::Story
    }

    fn views(&self) -> i64 {
        if self.is_story() {
            self.reach() * 5 / 4
        } else {
            self.views_count()
        }
    }

    fn reach(&self) -> i64 {
        if self.path.kind != MediaKind::Story {
            let per_mille = self.seed().with(77).between(450, 850).cast_signed();
            return self.views_count() * per_mille / 1000;
        }
        let seed = self.seed().with(78);
        let viewers = if seed.per_mille(self.habits().quiet_stories_per_mille) {
            seed.with(1).below(5)
        } else {
            5 + self.habits().followers * seed.with(2).between(20, 120) / 1000
        };
        grown(viewers, self.age(), DAY).cast_signed()
    }

    fn replies(&self) -> i64 {
        if self.habits().story_replies_hidden {
            0
        } else {
            self.share_of_reach(79, 12)
        }
    }

    fn average_watch_time(&self) -> i64 {
        self.seed().with(80).between(2_500, 14_000).cast_signed()
    }

    fn share_of_reach(&self, part: u64, per_mille: u64) -> i64 {
        let share = self.seed().with(part).below(per_mille).cast_signed();
        self.reach() * share / 1000
    }
}

/// Parts that add up to the total, the same ones for the same bits.
pub(super) fn split<'p>(total: i64, bits: u64, parts: &[&'p str]) -> Vec<(&'p str, i64)> {
    let seed = crate::seed::Seed::new(bits);
    let weights: Vec<i64> = (0..)
        .take(parts.len())
        .map(|part| seed.with(part).between(1, 100).cast_signed())
        .collect();
    let sum: i64 = weights.iter().sum();
    let mut rest = total;
    let mut told: Vec<_> = parts
        .iter()
        .zip(&weights)
        .map(|(part, weight)| {
            let share = total * weight / sum.max(1);
            rest -= share;
            (*part, share)
        })
        .collect();
    if let Some((_, first)) = told.first_mut() {
        *first += rest;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_breakdown_add_up() {
        for total in [0, 1, 7, 12_345] {
            let parts = split(total, 99, &["a", "b", "c"]);
            assert_eq!(parts.iter().map(|(_, share)| share).sum::<i64>(), total);
        }
    }
}
