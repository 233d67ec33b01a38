//! Numbers for Prometheus, in OpenMetrics' text. Everything is a gauge: each is what is so now, or what the last 24 hours came to.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::store::Severity;
use crate::sync::Status;

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What each gauge of a pool is called.
const GAUGES: [&str; 3] = ["calls", "cpu_time", "wall_time"];

type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, AtomicU64>>;

/// The text.
pub(super) fn of(status: &Status) -> String {
    let mut registry = Registry::with_prefix("igsync");
    overall(&mut registry, status);
    jobs(&mut registry, status);
    accounts(&mut registry, status);
    pools(&mut registry, status);
    credentials(&mut registry, status);
    last_day(&mut registry, status);
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

fn family(registry: &mut Registry, name: &str, help: &str) -> Numbers {
    let family = Numbers::default();
    registry.register(name, help, family.clone());
    family
}

fn seconds(registry: &mut Registry, name: &str, help: &str) -> Numbers {
    let family = Numbers::default();
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "labels are made for one call each"
)]
fn set(family: &Numbers, labels: Labels, value: f64) {
    family.get_or_create(&labels).set(value);
}

/// Whole numbers of this size are exact.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn instant(at: chrono::DateTime<chrono::Utc>) -> f64 {
    at.timestamp() as f64
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn overall(registry: &mut Registry, status: &Status) {
    let severity = family(
        registry,
        "severity",
        "How bad the worst finding is: 0 ok, 1 warning, 2 critical",
    );
    let level = match status.severity {
        Severity::Ok => 0.0,
        Severity::Warning => 1.0,
        Severity::Critical => 2.0,
    };
    set(&severity, Vec::new(), level);
    let held = family(registry, "at_work", "Whether an igsync holds the database");
    set(&held, Vec::new(), flag(status.held_by.is_some()));
}

fn jobs(registry: &mut Registry, status: &Status) {
    let started = seconds(
        registry,
        "job_last_start_timestamp",
        "When the job began last",
    );
    let next = seconds(
        registry,
        "job_next_start_timestamp",
        "When its schedule wants it next",
    );
    let running = family(registry, "job_running", "Whether it is at work");
    let overdue = family(registry, "job_overdue", "Whether it should have begun");
    let runs = family(
        registry,
        "job_runs",
        "Runs of its last start, by how they ended",
    );
    for job in &status.jobs {
        let labels = || vec![("job", job.job.clone())];
        for (family, at) in [(&started, job.started_at), (&next, job.next_at)] {
            if let Some(at) = at {
                set(family, labels(), instant(at));
            }
        }
        set(&running, labels(), flag(job.is_running));
        set(&overdue, labels(), flag(job.overdue_since.is_some()));
        for (outcome, count) in &job.outcomes {
            let mut labels = labels();
            labels.push(("outcome", outcome.clone()));
            set(&runs, labels, number(*count));
        }
    }
}

fn accounts(registry: &mut Registry, status: &Status) {
    let good = seconds(
        registry,
        "resource_last_complete_timestamp",
        "When the resource was last read to its end with nothing missing",
    );
    let gaps = family(
        registry,
        "gaps_open",
        "What is missing, by reason; what is missing of discovery and of tokens is no account's",
    );
    for account in &status.accounts {
        for resource in &account.resources {
            let labels = || {
                vec![
                    ("account", account.label().to_owned()),
                    ("resource", resource.resource.to_owned()),
                ]
            };
            if let Some(at) = resource.last_good_at {
                set(&good, labels(), instant(at));
            }
            for (reason, count) in &resource.gaps {
                let mut labels = labels();
                labels.push(("reason", reason.clone()));
                set(&gaps, labels, number(*count));
            }
        }
    }
    for gap in &status.gaps_of_no_account {
        let labels = vec![
            ("account", String::new()),
            ("resource", gap.resource.clone()),
            ("reason", gap.reason.clone()),
        ];
        set(&gaps, labels, number(gap.count));
    }
}

fn pools(registry: &mut Registry, status: &Status) {
    let used = family(
        registry,
        "pool_used_percent",
        "Estimate of what is used of Meta's allowance",
    );
    let ceiling = family(
        registry,
        "pool_ceiling_percent",
        "Up to where igsync uses the pool",
    );
    let closed = family(
        registry,
        "pool_closed",
        "Whether no call may be made to the pool",
    );
    for pool in &status.pools {
        let labels = || vec![("pool", pool.pool.clone())];
        for (name, percent) in GAUGES.iter().zip(pool.estimate) {
            let mut labels = labels();
            labels.push(("gauge", (*name).to_owned()));
            set(&used, labels, f64::from(percent));
        }
        set(&ceiling, labels(), f64::from(pool.ceiling_percent));
        set(&closed, labels(), flag(pool.closed_until.is_some()));
    }
}

fn credentials(registry: &mut Registry, status: &Status) {
    let valid = family(
        registry,
        "credential_valid",
        "Whether the token worked when it was last checked",
    );
    let days = family(
        registry,
        "credential_days_left",
        "Whole days until the token ends",
    );
    let data = family(
        registry,
        "credential_data_access_days_left",
        "Whole days until the token ceases to read",
    );
    for credential in &status.credentials {
        let labels = || vec![("credential", credential.credential.clone())];
        if let Some(checked) = &credential.checked {
            set(&valid, labels(), flag(checked.is_valid));
        }
        for (family, left) in [
            (&days, credential.days_left),
            (&data, credential.data_access_days_left),
        ] {
            if let Some(left) = left.and_then(|left| i32::try_from(left).ok()) {
                set(family, labels(), f64::from(left));
            }
        }
    }
}

fn last_day(registry: &mut Registry, status: &Status) {
    let day = &status.last_day;
    let runs = family(registry, "last_day_runs", "Runs of the last 24 hours");
    set(&runs, Vec::new(), number(day.runs));
    let calls = family(registry, "last_day_calls", "Calls of these runs");
    set(&calls, Vec::new(), number(day.calls));
    let refused = family(
        registry,
        "last_day_calls_unanswered",
        "Of these, calls without a usable answer",
    );
    set(&refused, Vec::new(), number(day.calls_refused));
    let rows = family(registry, "last_day_rows", "Rows of these runs");
    for (kind, count) in [
        ("inserted", day.rows_inserted),
        ("changed", day.rows_changed),
        ("unchanged", day.rows_unchanged),
    ] {
        set(&rows, vec![("kind", kind.to_owned())], number(count));
    }
}
