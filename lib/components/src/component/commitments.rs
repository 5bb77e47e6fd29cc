//! Draw commitments, used by ingress and promoter: the draw secret, and the draw options in force.

use super::shared_secret::shared_secret;
use super::{StartContext, failed};
use crate::tasks::ComponentError;
use auction_app::consume::stored_events::LoadError;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawSecret, run_refresh};
use std::sync::Arc;

/// Reads the secret and the options, and starts a task that keeps the options up to date.
pub(super) async fn commitments(
    context: &mut StartContext<'_>,
    component: &str,
) -> Result<DrawCommitments, ComponentError> {
    let queries = context.queries("draws", 1)?;
    let secret = shared_secret(&queries, "draws", context.stop, DrawSecret::new).await?;
    let options = context.settings.promoter.options().map_err(failed("draws"))?;
    let current = Arc::new(CurrentOptions::new(options));
    let supervisor = context.supervisor(&format!("{component} draw options"));
    let stores = context.connections.stores.clone();
    // Waits for the options in the store, so that no auction or draw uses options that an operator has
    // replaced.
    let first_refresh = supervisor.until_success(async || {
        let refreshed = async { current.refresh(&mut stores.open().await?).await };
        match refreshed.await {
            Err(LoadError::Unavailable(error)) => Err(error),
            result => Ok(result),
        }
    });
    let refreshed = first_refresh.await;
    let refreshed = refreshed.ok_or_else(|| failed("draws")("stopped while waiting for Postgres"))?;
    refreshed.map_err(failed("draws"))?;
    let refreshing = Arc::clone(&current);
    context.tasks.run("draw options", async move { run_refresh(&stores, &refreshing, supervisor).await });
    Ok(DrawCommitments::new(secret, current))
}
