//! Keeping house: every writer does it, for all partitions. What one of them has done is done.

use super::failed;
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::writer::retention::{RetentionPolicy, run_retention};
use auction_postgres::queries::PostgresQueries;
use auction_redis::retention::RedisRetention;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// One step at a time.
const CONNECTIONS: usize = 1;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), RoleError> {
    let retention = RetentionPolicy {
        commands: Duration::from_secs(settings.retention.commands_seconds.into()),
        events: Duration::from_secs(settings.retention.events_seconds.into()),
        outcomes: settings.retention.outcomes(),
        deliveries: settings.retention.deliveries(),
        sign_ups: Duration::from_secs(settings.retention.sign_ups_seconds.get().into()),
        every: millis(settings.retention.every_ms.get()),
    };
    let store = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("housekeeping")(error.into()))?;
    let streams = RedisRetention::new(connections.redis.clone());
    let partitions = connections.partitions.all().collect();
    let (health, stop) = (tasks.health().register("housekeeping"), stop.clone());
    tasks.spawn("housekeeping", async move {
        run_retention(streams, store, partitions, retention, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
