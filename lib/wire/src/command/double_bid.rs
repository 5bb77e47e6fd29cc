//! `double_bid`: a bid is doubled.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::BidBody;
use auction_domain::auction::DoubleBid;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(command: &DoubleBid) -> Vec<u8> {
    BidBody::encode(command.bid)
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<DoubleBid, DecodeError> {
    Ok(DoubleBid { bid: encoded.body::<BidBody>()?.bid() })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    vec![Sample::of_auction(Actor::Portal, AuctionCommand::DoubleBid(DoubleBid { bid: golden::BID }))]
}
