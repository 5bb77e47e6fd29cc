//! `bid_placed`: a bid was placed.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::auction::AuctionEvent;
use auction_domain::{Amount, BidId, UserId};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the bid, which is the id of its command.
    bid: TextId,
    /// Id of the user who placed the bid.
    bidder: TextId,
    /// Amount of the bid, in minor units of the auction's currency.
    amount: u64,
}

pub(super) fn encode(bid: BidId, bidder: UserId, amount: Amount) -> Vec<u8> {
    body::encode(&Body { bid: TextId(bid.0), bidder: TextId(bidder.0), amount: amount.minor_units() })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let amount = encoded.amount(body.amount)?;
    Ok(AuctionEvent::BidPlaced { bid: BidId(body.bid.0), bidder: UserId(body.bidder.0), amount })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::BidPlaced {
        bid: golden::BID,
        bidder: golden::USER,
        amount: golden::amount(12_345),
    })]
}
