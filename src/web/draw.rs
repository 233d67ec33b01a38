//! Small pictures as SVG, each with its words: a gauge, and a line of the last day.

use maud::{Markup, html};

/// A gauge up to 100 percent, with the mark up to where igsync uses it.
pub(super) fn gauge(name: &str, percent: f32, ceiling: u8) -> Markup {
    let shown = percent.clamp(0.0, 100.0);
    let level = match percent {
        percent if percent >= 100.0 => "full",
        percent if percent >= f32::from(ceiling) => "high",
        _ => "fine",
    };
    html! {
        div.gauge {
            span.name { (name) }
            svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img"
                aria-label=(format!("{name}: {percent:.0} percent used, igsync stops at {ceiling}")) {
                rect.track width="100" height="8" {}
                rect class=(level) width=(format!("{shown:.1}")) height="8" {}
                line.ceiling x1=(ceiling) x2=(ceiling) y1="0" y2="8" {}
            }
            span.number { (format!("{percent:.0}")) " %" }
        }
    }
}

/// Calls hour by hour, oldest first.
pub(super) fn day(hours: &[u64]) -> Markup {
    const HEIGHT: u64 = 28;
    let most = hours.iter().copied().max().unwrap_or(0);
    let all: u64 = hours.iter().sum();
    let points: Vec<String> = (0u64..)
        .zip(hours)
        .map(|(at, calls)| {
            let y = HEIGHT - calls * (HEIGHT - 2) / most.max(1) - 1;
            format!("{},{y}", at * 10)
        })
        .collect();
    let width = points.len().saturating_sub(1) * 10;
    let words = if all == 0 {
        "no calls in the last 24 hours".to_owned()
    } else {
        format!("{all} calls in the last 24 hours, at most {most} an hour")
    };
    html! {
        figure.day {
            @if all > 0 {
                svg viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                    polygon points=(format!("0,{HEIGHT} {} {width},{HEIGHT}", points.join(" "))) {}
                    polyline points=(points.join(" ")) {}
                }
            }
            figcaption { (words) }
        }
    }
}
