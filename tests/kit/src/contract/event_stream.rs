//! [`EventStream`]: a partition's events for one service.

use crate::fixtures::{P, records};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_wire::EventRecord;

/// Feeds of partition 0, and somebody who publishes.
pub trait EventPublisherHarness {
    /// What is tried.
    type Feeds: EventStreamConnector;
    /// Feeds that read so many events at a time.
    fn feeds(&self, count: usize) -> Self::Feeds;
    /// Publishes.
    fn publish(&self, events: &[EventRecord]) -> impl Future<Output = ()>;
}

fn positions(events: &[EventRecord]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

/// Reads until nothing comes.
async fn drain(feed: &mut impl EventStream) -> Vec<EventRecord> {
    let mut all = Vec::new();
    loop {
        let events = feed.read().await.unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events);
    }
}

/// See its name.
pub async fn events_come_in_order_and_once(publisher: &impl EventPublisherHarness) {
    let events = records(0, 10);
    publisher.publish(&events).await;
    let mut feed = publisher.feeds(3).open("projector", P).await.unwrap();
    assert_eq!(drain(&mut feed).await, events);
    feed.leave().await.unwrap();
    let more = records(10, 2);
    publisher.publish(&more).await;
    let mut feed = publisher.feeds(3).open("projector", P).await.unwrap();
    assert_eq!(drain(&mut feed).await, more);
}

/// See its name.
pub async fn what_a_lost_feed_was_handed_is_a_hole_for_the_next(publisher: &impl EventPublisherHarness) {
    let events = records(0, 7);
    publisher.publish(&events).await;
    let mut lost = publisher.feeds(2).open("projector", P).await.unwrap();
    assert_eq!(lost.read().await.unwrap(), events[..2]);
    let mut feed = publisher.feeds(2).open("projector", P).await.unwrap();
    assert_eq!(positions(&drain(&mut feed).await), [3, 4, 5, 6, 7]);
    // And what another one is handed while this one is there.
    let more = records(7, 4);
    publisher.publish(&more).await;
    let mut lost = publisher.feeds(2).open("projector", P).await.unwrap();
    assert_eq!(lost.read().await.unwrap(), more[..2]);
    assert_eq!(drain(&mut feed).await, more[2..]);
}

/// See its name.
pub async fn every_service_gets_every_event(publisher: &impl EventPublisherHarness) {
    let events = records(0, 4);
    publisher.publish(&events).await;
    for service in ["projector", "auctioneer"] {
        let mut feed = publisher.feeds(10).open(service, P).await.unwrap();
        assert_eq!(drain(&mut feed).await, events, "{service}");
    }
}

/// See its name.
pub async fn a_feed_knows_what_its_stream_ended_in_when_it_was_opened(
    publisher: &impl EventPublisherHarness,
) {
    let feed = publisher.feeds(10).open("projector", P).await.unwrap();
    assert_eq!(feed.last_event_at_open(), None);
    let events = records(0, 3);
    publisher.publish(&events).await;
    let feed = publisher.feeds(10).open("projector", P).await.unwrap();
    assert_eq!(feed.last_event_at_open(), events.last());
}

/// See its name.
pub async fn a_feed_that_has_read_everything_says_so(publisher: &impl EventPublisherHarness) {
    let mut feed = publisher.feeds(10).open("projector", P).await.unwrap();
    assert_eq!(feed.read().await.unwrap(), []);
    let events = records(0, 1);
    publisher.publish(&events).await;
    assert_eq!(drain(&mut feed).await, events);
    assert_eq!(feed.read().await.unwrap(), []);
}
