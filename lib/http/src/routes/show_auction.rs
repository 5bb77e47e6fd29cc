//! `GET /auction/{id}`: the auction and its standing, as the projector wrote it, and what time it is. Its
//! version is the `ETag`.

use super::paging::{members, read_model, unknown};
use super::{InPath, auction_in, unknown_auction};
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, Of, Read};
use crate::description::schemas::{header, in_path, pattern, uuid};
use crate::description::{Endpoint, tag};
use crate::if_match::etag;
use crate::portal::{Ports, Shared, SharedPortal};
use crate::problem::Problem;
use crate::problem::kinds::refusals;
use auction_app::ports::view_store::{ShownAuction, Views};
use auction_domain::AuctionId;
use auction_wire::time;
use auction_wire::view::AuctionView;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::Response;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedPortal<P>> {
    Endpoint::get("show_auction", "/auction/{id}", show_auction::<P>)
        .summary(tag::AUCTIONS, "Show an auction")
        .about("With its best bids, its winner, and what time it is.")
        .takes(in_path("id", uuid(), "The auction."))
        .answers::<AuctionView>(200, "The auction.")
        .with_header(200, "ETag", header(pattern("^\"[0-9]+\"$"), "Its version, for `If-Match`."))
        .problems(&[&refusals::UNKNOWN_AUCTION])
        .reads_a_view()
}

async fn show_auction<P: Ports>(
    State(portal): Shared<P>,
    consistency: Consistency,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let auction = auction_in(&auction)?;
    if let Some((other, _)) = members(query.as_deref()).next() {
        return Err(unknown(other, "`consistency`"));
    }
    let partition = portal.partitions.of(auction);
    let view = || portal.views.auction(partition, AuctionId(auction));
    let Read { shown, token } = consistency.read(&portal, Of::One(partition), view).await?;
    let none = || unknown_auction().with_header(CONSISTENCY_TOKEN, token.clone());
    let view = shown.ok_or_else(none)?;
    let etag = etag(&view.json);
    let mut response = read_model(with_time(&view), token);
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Puts the time in front of the members of the stored object, which is not read.
fn with_time(view: &ShownAuction) -> Vec<u8> {
    let mut body = format!("{{\"server_time\":\"{}\",", time::format(view.now)).into_bytes();
    body.extend_from_slice(view.json.get(1..).unwrap_or_default());
    body
}
