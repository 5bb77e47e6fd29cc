//! `GET /auction/{id}`: the auction and its standing, as the projector wrote it. Its version is the `ETag`.

use super::{InPath, auction_in, unknown_auction};
use crate::if_match::etag;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::ports::view_store::Views;
use auction_domain::AuctionId;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) async fn show_auction<P: Ports>(
    State(portal): Shared<P>,
    InPath(auction): InPath<String>,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    let view = portal.views.auction(portal.partitions.of(auction), AuctionId(auction)).await?;
    let view = view.ok_or_else(unknown_auction)?;
    let etag = etag(&view);
    let mut response = ([(header::CONTENT_TYPE, "application/json")], view).into_response();
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}
