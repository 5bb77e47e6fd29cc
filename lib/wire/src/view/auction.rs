//! Auction in `GET /auction/{id}`.

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
