//! Old entries go from the streams of a partition, by the time of the commands.

use crate::streams_bench::{Streams, streams};
use auction_app::ports::commands::command_stream::{CommandSettler, LastEvent, PublishResult, Settlement};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_app::ports::events::retention::{StreamRetention, TrimmedCommands};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_redis::keys;
use auction_redis::retention::RedisRetention;
use auction_testkit::contract::command_stream::{CommandStreamHarness, Fields, Lane};
use auction_testkit::contract::event_stream::EventPublisherHarness;
use auction_testkit::fixtures::{AT, P, create_auction, fresh, place_bid, records};
use auction_wire::{Channel, Command, EventRecord};
use redis::cmd;
use std::time::Duration;
use stream_worker::consumer::pending;
use stream_worker::{DedicatedConnection, EntryId};

/// Later than everything.
const ALL: Timestamp = Timestamp(i64::MAX);

/// Each entry is a node of its own, so that all go that may.
async fn bench() -> (Streams, RedisRetention) {
    let streams = streams().await;
    streams.0.query::<()>(cmd("CONFIG").arg("SET").arg("stream-node-max-entries").arg(1)).await;
    let retention = RedisRetention::new(streams.0.client());
    (streams, retention)
}

async fn give(streams: &Streams, command: &Command) -> EntryId {
    let fields: Fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    streams.add(command.body.channel(), fields).await
}

fn at(entry: EntryId) -> Timestamp {
    Timestamp(entry.ms.cast_signed())
}

/// A minute apart.
fn minute_by_minute(count: u64) -> Vec<EventRecord> {
    let mut events = records(0, count);
    events.iter_mut().zip(0..).for_each(|(event, n)| event.at = Timestamp(AT.0 + 60_000 * n));
    events
}

#[tokio::test]
async fn a_decided_command_goes_and_an_undecided_one_stays() {
    let (streams, mut retention) = bench().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    let auction = AuctionId(fresh());
    let created = give(&streams, &create_auction(auction)).await;
    let read = lane.read().await;
    let bid = give(&streams, &place_bid(auction, UserId(fresh()), 100)).await;
    let step = retention.trim_commands(P, ALL).await.unwrap();
    let expected = TrimmedCommands { oldest_undecided: Some(at(created)), ..TrimmedCommands::default() };
    assert_eq!(step, expected, "read is not decided");
    let done = vec![(Channel::Auction, read[0].entry)];
    let settlement = Settlement { after: 0, events: records(0, 1), done, ..Settlement::default() };
    assert_eq!(lane.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
    assert_eq!(retention.trim_commands(P, at(created)).await.unwrap().trimmed.removed, 0, "not that old");
    let step = retention.trim_commands(P, ALL).await.unwrap();
    assert_eq!((step.trimmed.removed, step.oldest_undecided), (1, Some(at(bid))));
    assert_eq!(lane.read().await[0].entry, bid);
}

#[tokio::test]
async fn events_go_by_their_time_and_the_last_one_stays() {
    let (streams, mut retention) = bench().await;
    let events = minute_by_minute(50);
    streams.publish_events(&events).await;
    assert_eq!(retention.trim_events(P, AT).await.unwrap().removed, 0);
    let mut lane = Lane::open(&streams.lanes(10)).await;
    for keep_from in [1, 2, 3, 20, 21, 49] {
        retention.trim_events(P, events[keep_from].at).await.unwrap();
        assert_eq!(streams.events().await, events[keep_from..], "from event {keep_from} on");
    }
    assert_eq!(retention.trim_events(P, ALL).await.unwrap().removed, 0);
    assert_eq!(lane.settler.last_event().await.unwrap(), LastEvent::Event(Box::new(events[49].clone())));
    let next = records(50, 1);
    assert_eq!(lane.settler.publish(50, &next).await.unwrap(), PublishResult::Published, "a lane goes on");
}

#[tokio::test]
async fn a_stream_with_holes_and_garbage_is_trimmed_up_to_them() {
    let (streams, mut retention) = bench().await;
    let events = minute_by_minute(40);
    streams.publish_events(&[&events[..10], &events[30..]].concat()).await;
    let removed =
        async |retention: &mut RedisRetention, since| retention.trim_events(P, since).await.unwrap().removed;
    assert_eq!(removed(&mut retention, events[20].at).await, 10);
    assert_eq!(removed(&mut retention, events[35].at).await, 5);
    let mut add = cmd("XADD");
    streams.0.query::<()>(add.arg(keys::events(P)).arg("41-0").arg("not").arg("ours")).await;
    assert_eq!(removed(&mut retention, ALL).await, 5, "what is not ours stays");
}

/// The entries of a slow reader go, too; he gets them from the store.
#[tokio::test]
async fn trimmed_events_leave_nothing_pending() {
    let (streams, mut retention) = bench().await;
    EventPublisherHarness::publish(&streams, &minute_by_minute(5)).await;
    let feeds = streams.feeds(2);
    let mut slow = feeds.open("projector", P).await.unwrap();
    assert_eq!(slow.read().await.unwrap().len(), 2);
    assert_eq!(retention.trim_events(P, ALL).await.unwrap().removed, 4);
    let mut next = feeds.open("projector", P).await.unwrap();
    let mut positions = Vec::new();
    for _ in 0..3 {
        positions.extend(next.read().await.unwrap().iter().map(|event| event.position));
    }
    assert_eq!(positions, [5]);
    next.leave().await.unwrap();
    let mut connection =
        DedicatedConnection::open(&streams.0.client(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(pending(&mut connection, &keys::events(P), "projector").await.unwrap(), 0);
}

#[tokio::test]
async fn the_clock_is_that_of_the_server() {
    let (streams, mut retention) = bench().await;
    let before = retention.now().await.unwrap();
    let entry = give(&streams, &create_auction(AuctionId(fresh()))).await;
    // Redis stamps an entry with the time at which it began to look at its clients.
    assert!(at(entry).0 + 1000 > before.0 && at(entry) <= retention.now().await.unwrap());
}
