//! Secrets that all processes of a portal share.

use super::failed;
use crate::tasks::RoleError;
use auction_postgres::queries::PostgresQueries;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// Reads one; waits while the database is away.
pub(super) async fn shared_secret(
    lookup: &PostgresQueries,
    name: &str,
    mut stop: ShutdownSignal,
) -> Result<Vec<u8>, RoleError> {
    let mut retry = Retry::default();
    loop {
        match lookup.secret(name).await {
            Ok(secret) => return Ok(secret),
            Err(error) if stop.requested() => return Err(failed(name)(error.into())),
            Err(error) => {
                let wait = retry.next_wait();
                tracing::warn!(%error, ?wait, secret = name, "waiting for a secret");
                stop.sleep(wait).await;
            }
        }
    }
}
