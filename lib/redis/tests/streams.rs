//! The streams of Redis keep the contracts of lanes and feeds.

use crate::streams_bench::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    CommandReader, CommandSettler, LastEvent, PublishResult, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{CommandStreamHarness, Fields, Lane};
use auction_testkit::fixtures::{P, place_bid, records};
use auction_testkit::local_servers::eventually;
use auction_wire::Channel;
use redis::cmd;
use std::time::Duration;
use stream_worker::EntryId;

mod lanes {
    use crate::streams_bench::streams;
    auction_testkit::contract_tests!(command_lane, streams().await);
}

mod feeds {
    use crate::streams_bench::streams;
    auction_testkit::contract_tests!(event_feed, streams().await);
}

mod tails {
    use crate::streams_bench::streams;
    auction_testkit::contract_tests!(event_tail, streams().await);
}

async fn add_bid(streams: &Streams) -> EntryId {
    let bid = place_bid(AuctionId(uuid::Uuid::nil()), UserId(uuid::Uuid::nil()), 100);
    let fields: Fields = bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
    streams.add(Channel::Bid, fields).await
}

fn done(after: u64, batch: &[auction_app::ports::commands::command_stream::ReceivedCommand]) -> Settlement {
    let done = batch.iter().map(|delivery| (delivery.channel, delivery.entry)).collect();
    Settlement { after, events: records(after, batch.len() as u64), done, ..Settlement::default() }
}

#[tokio::test]
async fn what_a_paused_lanes_blocked_read_is_handed_goes_to_its_successor_before_newer() {
    let streams = streams().await;
    let patient = streams.patient_lanes(2, 1, Duration::from_secs(8));
    let mut paused = Lane::open(&patient).await;
    let blocked = tokio::spawn(async move {
        let batch = paused.read().await;
        (paused, batch)
    });
    eventually("the lane waits in its read", async || streams.blocked().await == 1).await;
    let mut successor = Lane::open(&streams.lanes(10)).await;
    let mut bids = vec![add_bid(&streams).await];
    let (mut paused, stale) = blocked.await.unwrap();
    assert_eq!(stale.len(), 1, "handed to the paused one, who says nothing now");
    for _ in 0..3 {
        bids.push(add_bid(&streams).await);
    }
    let mut order = Vec::new();
    while order.len() < bids.len() {
        let batch = successor.read().await;
        assert!(!batch.is_empty());
        order.extend(batch.iter().map(|delivery| delivery.entry));
        let after = successor.settler.stream_head().await.unwrap();
        assert_eq!(successor.settler.settle(&done(after, &batch)).await.unwrap(), PublishResult::Published);
    }
    assert_eq!(order, bids);
    assert_eq!(paused.settler.settle(&done(0, &stale)).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(streams.pending().await, 0);
    assert_eq!(streams.events().await.len(), 4);
}

#[tokio::test]
async fn a_lane_makes_its_groups_again_after_a_flush() {
    let streams = streams().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    streams.0.query::<()>(&mut cmd("FLUSHDB")).await;
    assert!(lane.reader.read().await.is_err(), "a lane without its group says so");
    let mut lane = Lane::open(&streams.lanes(10)).await;
    let bid = add_bid(&streams).await;
    assert_eq!(lane.read().await[0].entry, bid);
    assert_eq!(lane.settler.stream_head().await.unwrap(), 0);
}

#[tokio::test]
async fn a_deleted_event_stream_moves_the_stream() {
    let streams = streams().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    let events = records(0, 3);
    assert_eq!(lane.settler.publish(0, &events).await.unwrap(), PublishResult::Published);
    streams.0.query::<()>(cmd("DEL").arg(keys::events(P))).await;
    assert_eq!(lane.settler.publish(3, &records(3, 1)).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(lane.settler.publish(0, &events).await.unwrap(), PublishResult::Published);
    assert_eq!(streams.events().await, events);
}

#[tokio::test]
async fn a_trimmed_event_stream_still_ends_where_it_ended() {
    let streams = streams().await;
    let mut lane = Lane::open(&streams.lanes(10)).await;
    lane.settler.publish(0, &records(0, 3)).await.unwrap();
    streams.0.query::<()>(cmd("XTRIM").arg(keys::events(P)).arg("MAXLEN").arg(0)).await;
    assert_eq!(lane.settler.stream_head().await.unwrap(), 3);
    assert_eq!(lane.settler.last_event().await.unwrap(), LastEvent::None);
    assert_eq!(lane.settler.publish(3, &records(3, 1)).await.unwrap(), PublishResult::Published);
}
