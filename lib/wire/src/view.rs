//! The read models: JSON that the projector writes and `GET` serves byte for byte.

use crate::api::Money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// `GET /auction/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuctionStatus {
    /// Not final.
    Open,
    /// Final, with a winner or without.
    Closed,
    /// Called off.
    Cancelled,
}

impl AuctionStatus {
    /// All of them.
    pub const ALL: [AuctionStatus; 3] =
        [AuctionStatus::Open, AuctionStatus::Closed, AuctionStatus::Cancelled];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            AuctionStatus::Open => "open",
            AuctionStatus::Closed => "closed",
            AuctionStatus::Cancelled => "cancelled",
        }
    }
}

/// One of the best bids, as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// The data of an `events` of `GET /auction/{id}/live`: what happened, and how the auction stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveEvents {
    /// The auction's version behind it; also the `id`.
    pub version: u64,
    /// What happened, in order and without a hole.
    pub events: Vec<LiveEvent>,
    /// How the auction stands.
    pub auction: AuctionItem,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveEvent {
    /// The auction's version behind it.
    pub version: u64,
    /// What happened, such as `bid_placed`.
    pub kind: String,
    /// When.
    pub at: JsonTime,
    /// The bids that were placed or look different behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bids: Vec<BidItem>,
    /// Who won, when that is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerView>,
}

/// One line of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionItem {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub title: String,
    /// Where it is in its life.
    pub status: AuctionStatus,
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

/// `GET /auctions`: auctions whose result is not declared yet, those that end first, first; with
/// `?status=closed` or `cancelled` those, the newest end first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionList {
    /// One page of them.
    pub auctions: Vec<AuctionItem>,
    /// Where the next page is; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /auction/{id}/bids`: all bids in it, the newest first; with `?by=me` the caller's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidList {
    /// The auction.
    pub auction: Uuid,
    /// How many there are in all, those that do not count any more included.
    pub count: u64,
    /// One page of them.
    pub bids: Vec<BidItem>,
    /// Where the next page is; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One bid, as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidItem {
    /// Whether it is the caller's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yours: bool,
    /// Its id.
    pub id: Uuid,
    /// The bidder's alias in this auction.
    pub bidder: String,
    /// What was bid.
    pub amount: Money,
    /// Whether it counts twice.
    pub doubled: bool,
    /// Whether it counts.
    pub state: BidItemState,
    /// When it was placed.
    pub placed_at: JsonTime,
}

/// Whether a bid counts, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BidItemState {
    /// It counts.
    Live,
    /// Its bidder took it back.
    Deleted,
    /// The house struck it out.
    Voided,
    /// Its bidder's account was deleted.
    Retracted,
}

/// `GET /user/{id}/bids`: every auction in which that user has bid, the newest auction first. Only for that
/// user himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserBids {
    /// One page of them.
    pub auctions: Vec<UserBid>,
    /// Where the next page is; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a user stands in one auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserBid {
    /// In one word.
    pub standing: UserStanding,
    /// What he has bid.
    #[serde(flatten)]
    pub bidder: BidderItem,
    /// The auction.
    pub auction: AuctionItem,
}

/// What a user has bid in one auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidderItem {
    /// How many bids he placed, those that do not count any more included.
    pub your_bids: u64,
    /// His newest bid that counts, which is also his highest; absent if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub your_bid: Option<Money>,
}

/// How a user stands in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStanding {
    /// The auction is open and a bid of his leads.
    Winning,
    /// The auction is open and another's bid leads, or nobody's.
    Outbid,
    /// The auction is closed and it is his.
    Won,
    /// The auction is closed and it is not his.
    Lost,
    /// The auction was called off.
    Cancelled,
}

impl UserStanding {
    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            UserStanding::Winning => "winning",
            UserStanding::Outbid => "outbid",
            UserStanding::Won => "won",
            UserStanding::Lost => "lost",
            UserStanding::Cancelled => "cancelled",
        }
    }
}

/// `GET /user/{id}`: only for that user himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// Its id.
    pub id: Uuid,
    /// When the account was opened.
    pub created_at: JsonTime,
    /// Whether it was deleted.
    pub deleted: bool,
}
