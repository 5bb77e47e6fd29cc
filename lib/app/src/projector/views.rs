//! The views, one file each: under which names a view is stored, how it is rendered from the state of an
//! auction or a user, and how it is read. A new view is a line in `OF_AUCTION` or in `render_user`.
//!
//! | name | form | content |
//! |---|---|---|
//! | `auction:<id>` | document | body of `GET /auction/{id}` |
//! | `auction-entries` | entries | auction → status, leader, and entry in `GET /auctions` |
//! | `auctions-by-status:<status>` | list | `<end, 16 hex digits>:<id>` of each auction |
//! | `bids:<id>` | entries | number of a bid → bidder, and entry in `GET /auction/{id}/bids` |
//! | `bids-by-user:<id>` | list | `<user>:<number, 16 hex digits>` of each bid in an auction |
//! | `bidder:<id>` | entries | auction → what the user has bid in it |
//! | `bidder-auctions:<id>` | list | auctions in which the user has bid |
//! | `user:<id>` | document | body of `GET /user/{id}` |

pub mod auction;
pub mod auctions;
pub mod bids;
mod entry;
pub mod user;
pub mod user_bids;

use super::view_set::ViewSet;
use crate::consume::auction_projection::AuctionProjection;
use crate::ports::views::read_models::{ReadModelWrite, ViewForm, ViewName};
use auction_domain::auction::Auction;
use auction_domain::{Amount, AuctionId, BidId, Timestamp, UserId};
use auction_wire::api::Money;
use auction_wire::view::AuctionStatus;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Adds what changed of one view of an auction to the writes.
type RenderAuction = fn(AuctionId, &AuctionProjection, &ChangedAuction, &mut Vec<ReadModelWrite>);

/// The views of an auction.
const OF_AUCTION: [RenderAuction; 4] = [auction::render, auctions::render, bids::render, user_bids::render];

/// Changes of an auction since its views were written.
#[derive(Default)]
pub struct ChangedAuction {
    /// Previous place in the auction lists.
    pub old_place: Option<auctions::ListPlace>,
    pub bids: BTreeSet<BidId>,
    /// Users whose first bid in this auction is new.
    pub new_bidders: BTreeSet<UserId>,
}

/// Adds the views of an auction that changed to the writes.
pub fn render_auction(
    id: AuctionId,
    projection: &AuctionProjection,
    changed: &ChangedAuction,
    writes: &mut Vec<ReadModelWrite>,
) {
    OF_AUCTION.iter().for_each(|render| render(id, projection, changed, writes));
}

/// Adds the views of a user to the writes.
pub fn render_user(id: UserId, created_at: Timestamp, deleted: bool, writes: &mut Vec<ReadModelWrite>) {
    user::render(id, created_at, deleted, writes);
}

/// Renders all views of an auction.
pub fn render_new_auction(id: AuctionId, projection: &AuctionProjection, writes: &mut Vec<ReadModelWrite>) {
    let bids = projection.auction.bids().iter();
    let (bids, new_bidders) = bids.map(|bid| (bid.id, bid.bidder)).unzip();
    render_auction(id, projection, &ChangedAuction { old_place: None, bids, new_bidders }, writes);
}

/// Returns the views of a partition without events: lists and entries that belong to no auction or user.
pub fn empty() -> ViewSet {
    let lists = AuctionStatus::ALL.map(auctions::list);
    ViewSet(lists.into_iter().chain([auctions::ENTRIES]).map(|name| (name, BTreeMap::new())).collect())
}

/// Page of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewPage<K> {
    /// Number of entries on all pages.
    pub count: u64,
    /// Entries of the page, as JSON.
    pub entries: Vec<Vec<u8>>,
    /// Place after which the next page begins; `None` on the last page.
    pub next: Option<K>,
}

/// Serializes a view as it is stored and sent. Cannot fail: views are plain structs with text keys.
pub fn json(view: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}

fn money(auction: &Auction, amount: Amount) -> Money {
    Money { amount: amount.minor_units(), currency: auction.terms().currency.code().to_owned() }
}

const fn document(kind: &'static str, id: Uuid) -> ViewName {
    ViewName { form: ViewForm::Document, kind, id: Some(id) }
}

const fn entries(kind: &'static str, id: Option<Uuid>) -> ViewName {
    ViewName { form: ViewForm::Entries, kind, id }
}

const fn list(kind: &'static str, id: Option<Uuid>) -> ViewName {
    ViewName { form: ViewForm::List, kind, id }
}
