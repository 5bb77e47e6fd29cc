//! `GET /user/{id}/bids`: auctions in which the caller has bid, with the status of the caller in each.

use super::InPath;
use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, page, parameters, read_limit, unknown};
use crate::access::Access;
use crate::caller::Caller;
use crate::consistency::{Consistency, ConsistentRead, PartitionScope};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::read_model::{CacheScope, ReadModel};
use crate::state::SharedState;
use auction_app::projector::views::user_bids;
use auction_domain::AuctionId;
use auction_wire::view::UserBids;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// First byte of cursors of this list.
const LIST: u8 = b'u';

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_user_bids", "/user/{id}/bids", list_user_bids)
        .summary(tag::BIDS, "List the auctions you have bid in")
        .description(
            "Newest auction first, with your status in each auction. Only the user can read this list.",
        )
        .access(Access::Bidder)
        .parameter(cursor())
        .response::<UserBids>(200, "Page of auctions.")
        .problems(&[&requests::NOT_YOUR_ACCOUNT])
        .reads_read_model()
        .paginated()
}

async fn list_user_bids(
    State(portal): State<SharedState>,
    Caller(caller): Caller,
    consistency: Consistency,
    InPath(user): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if Uuid::try_parse(&user) != Ok(caller.0) {
        let detail = "only the user can read their own bids";
        return Err(Problem::new(&requests::NOT_YOUR_ACCOUNT, detail));
    }
    let (mut limit, mut before, mut consistency) = (DEFAULT_LIMIT, None, consistency);
    for (name, value) in parameters(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                let cursor: Cursor<16> = Cursor::read(value, LIST, portal.partitions)?;
                before = Some(AuctionId(Uuid::from_bytes(cursor.key)));
                consistency = consistency.with_positions(&cursor.as_of);
            }
            other => return Err(unknown(other, "`limit`, `cursor` and `consistency`")),
        }
    }
    let bidder = |_| user_bids::page(&*portal.views, caller, before, limit);
    let ConsistentRead { value, freshness, positions } =
        consistency.read(&portal, PartitionScope::All, bidder).await?;
    let next = value.next.map(|last| {
        let cursor = Cursor { key: last.0.into_bytes(), as_of: positions }.write(LIST);
        format!("/user/{caller}/bids?limit={limit}&cursor={cursor}")
    });
    let representation = page("{\"auctions\":[", value.entries.iter(), next);
    Ok(ReadModel { representation, freshness, scope: CacheScope::Private }.into_response())
}
