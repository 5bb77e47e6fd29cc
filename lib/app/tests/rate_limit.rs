//! Tests of the rate limiter, in paused time, over an in-memory store that counts its calls.

use async_trait::async_trait;
use auction_app::ingress::rate_limit::{RateLimitDecision, RateLimitKeys, RateLimiter};
use auction_app::ports::Unavailable;
use auction_app::ports::people::rate_limit_store::{
    RateLimit, RateLimitKey, RateLimitStore, TakeRequest, TakeResult,
};
use auction_domain::UserId;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

struct State {
    full_at: HashMap<RateLimitKey, Instant>,
    calls: usize,
    unavailable: bool,
}

/// Rate-limit store that follows the contract of the port.
struct CountingStore(Mutex<State>);

impl CountingStore {
    fn new() -> Arc<CountingStore> {
        let state = State { full_at: HashMap::new(), calls: 0, unavailable: false };
        Arc::new(CountingStore(Mutex::new(state)))
    }

    fn calls(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

#[async_trait]
impl RateLimitStore for CountingStore {
    async fn take(&self, requests: &[TakeRequest]) -> Result<TakeResult, Unavailable> {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        if state.unavailable {
            return Err(Unavailable::new("redis", "outage by the test"));
        }
        let (now, mut taken, mut passed) = (Instant::now(), Vec::new(), true);
        for TakeRequest { key, limit, required, desired } in requests {
            let used = state.full_at.get(key).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
            let fits = |count: u32| used + limit.interval() * count <= limit.burst_window();
            passed &= fits(*required);
            taken.push((if fits(*desired) { *desired } else { *required }, used));
        }
        for (TakeRequest { key, limit, .. }, (count, used)) in requests.iter().zip(&mut taken) {
            *count = if passed { *count } else { 0 };
            *used += limit.interval() * *count;
            state.full_at.insert(*key, now + *used);
        }
        Ok(TakeResult { passed, taken })
    }
}

fn limit(per_second: u32, burst: u32) -> RateLimit {
    RateLimit { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

fn user(n: u128) -> RateLimitKey {
    RateLimitKey::User(UserId(Uuid::from_u128(n)))
}

fn only(key: RateLimitKey, limit: RateLimit) -> RateLimitKeys {
    [Some((key, limit)), None]
}

async fn check(limiter: &RateLimiter, counted: &RateLimitKeys) -> RateLimitDecision {
    match limiter.check_local(counted, 1) {
        Some(decision) => decision,
        None => limiter.check(counted, 1).await,
    }
}

async fn passes(limiter: &RateLimiter, counted: &RateLimitKeys) -> bool {
    match check(limiter, counted).await {
        RateLimitDecision::Allowed(_) => true,
        RateLimitDecision::Refused { .. } => false,
        RateLimitDecision::NotCounted => panic!("the store is available"),
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_allows_the_burst_and_then_the_rate() {
    let limiter = RateLimiter::new(CountingStore::new());
    let counted = only(user(1), limit(10, 3));
    for left in [2, 1, 0] {
        let RateLimitDecision::Allowed([Some(standing), None]) = check(&limiter, &counted).await else {
            panic!("{left}")
        };
        assert_eq!(standing.remaining, left);
    }
    let RateLimitDecision::Refused { retry_after, .. } = check(&limiter, &counted).await else {
        panic!("a fourth")
    };
    assert_eq!(retry_after, Duration::from_millis(100));
    assert!(passes(&limiter, &only(user(2), limit(10, 3))).await, "another user has a limit of their own");
    tokio::time::sleep(retry_after).await;
    assert!(passes(&limiter, &counted).await);
    assert!(!passes(&limiter, &counted).await);
}

#[tokio::test(start_paused = true)]
async fn refused_request_uses_nothing_of_the_other_limit() {
    let limiter = RateLimiter::new(CountingStore::new());
    let (few, many) = (limit(10, 1), limit(10, 2));
    let address = RateLimitKey::Address([203, 0, 113, 5].into());
    let both = [Some((user(1), few)), Some((address, many))];
    assert!(passes(&limiter, &both).await);
    assert!(!passes(&limiter, &both).await && !passes(&limiter, &both).await);
    assert!(passes(&limiter, &only(address, many)).await, "one request of the address is left");
    assert!(!passes(&limiter, &only(address, many)).await);
}

#[tokio::test(start_paused = true)]
async fn local_quotas_do_not_exceed_the_shared_limit() {
    let store = CountingStore::new();
    let (one, other) = (RateLimiter::new(store.clone()), RateLimiter::new(store.clone()));
    let counted = only(user(1), limit(1, 500));
    let mut passed = 0;
    while passes(&one, &counted).await {
        passed += 1;
        passed += u32::from(passes(&other, &counted).await);
    }
    while passes(&other, &counted).await {
        passed += 1;
    }
    assert_eq!(passed, 500);
    assert!(store.calls() < 60, "several requests per call of the store");
}

#[tokio::test(start_paused = true)]
async fn unused_local_quota_expires() {
    let store = CountingStore::new();
    let limiter = RateLimiter::new(store.clone());
    let counted = only(user(1), limit(1000, 500));
    assert!(passes(&limiter, &counted).await && passes(&limiter, &counted).await);
    assert_eq!(store.calls(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(passes(&limiter, &counted).await);
    assert_eq!(store.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_allows_all_requests_during_an_outage() {
    let store = CountingStore::new();
    let limiter = RateLimiter::new(store.clone());
    let counted = only(user(1), limit(1, 1));
    store.0.lock().unwrap().unavailable = true;
    for _ in 0..100 {
        assert_eq!(check(&limiter, &counted).await, RateLimitDecision::NotCounted);
    }
    assert_eq!(store.calls(), 1, "an unavailable store is called once");
    store.0.lock().unwrap().unavailable = false;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(passes(&limiter, &counted).await && !passes(&limiter, &counted).await);
    assert_eq!(
        check(&limiter, &[None, None]).await,
        RateLimitDecision::NotCounted,
        "a caller without a limit"
    );
}
