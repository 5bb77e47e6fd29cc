//! Every view beside what a rebuild from the events gives.

use super::replay::Replay;
use super::{CHUNK, PartitionReport};
use crate::ports::Unavailable;
use crate::ports::views::read_models::{BidEntry, ReadModelReader};
use crate::projector::{
    AuctionProjection, auction_view, bid_item, bidder_item, leader, list_item, list_place, user_view,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::{AuctionItem, AuctionStatus, BidderItem};
use auction_wire::{PartitionCount, PartitionId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Compares all views of a partition.
pub(super) async fn compare(
    views: &impl ReadModelReader,
    rebuild: &Replay,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    users(views, rebuild, report).await?;
    for (id, board) in &rebuild.boards {
        let (Some(board), auction) = (board, AuctionId(*id)) else { continue };
        let shown = views.auction(report.partition, auction).await?.shown.map(|shown| shown.json);
        report.auctions += 1;
        same(report, &format!("auction {auction}"), shown, &auction_view(auction, board));
        bids(views, auction, board, report).await?;
    }
    for status in AuctionStatus::ALL {
        list(views, rebuild, status, partitions, report).await?;
    }
    bidders(views, rebuild, partitions, report).await
}

async fn users(
    views: &impl ReadModelReader,
    rebuild: &Replay,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    for (id, user) in &rebuild.users {
        let id = UserId(*id);
        let shown = views.user(report.partition, id).await?.shown;
        report.users += 1;
        same(report, &format!("user {id}"), shown, &user_view(id, user.created_at, user.deleted));
    }
    Ok(())
}

/// All bids of an auction, and each bidder's own.
async fn bids(
    views: &impl ReadModelReader,
    auction: AuctionId,
    board: &AuctionProjection,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let mut shown: BTreeMap<u64, BidEntry> = BTreeMap::new();
    let mut before = None;
    while let Some(page) = views.bids(report.partition, auction, before, CHUNK).await?.shown {
        shown.extend(page.bids.into_iter().map(|bid| (bid.number, bid)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let mut own: BTreeMap<UserId, BTreeSet<u64>> = BTreeMap::new();
    for bid in board.auction.bids() {
        let number = board.auction.number_of(bid.id).unwrap_or_default();
        own.entry(bid.bidder).or_default().insert(number);
        report.bids += 1;
        let found = shown.remove(&number);
        if found.as_ref().is_some_and(|found| found.bidder != bid.bidder) {
            report.differs(format!("bid {number} of auction {auction} is kept as another user's"));
        }
        let what = format!("bid {number} of auction {auction}");
        same(report, &what, found.map(|found| found.json), &bid_item(auction, board, bid));
    }
    if !shown.is_empty() {
        report.differs(format!("auction {auction}: {} bids too many are shown", shown.len()));
    }
    for (user, numbers) in own {
        let page = views.bids_of(report.partition, auction, user, None, numbers.len()).await?.shown;
        let shown: BTreeSet<u64> =
            page.map(|page| page.bids.iter().map(|bid| bid.number).collect()).unwrap_or_default();
        if shown != numbers {
            report.differs(format!("bids of user {user} in auction {auction}: other ones are shown"));
        }
    }
    Ok(())
}

/// One of the lists of auctions.
async fn list(
    views: &impl ReadModelReader,
    rebuild: &Replay,
    status: AuctionStatus,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let here = |auction: AuctionId| partitions.of(auction.0) == report.partition;
    let mut shown: Vec<(AuctionId, Vec<u8>)> = Vec::new();
    let mut after = None;
    loop {
        let page = views.listed(status, after, CHUNK).await?.shown;
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
            let place = list_place(board).filter(|place| place.status == status)?;
            Some((place.ends_at, AuctionId(*id), list_item(AuctionId(*id), board.as_ref()?)))
        })
        .collect();
    expected.sort_unstable_by_key(|(ends_at, auction, _)| (*ends_at, *auction));
    if status != AuctionStatus::Open {
        expected.reverse();
    }
    report.listed += expected.len() as u64;
    if shown.len() != expected.len() {
        let (name, wanted) = (status.name(), expected.len());
        report.differs(format!("{} auctions are listed as {name}, {wanted} should be", shown.len()));
    }
    for ((auction, json), (_, wanted, item)) in shown.into_iter().zip(expected) {
        if auction != wanted {
            report.differs(format!("auction {auction} is listed where {wanted} belongs"));
        } else {
            same(report, &format!("line of auction {auction}"), Some(json), &item);
        }
    }
    Ok(())
}

/// What users have bid in this partition's auctions.
async fn bidders(
    views: &impl ReadModelReader,
    rebuild: &Replay,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let mut of: BTreeMap<UserId, Vec<Uuid>> = BTreeMap::new();
    for (auction, users) in &rebuild.bidders {
        users.iter().for_each(|user| of.entry(*user).or_default().push(*auction));
    }
    for (user, auctions) in of {
        let mut shown = bidder(views, user, partitions, report.partition).await?;
        for auction in auctions {
            let Some(Some(board)) = rebuild.boards.get(&auction) else { continue };
            report.bidders += 1;
            let what = format!("user {user} in auction {auction}");
            let line = shown.remove(&auction);
            if line.as_ref().is_some_and(|(found, _)| *found != leader(board)) {
                report.differs(format!("{what}: another one leads"));
            }
            same::<BidderItem>(report, &what, line.map(|(_, json)| json), &bidder_item(board, user));
        }
        if !shown.is_empty() {
            report.differs(format!("user {user}: {} auctions too many are shown", shown.len()));
        }
    }
    Ok(())
}

/// Who leads in each auction of a partition in which a user has bid, and what he has bid.
async fn bidder(
    views: &impl ReadModelReader,
    user: UserId,
    partitions: PartitionCount,
    partition: PartitionId,
) -> Result<BTreeMap<Uuid, (Option<UserId>, Vec<u8>)>, Unavailable> {
    let mut shown = BTreeMap::new();
    let mut before = None;
    loop {
        let page = views.bidder(user, before, CHUNK).await?.shown;
        let here = page.lines.into_iter().filter(|line| partitions.of(line.auction.0) == partition);
        shown.extend(here.map(|line| (line.auction.0, (line.leader, line.bidder))));
        before = page.next;
        if before.is_none() {
            return Ok(shown);
        }
    }
}

/// Compares what is shown with what should be.
fn same<V: DeserializeOwned + Serialize + PartialEq>(
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
