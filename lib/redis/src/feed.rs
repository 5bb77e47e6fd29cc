//! A service's feed of one partition's events, through a consumer group named after the service.

use crate::{keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::event_feed::{EventFeed, EventFeeds};
use auction_wire::{EventRecord, PartitionId};
use redis::{Client, cmd};
use std::time::Duration;
use stream_worker::{ConsumerOptions, DedicatedConnection, GroupConsumer};

/// How long Redis may take to acknowledge.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes feeds on one Redis.
#[derive(Clone, Debug)]
pub struct RedisFeeds {
    client: Client,
    batch: usize,
    block: Duration,
}

impl RedisFeeds {
    /// At most `batch` events at a time; a read waits for `block` when there are none.
    pub fn new(client: Client, batch: usize, block: Duration) -> RedisFeeds {
        RedisFeeds { client, batch, block }
    }
}

impl EventFeeds for RedisFeeds {
    type Feed = RedisFeed;

    async fn open(&self, service: &'static str, partition: PartitionId) -> Result<RedisFeed, Unavailable> {
        let stream = keys::events(partition);
        let options = ConsumerOptions {
            group: service.to_owned(),
            streams: vec![stream.clone()],
            first: 0,
            count: self.batch,
            block: self.block,
        };
        let consumer = GroupConsumer::open(&self.client, options).await.map_err(unavailable)?;
        let acknowledging = DedicatedConnection::open(&self.client, DEADLINE).await.map_err(unavailable)?;
        Ok(RedisFeed { consumer, acknowledging, stream, service })
    }
}

/// One feed.
pub struct RedisFeed {
    consumer: GroupConsumer,
    acknowledging: DedicatedConnection,
    stream: String,
    service: &'static str,
}

impl EventFeed for RedisFeed {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let entries = self.consumer.read().await.map_err(unavailable)?;
        let events = entries.iter().map(|entry| EventRecord::from_fields(entry.id.ms, &entry.fields));
        events.collect::<Result<_, _>>().map_err(|error| Unavailable::new("redis", error))
    }

    async fn acknowledge(&mut self, positions: &[u64]) -> Result<(), Unavailable> {
        let mut acknowledge = cmd("XACK");
        acknowledge.arg(&self.stream).arg(self.service);
        positions.iter().for_each(|position| {
            acknowledge.arg(format!("{position}-0"));
        });
        self.acknowledging.send_one(&acknowledge).await.map(drop).map_err(unavailable)
    }

    async fn leave(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}
