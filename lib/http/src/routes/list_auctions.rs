//! `GET /auctions`: open auctions, earliest end first; or closed or cancelled auctions, latest end first.

use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, invalid, page, parameters, read_limit, unknown};
use crate::access::Access;
use crate::consistency::{Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_query, one_of};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::read_model::{CacheScope, ReadModel, Representation};
use crate::state::{IngressState, SharedState};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::AsOf;
use auction_app::projector::views::auctions::{self, letter};
use auction_domain::{AuctionId, Timestamp};
use auction_wire::view::{AuctionList, AuctionStatus};
use auction_wire::{PartitionCount, Positions};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

struct Page {
    status: AuctionStatus,
    limit: usize,
    after: Option<(Timestamp, AuctionId)>,
    /// Positions that the previous page showed.
    as_of: Positions,
}

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("list_auctions", "/auctions", list_auctions)
        .access(Access::Public)
        .summary(tag::AUCTIONS, "List auctions")
        .description(
            "Open auctions are sorted by their end, earliest first. Closed and cancelled auctions are \
             sorted by their end, latest first. An auction is open until its result is declared.",
        )
        .parameter(in_query(
            "status",
            one_of(&["open", "closed", "cancelled"]),
            "Status of the auctions. Default: `open`.",
        ))
        .parameter(cursor())
        .response::<AuctionList>(200, "Page of auctions.")
        .reads_read_model()
        .paginated()
}

async fn list_auctions(
    State(portal): State<SharedState>,
    consistency: Consistency,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let page = Page::read(query.as_deref(), portal.partitions)?;
    let consistency = consistency.with_positions(&page.as_of);
    let (portal, page) = (&*portal, &page);
    let read = |required: Positions| {
        let is_fresh = move |cached: &AsOf<Representation>| cached.positions.cover(&required);
        portal.list_cache.get(page.cache_key(), is_fresh, || page.load(portal))
    };
    let ConsistentRead { value, freshness, .. } = consistency.read(portal, PartitionScope::All, read).await?;
    Ok(ReadModel { representation: value, freshness, scope: CacheScope::Public }.into_response())
}

impl Page {
    fn read(query: Option<&str>, partitions: PartitionCount) -> Result<Page, Problem> {
        let (mut status, mut limit, mut cursor) = (AuctionStatus::Open, DEFAULT_LIMIT, None);
        for (name, value) in parameters(query) {
            match name {
                "limit" => limit = read_limit(value)?,
                "cursor" => cursor = Some(value),
                "status" => match AuctionStatus::ALL.into_iter().find(|status| status.name() == value) {
                    Some(known) => status = known,
                    None => return Err(invalid("status", "must be `open`, `closed` or `cancelled`")),
                },
                other => return Err(unknown(other, "`status`, `limit`, `cursor` and `consistency`")),
            }
        }
        let mut page = Page { status, limit, after: None, as_of: Positions::default() };
        if let Some(cursor) = cursor {
            let cursor: Cursor<24> = Cursor::read(cursor, letter(status), partitions)?;
            (page.after, page.as_of) = (Some(read_key(&cursor.key)), cursor.as_of);
        }
        Ok(page)
    }

    /// Returns the cache key of the page.
    fn cache_key(&self) -> String {
        format!("{} {} {:?}", self.status.name(), self.limit, self.after)
    }

    async fn load(&self, portal: &IngressState) -> Result<AsOf<Representation>, Unavailable> {
        let views = &*portal.views;
        let AsOf { positions, value } = auctions::page(views, self.status, self.after, self.limit).await?;
        let next = value.next.map(|last| {
            let cursor = Cursor { key: write_key(last), as_of: positions.clone() };
            let (status, limit, cursor) = (self.status.name(), self.limit, cursor.write(letter(self.status)));
            format!("/auctions?status={status}&limit={limit}&cursor={cursor}")
        });
        Ok(AsOf { positions, value: page("{\"auctions\":[", value.entries.iter(), next) })
    }
}

fn write_key((ends_at, auction): (Timestamp, AuctionId)) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&ends_at.0.to_be_bytes());
    key[8..].copy_from_slice(auction.0.as_bytes());
    key
}

fn read_key(key: &[u8; 24]) -> (Timestamp, AuctionId) {
    let (mut ends_at, mut auction) = ([0; 8], [0; 16]);
    ends_at.copy_from_slice(&key[..8]);
    auction.copy_from_slice(&key[8..]);
    (Timestamp(i64::from_be_bytes(ends_at)), AuctionId(Uuid::from_bytes(auction)))
}
