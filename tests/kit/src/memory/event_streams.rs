//! Feeds of the event streams.

use super::MemoryStreams;
use super::streams::Partition;
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_app::ports::events::event_stream_reader::EventStreamReader;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::{EventRecord, PartitionId};
use std::time::Duration;

/// How long a read waits when there is nothing.
const BLOCK: Duration = Duration::from_millis(10);

/// Makes feeds that read so many events at a time.
#[derive(Clone, Debug)]
pub struct MemoryEventStreams(pub MemoryStreams, pub usize);

/// One feed.
#[derive(Debug)]
pub struct MemoryEventStream {
    streams: MemoryStreams,
    service: &'static str,
    partition: PartitionId,
    count: usize,
    me: u64,
    ended_in: Option<EventRecord>,
}

impl EventStreamConnector for MemoryEventStreams {
    type Feed = MemoryEventStream;
    async fn open(
        &self,
        service: &'static str,
        partition: PartitionId,
    ) -> Result<MemoryEventStream, Unavailable> {
        let me = self.0.state().new_consumer();
        let ended_in = self.0.events(partition).pop();
        Ok(MemoryEventStream { streams: self.0.clone(), service, partition, count: self.1, me, ended_in })
    }
}

impl MemoryEventStream {
    fn take(&self) -> Vec<EventRecord> {
        let mut state = self.streams.state();
        let Partition { events, groups, .. } = state.partition(self.partition);
        let group = groups.entry(self.service).or_default();
        loop {
            let taken = group.hand_out(self.me, events.len(), self.count);
            taken.iter().for_each(|index| group.acknowledge(*index));
            // What was trimmed is not there any more.
            let there = taken.iter().filter(|index| events[**index].position != 0);
            let there: Vec<EventRecord> = there.map(|index| events[*index].clone()).collect();
            if taken.is_empty() || !there.is_empty() {
                return there;
            }
        }
    }
}

impl EventStream for MemoryEventStream {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let events = self.take();
        if !events.is_empty() {
            return Ok(events);
        }
        tokio::time::sleep(BLOCK).await;
        Ok(self.take())
    }

    fn last_event_at_open(&self) -> Option<&EventRecord> {
        self.ended_in.as_ref()
    }

    async fn leave(self) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Makes tails of one partition.
#[derive(Clone, Debug)]
pub struct MemoryTailConnector(pub MemoryStreams, pub PartitionId);

/// One tail.
#[derive(Debug)]
pub struct MemoryTail {
    streams: MemoryStreams,
    partition: PartitionId,
    /// The last position that was read.
    last: u64,
}

impl MemoryTail {
    fn take(&mut self) -> Vec<EventRecord> {
        let mut events = self.streams.events(self.partition);
        events.retain(|event| event.position > self.last);
        self.last = events.last().map_or(self.last, |event| event.position);
        events
    }
}

impl EventTailConnector for MemoryTailConnector {
    type Tail = MemoryTail;
    async fn open(&self) -> Result<MemoryTail, Unavailable> {
        let mut tail = MemoryTail { streams: self.0.clone(), partition: self.1, last: 0 };
        tail.take();
        Ok(tail)
    }
}

impl EventTail for MemoryTail {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        let events = self.take();
        if !events.is_empty() {
            return Ok(events);
        }
        tokio::time::sleep(BLOCK).await;
        Ok(self.take())
    }
}

impl EventStreamReader for MemoryStreams {
    async fn events_after(
        &self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        Ok(self.events(partition).into_iter().filter(|event| event.position > after).take(limit).collect())
    }
}
