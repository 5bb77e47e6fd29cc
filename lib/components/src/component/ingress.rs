//! The ingress: serves the HTTP API, and receives the outcomes of commands for waiting requests.

use super::commitments::commitments;
use super::shared_secret::shared_secret;
use super::{StartContext, failed, rate_limits, webhooks};
use crate::settings::{Concurrency, IngressSettings, Settings, millis};
use crate::tasks::ComponentError;
use auction_app::ingress::accounts::Passwords;
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::{CommandGateway, HandleKey, OutcomeWaiters};
use auction_app::ingress::decision_monitor::{DecisionStatus, run_decision_monitor};
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::{LoadLimits, LoadShedder, run_load_monitor};
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::ports::backend::Backend;
use auction_http::IngressState;
use auction_postgres::notifications::PostgresInboxes;
use auction_redis::dead_letters::RedisDeadLetters;
use auction_redis::decisions::RedisDecisionProbe;
use auction_redis::event_tail::RedisTailConnector;
use auction_redis::inbox::RedisInboxCache;
use auction_redis::load::RedisLoadProbe;
use auction_redis::pubsub_messages::{self, AnnouncementHandlers};
use auction_redis::reply;
use auction_redis::revocations::RedisRevocations;
use auction_redis::stream_stats::RedisStreamStats;
use auction_redis::views::RedisReadModelReader;
use futures_util::future::join_all;
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

pub(super) async fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let StartContext { settings, connections, stop, .. } = *context;
    let (ingress, inbox_size) = (&settings.ingress, settings.notifier.inbox_size);
    // Bind first: an address in use is reported before anything else is done.
    let listener = TcpListener::bind(ingress.listen)
        .await
        .map_err(failed(&format!("listening on {} (ingress.listen)", ingress.listen)))?;
    let queries = Arc::new(context.queries("ingress", ingress.max_postgres_connections.get())?);
    let secret = shared_secret(&queries, "command_handles", stop, HandleKey::new).await?;
    let commitments = commitments(context, "ingress").await?;
    let name = format!("i{:08x}", Uuid::new_v4().as_fields().0);
    let partitions = connections.partitions;
    let queue = context.command_queue("ingress");
    let waiters = Arc::new(OutcomeWaiters::default());
    let max_clock_skew = Duration::from_secs(settings.writer.max_clock_skew_seconds);
    let (shedding, decisions) = (LoadShedder::default(), DecisionStatus::new(max_clock_skew));
    let views = Arc::new(RedisReadModelReader::new(connections.redis_pool.clone(), partitions));
    let tokens = rate_limits::token_cache(context, queries.clone());
    let passwords = Passwords::new(ingress.max_concurrent_password_hashes).map_err(failed("passwords"))?;
    let portal = Arc::new(IngressState {
        commands: CommandGateway::new(
            Arc::new(queue),
            queries.clone(),
            Arc::clone(&waiters),
            secret,
            name.clone(),
            partitions,
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
        dead_letters: Arc::new(RedisDeadLetters::new(connections.redis_pool.clone())),
        failed_outcomes: queries.clone(),
        parked_events: queries.clone(),
        auction_events: queries.clone(),
        stream_stats: Arc::new(RedisStreamStats::new(connections.redis.clone())),
        heads: queries.clone(),
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
        decisions: decisions.clone(),
        health: context.tasks.health().clone(),
        shutdown: stop.clone(),
    });
    run_monitors(context, shedding, decisions);
    serve(context, listener, portal, name, waiters);
    Ok(())
}

/// Starts the tasks that observe the backlog, and whether commands are decided.
fn run_monitors(context: &mut StartContext<'_>, shedding: LoadShedder, decisions: DecisionStatus) {
    let StartContext { settings, connections, .. } = *context;
    let ingress = &settings.ingress;
    let probe = RedisLoadProbe::new(connections.redis.clone(), connections.partitions);
    let (limits, supervisor) = (load_limits(ingress), context.supervisor("ingress load"));
    context.tasks.run("load monitor", run_load_monitor(probe, limits, shedding, supervisor));
    let leased = settings.writer.concurrency == Concurrency::Leased;
    let probe = RedisDecisionProbe::new(connections.redis.clone(), connections.partitions, leased);
    let supervisor = context.supervisor("ingress decisions");
    context.tasks.run("decision monitor", run_decision_monitor(probe, decisions, supervisor));
}

/// Starts the HTTP server and the background tasks of the ingress.
fn serve(
    context: &mut StartContext<'_>,
    listener: TcpListener,
    portal: Arc<IngressState>,
    name: String,
    waiters: Arc<OutcomeWaiters>,
) {
    let StartContext { connections, ref mut tasks, stop, .. } = *context;
    let (redis, partitions) = (&connections.redis, connections.partitions);
    // Outcomes are received until the last request is answered.
    let (server_done, until) = shutdown_pair();
    let handlers = AnnouncementHandlers {
        waiters: Arc::clone(&waiters),
        inbox_signals: Arc::clone(&portal.inbox_signals),
    };
    let supervisor = tasks.supervisor("ingress announcements", &until);
    tasks.run("announcements", pubsub_messages::listen(redis.clone(), partitions, handlers, supervisor));
    let supervisor = tasks.supervisor("ingress replies", &until);
    tasks.run("replies", reply::receive(redis.clone(), partitions, name, waiters, supervisor));
    let reads = Arc::clone(&portal);
    let supervisor = tasks.supervisor("ingress read model positions", &until);
    tasks.run("read model positions", async move {
        reads.consistency.run(&*reads.views, &*reads.heads, supervisor).await;
    });
    let (live, tails) = (Arc::clone(&portal), RedisTailConnector::new(redis.clone(), partitions));
    let supervisor = tasks.supervisor("ingress live updates", stop);
    tasks.run("live updates", async move {
        live.live_updates.run(&*live.auction_events, &tails, supervisor).await;
    });
    let (health, checked, until) = (tasks.health().clone(), Arc::clone(&portal), stop.clone());
    tasks.run("backend checks", async move { check_backends(&checked.backends, &health, until).await });
    tasks.spawn("ingress", async move {
        let served = auction_http::serve(listener, portal).await;
        server_done.stop();
        served
    });
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
        max_undecided: Some(ingress.max_undecided_seconds)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into())),
        outcome_retention: settings.retention.outcomes(),
        cors_origins: ingress.cors_origins.clone(),
    }
}

fn load_limits(ingress: &IngressSettings) -> LoadLimits {
    LoadLimits {
        undecided: ingress.max_command_backlog.get().into(),
        memory_percent: ingress.max_redis_memory_percent.get().into(),
    }
}

/// Checks the backends periodically. The `/readyz` of the admin address then shows the result of the public
/// `/readyz`, with the reason.
async fn check_backends(backends: &[Arc<dyn Backend>], health: &Health, stop: ShutdownSignal) {
    let register = |backend: &Arc<dyn Backend>| health.register(format!("ingress {}", backend.name()));
    let handles: Vec<HealthHandle> = backends.iter().map(register).collect();
    // Each by itself: a backend that does not answer must not delay the check of another one.
    let checks = backends.iter().zip(&handles).map(async |(backend, handle)| {
        let mut stop = stop.clone();
        while !stop.requested() {
            match backend.ping().await {
                Ok(()) => handle.set_up(),
                Err(error) => handle.set_waiting(error),
            }
            stop.sleep(BACKEND_CHECK_INTERVAL).await;
        }
    });
    join_all(checks).await;
}
