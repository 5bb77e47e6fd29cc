//! The notifier: creates the notifications of users, and delivers them by webhook and e-mail.

use super::leased::{self, ConsumerSpec, LeasedTask, consumer_work};
use super::{StartContext, email, webhooks};
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::notifier::outbox::Wakeup;
use auction_app::notifier::{InboxPlacer, Notifier, NotifierConfig, PlacementSignals, PlacerConfig};
use auction_postgres::notifications::PostgresNotificationConnector;
use auction_postgres::placement::PostgresPlacements;
use auction_redis::inbox::RedisInboxCache;
use auction_redis::placement_signals::{self, RedisPlacementAnnouncer};
use auction_wire::PartitionCount;
use std::time::Duration;
use stream_worker::leases::WorkEnd;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Postgres connections of the placers of all partitions.
pub(crate) const PLACER_CONNECTIONS: usize = 4;

/// Number of groups of notifications that are placed in one transaction.
const PLACER_BATCH: usize = 400;

/// Notifiers of all partitions commit in each interval, one after the other. The placers of their users gather
/// what is committed within this part of it.
const LINGER_PART: u32 = 2;

/// Signals wake the placers. The interval only bounds the delay if one was lost.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

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
    let PlacerParts { partitions, placements, inboxes, wakeups } = placer_parts(context)?;
    webhooks::start(context, wakeups.0.clone()).await?;
    email::start(context, wakeups.1.clone())?;
    let signals = PlacementSignals::default();
    let supervisor = context.supervisor("notifier announcements");
    let listening = placement_signals::listen(connections.redis.clone(), signals.clone(), supervisor);
    context.tasks.run("notifier announcements", listening);

    let announcer = RedisPlacementAnnouncer::new(connections.redis_pool.clone());
    let stored = PostgresNotificationConnector::new(&connections.stores, partitions);
    let config = NotifierConfig {
        interval: millis(notifier.interval_ms),
        batch: notifier.max_batch,
        auctions: notifier.auction_cache_size,
        partitions,
    };
    let mut consume = consumer_work(context, &spec, move |partition| {
        Notifier::new(stored.clone(), announcer.clone(), partition, config)
    })?;
    let placer_config = PlacerConfig {
        batch: PLACER_BATCH,
        linger: config.interval / LINGER_PART,
        check_interval: CHECK_INTERVAL,
    };
    let health = context.tasks.health().clone();
    let work = Box::new(move |partition, stop: ShutdownSignal| -> LeasedTask {
        let mut consumer = consume(partition, stop.clone());
        let supervisor = Supervisor::new(health.register(format!("notifier inboxes {partition}")), stop)
            .with_interval(CHECK_INTERVAL);
        let sink = (inboxes.clone(), wakeups.clone());
        let placer = InboxPlacer::new(placements.clone(), sink, partition, placer_config);
        let placing = placer.run(signals.of(partition), supervisor);
        Box::pin(async move {
            tokio::pin!(placing);
            let end = tokio::select! {
                end = &mut consumer => end?,
                () = &mut placing => return consumer.await,
            };
            // At a hand-over, the successor repeats what the placer has begun.
            if let WorkEnd::Done = end {
                placing.await;
            }
            Ok(end)
        })
    });
    leased::start(context, "notifier", notifier.lease_seconds, work);
    Ok(())
}

/// What the placers of all partitions share.
struct PlacerParts {
    partitions: PartitionCount,
    placements: PostgresPlacements,
    inboxes: RedisInboxCache,
    wakeups: (Wakeup, Wakeup),
}

fn placer_parts(context: &StartContext<'_>) -> Result<PlacerParts, ComponentError> {
    let StartContext { settings, connections, .. } = *context;
    let (partitions, inbox_size) = (connections.partitions, settings.notifier.inbox_size);
    let queries = context.queries("notifier inboxes", PLACER_CONNECTIONS)?;
    let placements = PostgresPlacements::new(queries, partitions, inbox_size, &email::kinds(&settings.email));
    let inboxes = RedisInboxCache::new(connections.redis_pool.clone(), partitions, inbox_size);
    Ok(PlacerParts { partitions, placements, inboxes, wakeups: Default::default() })
}
