//! What is stored, published and shown is the same.
//!
//! Of every partition: positions and versions in the store are dense; the event stream holds the same
//! events in the same order, up to the head; who is an active user, which auctions are open, and every
//! view, are what a fresh rebuild from the events gives.

mod rebuild;

use crate::ports::Unavailable;
use crate::ports::event_store::{EventStore, EventStores};
use crate::ports::published_events::PublishedEvents;
use crate::ports::view_store::Views;
use crate::project::{auction_view, list_item, listed_until, own_bids, user_view};
use crate::write::aggregates::LoadError;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionItem;
use auction_wire::{EventRecord, PartitionCount, PartitionId};
use rebuild::Rebuild;
use serde::Serialize;
use serde::de::DeserializeOwned;
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
    /// Views of one user's bids in one auction.
    pub own_bids: u64,
    /// Auctions in the list.
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
    stores: &impl EventStores,
    published: &impl PublishedEvents,
    views: &impl Views,
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
    published: &impl PublishedEvents,
    views: &impl Views,
    partitions: PartitionCount,
    partition: PartitionId,
) -> Result<PartitionReport, LoadError> {
    let mut report = PartitionReport {
        partition,
        stored: store.head(partition).await?,
        published: 0,
        users: 0,
        auctions: 0,
        own_bids: 0,
        listed: 0,
        differences: Vec::new(),
        more: 0,
    };
    let rebuild = compare_streams(store, published, &mut report).await?;
    compare_rows(store, &rebuild, &mut report).await?;
    wait_for_views(views, &mut report).await?;
    compare_users(views, &rebuild, &mut report).await?;
    compare_auctions(views, &rebuild, &mut report).await?;
    compare_list(views, &rebuild, partitions, &mut report).await?;
    Ok(report)
}

/// Reads the whole store of a partition beside its stream.
async fn compare_streams(
    store: &mut impl EventStore,
    published: &impl PublishedEvents,
    report: &mut PartitionReport,
) -> Result<Rebuild, LoadError> {
    let (partition, head) = (report.partition, report.stored);
    let mut rebuild = Rebuild::default();
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
    rebuild: &Rebuild,
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
        .filter_map(|(id, board)| Some((AuctionId(*id), listed_until(board)?)))
        .collect();
    expected.sort_unstable();
    if open != expected {
        report.differs(format!("{} auctions are open, {} should be", open.len(), expected.len()));
    }
    Ok(())
}

async fn wait_for_views(views: &impl Views, report: &mut PartitionReport) -> Result<(), Unavailable> {
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

async fn compare_users(
    views: &impl Views,
    rebuild: &Rebuild,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    for (id, user) in &rebuild.users {
        let id = UserId(*id);
        let shown = views.user(report.partition, id).await?;
        report.users += 1;
        compare(report, &format!("user {id}"), shown, &user_view(id, user.created_at, user.deleted));
    }
    Ok(())
}

async fn compare_auctions(
    views: &impl Views,
    rebuild: &Rebuild,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    for (id, board) in &rebuild.boards {
        let (Some(board), auction) = (board, AuctionId(*id)) else { continue };
        let shown = views.auction(report.partition, auction).await?;
        report.auctions += 1;
        compare(report, &format!("auction {auction}"), shown, &auction_view(auction, board));
        for user in rebuild.bidders.get(id).into_iter().flatten() {
            let shown = views.own_bids(report.partition, auction, *user).await?;
            report.own_bids += 1;
            let what = format!("bids of user {user} in auction {auction}");
            compare(report, &what, shown, &own_bids(auction, board, *user));
        }
    }
    Ok(())
}

async fn compare_list(
    views: &impl Views,
    rebuild: &Rebuild,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let here = |auction: AuctionId| partitions.of(auction.0) == report.partition;
    let mut shown: Vec<(AuctionId, Vec<u8>)> = Vec::new();
    let mut after = None;
    loop {
        let page = views.listed(after, CHUNK).await?;
        let lines = page.lines.into_iter().filter(|line| here(line.auction));
        shown.extend(lines.map(|line| (line.auction, line.json)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<(Timestamp, AuctionId, AuctionItem)> = rebuild
        .boards
        .iter()
        .filter_map(|(id, board)| {
            let item = list_item(AuctionId(*id), board.as_ref()?);
            Some((listed_until(board)?, AuctionId(*id), item))
        })
        .collect();
    expected.sort_unstable_by_key(|(ends_at, auction, _)| (*ends_at, *auction));
    report.listed = expected.len() as u64;
    if shown.len() != expected.len() {
        report.differs(format!("{} auctions are listed, {} should be", shown.len(), expected.len()));
    }
    for ((auction, json), (_, wanted, item)) in shown.into_iter().zip(expected) {
        if auction != wanted {
            report.differs(format!("auction {auction} is listed where {wanted} belongs"));
        } else {
            compare(report, &format!("line of auction {auction}"), Some(json), &item);
        }
    }
    Ok(())
}

/// Compares what is shown with what should be.
fn compare<V: DeserializeOwned + Serialize + PartialEq>(
    report: &mut PartitionReport,
    what: &str,
    shown: Option<Vec<u8>>,
    expected: &V,
) {
    match shown.map(|json| serde_json::from_slice::<V>(&json)) {
        Some(Ok(shown)) if shown == *expected => {}
        Some(Ok(shown)) => {
            let text = |view: &V| serde_json::to_string(view).unwrap_or_default();
            report.differs(format!("{what}: shown {}, should be {}", text(&shown), text(expected)));
        }
        Some(Err(error)) => report.differs(format!("{what}: what is shown cannot be read: {error}")),
        None => report.differs(format!("{what}: is not shown")),
    }
}
