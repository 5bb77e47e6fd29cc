//! The ingress: serves the HTTP API, and receives the outcomes of commands for waiting requests.

use super::commitments::commitments;
use super::shared_secret::shared_secret;
use super::webhooks;
use super::{failed, rate_limits};
use crate::connections::Connections;
use crate::settings::{IngressSettings, Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::ingress::accounts::Passwords;
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::{CommandGateway, HandleKey, OutcomeWaiters};
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::{self, LoadLimits, LoadShedder};
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::ports::backend::Backend;
use auction_http::{IngressState, OperatorPorts};
use auction_postgres::notifications::PostgresInboxes;
use auction_postgres::queries::PostgresQueries;
use auction_redis::RedisServer;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::dead_letters::RedisDeadLetters;
use auction_redis::event_tail::RedisTailConnector;
use auction_redis::inbox::RedisInboxCache;
use auction_redis::load::RedisLoadProbe;
use auction_redis::pubsub_messages::{self, AnnouncementHandlers};
use auction_redis::reply;
use auction_redis::revocations::RedisRevocations;
use auction_redis::stream_stats::RedisStreamStats;
use auction_redis::views::RedisReadModelReader;
use auction_wire::PartitionCount;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;
use worker_runtime::health::{Health, HealthHandle};
use worker_runtime::shutdown::{ShutdownSignal, shutdown_pair};

/// Interval of the health checks of Redis and Postgres.
const BACKEND_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of cached pages of auction lists.
const CACHED_LISTS: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// Maximum number of cached auctions.
const CACHED_AUCTIONS: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// How long an auction read from Postgres is cached while its read model is unavailable.
const FALLBACK_CACHE: Duration = Duration::from_secs(1);

pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), ComponentError> {
    let (ingress, inbox_size) = (&settings.ingress, settings.notifier.inbox_size);
    // Bind first: an address in use is reported before anything else is done.
    let listener = TcpListener::bind(ingress.listen).await.map_err(|error| {
        failed(&format!("listening on {} (ingress.listen)", ingress.listen))(error.into())
    })?;
    let queries = PostgresQueries::new(&connections.stores, ingress.max_postgres_connections.get());
    let queries = Arc::new(queries.map_err(|error| failed("ingress")(error.into()))?);
    let secret = HandleKey::new(&shared_secret(&queries, "command_handles", stop.clone()).await?)
        .ok_or_else(|| {
            failed("ingress")("the secret of command handles in the database is too short".into())
        })?;
    let commitments = commitments(settings, connections, tasks, stop).await?;
    let name = format!("i{:08x}", Uuid::new_v4().as_fields().0);
    let (redis, partitions) = (connections.redis.clone(), connections.partitions);
    let queue = RedisCommandQueue::start(redis.clone(), partitions, connections.redis_pool.clone());
    let waiters = Arc::new(OutcomeWaiters::default());
    let shedding = LoadShedder::default();
    let views = Arc::new(RedisReadModelReader::new(connections.redis_pool.clone(), partitions));
    let tokens = rate_limits::token_cache(ingress, queries.clone(), redis.clone(), tasks, stop);
    let passwords = Passwords::new(ingress.max_concurrent_password_hashes)
        .map_err(|error| failed("passwords")(error.into()))?;
    let portal = Arc::new(IngressState {
        commands: CommandGateway::new(
            Arc::new(queue),
            queries.clone(),
            Arc::clone(&waiters),
            secret,
            name.clone(),
            stop.clone(),
        ),
        views: views.clone(),
        consistency: Arc::new(ConsistencyWaiter::new(partitions)),
        list_cache: CoalescingCache::new(CACHED_LISTS, millis(ingress.list_cache_ms)),
        auction_cache: CoalescingCache::new(CACHED_AUCTIONS, millis(ingress.auction_cache_ms)),
        auction_history: AuctionHistoryReader::new(queries.clone(), ingress.max_concurrent_history_reads),
        fallback_cache: CoalescingCache::new(CACHED_LISTS, FALLBACK_CACHE),
        live_updates: BroadcastHub::new(ingress.max_live_subscribers.get(), millis(ingress.live_flush_ms)),
        inbox_signals: Arc::new(InboxSignals::default()),
        preferences: queries.clone(),
        inbox: InboxReader {
            store: Arc::new(PostgresInboxes::new((*queries).clone(), inbox_size)),
            cache: Arc::new(RedisInboxCache::new(connections.redis_pool.clone(), partitions, inbox_size)),
        },
        webhooks: webhooks::registry(settings, &queries, stop).await?,
        operator: operator_ports(connections, &queries),
        accounts: queries.clone(),
        passwords,
        tokens,
        revocations: Arc::new(RedisRevocations::new(connections.redis_pool.clone())),
        rate_limits: rate_limits::limits(settings, connections),
        commitments,
        backends: vec![views, queries.clone()],
        partitions,
        settings: http_settings(settings),
        load_shedder: shedding.clone(),
        health: tasks.health().clone(),
        shutdown: stop.clone(),
    });
    monitor_load(RedisLoadProbe::new(redis.clone(), partitions), load_limits(ingress), shedding, tasks, stop);
    serve(listener, portal, redis, name, waiters, tasks, stop);
    Ok(())
}

