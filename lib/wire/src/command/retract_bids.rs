//! `retract_bids`: the bids of a deleted user on an auction are retracted.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::UserId;
use auction_domain::auction::RetractBids;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the deleted user whose active bids are retracted.
    bidder: TextId,
}

pub(super) fn encode(retract: &RetractBids) -> Vec<u8> {
    body::encode(&Body { bidder: TextId(retract.bidder.0) })
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<RetractBids, DecodeError> {
    Ok(RetractBids { bidder: UserId(encoded.body::<Body>()?.bidder.0) })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    let retract = RetractBids { bidder: golden::USER };
    vec![Sample::of_auction(Actor::Portal, AuctionCommand::RetractBids(retract))]
}
