//! `POST /auction/{id}/end`: ends bidding now.

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
use auction_domain::auction::{AuctionCommand, EndAuction};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("end_auction", "/auction/{id}/end", end_auction)
        .summary(tag::AUCTIONS, "End an auction now")
        .description(
            "Only the seller and operators can end an auction early. The result is declared shortly \
             afterwards.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "Auction id."))
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(EndAuction::REFUSALS))
}

async fn end_auction(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(auction): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let path = format!("/auction/{auction}/end");
    let submission = CommandSubmission { actor, method: "POST", path: &path, payload: b"" };
    let end = CommandBody::Auction(AuctionCommand::EndAuction(EndAuction));
    submit(&portal, &headers, submission, |_| (auction, end)).await
}
