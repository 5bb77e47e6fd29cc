//! The notifier: follows its share of the partitions and tells users what concerns them.

use super::leased::{ConsumerSpec, run_consumers};
use super::{email, webhooks};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::notifier::outbox::Wakeup;
use auction_app::notifier::{Notifier, NotifierConfig};
use auction_postgres::notifications::PostgresNotificationConnector;
use auction_redis::inbox::RedisInboxCache;
use worker_runtime::shutdown::ShutdownSignal;

pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), RoleError> {
    let notifier = &settings.notifier;
    let service = ConsumerSpec {
        name: "notifier",
        lease_seconds: notifier.lease_seconds,
        batch: notifier.batch,
        read_block: millis(notifier.read_block_ms),
        // It has an interval of its own.
        gather: millis(0),
    };
    let stored = PostgresNotificationConnector::new(
        &connections.stores,
        notifier.inbox_keeps,
        &email::kinds(&settings.email),
    );
    let inboxes =
        RedisInboxCache::new(connections.redis_pool.clone(), connections.partitions, notifier.inbox_keeps);
    let limits = NotifierConfig {
        interval: millis(notifier.interval_ms),
        batch: notifier.batch,
        auctions: notifier.cached_auctions,
    };
    let bells = (Wakeup::default(), Wakeup::default());
    webhooks::start(settings, connections, tasks, stop, bells.0.clone()).await?;
    email::start(settings, connections, tasks, stop, bells.1.clone())?;
    run_consumers(&service, connections, tasks, stop, move |partition| {
        Notifier::new(stored.clone(), (inboxes.clone(), bells.clone()), partition, limits)
    })
}
