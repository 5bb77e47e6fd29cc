//! How far the event store is.

use crate::ports::Unavailable;
use auction_wire::Positions;
use std::future::Future;

/// Asked by an ingress whose client wants the latest.
pub trait HeadReader: Send + Sync {
    /// The newest position of every partition, all of one moment.
    fn heads(&self) -> impl Future<Output = Result<Positions, Unavailable>> + Send;
}
