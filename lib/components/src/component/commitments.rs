//! Draw commitments, used by ingress and promoter: the draw secret, and the draw options in force.

use super::failed;
use super::shared_secret::shared_secret;
use crate::connections::Connections;
use crate::settings::Settings;
use crate::tasks::{ComponentError, Tasks};
use auction_app::consume::stored_events::LoadError;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawSecret, run_refresh};
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::sync::Arc;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// Reads the secret and the options, and starts a task that keeps the options up to date.
pub(super) async fn commitments(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<DrawCommitments, ComponentError> {
    let queries =
        PostgresQueries::new(&connections.stores, 1).map_err(|error| failed("draws")(error.into()))?;
    let secret = DrawSecret::new(&shared_secret(&queries, "draws", stop.clone()).await?)
        .ok_or_else(|| failed("draws")("the draw secret in the database is too short".into()))?;
    let options = settings.promoter.options().map_err(|error| failed("draws")(error.into()))?;
    let current = Arc::new(CurrentOptions::new(options));
    first_refresh(connections, &current, stop.clone()).await?;
    let (refreshed, stores, stop) = (Arc::clone(&current), connections.stores.clone(), stop.clone());
    tasks.spawn("draw options", async move {
        run_refresh(&stores, &refreshed, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(DrawCommitments::new(secret, current))
}

/// Waits for the options in the store, so that no auction or draw uses options that an operator has replaced.
async fn first_refresh(
    connections: &Connections,
    current: &CurrentOptions,
    mut stop: ShutdownSignal,
) -> Result<(), ComponentError> {
    let mut retry = Retry::default();
    loop {
        let refreshed = async { current.refresh(&mut connections.stores.open().await?).await };
        match refreshed.await {
            Ok(()) => return Ok(()),
            Err(LoadError::Unavailable(error)) if !stop.requested() => {
                let wait = retry.next_wait();
                tracing::warn!(%error, ?wait, "waiting for the draw options: Postgres unavailable");
                stop.sleep(wait).await;
            }
            Err(error) => return Err(failed("draws")(error.into())),
        }
    }
}
