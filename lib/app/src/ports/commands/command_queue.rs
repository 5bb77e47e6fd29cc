//! Sends commands from an ingress to the command streams.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_wire::Command;

/// Queue that commands are submitted to.
#[async_trait]
pub trait CommandQueue: Send + Sync {
    /// Appends a command to the stream of its channel and partition. After `Ok` the command is on disk.
    ///
    /// After an error the command may be on the stream anyway. Submitting is idempotent by command id: the
    /// same command submitted again has one effect.
    async fn submit(&self, command: Command) -> Result<(), Unavailable>;

    /// Returns the time of the clock that stamps commands. It is the reference for all decisions about time.
    async fn now(&self) -> Result<auction_domain::Timestamp, Unavailable>;
}
