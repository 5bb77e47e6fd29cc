//! `GET /auction/{id}/bids`: bids in an auction, newest first. Bids of the caller are marked; `?by=me`
//! selects them.

use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, invalid, parameters, read_limit, unknown};
use super::{InPath, auction_in, unknown_auction};
use crate::access::{Access, Principal};
use crate::caller::Caller;
use crate::consistency::{CONSISTENCY_TOKEN, Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_query, one_of};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::read_model::{CacheScope, ReadModel};
use crate::state::SharedState;
use auction_app::projector::views::bids;
use auction_domain::AuctionId;
use auction_wire::view::BidList;
use auction_wire::{PartitionCount, Positions};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

/// First byte of cursors of this list.
const LIST: u8 = b'b';

struct Page {
    by_me: bool,
    limit: usize,
    before: Option<u64>,
    /// Positions that the previous page showed.
    as_of: Positions,
}

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_bids", "/auction/{id}/bids", list_bids)
        .summary(tag::BIDS, "List the bids in an auction")
        .description("Newest first. Bids of the caller are marked with `yours`.")
        .access(Access::OptionalUser)
        .parameter(in_query("by", one_of(&["me"]), "`me`: only bids of the caller. Requires authentication."))
        .parameter(cursor())
        .response::<BidList>(200, "Page of bids.")
        .problems(&[&refusals::UNKNOWN_AUCTION])
        .reads_read_model()
        .paginated()
}

async fn list_bids(
    State(portal): State<SharedState>,
    Principal { user: caller, .. }: Principal,
    consistency: Consistency,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = auction_in(&auction)?;
    let page = Page::read(query.as_deref(), portal.partitions)?;
    let consistency = consistency.with_positions(&page.as_of);
    let (partition, auction) = (portal.partitions.of(id), AuctionId(id));
    let bidder = match (page.by_me, caller) {
        (true, None) => return Err(Caller::unknown()),
        (true, Some(user)) => Some(user),
        (false, _) => None,
    };
    let (views, before, limit) = (&*portal.views, page.before, page.limit);
    let bids = |_| bids::page(views, partition, auction, bidder, caller, before, limit);
    let ConsistentRead { value, freshness, positions } =
        consistency.read(&portal, PartitionScope::One(partition), bids).await?;
    let none = || unknown_auction().with_header(CONSISTENCY_TOKEN, freshness.token.clone());
    let page_of_bids = value.ok_or_else(none)?;
    let prefix = format!("{{\"auction\":\"{id}\",\"count\":{},\"bids\":[", page_of_bids.count);
    let next = page_of_bids.next.map(|before| page.next(auction, before, positions));
    let representation = super::paging::page(&prefix, page_of_bids.entries.iter(), next);
    Ok(ReadModel { representation, freshness, scope: CacheScope::Private }.into_response())
}

impl Page {
    fn read(query: Option<&str>, partitions: PartitionCount) -> Result<Page, Problem> {
        let mut page = Page { by_me: false, limit: DEFAULT_LIMIT, before: None, as_of: Positions::default() };
        for (name, value) in parameters(query) {
            match (name, value) {
                ("limit", value) => page.limit = read_limit(value)?,
                ("by", "me") => page.by_me = true,
                ("by", _) => return Err(invalid("by", "must be `me`, or absent for all bids")),
                ("cursor", value) => {
                    let Cursor { key, as_of } = Cursor::read(value, LIST, partitions)?;
                    (page.before, page.as_of) = (Some(u64::from_be_bytes(key)), as_of);
                }
                (other, _) => return Err(unknown(other, "`by`, `limit`, `cursor` and `consistency`")),
            }
        }
        Ok(page)
    }

    fn next(&self, auction: AuctionId, before: u64, as_of: Positions) -> String {
        let cursor = Cursor { key: before.to_be_bytes(), as_of }.write(LIST);
        let by = if self.by_me { "by=me&" } else { "" };
        format!("/auction/{auction}/bids?{by}limit={}&cursor={cursor}", self.limit)
    }
}
