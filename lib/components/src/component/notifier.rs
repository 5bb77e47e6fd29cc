//! The notifier: creates the notifications of users, and delivers them by webhook and e-mail.

use super::StartContext;
use super::leased::{ConsumerSpec, run_consumers};
use super::{email, webhooks};
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::notifier::outbox::Wakeup;
use auction_app::notifier::{Notifier, NotifierConfig};
use auction_postgres::notifications::PostgresNotificationConnector;
use auction_redis::inbox::RedisInboxCache;

pub(super) async fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let StartContext { settings, connections, .. } = *context;
    let notifier = &settings.notifier;
    let spec = ConsumerSpec {
        name: "notifier",
        lease_seconds: notifier.lease_seconds,
        max_batch: notifier.max_batch,
        read_block: millis(notifier.read_block_ms),
        // The notifier waits for `interval_ms` instead.
        linger: millis(0),
        batch_interval: millis(notifier.interval_ms),
    };
    let stored = PostgresNotificationConnector::new(
        &connections.stores,
        notifier.inbox_size,
        &email::kinds(&settings.email),
    );
    let inboxes =
        RedisInboxCache::new(connections.redis_pool.clone(), connections.partitions, notifier.inbox_size);
    let config = NotifierConfig {
        interval: millis(notifier.interval_ms),
        batch: notifier.max_batch,
        auctions: notifier.auction_cache_size,
    };
    let wakeups = (Wakeup::default(), Wakeup::default());
    webhooks::start(context, wakeups.0.clone()).await?;
    email::start(context, wakeups.1.clone())?;
    run_consumers(context, &spec, move |partition| {
        Notifier::new(stored.clone(), (inboxes.clone(), wakeups.clone()), partition, config)
    })
}
