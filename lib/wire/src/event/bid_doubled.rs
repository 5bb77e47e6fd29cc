//! `bid_doubled`: a bid was doubled: it counts with its effective amount.

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
    /// Id of the doubled bid.
    bid: TextId,
    /// Id of the user who placed the bid.
    bidder: TextId,
    /// Amount with which the bid counts from now on, in minor units.
    effective: u64,
}

pub(super) fn encode(bid: BidId, bidder: UserId, effective: Amount) -> Vec<u8> {
    body::encode(&Body { bid: TextId(bid.0), bidder: TextId(bidder.0), effective: effective.minor_units() })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let effective = encoded.effective(body.effective)?;
    Ok(AuctionEvent::BidDoubled { bid: BidId(body.bid.0), bidder: UserId(body.bidder.0), effective })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::BidDoubled {
        bid: golden::BID,
        bidder: golden::USER,
        effective: auction_domain::Amount::effective(2 * auction_domain::Amount::MAX.minor_units()).unwrap(),
    })]
}
