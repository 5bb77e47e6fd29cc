//! Durations as text: `10m`, `2h 30m`, `7 days`.

use jiff::{Span, SpanRelativeTo};
use std::time::Duration;
use thiserror::Error;

/// Error: a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a duration such as 90s, 10m, 2h 30m or 7 days")]
pub(crate) struct DurationError(String);

/// Parses a duration. A day has 24 hours.
pub(crate) fn read(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.to_owned());
    let span: Span = text.trim().parse().map_err(|_| error())?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| error())?;
    Duration::try_from(signed).map_err(|_| error())
}

/// Parses a duration of whole seconds.
pub(crate) fn read_seconds(text: &str) -> Result<u32, DurationError> {
    let duration = read(text)?;
    match u32::try_from(duration.as_secs()) {
        Ok(seconds) if duration.subsec_nanos() == 0 => Ok(seconds),
        _ => Err(DurationError(text.to_owned())),
    }
}

/// Formats a duration in seconds, or in minutes if they are whole.
pub(crate) fn show(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_from_common_notations() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("2h 30m", 9_000),
            ("2h30m", 9_000),
            ("7 days", 604_800),
            ("1d", 86_400),
        ] {
            assert_eq!(read_seconds(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "10", "soon", "-5m", "1 month"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
