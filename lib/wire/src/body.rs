//! MessagePack bodies: maps with field names, and nothing behind them.

use crate::DecodeError;
use auction_domain::auction::{Commitment, Promotion, SoftClose};
use auction_domain::user::NotificationPreferences;
use auction_domain::{DurationMs, PromoterOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bodies are written from plain structs of numbers, texts and lists; that cannot fail.
pub(crate) fn encode(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    if let Err(error) = body.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map()) {
        unreachable!("a body of plain fields is always serialisable: {error}");
    }
    bytes
}

/// Reads a body and refuses anything behind it (rmp-serde alone would not).
pub(crate) fn decode<T: DeserializeOwned>(kind: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    // Over a reader, which is what is left of the bytes; `from_read_ref` only gives back all of them.
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    let body = T::deserialize(&mut deserializer).map_err(|error| bad(kind, error))?;
    match deserializer.get_ref().len() {
        0 => Ok(body),
        count => Err(DecodeError::TrailingBytes { kind, count }),
    }
}

/// A body as JSON, for people; none if it is not plain MessagePack of texts, numbers and lists.
pub fn to_json(bytes: &[u8]) -> Option<String> {
    decode::<serde_json::Value>("body", bytes).ok().map(|body| body.to_string())
}

/// A value that reads well and is not allowed.
pub(crate) fn bad(kind: &'static str, why: impl ToString) -> DecodeError {
    DecodeError::BadBody { kind, why: why.to_string() }
}

/// The body of what says everything by its kind.
#[derive(Serialize, Deserialize)]
pub(crate) struct EmptyBody {}

/// A soft close, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct SoftCloseBody {
    extend_by_ms: u32,
    within_ms: u32,
    at_most: u32,
}

impl From<SoftClose> for SoftCloseBody {
    fn from(soft: SoftClose) -> SoftCloseBody {
        SoftCloseBody { extend_by_ms: soft.extend_by.0, within_ms: soft.within.0, at_most: soft.at_most }
    }
}

impl From<SoftCloseBody> for SoftClose {
    fn from(body: SoftCloseBody) -> SoftClose {
        SoftClose {
            extend_by: DurationMs(body.extend_by_ms),
            within: DurationMs(body.within_ms),
            at_most: body.at_most,
        }
    }
}

/// What a user wants to be told, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct SubscriptionsBody {
    auction_won: bool,
    highest_bid: bool,
    bid_doubled: bool,
}

impl From<NotificationPreferences> for SubscriptionsBody {
    fn from(of: NotificationPreferences) -> SubscriptionsBody {
        SubscriptionsBody {
            auction_won: of.auction_won,
            highest_bid: of.highest_bid,
            bid_doubled: of.bid_doubled,
        }
    }
}

impl From<SubscriptionsBody> for NotificationPreferences {
    fn from(body: SubscriptionsBody) -> NotificationPreferences {
        NotificationPreferences {
            auction_won: body.auction_won,
            highest_bid: body.highest_bid,
            bid_doubled: body.bid_doubled,
        }
    }
}

/// How an auction is promoted, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct PromotionBody {
    every_ms: u32,
    commitment: String,
}

impl From<Promotion> for PromotionBody {
    fn from(promotion: Promotion) -> PromotionBody {
        PromotionBody { every_ms: promotion.every.0, commitment: promotion.commitment.to_string() }
    }
}

impl PromotionBody {
    pub(crate) fn read(self, kind: &'static str) -> Result<Promotion, DecodeError> {
        let commitment = Commitment::from_hex(&self.commitment);
        let commitment = commitment.ok_or_else(|| bad(kind, "commitment is not 64 hexadecimal digits"))?;
        Ok(Promotion { every: DurationMs(self.every_ms), commitment })
    }
}

/// Options of the promoter, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct OptionsBody {
    pub(crate) options: String,
}

impl OptionsBody {
    pub(crate) fn read(kind: &'static str, bytes: &[u8]) -> Result<PromoterOptions, DecodeError> {
        options(kind, decode::<OptionsBody>(kind, bytes)?.options)
    }
}

pub(crate) fn options(kind: &'static str, text: String) -> Result<PromoterOptions, DecodeError> {
    PromoterOptions::new(text).map_err(|error| bad(kind, format!("options {error}")))
}
