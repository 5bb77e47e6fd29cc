//! The read models: JSON that the projector writes and the ingress serves byte for byte.

use crate::api::Money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Answer to `GET /auction/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionView {
    pub id: Uuid,
    pub title: String,
    pub description: String,
    /// Status of the auction. It stays `open` until the result is announced: compare `starts_at` and
    /// `ends_at` with your clock to see whether bids are accepted.
    pub status: AuctionStatus,
    /// Currency of all amounts.
    pub currency: String,
    /// Minimum amount of the first bid.
    pub opening_bid: Money,
    /// Whether the leading bid reaches the reserve price; absent if there is no reserve price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_met: Option<bool>,
    /// Bids are accepted from this time on.
    pub starts_at: JsonTime,
    /// Bids are accepted before this time. Includes extensions.
    pub ends_at: JsonTime,
    /// Alias of the seller; absent if the operator of the portal sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// Number of active bids.
    pub bids: u64,
    /// Number of bidders with an active bid.
    pub bidders: u64,
    /// The highest active bids, at most ten.
    pub top_bids: Vec<TopBid>,
    /// Winner; present if the auction is closed and sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerView>,
    /// Reason why the auction was not sold: `no_bids` or `reserve_not_met`. Present if it is closed and not
    /// sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsold_reason: Option<String>,
    /// Draws of the auction; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionView>,
    pub created_at: JsonTime,
    /// Number of events of the auction that this view includes.
    pub version: u64,
}

/// Status of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuctionStatus {
    /// The result is not announced yet.
    Open,
    /// The result is final: sold, or not sold.
    Closed,
    /// The auction was cancelled, which is final.
    Cancelled,
}

impl AuctionStatus {
    pub const ALL: [AuctionStatus; 3] =
        [AuctionStatus::Open, AuctionStatus::Closed, AuctionStatus::Cancelled];

    /// Returns the name as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            AuctionStatus::Open => "open",
            AuctionStatus::Closed => "closed",
            AuctionStatus::Cancelled => "cancelled",
        }
    }
}

/// One of the highest bids, in the form that every user sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopBid {
    /// The bidder's alias in this auction.
    pub bidder: String,
    /// Amount the bid counts for.
    pub amount: Money,
    /// Whether the bid was drawn and counts twice.
    pub doubled: bool,
    pub placed_at: JsonTime,
}

/// Winner of an auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WinnerView {
    /// The winner's alias in this auction.
    pub bidder: String,
    /// Id of the winning bid.
    pub bid: Uuid,
    /// Amount the winning bid counted for.
    pub amount: Money,
    /// Amount the winner owes: the amount they bid, not the doubled amount.
    pub price: Money,
}

/// Draws of an auction: bids are drawn by lot and doubled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionView {
    /// Interval of the draws in milliseconds, counted from the start of the auction.
    pub every_ms: u32,
    /// SHA-256 of the seed of all draws, 64 hexadecimal digits.
    pub commitment: String,
    /// Number of draws so far, held or missed.
    pub draws: u64,
    /// The seed; present after the auction has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
}

/// Data of an `events` message of `GET /auction/{id}/live`: new events and the state after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveEvents {
    /// Version of the auction after these events; also the `id` of the message.
    pub version: u64,
    /// Events in order, without a gap.
    pub events: Vec<LiveEvent>,
    /// State of the auction after these events.
    pub auction: AuctionItem,
}

/// Event of an auction in the live updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveEvent {
    /// Version of the auction after the event.
    pub version: u64,
    /// Kind of the event, such as `bid_placed`.
    pub kind: String,
    pub at: JsonTime,
    /// Bids that the event placed or changed, in their state after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bids: Vec<BidItem>,
    /// Winner; present if the event announces one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<WinnerView>,
}

/// Entry of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionItem {
    pub id: Uuid,
    pub title: String,
    pub status: AuctionStatus,
    /// Bids are accepted from this time on.
    pub starts_at: JsonTime,
    /// Bids are accepted before this time. Includes extensions.
    pub ends_at: JsonTime,
    /// Minimum amount of the first bid.
    pub opening_bid: Money,
    /// Amount the leading bid counts for; null without bids.
    pub highest: Option<Money>,
    /// Number of active bids.
    pub bids: u64,
    /// Number of events of the auction that this entry includes.
    pub version: u64,
}

/// Answer to `GET /auctions`: open auctions, the earliest end first. With `?status=closed` or `cancelled`,
/// auctions of that status, the latest end first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuctionList {
    /// Auctions of this page.
    pub auctions: Vec<AuctionItem>,
    /// Path of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Answer to `GET /auction/{id}/bids`: all bids of the auction, the newest first. With `?by=me`, only the
/// caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidList {
    /// Id of the auction.
    pub auction: Uuid,
    /// Number of bids on all pages, including those that are no longer active.
    pub count: u64,
    /// Bids of this page.
    pub bids: Vec<BidItem>,
    /// Path of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Bid in the form that every user sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidItem {
    /// Whether the caller placed the bid; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yours: bool,
    pub id: Uuid,
    /// The bidder's alias in this auction.
    pub bidder: String,
    /// Amount of the bid, before doubling.
    pub amount: Money,
    /// Whether the bid was drawn and counts twice.
    pub doubled: bool,
    pub state: BidItemState,
    pub placed_at: JsonTime,
}

/// State of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BidItemState {
    /// The bid is active: it counts.
    Live,
    /// Its bidder deleted the bid.
    Deleted,
    /// An operator voided the bid.
    Voided,
    /// Its bidder's account was deleted.
    Retracted,
}

/// Answer to `GET /user/{id}/bids`: every auction in which the user has bid, the newest auction first. Only
/// that user can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserBids {
    /// Auctions of this page.
    pub auctions: Vec<UserBid>,
    /// Path of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Auction in which a user has bid, with their status in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserBid {
    pub standing: UserStanding,
    #[serde(flatten)]
    pub bidder: BidderItem,
    pub auction: AuctionItem,
}

/// Bids of a user in one auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BidderItem {
    /// Number of bids the user placed, including those that are no longer active.
    pub your_bids: u64,
    /// Amount of the user's newest active bid, which is also their highest; absent if none is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub your_bid: Option<Money>,
}

/// Status of a user in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStanding {
    /// The auction is open and a bid of the user leads.
    Winning,
    /// The auction is open and no bid of the user leads.
    Outbid,
    /// The auction is closed and the user won it.
    Won,
    /// The auction is closed and the user did not win it.
    Lost,
    /// The auction was cancelled.
    Cancelled,
}

impl UserStanding {
    /// Returns the name as in JSON.
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

/// Answer to `GET /user/{id}`. Only that user can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    pub id: Uuid,
    pub created_at: JsonTime,
    /// Whether the user was deleted.
    pub deleted: bool,
}
