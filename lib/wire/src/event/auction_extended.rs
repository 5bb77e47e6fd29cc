//! `auction_extended`: soft close moved the end time of an auction.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use auction_domain::Timestamp;
use auction_domain::auction::AuctionEvent;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// New end of bidding, after the extension.
    ends_at: i64,
}

pub(super) fn encode(ends_at: Timestamp) -> Vec<u8> {
    body::encode(&Body { ends_at: ends_at.0 })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    Ok(AuctionEvent::AuctionExtended { ends_at: Timestamp(encoded.body::<Body>()?.ends_at) })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::AuctionExtended { ends_at: golden::ENDS_AT })]
}
