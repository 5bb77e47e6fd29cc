//! Entries of `GET /user/{id}/bids`, the newest auction first. An entry has two parts: what the user has bid is
//! stored with the user, and who leads in the entry of the auction.

use super::{ChangedAuction, ViewPage, auctions, entries, json, money};
use crate::consume::auction_projection::AuctionProjection;
use crate::ports::Unavailable;
use crate::ports::views::read_models::{
    AsOf, ListRange, Order, PageQuery, ReadModelReader, ReadModelWrite, ViewName,
};
use auction_domain::{AuctionId, UserId};
use auction_wire::view::{AuctionStatus, BidderItem, UserStanding};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Returns the name of the bids of a user, by auction.
fn name(user: UserId) -> ViewName {
    entries("bidder", Some(user.0))
}

/// Returns the name of the list of auctions in which a user has bid.
fn list(user: UserId) -> ViewName {
    super::list("bidder-auctions", Some(user.0))
}

pub(super) fn render(
    id: AuctionId,
    projection: &AuctionProjection,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    writes.extend(changed.new_bidders.iter().map(|user| add(*user, id)));
    let bids = changed.bids.iter().filter_map(|bid| projection.auction.bid(*bid));
    let bidders: BTreeSet<UserId> = bids.map(|bid| bid.bidder).collect();
    writes.extend(bidders.into_iter().map(|user| set(user, id, &item(projection, user))));
}

/// Returns the write that adds an auction to the list of a user.
pub fn add(user: UserId, auction: AuctionId) -> ReadModelWrite {
    ReadModelWrite::add(list(user), auction.to_string())
}

/// Returns the write of a user's bids in an auction.
pub fn set(user: UserId, auction: AuctionId, item: &BidderItem) -> ReadModelWrite {
    ReadModelWrite::Set { name: name(user), field: auction.to_string(), value: json(item) }
}

/// Renders the bids of a user in one auction: the user's part of an entry of `GET /user/{id}/bids`.
fn item(projection: &AuctionProjection, user: UserId) -> BidderItem {
    let auction = &projection.auction;
    BidderItem {
        your_bids: auction.bids_of(user).len() as u64,
        your_bid: auction.latest_active_bid_of(user).map(|bid| money(auction, bid.amount)),
    }
}

/// Returns at most `limit` (at least one) auctions with ids below `before` in which a user has bid, of all
/// partitions.
pub async fn page(
    views: &dyn ReadModelReader,
    user: UserId,
    before: Option<AuctionId>,
    limit: usize,
) -> Result<AsOf<ViewPage<AuctionId>>, Unavailable> {
    let query = PageQuery {
        partition: None,
        owner: None,
        list: ListRange::Members {
            list: list(user),
            prefix: String::new(),
            order: Order::Descending,
            after: before.map(|before| before.to_string()),
        },
        limit,
        parts: vec![name(user), auctions::ENTRIES],
        field: str::to_owned,
    };
    let AsOf { positions, value } = views.page(&query).await?;
    let page = value.unwrap_or_default();
    let entries = page.members.iter().filter_map(|member| combine(user, &member.parts)).collect();
    let next = page.next.and_then(|last| Some(AuctionId(Uuid::try_parse(&last).ok()?)));
    Ok(AsOf { positions, value: ViewPage { count: page.count, entries, next } })
}

/// Combines the stored parts of an entry into one JSON object.
fn combine(user: UserId, parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    let [bidder, auction] = parts else { return None };
    let (status, leader, auction) = auctions::decode(auction)?;
    let mut object =
        format!("{{\"standing\":\"{}\",", standing(status, leader == Some(user)).name()).into_bytes();
    object.extend_from_slice(bidder.strip_prefix(b"{")?.strip_suffix(b"}")?);
    object.extend_from_slice(b",\"auction\":");
    object.extend_from_slice(auction);
    object.push(b'}');
    Some(object)
}

fn standing(status: AuctionStatus, is_leader: bool) -> UserStanding {
    match (status, is_leader) {
        (AuctionStatus::Open, true) => UserStanding::Winning,
        (AuctionStatus::Open, false) => UserStanding::Outbid,
        (AuctionStatus::Closed, true) => UserStanding::Won,
        (AuctionStatus::Closed, false) => UserStanding::Lost,
        (AuctionStatus::Cancelled, _) => UserStanding::Cancelled,
    }
}
