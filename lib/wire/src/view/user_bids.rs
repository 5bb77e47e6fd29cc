//! Auctions in which a user has bid, in `GET /user/{id}/bids`.

use super::AuctionItem;
use crate::api::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
