//! `reveal_seed`: the seed of the draws of a closed auction is revealed.

use super::EncodedCommand;
use crate::DecodeError;
use crate::draw::SeedBody;
use auction_domain::auction::RevealSeed;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(reveal: &RevealSeed) -> Vec<u8> {
    SeedBody::encode(reveal.seed)
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<RevealSeed, DecodeError> {
    Ok(RevealSeed { seed: encoded.body::<SeedBody>()?.read(encoded.kind)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    let reveal = RevealSeed { seed: golden::SEED };
    vec![Sample::of_auction(Actor::Portal, AuctionCommand::RevealSeed(reveal))]
}
