//! Entries that nobody of ours put there, or put somewhere else, hold nobody up.

use crate::streams_bench::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    CommandReader, CommandSettler, CommandStreamConnector, LastEvent, PublishResult, Settlement,
};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{CommandStreamHarness, Fields, Lane};
use auction_testkit::contract::event_stream::EventPublisherHarness;
use auction_testkit::fixtures::{P, place_bid, records};
use auction_wire::Channel;
use redis::{Value, cmd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// A bid on an auction whose id ends so.
fn bid(low: u64) -> Fields {
    let auction = AuctionId(Uuid::from_u64_pair(1, low));
    let bid = place_bid(auction, UserId(Uuid::from_u128(7)), 100);
    bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect()
}

#[tokio::test]
async fn a_command_of_another_partition_or_channel_is_put_away_and_the_rest_goes_on() {
    let streams = streams().await;
    let lanes = streams.patient_lanes(10, 8, Duration::from_millis(30));
    let mut lane = Lane::open(&lanes).await;
    let wrong_channel = streams.add(Channel::Auction, bid(8)).await;
    let wrong_partition = streams.add(Channel::Bid, bid(9)).await;
    let right = streams.add(Channel::Bid, bid(16)).await;
    let mut batch = Vec::new();
    while batch.len() < 3 {
        let read = lane.read().await;
        assert!(!read.is_empty());
        let done = read.iter().map(|delivery| (delivery.channel, delivery.entry)).collect();
        let settlement = Settlement { done, ..Settlement::default() };
        assert_eq!(lane.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
        batch.extend(read);
    }
    let read: Vec<_> = batch.iter().map(|delivery| (delivery.entry, delivery.command.is_ok())).collect();
    assert_eq!(read, [(wrong_channel, false), (wrong_partition, false), (right, true)]);
    let why: Vec<String> = batch
        .iter()
        .filter_map(|delivery| Some(delivery.command.as_ref().err()?.failure.error.clone()))
        .collect();
    assert!(why[0].contains("channel `bid`") && why[1].contains("partition 01"), "{why:?}");
}

#[tokio::test]
async fn a_command_from_the_future_holds_up_its_lane_and_says_which_clock() {
    let streams = streams().await;
    let (mut reader, _) = streams.lanes(10).open(P).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    for ahead in [30_000, 90_000] {
        let id = format!("{}-0", now + ahead);
        let mut add = cmd("XADD");
        add.arg(keys::commands(P, Channel::Bid)).arg(&id);
        for (name, value) in bid(8) {
            add.arg(name).arg(value);
        }
        streams.0.query::<()>(&mut add).await;
        let read = reader.read().await;
        match ahead {
            30_000 => assert_eq!(read.unwrap().deliveries.len(), 1),
            _ => assert!(read.unwrap_err().to_string().contains(&id)),
        }
    }
    assert_eq!(streams.pending().await, 2, "nothing is lost");
}

async fn garbage(streams: &Streams, id: &str) {
    streams.0.query::<()>(cmd("XADD").arg(keys::events(P)).arg(id).arg("not").arg("an event")).await;
}

async fn pending(streams: &Streams, group: &str) -> i64 {
    let summary: Value = streams.0.query(cmd("XPENDING").arg(keys::events(P)).arg(group)).await;
    let Value::Array(parts) = summary else { panic!("{summary:?}") };
    stream_worker::value::number(&parts[0]).unwrap()
}

#[tokio::test]
async fn what_is_no_event_is_passed_over_and_leaves_nothing_pending() {
    let streams = streams().await;
    let events = records(0, 4);
    streams.publish_events(&events[..1]).await;
    // An event as ours are, but for its id.
    let mut twice = cmd("XADD");
    twice.arg(keys::events(P)).arg("1-1");
    for (name, value) in events[0].to_fields() {
        twice.arg(name).arg(value);
    }
    streams.0.query::<()>(&mut twice).await;
    streams.publish_events(&events[1..2]).await;
    garbage(&streams, "3-0").await;
    streams.publish_events(&events[3..]).await;
    let mut feed = streams.feeds(10).open("projector", P).await.unwrap();
    let read = feed.read().await.unwrap();
    let positions: Vec<u64> = read.iter().map(|event| event.position).collect();
    assert_eq!(positions, [1, 2, 4]);
    assert!(feed.read().await.unwrap().is_empty(), "and does not come again");
    feed.leave().await.unwrap();
    assert_eq!(pending(&streams, "projector").await, 0);
}

#[tokio::test]
async fn a_stream_that_ends_in_garbage_is_told_from_one_of_ours() {
    let streams = streams().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    lane.settler.publish(0, &records(0, 2)).await.unwrap();
    garbage(&streams, "2-5").await;
    assert!(matches!(lane.settler.last_event().await.unwrap(), LastEvent::Unrecognized(_)));
}

#[tokio::test]
async fn a_touch_that_keeps_the_end_of_the_stream_does_not_stop_a_settle() {
    let streams = streams().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    lane.settler.publish(0, &records(0, 3)).await.unwrap();
    // While the lane's watch is set: a new service makes its group, an operator trims.
    let mut group = cmd("XGROUP");
    streams.0.query::<()>(group.arg("CREATE").arg(keys::events(P)).arg("late").arg("0")).await;
    streams.0.query::<()>(cmd("XTRIM").arg(keys::events(P)).arg("MAXLEN").arg(1)).await;
    let next = Settlement { after: 3, events: records(3, 1), ..Settlement::default() };
    assert_eq!(lane.settler.settle(&next).await.unwrap(), PublishResult::Published);
}
