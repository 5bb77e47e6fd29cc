//! `auction_created`: an auction was created.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body::{self, PromotionBody, SoftCloseBody, bad};
use crate::text_id::TextId;
use auction_domain::auction::{AuctionEvent, Terms};
use auction_domain::{Amount, Currency, Description, DurationMs, Timestamp, Title, UserId};
use serde::{Deserialize, Serialize};

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
    /// Time from which bids are accepted.
    starts_at: i64,
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

pub(super) fn encode(title: &Title, description: &Description, terms: &Terms) -> Vec<u8> {
    body::encode(&Body {
        title: title.as_str().to_owned(),
        description: description.as_str().to_owned(),
        currency: terms.currency.code().to_owned(),
        opening_bid: terms.opening_bid.minor_units(),
        reserve: terms.reserve.map(Amount::minor_units),
        starts_at: terms.starts_at.0,
        ends_at: terms.ends_at.0,
        seller: terms.seller.map(|seller| TextId(seller.0)),
        soft_close: terms.soft_close.map(Into::into),
        retraction_lock_ms: terms.retraction_lock.0,
        promotion: terms.promotion.map(Into::into),
    })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<AuctionEvent, DecodeError> {
    let kind = encoded.kind;
    let body: Body = encoded.body()?;
    Ok(AuctionEvent::AuctionCreated {
        title: Title::new(body.title).map_err(|error| bad(kind, format!("title {error}")))?,
        description: Description::new(body.description)
            .map_err(|error| bad(kind, format!("description {error}")))?,
        terms: Terms {
            currency: Currency::new(&body.currency).map_err(|error| bad(kind, error))?,
            opening_bid: encoded.amount(body.opening_bid)?,
            reserve: body.reserve.map(|reserve| encoded.amount(reserve)).transpose()?,
            starts_at: Timestamp(body.starts_at),
            ends_at: Timestamp(body.ends_at),
            seller: body.seller.map(|seller| UserId(seller.0)),
            soft_close: body.soft_close.map(Into::into),
            retraction_lock: DurationMs(body.retraction_lock_ms),
            promotion: body.promotion.map(|promotion| promotion.read(kind)).transpose()?,
        },
    })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![
        EventSample::auction(golden::auction_created(None)),
        EventSample::auction(golden::auction_created(Some(golden::PROMOTION))).named("promoted"),
    ]
}
