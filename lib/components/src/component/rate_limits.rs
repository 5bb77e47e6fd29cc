//! Rate limits and the token cache of an ingress.

use super::StartContext;
use crate::connections::Connections;
use crate::settings::Settings;
use auction_app::ingress::accounts::TokenCache;
use auction_app::ingress::rate_limit::RateLimiter;
use auction_app::ports::people::rate_limit_store::RateLimit;
use auction_http::address_limits::AddressLimit;
use auction_http::client_ip::TrustedProxies;
use auction_http::rate_limits::RateLimits;
use auction_http::state::wall_clock;
use auction_postgres::queries::PostgresQueries;
use auction_redis::rate_limit::RedisRateLimitStore;
use auction_redis::revocations;
use std::sync::Arc;
use std::time::Duration;

/// Returns the rate limits, unless they are disabled.
pub(super) fn limits(settings: &Settings, connections: &Connections) -> Option<RateLimits> {
    let limits = &settings.rate_limits;
    limits.enabled.then(|| RateLimits {
        limiter: RateLimiter::new(Arc::new(RedisRateLimitStore::start(connections.redis_pool.clone()))),
        user: RateLimit { per_second: limits.user_rate, burst: limits.user_burst },
        address: RateLimit { per_second: limits.ip_rate, burst: limits.ip_burst },
        connections: AddressLimit::new(limits.max_connections_per_ip),
        live_streams: AddressLimit::new(limits.max_live_streams_per_ip),
        proxies: TrustedProxies { trusted: limits.trusted_proxies.clone(), header: limits.forwarded_header },
        peers_are_gateways: settings.ingress.trust_gateway_user_header,
    })
}

/// Returns the token cache, and starts the tasks that revalidate its tokens and receive revocations.
pub(super) fn token_cache(context: &mut StartContext<'_>, queries: Arc<PostgresQueries>) -> Arc<TokenCache> {
    let ingress = &context.settings.ingress;
    let interval = Duration::from_secs(ingress.token_revalidate_seconds.get().into());
    let tokens = Arc::new(TokenCache::new(queries, ingress.token_cache_size.get(), interval));
    let (cache, supervisor) = (Arc::clone(&tokens), context.supervisor("ingress token revalidation"));
    context.tasks.run("token revalidation", async move { cache.run_refresh(wall_clock, supervisor).await });
    let (cache, redis) = (Arc::clone(&tokens), context.connections.redis.clone());
    let supervisor = context.supervisor("ingress revocations");
    context.tasks.run("revocations", async move { revocations::listen(redis, &cache, supervisor).await });
    tokens
}
