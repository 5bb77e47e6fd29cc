//! Contract tests of command streams, event streams and tails, on a real Redis.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    CommandReader, CommandSettler, LastEvent, PublishResult, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{CommandStream, Fields, StreamHarness};
use auction_testkit::fixtures::{P, place_bid, records};
use auction_testkit::local_servers::eventually;
use auction_wire::Channel;
use redis::cmd;
use std::time::Duration;
use stream_worker::EntryId;

mod command_streams {
    use crate::stream_harness::streams;
    auction_testkit::contract_tests!(command_stream, streams().await);
}

mod event_streams {
    use crate::stream_harness::streams;
    auction_testkit::contract_tests!(event_stream, streams().await);
}

mod tails {
    use crate::stream_harness::streams;
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
async fn commands_of_a_paused_writer_go_to_its_successor_first() {
    let streams = streams().await;
    let long_block = streams.command_streams(2, 1, Duration::from_secs(8));
    let mut paused = CommandStream::open(&long_block).await;
    let blocked = tokio::spawn(async move {
        let batch = paused.read().await;
        (paused, batch)
    });
    eventually("the read is blocked", async || streams.blocked().await == 1).await;
    let mut successor = CommandStream::open(&streams.command_connector(10)).await;
    let mut bids = vec![add_bid(&streams).await];
    let (mut paused, stale) = blocked.await.unwrap();
    assert_eq!(stale.len(), 1, "delivered to the paused writer, which does not settle it");
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
async fn writer_creates_its_groups_again_after_a_flush() {
    let streams = streams().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    streams.0.query::<()>(&mut cmd("FLUSHDB")).await;
    assert!(writer.reader.read().await.is_err(), "reading without the group fails");
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    let bid = add_bid(&streams).await;
    assert_eq!(writer.read().await[0].entry, bid);
    assert_eq!(writer.settler.stream_head().await.unwrap(), 0);
}

#[tokio::test]
async fn publish_detects_a_deleted_event_stream() {
    let streams = streams().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    let events = records(0, 3);
    assert_eq!(writer.settler.publish(0, &events).await.unwrap(), PublishResult::Published);
    streams.0.query::<()>(cmd("DEL").arg(keys::events(P))).await;
    assert_eq!(writer.settler.publish(3, &records(3, 1)).await.unwrap(), PublishResult::StreamMoved);
    assert_eq!(writer.settler.publish(0, &events).await.unwrap(), PublishResult::Published);
    assert_eq!(streams.events().await, events);
}

#[tokio::test]
async fn trimmed_event_stream_keeps_its_head() {
    let streams = streams().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    writer.settler.publish(0, &records(0, 3)).await.unwrap();
    streams.0.query::<()>(cmd("XTRIM").arg(keys::events(P)).arg("MAXLEN").arg(0)).await;
    assert_eq!(writer.settler.stream_head().await.unwrap(), 3);
    assert_eq!(writer.settler.last_event().await.unwrap(), LastEvent::None);
    assert_eq!(writer.settler.publish(3, &records(3, 1)).await.unwrap(), PublishResult::Published);
}
