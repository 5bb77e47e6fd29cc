//! What an ingress knows of its callers: their tokens, and how often they may call.

use crate::connections::Connections;
use crate::settings::{IngressSettings, Settings};
use crate::tasks::Tasks;
use auction_app::ingress::accounts::TokenCache;
use auction_app::ingress::rate_limit::RateLimiter;
use auction_app::ports::people::rate_limit_store::RateLimit;
use auction_http::client_ip::TrustedProxies;
use auction_http::rate_limits::RateLimits;
use auction_http::state::wall_clock;
use auction_postgres::queries::PostgresQueries;
use auction_redis::RedisServer;
use auction_redis::rate_limit::RedisRateLimitStore;
use auction_redis::revocations;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// How often callers may call, if they are counted.
pub(super) fn limits(
    settings: &Settings,
    connections: &Connections,
) -> Option<RateLimits<RedisRateLimitStore>> {
    let limits = &settings.limits;
    limits.on.then(|| RateLimits {
        limiter: RateLimiter::new(RedisRateLimitStore::start(connections.redis_pool.clone())),
        user: RateLimit { per_second: limits.user_per_second, burst: limits.user_at_once },
        address: RateLimit { per_second: limits.address_per_second, burst: limits.address_at_once },
        proxies: TrustedProxies { trusted: limits.trusted_proxies.clone(), header: limits.forwarded_by },
        peers_are_gateways: settings.ingress.trust_gateway_user_header,
    })
}

/// What is known of tokens, looked up again now and then, and told of by whoever revokes one.
pub(super) fn known_tokens(
    ingress: &IngressSettings,
    lookup: &PostgresQueries,
    redis: RedisServer,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Arc<TokenCache<PostgresQueries>> {
    let every = Duration::from_secs(ingress.token_recheck_seconds.get().into());
    let tokens = Arc::new(TokenCache::new(lookup.clone(), ingress.known_tokens.get(), every));
    let (known, until) = (Arc::clone(&tokens), stop.clone());
    tasks.spawn("looking at tokens again", async move {
        known.run_refresh(wall_clock, until).await;
        Ok::<(), Infallible>(())
    });
    let (known, health, until) = (Arc::clone(&tokens), tasks.part("ingress revocations"), stop.clone());
    tasks.spawn("revocations", async move {
        revocations::listen(redis, &known, &health, until).await;
        Ok::<(), Infallible>(())
    });
    tokens
}
