//! A command that ends every process which handles it is found among its neighbours, which are handled.

use crate::streams_bench::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, PoisonMessage, PublishResult, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{CommandStreamHarness, Fields};
use auction_testkit::fixtures::{P, fresh, place_bid};
use auction_wire::Channel;
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
    assert_eq!(settled, PublishResult::Published);
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
        assert!(!batch.isolated || batch.deliveries.len() == 1);
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
    let marked: bool = streams.0.query(cmd("EXISTS").arg(keys::suspects(P))).await;
    assert!(!marked, "nothing is under suspicion any more");
}

#[tokio::test]
async fn a_process_that_takes_over_again_and_again_casts_no_suspicion() {
    let streams = streams().await;
    let bids = add_bids(&streams, 3).await;
    let lanes = streams.lanes(10);
    for _ in 0..10 {
        let (mut reader, _) = lanes.open(P).await.unwrap();
        let batch = reader.read().await.unwrap();
        assert!(!batch.isolated);
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
        assert!(!batch.isolated, "{batch:?}");
        assert!(batch.deliveries.iter().all(|delivery| delivery.command.is_ok()));
        // Postgres is away; then somebody restarts the writer.
        lanes.on_interrupted(P).await;
    }
}

/// As an outage of the store looks by turns: each has what is pending in hand and hangs there, the others take it over
/// meanwhile, and only then the first one hears that its server is away. All of them live.
async fn take_turns_in_an_outage(writers: usize) -> Vec<Batch> {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    let lanes: Vec<_> = (0..writers).map(|_| streams.lanes(10)).collect();
    let (mut batches, mut hanging) = (Vec::new(), Vec::new());
    for turn in 0..8 * writers {
        if turn >= writers {
            drop(hanging.remove(0));
            lanes[turn % writers].on_interrupted(P).await;
        }
        let (mut reader, settler) = lanes[turn % writers].open(P).await.unwrap();
        batches.push(reader.read().await.unwrap());
        hanging.push((reader, settler));
    }
    batches
}

#[tokio::test]
async fn writers_that_hang_one_over_the_other_in_an_outage_accuse_no_command() {
    for writers in [2, 3] {
        for batch in take_turns_in_an_outage(writers).await {
            let why = batch.deliveries.iter().filter_map(|delivery| delivery.command.as_ref().err());
            assert_eq!(
                why.collect::<Vec<_>>(),
                Vec::<&PoisonMessage>::new(),
                "{writers} writers, and all of them live"
            );
        }
    }
    let alone = take_turns_in_an_outage(2).await.into_iter().filter(|batch| batch.isolated).count();
    assert_eq!(alone, 0, "one that may have ended is not enough to suspect anything");
}

#[tokio::test]
async fn a_process_that_lives_takes_back_its_own_count_and_no_other() {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    let lives = streams.lanes(10);
    for _ in 0..3 {
        // Each ends with all of it in hand; the first is handed what is new.
        streams.lanes(10).open(P).await.unwrap().0.read().await.unwrap();
        lives.open(P).await.unwrap().0.read().await.unwrap();
        lives.on_interrupted(P).await;
    }
    let (mut reader, _) = streams.lanes(10).open(P).await.unwrap();
    assert!(reader.read().await.unwrap().isolated, "two have ended, whoever was interrupted meanwhile");
}
