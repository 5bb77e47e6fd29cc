//! `cancel_auction`: an auction is cancelled.

use auction_domain::auction::CancelAuction;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use super::EncodedCommand;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(_: &CancelAuction) -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<CancelAuction, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(CancelAuction)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use auction_domain::{Actor, OperatorId};
    use auction_domain::auction::AuctionCommand;
    use crate::golden::Sample;

    vec![Sample::of_auction(Actor::Operator(OperatorId::Unidentified), AuctionCommand::CancelAuction(CancelAuction))]
}
