//! Where it is counted how often somebody calls, for all ingress processes together.

use crate::ingress::accounts::TokenHash;
use crate::ports::Unavailable;
use auction_domain::UserId;
use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// The counts.
pub trait RateLimitStore: Send + Sync {
    /// Takes from all of these, or from none if one of them has no room: of each what it wishes for, or what it
    /// needs if there is no room for more.
    fn take(&self, wanted: &[TakeRequest]) -> impl Future<Output = Result<TakeResult, Unavailable>> + Send;
}

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    /// A user's.
    User(UserId),
    /// A program's.
    Service(TokenHash),
    /// Of an address; of IPv6 the network, since everybody has one of his own.
    Address(IpAddr),
}

/// How often somebody may call: so often at once, and then so often in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In a second.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// After so long there is room for one more.
    pub fn interval(self) -> Duration {
        Duration::from_micros((1_000_000 / u64::from(self.per_second.get())).max(1))
    }

    /// After so long there is room for as many as at once.
    pub fn burst_window(self) -> Duration {
        self.interval() * self.burst.get()
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeRequest {
    /// Who.
    pub whose: RateLimitKey,
    /// How often he may.
    pub limit: RateLimit,
    /// So many requests at least.
    pub needs: u32,
    /// So many, if there is room.
    pub wishes: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeResult {
    /// Whether there was room.
    pub passed: bool,
    /// Of each: so many were taken, and so long it takes until there is all the room again.
    pub each: Vec<(u32, Duration)>,
}
