//! Contract tests of the in-memory command streams, event streams and tails.

use auction_testkit::contract::command_stream::{CommandStreamHarness, Fields};
use auction_testkit::contract::event_stream::EventStreamHarness;
use auction_testkit::contract::event_tail::EventTailHarness;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryCommandStreams, MemoryEventStreams, MemoryStreams, MemoryTailConnector};
use auction_wire::{Channel, EventRecord, Outcome};
use stream_worker::EntryId;

struct Memory(MemoryStreams);

fn memory() -> Memory {
    Memory(MemoryStreams::default())
}

impl CommandStreamHarness for Memory {
    type Commands = MemoryCommandStreams;
    fn command_connector(&self, count: usize) -> MemoryCommandStreams {
        MemoryCommandStreams(self.0.clone(), count)
    }
    async fn add(&self, channel: Channel, fields: Fields) -> EntryId {
        self.0.add(P, channel, fields)
    }
    async fn deliver_elsewhere(&self, channel: Channel, count: usize) -> Vec<EntryId> {
        self.0.deliver_elsewhere(P, channel, count)
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
    async fn dead_letters(&self) -> Vec<(EntryId, String)> {
        self.0
            .dead_letters(P)
            .into_iter()
            .map(|dead_letter| (dead_letter.entry, dead_letter.reason))
            .collect()
    }
    async fn events(&self) -> Vec<EventRecord> {
        self.0.events(P)
    }
    async fn replies(&self) -> Vec<Outcome> {
        let replies = self.0.replies(P).into_iter();
        replies.filter(|(ingress, _)| ingress == "ingress").map(|(_, outcome)| outcome).collect()
    }
}

impl EventStreamHarness for Memory {
    type Events = MemoryEventStreams;
    fn event_connector(&self, count: usize) -> MemoryEventStreams {
        MemoryEventStreams(self.0.clone(), count)
    }
    async fn publish(&self, events: &[EventRecord]) {
        self.0.publish(P, events);
    }
}

impl EventTailHarness for Memory {
    type Tails = MemoryTailConnector;
    fn tail_connector(&self) -> MemoryTailConnector {
        MemoryTailConnector(self.0.clone(), P)
    }
}

mod command_streams {
    use super::memory;
    auction_testkit::contract_tests!(command_stream, memory());
}

mod event_streams {
    use super::memory;
    auction_testkit::contract_tests!(event_stream, memory());
}

mod tails {
    use super::memory;
    auction_testkit::contract_tests!(event_tail, memory());
}
