//! `bids_retracted`: the bids of a deleted user on an auction were retracted.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::auction::AuctionEvent;
use auction_domain::{BidId, UserId};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the deleted user.
    bidder: TextId,
    /// Ids of the user's bids that were active until now.
    bids: Vec<TextId>,
}

pub(super) fn encode(bidder: UserId, bids: &[BidId]) -> Vec<u8> {
    let bids = bids.iter().map(|bid| TextId(bid.0)).collect();
    body::encode(&Body { bidder: TextId(bidder.0), bids })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let bids = body.bids.into_iter().map(|bid| BidId(bid.0)).collect();
    Ok(AuctionEvent::BidsRetracted { bidder: UserId(body.bidder.0), bids })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::BidsRetracted {
        bidder: golden::USER,
        bids: vec![golden::BID, auction_domain::BidId(golden::id(5))],
    })]
}
