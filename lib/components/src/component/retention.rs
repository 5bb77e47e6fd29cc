//! Retention: every writer process removes old data of all partitions. Repeated runs have no further effect.

use super::failed;
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::writer::retention::{RetentionPolicy, run_retention};
use auction_postgres::queries::PostgresQueries;
use auction_redis::retention::RedisRetention;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// Retention does one step at a time.
const CONNECTIONS: usize = 1;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), ComponentError> {
    let retention = RetentionPolicy {
        commands: Duration::from_secs(settings.retention.commands_seconds.into()),
        events: Duration::from_secs(settings.retention.events_seconds.into()),
        outcomes: settings.retention.outcomes(),
        deliveries: settings.retention.deliveries(),
        pending_sign_ups: Duration::from_secs(settings.retention.pending_sign_ups_seconds.get().into()),
        interval: millis(settings.retention.interval_ms.get()),
    };
    let store = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("retention")(error.into()))?;
    let streams = RedisRetention::new(connections.redis.clone());
    let partitions = connections.partitions.all().collect();
    let (health, stop) = (tasks.health().register("retention"), stop.clone());
    tasks.spawn("retention", async move {
        run_retention(streams, store, partitions, retention, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
