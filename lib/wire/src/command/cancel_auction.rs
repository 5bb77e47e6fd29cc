//! `cancel_auction`: an auction is cancelled.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::auction::CancelAuction;

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
    use crate::golden::Sample;
    use auction_domain::auction::AuctionCommand;
    use auction_domain::{Actor, OperatorId};

    vec![Sample::of_auction(
        Actor::Operator(OperatorId::Unidentified),
        AuctionCommand::CancelAuction(CancelAuction),
    )]
}
