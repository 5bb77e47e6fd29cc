//! `winner_announced`: an auction was closed with a winner.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::auction::{AuctionEvent, Winner};
use auction_domain::{BidId, UserId};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the winning bid.
    bid: TextId,
    /// Id of the user who won.
    bidder: TextId,
    /// Price that the winner owes, in minor units.
    pays: u64,
    /// Amount with which the bid counted, in minor units: above the price if it was doubled.
    effective: u64,
}

pub(super) fn encode(winner: &Winner) -> Vec<u8> {
    body::encode(&Body {
        bid: TextId(winner.bid.0),
        bidder: TextId(winner.bidder.0),
        pays: winner.price.minor_units(),
        effective: winner.effective.minor_units(),
    })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    Ok(AuctionEvent::WinnerAnnounced(Winner {
        bid: BidId(body.bid.0),
        bidder: UserId(body.bidder.0),
        price: encoded.amount(body.pays)?,
        effective: encoded.effective(body.effective)?,
    }))
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::WinnerAnnounced(Winner {
        bid: golden::BID,
        bidder: golden::USER,
        price: golden::amount(12_345),
        effective: golden::amount(24_690),
    }))]
}
