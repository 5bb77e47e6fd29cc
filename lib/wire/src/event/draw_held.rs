//! `draw_held`: a draw was held.

use super::EncodedEvent;
use crate::DecodeError;
use crate::draw::DrawBody;
use auction_domain::auction::{AuctionEvent, Draw};

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(draw: &Draw) -> Vec<u8> {
    DrawBody::encode(draw)
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    Ok(AuctionEvent::DrawHeld(encoded.body::<DrawBody>()?.read(encoded.kind)?))
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::DrawHeld(Box::new(golden::draw())))]
}
