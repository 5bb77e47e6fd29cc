//! `void_bid`: an operator voids a bid.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, bad};
use crate::text_id::TextId;
use auction_domain::auction::VoidBid;
use auction_domain::{BidId, Reason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /auction/{id}/bid/{bid}/void`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidBidRequest {
    /// Reason, which is stored with the bid: one line, 1 to 500 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub reason: String,
}

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Id of the bid to void.
    bid: TextId,
    /// Reason that the operator gave, one line of text.
    reason: String,
}

pub(super) fn encode(void: &VoidBid) -> Vec<u8> {
    body::encode(&Body { bid: TextId(void.bid.0), reason: void.reason.as_str().to_owned() })
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<VoidBid, DecodeError> {
    let body: Body = encoded.body()?;
    let reason = Reason::new(body.reason).map_err(|error| bad(encoded.kind, error))?;
    Ok(VoidBid { bid: BidId(body.bid.0), reason })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::auction::AuctionCommand;
    use auction_domain::{Actor, OperatorId};

    let void = VoidBid { bid: golden::BID, reason: golden::reason() };
    let by = |operator| Sample::of_auction(Actor::Operator(operator), AuctionCommand::VoidBid(void.clone()));
    vec![
        by(OperatorId::Unidentified),
        by(OperatorId::User(golden::USER)).named("by_user"),
        by(OperatorId::ApiKey(golden::id(6))).named("by_api_key"),
    ]
}
