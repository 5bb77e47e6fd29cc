//! Lists of auctions in `GET /auctions`.

use super::AuctionStatus;
use crate::api::Money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
