//! Times in JSON: RFC 3339 in UTC with milliseconds, such as `2026-11-22T18:30:00.000Z`.

use auction_domain::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error as ThisError;
use utoipa::ToSchema;

/// Point in time in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct JsonTime(pub Timestamp);

/// Error for a text that is not an RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{0:?} is not a time such as 2026-11-22T18:30:00Z")]
pub struct TimeError(pub String);

/// Parses an RFC 3339 time, truncated to milliseconds.
pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
    let time: jiff::Timestamp = text.parse().map_err(|_| TimeError(text.to_owned()))?;
    Ok(Timestamp(time.as_millisecond()))
}

/// Formats a time as RFC 3339. A time after the year 9999 is formatted as the end of that year.
pub fn format(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

impl From<Timestamp> for JsonTime {
    fn from(time: Timestamp) -> JsonTime {
        JsonTime(time)
    }
}

impl Serialize for JsonTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(self.0))
    }
}

impl<'de> Deserialize<'de> for JsonTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(JsonTime).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were_written() {
        let time = Timestamp(1_795_372_200_123);
        assert_eq!(format(time), "2026-11-22T18:30:00.123Z");
        assert_eq!(parse(&format(time)), Ok(time));
        assert_eq!(parse("2026-11-22T19:30:00.123+01:00"), Ok(time));
        assert!(parse("tomorrow").is_err());
    }
}
