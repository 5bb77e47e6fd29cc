//! Streams in memory keep the contracts of lanes and feeds.

use auction_testkit::contract::command_stream::CommandStreamHarness;
use auction_testkit::contract::event_stream::EventPublisherHarness;
use auction_testkit::contract::event_tail::TailHarness;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{
    Fields, MemoryCommandStreams, MemoryEventStreams, MemoryStreams, MemoryTailConnector,
};
use auction_wire::{Channel, EventRecord, Outcome};
use stream_worker::EntryId;

struct Memory(MemoryStreams);

fn memory() -> Memory {
    Memory(MemoryStreams::default())
}

impl CommandStreamHarness for Memory {
    type Lanes = MemoryCommandStreams;
    fn lanes(&self, count: usize) -> MemoryCommandStreams {
        MemoryCommandStreams(self.0.clone(), count)
    }
    async fn add(&self, channel: Channel, fields: Fields) -> EntryId {
        self.0.add(P, channel, fields)
    }
    async fn lose(&self, channel: Channel, count: usize) -> Vec<EntryId> {
        self.0.lose(P, channel, count)
    }
    async fn publish(&self, events: &[EventRecord]) {
        self.0.publish(P, events);
    }
    async fn pending(&self) -> usize {
        self.0.pending(P)
    }
    async fn consumers(&self) -> usize {
        self.0.consumers(P)
    }
    async fn dead(&self) -> Vec<(EntryId, String)> {
        self.0.dead(P).into_iter().map(|letter| (letter.entry, letter.reason)).collect()
    }
    async fn events(&self) -> Vec<EventRecord> {
        self.0.events(P)
    }
    async fn replies(&self) -> Vec<Outcome> {
        let replies = self.0.replies(P).into_iter();
        replies.filter(|(ingress, _)| ingress == "ingress").map(|(_, outcome)| outcome).collect()
    }
}

impl EventPublisherHarness for Memory {
    type Feeds = MemoryEventStreams;
    fn feeds(&self, count: usize) -> MemoryEventStreams {
        MemoryEventStreams(self.0.clone(), count)
    }
    async fn publish(&self, events: &[EventRecord]) {
        self.0.publish(P, events);
    }
}

impl TailHarness for Memory {
    type Tails = MemoryTailConnector;
    fn tails(&self) -> MemoryTailConnector {
        MemoryTailConnector(self.0.clone(), P)
    }
}

mod lanes {
    use super::memory;
    auction_testkit::contract_tests!(command_lane, memory());
}

mod feeds {
    use super::memory;
    auction_testkit::contract_tests!(event_feed, memory());
}

mod tails {
    use super::memory;
    auction_testkit::contract_tests!(event_tail, memory());
}
