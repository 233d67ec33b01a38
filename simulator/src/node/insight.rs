//! What insights of media and of accounts have in common: the row, and how metrics are described.

use crate::error::{GraphError, Outcome};
use crate::reader::{Params, Reader};
use crate::world::InsightsOf;

use super::Row;

/// The fields of "InstagramInsightsResult"; each is known even where it has nothing to tell.
const FIELDS: [&str; 7] = [
    "name",
    "period",
    "values",
    "title",
    "description",
    "total_value",
    "id",
];

pub(super) const PERIODS: [&str; 6] = [
    "day",
    "week",
    "days_28",
    "month",
    "lifetime",
    "total_over_range",
];
pub(super) const METRIC_TYPES: [&str; 2] = ["time_series", "total_value"];

/// Title and description for people.
pub(super) struct Described {
    pub(super) title: String,
    pub(super) description: String,
}

pub(super) fn row() -> Row {
    Row::knowing(&FIELDS)
}

/// A parameter that is a comma list. No page says what becomes of an item that is listed twice.
pub(super) fn named<'p>(
    reader: &Reader<'_>,
    params: Params<'p>,
    name: &str,
) -> Outcome<Vec<&'p str>> {
    let list = params.get(name).unwrap_or_default();
    let items = list.split(',').map(str::trim);
    let mut names = Vec::new();
    for item in items.filter(|item| !item.is_empty()) {
        if !names.contains(&item) {
            names.push(item);
        } else if reader.rules().repeated_metrics_refused {
            return Err(GraphError::new(100, "Invalid parameter"));
        }
    }
    Ok(names)
}

/// Refuses a metric that is not accepted, or is retired by now.
pub(super) fn check_metrics(
    reader: &Reader<'_>,
    of: InsightsOf,
    metrics: &[&str],
    known: &[&'static str],
) -> Outcome<()> {
    let mut accepted = known.to_vec();
    accepted.retain(|metric| reader.world.has_metric(of, metric, reader.now));
    check_names(metrics, "metric", &accepted)
}

/// Refuses a list with a name that is not accepted, and says which one.
pub(super) fn check_names(names: &[&str], parameter: &str, accepted: &[&str]) -> Outcome<()> {
    match names.iter().position(|name| !accepted.contains(name)) {
        None => Ok(()),
        Some(index) => Err(not_one_of(&format!("{parameter}[{index}]"), accepted)),
    }
}

/// Refuses a parameter whose value is not accepted; it may be missing.
pub(super) fn check_name(name: Option<&str>, parameter: &str, accepted: &[&str]) -> Outcome<()> {
    match name {
        Some(name) if !accepted.contains(&name) => Err(not_one_of(parameter, accepted)),
        _ => Ok(()),
    }
}

fn not_one_of(parameter: &str, accepted: &[&str]) -> GraphError {
    let message = format!(
        "(#100) {parameter} must be one of the following values: {}",
        accepted.join(", ")
    );
    GraphError::new(100, message)
}

/// The page says "An unknown error has occurred" for a breakdown without support; recordings name it.
pub(super) fn incompatible_breakdown(
    reader: &Reader<'_>,
    breakdown: &str,
    metric: &str,
) -> GraphError {
    if reader.rules().breakdown_refusal_is_unknown_error {
        return GraphError::unknown();
    }
    GraphError::new(
        100,
        format!("(#100) Incompatible breakdowns ({breakdown}) for metric ({metric})"),
    )
}

/// Recorded wording where there is one.
pub(super) fn described(metric: &str) -> Described {
    let (title, description) = match metric {
        "reach" => (
            "Accounts reached",
            "The number of unique accounts that have seen your content, at least once, including in ads. Content includes posts, stories, reels, videos and live videos. Reach is different from impressions, which may include multiple views of your content by the same accounts. This metric is estimated and in development.",
        ),
        "views" => (
            "Views",
            "The number of times your content was played or displayed. Content includes reels, posts, stories.",
        ),
        "accounts_engaged" => (
            "Accounts engaged",
            "The number of accounts that have interacted with your content, including in ads. Content includes posts, stories, reels, videos and live videos. Interactions can include actions such as likes, saves, comments, shares or replies. These metrics are estimated and in development.",
        ),
        "total_interactions" => (
            "Content interactions",
            "The total number of post interactions, story interactions, reels interactions, video interactions and live video interactions, including any interactions on boosted content.",
        ),
        "likes" => (
            "Likes",
            "The number of likes on your posts, reels and videos.",
        ),
        "comments" => (
            "Comments",
            "The number of comments on your posts, reels, videos and live videos.",
        ),
        "shares" => (
            "Shares",
            "The number of shares of your posts, stories, reels, videos and live videos.",
        ),
        "saves" => (
            "Saves",
            "The number of saves of your posts, reels and videos.",
        ),
        "replies" => (
            "Replies",
            "The number of replies that you received from your story, including text replies and quick reaction replies.",
        ),
        "reposts" => (
            "Reposts",
            "The total number of times that your content was reposted. A repost occurs when another account shares your content to their own profile.",
        ),
        "profile_links_taps" => (
            "Profile links taps",
            "The number of taps on your business address, call button, email button and text button.",
        ),
        "follows_and_unfollows" => (
            "Follows and unfollows",
            "The number of accounts that followed you and the number of accounts that unfollowed you or left Instagram in the selected time period.",
        ),
        other => {
            return Described {
                title: in_words(other),
                description: format!("The {} of your content.", other.replace('_', " ")),
            };
        }
    };
    Described {
        title: title.to_owned(),
        description: description.to_owned(),
    }
}

fn in_words(metric: &str) -> String {
    let words = metric.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
