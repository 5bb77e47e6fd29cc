//! Listening, until it is time to stop.

use crate::portal::{Portal, Ports};
use crate::routes::router;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves requests. When it is time to stop, no new connection is taken and every request that came in is
/// answered.
pub async fn serve<P: Ports>(listener: TcpListener, portal: Arc<Portal<P>>) -> std::io::Result<()> {
    let mut stop = portal.stop.clone();
    axum::serve(listener, router(portal)).with_graceful_shutdown(async move { stop.wait().await }).await
}
