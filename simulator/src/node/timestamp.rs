//! Instants as the API writes them.

use std::fmt;

use chrono::{DateTime, Timelike};

/// Seconds since 1970, shown as `2026-05-07T13:00:34+0000`: UTC, and an offset without a colon.
pub(super) struct Timestamp(i64);

pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(seconds)
}

impl fmt::Display for Timestamp {
    /// Without a format string, which would be parsed for every object.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = DateTime::from_timestamp(self.0, 0).unwrap_or_default();
        let (day, time) = (instant.date_naive(), instant.time());
        write!(
            formatter,
            "{day}T{:02}:{:02}:{:02}+0000",
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_has_no_colon() {
        assert_eq!(
            timestamp(1_778_158_834).to_string(),
            "2026-05-07T13:00:34+0000"
        );
    }
}
