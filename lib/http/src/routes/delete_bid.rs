//! `DELETE /auction/{id}/bid/{bid}`: take one's bid back.

use super::{InPath, auction_in, bid_in};
use crate::answer::{Asking, ask};
use crate::caller::Caller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_domain::Actor;
use auction_domain::auction::{AuctionCommand, DeleteBid};
use auction_wire::CommandBody;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

pub(super) async fn delete_bid<P: Ports>(
    State(portal): Shared<P>,
    Caller(bidder): Caller,
    InPath((auction, bid)): InPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let bid = bid_in(&bid)?;
    let path = format!("/auction/{auction}/bid/{bid}");
    let asking = Asking { actor: Actor::User(bidder), method: "DELETE", path: &path, payload: b"" };
    let delete = CommandBody::Auction(AuctionCommand::DeleteBid(DeleteBid { bid }));
    ask(&portal, &headers, asking, |_| (auction, delete)).await
}
