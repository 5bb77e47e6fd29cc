//! `auction_cancelled`: an auction was cancelled.

use super::EncodedEvent;
use crate::DecodeError;
use crate::actor::actor_text;
use crate::body::{self, actor};
use auction_domain::Actor;
use auction_domain::auction::AuctionEvent;
use serde::{Deserialize, Serialize};

/// Version 2 records who cancelled the auction.
pub(super) const VERSION: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Sender of the command, in the form of the field `actor` of commands; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

pub(super) fn encode(by: Option<Actor>) -> Vec<u8> {
    body::encode(&Body { by: by.map(actor_text) })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    Ok(AuctionEvent::AuctionCancelled { by: actor(encoded.kind, encoded.body::<Body>()?.by)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};
    use auction_domain::OperatorId;

    let by = Some(Actor::Operator(OperatorId::User(golden::USER)));
    vec![EventSample::auction(AuctionEvent::AuctionCancelled { by })]
}
