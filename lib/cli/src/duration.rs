//! Lengths of time as people write them: `10m`, `2h 30m`, `7 days`.

use jiff::{Span, SpanRelativeTo};
use std::time::Duration;
use thiserror::Error;

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a length of time; write it like 90s, 10m, 2h 30m or 7 days")]
pub(crate) struct DurationError(String);

/// Reads a length of time; a day has 24 hours.
pub(crate) fn read(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.to_owned());
    let span: Span = text.trim().parse().map_err(|_| error())?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| error())?;
    Duration::try_from(signed).map_err(|_| error())
}

/// Reads a length of time in whole seconds.
pub(crate) fn read_seconds(text: &str) -> Result<u32, DurationError> {
    let duration = read(text)?;
    match u32::try_from(duration.as_secs()) {
        Ok(seconds) if duration.subsec_nanos() == 0 => Ok(seconds),
        _ => Err(DurationError(text.to_owned())),
    }
}

/// Writes a length of time in seconds, or in minutes if it is whole ones.
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
    fn lengths_of_time_are_read_as_people_write_them() {
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
