//! Counters of the rate limits, shared by all ingress processes.

use crate::ports::Unavailable;
use crate::ports::people::TokenHash;
use async_trait::async_trait;
use auction_domain::UserId;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Counters of the rate limits.
#[async_trait]
pub trait RateLimitStore: Send + Sync {
    /// Takes requests from all of these limits, or from none if one of them has no room for
    /// [`TakeRequest::required`].
    ///
    /// From each limit it takes [`TakeRequest::desired`], or [`TakeRequest::required`] if there is no room
    /// for more.
    async fn take(&self, requests: &[TakeRequest]) -> Result<TakeResult, Unavailable>;
}

/// Caller whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    /// A user, by id.
    User(UserId),
    /// A program with an API key.
    Service(TokenHash),
    /// An IP address. For IPv6 it is the address of the network, since one client can use all of its
    /// addresses.
    Address(IpAddr),
}

/// Rate limit: a burst, and a rate at which the burst refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Refill rate, in requests per second.
    pub per_second: NonZeroU32,
    /// Maximum number of requests at once.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// Returns the time in which one request is refilled.
    pub fn interval(self) -> Duration {
        Duration::from_micros((1_000_000 / u64::from(self.per_second.get())).max(1))
    }

    /// Returns the time in which a whole burst is refilled.
    pub fn burst_window(self) -> Duration {
        self.interval() * self.burst.get()
    }
}

/// Requests to take from one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeRequest {
    /// Caller that is counted.
    pub key: RateLimitKey,
    /// Limit of the caller.
    pub limit: RateLimit,
    /// Minimum number of requests to take.
    pub required: u32,
    /// Number of requests to take if there is room.
    pub desired: u32,
}

/// Result of taking requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeResult {
    /// Whether all limits had room. If not, nothing was taken.
    pub passed: bool,
    /// For each request: the number that was taken, and the time until the whole burst is available again.
    pub taken: Vec<(u32, Duration)>,
}
