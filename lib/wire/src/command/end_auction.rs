//! `end_auction`: the seller ends an auction now.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::auction::EndAuction;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(_: &EndAuction) -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<EndAuction, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(EndAuction)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    vec![Sample::of_auction(Actor::User(golden::USER), AuctionCommand::EndAuction(EndAuction))]
}
