//! Comparison of every view with a replay of the events.

use super::replay::Replay;
use super::{CHUNK, PartitionReport};
use crate::ports::Unavailable;
use crate::ports::views::read_models::{BidEntry, ReadModelReader};
use crate::projector::{
    AuctionProjection, auction_view, bid_item, bidder_item, leader, list_item, list_key, user_view,
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
    replay: &Replay,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    compare_users(views, replay, report).await?;
    for (id, projection) in &replay.auctions {
        let (Some(projection), auction) = (projection, AuctionId(*id)) else { continue };
        let found = views.auction(report.partition, auction).await?.value.map(|found| found.json);
        report.auctions += 1;
        compare_view(report, &format!("auction {auction}"), found, &auction_view(auction, projection));
        compare_bids(views, auction, projection, report).await?;
    }
    for status in AuctionStatus::ALL {
        compare_list(views, replay, status, partitions, report).await?;
    }
    compare_bidders(views, replay, partitions, report).await
}

async fn compare_users(
    views: &impl ReadModelReader,
    replay: &Replay,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    for (id, user) in &replay.users {
        let id = UserId(*id);
        let found = views.user(report.partition, id).await?.value;
        report.users += 1;
        compare_view(report, &format!("user {id}"), found, &user_view(id, user.created_at, user.deleted));
    }
    Ok(())
}

/// Compares all bids of an auction, and each bidder's list of their own bids.
async fn compare_bids(
    views: &impl ReadModelReader,
    auction: AuctionId,
    projection: &AuctionProjection,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let mut found: BTreeMap<u64, BidEntry> = BTreeMap::new();
    let mut before = None;
    while let Some(page) = views.bids(report.partition, auction, before, CHUNK).await?.value {
        found.extend(page.bids.into_iter().map(|bid| (bid.number, bid)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let mut own: BTreeMap<UserId, BTreeSet<u64>> = BTreeMap::new();
    for bid in projection.auction.bids() {
        let number = projection.auction.bid_number(bid.id).unwrap_or_default();
        own.entry(bid.bidder).or_default().insert(number);
        report.bids += 1;
        let found = found.remove(&number);
        if found.as_ref().is_some_and(|found| found.bidder != bid.bidder) {
            report.differs(format!("bid {number} of auction {auction} is stored for another user"));
        }
        let subject = format!("bid {number} of auction {auction}");
        compare_view(report, &subject, found.map(|found| found.json), &bid_item(auction, projection, bid));
    }
    if !found.is_empty() {
        report.differs(format!("auction {auction}: {} unexpected bids", found.len()));
    }
    for (user, numbers) in own {
        let page = views.bids_by_user(report.partition, auction, user, None, numbers.len()).await?.value;
        let found: BTreeSet<u64> =
            page.map(|page| page.bids.iter().map(|bid| bid.number).collect()).unwrap_or_default();
        if found != numbers {
            report.differs(format!("bids of user {user} in auction {auction}: the list differs"));
        }
    }
    Ok(())
}

/// Compares the list of auctions of one status.
async fn compare_list(
    views: &impl ReadModelReader,
    replay: &Replay,
    status: AuctionStatus,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let is_here = |auction: AuctionId| partitions.of(auction.0) == report.partition;
    let mut found: Vec<(AuctionId, Vec<u8>)> = Vec::new();
    let mut after = None;
    loop {
        let page = views.auctions_by_status(status, after, CHUNK).await?.value;
        let entries = page.entries.into_iter().filter(|entry| is_here(entry.auction));
        found.extend(entries.map(|entry| (entry.auction, entry.json)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<(Timestamp, AuctionId, AuctionItem)> = replay
        .auctions
        .iter()
        .filter_map(|(id, projection)| {
            let place = list_key(projection).filter(|place| place.status == status)?;
            Some((place.ends_at, AuctionId(*id), list_item(AuctionId(*id), projection.as_ref()?)))
        })
        .collect();
    expected.sort_unstable_by_key(|(ends_at, auction, _)| (*ends_at, *auction));
    if status != AuctionStatus::Open {
        expected.reverse();
    }
    report.listed += expected.len() as u64;
    if found.len() != expected.len() {
        let (name, expected) = (status.name(), expected.len());
        report.differs(format!("{} auctions are listed as {name}, expected {expected}", found.len()));
    }
    for ((auction, json), (_, expected, item)) in found.into_iter().zip(expected) {
        if auction != expected {
            report.differs(format!("auction {auction} is listed in place of auction {expected}"));
        } else {
            compare_view(report, &format!("list entry of auction {auction}"), Some(json), &item);
        }
    }
    Ok(())
}

/// Compares the bidders' lists of the auctions of this partition.
async fn compare_bidders(
    views: &impl ReadModelReader,
    replay: &Replay,
    partitions: PartitionCount,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let mut of: BTreeMap<UserId, Vec<Uuid>> = BTreeMap::new();
    for (auction, users) in &replay.bidders {
        users.iter().for_each(|user| of.entry(*user).or_default().push(*auction));
    }
    for (user, auctions) in of {
        let mut found = read_bidder_auctions(views, user, partitions, report.partition).await?;
        for auction in auctions {
            let Some(Some(projection)) = replay.auctions.get(&auction) else { continue };
            report.bidders += 1;
            let subject = format!("user {user} in auction {auction}");
            let entry = found.remove(&auction);
            if entry.as_ref().is_some_and(|(found, _)| *found != leader(projection)) {
                report.differs(format!("{subject}: another user leads"));
            }
            compare_view::<BidderItem>(
                report,
                &subject,
                entry.map(|(_, json)| json),
                &bidder_item(projection, user),
            );
        }
        if !found.is_empty() {
            report.differs(format!("user {user}: {} unexpected auctions", found.len()));
        }
    }
    Ok(())
}

/// Returns the auctions of a partition in which a user has bid, each with its leader and the user's own bids.
async fn read_bidder_auctions(
    views: &impl ReadModelReader,
    user: UserId,
    partitions: PartitionCount,
    partition: PartitionId,
) -> Result<BTreeMap<Uuid, (Option<UserId>, Vec<u8>)>, Unavailable> {
    let mut found = BTreeMap::new();
    let mut before = None;
    loop {
        let page = views.bidder_auctions(user, before, CHUNK).await?.value;
        let here = page.entries.into_iter().filter(|entry| partitions.of(entry.auction.0) == partition);
        found.extend(here.map(|entry| (entry.auction.0, (entry.leader, entry.bidder))));
        before = page.next;
        if before.is_none() {
            return Ok(found);
        }
    }
}

/// Compares one view with the expected one.
fn compare_view<V: DeserializeOwned + Serialize + PartialEq>(
    report: &mut PartitionReport,
    subject: &str,
    found: Option<Vec<u8>>,
    expected: &V,
) {
    match found.map(|json| serde_json::from_slice::<V>(&json)) {
        Some(Ok(found)) if found == *expected => {}
        Some(Ok(found)) => {
            let text = |view: &V| serde_json::to_string(view).unwrap_or_default();
            report.differs(format!("{subject}: found {}, expected {}", text(&found), text(expected)));
        }
        Some(Err(error)) => report.differs(format!("{subject}: the view cannot be decoded: {error}")),
        None => report.differs(format!("{subject}: the view is missing")),
    }
}
