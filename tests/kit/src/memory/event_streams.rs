//! Readers and tails of the event streams.

use super::MemoryStreams;
use super::streams::{BLOCK, Partition};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_app::ports::events::event_stream_reader::EventStreamReader;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::{EventRecord, PartitionId};

/// Opens event streams that read at most the given number of events at a time.
#[derive(Clone, Debug)]
pub struct MemoryEventStreams(pub MemoryStreams, pub usize);

/// Event stream of one partition, read by one component.
#[derive(Debug)]
pub struct MemoryEventStream {
    streams: MemoryStreams,
    component: &'static str,
    partition: PartitionId,
    count: usize,
    consumer: u64,
    last_event: Option<EventRecord>,
}

impl EventStreamConnector for MemoryEventStreams {
    type Stream = MemoryEventStream;
    async fn open(
        &self,
        component: &'static str,
        partition: PartitionId,
    ) -> Result<MemoryEventStream, Unavailable> {
        let consumer = self.0.state().new_consumer();
        let last_event = self.0.events(partition).pop();
        Ok(MemoryEventStream {
            streams: self.0.clone(),
            component,
            partition,
            count: self.1,
            consumer,
            last_event,
        })
    }
}

impl MemoryEventStream {
    fn take(&self) -> Vec<EventRecord> {
        let mut state = self.streams.state();
        let Partition { events, groups, .. } = state.partition(self.partition);
        let group = groups.entry(self.component).or_default();
        loop {
            let taken = group.deliver(self.consumer, events.len(), self.count);
            taken.iter().for_each(|index| group.acknowledge(*index));
            // A trimmed event has position 0 and is skipped.
            let kept = taken.iter().filter(|index| events[**index].position != 0);
            let kept: Vec<EventRecord> = kept.map(|index| events[*index].clone()).collect();
            if taken.is_empty() || !kept.is_empty() {
                return kept;
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
        self.last_event.as_ref()
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Opens tails of one partition.
#[derive(Clone, Debug)]
pub struct MemoryTailConnector(pub MemoryStreams, pub PartitionId);

#[derive(Debug)]
pub struct MemoryTail {
    streams: MemoryStreams,
    partition: PartitionId,
    /// Last position that was read.
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
