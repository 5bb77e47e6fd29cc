//! `POST /auction/{id}/bid/{bid}/void`: voids a bid.

use super::{InPath, auction_in, bid_in};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Operator;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::auction::{AuctionCommand, VoidBid};
use auction_domain::{Actor, Reason};
use auction_wire::CommandBody;
use auction_wire::api::VoidBidRequest;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("void_bid", "/auction/{id}/bid/{bid}/void", void_bid)
        .summary(tag::BIDS, "Void a bid")
        .description("Only operators can void a bid. The reason is stored with the event.")
        .access(Access::Operator)
        .parameter(in_path("id", uuid(), "Auction id."))
        .parameter(in_path("bid", uuid(), "Bid id."))
        .body::<VoidBidRequest>(true)
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(VoidBid::REFUSALS))
}

async fn void_bid(
    State(portal): State<SharedState>,
    Operator(operator): Operator,
    InPath((auction, bid)): InPath<(String, String)>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let bid = bid_in(&bid)?;
    let request: VoidBidRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let reason = Reason::new(request.reason)
        .map_err(|error| Problem::invalid(vec![("reason".to_owned(), error.to_string())]))?;
    let path = format!("/auction/{auction}/bid/{bid}/void");
    let submission = CommandSubmission {
        actor: Actor::Operator(operator),
        method: "POST",
        path: &path,
        payload: &payload,
    };
    let void = CommandBody::Auction(AuctionCommand::VoidBid(VoidBid { bid, reason }));
    submit(&portal, &headers, submission, |_| (auction, void)).await
}
