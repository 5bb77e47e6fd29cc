//! What users are told by HTTP: notifiers send it, the ingress is told where.

use super::failed;
use super::shared_secret::shared_secret;
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::notifier::webhooks::{self, WebhookRegistry, WebhookSecrets};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::WebhookTransport;
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// Claiming and noting take turns.
const CONNECTIONS: usize = 1;

/// What is due again is found within so long, or sooner if the schedule is shorter.
const LOOK: Duration = Duration::from_secs(1);

/// Looks are at most so many seconds of the schedule apart.
const LOOKS_APART: u32 = 20;

/// Sends what is due.
pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    bell: Wakeup,
) -> Result<(), RoleError> {
    let set = &settings.webhooks;
    let outbox = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("webhooks")(error.into()))?;
    let secrets = secrets(&outbox, stop).await?;
    let schedule = RetrySchedule { second: millis(set.schedule_second_ms.get()) };
    let limits = DispatcherConfig {
        at_once: set.at_once.get(),
        per_endpoint: set.per_endpoint.get(),
        attempt: Duration::from_secs(set.timeout_seconds.get().into()),
        look: LOOK.min(schedule.second * LOOKS_APART),
    };
    let courier = WebhookTransport::new(secrets, set.reach(), limits.attempt)
        .map_err(|error| failed("webhooks")(error.into()))?;
    let (health, stop) = (tasks.part("notifier webhooks"), stop.clone());
    let sender = OutboxDispatcher::new(outbox, courier, DeliveryChannel::Webhook, limits, schedule);
    tasks.spawn("webhooks", async move {
        sender.run(bell, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}

/// Where users say where.
pub(super) async fn desk(
    settings: &Settings,
    lookup: &PostgresQueries,
    stop: &ShutdownSignal,
) -> Result<WebhookRegistry<PostgresQueries>, RoleError> {
    let set = &settings.webhooks;
    let limits = webhooks::WebhookConfig {
        each: set.each.get(),
        overlap: Duration::from_secs(set.rotation_overlap_seconds.into()),
        reach: set.reach(),
    };
    Ok(WebhookRegistry::new(lookup.clone(), secrets(lookup, stop).await?, limits))
}

async fn secrets(lookup: &PostgresQueries, stop: &ShutdownSignal) -> Result<WebhookSecrets, RoleError> {
    let secret = shared_secret(lookup, "webhooks", stop.clone()).await?;
    WebhookSecrets::new(&secret)
        .ok_or_else(|| failed("webhooks")("the secret of webhooks is too short".into()))
}
