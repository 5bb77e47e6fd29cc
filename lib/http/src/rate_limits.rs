//! Rate limiting by user, API key and IP address. Over the limit, requests are answered with 429 and
//! `Retry-After`. Every counted response has the headers `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10).

use crate::access::{AuthMethod, Principal};
use crate::address_limits::{AddressLimit, AddressPermit};
use crate::client_ip::{TrustedProxies, rate_limit_network};
use crate::problem::Problem;
use crate::problem::types::requests;
use auction_app::ingress::rate_limit::{RateLimitDecision, RateLimitKeys, RateLimitStatus, RateLimiter};
use auction_app::ports::people::rate_limit_store::{RateLimit, RateLimitKey};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Header with the limits that apply to the caller.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Header with the remaining requests of the caller.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Error: an address has its maximum number of connections.
pub(crate) struct TooManyConnections;

/// Rate limits, and how requests are assigned to them.
pub struct RateLimits {
    pub limiter: RateLimiter,
    /// Limit of each user.
    pub user: RateLimit,
    /// Limit of each IP address.
    pub address: RateLimit,
    /// Limit of the connections of each IP address.
    pub connections: AddressLimit,
    /// Limit of the live streams of each IP address.
    pub live_streams: AddressLimit,
    /// Proxies that are trusted to report the IP address of the client.
    pub proxies: TrustedProxies,
    /// Whether every peer is a gateway, so that its IP address does not identify a client.
    pub peers_are_gateways: bool,
}

impl RateLimits {
    /// Returns the limits that a request counts against: that of its API key, or those of its user and IP
    /// address.
    pub(crate) fn keys(&self, caller: &Principal, request: &Request) -> RateLimitKeys {
        if let AuthMethod::ApiKey { key, per_second: Some(per_second) } = caller.auth_method {
            let limit = RateLimit { per_second, burst: per_second };
            return [Some((RateLimitKey::Service(key), limit)), None];
        }
        let user = caller.user.map(|user| (RateLimitKey::User(user), self.user));
        [user, self.address_key(request)]
    }

    fn address_key(&self, request: &Request) -> Option<(RateLimitKey, RateLimit)> {
        let client = self.client(request.extensions(), request.headers())?;
        Some((RateLimitKey::Address(rate_limit_network(client)), self.address))
    }

    /// Returns the address of the client; none if only a gateway knows it.
    fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        if self.peers_are_gateways && self.proxies.trusted.is_empty() {
            return None;
        }
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(self.proxies.client(peer.ip(), headers))
    }

    /// Counts a connection. Those of proxies and gateways carry the requests of many clients and are not
    /// limited.
    ///
    /// # Errors
    ///
    /// Returns an error if the address has its maximum number of connections.
    pub(crate) fn count_connection(&self, peer: IpAddr) -> Result<Option<AddressPermit>, TooManyConnections> {
        let peer = peer.to_canonical();
        let is_gateway = self.peers_are_gateways && self.proxies.trusted.is_empty();
        if is_gateway || self.proxies.trusts(peer) {
            return Ok(None);
        }
        self.connections.acquire(peer).map(Some).ok_or(TooManyConnections)
    }

    /// Counts a live stream of the client of a request.
    ///
    /// # Errors
    ///
    /// Returns a problem if the address has its maximum number of live streams.
    pub(crate) fn count_live_stream(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<Option<AddressPermit>, Problem> {
        let Some(client) = self.client(extensions, headers) else { return Ok(None) };
        let too_many = || {
            Problem::of(&requests::TOO_MANY_LISTENERS)
                .with("limit", self.live_streams.max())
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        };
        self.live_streams.acquire(client).map(Some).ok_or_else(too_many)
    }

    /// Counts a request against its limits. `cost` is the number of requests it counts as.
    pub(crate) async fn check(&self, keys: &RateLimitKeys, cost: NonZeroU32) -> RateLimitDecision {
        match self.limiter.check_local(keys, cost.get()) {
            Some(decision) => decision,
            None => self.limiter.check(keys, cost.get()).await,
        }
    }
}

/// Returns the problem of a request over its limit.
pub(crate) fn too_many_requests(statuses: &[Option<RateLimitStatus>; 2], retry_after: Duration) -> Problem {
    // Reports the limit with the smaller remaining share.
    let tightest = statuses.iter().flatten().max_by_key(|status| {
        let window = status.limit.burst_window();
        status.reset.as_micros() * 1000 / window.as_micros().max(1)
    });
    let problem = Problem::of(&requests::TOO_MANY_REQUESTS)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds(retry_after).max(1)));
    match tightest {
        None => problem,
        Some(RateLimitStatus { limit, .. }) => {
            problem.with("burst", limit.burst.get()).with("per_second", limit.per_second.get())
        }
    }
}

/// Adds `RateLimit-Policy` and `RateLimit` to a response.
pub(crate) fn write_headers(headers: &mut HeaderMap, statuses: &[Option<RateLimitStatus>; 2]) {
    let (mut policy, mut remaining_list) = (String::new(), String::new());
    for RateLimitStatus { key, limit, remaining, reset } in statuses.iter().flatten() {
        let name = match key {
            RateLimitKey::User(_) => "user",
            RateLimitKey::Service(_) => "service",
            RateLimitKey::Address(_) => "address",
        };
        let comma = if policy.is_empty() { "" } else { ", " };
        let window = seconds(limit.burst_window()).max(1);
        policy.push_str(&format!("{comma}\"{name}\";q={};w={window}", limit.burst));
        remaining_list.push_str(&format!("{comma}\"{name}\";r={remaining};t={}", seconds(*reset)));
    }
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, remaining_list)] {
        // Always succeeds: the value is ASCII.
        if let Ok(value) = HeaderValue::try_from(value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

/// Returns whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::UserId;
    use uuid::Uuid;

    fn status(key: RateLimitKey, remaining: u32, reset_ms: u64) -> Option<RateLimitStatus> {
        let (per_second, burst) = (NonZeroU32::new(50).unwrap(), NonZeroU32::new(500).unwrap());
        let limit = RateLimit { per_second, burst };
        Some(RateLimitStatus { key, limit, remaining, reset: Duration::from_millis(reset_ms) })
    }

    #[test]
    fn headers_follow_the_draft() {
        let mut headers = HeaderMap::new();
        let user = status(RateLimitKey::User(UserId(Uuid::nil())), 499, 20);
        let address = status(RateLimitKey::Address([203, 0, 113, 5].into()), 0, 10_000);
        write_headers(&mut headers, &[user, address]);
        assert_eq!(headers[&RATE_LIMIT_POLICY], "\"user\";q=500;w=10, \"address\";q=500;w=10");
        assert_eq!(headers[&RATE_LIMIT], "\"user\";r=499;t=1, \"address\";r=0;t=10");
        let mut headers = HeaderMap::new();
        write_headers(&mut headers, &[None, None]);
        assert!(headers.is_empty());
    }
}
