//! Reads the heads of the event store.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_wire::Positions;

/// Reads the heads of all partitions. An ingress uses it when a client requests the latest state.
#[async_trait]
pub trait HeadReader: Send + Sync {
    /// Returns the newest stored position of every partition, as of one moment.
    async fn heads(&self) -> Result<Positions, Unavailable>;
}
