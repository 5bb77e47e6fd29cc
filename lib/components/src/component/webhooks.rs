//! Webhook delivery by the notifier, and webhook management by the ingress.

use super::failed;
use super::shared_secret::shared_secret;
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::notifier::webhooks::{self, WebhookRegistry, WebhookSecrets};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::WebhookTransport;
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// The dispatcher claims messages and stores results one after the other.
const CONNECTIONS: usize = 1;

/// Interval at which the dispatcher looks for messages whose retry is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum of that interval in seconds of the retry schedule, which tests make shorter.
const MAX_POLL_INTERVAL: u32 = 20;

/// Starts the dispatcher of the notifier.
pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    wakeup: Wakeup,
) -> Result<(), ComponentError> {
    let webhooks = &settings.webhooks;
    let outbox = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("webhooks")(error.into()))?;
    let secrets = secrets(&outbox, stop).await?;
    let schedule = RetrySchedule { second: millis(webhooks.schedule_second_ms.get()) };
    let config = DispatcherConfig {
        max_concurrent: webhooks.max_concurrent.get(),
        max_concurrent_per_endpoint: webhooks.max_concurrent_per_endpoint.get(),
        attempt_timeout: Duration::from_secs(webhooks.timeout_seconds.get().into()),
        poll_interval: POLL_INTERVAL.min(schedule.second * MAX_POLL_INTERVAL),
    };
    let transport = WebhookTransport::new(secrets, webhooks.url_policy(), config.attempt_timeout)
        .map_err(|error| failed("webhooks")(error.into()))?;
    let (health, stop) = (tasks.part("notifier webhooks"), stop.clone());
    let dispatcher = OutboxDispatcher::new(outbox, transport, DeliveryChannel::Webhook, config, schedule);
    tasks.spawn("webhooks", async move {
        dispatcher.run(wakeup, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}

/// Returns the webhook registry of the ingress.
pub(super) async fn registry(
    settings: &Settings,
    queries: &Arc<PostgresQueries>,
    stop: &ShutdownSignal,
) -> Result<WebhookRegistry, ComponentError> {
    let set = &settings.webhooks;
    let limits = webhooks::WebhookConfig {
        max_per_user: set.max_per_user.get(),
        overlap: Duration::from_secs(set.rotation_overlap_seconds.into()),
        url_policy: set.url_policy(),
    };
    let secrets = secrets(queries, stop).await?;
    Ok(WebhookRegistry { webhooks: queries.clone(), secrets, limits })
}

async fn secrets(queries: &PostgresQueries, stop: &ShutdownSignal) -> Result<WebhookSecrets, ComponentError> {
    let secret = shared_secret(queries, "webhooks", stop.clone()).await?;
    WebhookSecrets::new(&secret)
        .ok_or_else(|| failed("webhooks")("the webhook secret in the database is too short".into()))
}
