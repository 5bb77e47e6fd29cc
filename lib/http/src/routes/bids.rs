//! Commands for bids: `PUT /auction/{id}/bid` places, `DELETE /auction/{id}/bid/{bid}` deletes and
//! `POST /auction/{id}/bid/{bid}/void` voids a bid.

use super::{InPath, auction_in, bid_in};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::{Caller, Operator};
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use auction_domain::auction::{AuctionCommand, DeleteBid, PlaceBid, VoidBid};
use auction_domain::{Actor, Amount, BidId, Reason};
use auction_wire::command::place_bid::PlaceBidRequest;
use auction_wire::command::void_bid::VoidBidRequest;
use auction_wire::{CommandBody, CommandId};
use axum::response::Response;

pub(super) fn place_endpoint() -> Endpoint {
    Endpoint::put("place_bid", "/auction/{id}/bid", place)
        .summary(tag::BIDS, "Place a bid")
        .description(
            "A bid must be above the latest active bid of the same bidder. It can be below the bids of \
             others.",
        )
        .access(Access::Bidder)
        .body::<PlaceBidRequest>(true)
        .command_for_auction(Effect::Creates)
        .problems(&refusals::of(PlaceBid::REFUSALS))
}

pub(super) fn delete_endpoint() -> Endpoint {
    Endpoint::delete("delete_bid", "/auction/{id}/bid/{bid}", delete)
        .summary(tag::BIDS, "Delete a bid")
        .description(
            "Only the bidder can delete a bid, and only while the auction is open and its retraction lock \
             has not begun.",
        )
        .access(Access::Bidder)
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(DeleteBid::REFUSALS))
}

pub(super) fn void_endpoint() -> Endpoint {
    Endpoint::post("void_bid", "/auction/{id}/bid/{bid}/void", void)
        .summary(tag::BIDS, "Void a bid")
        .description("Only operators can void a bid. The reason is stored with the event.")
        .body::<VoidBidRequest>(true)
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(VoidBid::REFUSALS))
}

async fn place(
    submission: CommandSubmission,
    Caller(bidder): Caller,
    InPath(auction): InPath<String>,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let request: PlaceBidRequest = body.read()?;
    let payload = body::canonical(&request);
    let amount = Amount::new(request.amount).map_err(|error| body::invalid("amount", error))?;
    let path = format!("/auction/{auction}/bid");
    let place = |id: CommandId| {
        let place = PlaceBid { bid: BidId(id.0), bidder, amount };
        (auction, CommandBody::Auction(AuctionCommand::PlaceBid(place)))
    };
    submission.submit(Actor::User(bidder), &path, &payload, place).await
}

async fn delete(
    submission: CommandSubmission,
    Caller(bidder): Caller,
    InPath((auction, bid)): InPath<(String, String)>,
) -> Result<Response, Problem> {
    let (auction, bid) = (auction_in(&auction)?, bid_in(&bid)?);
    let path = format!("/auction/{auction}/bid/{bid}");
    let delete = CommandBody::Auction(AuctionCommand::DeleteBid(DeleteBid { bid }));
    submission.submit(Actor::User(bidder), &path, b"", |_| (auction, delete)).await
}

async fn void(
    submission: CommandSubmission,
    Operator(operator): Operator,
    InPath((auction, bid)): InPath<(String, String)>,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let (auction, bid) = (auction_in(&auction)?, bid_in(&bid)?);
    let request: VoidBidRequest = body.read()?;
    let payload = body::canonical(&request);
    let reason = Reason::new(request.reason).map_err(|error| body::invalid("reason", error))?;
    let path = format!("/auction/{auction}/bid/{bid}/void");
    let void = CommandBody::Auction(AuctionCommand::VoidBid(VoidBid { bid, reason }));
    submission.submit(Actor::Operator(operator), &path, &payload, |_| (auction, void)).await
}
