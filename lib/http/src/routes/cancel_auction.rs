//! `POST /auction/{id}/cancel`: cancels an auction.

use super::{InPath, auction_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::SharedState;
use auction_domain::auction::{AuctionCommand, CancelAuction};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("cancel_auction", "/auction/{id}/cancel", cancel_auction)
        .summary(tag::AUCTIONS, "Cancel an auction")
        .description("Only the seller and operators can cancel an auction. It ends without a winner.")
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "Auction id."))
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(CancelAuction::REFUSALS))
}

async fn cancel_auction(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(auction): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let path = format!("/auction/{auction}/cancel");
    let submission = CommandSubmission { actor, method: "POST", path: &path, payload: b"" };
    let cancel = CommandBody::Auction(AuctionCommand::CancelAuction(CancelAuction));
    submit(&portal, &headers, submission, |_| (auction, cancel)).await
}
