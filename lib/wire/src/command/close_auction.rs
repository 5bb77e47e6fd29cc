//! `close_auction`: an auction whose end time has come is closed.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::auction::CloseAuction;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(_: &CloseAuction) -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<CloseAuction, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(CloseAuction)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::Sample;
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    vec![Sample::of_auction(Actor::Portal, AuctionCommand::CloseAuction(CloseAuction))]
}
