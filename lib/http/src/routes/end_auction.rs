//! `POST /auction/{id}/end`: end bidding now, by the seller or an operator.

use super::{InPath, auction_in};
use crate::caller::ActingAs;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_domain::auction::{AuctionCommand, EndAuction};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("end_auction", "/auction/{id}/end", end_auction::<P>)
        .summary(tag::AUCTIONS, "End bidding now")
        .about("By its seller or an operator. The result is declared a moment later.")
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The auction."))
        .command_for_auction(Effect::Changes)
        .problems(&[&refusals::NOT_YOUR_AUCTION])
}

async fn end_auction<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath(auction): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let path = format!("/auction/{auction}/end");
    let asking = CommandSubmission { actor, method: "POST", path: &path, payload: b"" };
    let end = CommandBody::Auction(AuctionCommand::EndAuction(EndAuction));
    submit(&portal, &headers, asking, |_| (auction, end)).await
}
