//! Reads event streams outside of a consumer group, for operators and for `portal verify`.

use crate::{RedisPool, client_error, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_stream_reader::EventStreamReader;
use auction_wire::{EventRecord, PartitionId};
use redis::{Value, cmd};
use stream_worker::entry::range_reply;

/// Reader of event streams outside of a consumer group.
#[derive(Clone)]
pub struct RedisStreamInfo(RedisPool);

impl RedisStreamInfo {
    pub fn new(pool: RedisPool) -> RedisStreamInfo {
        RedisStreamInfo(pool)
    }
}

impl EventStreamReader for RedisStreamInfo {
    async fn events_after(
        &self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let mut connection = self.0.get().await?;
        let reply: Value = cmd("XRANGE")
            .arg(keys::events(partition))
            .arg(format!("({after}-0"))
            .arg("+")
            .arg("COUNT")
            .arg(limit)
            .query_async(&mut connection)
            .await
            .map_err(client_error)?;
        let entries = range_reply(reply).map_err(unavailable)?;
        entries
            .iter()
            .map(|entry| EventRecord::from_fields(entry.id.ms, &entry.fields).map_err(client_error))
            .collect()
    }
}
