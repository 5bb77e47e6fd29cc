//! Entries of `GET /auction/{id}/bids`, newest first: of all users, and of one user.

use super::{ChangedAuction, ViewPage, auction, entries, entry, money};
use crate::consume::auction_projection::AuctionProjection;
use crate::ports::Unavailable;
use crate::ports::views::read_models::{
    AsOf, ListRange, Order, PageQuery, ReadModelReader, ReadModelWrite, ViewName,
};
use auction_domain::auction::{Bid, BidState};
use auction_domain::{AuctionId, UserId};
use auction_wire::PartitionId;
use auction_wire::alias::alias;
use auction_wire::view::{BidItem, BidItemState};
use serde::Serialize;

/// Returns the name of the bids of an auction, by number.
fn name(auction: AuctionId) -> ViewName {
    entries("bids", Some(auction.0))
}

/// Returns the name of the list of each user's bids in an auction.
fn list(auction: AuctionId) -> ViewName {
    super::list("bids-by-user", Some(auction.0))
}

/// Returns a member of the list. Members sort by user, then by bid number.
fn member(user: UserId, number: u64) -> String {
    format!("{user}:{number:016x}")
}

/// Returns the number of a bid from a member of the list.
fn number_of(member: &str) -> Option<u64> {
    u64::from_str_radix(member.split_once(':')?.1, 16).ok()
}

pub(super) fn render(
    id: AuctionId,
    projection: &AuctionProjection,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    for bid in changed.bids.iter().filter_map(|bid| projection.auction.bid(*bid)) {
        // Every bid of the auction has a number.
        let number = projection.auction.bid_number(bid.id).unwrap_or_default();
        writes.extend(set(id, number, bid.bidder, &item(id, projection, bid)));
    }
}

/// Returns the writes of a bid. Its number is that in the order of placing, from 1.
pub fn set(auction: AuctionId, number: u64, bidder: UserId, view: &impl Serialize) -> [ReadModelWrite; 2] {
    let value = entry::encode(b"", Some(bidder), view);
    [
        ReadModelWrite::Set { name: name(auction), field: number.to_string(), value },
        ReadModelWrite::add(list(auction), member(bidder, number)),
    ]
}

/// Renders an entry of `GET /auction/{id}/bids`.
pub fn item(id: AuctionId, projection: &AuctionProjection, bid: &Bid) -> BidItem {
    BidItem {
        yours: false,
        id: bid.id.0,
        bidder: alias(id, bid.bidder),
        amount: money(&projection.auction, bid.amount),
        doubled: bid.is_doubled(),
        state: match bid.state {
            BidState::Active => BidItemState::Live,
            BidState::Deleted => BidItemState::Deleted,
            BidState::Voided => BidItemState::Voided,
            BidState::Retracted => BidItemState::Retracted,
        },
        placed_at: bid.placed_at.into(),
    }
}

/// Returns at most `limit` bids with numbers below `before`, of all users or `by` one; `None` if there is no such
/// auction. Bids of the caller are marked with `yours`.
pub async fn page(
    views: &dyn ReadModelReader,
    partition: PartitionId,
    auction: AuctionId,
    by: Option<UserId>,
    caller: Option<UserId>,
    before: Option<u64>,
    limit: usize,
) -> Result<AsOf<Option<ViewPage<u64>>>, Unavailable> {
    let query = PageQuery {
        partition: Some(partition),
        owner: Some(auction::name(auction.0)),
        list: match by {
            None => ListRange::Numbers { of: name(auction), before },
            Some(user) => ListRange::Members {
                list: list(auction),
                prefix: format!("{user}:"),
                order: Order::Descending,
                after: before.map(|before| member(user, before)),
            },
        },
        limit,
        parts: vec![name(auction)],
        field: match by {
            None => str::to_owned,
            Some(_) => |member| number_of(member).unwrap_or_default().to_string(),
        },
    };
    let AsOf { positions, value } = views.page(&query).await?;
    let value = value.map(|page| ViewPage {
        count: page.count,
        entries: page.members.iter().filter_map(|bid| shown_to(caller, bid.parts.first()?)).collect(),
        next: page.next.and_then(|last| if by.is_some() { number_of(&last) } else { last.parse().ok() }),
    });
    Ok(AsOf { positions, value })
}

/// Returns the JSON of an entry, with `yours` if the caller placed the bid.
fn shown_to(caller: Option<UserId>, entry: &[u8]) -> Option<Vec<u8>> {
    let (bidder, json) = entry::decode(entry)?;
    if caller.is_none() || bidder != caller {
        return Some(json.to_vec());
    }
    let mut yours = b"{\"yours\":true,".to_vec();
    yours.extend_from_slice(json.get(1..)?);
    Some(yours)
}
