//! Secrets shared by all processes of an installation, stored in Postgres.

use super::failed;
use crate::tasks::ComponentError;
use auction_postgres::queries::PostgresQueries;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// Reads a secret. Waits while Postgres is unavailable.
pub(super) async fn shared_secret(
    queries: &PostgresQueries,
    name: &str,
    mut stop: ShutdownSignal,
) -> Result<Vec<u8>, ComponentError> {
    let mut retry = Retry::default();
    loop {
        match queries.secret(name).await {
            Ok(secret) => return Ok(secret),
            Err(error) if stop.requested() => return Err(failed(name)(error.into())),
            Err(error) => {
                let wait = retry.next_wait();
                tracing::warn!(%error, ?wait, secret = name, "waiting for a secret: Postgres unavailable");
                stop.sleep(wait).await;
            }
        }
    }
}
