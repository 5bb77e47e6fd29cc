//! How often somebody calls, counted in Redis.

use auction_app::ports::people::rate_limit_store::{
    RateLimit, RateLimitKey, RateLimitStore, TakeRequest, TakeResult,
};
use auction_redis::keys;
use auction_redis::rate_limit::RedisRateLimitStore;
use auction_testkit::local_servers::{TestRedis, redis};
use deadpool_redis::{Config, Runtime};
use std::num::NonZeroU32;
use std::time::Duration;

const ADDRESS: RateLimitKey =
    RateLimitKey::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5)));
const USER: RateLimitKey = RateLimitKey::User(auction_domain::UserId(uuid::Uuid::nil()));

fn counters(redis: &TestRedis) -> RedisRateLimitStore {
    RedisRateLimitStore::start(Config::from_url(redis.url()).create_pool(Some(Runtime::Tokio1)).unwrap())
}

/// One in a thousand seconds: nothing comes back while a test runs.
fn wanted(whose: RateLimitKey, burst: u32, needs: u32, wishes: u32) -> TakeRequest {
    let per_second = NonZeroU32::MIN;
    TakeRequest {
        whose,
        limit: RateLimit { per_second, burst: NonZeroU32::new(burst).unwrap() },
        needs,
        wishes,
    }
}

fn taken(took: &TakeResult) -> Vec<u32> {
    took.each.iter().map(|(taken, _)| *taken).collect()
}

#[tokio::test]
async fn what_is_wished_for_is_taken_if_there_is_room_else_what_is_needed_else_nothing() {
    let redis = redis().await;
    let counters = counters(&redis);
    let take = async |needs, wishes| counters.take(&[wanted(USER, 5, needs, wishes)]).await.unwrap();
    let first = take(1, 3).await;
    assert_eq!((first.passed, taken(&first)), (true, vec![3]));
    let second = take(1, 3).await;
    assert_eq!((second.passed, taken(&second)), (true, vec![1]));
    assert!(second.each[0].1 > Duration::from_millis(3500) && second.each[0].1 <= Duration::from_secs(4));
    let third = take(2, 2).await;
    assert_eq!((third.passed, taken(&third)), (false, vec![0]));
    assert!(take(1, 1).await.passed, "it has used up nothing");
    let expires: i64 = redis.query(::redis::cmd("PTTL").arg(keys::limit(USER))).await;
    assert!((1..=5000).contains(&expires), "{expires}: what is whole again is not kept");
}

#[tokio::test]
async fn of_two_counts_none_is_taken_from_if_one_has_no_room() {
    let redis = redis().await;
    let counters = counters(&redis);
    let both = [wanted(USER, 1, 1, 1), wanted(ADDRESS, 3, 1, 1)];
    assert!(counters.take(&both).await.unwrap().passed);
    let refused = counters.take(&both).await.unwrap();
    assert_eq!((refused.passed, taken(&refused)), (false, vec![0, 0]));
    let (one, two) = (wanted(ADDRESS, 3, 2, 2), wanted(ADDRESS, 3, 1, 1));
    assert!(counters.take(&[one]).await.unwrap().passed);
    assert!(!counters.take(&[two]).await.unwrap().passed);
}

#[tokio::test]
async fn many_at_once_are_all_counted_each_once() {
    let redis = redis().await;
    let (one, other) = (counters(&redis), counters(&redis));
    let asked = [wanted(USER, 70, 1, 1)];
    let all = (0..100).map(|n| {
        let (counters, asked) = (if n % 2 == 0 { one.clone() } else { other.clone() }, asked);
        tokio::spawn(async move { counters.take(&asked).await.unwrap().passed })
    });
    let mut passed = 0;
    for one in all.collect::<Vec<_>>() {
        passed += u32::from(one.await.unwrap());
    }
    assert_eq!(passed, 70);
}
