//! Who calls too often is told to wait: 429. How it stands is said with every answer that is counted, by `RateLimit` and
//! `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use crate::access::{AuthMethod, Principal};
use crate::client_ip::{TrustedProxies, rate_limit_network};
use crate::problem::Problem;
use crate::problem::types::requests;
use auction_app::ingress::rate_limit::{RateLimitDecision, RateLimitKeys, RateLimitStatus, RateLimiter};
use auction_app::ports::people::rate_limit_store::{RateLimit, RateLimitKey, RateLimitStore};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// How often somebody may call.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How often he still may.
pub const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// How often callers may call, and how they are told apart.
pub struct RateLimits<C> {
    /// Who counts.
    pub limiter: RateLimiter<C>,
    /// Of a user.
    pub user: RateLimit,
    /// Of an address.
    pub address: RateLimit,
    /// Who says whose address it is.
    pub proxies: TrustedProxies,
    /// Whether every peer is a gateway: then its own address is nobody's.
    pub peers_are_gateways: bool,
}

impl<C: RateLimitStore> RateLimits<C> {
    /// Whom a request is counted for. `who` is nobody where nobody knows yet who it is.
    pub(crate) fn counted(&self, who: &Principal, request: &Request) -> RateLimitKeys {
        if let AuthMethod::ApiKey { key, per_second: Some(per_second) } = who.by {
            let limit = RateLimit { per_second, burst: per_second };
            return [Some((RateLimitKey::Service(key), limit)), None];
        }
        let user = who.user.map(|user| (RateLimitKey::User(user), self.user));
        [user, self.address_of(request)]
    }

    fn address_of(&self, request: &Request) -> Option<(RateLimitKey, RateLimit)> {
        if self.peers_are_gateways && self.proxies.trusted.is_empty() {
            return None;
        }
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        let client = self.proxies.client(peer.ip(), request.headers());
        Some((RateLimitKey::Address(rate_limit_network(client)), self.address))
    }

    /// Whether it may go on, at such a cost.
    pub(crate) async fn check(&self, counted: &RateLimitKeys, cost: NonZeroU32) -> RateLimitDecision {
        match self.limiter.check_local(counted, cost.get()) {
            Some(verdict) => verdict,
            None => self.limiter.check(counted, cost.get()).await,
        }
    }
}

/// The problem of a request that is refused.
pub(crate) fn refused(standing: &[Option<RateLimitStatus>; 2], retry_after: Duration) -> Problem {
    // Whose limit it was: the one with less left.
    let tightest = standing.iter().flatten().max_by_key(|standing| {
        let room = standing.limit.burst_window();
        standing.reset.as_micros() * 1000 / room.as_micros().max(1)
    });
    let problem = Problem::of(&requests::TOO_MANY_REQUESTS)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds(retry_after).max(1)));
    match tightest {
        None => problem,
        Some(RateLimitStatus { limit, .. }) => {
            problem.with("at_once", limit.burst.get()).with("per_second", limit.per_second.get())
        }
    }
}

/// Says with an answer how it stands.
pub(crate) fn write_headers(headers: &mut HeaderMap, standing: &[Option<RateLimitStatus>; 2]) {
    let (mut policy, mut stands) = (String::new(), String::new());
    for RateLimitStatus { whose, limit, remaining, reset } in standing.iter().flatten() {
        let name = match whose {
            RateLimitKey::User(_) => "user",
            RateLimitKey::Service(_) => "service",
            RateLimitKey::Address(_) => "address",
        };
        let comma = if policy.is_empty() { "" } else { ", " };
        let window = seconds(limit.burst_window()).max(1);
        policy.push_str(&format!("{comma}\"{name}\";q={};w={window}", limit.burst));
        stands.push_str(&format!("{comma}\"{name}\";r={remaining};t={}", seconds(*reset)));
    }
    for (name, value) in [(POLICY, policy), (STANDING, stands)] {
        // It is ASCII.
        if let Ok(value) = HeaderValue::try_from(value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

/// Rounded up.
fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::UserId;
    use uuid::Uuid;

    fn standing(whose: RateLimitKey, remaining: u32, reset_ms: u64) -> Option<RateLimitStatus> {
        let (per_second, burst) = (NonZeroU32::new(50).unwrap(), NonZeroU32::new(500).unwrap());
        let limit = RateLimit { per_second, burst };
        Some(RateLimitStatus { whose, limit, remaining, reset: Duration::from_millis(reset_ms) })
    }

    #[test]
    fn how_it_stands_is_said_as_the_draft_has_it() {
        let mut headers = HeaderMap::new();
        let user = standing(RateLimitKey::User(UserId(Uuid::nil())), 499, 20);
        let address = standing(RateLimitKey::Address([203, 0, 113, 5].into()), 0, 10_000);
        write_headers(&mut headers, &[user, address]);
        assert_eq!(headers[&POLICY], "\"user\";q=500;w=10, \"address\";q=500;w=10");
        assert_eq!(headers[&STANDING], "\"user\";r=499;t=1, \"address\";r=0;t=10");
        let mut headers = HeaderMap::new();
        write_headers(&mut headers, &[None, None]);
        assert!(headers.is_empty());
    }
}
