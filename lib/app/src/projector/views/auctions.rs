//! Entries of `GET /auctions`, in a list for each status. Open auctions are sorted by ascending end time, others
//! by descending end time.

use super::auction::status;
use super::{ChangedAuction, ViewPage, entries, entry, money};
use crate::consume::auction_projection::AuctionProjection;
use crate::ports::Unavailable;
use crate::ports::views::read_models::{
    AsOf, ListRange, Order, PageQuery, ReadModelReader, ReadModelWrite, ViewName,
};
use auction_domain::auction::Status;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::{AuctionItem, AuctionStatus};
use serde::Serialize;
use uuid::Uuid;

/// Entries of all auctions of a partition, by id.
pub const ENTRIES: ViewName = entries("auction-entries", None);

/// Place of an auction in the lists: the list of its status, sorted by end time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPlace {
    /// Status, which selects the list.
    pub status: AuctionStatus,
    pub ends_at: Timestamp,
}

impl ListPlace {
    pub fn of(projection: &AuctionProjection) -> ListPlace {
        let auction = &projection.auction;
        ListPlace { status: status(auction).0, ends_at: auction.ends_at() }
    }

    pub fn insert(self, auction: AuctionId) -> ReadModelWrite {
        ReadModelWrite::add(list(self.status), member(self.ends_at, auction))
    }

    pub fn remove(self, auction: AuctionId) -> ReadModelWrite {
        ReadModelWrite::Remove { name: list(self.status), field: member(self.ends_at, auction) }
    }
}

/// Returns the name of the list of a status.
pub fn list(status: AuctionStatus) -> ViewName {
    let kind = match status {
        AuctionStatus::Open => "auctions-by-status:open",
        AuctionStatus::Closed => "auctions-by-status:closed",
        AuctionStatus::Cancelled => "auctions-by-status:cancelled",
    };
    super::list(kind, None)
}

/// Returns the letter of a status, in entries and in cursors.
pub fn letter(status: AuctionStatus) -> u8 {
    match status {
        AuctionStatus::Open => b'o',
        AuctionStatus::Closed => b'c',
        AuctionStatus::Cancelled => b'x',
    }
}

/// Returns a member of a list. Members sort by end time, then by id.
fn member(ends_at: Timestamp, auction: AuctionId) -> String {
    // Auctions end after 1970, so the time is never negative.
    format!("{:016x}:{auction}", ends_at.0.max(0))
}

fn read_member(member: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = member.split_once(':')?;
    let ends_at = i64::from_str_radix(ends_at, 16).ok()?;
    Some((Timestamp(ends_at), AuctionId(Uuid::try_parse(auction).ok()?)))
}

pub(super) fn render(
    id: AuctionId,
    projection: &AuctionProjection,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    let place = ListPlace::of(projection);
    writes.push(set(id, place.status, leader(projection), &item(id, projection)));
    if changed.old_place != Some(place) {
        writes.extend(changed.old_place.map(|old| old.remove(id)));
        writes.push(place.insert(id));
    }
}

/// Returns the write of an entry: status, leader, JSON.
pub fn set(
    auction: AuctionId,
    status: AuctionStatus,
    leader: Option<UserId>,
    view: &impl Serialize,
) -> ReadModelWrite {
    let value = entry::encode(&[letter(status)], leader, view);
    ReadModelWrite::Set { name: ENTRIES, field: auction.to_string(), value }
}

/// Decodes status, leader and JSON of an entry.
pub(super) fn decode(entry: &[u8]) -> Option<(AuctionStatus, Option<UserId>, &[u8])> {
    let (first, rest) = entry.split_first()?;
    let status = AuctionStatus::ALL.into_iter().find(|status| letter(*status) == *first)?;
    let (leader, json) = entry::decode(rest)?;
    Some((status, leader, json))
}

/// Renders the entry of an auction in `GET /auctions`.
pub fn item(id: AuctionId, projection: &AuctionProjection) -> AuctionItem {
    let auction = &projection.auction;
    AuctionItem {
        id: id.0,
        title: projection.title.as_str().to_owned(),
        status: status(auction).0,
        starts_at: auction.terms().starts_at.into(),
        ends_at: auction.ends_at().into(),
        opening_bid: money(auction, auction.terms().opening_bid),
        highest: auction.leader().map(|bid| money(auction, bid.effective())),
        bids: auction.active_bid_count() as u64,
        version: auction.version(),
    }
}

/// Returns the leader of an open auction or the winner of a closed one; none of a cancelled one.
fn leader(projection: &AuctionProjection) -> Option<UserId> {
    match projection.auction.status() {
        Status::Open => projection.auction.leader().map(|bid| bid.bidder),
        Status::Closed(winner) => winner.map(|winner| winner.bidder),
        Status::Cancelled => None,
    }
}

/// Returns at most `limit` (at least one) entries after a place, of all partitions.
pub async fn page(
    views: &dyn ReadModelReader,
    status: AuctionStatus,
    after: Option<(Timestamp, AuctionId)>,
    limit: usize,
) -> Result<AsOf<ViewPage<(Timestamp, AuctionId)>>, Unavailable> {
    let query = PageQuery {
        partition: None,
        owner: None,
        list: ListRange::Members {
            list: list(status),
            prefix: String::new(),
            order: if status == AuctionStatus::Open { Order::Ascending } else { Order::Descending },
            after: after.map(|(ends_at, auction)| member(ends_at, auction)),
        },
        limit,
        parts: vec![ENTRIES],
        field: |member| member.split_once(':').unwrap_or_default().1.to_owned(),
    };
    let AsOf { positions, value } = views.page(&query).await?;
    let page = value.unwrap_or_default();
    let entry = |parts: &[Vec<u8>]| {
        let (found, _, json) = decode(parts.first()?)?;
        // An auction whose status changed during the read is in another list by now.
        (found == status).then(|| json.to_vec())
    };
    let entries = page.members.iter().filter_map(|member| entry(&member.parts)).collect();
    let next = page.next.as_deref().and_then(read_member);
    Ok(AsOf { positions, value: ViewPage { count: page.count, entries, next } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        for status in AuctionStatus::ALL {
            let write = set(AuctionId(Uuid::from_u128(9)), status, None, &17);
            let ReadModelWrite::Set { value, .. } = write else { panic!("{write:?}") };
            assert_eq!(decode(&value), Some((status, None, &b"17"[..])));
            assert!(list(status).kind.ends_with(status.name()));
        }
    }

    #[test]
    fn members_round_trip_and_sort_by_end() {
        let auction = AuctionId(Uuid::from_u128(9));
        let (soon, late) = (member(Timestamp(255), auction), member(Timestamp(4096), auction));
        assert!(soon < late);
        assert_eq!(read_member(&late), Some((Timestamp(4096), auction)));
        assert_eq!(read_member("x"), None);
    }
}
