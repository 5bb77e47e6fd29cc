//! `draws_missed`: draws were due while no promoter ran, and are not held.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use auction_domain::auction::AuctionEvent;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Number of the first missed draw in its auction.
    first: u64,
    /// Number of the last missed draw in its auction.
    last: u64,
}

pub(super) fn encode(first: u64, last: u64) -> Vec<u8> {
    body::encode(&Body { first, last })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let Body { first, last } = encoded.body()?;
    Ok(AuctionEvent::DrawsMissed { first, last })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::EventSample;

    vec![EventSample::auction(AuctionEvent::DrawsMissed { first: 4, last: 9 })]
}
