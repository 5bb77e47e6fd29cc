//! Messages of `GET /auction/{id}/live`.

use super::{AuctionItem, BidItem, WinnerView};
use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
