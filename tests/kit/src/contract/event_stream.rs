//! Contract of [`EventStream`]: the published events of a partition, read by one component.

use crate::contract::command_stream::StreamHarness;
use crate::fixtures::{P, records};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_wire::EventRecord;

fn positions(events: &[EventRecord]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

/// Reads until a read returns nothing.
async fn drain(stream: &mut impl EventStream) -> Vec<EventRecord> {
    let mut all = Vec::new();
    loop {
        let events = stream.read().await.unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events);
    }
}

pub async fn events_are_delivered_once_in_order(publisher: &impl StreamHarness) {
    let events = records(0, 10);
    publisher.publish(&events).await;
    let mut stream = publisher.event_connector(3).open("projector", P).await.unwrap();
    assert_eq!(drain(&mut stream).await, events);
    stream.leave_group().await.unwrap();
    let more = records(10, 2);
    publisher.publish(&more).await;
    let mut stream = publisher.event_connector(3).open("projector", P).await.unwrap();
    assert_eq!(drain(&mut stream).await, more);
}

pub async fn events_delivered_to_a_lost_reader_are_not_redelivered(publisher: &impl StreamHarness) {
    let events = records(0, 7);
    publisher.publish(&events).await;
    let mut lost = publisher.event_connector(2).open("projector", P).await.unwrap();
    assert_eq!(lost.read().await.unwrap(), events[..2]);
    let mut stream = publisher.event_connector(2).open("projector", P).await.unwrap();
    assert_eq!(positions(&drain(&mut stream).await), [3, 4, 5, 6, 7]);
    // Events that another reader receives while this one is open are not delivered to this one either.
    let more = records(7, 4);
    publisher.publish(&more).await;
    let mut lost = publisher.event_connector(2).open("projector", P).await.unwrap();
    assert_eq!(lost.read().await.unwrap(), more[..2]);
    assert_eq!(drain(&mut stream).await, more[2..]);
}

pub async fn every_component_receives_every_event(publisher: &impl StreamHarness) {
    let events = records(0, 4);
    publisher.publish(&events).await;
    for component in ["projector", "auctioneer"] {
        let mut stream = publisher.event_connector(10).open(component, P).await.unwrap();
        assert_eq!(drain(&mut stream).await, events, "{component}");
    }
}

pub async fn stream_reports_the_last_event_at_open(publisher: &impl StreamHarness) {
    let stream = publisher.event_connector(10).open("projector", P).await.unwrap();
    assert_eq!(stream.last_event_at_open(), None);
    let events = records(0, 3);
    publisher.publish(&events).await;
    let stream = publisher.event_connector(10).open("projector", P).await.unwrap();
    assert_eq!(stream.last_event_at_open(), events.last());
}

pub async fn read_returns_nothing_at_the_end_of_the_stream(publisher: &impl StreamHarness) {
    let mut stream = publisher.event_connector(10).open("projector", P).await.unwrap();
    assert_eq!(stream.read().await.unwrap(), []);
    let events = records(0, 1);
    publisher.publish(&events).await;
    assert_eq!(drain(&mut stream).await, events);
    assert_eq!(stream.read().await.unwrap(), []);
}
