//! `auction_ended`: the seller or an operator ended an auction.

use super::EncodedEvent;
use crate::DecodeError;
use crate::actor::actor_text;
use crate::body::{self, actor};
use auction_domain::auction::AuctionEvent;
use auction_domain::{Actor, Timestamp};
use serde::{Deserialize, Serialize};

/// Version 2 records who ended the auction.
pub(super) const VERSION: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Body {
    /// New end of bidding, which is the time of the command.
    ends_at: i64,
    /// Sender of the command, in the form of the field `actor` of commands; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

pub(super) fn encode(ends_at: Timestamp, by: Option<Actor>) -> Vec<u8> {
    body::encode(&Body { ends_at: ends_at.0, by: by.map(actor_text) })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let by = actor(encoded.kind, body.by)?;
    Ok(AuctionEvent::AuctionEnded { ends_at: Timestamp(body.ends_at), by })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    let by = Some(Actor::User(golden::USER));
    vec![EventSample::auction(AuctionEvent::AuctionEnded { ends_at: golden::ENDS_AT, by })]
}
