//! New events of all partitions, read by one reader without a consumer group, since nothing is acknowledged.

use crate::event_stream::event_of;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::{EventRecord, PartitionCount};
use redis::{Value, cmd, pipe};
use std::time::{Duration, Instant};
use stream_worker::entry::read_reply;
use stream_worker::value::last_generated_id;
use stream_worker::{DedicatedConnection, EntryId};

/// Longest time that a read waits for events.
const BLOCK: Duration = Duration::from_millis(500);

/// Time on top of `BLOCK` after which the reply to a read counts as lost.
const REPLY_MARGIN: Duration = Duration::from_secs(10);

/// Maximum number of events of each partition in one read.
const MAX_BATCH: usize = 500;

/// Opens tails on one Redis.
#[derive(Clone, Debug)]
pub struct RedisTailConnector {
    server: RedisServer,
    streams: Vec<String>,
}

impl RedisTailConnector {
    pub fn new(server: impl Into<RedisServer>, partitions: PartitionCount) -> RedisTailConnector {
        RedisTailConnector { server: server.into(), streams: partitions.all().map(keys::events).collect() }
    }
}

impl EventTailConnector for RedisTailConnector {
    type Tail = RedisTail;

    async fn open(&self) -> Result<RedisTail, Unavailable> {
        let opened = Instant::now();
        let mut connection = self.server.connect(BLOCK + REPLY_MARGIN).await?;
        let mut info = pipe();
        self.streams.iter().for_each(|stream| {
            info.cmd("XINFO").arg("STREAM").arg(stream);
        });
        let info = connection.send(&info).await.map_err(unavailable)?;
        // A missing stream is read from its beginning once it exists.
        let last = info.iter().map(|info| last_generated_id(info).unwrap_or(EntryId::ZERO)).collect();
        let (server, streams) = (self.server.clone(), self.streams.clone());
        Ok(RedisTail { server, opened, connection, streams, last })
    }
}

/// Reader of new events, with its position in each stream.
pub struct RedisTail {
    server: RedisServer,
    /// Time when the connection was opened.
    opened: Instant,
    connection: DedicatedConnection,
    streams: Vec<String>,
    last: Vec<EntryId>,
}

impl EventTail for RedisTail {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        // A replica may not receive events any more.
        self.server.check_current(self.opened)?;
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(MAX_BATCH).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        read.arg("STREAMS").arg(&self.streams);
        for last in &self.last {
            read.arg(last.to_string());
        }
        let reply: Value = self.connection.send_one(&read).await.map_err(unavailable)?;
        let entries = read_reply(&self.streams, reply).map_err(unavailable)?;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            self.last[entry.stream] = entry.id;
            // Event consumers report entries that are not events.
            events.extend(event_of(&entry).ok());
        }
        Ok(events)
    }
}
