//! `GET /auction/{id}/bids`: all bids in an auction, the newest first, the caller's own marked; with
//! `?by=me` only those.

use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, invalid, limit, members, read_limit, unknown};
use super::{InPath, auction_in, unknown_auction};
use crate::caller::{Caller, MaybeCaller};
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_path, in_query, one_of, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{CacheScope, ReadModel};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::views::read_models::{BidEntry, ReadModelReader};
use auction_domain::{AuctionId, UserId};
use auction_wire::view::BidList;
use auction_wire::{PartitionCount, Positions};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

/// What its cursors begin with.
const LIST: u8 = b'b';

/// One page.
struct Page {
    by_me: bool,
    limit: usize,
    before: Option<u64>,
    /// How fresh the page before was.
    as_of: Positions,
}

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_bids", "/auction/{id}/bids", list_bids::<P>)
        .summary(tag::BIDS, "List the bids in an auction")
        .about("The newest first, the caller's own marked.")
        .by_anybody()
        .takes(in_path("id", uuid(), "The auction."))
        .takes(in_query("by", one_of(&["me"]), "Only the caller's own."))
        .takes(limit())
        .takes(cursor())
        .answers::<BidList>(200, "One page.")
        .problems(&[&requests::INVALID_REQUEST, &refusals::UNKNOWN_AUCTION])
        .reads_a_view()
        .reads_pages()
}

async fn list_bids<P: Ports>(
    State(portal): StateExtractor<P>,
    MaybeCaller(caller): MaybeCaller,
    consistency: Consistency,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = auction_in(&auction)?;
    let page = Page::read(query.as_deref(), portal.partitions)?;
    let consistency = consistency.with_positions(&page.as_of);
    let (partition, auction) = (portal.partitions.of(id), AuctionId(id));
    let by = match (page.by_me, caller) {
        (true, None) => return Err(Caller::unknown()),
        (true, Some(user)) => Some(user),
        (false, _) => None,
    };
    let (views, before, limit) = (&portal.views, page.before, page.limit);
    let bids = |_| async move {
        match by {
            Some(user) => views.bids_of(partition, auction, user, before, limit).await,
            None => views.bids(partition, auction, before, limit).await,
        }
    };
    let ConsistentRead { shown, fresh, positions } =
        consistency.read(&portal, PartitionScope::One(partition), bids).await?;
    let none = || unknown_auction().with_header(CONSISTENCY_TOKEN, fresh.token.clone());
    let shown = shown.ok_or_else(none)?;
    let begin = format!("{{\"auction\":\"{id}\",\"count\":{},\"bids\":[", shown.count);
    let next = shown.next.map(|before| page.next(auction, before, positions));
    let lines = shown.bids.iter().map(|bid| line(bid, caller));
    let shown = super::paging::page(&begin, lines, next);
    Ok(ReadModel { shown, fresh, whose: CacheScope::Private }.into_response())
}

/// The stored line, marked if it is the caller's.
fn line(bid: &BidEntry, caller: Option<UserId>) -> Vec<u8> {
    if Some(bid.bidder) != caller {
        return bid.json.clone();
    }
    let mut line = b"{\"yours\":true,".to_vec();
    line.extend_from_slice(bid.json.get(1..).unwrap_or_default());
    line
}

impl Page {
    fn read(query: Option<&str>, partitions: PartitionCount) -> Result<Page, Problem> {
        let mut page = Page { by_me: false, limit: DEFAULT_LIMIT, before: None, as_of: Positions::default() };
        for (name, value) in members(query) {
            match (name, value) {
                ("limit", value) => page.limit = read_limit(value)?,
                ("by", "me") => page.by_me = true,
                ("by", _) => return Err(invalid("by", "must be `me`, or absent for all bids")),
                ("cursor", value) => {
                    let Cursor { place, as_of } = Cursor::read(value, LIST, partitions)?;
                    (page.before, page.as_of) = (Some(u64::from_be_bytes(place)), as_of);
                }
                (other, _) => return Err(unknown(other, "`by`, `limit`, `cursor` and `consistency`")),
            }
        }
        Ok(page)
    }

    fn next(&self, auction: AuctionId, before: u64, as_of: Positions) -> String {
        let cursor = Cursor { place: before.to_be_bytes(), as_of }.write(LIST);
        let by = if self.by_me { "by=me&" } else { "" };
        format!("/auction/{auction}/bids?{by}limit={}&cursor={cursor}", self.limit)
    }
}
