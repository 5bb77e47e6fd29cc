//! How much is on its way.

use crate::ports::Unavailable;
use std::future::Future;

/// A look at what lies between accepting and deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Commands on their streams that are not decided yet, delivered or not.
    pub undecided: u64,
    /// Of the memory that the streams' server may use, so many percent are used.
    pub memory_percent: u64,
}

/// Looks at the streams' server.
pub trait LoadProbe: Send {
    /// How much there is now.
    fn sample(&mut self) -> impl Future<Output = Result<Load, Unavailable>> + Send;
}
