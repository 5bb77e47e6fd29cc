//! The body of `GET /auction/{id}`.

use super::{ChangedAuction, document, json, money};
use crate::consume::auction_projection::AuctionProjection;
use crate::ports::views::read_models::{ReadModelWrite, ViewName};
use auction_domain::AuctionId;
use auction_domain::auction::{Auction, Bid, Status, UnsoldReason, Winner};
use auction_wire::alias::alias;
use auction_wire::view::{AuctionStatus, AuctionView, PromotionView, TopBid, WinnerView};
use uuid::Uuid;

/// Number of highest bids shown in an auction view.
const TOP_BIDS: usize = 10;

/// Returns the name of the view of an auction with this id.
pub fn name(id: Uuid) -> ViewName {
    document("auction", id)
}

pub(super) fn render(
    id: AuctionId,
    projection: &AuctionProjection,
    _: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    writes.push(ReadModelWrite::document(name(id.0), json(&view(id, projection))));
}

/// Renders the body of `GET /auction/{id}`.
pub fn view(id: AuctionId, projection: &AuctionProjection) -> AuctionView {
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

fn top_bid(id: AuctionId, auction: &Auction, bid: &Bid) -> TopBid {
    TopBid {
        bidder: alias(id, bid.bidder),
        amount: money(auction, bid.effective()),
        doubled: bid.is_doubled(),
        placed_at: bid.placed_at.into(),
    }
}

pub(super) fn status(auction: &Auction) -> (AuctionStatus, Option<Winner>) {
    match auction.status() {
        Status::Open => (AuctionStatus::Open, None),
        Status::Closed(winner) => (AuctionStatus::Closed, winner),
        Status::Cancelled => (AuctionStatus::Cancelled, None),
    }
}