/// Starts the HTTP server and the background tasks of the ingress.
fn serve(
    listener: TcpListener,
    portal: Arc<IngressState>,
    redis: RedisServer,
    name: String,
    waiters: Arc<OutcomeWaiters>,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) {
    let partitions = portal.partitions;
    // Outcomes are received until the last request is answered.
    let (server_done, until_server_done) = shutdown_pair();
    let handlers = AnnouncementHandlers { waiters, inbox_signals: Arc::clone(&portal.inbox_signals) };
    receive_outcomes(redis.clone(), partitions, name, handlers, tasks, &until_server_done);
    let (reads, until) = (Arc::clone(&portal), until_server_done.clone());
    tasks.spawn("read model positions", async move {
        reads.consistency.run(&*reads.views, &*reads.operator.heads, until).await;
        Ok::<(), Infallible>(())
    });
    let (live, tails, until) =
        (Arc::clone(&portal), RedisTailConnector::new(redis.clone(), partitions), stop.clone());
    let health = tasks.part("ingress live updates");
    tasks.spawn("live updates", async move {
        live.live_updates.run(&*live.operator.auction_events, &tails, &health, until).await;
        Ok::<(), Infallible>(())
    });
    let (health, checked, until) = (tasks.health().clone(), Arc::clone(&portal), stop.clone());
    tasks.spawn("backend checks", async move {
        check_backends(&checked.backends, &health, until).await;
        Ok::<(), Infallible>(())
    });
    tasks.spawn("ingress", async move {
        let served = auction_http::serve(listener, portal).await;
        server_done.stop();
        served
    });
}

fn operator_ports(connections: &Connections, queries: &Arc<PostgresQueries>) -> OperatorPorts {
    OperatorPorts {
        dead_letters: Arc::new(RedisDeadLetters::new(connections.redis_pool.clone())),
        failed_outcomes: queries.clone(),
        parked_events: queries.clone(),
        auction_events: queries.clone(),
        stream_stats: Arc::new(RedisStreamStats::new(connections.redis.client().clone())),
        heads: queries.clone(),
    }
}

fn http_settings(settings: &Settings) -> auction_http::Settings {
    let ingress = &settings.ingress;
    auction_http::Settings {
        trust_gateway_user_header: ingress.trust_gateway_user_header,
        session_ttl: Duration::from_secs(3600 * u64::from(ingress.session_ttl_hours.get())),
        max_wait: Duration::from_secs(ingress.max_wait_seconds.into()),
        max_read_wait: millis(ingress.max_read_wait_ms),
        request_timeout: Duration::from_secs(ingress.request_timeout_seconds.get().into()),
        header_timeout: Duration::from_secs(ingress.header_timeout_seconds.get().into()),
        write_timeout: Duration::from_secs(ingress.write_timeout_seconds.get().into()),
        body_timeout: Duration::from_secs(ingress.body_timeout_seconds.get().into()),
        outcome_retention: settings.retention.outcomes(),
        cors_origins: ingress.cors_origins.clone(),
    }
}

/// Starts the tasks that receive the outcomes sent to this process, and the announcements sent to all.
fn receive_outcomes(
    redis: RedisServer,
    partitions: PartitionCount,
    name: String,
    handlers: AnnouncementHandlers,
    tasks: &mut Tasks,
    until: &ShutdownSignal,
) {
    let waiters = Arc::clone(&handlers.waiters);
    let (health, server, stop) = (tasks.part("ingress announcements"), redis.clone(), until.clone());
    tasks.spawn("announcements", async move {
        pubsub_messages::listen(server, partitions, handlers, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    let (health, stop) = (tasks.part("ingress replies"), until.clone());
    tasks.spawn("replies", async move {
        reply::receive(redis, partitions, name, waiters, &health, stop).await;
        Ok::<(), Infallible>(())
    });
}

fn monitor_load(
    probe: RedisLoadProbe,
    limits: LoadLimits,
    shedding: LoadShedder,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) {
    let (health, until) = (tasks.part("ingress load"), stop.clone());
    tasks.spawn("load monitor", async move {
        load_shedding::run_load_monitor(probe, limits, shedding, &health, until).await;
        Ok::<(), Infallible>(())
    });
}

fn load_limits(ingress: &IngressSettings) -> LoadLimits {
    LoadLimits {
        undecided: ingress.max_command_backlog.get().into(),
        memory_percent: ingress.max_redis_memory_percent.get().into(),
    }
}

/// Checks the backends periodically. The `/readyz` of the admin address then shows the result of the public
/// `/readyz`, with the reason.
async fn check_backends(backends: &[Arc<dyn Backend>], health: &Health, mut stop: ShutdownSignal) {
    let register = |backend: &Arc<dyn Backend>| health.register(format!("ingress {}", backend.name()));
    let mut checks: Vec<(HealthHandle, u32)> = backends.iter().map(|one| (register(one), 0)).collect();
    while !stop.requested() {
        for (backend, (handle, attempts)) in backends.iter().zip(&mut checks) {
            match backend.ping().await {
                Ok(()) => {
                    *attempts = 0;
                    handle.set_up();
                }
                Err(error) => {
                    *attempts = attempts.saturating_add(1);
                    handle.set_waiting(error, *attempts);
                }
            }
        }
        stop.sleep(BACKEND_CHECK_INTERVAL).await;
    }
}
