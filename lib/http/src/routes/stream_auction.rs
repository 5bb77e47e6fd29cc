//! `GET /auction/{id}/live`: the events of an auction as server-sent events.

use super::{InPath, auction_in};
use crate::access::Access;
use crate::openapi::schemas::{in_header, in_query, object, pattern, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::sse_response::{StreamRequest, stream_events, subscribe_error};
use crate::state::SharedState;
use auction_domain::AuctionId;
use auction_wire::view::LiveEvents;
use axum::extract::State;
use axum::response::Response;

const DESCRIPTION: &str = "Server-sent events. A new client first receives an `auction` event with the \
    current state, as in `GET /auction/{id}`. Changes follow as `events` with a `LiveEvents` each: all \
    events of the auction, in order and gap-free, several in one message if they are frequent. The `id` \
    is the version of the auction. Reconnect with `Last-Event-ID` to receive missed events. If the portal \
    does not hold all of them any more, a `reset` event with the current state replaces them. A comment \
    is sent every 15 seconds as a heartbeat. Clients that read too slowly are disconnected and can \
    reconnect.";

pub(super) fn endpoint() -> Endpoint {
    let seen = whole(0, Some(isize::MAX.unsigned_abs()));
    Endpoint::get("stream_auction", "/auction/{id}/live", stream_auction)
        .summary(tag::AUCTIONS, "Stream the events of an auction")
        .description(DESCRIPTION)
        .access(Access::Public)
        .parameter(in_header(
            "Last-Event-ID",
            pattern("^[0-9]{0,18}$"),
            "`id` of the last event that the client received.",
        ))
        .parameter(in_query(
            "after",
            seen,
            "Version of the auction: the same as `Last-Event-ID`, for clients that have read the auction \
             and cannot set headers.",
        ))
        .response_with_media_type(
            200,
            "text/event-stream",
            object(),
            "Events, until the client or the portal closes the stream.",
        )
        .extra_schema::<LiveEvents>()
        .problems(&[&requests::INVALID_REQUEST, &refusals::UNKNOWN_AUCTION, &requests::TOO_MANY_LISTENERS])
        .needs_backends()
}

async fn stream_auction(
    State(portal): State<SharedState>,
    InPath(auction): InPath<String>,
    request: StreamRequest,
) -> Result<Response, Problem> {
    let auction = AuctionId(auction_in(&auction)?);
    let seen = request.last_received(|id| id.parse().ok())?;
    let subscriber = portal.live_updates.subscribe(auction, seen).await.map_err(subscribe_error)?;
    Ok(request.respond(stream_events(subscriber)))
}
