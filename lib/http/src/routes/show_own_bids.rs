//! `GET /auction/{id}/bids`: the caller's bids in an auction.

use super::{InPath, auction_in, unknown_auction};
use crate::caller::Caller;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::view_store::Views;
use auction_domain::AuctionId;
use auction_wire::view::OwnBids;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) async fn show_own_bids<P: Ports>(
    State(portal): Shared<P>,
    Caller(user): Caller,
    InPath(auction): InPath<String>,
) -> Result<Response, Problem> {
    let id = auction_in(&auction)?;
    let (partition, auction) = (portal.partitions.of(id), AuctionId(id));
    if let Some(bids) = portal.views.own_bids(partition, auction, user).await? {
        return Ok(([(header::CONTENT_TYPE, "application/json")], bids).into_response());
    }
    portal.views.auction(partition, auction).await?.ok_or_else(unknown_auction)?;
    Ok(Json(OwnBids { auction: id, count: 0, bids: Vec::new() }).into_response())
}
