//! Retention on a real Redis: removes old entries by the time of their commands.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::commands::command_stream::{CommandSettler, LastEvent, PublishResult, Settlement};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_app::ports::events::retention::{StreamRetention, TrimmedCommands};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_redis::keys;
use auction_redis::retention::RedisRetention;
use auction_testkit::contract::command_stream::{CommandStream, Fields, StreamHarness};
use auction_testkit::fixtures::{AT, P, create_auction, fresh, place_bid, records};
use auction_wire::{Channel, Command, EventRecord};
use redis::cmd;
use std::time::Duration;
use stream_worker::consumer::pending;
use stream_worker::{DedicatedConnection, EntryId};

/// Time after every entry, so that age keeps none of them.
const ALL: Timestamp = Timestamp(i64::MAX);

/// Each entry is a stream node of its own, so that trimming removes exactly the entries it may.
async fn setup() -> (Streams, RedisRetention) {
    let streams = streams().await;
    streams.0.query::<()>(cmd("CONFIG").arg("SET").arg("stream-node-max-entries").arg(1)).await;
    let retention = RedisRetention::new(streams.0.client());
    (streams, retention)
}

async fn add_command(streams: &Streams, command: &Command) -> EntryId {
    let fields: Fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    streams.add(command.body.channel(), fields).await
}

fn at(entry: EntryId) -> Timestamp {
    Timestamp(entry.ms.cast_signed())
}

/// Returns events whose times are a minute apart.
fn minute_by_minute(count: u64) -> Vec<EventRecord> {
    let mut events = records(0, count);
    events.iter_mut().zip(0..).for_each(|(event, n)| event.at = Timestamp(AT.0 + 60_000 * n));
    events
}

#[tokio::test]
async fn trimming_removes_decided_and_keeps_undecided_commands() {
    let (streams, mut retention) = setup().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    let auction = AuctionId(fresh());
    let created = add_command(&streams, &create_auction(auction)).await;
    let read = writer.read().await;
    let bid = add_command(&streams, &place_bid(auction, UserId(fresh()), 100)).await;
    let step = retention.trim_commands(P, ALL).await.unwrap();
    let expected = TrimmedCommands { oldest_undecided: Some(at(created)), ..TrimmedCommands::default() };
    assert_eq!(step, expected, "reading a command does not decide it");
    let done = vec![(Channel::Auction, read[0].entry)];
    let settlement = Settlement { after: 0, events: records(0, 1), done, ..Settlement::default() };
    assert_eq!(writer.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(
        retention.trim_commands(P, at(created)).await.unwrap().trimmed.removed,
        0,
        "not older than the limit"
    );
    let step = retention.trim_commands(P, ALL).await.unwrap();
    assert_eq!((step.trimmed.removed, step.oldest_undecided), (1, Some(at(bid))));
    assert_eq!(writer.read().await[0].entry, bid);
}

#[tokio::test]
async fn trimming_removes_old_events_but_keeps_the_last() {
    let (streams, mut retention) = setup().await;
    let events = minute_by_minute(50);
    streams.publish(&events).await;
    assert_eq!(retention.trim_events(P, AT).await.unwrap().removed, 0);
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    for keep_from in [1, 2, 3, 20, 21, 49] {
        retention.trim_events(P, events[keep_from].at).await.unwrap();
        assert_eq!(streams.events().await, events[keep_from..], "from event {keep_from} on");
    }
    assert_eq!(retention.trim_events(P, ALL).await.unwrap().removed, 0);
    assert_eq!(writer.settler.last_event().await.unwrap(), LastEvent::Event(Box::new(events[49].clone())));
    let next = records(50, 1);
    assert_eq!(
        writer.settler.publish(50, &next).await.unwrap(),
        PublishResult::Published,
        "the writer continues"
    );
}

#[tokio::test]
async fn trimming_handles_gaps_and_keeps_foreign_entries() {
    let (streams, mut retention) = setup().await;
    let events = minute_by_minute(40);
    streams.publish(&[&events[..10], &events[30..]].concat()).await;
    let removed =
        async |retention: &mut RedisRetention, since| retention.trim_events(P, since).await.unwrap().removed;
    assert_eq!(removed(&mut retention, events[20].at).await, 10);
    assert_eq!(removed(&mut retention, events[35].at).await, 5);
    let mut add = cmd("XADD");
    streams.0.query::<()>(add.arg(keys::events(P)).arg("41-0").arg("not").arg("ours")).await;
    assert_eq!(removed(&mut retention, ALL).await, 5, "entries that are no events stay");
}

/// Events that a slow consumer has not read are trimmed, too: it reads them from the event store.
#[tokio::test]
async fn trimmed_events_leave_nothing_pending() {
    let (streams, mut retention) = setup().await;
    streams.publish(&minute_by_minute(5)).await;
    let event_streams = streams.event_connector(2);
    let mut slow = event_streams.open("projector", P).await.unwrap();
    assert_eq!(slow.read().await.unwrap().len(), 2);
    assert_eq!(retention.trim_events(P, ALL).await.unwrap().removed, 4);
    let mut next = event_streams.open("projector", P).await.unwrap();
    let mut positions = Vec::new();
    for _ in 0..3 {
        positions.extend(next.read().await.unwrap().iter().map(|event| event.position));
    }
    assert_eq!(positions, [5]);
    next.leave_group().await.unwrap();
    let mut connection =
        DedicatedConnection::open(&streams.0.client(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(pending(&mut connection, &keys::events(P), "projector").await.unwrap(), 0);
}

#[tokio::test]
async fn retention_uses_the_clock_of_redis() {
    let (streams, mut retention) = setup().await;
    let before = retention.now().await.unwrap();
    let entry = add_command(&streams, &create_auction(AuctionId(fresh()))).await;
    // Redis sets the time of an entry when it starts to process its clients, slightly earlier.
    assert!(at(entry).0 + 1000 > before.0 && at(entry) <= retention.now().await.unwrap());
}
