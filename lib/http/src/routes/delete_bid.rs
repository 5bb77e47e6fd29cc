//! `DELETE /auction/{id}/bid/{bid}`: deletes a bid of the caller.

use super::{InPath, auction_in, bid_in};
use crate::access::Access;
use crate::caller::Caller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::Actor;
use auction_domain::auction::{AuctionCommand, DeleteBid};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::delete("delete_bid", "/auction/{id}/bid/{bid}", delete_bid)
        .summary(tag::BIDS, "Delete a bid")
        .description(
            "Only the bidder can delete a bid, and only while the auction is open and its retraction lock \
             has not begun.",
        )
        .access(Access::Bidder)
        .parameter(in_path("id", uuid(), "Auction id."))
        .parameter(in_path("bid", uuid(), "Bid id."))
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(DeleteBid::REFUSALS))
}

async fn delete_bid(
    State(portal): State<SharedState>,
    Caller(bidder): Caller,
    InPath((auction, bid)): InPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let bid = bid_in(&bid)?;
    let path = format!("/auction/{auction}/bid/{bid}");
    let submission =
        CommandSubmission { actor: Actor::User(bidder), method: "DELETE", path: &path, payload: b"" };
    let delete = CommandBody::Auction(AuctionCommand::DeleteBid(DeleteBid { bid }));
    submit(&portal, &headers, submission, |_| (auction, delete)).await
}
