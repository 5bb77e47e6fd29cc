//! How often somebody may call: GCRA, counted for all ingress processes together.
//!
//! Whoever calls often is counted in portions: an ingress takes some of what he may do at once, and lets him in without
//! asking anybody until that is used up. A portion is a small part of the burst, so that little is taken by one ingress
//! that another could have given; with a small burst it is one request, and the count is exact. While the counts cannot
//! be reached everybody is let in.

use crate::ports::Unavailable;
use crate::ports::people::rate_limit_store::{
    RateLimit, RateLimitKey, RateLimitStore, TakeRequest, TakeResult,
};
use lru::LruCache;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Requests of different callers hardly ever meet at the same one.
const SHARDS: usize = 64;

/// So many callers have portions, in each shard.
const CALLERS: usize = 1024;

/// A portion is such a part of the burst.
const PORTIONS: u32 = 50;

/// A portion that is not used in time is void: meanwhile there is room again.
const HELD: Duration = Duration::from_secs(1);

/// How long the counts are waited for.
const PATIENCE: Duration = Duration::from_millis(250);

/// So long nobody asks after an answer did not come.
const AWAY_MS: u64 = 1000;

/// Whom one request is counted for.
pub type RateLimitKeys = [Option<(RateLimitKey, RateLimit)>; 2];

/// Lets callers in, or not.
pub struct RateLimiter<C> {
    counters: C,
    shards: [Mutex<LruCache<RateLimitKey, LocalQuota>>; SHARDS],
    began: Instant,
    /// Milliseconds since then.
    away_until: AtomicU64,
}

#[derive(Clone, Copy)]
struct LocalQuota {
    left: u32,
    used: Duration,
    at: Instant,
}

/// What somebody may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Who.
    pub whose: RateLimitKey,
    /// How often he may.
    pub limit: RateLimit,
    /// So many requests, at once.
    pub remaining: u32,
    /// So long until he may do all again.
    pub reset: Duration,
}

/// Whether a request is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitDecision {
    /// It is, and nobody knows how often he called.
    Unknown,
    /// It is.
    Passes([Option<RateLimitStatus>; 2]),
    /// It is not.
    Refused {
        /// How it stands.
        standing: [Option<RateLimitStatus>; 2],
        /// After so long it would be.
        retry_after: Duration,
    },
}

impl<C: RateLimitStore> RateLimiter<C> {
    /// Over those counts.
    pub fn new(counters: C) -> RateLimiter<C> {
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::unbounded()));
        RateLimiter { counters, shards, began: Instant::now(), away_until: AtomicU64::new(0) }
    }

    fn shard(&self, whose: RateLimitKey) -> MutexGuard<'_, LruCache<RateLimitKey, LocalQuota>> {
        let byte = match whose {
            RateLimitKey::User(user) => user.0.as_bytes()[15],
            RateLimitKey::Service(key) => key.0[0],
            RateLimitKey::Address(std::net::IpAddr::V4(address)) => address.octets()[3],
            RateLimitKey::Address(std::net::IpAddr::V6(address)) => address.octets()[7],
        };
        // Each change is one call: it is whole also after a panic.
        self.shards[usize::from(byte) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verdict, if nobody has to be asked for it.
    pub fn check_local(&self, counted: &RateLimitKeys, cost: u32) -> Option<RateLimitDecision> {
        if counted.iter().flatten().next().is_none() || self.is_away() {
            return Some(RateLimitDecision::Unknown);
        }
        let mut standing = [None; 2];
        for n in 0..counted.len() {
            let Some((whose, limit)) = counted[n] else { continue };
            match self.use_portion(whose, limit, cost) {
                Some(stands) => standing[n] = Some(stands),
                None => {
                    let used = counted[..n].iter().flatten();
                    used.for_each(|(whose, _)| self.give_back(*whose, cost));
                    return None;
                }
            }
        }
        Some(RateLimitDecision::Passes(standing))
    }

    fn use_portion(&self, whose: RateLimitKey, limit: RateLimit, cost: u32) -> Option<RateLimitStatus> {
        let mut shard = self.shard(whose);
        let portion = shard.get_mut(&whose).filter(|portion| portion.at.elapsed() < HELD)?;
        portion.left = portion.left.checked_sub(cost)?;
        Some(stands(whose, limit, portion.left, portion.used.saturating_sub(portion.at.elapsed())))
    }

    fn give_back(&self, whose: RateLimitKey, cost: u32) {
        if let Some(portion) = self.shard(whose).get_mut(&whose) {
            portion.left += cost;
        }
    }

    /// The verdict.
    pub async fn check(&self, counted: &RateLimitKeys, cost: u32) -> RateLimitDecision {
        let wanted: Vec<TakeRequest> = counted
            .iter()
            .flatten()
            .map(|(whose, limit)| {
                let (needs, wishes) = (cost, cost + limit.burst.get() / PORTIONS);
                TakeRequest { whose: *whose, limit: *limit, needs, wishes }
            })
            .collect();
        let took = match timeout(PATIENCE, self.counters.take(&wanted)).await {
            Ok(Ok(took)) => took,
            Ok(Err(error)) => return self.gone(&error),
            Err(_) => return self.gone(&Unavailable::new("redis", "no answer in time")),
        };
        self.judge(counted, &wanted, &took)
    }

    fn judge(&self, counted: &RateLimitKeys, wanted: &[TakeRequest], took: &TakeResult) -> RateLimitDecision {
        let (mut standing, mut retry_after) = ([None; 2], Duration::ZERO);
        let mut each = wanted.iter().zip(&took.each);
        for (counted, standing) in counted.iter().zip(&mut standing) {
            let Some((whose, limit)) = *counted else { continue };
            let Some((wanted, (taken, used))) = each.next() else { continue };
            if took.passed {
                let left = taken.saturating_sub(wanted.needs);
                self.hold(whose, LocalQuota { left, used: *used, at: Instant::now() });
                *standing = Some(stands(whose, limit, left, *used));
            } else {
                let needs = limit.interval() * wanted.needs;
                retry_after = retry_after.max((*used + needs).saturating_sub(limit.burst_window()));
                *standing = Some(stands(whose, limit, 0, *used));
            }
        }
        if took.passed {
            RateLimitDecision::Passes(standing)
        } else {
            RateLimitDecision::Refused { standing, retry_after }
        }
    }

    fn hold(&self, whose: RateLimitKey, portion: LocalQuota) {
        let mut shard = self.shard(whose);
        match shard.get_mut(&whose).filter(|held| held.at.elapsed() < HELD) {
            // Two asked at once.
            Some(held) => *held = LocalQuota { left: held.left + portion.left, ..portion },
            None => drop(shard.put(whose, portion)),
        }
        while shard.len() > CALLERS {
            shard.pop_lru();
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_away(&self) -> bool {
        let until = self.away_until.load(Ordering::Relaxed);
        until > 0 && self.now_ms() < until
    }

    fn gone(&self, error: &Unavailable) -> RateLimitDecision {
        if !self.is_away() {
            tracing::warn!(%error, "nobody is counted: everybody is let in");
        }
        self.away_until.store(self.now_ms() + AWAY_MS, Ordering::Relaxed);
        RateLimitDecision::Unknown
    }
}

fn stands(whose: RateLimitKey, limit: RateLimit, left: u32, used: Duration) -> RateLimitStatus {
    let room = limit.burst_window().saturating_sub(used).as_micros() / limit.interval().as_micros().max(1);
    let remaining = u32::try_from(room).unwrap_or(u32::MAX).saturating_add(left).min(limit.burst.get());
    RateLimitStatus { whose, limit, remaining, reset: used }
}
