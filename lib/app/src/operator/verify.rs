//! What is stored, published and shown is the same.
//!
//! Of every partition: positions and versions in the store are dense; the event stream holds the same
//! events in the same order, up to the head; who is an active user, which auctions are open, and every
//! view, are what a fresh rebuild from the events gives.

mod replay;
mod views;

use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::event_stream_reader::EventStreamReader;
use crate::ports::views::read_models::ReadModelReader;
use crate::writer::aggregate_cache::LoadError;
use auction_domain::auction::Status;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::{EventRecord, PartitionCount, PartitionId};
use replay::Replay;
use std::time::{Duration, Instant};

/// How many events are compared in one go.
const CHUNK: usize = 1000;

/// How long the read models may take to catch up with the store before that counts as a difference.
const CATCH_UP: Duration = Duration::from_secs(20);

/// How often it is looked whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// At most so many differences are listed of each partition.
const LISTED: usize = 20;

/// What was compared in one partition, and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// Which.
    pub partition: PartitionId,
    /// Events in the store.
    pub stored: u64,
    /// Events on the stream.
    pub published: u64,
    /// Users and their views.
    pub users: u64,
    /// Auctions and their views.
    pub auctions: u64,
    /// Bids in the lists of bids.
    pub bids: u64,
    /// Users by auction in which they have bid.
    pub bidders: u64,
    /// Auctions in the lists.
    pub listed: u64,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
    /// How many more differences there are.
    pub more: u64,
}

impl PartitionReport {
    fn differs(&mut self, what: String) {
        if self.differences.len() < LISTED { self.differences.push(what) } else { self.more += 1 }
    }
}

/// Compares all partitions. On a portal in use a partition that moved meanwhile is compared again, up to
/// three times.
pub async fn verify(
    stores: &impl EventStoreConnector,
    published: &impl EventStreamReader,
    views: &impl ReadModelReader,
    partitions: PartitionCount,
) -> Result<Vec<PartitionReport>, LoadError> {
    let mut store = stores.open().await?;
    let mut reports = Vec::new();
    for partition in partitions.all() {
        let mut tries = 3;
        reports.push(loop {
            let report = verify_partition(&mut store, published, views, partitions, partition).await?;
            tries -= 1;
            let quiet = store.head(partition).await? == report.stored;
            if report.differences.is_empty() || quiet || tries == 0 {
                break report;
            }
        });
    }
    Ok(reports)
}

async fn verify_partition(
    store: &mut impl EventStore,
    published: &impl EventStreamReader,
    views: &impl ReadModelReader,
    partitions: PartitionCount,
    partition: PartitionId,
) -> Result<PartitionReport, LoadError> {
    let mut report = PartitionReport {
        partition,
        stored: store.head(partition).await?,
        published: 0,
        users: 0,
        auctions: 0,
        bids: 0,
        bidders: 0,
        listed: 0,
        differences: Vec::new(),
        more: 0,
    };
    let rebuild = compare_streams(store, published, &mut report).await?;
    compare_rows(store, &rebuild, &mut report).await?;
    wait_for_views(views, &mut report).await?;
    views::compare(views, &rebuild, partitions, &mut report).await?;
    Ok(report)
}

/// Reads the whole store of a partition beside its stream.
async fn compare_streams(
    store: &mut impl EventStore,
    published: &impl EventStreamReader,
    report: &mut PartitionReport,
) -> Result<Replay, LoadError> {
    let (partition, head) = (report.partition, report.stored);
    let mut rebuild = Replay::default();
    let mut position = 0;
    while position < head {
        let stored = store.events_after(partition, position, CHUNK.min((head - position) as usize)).await?;
        let Some(last) = stored.last().map(|event| event.position) else {
            report.differs(format!("the store ends at {position}, its head is {head}"));
            break;
        };
        let on_stream = published.events_after(partition, position, stored.len()).await?;
        // Looked at behind the chunk: the stream is trimmed meanwhile.
        let first = published.events_after(partition, 0, 1).await?.first().map(|event| event.position);
        for (event, expected) in stored.iter().zip(position + 1..) {
            if event.position != expected {
                report.differs(format!("the store has position {} where {expected} belongs", event.position));
            }
            rebuild.apply(event, report)?;
        }
        compare_chunk(&stored, &on_stream, first, report);
        position = last;
    }
    let beyond = published.events_after(partition, head, 1).await?;
    if !beyond.is_empty() && store.head(partition).await? == head {
        report.differs(format!("the stream goes on behind the head, {head}"));
    }
    Ok(rebuild)
}

/// The stream may have been trimmed at its front; from its first event on it holds everything.
fn compare_chunk(
    stored: &[EventRecord],
    on_stream: &[EventRecord],
    first: Option<u64>,
    report: &mut PartitionReport,
) {
    let mut on_stream = on_stream.iter().peekable();
    for event in stored.iter().filter(|event| first.is_none_or(|first| event.position >= first)) {
        match on_stream.next_if(|other| other.position <= event.position) {
            Some(other) if other.same_history(event) => report.published += 1,
            Some(_) => report.differs(format!("event {} on the stream is another one", event.position)),
            None => report.differs(format!("event {} is not on the stream", event.position)),
        }
    }
}

async fn compare_rows(
    store: &mut impl EventStore,
    rebuild: &Replay,
    report: &mut PartitionReport,
) -> Result<(), LoadError> {
    let ids: Vec<UserId> = rebuild.users.keys().map(|user| UserId(*user)).collect();
    let mut active = store.active_users(&ids).await?;
    active.sort_unstable();
    let expected: Vec<UserId> =
        rebuild.users.iter().filter(|(_, user)| !user.deleted).map(|(id, _)| UserId(*id)).collect();
    if active != expected {
        report.differs(format!("{} users are active, {} should be", active.len(), expected.len()));
    }
    let mut open = store.open_auctions(report.partition).await?.auctions;
    open.sort_unstable();
    let mut expected: Vec<(AuctionId, Timestamp)> = rebuild
        .boards
        .iter()
        .filter_map(|(id, board)| Some((AuctionId(*id), &board.as_ref()?.auction)))
        .filter(|(_, auction)| auction.status() == Status::Open)
        .map(|(id, auction)| (id, auction.ends_at()))
        .collect();
    expected.sort_unstable();
    if open != expected {
        report.differs(format!("{} auctions are open, {} should be", open.len(), expected.len()));
    }
    Ok(())
}

async fn wait_for_views(
    views: &impl ReadModelReader,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let began = Instant::now();
    loop {
        let checkpoint = views.checkpoint(report.partition).await?;
        if checkpoint >= report.stored {
            return Ok(());
        }
        if began.elapsed() > CATCH_UP {
            report.differs(format!(
                "the views are at {checkpoint}, the store at {}; does the projector run?",
                report.stored
            ));
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
