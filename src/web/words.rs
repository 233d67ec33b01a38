//! How numbers, times and reasons are written on the page.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use crate::clock::instant_text;

/// A reason of `sync_gaps` as people write it.
pub(super) fn words(reason: &str) -> String {
    reason.replace('_', " ")
}

/// A message, in which what stands between backticks is to be typed.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An instant, to the minute.
pub(super) fn time(at: DateTime<Utc>) -> Markup {
    html! { time.at datetime=(instant_text(at)) { (at.format("%Y-%m-%d %H:%M")) } }
}

/// How long ago something was.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let shown = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(instant_text(at)) title=(shown) { (span(now - at)) " ago" } }
}

/// How long until something, and when.
pub(super) fn ahead(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    html! { "in " (span(at - now)) ", " (time(at)) }
}

/// How long ago something was, if ever.
pub(super) fn maybe_ago(at: Option<DateTime<Utc>>, now: DateTime<Utc>, never: &str) -> Markup {
    html! { @match at { Some(at) => { (ago(at, now)) } None => { (never) } } }
}

/// As people say it: one unit is enough.
fn span(time: TimeDelta) -> String {
    match time.num_minutes().max(0) {
        0 => "less than a minute".to_owned(),
        minutes @ 1..=119 => format!("{minutes} min"),
        minutes @ 120..=2_879 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / (24 * 60)),
    }
}

/// When a token ends.
pub(super) fn days(left: Option<i64>, inspected: bool) -> Markup {
    html! {
        @match left {
            None if inspected => { "never" }
            None => { "not known" }
            Some(left) if left < 0 => { span.chip.refused { "over" } }
            Some(left) if left < 14 => { span.chip.suspended { "in " (left) " days" } }
            Some(left) => { "in " (left) " days" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_is_shown_so_and_stays_text() {
        let shown = prose("run `a<b>` now").into_string();
        assert_eq!(shown, "run <code>a&lt;b&gt;</code> now");
        assert_eq!(prose("plain").into_string(), "plain");
    }

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        let said = |seconds| span(TimeDelta::seconds(seconds));
        assert_eq!(said(-5), "less than a minute");
        assert_eq!(said(59), "less than a minute");
        assert_eq!(said(7_199), "119 min");
        assert_eq!(said(7_200), "2 h");
        assert_eq!(said(3 * 24 * 3600), "3 days");
    }
}
