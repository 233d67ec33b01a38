//! `/{media}/insights`.
//!
//! Meta's page: "Instagram Media Insights" (…/documentation/instagram-platform/reference/instagram-media/insights).
//! Texts of refusals are those of recorded answers.

use serde_json::{Value, json};

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, Params, Reader};
use crate::rules::Rules;
use crate::world::{InsightsOf, Media, MediaType, ProductType};

use super::insight::{
    Described, METRIC_TYPES, PERIODS, check_metrics, check_name, check_names, described, named, row,
};
use super::{Node, Row};

/// Every name that the API accepts for some media, in the order in which its refusals list them.
pub(crate) const MEDIA_METRICS: [&str; 24] = [
    "impressions",
    "reach",
    "replies",
    "saved",
    "likes",
    "comments",
    "shares",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
    "navigation",
    "ig_reels_video_view_total_time",
    "ig_reels_avg_watch_time",
    "views",
    "reels_skip_rate",
    "reposts",
    "facebook_views",
    "crossposted_views",
    "total_views",
    "total_likes",
    "total_comments",
    "link_clicks",
    "content_views",
];

const BREAKDOWNS: [&str; 4] = [
    "follow_type",
    "surface_type",
    "action_type",
    "story_navigation_action_type",
];

/// Media created until here still have `impressions`, on v21.0 and older.
const LAST_IMPRESSIONS: i64 = 1_719_964_800; // 2024-07-03T00:00:00Z

pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    media: &Media<'s>,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    let metrics = named(reader, params, "metric")?;
    if metrics.is_empty() {
        let message = "No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.";
        return Err(GraphError::new(3001, message).subcode(1_504_028));
    }
    check_metrics(reader, InsightsOf::Media, &metrics, &MEDIA_METRICS)?;
    let breakdowns = named(reader, params, "breakdown")?;
    check_names(&breakdowns, "breakdown", &BREAKDOWNS)?;
    check_name(params.get("period"), "period", &PERIODS)?;
    check_name(params.get("metric_type"), "metric_type", &METRIC_TYPES)?;
    reader.require(
        media.path().account,
        &[
            "instagram_basic",
            "pages_read_engagement",
            "instagram_manage_insights",
        ],
    )?;
    if media.path().child > 0 {
        return Err(GraphError::unsupported_get(&media.id()));
    }
    check_conversion(media)?;
    check_support(reader, media, &metrics)?;
    check_breakdowns(reader, &metrics, &breakdowns)?;
    if media.is_too_quiet() {
        return Err(GraphError::new(
            10,
            "(#10) Not enough viewers for the media to show insights",
        ));
    }
    let rows = metrics
        .iter()
        .filter_map(|metric| insight(media, metric, &breakdowns));
    Ok(Edge::Rows(rows.map(Node::Row).collect()))
}

/// Insights of media from before the latest conversion to a professional account are refused.
fn check_conversion(media: &Media<'_>) -> Outcome<()> {
    if !media.is_from_before_conversion() {
        return Ok(());
    }
    Err(GraphError::new(100, "Invalid parameter").subcode(2_108_006).transient(false).for_people(
        "Media Posted Before Business Account Conversion",
        "The media was posted before the most recent time that the user's account was converted to a business account \
         from a personal account.",
    ).error_data(r#"{"blame_field_specs":[[""]]}"#))
}

fn check_support(reader: &Reader<'_>, media: &Media<'_>, metrics: &[&str]) -> Outcome<()> {
    let is_post = media.media_product_type() == ProductType::Feed;
    if metrics.contains(&"impressions") && is_post && reader.version >= 22 {
        let message = "(#100) Starting from version v22.0 and above, the impressions metric is no longer supported for the queried \
                       media. Please refer to the documentation at \
                       https://developers.facebook.com/docs/instagram-api/reference/ig-media/insights for a list of supported metrics.";
        return Err(GraphError::new(100, message));
    }
    let unsupported: Vec<&str> = metrics
        .iter()
        .copied()
        .filter(|metric| !is_metric_of(reader.rules(), reader.version, media, metric))
        .collect();
    if !unsupported.is_empty() {
        let message = format!(
            "(#100) The Media Insights API does not support the {} metric for this media product type.",
            unsupported.join(", ")
        );
        return Err(GraphError::new(100, message));
    }
    let needs_facebook = metrics
        .iter()
        .any(|metric| matches!(*metric, "facebook_views" | "crossposted_views"));
    if needs_facebook && !media.is_crossposted() {
        return Err(GraphError::new(-1, "Fatal").subcode(2_207_086));
    }
    Ok(())
}

/// The table "metric × product type", with the switches for what peers contradict.
pub(crate) fn is_metric_of(rules: &Rules, version: u32, media: &Media<'_>, metric: &str) -> bool {
    let is_image = media.media_type() == MediaType::Image;
    let product = media.media_product_type();
    let (feed, reels, story) = (
        product == ProductType::Feed,
        product == ProductType::Reels,
        product == ProductType::Story,
    );
    match metric {
        "follows" | "shares" if feed && is_image && !rules.follows_and_shares_on_images => false,
        "views" if media.is_feed_video() && feed => !rules.views_refused_on_feed_videos,
        "reach" | "views" | "shares" | "reposts" | "total_interactions" | "total_views"
        | "facebook_views" => true,
        "likes" | "comments" | "saved" | "total_likes" | "total_comments" => !story,
        "follows" | "profile_visits" | "profile_activity" => !reels,
        "crossposted_views"
        | "ig_reels_avg_watch_time"
        | "ig_reels_video_view_total_time"
        | "reels_skip_rate" => reels,
        "navigation" | "replies" | "link_clicks" => story,
        "impressions" => !reels && version < 22 && media.published_at() < LAST_IMPRESSIONS,
        _ => false,
    }
}

/// A breakdown that one of the metrics does not have refuses the request.
fn check_breakdowns(reader: &Reader<'_>, metrics: &[&str], breakdowns: &[&str]) -> Outcome<()> {
    for breakdown in breakdowns {
        let carrier = match *breakdown {
            "action_type" => "profile_activity",
            "story_navigation_action_type" => "navigation",
            _ => "",
        };
        if let Some(metric) = metrics.iter().find(|metric| **metric != carrier) {
            return Err(super::insight::incompatible_breakdown(
                reader, breakdown, metric,
            ));
        }
    }
    Ok(())
}

fn insight(media: &Media<'_>, metric: &str, breakdowns: &[&str]) -> Option<Row> {
    let value = media.insight(metric)?;
    let Described { title, description } = described(metric);
    let mut insight = row()
        .with("name", metric)
        .with("period", "lifetime")
        .with("values", json!([{ "value": value }]))
        .with("title", title)
        .with("description", description);
    if let (Some(breakdown), Some(parts)) = (breakdowns.first(), media.insight_breakdown(metric)) {
        let results: Vec<Value> = parts
            .iter()
            .filter(|(_, share)| *share > 0)
            .map(|(part, share)| json!({ "dimension_values": [part], "value": share }))
            .collect();
        let mut dimension = json!({ "dimension_keys": [breakdown] });
        if !results.is_empty() {
            dimension["results"] = Value::from(results);
        }
        insight = insight.with(
            "total_value",
            json!({ "value": value, "breakdowns": [dimension] }),
        );
    }
    Some(insight.with("id", format!("{}/insights/{metric}/lifetime", media.id())))
}
