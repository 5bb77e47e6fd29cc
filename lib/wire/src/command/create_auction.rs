//! `create_auction`: an auction is created with the id of the command.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, PromotionBody, SoftCloseBody, bad};
use crate::text_id::TextId;
use crate::time::JsonTime;
use auction_domain::auction::CreateAuction;
use auction_domain::{Amount, Currency, Description, DurationMs, Timestamp, Title, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /auctions`. The caller is the seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAuctionRequest {
    /// Title: one line, 1 to 200 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub title: String,
    /// Description: at most 10,000 characters. Line breaks and tabs are the only control characters allowed.
    #[schema(max_length = 10_000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    #[serde(default)]
    pub description: String,
    /// Currency code: three capital letters, such as `EUR`.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Minimum amount of the first bid, in minor units.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    pub opening_bid: u64,
    /// Reserve price in minor units: below it, the auction is not sold. Not shown to bidders.
    #[schema(minimum = 1, maximum = 4_503_599_627_370_495_u64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u64>,
    /// Start of bidding; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<JsonTime>,
    /// End of bidding, without extensions.
    pub ends_at: JsonTime,
    /// Extensions after late changes of the leader; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_close: Option<SoftCloseRequest>,
    /// Bids cannot be deleted during this number of seconds before the end.
    #[schema(maximum = 86_400)]
    #[serde(default)]
    pub retraction_lock_seconds: u32,
    /// Whether bids are drawn by lot and doubled; `true` by default.
    #[serde(default = "enabled")]
    pub promoted: bool,
}

fn enabled() -> bool {
    true
}

/// Soft close: a change of the leader shortly before the end extends the auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftCloseRequest {
    /// Length of an extension in seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub extend_by_seconds: u32,
    /// A change of the leader extends the auction if it happens during this number of seconds before the end.
    #[schema(minimum = 1, maximum = 86_400)]
    pub within_seconds: u32,
    /// Maximum number of extensions.
    #[schema(minimum = 1, maximum = 1_000)]
    pub at_most: u32,
}

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Title of the auction, one line of text.
    title: String,
    /// Description of the item, which may be empty and have several lines.
    description: String,
    /// ISO 4217 code of the currency of all amounts of the auction.
    currency: String,
    /// Minimum amount of a bid, in minor units.
    opening_bid: u64,
    /// Price below which the auction is not sold, in minor units; null without a reserve.
    reserve: Option<u64>,
    /// Time from which bids are accepted; null for the time of the command.
    starts_at: Option<i64>,
    /// End of bidding, without extensions.
    ends_at: i64,
    /// Id of the user who sells, and cannot bid; null if the portal itself sells.
    seller: Option<TextId>,
    /// Extensions by late changes of the lead; null without them.
    soft_close: Option<SoftCloseBody>,
    /// Milliseconds before the end during which bidders cannot delete bids.
    retraction_lock_ms: u32,
    /// Draws of the auction; absent without draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promotion: Option<PromotionBody>,
}

pub(super) fn encode(create: &CreateAuction) -> Vec<u8> {
    body::encode(&Body {
        title: create.title.as_str().to_owned(),
        description: create.description.as_str().to_owned(),
        currency: create.currency.code().to_owned(),
        opening_bid: create.opening_bid.minor_units(),
        reserve: create.reserve.map(Amount::minor_units),
        starts_at: create.starts_at.map(|at| at.0),
        ends_at: create.ends_at.0,
        seller: create.seller.map(|seller| TextId(seller.0)),
        soft_close: create.soft_close.map(Into::into),
        retraction_lock_ms: create.retraction_lock.0,
        promotion: create.promotion.map(Into::into),
    })
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<CreateAuction, DecodeError> {
    let kind = encoded.kind;
    let body: Body = encoded.body()?;
    Ok(CreateAuction {
        title: Title::new(body.title).map_err(|error| bad(kind, format!("title {error}")))?,
        description: Description::new(body.description)
            .map_err(|error| bad(kind, format!("description {error}")))?,
        currency: Currency::new(&body.currency).map_err(|error| bad(kind, error))?,
        opening_bid: Amount::new(body.opening_bid).map_err(|error| bad(kind, error))?,
        reserve: body.reserve.map(Amount::new).transpose().map_err(|error| bad(kind, error))?,
        starts_at: body.starts_at.map(Timestamp),
        ends_at: Timestamp(body.ends_at),
        seller: body.seller.map(|seller| UserId(seller.0)),
        soft_close: body.soft_close.map(Into::into),
        retraction_lock: DurationMs(body.retraction_lock_ms),
        promotion: body.promotion.map(|promotion| promotion.read(kind)).transpose()?,
    })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    let sample = |create| {
        Sample::of_auction(Actor::User(golden::USER), AuctionCommand::CreateAuction(Box::new(create)))
    };
    let promoted = CreateAuction { promotion: Some(golden::PROMOTION), ..golden::create_auction() };
    vec![sample(golden::create_auction()), sample(promoted).named("promoted")]
}
