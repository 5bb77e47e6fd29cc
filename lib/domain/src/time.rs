//! Time, which is always an argument. The time of a command is the millisecond part of its stream entry id.

use std::fmt;
use std::ops::{Add, Sub};

/// Point in time: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationMs(pub u32);

impl DurationMs {
    pub const fn seconds(seconds: u32) -> DurationMs {
        DurationMs(seconds.saturating_mul(1000))
    }
}

impl Add<DurationMs> for Timestamp {
    type Output = Timestamp;
    fn add(self, by: DurationMs) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::from(by.0)))
    }
}

impl Sub<DurationMs> for Timestamp {
    type Output = Timestamp;
    fn sub(self, by: DurationMs) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::from(by.0)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
