//! `delete_bid`: a bidder deletes a bid.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::BidBody;
use auction_domain::auction::DeleteBid;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(command: &DeleteBid) -> Vec<u8> {
    BidBody::encode(command.bid)
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<DeleteBid, DecodeError> {
    Ok(DeleteBid { bid: encoded.body::<BidBody>()?.bid() })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    vec![Sample::of_auction(
        Actor::User(golden::USER),
        AuctionCommand::DeleteBid(DeleteBid { bid: golden::BID }),
    )]
}
