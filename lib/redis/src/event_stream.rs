//! Events of one partition, read through a consumer group named after the component.

use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_wire::{EventRecord, PartitionId};
use redis::cmd;
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::{ConsumerOptions, Entry, GroupConsumer};

/// Longest time to wait for a reply on the checked connection.
const DEADLINE: Duration = Duration::from_secs(10);

/// Opens event streams on one Redis.
#[derive(Clone, Debug)]
pub struct RedisEventStreams {
    server: RedisServer,
    max_batch: usize,
    block: Duration,
    linger: Duration,
}

impl RedisEventStreams {
    /// Returns a connector for batches of at most `max_batch` events. A read waits at most `block` for
    /// events.
    pub fn new(server: impl Into<RedisServer>, max_batch: usize, block: Duration) -> RedisEventStreams {
        RedisEventStreams { server: server.into(), max_batch, block, linger: Duration::ZERO }
    }

    /// Sets how long to wait for more events after a partial batch ([`ConsumerOptions::linger`]).
    pub fn with_linger(self, linger: Duration) -> RedisEventStreams {
        RedisEventStreams { linger, ..self }
    }
}

impl EventStreamConnector for RedisEventStreams {
    type Stream = RedisEventStream;

    async fn open(
        &self,
        component: &'static str,
        partition: PartitionId,
    ) -> Result<RedisEventStream, Unavailable> {
        let stream = keys::events(partition);
        let options = ConsumerOptions {
            group: component.to_owned(),
            streams: vec![stream.clone()],
            priority_streams: 0,
            count: self.max_batch,
            block: self.block,
            blocking: true,
            linger: self.linger,
            // An event consumer stores its own checkpoint, and reads undelivered events from the event store.
            ack_required: false,
            crash_tracking: None,
        };
        // The consumer opens its connection itself, without the durability check: this connection makes it.
        let mut checked = self.server.connect(DEADLINE).await?;
        let consumer = GroupConsumer::open(&self.server, options).await.map_err(unavailable)?;
        let last = cmd("XREVRANGE").arg(&stream).arg("+").arg("-").arg("COUNT").arg(1).clone();
        let reply = checked.send_one(&last).await.map_err(unavailable)?;
        let last = range_reply(reply).map_err(unavailable)?;
        let last_at_open = last.first().and_then(|entry| event_of(entry).ok());
        Ok(RedisEventStream { consumer, stream, last_at_open })
    }
}

/// Events of one partition.
pub struct RedisEventStream {
    consumer: GroupConsumer,
    stream: String,
    last_at_open: Option<EventRecord>,
}

/// Decodes an entry. Entries of the portal have the id `<position>-0`.
pub(crate) fn event_of(entry: &Entry) -> Result<EventRecord, String> {
    if entry.id.seq != 0 {
        return Err("the entry id is not a position".to_owned());
    }
    EventRecord::from_fields(entry.id.ms, &entry.fields).map_err(|error| error.to_string())
}

impl EventStream for RedisEventStream {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let entries = self.consumer.read().await.map_err(unavailable)?.entries;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            // The event consumer sees a gap and reads the event from the event store.
            match event_of(&entry) {
                Ok(event) => events.push(event),
                Err(reason) => {
                    tracing::error!(stream = self.stream, entry = %entry.id, reason, "entry skipped: not an event of this portal");
                }
            }
        }
        Ok(events)
    }

    fn last_event_at_open(&self) -> Option<&EventRecord> {
        self.last_at_open.as_ref()
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}
