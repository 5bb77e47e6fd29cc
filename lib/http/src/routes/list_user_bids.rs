//! `GET /user/{id}/bids`: every auction in which a user has bid, and how he stands there. Only for himself.

use super::InPath;
use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, limit, members, page, read_limit, unknown};
use crate::caller::Caller;
use crate::consistency::{Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_path, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::read_model::{CacheScope, ReadModel};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::views::read_models::{BidderAuction, ReadModelReader};
use auction_domain::{AuctionId, UserId};
use auction_wire::view::{AuctionStatus, UserBids, UserStanding};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// What its cursors begin with.
const LIST: u8 = b'u';

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_user_bids", "/user/{id}/bids", list_user_bids::<P>)
        .summary(tag::BIDS, "List the auctions one has bid in")
        .about("The newest auction first, and how one stands in each. For that user alone.")
        .by_a_user()
        .takes(in_path("id", uuid(), "The user."))
        .takes(limit())
        .takes(cursor())
        .answers::<UserBids>(200, "One page.")
        .problems(&[&requests::INVALID_REQUEST, &requests::NOT_YOUR_ACCOUNT])
        .reads_a_view()
        .reads_pages()
}

async fn list_user_bids<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(caller): Caller,
    consistency: Consistency,
    InPath(user): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if Uuid::try_parse(&user) != Ok(caller.0) {
        let detail = "the bids of a user are shown to that user only";
        return Err(Problem::new(&requests::NOT_YOUR_ACCOUNT, detail));
    }
    let (mut limit, mut before, mut consistency) = (DEFAULT_LIMIT, None, consistency);
    for (name, value) in members(query.as_deref()) {
        match name {
            "limit" => limit = read_limit(value)?,
            "cursor" => {
                let cursor: Cursor<16> = Cursor::read(value, LIST, portal.partitions)?;
                before = Some(AuctionId(Uuid::from_bytes(cursor.place)));
                consistency = consistency.with_positions(&cursor.as_of);
            }
            other => return Err(unknown(other, "`limit`, `cursor` and `consistency`")),
        }
    }
    let bidder = |_| portal.views.bidder(caller, before, limit);
    let ConsistentRead { shown, fresh, positions } =
        consistency.read(&portal, PartitionScope::All, bidder).await?;
    let next = shown.next.map(|last| {
        let cursor = Cursor { place: last.0.into_bytes(), as_of: positions }.write(LIST);
        format!("/user/{caller}/bids?limit={limit}&cursor={cursor}")
    });
    let lines = shown.lines.iter().map(|line| put_together(line, caller));
    let shown = page("{\"auctions\":[", lines, next);
    Ok(ReadModel { shown, fresh, whose: CacheScope::Private }.into_response())
}

/// The stored parts, in one object.
fn put_together(line: &BidderAuction, user: UserId) -> Vec<u8> {
    let mut object = format!("{{\"standing\":\"{}\",", standing(line, user).name()).into_bytes();
    let members = line.bidder.strip_prefix(b"{").and_then(|bidder| bidder.strip_suffix(b"}"));
    object.extend_from_slice(members.unwrap_or_default());
    object.extend_from_slice(b",\"auction\":");
    object.extend_from_slice(&line.item);
    object.push(b'}');
    object
}

fn standing(line: &BidderAuction, user: UserId) -> UserStanding {
    match (line.status, line.leader == Some(user)) {
        (AuctionStatus::Open, true) => UserStanding::Winning,
        (AuctionStatus::Open, false) => UserStanding::Outbid,
        (AuctionStatus::Closed, true) => UserStanding::Won,
        (AuctionStatus::Closed, false) => UserStanding::Lost,
        (AuctionStatus::Cancelled, _) => UserStanding::Cancelled,
    }
}
