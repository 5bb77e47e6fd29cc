//! What an ingress knows of its callers: their tokens, and how often they may call.

use crate::connections::Connections;
use crate::settings::{ForwardedHeader, IngressSettings, Settings};
use crate::tasks::Tasks;
use auction_app::ingress::accounts::TokenCache;
use auction_app::ingress::rate_limit::RateLimiter;
use auction_app::ports::people::rate_limit_store::RateLimit;
use auction_http::address::{ForwardedBy, Proxies};
use auction_http::limits::Limits;
use auction_http::portal::wall_clock;
use auction_postgres::lookup::PostgresLookup;
use auction_redis::RedisServer;
use auction_redis::limits::RedisCounters;
use auction_redis::revocations;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use worker_runtime::shutdown::Stop;

/// How often callers may call, if they are counted.
pub(super) fn limits(settings: &Settings, connections: &Connections) -> Option<Limits<RedisCounters>> {
    let limits = &settings.limits;
    let header = match limits.forwarded_by {
        ForwardedHeader::XForwardedFor => ForwardedBy::XForwardedFor,
        ForwardedHeader::Forwarded => ForwardedBy::Forwarded,
    };
    limits.on.then(|| Limits {
        limiter: RateLimiter::new(RedisCounters::start(connections.redis_pool.clone())),
        user: RateLimit { per_second: limits.user_per_second, burst: limits.user_at_once },
        address: RateLimit { per_second: limits.address_per_second, burst: limits.address_at_once },
        proxies: Proxies { trusted: limits.trusted_proxies.clone(), header },
        peers_are_gateways: settings.ingress.trust_gateway_user_header,
    })
}

/// What is known of tokens, looked up again now and then, and told of by whoever revokes one.
pub(super) fn known_tokens(
    ingress: &IngressSettings,
    lookup: &PostgresLookup,
    redis: RedisServer,
    tasks: &mut Tasks,
    stop: &Stop,
) -> Arc<TokenCache<PostgresLookup>> {
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
