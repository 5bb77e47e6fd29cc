//! Checks whether a backend is available.

use crate::ports::Unavailable;
use async_trait::async_trait;

/// Backend that an ingress needs.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Returns the name of the backend, as `/readyz` shows it.
    fn name(&self) -> &'static str;

    /// Sends a request without effect, and returns whether the backend answered it.
    async fn ping(&self) -> Result<(), Unavailable>;
}
