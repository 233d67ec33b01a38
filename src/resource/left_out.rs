//! Marks of readings that leave out metrics which the API refuses: they may come back, and are then asked for where they are missing. Pure.

use super::question::Facts;

const WITHOUT: &str = "without ";

/// Stands between what a mark says.
pub(super) const AND: &str = "; ";

/// A mark that names the metrics which were wanted and not asked for.
pub(super) fn mark(wanted: &[&str], asked: &[&str]) -> String {
    let left_out = wanted.iter().filter(|metric| !asked.contains(metric));
    let left_out: Vec<&str> = left_out.copied().collect();
    format!("{WITHOUT}{}", left_out.join(","))
}

/// Which of these metrics were left out when a subject was last read, as its mark says.
pub(super) fn of(facts: &Facts, subject: &str, metrics: &[&'static str]) -> Vec<&'static str> {
    let read = facts.reads.get(subject).filter(|read| !read.closed);
    let mark = read.and_then(|read| read.mark.as_deref());
    let names = mark.and_then(|mark| mark.split(AND).find_map(|part| part.strip_prefix(WITHOUT)));
    let names: Vec<&str> = names.unwrap_or_default().split(',').collect();
    let metrics = metrics.iter().filter(|metric| names.contains(metric));
    metrics.copied().collect()
}
