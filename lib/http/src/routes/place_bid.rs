//! `PUT /auction/{id}/bid`: places a bid.

use super::{InPath, auction_in};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::auction::{AuctionCommand, PlaceBid};
use auction_domain::{Actor, Amount, BidId};
use auction_wire::CommandBody;
use auction_wire::api::PlaceBidRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::put("place_bid", "/auction/{id}/bid", place_bid)
        .summary(tag::BIDS, "Place a bid")
        .description(
            "A bid must be above the latest active bid of the same bidder. It can be below the bids of \
             others.",
        )
        .access(Access::Bidder)
        .parameter(in_path("id", uuid(), "Auction id."))
        .body::<PlaceBidRequest>(true)
        .command_for_auction(Effect::Creates)
        .problems(&refusals::of(PlaceBid::REFUSALS))
}

async fn place_bid(
    State(portal): State<SharedState>,
    Caller(bidder): Caller,
    InPath(auction): InPath<String>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let request: PlaceBidRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let amount = Amount::new(request.amount)
        .map_err(|error| Problem::invalid(vec![("amount".to_owned(), error.to_string())]))?;
    let path = format!("/auction/{auction}/bid");
    let submission =
        CommandSubmission { actor: Actor::User(bidder), method: "PUT", path: &path, payload: &payload };
    submit(&portal, &headers, submission, |id| {
        let place = PlaceBid { bid: BidId(id.0), bidder, amount };
        (auction, CommandBody::Auction(AuctionCommand::PlaceBid(place)))
    })
    .await
}
