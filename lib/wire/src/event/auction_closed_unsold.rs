//! `auction_closed_unsold`: an auction was closed without a winner.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body::{self, bad};
use auction_domain::auction::{AuctionEvent, UnsoldReason};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// `no_bids`, or `reserve_not_met` if all bids are below the reserve.
    because: String,
}

pub(super) fn encode(reason: UnsoldReason) -> Vec<u8> {
    let because = match reason {
        UnsoldReason::NoBids => "no_bids",
        UnsoldReason::ReserveNotMet => "reserve_not_met",
    };
    body::encode(&Body { because: because.to_owned() })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let reason = match encoded.body::<Body>()?.because.as_str() {
        "no_bids" => UnsoldReason::NoBids,
        "reserve_not_met" => UnsoldReason::ReserveNotMet,
        other => return Err(bad(encoded.kind, format!("unknown reason {other:?}"))),
    };
    Ok(AuctionEvent::AuctionClosedUnsold { reason })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::EventSample;

    vec![EventSample::auction(AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet })]
}
