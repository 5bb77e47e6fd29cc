//! Reads the heads of the event store.

use crate::ports::Unavailable;
use auction_wire::Positions;
use std::future::Future;

/// Reads the heads of all partitions. An ingress uses it when a client requests the latest state.
pub trait HeadReader: Send + Sync {
    /// Returns the newest stored position of every partition, as of one moment.
    fn heads(&self) -> impl Future<Output = Result<Positions, Unavailable>> + Send;
}
