//! `bid_deleted`: a bid was deleted by its bidder.

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
    /// Id of the deleted bid.
    bid: TextId,
    /// Id of the user who placed and deleted the bid.
    bidder: TextId,
}

pub(super) fn encode(bid: BidId, bidder: UserId) -> Vec<u8> {
    body::encode(&Body { bid: TextId(bid.0), bidder: TextId(bidder.0) })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    Ok(AuctionEvent::BidDeleted { bid: BidId(body.bid.0), bidder: UserId(body.bidder.0) })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::BidDeleted { bid: golden::BID, bidder: golden::USER })]
}
