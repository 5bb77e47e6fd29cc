//! `GET /auction/{id}/live`: every event of an auction as it happens.

use super::paging::{invalid, members, unknown};
use super::{InPath, auction_in};
use crate::openapi::schemas::{in_header, in_path, in_query, object, pattern, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::sse_response::{answer, last_event_id, stream_events, subscribe_error};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_domain::AuctionId;
use auction_wire::view::LiveEvents;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

const ABOUT: &str = "Server-sent events. Who comes without having seen anything is first told how the auction stands, by \
    an event `auction`, which has what `GET /auction/{id}` answers. Then what happens comes as `events`, whose data is \
    a `LiveEvents`: every event of the auction, in order and without a hole, several at a time if they come fast. The \
    `id` is the auction's version. Who comes back says what he saw last and is told what he missed; if that is more \
    than is remembered, he is told how the auction stands by an event `reset` instead. A comment shows every 15 seconds \
    that the connection is alive. Who is too slow is cut off, and may come back.";

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    let seen = whole(0, Some(isize::MAX.unsigned_abs()));
    Endpoint::get("listen_to_auction", "/auction/{id}/live", listen_to_auction::<P>)
        .summary(tag::AUCTIONS, "Listen to an auction")
        .about(ABOUT)
        .by_everybody()
        .takes(in_path("id", uuid(), "The auction."))
        .takes(in_header(
            "Last-Event-ID",
            pattern("^[0-9]{0,18}$"),
            "The last event that was seen: what came behind it is told first.",
        ))
        .takes(in_query(
            "after",
            seen,
            "The same, for who has read the auction at that version and cannot set headers.",
        ))
        .answers_with(200, "text/event-stream", object(), "Events, until one of the two ends it.")
        .mentions::<LiveEvents>()
        .problems(&[&requests::INVALID_REQUEST, &refusals::UNKNOWN_AUCTION, &requests::TOO_MANY_LISTENERS])
        .needs_servers()
}

async fn listen_to_auction<P: Ports>(
    State(portal): StateExtractor<P>,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auction = AuctionId(auction_in(&auction)?);
    let seen = match last_event_id(&headers) {
        Some(id) => Some(id.parse().map_err(|_| not_a_version("header Last-Event-ID"))?),
        None => after(query.as_deref())?,
    };
    let listener = portal.live.listen(auction, seen).await.map_err(subscribe_error)?;
    Ok(answer(stream_events(listener)))
}

fn after(query: Option<&str>) -> Result<Option<u64>, Problem> {
    let mut seen = None;
    for (name, value) in members(query) {
        match name {
            "after" => seen = Some(value.parse().map_err(|_| invalid("after", "must be a version"))?),
            other => return Err(unknown(other, "`after`")),
        }
    }
    Ok(seen)
}

fn not_a_version(name: &str) -> Problem {
    Problem::invalid(vec![(name.to_owned(), "must be the id of an event of this auction".to_owned())])
}
