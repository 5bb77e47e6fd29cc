//! `bid_voided`: a bid was voided by an operator.

use super::EncodedEvent;
use crate::DecodeError;
use crate::actor::actor_text;
use crate::body::{self, actor, bad};
use crate::text_id::TextId;
use auction_domain::auction::AuctionEvent;
use auction_domain::{Actor, BidId, Reason, UserId};
use serde::{Deserialize, Serialize};

/// Version 2 records who voided the bid.
pub(super) const VERSION: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the voided bid.
    bid: TextId,
    /// Id of the user who placed the bid.
    bidder: TextId,
    /// Reason that the operator gave, one line of text.
    reason: String,
    /// Sender of the command, in the form of the field `actor` of commands; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

pub(super) fn encode(bid: BidId, bidder: UserId, reason: &Reason, by: Option<Actor>) -> Vec<u8> {
    let reason = reason.as_str().to_owned();
    body::encode(&Body { bid: TextId(bid.0), bidder: TextId(bidder.0), reason, by: by.map(actor_text) })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let reason = Reason::new(body.reason).map_err(|error| bad(encoded.kind, error))?;
    let by = actor(encoded.kind, body.by)?;
    Ok(AuctionEvent::BidVoided { bid: BidId(body.bid.0), bidder: UserId(body.bidder.0), reason, by })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::auction(AuctionEvent::BidVoided {
        bid: golden::BID,
        bidder: golden::USER,
        reason: golden::reason(),
        by: Some(Actor::Operator(auction_domain::OperatorId::ApiKey(golden::id(6)))),
    })]
}
