//! Contract of [`EventTail`]: the events published after the tail was opened.

use crate::contract::command_stream::StreamHarness;
use crate::fixtures::records;
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_wire::EventRecord;

/// Reads until `count` events have arrived.
async fn read(tail: &mut impl EventTail, count: usize) -> Vec<EventRecord> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(tail.read().await.unwrap());
    }
    all
}

pub async fn tail_delivers_events_published_after_open(streams: &impl StreamHarness) {
    streams.publish(&records(0, 3)).await;
    let mut tail = streams.tail_connector().open().await.unwrap();
    let more = records(3, 4);
    streams.publish(&more).await;
    assert_eq!(read(&mut tail, 4).await, more);
    assert_eq!(tail.read().await.unwrap(), [], "the tail reports its end");
}

pub async fn tails_are_independent(streams: &impl StreamHarness) {
    let (mut one, mut other) =
        (streams.tail_connector().open().await.unwrap(), streams.tail_connector().open().await.unwrap());
    let events = records(0, 2);
    streams.publish(&events).await;
    assert_eq!(read(&mut one, 2).await, events);
    assert_eq!(read(&mut other, 2).await, events);
}
