//! The ingress: takes requests, and receives outcomes for those that wait.

use super::commitments::promises;
use super::shared_secret::shared_secret;
use super::webhooks;
use super::{failed, rate_limits};
use crate::connections::Connections;
use crate::settings::{IngressSettings, Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::ingress::accounts::Passwords;
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::{CommandGateway, HandleKey, OutcomeWaiters};
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::{self, LoadLimits, LoadShedder};
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::ports::Unavailable;
use auction_http::{IngressState, OperatorPorts, Ports};
use auction_postgres::notifications::PostgresInboxes;
use auction_postgres::queries::PostgresQueries;
use auction_redis::RedisServer;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::dead_letters::RedisDeadLetters;
use auction_redis::event_tail::RedisTailConnector;
use auction_redis::inbox::RedisInboxCache;
use auction_redis::load::RedisLoadProbe;
use auction_redis::pubsub_messages::{self, AnnouncementHandlers};
use auction_redis::rate_limit::RedisRateLimitStore;
use auction_redis::reply;
use auction_redis::revocations::RedisRevocations;
use auction_redis::stream_stats::RedisStreamStats;
use auction_redis::views::RedisViews;
use auction_wire::PartitionCount;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;
use worker_runtime::health::{Health, HealthHandle};
use worker_runtime::shutdown::{ShutdownSignal, shutdown_pair};

/// How often the ingress asks its servers whether they are there.
const LOOK_AT_SERVERS: Duration = Duration::from_secs(1);

/// So many pages of lists are kept for a moment.
const LISTS: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// So many auctions are kept for a moment.
const AUCTIONS: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// How long an auction is shown as the store told it, while its view cannot be read.
const TOLD_KEPT: Duration = Duration::from_secs(1);

/// The real servers.
struct Servers {
    lookup: PostgresQueries,
    views: RedisViews,
}

impl Ports for Servers {
    type Queue = RedisCommandQueue;
    type Outcomes = PostgresQueries;
    type Views = RedisViews;
    type AuctionEvents = PostgresQueries;
    type Subscribers = PostgresQueries;
    type StoredInboxes = PostgresInboxes;
    type InboxCopies = RedisInboxCache;
    type Webhooks = PostgresQueries;
    type DeadLetters = RedisDeadLetters;
    type Failures = PostgresQueries;
    type ParkedEvents = PostgresQueries;
    type Progress = RedisStreamStats;
    type Heads = PostgresQueries;
    type Accounts = PostgresQueries;
    type Tokens = PostgresQueries;
    type Revocations = RedisRevocations;
    type Counters = RedisRateLimitStore;

    async fn check(&self) -> Vec<(&'static str, Result<(), Unavailable>)> {
        vec![("redis", self.views.ping().await), ("postgres", self.lookup.ping().await)]
    }
}

pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), RoleError> {
    let ingress = &settings.ingress;
    // First of all: an address in use should show before anything else is done.
    let listener = TcpListener::bind(ingress.listen)
        .await
        .map_err(|error| failed(&format!("listening at {}", ingress.listen))(error.into()))?;
    let lookup = PostgresQueries::new(&connections.stores, ingress.postgres_connections.get())
        .map_err(|error| failed("ingress")(error.into()))?;
    let secret = HandleKey::new(&shared_secret(&lookup, "command_handles", stop.clone()).await?)
        .ok_or_else(|| failed("ingress")("the secret of command handles is too short".into()))?;
    let promises = promises(settings, connections, tasks, stop).await?;
    let name = format!("i{:08x}", Uuid::new_v4().as_fields().0);
    let (redis, partitions) = (connections.redis.clone(), connections.partitions);
    let queue = RedisCommandQueue::start(redis.clone(), partitions, connections.redis_pool.clone());
    let waiters = Arc::new(OutcomeWaiters::default());
    let shedding = LoadShedder::default();
    let views = RedisViews::new(connections.redis_pool.clone(), partitions);
    let tokens = rate_limits::known_tokens(ingress, &lookup, redis.clone(), tasks, stop);
    let passwords =
        Passwords::new(ingress.password_hashes).map_err(|error| failed("passwords")(error.into()))?;
    let portal = Arc::new(IngressState {
        accept: CommandGateway::new(
            queue,
            lookup.clone(),
            Arc::clone(&waiters),
            secret,
            name.clone(),
            stop.clone(),
        ),
        views: views.clone(),
        freshness: Arc::new(ConsistencyWaiter::new(partitions)),
        lists: CoalescingCache::new(LISTS, millis(ingress.list_kept_ms)),
        auctions: CoalescingCache::new(AUCTIONS, millis(ingress.auction_kept_ms)),
        from_store: AuctionHistoryReader::new(lookup.clone(), ingress.store_reads),
        told: CoalescingCache::new(LISTS, TOLD_KEPT),
        live: BroadcastHub::new(ingress.live_listeners.get(), millis(ingress.live_gather_ms)),
        bells: Arc::new(InboxSignals::default()),
        subscribers: lookup.clone(),
        inbox: InboxReader::new(
            PostgresInboxes::new(lookup.clone(), settings.notifier.inbox_keeps),
            RedisInboxCache::new(connections.redis_pool.clone(), partitions, settings.notifier.inbox_keeps),
        ),
        webhooks: webhooks::desk(settings, &lookup, stop).await?,
        desk: desk(connections, &lookup),
        accounts: lookup.clone(),
        passwords,
        tokens,
        revocations: RedisRevocations::new(connections.redis_pool.clone()),
        limits: rate_limits::limits(settings, connections),
        promises,
        ports: Servers { lookup, views },
        partitions,
        settings: behaviour(settings),
        shedding: shedding.clone(),
        health: tasks.health().clone(),
        stop: stop.clone(),
    });
    watch_load(RedisLoadProbe::new(redis.clone(), partitions), limits(ingress), shedding, tasks, stop);
    serve(listener, portal, redis, name, waiters, tasks, stop);
    Ok(())
}

