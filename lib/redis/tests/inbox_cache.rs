//! Contract tests of the inbox cache, on a real Redis.

use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;
use auction_redis::RedisPool;
use auction_redis::inbox::RedisInboxCache;
use auction_testkit::contract::inbox::INBOX_SIZE;
use auction_testkit::local_servers::{PARTITIONS, TestRedis, redis};
use auction_wire::{PartitionCount, PartitionId};
use std::num::NonZeroU16;
use uuid::Uuid;

/// Adapter under test, with the logical database that it uses while the test runs.
struct TestInboxCache(RedisInboxCache, #[allow(dead_code)] TestRedis);

impl NotificationSink for TestInboxCache {
    async fn begin(&self, users: PartitionId) -> Result<(), Unavailable> {
        NotificationSink::begin(&self.0, users).await
    }
    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        self.0.deliver(notifications).await
    }
}

#[async_trait]
impl InboxCache for TestInboxCache {
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable> {
        self.0.page(user, after, limit).await
    }
    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable> {
        InboxCache::reserve(&self.0, user).await
    }
    async fn fill(&self, user: UserId, token: Uuid, inbox: &InboxPage) -> Result<(), Unavailable> {
        self.0.fill(user, token, inbox).await
    }
    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(), Unavailable> {
        self.0.mark_read(user, up_to).await
    }
}

async fn inbox_cache() -> TestInboxCache {
    let redis = redis().await;
    let pool = RedisPool::new(redis.client(), 4).unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    TestInboxCache(RedisInboxCache::new(pool, partitions, NonZeroU16::new(INBOX_SIZE).unwrap()), redis)
}

auction_testkit::contract_tests!(inbox, inbox_cache().await);

/// Inboxes of users who do not return must not stay in Redis.
#[tokio::test]
async fn cached_inbox_expires() {
    let inbox_cache = inbox_cache().await;
    let ada = UserId(Uuid::new_v4());
    let token = InboxCache::reserve(&inbox_cache, ada).await.unwrap();
    inbox_cache.fill(ada, token, &InboxPage { first: 1, ..InboxPage::default() }).await.unwrap();
    let key = auction_redis::keys::inbox(PartitionCount::new(PARTITIONS).unwrap().of(ada.0), ada);
    let left: i64 = inbox_cache.1.query(redis::cmd("PTTL").arg(key)).await;
    assert!((1..=600_000).contains(&left), "{left}");
}
