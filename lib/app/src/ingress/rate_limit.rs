//! Rate limits of users, services and IP addresses, shared by all ingress processes (GCRA).
//!
//! An ingress takes a local quota for a caller from the shared counters, and allows requests without a round
//! trip until the quota is used up. A quota is a small part of the burst, so that an ingress rarely holds
//! requests that the caller needs at another ingress. With a small burst a quota is one request, and the
//! limit is exact. While the counters are unavailable every request is allowed.

use crate::ports::Unavailable;
use crate::ports::people::rate_limit_store::{
    RateLimit, RateLimitKey, RateLimitStore, TakeRequest, TakeResult,
};
use lru::LruCache;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Number of locks. Requests of different callers rarely contend for the same one.
const SHARDS: usize = 64;

/// Maximum number of local quotas per shard.
const MAX_QUOTAS: usize = 1024;

/// Number of local quotas that a burst is divided into.
const QUOTAS_PER_BURST: u32 = 50;

/// Time after which an unused local quota expires. The shared counters have refilled by then.
const QUOTA_TTL: Duration = Duration::from_secs(1);

/// Timeout of a call to the shared counters.
const TAKE_TIMEOUT: Duration = Duration::from_millis(250);

/// Time without calls to the shared counters after one failed.
const PAUSE_AFTER_FAILURE_MS: u64 = 1000;

/// The limits that one request counts against: that of its user or service, and that of its IP address.
pub type RateLimitKeys = [Option<(RateLimitKey, RateLimit)>; 2];

/// Decides whether requests are within their rate limits.
pub struct RateLimiter {
    counters: Arc<dyn RateLimitStore>,
    shards: [Mutex<LruCache<RateLimitKey, LocalQuota>>; SHARDS],
    started: Instant,
    /// In milliseconds after `started`; zero before the first failure.
    paused_until: AtomicU64,
}

#[derive(Clone, Copy)]
struct LocalQuota {
    left: u32,
    /// Time until the shared counter has refilled the whole burst, at `taken_at`.
    reset: Duration,
    taken_at: Instant,
}

/// State of one limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    pub key: RateLimitKey,
    pub limit: RateLimit,
    /// Number of requests that are allowed at once.
    pub remaining: u32,
    /// Time until the whole burst is available again.
    pub reset: Duration,
}

/// Decision whether a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitDecision {
    /// Allowed without being counted: the request has no limit, or the counters are unavailable.
    NotCounted,
    Allowed([Option<RateLimitStatus>; 2]),
    Refused {
        status: [Option<RateLimitStatus>; 2],
        /// Time after which the request would be allowed.
        retry_after: Duration,
    },
}

