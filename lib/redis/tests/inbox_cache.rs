//! Copies of inboxes in Redis keep their contract.

use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;
use auction_redis::inbox::RedisInboxCache;
use auction_testkit::contract::inbox::KEEPS;
use auction_testkit::local_servers::{PARTITIONS, TestRedis, redis};
use auction_wire::PartitionCount;
use std::num::NonZeroU16;
use uuid::Uuid;

/// Keeps its logical database for as long as the test runs.
struct Copies(RedisInboxCache, #[allow(dead_code)] TestRedis);

impl NotificationSink for Copies {
    async fn begin(&self) -> Result<(), Unavailable> {
        NotificationSink::begin(&self.0).await
    }
    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        self.0.deliver(notifications).await
    }
}

impl InboxCache for Copies {
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable> {
        self.0.page(user, after, limit).await
    }
    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable> {
        InboxCache::reserve(&self.0, user).await
    }
    async fn fill(&self, user: UserId, mark: Uuid, inbox: &InboxPage) -> Result<(), Unavailable> {
        self.0.fill(user, mark, inbox).await
    }
    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(), Unavailable> {
        self.0.mark_read(user, up_to).await
    }
}

async fn copies() -> Copies {
    let redis = redis().await;
    let pool = deadpool_redis::Config::from_url(redis.url());
    let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    Copies(RedisInboxCache::new(pool, partitions, NonZeroU16::new(KEEPS).unwrap()), redis)
}

auction_testkit::contract_tests!(inbox, copies().await);

/// Whoever asked is not kept in Redis for ever.
#[tokio::test]
async fn a_copy_ends_by_itself() {
    let copies = copies().await;
    let ada = UserId(Uuid::new_v4());
    let mark = InboxCache::reserve(&copies, ada).await.unwrap();
    copies.fill(ada, mark, &InboxPage { first: 1, ..InboxPage::default() }).await.unwrap();
    let key = auction_redis::keys::inbox(PartitionCount::new(PARTITIONS).unwrap().of(ada.0), ada);
    let left: i64 = copies.1.query(redis::cmd("PTTL").arg(key)).await;
    assert!((1..=600_000).contains(&left), "{left}");
}
