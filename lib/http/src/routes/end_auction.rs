//! `POST /auction/{id}/end` ends bidding now; `POST /auction/{id}/cancel` cancels an auction.

use super::{InPath, auction_in};
use crate::access::Access;
use crate::caller::ActingAs;
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use auction_domain::auction::{AuctionCommand, CancelAuction, EndAuction};
use auction_wire::CommandBody;
use axum::response::Response;

pub(super) fn end_endpoint() -> Endpoint {
    Endpoint::post("end_auction", "/auction/{id}/end", end)
        .summary(tag::AUCTIONS, "End an auction now")
        .description(
            "Only the seller and operators can end an auction early. The result is declared shortly \
             afterwards.",
        )
        .access(Access::UserOrOperator)
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(EndAuction::REFUSALS))
}

pub(super) fn cancel_endpoint() -> Endpoint {
    Endpoint::post("cancel_auction", "/auction/{id}/cancel", cancel)
        .summary(tag::AUCTIONS, "Cancel an auction")
        .description("Only the seller and operators can cancel an auction. It ends without a winner.")
        .access(Access::UserOrOperator)
        .command_for_auction(Effect::Changes)
        .problems(&refusals::of(CancelAuction::REFUSALS))
}

async fn end(
    submission: CommandSubmission,
    ActingAs(actor): ActingAs,
    InPath(auction): InPath<String>,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let end = CommandBody::Auction(AuctionCommand::EndAuction(EndAuction));
    submission.submit(actor, &format!("/auction/{auction}/end"), b"", |_| (auction, end)).await
}

async fn cancel(
    submission: CommandSubmission,
    ActingAs(actor): ActingAs,
    InPath(auction): InPath<String>,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let cancel = CommandBody::Auction(AuctionCommand::CancelAuction(CancelAuction));
    submission.submit(actor, &format!("/auction/{auction}/cancel"), b"", |_| (auction, cancel)).await
}
