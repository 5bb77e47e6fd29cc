//! Sends commands from an ingress to the command streams.

use crate::ports::Unavailable;
use auction_wire::Command;
use std::future::Future;

/// Queue that commands are submitted to.
pub trait CommandQueue: Send + Sync {
    /// Appends a command to the stream of its channel and partition. After `Ok` the command is on disk.
    ///
    /// After an error the command may be on the stream anyway. Submitting is idempotent by command id: the
    /// same command submitted again has one effect.
    fn submit(&self, command: Command) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns the time of the clock that stamps commands. It is the reference for all decisions about time.
    fn now(&self) -> impl Future<Output = Result<auction_domain::Timestamp, Unavailable>> + Send;
}
