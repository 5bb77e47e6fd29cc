//! Bids of an auction in `GET /auction/{id}/bids`.

use crate::api::Money;
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
