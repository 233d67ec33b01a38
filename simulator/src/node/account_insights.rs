//! `/{ig}/insights`.
//!
//! Meta's page: "Instagram Account Insights"
//! (…/documentation/instagram-platform/api-reference/instagram-user/insights). Texts of refusals are those of
//! recorded answers.

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, Params, Reader};
use crate::world::{Account, DAY, InsightsOf};

use super::account_insight_rows::{demographics, series, totals};
use super::ig_user::instant;
use super::insight::{
    METRIC_TYPES, PERIODS, check_metrics, check_name, check_names, incompatible_breakdown, named,
};
use super::{Node, Row};

/// Every accepted name, in the order in which refusals list them.
const ACCEPTED: [&str; 28] = [
    "reach",
    "follower_count",
    "website_clicks",
    "profile_views",
    "online_followers",
    "accounts_engaged",
    "total_interactions",
    "likes",
    "comments",
    "shares",
    "saves",
    "replies",
    "engaged_audience_demographics",
    "reached_audience_demographics",
    "follower_demographics",
    "follows_and_unfollows",
    "profile_links_taps",
    "views",
    "threads_likes",
    "threads_replies",
    "reposts",
    "quotes",
    "threads_followers",
    "threads_follower_demographics",
    "content_views",
    "threads_views",
    "threads_clicks",
    "threads_reposts",
];
const BREAKDOWNS: [&str; 8] = [
    "media_product_type",
    "follow_type",
    "follower_type",
    "contact_button_type",
    "age",
    "city",
    "country",
    "gender",
];
const SERIES_ONLY: [&str; 2] = ["follower_count", "online_followers"];
const LAST_30_DAYS_ONLY: [&str; 2] = ["follower_count", "online_followers"];
const LONGEST_RANGE: i64 = 30 * DAY;

/// A checked question.
#[derive(Debug)]
pub(super) struct Question<'p> {
    pub(super) metrics: Vec<&'p str>,
    pub(super) period: &'p str,
    pub(super) total_value: bool,
    pub(super) breakdowns: Vec<&'p str>,
    pub(super) timeframe: Option<&'p str>,
    pub(super) since: i64,
    pub(super) until: i64,
}

pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    account: Account<'s>,
    params: Params<'_>,
) -> Outcome<Edge<'s>> {
    let question = question(reader, account, params)?;
    let mut rows: Vec<Row> = Vec::new();
    let is_reversed = question.since > question.until;
    for metric in question.metrics.iter().filter(|_| !is_reversed) {
        rows.extend(if metric.ends_with("_demographics") {
            demographics(reader, account, metric, &question)?
        } else if question.total_value {
            totals(account, metric, &question)
        } else {
            series(account, metric, &question)
        });
    }
    let rows = rows.into_iter().map(Node::Row).collect();
    // People are told of a timeframe: there is no window beside it.
    let is_about_people = |metric: &&str| metric.ends_with("_demographics");
    if question.metrics.iter().all(is_about_people) {
        return Ok(Edge::Rows(rows));
    }
    let span = (question.until - question.since).max(DAY);
    Ok(Edge::Windows {
        rows,
        previous: window(question.since - 1 - span, question.since - 1),
        next: window(question.until + 1, question.until + 1 + span),
    })
}

