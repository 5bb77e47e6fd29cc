//! [`EventTail`]: what is published from now on.

use crate::contract::event_stream::EventPublisherHarness;
use crate::fixtures::records;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::EventRecord;

/// Tails, of what a publisher publishes.
pub trait TailHarness: EventPublisherHarness {
    /// What is tried.
    type Tails: EventTailConnector;
    /// Tails of all partitions.
    fn tails(&self) -> Self::Tails;
}

/// Reads until so many have come.
async fn read(tail: &mut impl EventTail, count: usize) -> Vec<EventRecord> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(tail.read().await.unwrap());
    }
    all
}

/// See its name.
pub async fn a_tail_has_what_comes_after_it_was_opened(streams: &impl TailHarness) {
    streams.publish(&records(0, 3)).await;
    let mut tail = streams.tails().open().await.unwrap();
    let more = records(3, 4);
    streams.publish(&more).await;
    assert_eq!(read(&mut tail, 4).await, more);
    assert_eq!(tail.read().await.unwrap(), [], "and says when there is no more");
}

/// See its name.
pub async fn everybody_has_a_tail_of_his_own(streams: &impl TailHarness) {
    let (mut one, mut other) = (streams.tails().open().await.unwrap(), streams.tails().open().await.unwrap());
    let events = records(0, 2);
    streams.publish(&events).await;
    assert_eq!(read(&mut one, 2).await, events);
    assert_eq!(read(&mut other, 2).await, events);
}
