//! A command that ends every process which handles it is found among its neighbours, which are handled.

#![allow(clippy::unwrap_used)]

mod common;

use auction_app::ports::command_lane::{
    Batch, CommandLanes, CommandReader, CommandSettler, Published, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_lane::{Bench, Fields};
use auction_testkit::given::{P, fresh, place_bid};
use auction_wire::Channel;
use common::{Streams, streams};
use redis::cmd;
use stream_worker::EntryId;

async fn add_bids(streams: &Streams, count: usize) -> Vec<EntryId> {
    let mut entries = Vec::new();
    for _ in 0..count {
        let bid = place_bid(AuctionId(fresh()), UserId(fresh()), 100);
        let fields: Fields = bid.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
        entries.push(streams.add(Channel::Bid, fields).await);
    }
    entries
}

async fn settle(settler: &mut impl CommandSettler, batch: &Batch) {
    let after = settler.stream_head().await.unwrap();
    let done = batch.deliveries.iter().map(|delivery| (delivery.channel, delivery.entry)).collect();
    let settled = settler.settle(&Settlement { after, done, ..Settlement::default() }).await.unwrap();
    assert_eq!(settled, Published::Done);
}

/// Why each entry was not handled, if so, until nothing comes; or none if the process ended at the culprit.
async fn process(streams: &Streams, culprit: EntryId) -> Option<Vec<(EntryId, Option<String>)>> {
    let (mut reader, mut settler) = streams.lanes(10).open(P).await.unwrap();
    let mut handled = Vec::new();
    loop {
        let batch = reader.read().await.unwrap();
        if batch.deliveries.is_empty() {
            return Some(handled);
        }
        assert!(!batch.alone || batch.deliveries.len() == 1);
        for delivery in &batch.deliveries {
            let reason =
                delivery.command.as_ref().err().map(|poison| poison.failure.reason.name().to_owned());
            if delivery.entry == culprit && reason.is_none() {
                return None;
            }
            handled.push((delivery.entry, reason));
        }
        settle(&mut settler, &batch).await;
    }
}

#[tokio::test]
async fn a_command_that_ends_every_process_is_told_from_its_neighbours() {
    let streams = streams().await;
    let bids = add_bids(&streams, 9).await;
    let culprit = bids[4];
    let mut ends = 0;
    let last = loop {
        match process(&streams, culprit).await {
            Some(handled) => break handled,
            None => ends += 1,
        }
        assert!(ends < 20, "it ends processes for ever");
    };
    assert_eq!(ends, 6, "three among its neighbours, three alone");
    let blamed: Vec<EntryId> = last
        .iter()
        .filter(|(_, why)| why.as_deref() == Some("ended_its_process"))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(blamed, [culprit]);
    assert_eq!(last.iter().filter(|(_, why)| why.is_some()).count(), 1);
    assert_eq!(
        last.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        bids[4..],
        "those before were settled alone"
    );
    assert_eq!(streams.pending().await, 0);
    let marker: Option<String> = streams.0.query(cmd("GET").arg(keys::suspect(P))).await;
    assert_eq!(marker, None, "nothing is under suspicion any more");
}

#[tokio::test]
async fn a_process_that_takes_over_again_and_again_casts_no_suspicion() {
    let streams = streams().await;
    let bids = add_bids(&streams, 3).await;
    let lanes = streams.lanes(10);
    for _ in 0..10 {
        let (mut reader, _) = lanes.open(P).await.unwrap();
        let batch = reader.read().await.unwrap();
        assert!(!batch.alone);
        assert_eq!(batch.deliveries.len(), bids.len());
    }
}

#[tokio::test]
async fn a_process_that_is_ended_while_it_waits_for_a_server_does_not_count() {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    for _ in 0..10 {
        let lanes = streams.lanes(10);
        let (mut reader, _) = lanes.open(P).await.unwrap();
        let batch = reader.read().await.unwrap();
        assert!(!batch.alone, "{batch:?}");
        assert!(batch.deliveries.iter().all(|delivery| delivery.command.is_ok()));
        // Postgres is away; then somebody restarts the writer.
        lanes.interrupted(P).await;
    }
}
