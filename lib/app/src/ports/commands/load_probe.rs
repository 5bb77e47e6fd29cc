//! Measures the load of the command streams.

use crate::ports::Unavailable;
use std::future::Future;

/// Load of the command streams at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Commands on the streams without an outcome, delivered or not.
    pub undecided: u64,
    /// Used share of the memory that the backend of the streams may use, in percent.
    pub memory_percent: u64,
}

/// Measures the load of the command streams.
pub trait LoadProbe: Send {
    /// Returns the current load. Measuring changes nothing.
    fn sample(&mut self) -> impl Future<Output = Result<Load, Unavailable>> + Send;
}