/// A neighbouring window. It never ends, and the page size is not repeated in it.
fn window(since: i64, until: i64) -> Vec<(String, String)> {
    let pairs = [
        ("since", since.to_string()),
        ("until", until.to_string()),
        ("limit", String::new()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn question<'p>(
    reader: &Reader<'_>,
    account: Account<'_>,
    params: Params<'p>,
) -> Outcome<Question<'p>> {
    let metrics = named(reader, params, "metric")?;
    if metrics.is_empty() {
        return Err(GraphError::missing_parameter("metric"));
    }
    check_metrics(reader, InsightsOf::Account, &metrics, &ACCEPTED)?;
    let Some(period) = params.get("period") else {
        return Err(GraphError::missing_parameter("period"));
    };
    check_name(Some(period), "period", &PERIODS)?;
    check_name(params.get("metric_type"), "metric_type", &METRIC_TYPES)?;
    let breakdowns = named(reader, params, "breakdown")?;
    check_names(&breakdowns, "breakdown", &BREAKDOWNS)?;
    reader.require(
        account.index(),
        &[
            "instagram_basic",
            "pages_read_engagement",
            "instagram_manage_insights",
        ],
    )?;
    let total_value = params.get("metric_type") == Some("total_value");
    check_metric_type(&metrics, period, total_value)?;
    check_period(reader, &metrics, period)?;
    check_breakdowns(reader, &metrics, &breakdowns, total_value)?;
    let (since, until) = range(reader, &metrics, params)?;
    Ok(Question {
        metrics,
        period,
        total_value,
        breakdowns,
        timeframe: params.get("timeframe"),
        since,
        until,
    })
}

fn check_metric_type(metrics: &[&str], period: &str, total_value: bool) -> Outcome<()> {
    if total_value {
        return match metrics.iter().find(|metric| SERIES_ONLY.contains(*metric)) {
            None => Ok(()),
            Some(metric) => Err(GraphError::new(
                100,
                format!(
                    "(#100) The following metric ({metric}) is incompatible with the metric type (total_value)"
                ),
            )),
        };
    }
    let needs_total = |metric: &&&str| !SERIES_ONLY.contains(*metric) && **metric != "reach";
    let refused: Vec<&str> = metrics.iter().filter(needs_total).copied().collect();
    if refused.is_empty() || period.is_empty() {
        return Ok(());
    }
    let message = format!(
        "(#100) The following metrics ({}) should be specified with parameter metric_type=total_value",
        refused.join(",")
    );
    Err(GraphError::new(100, message))
}

fn check_period(reader: &Reader<'_>, metrics: &[&str], period: &str) -> Outcome<()> {
    let longer = reader.rules().longer_periods_of_totals;
    let fits = |metric: &str| match metric {
        "reach" => matches!(period, "day" | "week" | "days_28"),
        "online_followers" => period == "lifetime",
        metric if metric.ends_with("_demographics") => period == "lifetime",
        "follower_count" => period == "day",
        _ => period == "day" || (longer && matches!(period, "week" | "days_28")),
    };
    match metrics.iter().find(|metric| !fits(metric)) {
        None => Ok(()),
        Some(metric) => Err(GraphError::new(
            100,
            format!(
                "(#100) The following periods ({period}) are incompatible with the metric ({metric})"
            ),
        )),
    }
}

fn check_breakdowns(
    reader: &Reader<'_>,
    metrics: &[&str],
    breakdowns: &[&str],
    total_value: bool,
) -> Outcome<()> {
    for metric in metrics {
        for breakdown in breakdowns {
            let fits = match *metric {
                _ if !total_value => false,
                "reach" => matches!(*breakdown, "media_product_type" | "follow_type"),
                "views" => {
                    *breakdown == "media_product_type"
                        || reader.rules().views_breakdown.as_deref() == Some(*breakdown)
                }
                "total_interactions" | "likes" | "comments" | "shares" | "saves" => {
                    *breakdown == "media_product_type"
                }
                "follows_and_unfollows" => *breakdown == "follow_type",
                "profile_links_taps" => *breakdown == "contact_button_type",
                metric if metric.ends_with("_demographics") => {
                    matches!(*breakdown, "age" | "city" | "country" | "gender")
                }
                _ => false,
            };
            if !fits {
                return Err(incompatible_breakdown(reader, breakdown, metric));
            }
        }
    }
    Ok(())
}

/// Without a range the last two days come back, as recorded; with `since` alone it ends now. No page says what becomes
/// of a range that ends before it begins.
fn range(reader: &Reader<'_>, metrics: &[&str], params: Params<'_>) -> Outcome<(i64, i64)> {
    let now = reader.now;
    let (since, until) = (instant(params, "since")?, instant(params, "until")?);
    let until_or_now = until.unwrap_or(now);
    let since = since.unwrap_or(until_or_now - 2 * DAY);
    if since > now || since < now - reader.rules().insights_retention_days * DAY {
        return Err(GraphError::new(
            100,
            "(#100) since param is not valid. Metrics data is available for the last 2 years",
        ));
    }
    if since > until_or_now && reader.rules().reversed_range_refused {
        return Err(GraphError::new(100, "Invalid parameter"));
    }
    if until_or_now - since > LONGEST_RANGE {
        return Err(GraphError::new(
            100,
            "(#100) There cannot be more than 30 days (2592000 s) between since and until",
        ));
    }
    if let Some(metric) = metrics
        .iter()
        .find(|metric| LAST_30_DAYS_ONLY.contains(*metric))
        .filter(|_| since < now - 31 * DAY)
    {
        return Err(GraphError::new(
            100,
            format!(
                "(#100) ({metric}) metric only supports querying data for the last 30 days excluding the current day"
            ),
        ));
    }
    Ok((since, until_or_now))
}
