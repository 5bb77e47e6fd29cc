//! Entries that do not come from the portal, or are on the wrong stream, do not block other entries.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    CommandReader, CommandSettler, CommandStreamConnector, LastEvent, PublishResult, Settlement,
};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{CommandStream, Fields, StreamHarness};
use auction_testkit::fixtures::{P, place_bid, records};
use auction_wire::Channel;
use redis::{Value, cmd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Returns a bid on the auction whose id has these low bits.
fn bid(low: u64) -> Fields {
    let auction = AuctionId(Uuid::from_u64_pair(1, low));
    let bid = place_bid(auction, UserId(Uuid::from_u128(7)), 100);
    bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect()
}

#[tokio::test]
async fn reader_dead_letters_commands_on_the_wrong_stream() {
    let streams = streams().await;
    let command_streams = streams.command_streams(10, 8, Duration::from_millis(30));
    let mut writer = CommandStream::open(&command_streams).await;
    let wrong_channel = streams.add(Channel::Auction, bid(8)).await;
    let wrong_partition = streams.add(Channel::Bid, bid(9)).await;
    let right = streams.add(Channel::Bid, bid(16)).await;
    let mut batch = Vec::new();
    while batch.len() < 3 {
        let read = writer.read().await;
        assert!(!read.is_empty());
        let done = read.iter().map(|delivery| (delivery.channel, delivery.entry)).collect();
        let settlement = Settlement { done, ..Settlement::default() };
        assert_eq!(writer.settler.settle(&settlement).await.unwrap(), PublishResult::Published);
        batch.extend(read);
    }
    let read: Vec<_> = batch.iter().map(|delivery| (delivery.entry, delivery.command.is_ok())).collect();
    assert_eq!(read, [(wrong_channel, false), (wrong_partition, false), (right, true)]);
    let errors: Vec<String> = batch
        .iter()
        .filter_map(|delivery| Some(delivery.command.as_ref().err()?.failure.error.clone()))
        .collect();
    assert!(errors[0].contains("channel `bid`") && errors[1].contains("partition 01"), "{errors:?}");
}

#[tokio::test]
async fn reader_fails_on_a_command_ahead_of_the_clock() {
    let streams = streams().await;
    let (mut reader, _) = streams.command_connector(10).open(P).await.unwrap();
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
async fn event_stream_skips_entries_that_are_no_events() {
    let streams = streams().await;
    let events = records(0, 4);
    streams.publish(&events[..1]).await;
    // A valid event with an invalid entry id.
    let mut twice = cmd("XADD");
    twice.arg(keys::events(P)).arg("1-1");
    for (name, value) in events[0].to_fields() {
        twice.arg(name).arg(value);
    }
    streams.0.query::<()>(&mut twice).await;
    streams.publish(&events[1..2]).await;
    garbage(&streams, "3-0").await;
    streams.publish(&events[3..]).await;
    let mut event_stream = streams.event_connector(10).open("projector", P).await.unwrap();
    let read = event_stream.read().await.unwrap();
    let positions: Vec<u64> = read.iter().map(|event| event.position).collect();
    assert_eq!(positions, [1, 2, 4]);
    assert!(event_stream.read().await.unwrap().is_empty(), "no entry is delivered again");
    event_stream.leave_group().await.unwrap();
    assert_eq!(pending(&streams, "projector").await, 0);
}

#[tokio::test]
async fn settler_reports_an_unrecognized_last_event() {
    let streams = streams().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    writer.settler.publish(0, &records(0, 2)).await.unwrap();
    garbage(&streams, "2-5").await;
    assert!(matches!(writer.settler.last_event().await.unwrap(), LastEvent::Unrecognized(_)));
}

#[tokio::test]
async fn settle_succeeds_after_a_trim_or_a_new_group() {
    let streams = streams().await;
    let mut writer = CommandStream::open(&streams.command_connector(10)).await;
    writer.settler.publish(0, &records(0, 3)).await.unwrap();
    // While the `WATCH` of the settler is set, a new component creates its group, and an operator trims the
    // stream.
    let mut group = cmd("XGROUP");
    streams.0.query::<()>(group.arg("CREATE").arg(keys::events(P)).arg("late").arg("0")).await;
    streams.0.query::<()>(cmd("XTRIM").arg(keys::events(P)).arg("MAXLEN").arg(1)).await;
    let next = Settlement { after: 3, events: records(3, 1), ..Settlement::default() };
    assert_eq!(writer.settler.settle(&next).await.unwrap(), PublishResult::Published);
}
