//! `create_auction`: an auction is created with the id of the command.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, PromotionBody, SoftCloseBody, bad};
use crate::text_id::TextId;
use auction_domain::auction::CreateAuction;
use auction_domain::{Amount, Currency, Description, DurationMs, Timestamp, Title, UserId};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    description: String,
    currency: String,
    opening_bid: u64,
    reserve: Option<u64>,
    starts_at: Option<i64>,
    ends_at: i64,
    seller: Option<TextId>,
    soft_close: Option<SoftCloseBody>,
    retraction_lock_ms: u32,
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
