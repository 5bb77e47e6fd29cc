//! Secrets shared by all processes of an installation, stored in Postgres.

use super::failed;
use crate::tasks::ComponentError;
use auction_postgres::queries::PostgresQueries;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Reads a secret, and makes a key from it with `key`. Waits while Postgres is unavailable.
pub(super) async fn shared_secret<K>(
    queries: &PostgresQueries,
    name: &str,
    stop: &ShutdownSignal,
    key: impl FnOnce(&[u8]) -> Option<K>,
) -> Result<K, ComponentError> {
    let supervisor = Supervisor::without_health(format!("secret {name}"), stop.clone());
    let secret = supervisor.until_success(|| queries.secret(name)).await;
    let secret = secret.ok_or_else(|| failed(name)("stopped while waiting for Postgres"))?;
    key(&secret).ok_or_else(|| failed(name)(format!("the secret {name} in the database is too short")))
}
