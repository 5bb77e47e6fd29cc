//! The way of a command from an ingress to the streams.

use crate::ports::Unavailable;
use auction_wire::Command;
use std::future::Future;

/// Takes commands.
pub trait CommandQueue: Send + Sync {
    /// Puts a command on the stream of its channel and partition. When this returns `Ok`, it is on disk.
    /// After an error it may be there all the same; sent again with the same id it has one effect.
    fn submit(&self, command: Command) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The clock that decides: that of the server that stamps the commands, in milliseconds since 1970.
    fn now(&self) -> impl Future<Output = Result<auction_domain::Timestamp, Unavailable>> + Send;
}
