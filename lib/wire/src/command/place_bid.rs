//! `place_bid`: a user bids on an auction. The bid has the id of the command, and its bidder is the actor.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, bad};
use auction_domain::auction::PlaceBid;
use auction_domain::{Actor, Amount, BidId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `PUT /auction/{id}/bid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBidRequest {
    /// Amount in minor units of the auction's currency.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub amount: u64,
}

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Amount of the bid, in minor units of the auction's currency.
    amount: u64,
}

pub(super) fn encode(place: &PlaceBid) -> Vec<u8> {
    body::encode(&Body { amount: place.amount.minor_units() })
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<PlaceBid, DecodeError> {
    let kind = encoded.kind;
    let Actor::User(bidder) = encoded.actor else {
        return Err(bad(kind, "only a user can bid, and the actor is not one"));
    };
    let amount = Amount::new(encoded.body::<Body>()?.amount).map_err(|error| bad(kind, error))?;
    Ok(PlaceBid { bid: BidId(encoded.id.0), bidder, amount })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::auction::AuctionCommand;

    let place = PlaceBid { bid: BidId(golden::id(1)), bidder: golden::USER, amount: golden::amount(12_345) };
    vec![Sample::of_auction(Actor::User(golden::USER), AuctionCommand::PlaceBid(place)).expecting(17)]
}
