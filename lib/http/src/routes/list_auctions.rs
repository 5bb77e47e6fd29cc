//! `GET /auctions`: auctions whose result is not declared yet, those that end first, first; or closed or
//! cancelled ones, the newest end first.

use super::cursor::Cursor;
use super::paging::{DEFAULT_LIMIT, cursor, invalid, limit, members, page, read_limit, unknown};
use crate::consistency::{Consistency, ConsistentRead, PartitionScope};
use crate::openapi::schemas::{in_query, one_of};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::read_model::{CacheScope, ReadModel, Representation};
use crate::state::{IngressState, Ports, SharedState, StateExtractor};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, ReadModelReader};
use auction_domain::{AuctionId, Timestamp};
use auction_wire::view::{AuctionList, AuctionStatus};
use auction_wire::{PartitionCount, Positions};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// One page.
struct Page {
    status: AuctionStatus,
    limit: usize,
    after: Option<(Timestamp, AuctionId)>,
    /// How fresh the page before was.
    as_of: Positions,
}

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("list_auctions", "/auctions", list_auctions::<P>)
        .by_everybody()
        .summary(tag::AUCTIONS, "List auctions")
        .about(
            "Those whose result is not declared, those that end first, first; others the newest end first.",
        )
        .takes(in_query("status", one_of(&["open", "closed", "cancelled"]), "Which; `open` if not said."))
        .takes(limit())
        .takes(cursor())
        .answers::<AuctionList>(200, "One page.")
        .reads_a_view()
        .reads_pages()
}

async fn list_auctions<P: Ports>(
    State(portal): StateExtractor<P>,
    consistency: Consistency,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let page = Page::read(query.as_deref(), portal.partitions)?;
    let consistency = consistency.with_positions(&page.as_of);
    let (portal, page) = (&*portal, &page);
    let read = |wanted: Positions| {
        let fresh = move |kept: &AsOf<Representation>| kept.positions.cover(&wanted);
        portal.lists.get(page.name(), fresh, || page.show(portal))
    };
    let ConsistentRead { shown, fresh, .. } = consistency.read(portal, PartitionScope::All, read).await?;
    Ok(ReadModel { shown, fresh, whose: CacheScope::Public }.into_response())
}

impl Page {
    fn read(query: Option<&str>, partitions: PartitionCount) -> Result<Page, Problem> {
        let (mut status, mut limit, mut cursor) = (AuctionStatus::Open, DEFAULT_LIMIT, None);
        for (name, value) in members(query) {
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
            let cursor: Cursor<24> = Cursor::read(cursor, list(status), partitions)?;
            (page.after, page.as_of) = (Some(read_place(&cursor.place)), cursor.as_of);
        }
        Ok(page)
    }

    /// What it is kept by.
    fn name(&self) -> String {
        format!("{} {} {:?}", self.status.name(), self.limit, self.after)
    }

    async fn show<P: Ports>(&self, portal: &IngressState<P>) -> Result<AsOf<Representation>, Unavailable> {
        let AsOf { positions, shown } = portal.views.listed(self.status, self.after, self.limit).await?;
        let next = shown.next.map(|last| {
            let cursor = Cursor { place: write_place(last), as_of: positions.clone() };
            let (status, limit, cursor) = (self.status.name(), self.limit, cursor.write(list(self.status)));
            format!("/auctions?status={status}&limit={limit}&cursor={cursor}")
        });
        let lines = shown.lines.into_iter().map(|line| line.json);
        Ok(AsOf { positions, shown: page("{\"auctions\":[", lines, next) })
    }
}

/// What the cursors of a list begin with.
fn list(status: AuctionStatus) -> u8 {
    match status {
        AuctionStatus::Open => b'o',
        AuctionStatus::Closed => b'c',
        AuctionStatus::Cancelled => b'x',
    }
}

fn write_place((ends_at, auction): (Timestamp, AuctionId)) -> [u8; 24] {
    let mut place = [0; 24];
    place[..8].copy_from_slice(&ends_at.0.to_be_bytes());
    place[8..].copy_from_slice(auction.0.as_bytes());
    place
}

fn read_place(place: &[u8; 24]) -> (Timestamp, AuctionId) {
    let (mut ends_at, mut auction) = ([0; 8], [0; 16]);
    ends_at.copy_from_slice(&place[..8]);
    auction.copy_from_slice(&place[8..]);
    (Timestamp(i64::from_be_bytes(ends_at)), AuctionId(Uuid::from_bytes(auction)))
}
