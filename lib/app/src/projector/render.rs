//! Rendering of projections as views: the JSON bodies of the HTTP API.

use crate::consume::auction_projection::AuctionProjection;
use crate::ports::views::read_models::ListKey;
use auction_domain::auction::{Auction, Bid, BidState, Status, UnsoldReason, Winner};
use auction_domain::{Amount, AuctionId, Timestamp, UserId};
use auction_wire::alias::alias;
use auction_wire::api::Money;
use auction_wire::view::{
    AuctionItem, AuctionStatus, AuctionView, BidItem, BidItemState, BidderItem, PromotionView, TopBid,
    UserView, WinnerView,
};

/// Number of highest bids shown in an auction view.
const TOP_BIDS: usize = 10;

/// Renders the body of `GET /auction/{id}`.
pub fn auction_view(id: AuctionId, projection: &AuctionProjection) -> AuctionView {
    let auction = &projection.auction;
    let terms = auction.terms();
    let (status, winner) = status(auction);
    AuctionView {
        id: id.0,
        title: projection.title.as_str().to_owned(),
        description: projection.description.as_str().to_owned(),
        status,
        currency: terms.currency.code().to_owned(),
        opening_bid: money(auction, terms.opening_bid),
        reserve_met: terms.reserve.map(|_| auction.reserve_met()),
        starts_at: terms.starts_at.into(),
        ends_at: auction.ends_at().into(),
        seller: terms.seller.map(|seller| alias(id, seller)),
        bids: auction.active_bid_count() as u64,
        bidders: auction.active_bidder_count() as u64,
        top_bids: auction.ranking().take(TOP_BIDS).map(|bid| top_bid(id, auction, bid)).collect(),
        winner: winner.map(|winner| WinnerView {
            bidder: alias(id, winner.bidder),
            bid: winner.bid.0,
            amount: money(auction, winner.effective),
            price: money(auction, winner.price),
        }),
        unsold_reason: projection.unsold.map(|because| match because {
            UnsoldReason::NoBids => "no_bids".to_owned(),
            UnsoldReason::ReserveNotMet => "reserve_not_met".to_owned(),
        }),
        promotion: terms.promotion.map(|promotion| PromotionView {
            every_ms: promotion.interval.0,
            commitment: promotion.commitment.to_string(),
            draws: auction.draws().recorded,
            seed: auction.draws().seed.map(|seed| seed.to_string()),
        }),
        created_at: projection.created_at.into(),
        version: auction.version(),
    }
}

/// Renders the entry of an auction in `GET /auctions`.
pub fn list_item(id: AuctionId, projection: &AuctionProjection) -> AuctionItem {
    let auction = &projection.auction;
    AuctionItem {
        id: id.0,
        title: projection.title.as_str().to_owned(),
        status: status(auction).0,
        starts_at: auction.terms().starts_at.into(),
        ends_at: auction.ends_at().into(),
        opening_bid: money(auction, auction.terms().opening_bid),
        highest: auction.leader().map(|bid| money(auction, bid.effective())),
        bids: auction.active_bid_count() as u64,
        version: auction.version(),
    }
}

/// Returns the place of an auction in the auction lists; none before the auction exists.
pub fn list_key(projection: &Option<AuctionProjection>) -> Option<ListKey> {
    let auction = &projection.as_ref()?.auction;
    Some(ListKey { status: status(auction).0, ends_at: auction.ends_at() })
}

/// Returns the leader of an open auction or the winner of a closed one; none of a cancelled one.
pub fn leader(projection: &AuctionProjection) -> Option<UserId> {
    match projection.auction.status() {
        Status::Open => projection.auction.leader().map(|bid| bid.bidder),
        Status::Closed(winner) => winner.map(|winner| winner.bidder),
        Status::Cancelled => None,
    }
}

fn status(auction: &Auction) -> (AuctionStatus, Option<Winner>) {
    match auction.status() {
        Status::Open => (AuctionStatus::Open, None),
        Status::Closed(winner) => (AuctionStatus::Closed, winner),
        Status::Cancelled => (AuctionStatus::Cancelled, None),
    }
}

/// Renders an entry of `GET /auction/{id}/bids`.
pub fn bid_item(id: AuctionId, projection: &AuctionProjection, bid: &Bid) -> BidItem {
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

/// Renders the bids of a user in one auction: the user's part of an entry of `GET /user/{id}/bids`.
pub fn bidder_item(projection: &AuctionProjection, user: UserId) -> BidderItem {
    let auction = &projection.auction;
    BidderItem {
        your_bids: auction.bids_of(user).len() as u64,
        your_bid: auction.latest_active_bid_of(user).map(|bid| money(auction, bid.amount)),
    }
}

/// Renders the body of `GET /user/{id}`.
pub fn user_view(id: UserId, created_at: Timestamp, deleted: bool) -> UserView {
    UserView { id: id.0, created_at: created_at.into(), deleted }
}

fn money(auction: &Auction, amount: Amount) -> Money {
    Money { amount: amount.minor_units(), currency: auction.terms().currency.code().to_owned() }
}

fn top_bid(id: AuctionId, auction: &Auction, bid: &Bid) -> TopBid {
    TopBid {
        bidder: alias(id, bid.bidder),
        amount: money(auction, bid.effective()),
        doubled: bid.is_doubled(),
        placed_at: bid.placed_at.into(),
    }
}

/// Serializes a view as it is stored and sent. Cannot fail: views are plain structs with text keys.
pub fn json(view: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}
