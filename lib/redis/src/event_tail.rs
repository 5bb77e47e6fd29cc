//! The ends of all event streams, by one reader: no group, since nothing has to be acknowledged.

use crate::event_stream::event_of;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::{EventRecord, PartitionCount};
use redis::{Value, cmd, pipe};
use std::time::Duration;
use stream_worker::entry::read_reply;
use stream_worker::value::last_generated_id;
use stream_worker::{DedicatedConnection, EntryId};

/// How long a read waits.
const BLOCK: Duration = Duration::from_millis(500);

/// Time on top of it before a read counts as lost.
const ANSWER: Duration = Duration::from_secs(10);

/// At most so many events of each partition at a time.
const BATCH: usize = 500;

/// Opens tails on one Redis.
#[derive(Clone, Debug)]
pub struct RedisTailConnector {
    server: RedisServer,
    streams: Vec<String>,
}

impl RedisTailConnector {
    /// Of all partitions.
    pub fn new(server: impl Into<RedisServer>, partitions: PartitionCount) -> RedisTailConnector {
        RedisTailConnector { server: server.into(), streams: partitions.all().map(keys::events).collect() }
    }
}

impl EventTailConnector for RedisTailConnector {
    type Tail = RedisTail;

    async fn open(&self) -> Result<RedisTail, Unavailable> {
        let mut connection = self.server.connect(BLOCK + ANSWER).await?;
        let mut ends = pipe();
        self.streams.iter().for_each(|stream| {
            ends.cmd("XINFO").arg("STREAM").arg(stream);
        });
        let ends = connection.send(&ends).await.map_err(unavailable)?;
        // A stream that is not there begins at its beginning.
        let last = ends.iter().map(|end| last_generated_id(end).unwrap_or(EntryId::ZERO)).collect();
        Ok(RedisTail { connection, streams: self.streams.clone(), last })
    }
}

/// Where it is in each stream.
pub struct RedisTail {
    connection: DedicatedConnection,
    streams: Vec<String>,
    last: Vec<EntryId>,
}

impl EventTail for RedisTail {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(BATCH).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        read.arg("STREAMS").arg(&self.streams);
        for last in &self.last {
            read.arg(last.to_string());
        }
        let reply: Value = self.connection.send_one(&read).await.map_err(unavailable)?;
        let entries = read_reply(&self.streams, reply).map_err(unavailable)?;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            self.last[entry.stream] = entry.id;
            // What is no event of ours is the business of those who follow the stream.
            events.extend(event_of(&entry).ok());
        }
        Ok(events)
    }
}
