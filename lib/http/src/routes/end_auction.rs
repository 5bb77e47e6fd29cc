//! `POST /auction/{id}/end`: end bidding now, by the seller or an operator.

use super::{InPath, auction_in};
use crate::answer::{Asking, ask};
use crate::caller::Acting;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_domain::auction::{AuctionCommand, EndAuction};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn end_auction<P: Ports>(
    State(portal): Shared<P>,
    Acting(actor): Acting,
    InPath(auction): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let path = format!("/auction/{auction}/end");
    let asking = Asking { actor, method: "POST", path: &path, payload: b"" };
    let end = CommandBody::Auction(AuctionCommand::EndAuction(EndAuction));
    ask(&portal, &headers, asking, |_| (auction, end)).await
}
