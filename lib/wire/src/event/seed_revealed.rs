//! `seed_revealed`: the seed of the draws of a closed auction was revealed.

use super::EncodedEvent;
use crate::DecodeError;
use crate::draw::SeedBody;
use auction_domain::auction::{AuctionEvent, Seed};

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(seed: Seed) -> Vec<u8> {
    SeedBody::encode(seed)
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    Ok(AuctionEvent::SeedRevealed { seed: encoded.body::<SeedBody>()?.read(encoded.kind)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::SeedRevealed { seed: golden::SEED })]
}
