//! The read models: JSON that the projector writes and `GET` serves byte for byte.

use crate::api::Money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `GET /auction/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionView {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Where it is in its life. `open` until its result is declared: compare `starts_at` and `ends_at`
    /// with your clock to see whether bids are taken.
    pub status: AuctionStatus,
    /// What all its amounts are in.
    pub currency: String,
    /// The least a first bid must be.
    pub opening_bid: Money,
    /// Whether the best bid reaches the reserve; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_met: Option<bool>,
    /// From then on bids are taken.
    pub starts_at: JsonTime,
    /// From then on no more, extensions included.
    pub ends_at: JsonTime,
    /// The seller's alias; absent if the house sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// How many bids count.
    pub bids: u64,
    /// How many bidders have a bid that counts.
    pub bidders: u64,
    /// The best bids, at most ten.
    pub top_bids: Vec<TopBid>,
    /// Who won; only when closed and sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerView>,
    /// Why nobody won, `no_bids` or `reserve_not_met`; only when closed and not sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsold_because: Option<String>,
    /// Its draws, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionView>,
    /// When it was created.
    pub created_at: JsonTime,
    /// How many events it had when this was written.
    pub version: u64,
}

/// Where an auction is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionStatus {
    /// Not final.
    Open,
    /// Final, with a winner or without.
    Closed,
    /// Called off.
    Cancelled,
}

/// One of the best bids, as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopBid {
    /// The bidder's alias in this auction.
    pub bidder: String,
    /// What it counts for.
    pub amount: Money,
    /// Whether it counts twice.
    pub doubled: bool,
    /// When it was placed.
    pub placed_at: JsonTime,
}

/// Who won.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WinnerView {
    /// The winner's alias in this auction.
    pub bidder: String,
    /// The winning bid.
    pub bid: Uuid,
    /// What it counted for.
    pub amount: Money,
    /// What the winner owes.
    pub pays: Money,
}

/// How bids are drawn by lot and doubled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionView {
    /// There is a draw every so many milliseconds, counted from the start.
    pub every_ms: u32,
    /// SHA-256 of the seed that all draws are held with, 64 hexadecimal digits.
    pub commitment: String,
    /// How many draws are on record, held or missed.
    pub draws: u64,
    /// The seed, once the auction is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// One line of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionItem {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub title: String,
    /// From then on bids are taken.
    pub starts_at: JsonTime,
    /// From then on no more, extensions included.
    pub ends_at: JsonTime,
    /// The least a first bid must be.
    pub opening_bid: Money,
    /// What the best bid counts for, if there is one.
    pub highest: Option<Money>,
    /// How many bids count.
    pub bids: u64,
    /// How many events it had when this was written.
    pub version: u64,
}

/// `GET /auctions`: auctions whose result is not declared yet, those that end first, first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionList {
    /// One page of them.
    pub auctions: Vec<AuctionItem>,
    /// Where the next page is; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /auction/{id}/bids`: the caller's bids in that auction, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBids {
    /// The auction.
    pub auction: Uuid,
    /// How many there are in all; at most 1,000 are shown.
    pub count: u64,
    /// The newest of them.
    pub bids: Vec<OwnBid>,
}

/// One of the caller's bids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBid {
    /// Its id.
    pub id: Uuid,
    /// What was bid.
    pub amount: Money,
    /// Whether it counts twice.
    pub doubled: bool,
    /// Whether it counts.
    pub state: OwnBidState,
    /// When it was placed.
    pub placed_at: JsonTime,
}

/// Whether a bid counts, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnBidState {
    /// It counts.
    Live,
    /// Its bidder took it back.
    Deleted,
    /// The house struck it out.
    Voided,
    /// Its bidder's account was deleted.
    Retracted,
}

/// `GET /user/{id}`: only for that user himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Its id.
    pub id: Uuid,
    /// When the account was opened.
    pub created_at: JsonTime,
    /// Whether it was deleted.
    pub deleted: bool,
}
