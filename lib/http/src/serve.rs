//! Listening, until it is time to stop.

use crate::portal::{Portal, Ports};
use crate::routes::router;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long open connections may take to finish when it is time to stop. Requests that wait for an outcome
/// are answered well before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves requests. When it is time to stop, no new connection is taken and every request that came in is
/// answered; a connection that sends half a request does not hold it up for ever.
pub async fn serve<P: Ports>(listener: TcpListener, portal: Arc<Portal<P>>) -> std::io::Result<()> {
    let (mut stop, mut patience) = (portal.stop.clone(), portal.stop.clone());
    let served =
        axum::serve(listener, router(portal)).with_graceful_shutdown(async move { stop.wait().await });
    tokio::select! {
        served = served => served,
        () = async { patience.wait().await; tokio::time::sleep(PATIENCE).await } => {
            tracing::warn!("closing connections whose request never came whole");
            Ok(())
        }
    }
}
