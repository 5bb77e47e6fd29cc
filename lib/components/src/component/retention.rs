//! Retention: every writer process removes old data of all partitions. Repeated runs have no further effect.

use super::StartContext;
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::writer::retention::{RetentionPolicy, run_retention};
use auction_redis::retention::RedisRetention;
use std::time::Duration;

/// Retention does one step at a time.
const CONNECTIONS: usize = 1;

pub(super) fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let settings = &context.settings.retention;
    let retention = RetentionPolicy {
        commands: Duration::from_secs(settings.commands_seconds.into()),
        events: Duration::from_secs(settings.events_seconds.into()),
        outcomes: settings.outcomes(),
        deliveries: settings.deliveries(),
        pending_sign_ups: Duration::from_secs(settings.pending_sign_ups_seconds.get().into()),
        interval: millis(settings.interval_ms.get()),
    };
    let store = context.queries("retention", CONNECTIONS)?;
    let streams = RedisRetention::new(context.connections.redis.clone());
    let partitions = context.connections.partitions.all().collect();
    let supervisor = context.supervisor("retention").with_interval(retention.interval);
    context.tasks.run("retention", run_retention(streams, store, partitions, retention, supervisor));
    Ok(())
}