/// Serves requests, and all that runs beside that.
fn serve(
    listener: TcpListener,
    portal: Arc<IngressState<Servers>>,
    redis: RedisServer,
    name: String,
    waiters: Arc<OutcomeWaiters>,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) {
    let partitions = portal.partitions;
    // Outcomes are received until the last request is answered.
    let (answered, all_answered) = shutdown_pair();
    let audience = AnnouncementHandlers { waiters, bells: Arc::clone(&portal.bells) };
    receive(redis.clone(), partitions, name, audience, tasks, &all_answered);
    let (reads, until) = (Arc::clone(&portal), all_answered.clone());
    tasks.spawn("looking at the views", async move {
        reads.freshness.run(&reads.views, &reads.ports.lookup, until).await;
        Ok::<(), Infallible>(())
    });
    let (hall, tails, until) =
        (Arc::clone(&portal), RedisTailConnector::new(redis.clone(), partitions), stop.clone());
    let health = tasks.part("ingress listeners");
    tasks.spawn("telling listeners", async move {
        hall.live.run(&hall.ports.lookup, &tails, &health, until).await;
        Ok::<(), Infallible>(())
    });
    let (health, looked_at, until) = (tasks.health().clone(), Arc::clone(&portal), stop.clone());
    tasks.spawn("looking at the servers", async move {
        look_at_servers(&looked_at.ports, &health, until).await;
        Ok::<(), Infallible>(())
    });
    tasks.spawn("ingress", async move {
        let served = auction_http::serve(listener, portal).await;
        answered.stop();
        served
    });
}

/// What operators work on.
fn desk(connections: &Connections, lookup: &PostgresQueries) -> OperatorPorts<Servers> {
    OperatorPorts {
        letters: RedisDeadLetters::new(connections.redis_pool.clone()),
        failures: lookup.clone(),
        parked: lookup.clone(),
        events: lookup.clone(),
        progress: RedisStreamStats::new(connections.redis.client().clone()),
        heads: lookup.clone(),
    }
}

/// How it behaves, as operators have set it.
fn behaviour(settings: &Settings) -> auction_http::Settings {
    let ingress = &settings.ingress;
    auction_http::Settings {
        trust_gateway_user_header: ingress.trust_gateway_user_header,
        session: Duration::from_secs(3600 * u64::from(ingress.session_hours.get())),
        longest_wait: Duration::from_secs(ingress.longest_wait_seconds.into()),
        longest_read_wait: millis(ingress.longest_read_wait_ms),
        deadline: Duration::from_secs(ingress.deadline_seconds.get().into()),
        head_within: Duration::from_secs(ingress.head_seconds.get().into()),
        write_within: Duration::from_secs(ingress.write_seconds.get().into()),
        body_within: Duration::from_secs(ingress.body_seconds.get().into()),
        outcomes_kept: settings.retention.outcomes(),
        cors_origins: ingress.cors_origins.clone(),
    }
}

/// Outcomes for our own requests, and what is announced to all.
fn receive(
    redis: RedisServer,
    partitions: PartitionCount,
    name: String,
    audience: AnnouncementHandlers,
    tasks: &mut Tasks,
    until: &ShutdownSignal,
) {
    let waiters = Arc::clone(&audience.waiters);
    let health = tasks.part("ingress announcements");
    let (announcing, audience, stop) = (redis.clone(), audience, until.clone());
    tasks.spawn("announcements", async move {
        pubsub_messages::listen(announcing, partitions, audience, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    let (health, stop) = (tasks.part("ingress replies"), until.clone());
    tasks.spawn("replies", async move {
        reply::receive(redis, partitions, name, waiters, &health, stop).await;
        Ok::<(), Infallible>(())
    });
}

fn watch_load(
    pressures: RedisLoadProbe,
    limits: LoadLimits,
    shedding: LoadShedder,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) {
    let (health, until) = (tasks.part("ingress load"), stop.clone());
    tasks.spawn("looking at the load", async move {
        load_shedding::run_load_monitor(pressures, limits, shedding, &health, until).await;
        Ok::<(), Infallible>(())
    });
}

fn limits(ingress: &IngressSettings) -> LoadLimits {
    LoadLimits {
        undecided: ingress.most_undecided.get().into(),
        memory_percent: ingress.most_redis_memory_percent.get().into(),
    }
}

/// Asks the servers now and then, so that operators are told what `/readyz` tells the public, and why.
async fn look_at_servers(servers: &Servers, health: &Health, mut stop: ShutdownSignal) {
    let mut parts: BTreeMap<&'static str, (HealthHandle, u32)> = BTreeMap::new();
    while !stop.requested() {
        for (server, answer) in servers.check().await {
            let (part, attempts) =
                parts.entry(server).or_insert_with(|| (health.register(format!("ingress {server}")), 0));
            match answer {
                Ok(()) => {
                    *attempts = 0;
                    part.set_up();
                }
                Err(error) => {
                    *attempts = attempts.saturating_add(1);
                    part.set_waiting(error, *attempts);
                }
            }
        }
        stop.sleep(LOOK_AT_SERVERS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_who_may_do_what_is_what_the_sources_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/who-may-do-what.md");
        let page = auction_http::routes::who_may_do_what::<Servers>();
        if std::env::var("UPDATE_WHO_MAY").is_ok_and(|update| update == "1") {
            std::fs::write(path, &page).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page,
            "docs/who-may-do-what.md is stale: set UPDATE_WHO_MAY=1, and look at what changes"
        );
    }
}
