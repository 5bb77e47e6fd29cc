//! Webhook delivery by the notifier, and webhook management by the ingress.

use super::shared_secret::shared_secret;
use super::{StartContext, failed};
use crate::settings::{Settings, millis};
use crate::tasks::ComponentError;
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::notifier::webhooks::{self, WebhookRegistry, WebhookSecrets};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::WebhookTransport;
use auction_postgres::queries::PostgresQueries;
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
pub(super) async fn start(context: &mut StartContext<'_>, wakeup: Wakeup) -> Result<(), ComponentError> {
    let webhooks = &context.settings.webhooks;
    let outbox = context.queries("webhooks", CONNECTIONS)?;
    let secrets = shared_secret(&outbox, "webhooks", context.stop, WebhookSecrets::new).await?;
    let schedule = RetrySchedule { second: millis(webhooks.schedule_second_ms.get()) };
    let config = DispatcherConfig {
        max_concurrent: webhooks.max_concurrent.get(),
        max_concurrent_per_endpoint: webhooks.max_concurrent_per_endpoint.get(),
        attempt_timeout: Duration::from_secs(webhooks.timeout_seconds.get().into()),
        poll_interval: POLL_INTERVAL.min(schedule.second * MAX_POLL_INTERVAL),
    };
    let transport = WebhookTransport::new(secrets, webhooks.url_policy(), config.attempt_timeout)
        .map_err(failed("webhooks"))?;
    let dispatcher = OutboxDispatcher::new(outbox, transport, DeliveryChannel::Webhook, config, schedule);
    context.tasks.run("webhooks", dispatcher.run(wakeup, context.supervisor("notifier webhooks")));
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
    let secrets = shared_secret(queries, "webhooks", stop, WebhookSecrets::new).await?;
    Ok(WebhookRegistry { webhooks: queries.clone(), secrets, limits })
}
