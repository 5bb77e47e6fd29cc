//! A service's feed of one partition's events, through a consumer group named after the service.

use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_wire::{EventRecord, PartitionId};
use redis::cmd;
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::{ConsumerOptions, Entry, GroupConsumer};

/// How long Redis may take to say how it is set up.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes feeds on one Redis.
#[derive(Clone, Debug)]
pub struct RedisEventStreams {
    server: RedisServer,
    batch: usize,
    block: Duration,
    gather: Duration,
}

impl RedisEventStreams {
    /// At most `batch` events at a time; a read waits for `block` when there are none.
    pub fn new(server: impl Into<RedisServer>, batch: usize, block: Duration) -> RedisEventStreams {
        RedisEventStreams { server: server.into(), batch, block, gather: Duration::ZERO }
    }

    /// After each read events gather for so long ([`ConsumerOptions::gather`]).
    pub fn with_linger(self, gather: Duration) -> RedisEventStreams {
        RedisEventStreams { gather, ..self }
    }
}

impl EventStreamConnector for RedisEventStreams {
    type Feed = RedisEventStream;

    async fn open(
        &self,
        service: &'static str,
        partition: PartitionId,
    ) -> Result<RedisEventStream, Unavailable> {
        let stream = keys::events(partition);
        let options = ConsumerOptions {
            group: service.to_owned(),
            streams: vec![stream.clone()],
            priority_streams: 0,
            count: self.batch,
            block: self.block,
            blocking: true,
            linger: self.gather,
            // A follower keeps in its own store how far it is, and fetches from the event store what it was not handed.
            ack_required: false,
            crash_tracking: None,
        };
        // The consumer's own connection is not asked whether the server keeps what it acknowledges.
        let mut checked = self.server.connect(DEADLINE).await?;
        let consumer = GroupConsumer::open(&self.server, options).await.map_err(unavailable)?;
        let last = cmd("XREVRANGE").arg(&stream).arg("+").arg("-").arg("COUNT").arg(1).clone();
        let reply = checked.send_one(&last).await.map_err(unavailable)?;
        let last = range_reply(reply).map_err(unavailable)?;
        let ended_in = last.first().and_then(|entry| event_of(entry).ok());
        Ok(RedisEventStream { consumer, stream, ended_in })
    }
}

/// One feed.
pub struct RedisEventStream {
    consumer: GroupConsumer,
    stream: String,
    ended_in: Option<EventRecord>,
}

/// Our entries have the id `<position>-0`.
pub(crate) fn event_of(entry: &Entry) -> Result<EventRecord, String> {
    if entry.id.seq != 0 {
        return Err("its id is not a position".to_owned());
    }
    EventRecord::from_fields(entry.id.ms, &entry.fields).map_err(|error| error.to_string())
}

impl EventStream for RedisEventStream {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let entries = self.consumer.read().await.map_err(unavailable)?.entries;
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            // The store has what belongs there; the follower sees a hole and fetches it.
            match event_of(&entry) {
                Ok(event) => events.push(event),
                Err(why) => {
                    tracing::error!(stream = self.stream, entry = %entry.id, why, "passed over: not an event of ours");
                }
            }
        }
        Ok(events)
    }

    fn last_event_at_open(&self) -> Option<&EventRecord> {
        self.ended_in.as_ref()
    }

    async fn leave(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}
