//! Response bodies of the fake portal.

use super::http::Response;
use super::portal::{Entry, Portal};
use auction_domain::auction::{Auction, AuctionCommand, BidState, Status};
use auction_domain::{Amount, AuctionId, Detail, RefusalInfo, UserId};
use auction_wire::alias::alias;
use auction_wire::api::{Money, refusal_status};
use auction_wire::time::JsonTime;
use auction_wire::view::{
    AuctionItem, AuctionList, AuctionStatus, AuctionView, BidItem, BidItemState, BidList, TopBid, WinnerView,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn money(auction: &Auction, amount: Amount) -> Money {
    Money { amount: amount.minor_units(), currency: auction.terms().currency.code().to_owned() }
}

fn fact(auction: Option<&Auction>, fact: Detail) -> Value {
    match (fact, auction) {
        (Detail::Amount(amount), Some(auction)) => json!(money(auction, amount)),
        (Detail::Amount(amount), None) => json!(amount.minor_units()),
        (Detail::Time(time), _) => json!(JsonTime(time)),
        (Detail::Count(count), _) => json!(count),
        (Detail::Flag(flag), _) => json!(flag),
        (Detail::Id(id), _) => json!(id),
    }
}

pub(crate) fn done(id: Uuid, auction: Uuid, command: &AuctionCommand, after: &Auction) -> Response {
    let kind = match command {
        AuctionCommand::CreateAuction(_) => "create_auction",
        AuctionCommand::PlaceBid(_) => "place_bid",
        _ => "end_auction",
    };
    let mut done = json!({"command": id, "status": "done", "kind": kind, "auction": auction, "version": after.version()});
    if kind == "place_bid" {
        done["bid"] = json!(id);
    }
    for (name, value) in command.details(after) {
        done[name] = fact(Some(after), value);
    }
    Response::json(if kind == "end_auction" { 200 } else { 201 }, &done)
}

pub(crate) fn refused(refused: &RefusalInfo, auction: Option<&Auction>) -> Response {
    let status = refusal_status(refused.class);
    let details = refused.details.iter().map(|(name, value)| ((*name).to_owned(), fact(auction, *value)));
    Response::problem(status, refused.code, &refused.message, Value::Object(details.collect()))
}

pub(crate) fn auction(id: AuctionId, entry: &Entry) -> AuctionView {
    let auction = entry.auction.as_ref().unwrap();
    let (status, winner) = match auction.status() {
        Status::Open => (AuctionStatus::Open, None),
        Status::Closed(winner) => (AuctionStatus::Closed, winner),
        Status::Cancelled => (AuctionStatus::Cancelled, None),
    };
    let terms = auction.terms();
    let unsold = status == AuctionStatus::Closed && winner.is_none();
    AuctionView {
        id: id.0,
        title: entry.title.as_str().to_owned(),
        description: entry.description.as_str().to_owned(),
        status,
        currency: terms.currency.code().to_owned(),
        opening_bid: money(auction, terms.opening_bid),
        reserve_met: terms.reserve.map(|_| auction.reserve_met()),
        starts_at: terms.starts_at.into(),
        ends_at: auction.ends_at().into(),
        seller: terms.seller.map(|seller| alias(id, seller)),
        bids: auction.active_bid_count() as u64,
        bidders: auction.active_bidder_count() as u64,
        top_bids: auction
            .ranking()
            .take(10)
            .map(|bid| TopBid {
                bidder: alias(id, bid.bidder),
                amount: money(auction, bid.effective()),
                doubled: bid.is_doubled(),
                placed_at: bid.placed_at.into(),
            })
            .collect(),
        winner: winner.map(|winner| WinnerView {
            bidder: alias(id, winner.bidder),
            bid: winner.bid.0,
            amount: money(auction, winner.effective),
            price: money(auction, winner.price),
        }),
        unsold_reason: unsold.then(|| "no_bids".to_owned()),
        promotion: None,
        created_at: entry.created_at.into(),
        version: auction.version(),
    }
}

/// Returns a page of at most two auctions, so that lists have several pages.
pub(crate) fn list(portal: &Portal, query: &str) -> Response {
    let number = |name: &str| {
        query.split('&').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name)?.1.parse().ok()
    };
    let (limit, from): (usize, usize) = (number("limit").unwrap_or(50), number("from").unwrap_or(0));
    let size = limit.min(2);
    let item = |(id, entry): (&Uuid, &Entry)| {
        let auction = entry.auction.as_ref().unwrap();
        AuctionItem {
            id: *id,
            title: entry.title.as_str().to_owned(),
            status: AuctionStatus::Open,
            starts_at: auction.terms().starts_at.into(),
            ends_at: auction.ends_at().into(),
            opening_bid: money(auction, auction.terms().opening_bid),
            highest: auction.leader().map(|leader| money(auction, leader.effective())),
            bids: auction.active_bid_count() as u64,
            version: auction.version(),
        }
    };
    let auctions = portal.auctions.iter().skip(from).take(size).map(item).collect();
    let more = portal.auctions.len() > from + size;
    let next = more.then(|| format!("/auctions?limit={limit}&from={}", from + size));
    Response::json(200, &AuctionList { auctions, next })
}

pub(crate) fn own_bids(id: Uuid, entry: &Entry, user: UserId) -> BidList {
    let auction = entry.auction.as_ref().unwrap();
    let mut bids: Vec<BidItem> = auction
        .bids_of(user)
        .map(|bid| BidItem {
            yours: true,
            id: bid.id.0,
            bidder: alias(AuctionId(id), user),
            amount: money(auction, bid.amount),
            doubled: bid.is_doubled(),
            state: match bid.state {
                BidState::Active => BidItemState::Live,
                BidState::Deleted => BidItemState::Deleted,
                BidState::Voided => BidItemState::Voided,
                BidState::Retracted => BidItemState::Retracted,
            },
            placed_at: bid.placed_at.into(),
        })
        .collect();
    bids.reverse();
    BidList { auction: id, count: bids.len() as u64, bids, next: None }
}
