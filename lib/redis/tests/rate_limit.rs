//! Rate-limit counters on a real Redis.

use auction_app::ports::people::rate_limit_store::{
    RateLimit, RateLimitKey, RateLimitStore, TakeRequest, TakeResult,
};
use auction_redis::rate_limit::RedisRateLimitStore;
use auction_redis::{RedisPool, keys};
use auction_testkit::local_servers::{TestRedis, redis};
use std::num::NonZeroU32;
use std::time::Duration;

const ADDRESS: RateLimitKey =
    RateLimitKey::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5)));
const USER: RateLimitKey = RateLimitKey::User(auction_domain::UserId(uuid::Uuid::nil()));

fn counters(redis: &TestRedis) -> RedisRateLimitStore {
    RedisRateLimitStore::start(RedisPool::new(redis.client(), 4).unwrap())
}

/// Returns a call of a limit of one request per second with this burst.
fn request(key: RateLimitKey, burst: u32, required: u32, desired: u32) -> TakeRequest {
    let per_second = NonZeroU32::MIN;
    TakeRequest {
        key,
        limit: RateLimit { per_second, burst: NonZeroU32::new(burst).unwrap() },
        required,
        desired,
    }
}

fn taken(result: &TakeResult) -> Vec<u32> {
    result.taken.iter().map(|(taken, _)| *taken).collect()
}

#[tokio::test]
async fn take_returns_desired_else_required_else_nothing() {
    let redis = redis().await;
    let counters = counters(&redis);
    let take = async |required, desired| counters.take(&[request(USER, 5, required, desired)]).await.unwrap();
    let first = take(1, 3).await;
    assert_eq!((first.passed, taken(&first)), (true, vec![3]));
    let second = take(1, 3).await;
    assert_eq!((second.passed, taken(&second)), (true, vec![1]));
    assert!(second.taken[0].1 > Duration::from_millis(3500) && second.taken[0].1 <= Duration::from_secs(4));
    let third = take(2, 2).await;
    assert_eq!((third.passed, taken(&third)), (false, vec![0]));
    assert!(take(1, 1).await.passed, "a refused call uses nothing");
    let expires: i64 = redis.query(::redis::cmd("PTTL").arg(keys::rate_limit(USER))).await;
    assert!(
        (1..=5000).contains(&expires),
        "{expires}: the key expires when the whole burst is available again"
    );
}

#[tokio::test]
async fn take_uses_no_limit_if_one_of_two_is_exceeded() {
    let redis = redis().await;
    let counters = counters(&redis);
    let both = [request(USER, 1, 1, 1), request(ADDRESS, 3, 1, 1)];
    assert!(counters.take(&both).await.unwrap().passed);
    let refused = counters.take(&both).await.unwrap();
    assert_eq!((refused.passed, taken(&refused)), (false, vec![0, 0]));
    let (one, two) = (request(ADDRESS, 3, 2, 2), request(ADDRESS, 3, 1, 1));
    assert!(counters.take(&[one]).await.unwrap().passed);
    assert!(!counters.take(&[two]).await.unwrap().passed);
}

#[tokio::test]
async fn take_counts_each_concurrent_call_once() {
    let redis = redis().await;
    let (one, other) = (counters(&redis), counters(&redis));
    let requests = [request(USER, 70, 1, 1)];
    let all = (0..100).map(|n| {
        let (counters, requests) = (if n % 2 == 0 { one.clone() } else { other.clone() }, requests);
        tokio::spawn(async move { counters.take(&requests).await.unwrap().passed })
    });
    let mut passed = 0;
    for one in all.collect::<Vec<_>>() {
        passed += u32::from(one.await.unwrap());
    }
    assert_eq!(passed, 70);
}
