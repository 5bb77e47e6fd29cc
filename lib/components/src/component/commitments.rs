//! What ingress and promoter share: the secret of draws, and the promoter's options as they are now.

use super::failed;
use super::shared_secret::shared_secret;
use crate::connections::Connections;
use crate::settings::Settings;
use crate::tasks::{RoleError, Tasks};
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawSecret, run_refresh};
use auction_app::writer::aggregate_cache::LoadError;
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::sync::Arc;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// Reads the secret and the options, and sees to it that changes of the options are learnt.
pub(super) async fn promises(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<DrawCommitments, RoleError> {
    let lookup =
        PostgresQueries::new(&connections.stores, 1).map_err(|error| failed("draws")(error.into()))?;
    let secret = DrawSecret::new(&shared_secret(&lookup, "draws", stop.clone()).await?)
        .ok_or_else(|| failed("draws")("the secret of draws is too short".into()))?;
    let options = settings.promoter.options().map_err(|error| failed("draws")(error.into()))?;
    let current = Arc::new(CurrentOptions::new(options));
    first_refresh(connections, &current, stop.clone()).await?;
    let (kept, stores, stop) = (Arc::clone(&current), connections.stores.clone(), stop.clone());
    tasks.spawn("settings of the promoter", async move {
        run_refresh(&stores, &kept, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(DrawCommitments::new(secret, current))
}

/// Nothing is promised or drawn by options that an operator replaced long ago.
async fn first_refresh(
    connections: &Connections,
    current: &CurrentOptions,
    mut stop: ShutdownSignal,
) -> Result<(), RoleError> {
    let mut retry = Retry::default();
    loop {
        let refreshed = async { current.refresh(&mut connections.stores.open().await?).await };
        match refreshed.await {
            Ok(()) => return Ok(()),
            Err(LoadError::Unavailable(error)) if !stop.requested() => {
                let wait = retry.next_wait();
                tracing::warn!(%error, ?wait, "waiting for the settings of the promoter");
                stop.sleep(wait).await;
            }
            Err(error) => return Err(failed("draws")(error.into())),
        }
    }
}
