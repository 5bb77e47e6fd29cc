//! Crash tracking on a real Redis: a command that crashes processes is isolated, and its neighbours are
//! processed.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, PoisonMessage, PublishResult, Settlement,
};
use auction_domain::{AuctionId, UserId};
use auction_redis::keys;
use auction_testkit::contract::command_stream::{Fields, StreamHarness};
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

/// Processes all commands. Returns each entry, with the reason if it became a dead letter; `None` if the
/// process crashed.
async fn process(streams: &Streams, crashing: EntryId) -> Option<Vec<(EntryId, Option<String>)>> {
    let (mut reader, mut settler) = streams.command_connector(10).open(P).await.unwrap();
    let mut processed = Vec::new();
    loop {
        let batch = reader.read().await.unwrap();
        if batch.deliveries.is_empty() {
            return Some(processed);
        }
        assert!(!batch.isolated || batch.deliveries.len() == 1);
        for delivery in &batch.deliveries {
            let reason =
                delivery.command.as_ref().err().map(|poison| poison.failure.reason.name().to_owned());
            if delivery.entry == crashing && reason.is_none() {
                return None;
            }
            processed.push((delivery.entry, reason));
        }
        settle(&mut settler, &batch).await;
    }
}

#[tokio::test]
async fn crash_tracking_isolates_a_command_that_crashes_processes() {
    let streams = streams().await;
    let bids = add_bids(&streams, 9).await;
    let crashing = bids[4];
    let mut crashes = 0;
    let last = loop {
        match process(&streams, crashing).await {
            Some(processed) => break processed,
            None => crashes += 1,
        }
        assert!(crashes < 20, "the command is never isolated");
    };
    assert_eq!(crashes, 6, "three together with its neighbours, three alone");
    let dead_lettered: Vec<EntryId> = last
        .iter()
        .filter(|(_, reason)| reason.as_deref() == Some("process_crash"))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(dead_lettered, [crashing]);
    assert_eq!(last.iter().filter(|(_, reason)| reason.is_some()).count(), 1);
    assert_eq!(
        last.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        bids[4..],
        "the commands before it were settled"
    );
    assert_eq!(streams.pending().await, 0);
    let marked: bool = streams.0.query(cmd("EXISTS").arg(keys::crash_marks(P))).await;
    assert!(!marked, "the marks are removed");
}

#[tokio::test]
async fn repeated_takeovers_of_one_process_isolate_nothing() {
    let streams = streams().await;
    let bids = add_bids(&streams, 3).await;
    let connector = streams.command_connector(10);
    for _ in 0..10 {
        let (mut reader, _) = connector.open(P).await.unwrap();
        let batch = reader.read().await.unwrap();
        assert!(!batch.isolated);
        assert_eq!(batch.deliveries.len(), bids.len());
    }
}

#[tokio::test]
async fn processes_stopped_during_an_outage_count_as_no_crash() {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    for _ in 0..10 {
        let connector = streams.command_connector(10);
        let (mut reader, _) = connector.open(P).await.unwrap();
        let batch = reader.read().await.unwrap();
        assert!(!batch.isolated, "{batch:?}");
        assert!(batch.deliveries.iter().all(|delivery| delivery.command.is_ok()));
        // Postgres is unavailable, and then an operator restarts the writer.
        connector.on_interrupted(P).await;
    }
}

/// Simulates an outage of Postgres: each writer in turn takes over the pending commands and hangs, and is
/// only later interrupted by the outage. All writers stay alive.
async fn take_turns_in_an_outage(writers: usize) -> Vec<Batch> {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    let connector: Vec<_> = (0..writers).map(|_| streams.command_connector(10)).collect();
    let (mut batches, mut hanging) = (Vec::new(), Vec::new());
    for turn in 0..8 * writers {
        if turn >= writers {
            drop(hanging.remove(0));
            connector[turn % writers].on_interrupted(P).await;
        }
        let (mut reader, settler) = connector[turn % writers].open(P).await.unwrap();
        batches.push(reader.read().await.unwrap());
        hanging.push((reader, settler));
    }
    batches
}

#[tokio::test]
async fn writers_that_hang_in_an_outage_dead_letter_nothing() {
    for writers in [2, 3] {
        for batch in take_turns_in_an_outage(writers).await {
            let reason = batch.deliveries.iter().filter_map(|delivery| delivery.command.as_ref().err());
            assert_eq!(
                reason.collect::<Vec<_>>(),
                Vec::<&PoisonMessage>::new(),
                "{writers} writers, all alive"
            );
        }
    }
    let isolated = take_turns_in_an_outage(2).await.into_iter().filter(|batch| batch.isolated).count();
    assert_eq!(isolated, 0, "one process that may have crashed isolates nothing");
}

#[tokio::test]
async fn interrupted_process_removes_only_its_own_mark() {
    let streams = streams().await;
    add_bids(&streams, 3).await;
    let alive = streams.command_connector(10);
    for _ in 0..3 {
        // A process crashes with all pending commands; the first one reads them as new.
        streams.command_connector(10).open(P).await.unwrap().0.read().await.unwrap();
        alive.open(P).await.unwrap().0.read().await.unwrap();
        alive.on_interrupted(P).await;
    }
    let (mut reader, _) = streams.command_connector(10).open(P).await.unwrap();
    assert!(
        reader.read().await.unwrap().isolated,
        "two processes crashed, although another one was interrupted meanwhile"
    );
}
