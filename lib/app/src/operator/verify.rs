//! Verification that the event store, the event streams and the read models agree.
//!
//! For every partition:
//!
//! * positions and versions in the store are gap-free;
//! * the event stream holds the same events in the same order, up to the head;
//! * the active users, the open auctions and every view equal those of a replay of all events.

mod replay;
mod views;

use crate::consume::stored_events::LoadError;
use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::event_stream_reader::EventStreamReader;
use crate::ports::views::read_models::ReadModelReader;
use auction_domain::auction::Status;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::{EventRecord, PartitionCount, PartitionId};
use replay::Replay;
use std::time::{Duration, Instant};

/// Number of events compared at a time.
const CHUNK: usize = 1000;

/// Time limit for the read models to reach the head. A longer delay is reported as a difference.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Interval at which the checkpoint of the read models is read.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Maximum number of differences listed per partition.
const MAX_LISTED: usize = 20;

/// Result of the verification of one partition: how much was compared, and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    pub partition: PartitionId,
    /// Number of events in the store.
    pub stored: u64,
    /// Number of events on the stream that equal the stored ones.
    pub published: u64,
    /// Number of documents, such as auctions and users.
    pub documents: u64,
    /// Number of entries, such as bids.
    pub entries: u64,
    /// Number of members of lists.
    pub listed: u64,
    /// The first differences, one sentence each.
    pub differences: Vec<String>,
    /// Number of differences that are not listed.
    pub more: u64,
}

impl PartitionReport {
    fn differs(&mut self, difference: String) {
        if self.differences.len() < MAX_LISTED { self.differences.push(difference) } else { self.more += 1 }
    }
}

/// Verifies all partitions.
///
/// If a partition differs and its head moved meanwhile, because the portal is in use, it is verified again,
/// up to three times in all.
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
            let report = verify_partition(&mut store, published, views, partition).await?;
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
    partition: PartitionId,
) -> Result<PartitionReport, LoadError> {
    let mut report = PartitionReport {
        partition,
        stored: store.head(partition).await?,
        published: 0,
        documents: 0,
        entries: 0,
        listed: 0,
        differences: Vec::new(),
        more: 0,
    };
    let replay = compare_streams(store, published, &mut report).await?;
    compare_rows(store, &replay, &mut report).await?;
    wait_for_views(views, &mut report).await?;
    views::compare(views, &replay, &mut report).await?;
    Ok(report)
}

/// Compares all stored events of a partition with its event stream, and replays them.
async fn compare_streams(
    store: &mut impl EventStore,
    published: &impl EventStreamReader,
    report: &mut PartitionReport,
) -> Result<Replay, LoadError> {
    let (partition, head) = (report.partition, report.stored);
    let mut replay = Replay::default();
    let mut position = 0;
    while position < head {
        let stored = store.events_after(partition, position, CHUNK.min((head - position) as usize)).await?;
        let Some(last) = stored.last().map(|event| event.position) else {
            report.differs(format!("the store ends at {position}, its head is {head}"));
            break;
        };
        let on_stream = published.events_after(partition, position, stored.len()).await?;
        // Read after the chunk: the stream may be trimmed meanwhile.
        let first = published.events_after(partition, 0, 1).await?.first().map(|event| event.position);
        for (event, expected) in stored.iter().zip(position + 1..) {
            if event.position != expected {
                report.differs(format!("the store has position {}, expected {expected}", event.position));
            }
            replay.apply(event, report)?;
        }
        compare_chunk(&stored, &on_stream, first, report);
        position = last;
    }
    let beyond = published.events_after(partition, head, 1).await?;
    if !beyond.is_empty() && store.head(partition).await? == head {
        report.differs(format!("the stream has events after the head {head}"));
    }
    Ok(replay)
}

/// Compares a chunk. The stream may be trimmed at its start; from its first event on it must hold every
/// event.
fn compare_chunk(
    stored: &[EventRecord],
    on_stream: &[EventRecord],
    first: Option<u64>,
    report: &mut PartitionReport,
) {
    let is_compared = |event: &&EventRecord| first.is_none_or(|first| event.position >= first);
    // Events that were read before they were trimmed are not compared either.
    let mut on_stream = on_stream.iter().filter(is_compared).peekable();
    for event in stored.iter().filter(is_compared) {
        match on_stream.next_if(|other| other.position <= event.position) {
            Some(other) if other.same_history(event) => report.published += 1,
            Some(_) => {
                report.differs(format!("event {} on the stream differs from the stored one", event.position))
            }
            None => report.differs(format!("event {} is not on the stream", event.position)),
        }
    }
}

async fn compare_rows(
    store: &mut impl EventStore,
    replay: &Replay,
    report: &mut PartitionReport,
) -> Result<(), LoadError> {
    let ids: Vec<UserId> = replay.users.keys().map(|user| UserId(*user)).collect();
    let mut active = store.active_users(report.partition, &ids).await?;
    active.sort_unstable();
    let expected: Vec<UserId> =
        replay.users.iter().filter(|(_, user)| !user.deleted).map(|(id, _)| UserId(*id)).collect();
    if active != expected {
        report.differs(format!("{} users are active, expected {}", active.len(), expected.len()));
    }
    let mut open = store.open_auctions(report.partition).await?.auctions;
    open.sort_unstable();
    let mut expected: Vec<(AuctionId, Timestamp)> = replay
        .auctions
        .iter()
        .filter_map(|(id, projection)| Some((AuctionId(*id), &projection.as_ref()?.auction)))
        .filter(|(_, auction)| auction.status() == Status::Open)
        .map(|(id, auction)| (id, auction.ends_at()))
        .collect();
    expected.sort_unstable();
    if open != expected {
        report.differs(format!("{} auctions are open, expected {}", open.len(), expected.len()));
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
                "the read models are at {checkpoint}, the store at {}. Check that the projector runs",
                report.stored
            ));
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_testkit::fixtures::records;

    fn compare(stored: &[EventRecord], on_stream: &[EventRecord], first: Option<u64>) -> PartitionReport {
        let mut report = PartitionReport {
            partition: PartitionId(0),
            stored: stored.len() as u64,
            published: 0,
            documents: 0,
            entries: 0,
            listed: 0,
            differences: Vec::new(),
            more: 0,
        };
        compare_chunk(stored, on_stream, first, &mut report);
        report
    }

    #[test]
    fn stream_trimmed_during_the_comparison_does_not_differ() {
        let stored = records(0, 5);
        let report = compare(&stored, &stored, Some(3));
        assert_eq!((report.published, report.differences), (3, Vec::new()));
    }

    #[test]
    fn missing_changed_and_invented_events_differ() {
        let stored = records(0, 5);
        let mut missing = stored.clone();
        missing.remove(3);
        assert_eq!(compare(&stored, &missing, Some(1)).differences, ["event 4 is not on the stream"]);
        let mut changed = stored.clone();
        changed[1].version += 1;
        let differences = compare(&stored, &changed, Some(1)).differences;
        assert_eq!(differences, ["event 2 on the stream differs from the stored one"]);
        assert_eq!(compare(&stored, &records(0, 5), Some(1)).published, 0, "other auctions");
    }
}
