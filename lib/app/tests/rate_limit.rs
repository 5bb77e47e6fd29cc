//! How often somebody may call, in paused time, over counts in memory that know how often they are asked.

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
    whole_at: HashMap<RateLimitKey, Instant>,
    asked: usize,
    away: bool,
}

/// As the contract has it.
#[derive(Clone)]
struct Counts(Arc<Mutex<State>>);

impl Counts {
    fn new() -> Counts {
        Counts(Arc::new(Mutex::new(State { whole_at: HashMap::new(), asked: 0, away: false })))
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

impl RateLimitStore for Counts {
    async fn take(&self, wanted: &[TakeRequest]) -> Result<TakeResult, Unavailable> {
        let mut state = self.0.lock().unwrap();
        state.asked += 1;
        if state.away {
            return Err(Unavailable::new("redis", "away"));
        }
        let (now, mut each, mut passed) = (Instant::now(), Vec::new(), true);
        for TakeRequest { whose, limit, needs, wishes } in wanted {
            let used =
                state.whole_at.get(whose).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
            let fits = |count: u32| used + limit.interval() * count <= limit.burst_window();
            passed &= fits(*needs);
            each.push((if fits(*wishes) { *wishes } else { *needs }, used));
        }
        for (TakeRequest { whose, limit, .. }, (taken, used)) in wanted.iter().zip(&mut each) {
            *taken = if passed { *taken } else { 0 };
            *used += limit.interval() * *taken;
            state.whole_at.insert(*whose, now + *used);
        }
        Ok(TakeResult { passed, each })
    }
}

fn limit(per_second: u32, burst: u32) -> RateLimit {
    RateLimit { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

fn user(n: u128) -> RateLimitKey {
    RateLimitKey::User(UserId(Uuid::from_u128(n)))
}

fn only(whose: RateLimitKey, limit: RateLimit) -> RateLimitKeys {
    [Some((whose, limit)), None]
}

async fn judge(limiter: &RateLimiter<Counts>, counted: &RateLimitKeys) -> RateLimitDecision {
    match limiter.check_local(counted, 1) {
        Some(verdict) => verdict,
        None => limiter.check(counted, 1).await,
    }
}

async fn passes(limiter: &RateLimiter<Counts>, counted: &RateLimitKeys) -> bool {
    match judge(limiter, counted).await {
        RateLimitDecision::Passes(_) => true,
        RateLimitDecision::Refused { .. } => false,
        RateLimitDecision::Unknown => panic!("somebody counts"),
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_pass_at_once_and_then_one_after_the_other() {
    let limiter = RateLimiter::new(Counts::new());
    let counted = only(user(1), limit(10, 3));
    for left in [2, 1, 0] {
        let RateLimitDecision::Passes([Some(standing), None]) = judge(&limiter, &counted).await else {
            panic!("{left}")
        };
        assert_eq!(standing.remaining, left);
    }
    let RateLimitDecision::Refused { retry_after, .. } = judge(&limiter, &counted).await else {
        panic!("a fourth")
    };
    assert_eq!(retry_after, Duration::from_millis(100));
    assert!(passes(&limiter, &only(user(2), limit(10, 3))).await, "another one");
    tokio::time::sleep(retry_after).await;
    assert!(passes(&limiter, &counted).await);
    assert!(!passes(&limiter, &counted).await);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_for_one_reason_has_used_up_nothing_of_the_other() {
    let limiter = RateLimiter::new(Counts::new());
    let (few, many) = (limit(10, 1), limit(10, 2));
    let address = RateLimitKey::Address([203, 0, 113, 5].into());
    let both = [Some((user(1), few)), Some((address, many))];
    assert!(passes(&limiter, &both).await);
    assert!(!passes(&limiter, &both).await && !passes(&limiter, &both).await);
    assert!(passes(&limiter, &only(address, many)).await, "of the address one is left");
    assert!(!passes(&limiter, &only(address, many)).await);
}

#[tokio::test(start_paused = true)]
async fn who_calls_often_is_counted_in_portions_and_passes_no_more_often() {
    let counts = Counts::new();
    let (one, other) = (RateLimiter::new(counts.clone()), RateLimiter::new(counts.clone()));
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
    assert!(counts.asked() < 60, "ten or so at a time");
}

#[tokio::test(start_paused = true)]
async fn a_portion_that_is_not_used_is_void() {
    let counts = Counts::new();
    let limiter = RateLimiter::new(counts.clone());
    let counted = only(user(1), limit(1000, 500));
    assert!(passes(&limiter, &counted).await && passes(&limiter, &counted).await);
    assert_eq!(counts.asked(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(passes(&limiter, &counted).await);
    assert_eq!(counts.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_nobody_counts_everybody_passes_and_nobody_waits() {
    let counts = Counts::new();
    let limiter = RateLimiter::new(counts.clone());
    let counted = only(user(1), limit(1, 1));
    counts.0.lock().unwrap().away = true;
    for _ in 0..100 {
        assert_eq!(judge(&limiter, &counted).await, RateLimitDecision::Unknown);
    }
    assert_eq!(counts.asked(), 1, "who is away is not asked by everybody");
    counts.0.lock().unwrap().away = false;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(passes(&limiter, &counted).await && !passes(&limiter, &counted).await);
    assert_eq!(judge(&limiter, &[None, None]).await, RateLimitDecision::Unknown, "whom nobody knows");
}