impl RateLimiter {
    pub fn new(counters: Arc<dyn RateLimitStore>) -> RateLimiter {
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::unbounded()));
        RateLimiter { counters, shards, started: Instant::now(), paused_until: AtomicU64::new(0) }
    }

    fn shard(&self, key: RateLimitKey) -> MutexGuard<'_, LruCache<RateLimitKey, LocalQuota>> {
        let byte = match key {
            RateLimitKey::User(user) => user.0.as_bytes()[15],
            RateLimitKey::Service(token) => token.0[0],
            RateLimitKey::Address(std::net::IpAddr::V4(address)) => address.octets()[3],
            RateLimitKey::Address(std::net::IpAddr::V6(address)) => address.octets()[7],
        };
        // A panic cannot leave the shard inconsistent: each change is one call.
        self.shards[usize::from(byte) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides from the local quotas alone; none if the shared counters are needed: then call
    /// [`RateLimiter::check`].
    pub fn check_local(&self, counted: &RateLimitKeys, cost: u32) -> Option<RateLimitDecision> {
        if counted.iter().flatten().next().is_none() || self.is_paused() {
            return Some(RateLimitDecision::NotCounted);
        }
        let mut status = [None; 2];
        for n in 0..counted.len() {
            let Some((key, limit)) = counted[n] else { continue };
            match self.use_quota(key, limit, cost) {
                Some(one) => status[n] = Some(one),
                None => {
                    let used = counted[..n].iter().flatten();
                    used.for_each(|(key, _)| self.return_quota(*key, cost));
                    return None;
                }
            }
        }
        Some(RateLimitDecision::Allowed(status))
    }

    fn use_quota(&self, key: RateLimitKey, limit: RateLimit, cost: u32) -> Option<RateLimitStatus> {
        let mut shard = self.shard(key);
        let quota = shard.get_mut(&key).filter(|quota| quota.taken_at.elapsed() < QUOTA_TTL)?;
        quota.left = quota.left.checked_sub(cost)?;
        Some(status_of(key, limit, quota.left, quota.reset.saturating_sub(quota.taken_at.elapsed())))
    }

    fn return_quota(&self, key: RateLimitKey, cost: u32) {
        if let Some(quota) = self.shard(key).get_mut(&key) {
            quota.left += cost;
        }
    }

    /// Decides with the shared counters, and takes new local quotas from them.
    pub async fn check(&self, counted: &RateLimitKeys, cost: u32) -> RateLimitDecision {
        let requests: Vec<TakeRequest> = counted
            .iter()
            .flatten()
            .map(|(key, limit)| {
                let desired = cost + limit.burst.get() / QUOTAS_PER_BURST;
                TakeRequest { key: *key, limit: *limit, required: cost, desired }
            })
            .collect();
        let result = match timeout(TAKE_TIMEOUT, self.counters.take(&requests)).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => return self.on_failure(&error),
            Err(_) => return self.on_failure(&Unavailable::new("rate-limit counters", "timeout")),
        };
        self.decide(counted, &requests, &result)
    }

    fn decide(
        &self,
        counted: &RateLimitKeys,
        requests: &[TakeRequest],
        result: &TakeResult,
    ) -> RateLimitDecision {
        let (mut status, mut retry_after) = ([None; 2], Duration::ZERO);
        let mut results = requests.iter().zip(&result.taken);
        for (counted, status) in counted.iter().zip(&mut status) {
            let Some((key, limit)) = *counted else { continue };
            let Some((request, (taken, reset))) = results.next() else { continue };
            if result.passed {
                let left = taken.saturating_sub(request.required);
                self.add_quota(key, LocalQuota { left, reset: *reset, taken_at: Instant::now() });
                *status = Some(status_of(key, limit, left, *reset));
            } else {
                let required = limit.interval() * request.required;
                retry_after = retry_after.max((*reset + required).saturating_sub(limit.burst_window()));
                *status = Some(status_of(key, limit, 0, *reset));
            }
        }
        if result.passed {
            RateLimitDecision::Allowed(status)
        } else {
            RateLimitDecision::Refused { status, retry_after }
        }
    }

    fn add_quota(&self, key: RateLimitKey, quota: LocalQuota) {
        let mut shard = self.shard(key);
        match shard.get_mut(&key).filter(|old| old.taken_at.elapsed() < QUOTA_TTL) {
            // Another request took a quota at the same time.
            Some(old) => *old = LocalQuota { left: old.left + quota.left, ..quota },
            None => drop(shard.put(key, quota)),
        }
        while shard.len() > MAX_QUOTAS {
            shard.pop_lru();
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_paused(&self) -> bool {
        let until = self.paused_until.load(Ordering::Relaxed);
        until > 0 && self.now_ms() < until
    }

    fn on_failure(&self, error: &Unavailable) -> RateLimitDecision {
        if !self.is_paused() {
            tracing::warn!(%error, "rate-limit counters unavailable, allowing all requests");
        }
        self.paused_until.store(self.now_ms() + PAUSE_AFTER_FAILURE_MS, Ordering::Relaxed);
        RateLimitDecision::NotCounted
    }
}

fn status_of(key: RateLimitKey, limit: RateLimit, left: u32, reset: Duration) -> RateLimitStatus {
    let shared = limit.burst_window().saturating_sub(reset).as_micros() / limit.interval().as_micros().max(1);
    let remaining = u32::try_from(shared).unwrap_or(u32::MAX).saturating_add(left).min(limit.burst.get());
    RateLimitStatus { key, limit, remaining, reset }
}
