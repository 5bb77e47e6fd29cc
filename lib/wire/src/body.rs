//! MessagePack bodies: maps with field names, without trailing bytes.

use crate::DecodeError;
use crate::actor::parse_actor;
use crate::text_id::TextId;
use auction_domain::auction::{Commitment, Promotion, SoftClose};
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_domain::{Actor, BidId, DurationMs, PromoterOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Encodes a body. Bodies are plain structs of numbers, texts and lists, for which this cannot fail.
pub(crate) fn encode(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    if let Err(error) = body.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map()) {
        unreachable!("a body of plain fields is always serialisable: {error}");
    }
    bytes
}

/// Decodes a body and refuses trailing bytes, which rmp-serde alone would accept.
pub(crate) fn decode<T: DeserializeOwned>(kind: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    // `new` reads from a slice reader, whose rest shows the trailing bytes. `from_read_ref` would not show
    // it.
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    let body = T::deserialize(&mut deserializer).map_err(|error| bad(kind, error))?;
    match deserializer.get_ref().len() {
        0 => Ok(body),
        count => Err(DecodeError::TrailingBytes { kind, count }),
    }
}

/// Returns a body as JSON text for display. Returns `None` if it contains anything but texts, numbers, lists
/// and maps.
pub fn to_json(bytes: &[u8]) -> Option<String> {
    decode::<serde_json::Value>("body", bytes).ok().map(|body| body.to_string())
}

/// Returns the error for a body that decodes but holds an invalid value.
pub(crate) fn bad(kind: &'static str, reason: impl ToString) -> DecodeError {
    DecodeError::BadBody { kind, reason: reason.to_string() }
}

/// Body of a command or event that has no fields besides the header.
#[derive(Serialize, Deserialize)]
pub(crate) struct EmptyBody {}

pub(crate) fn empty() -> Vec<u8> {
    encode(&EmptyBody {})
}

/// Soft close, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct SoftCloseBody {
    /// Length of an extension in milliseconds.
    extend_by_ms: u32,
    /// Milliseconds before the end during which a change of the lead extends the auction.
    within_ms: u32,
    /// Maximum number of extensions of the auction.
    at_most: u32,
}

impl From<SoftClose> for SoftCloseBody {
    fn from(soft: SoftClose) -> SoftCloseBody {
        SoftCloseBody {
            extend_by_ms: soft.extend_by.0,
            within_ms: soft.within.0,
            at_most: soft.max_extensions,
        }
    }
}

impl From<SoftCloseBody> for SoftClose {
    fn from(body: SoftCloseBody) -> SoftClose {
        SoftClose {
            extend_by: DurationMs(body.extend_by_ms),
            within: DurationMs(body.within_ms),
            max_extensions: body.at_most,
        }
    }
}

/// Notification preferences of a user, in commands and events: the kinds that are not as they are by default.
/// Bodies of version 1 have all kinds of that time.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SubscriptionsBody(
    /// Whether the user gets notifications of the kind that the field names.
    BTreeMap<String, bool>,
);

impl From<NotificationPreferences> for SubscriptionsBody {
    fn from(preferences: NotificationPreferences) -> SubscriptionsBody {
        let kinds = preferences.changed_kinds();
        SubscriptionsBody(kinds.map(|kind| (kind.name().to_owned(), preferences.includes(kind))).collect())
    }
}

impl From<SubscriptionsBody> for NotificationPreferences {
    /// Ignores kinds that only newer programs know.
    fn from(SubscriptionsBody(chosen): SubscriptionsBody) -> NotificationPreferences {
        let known =
            chosen.iter().filter_map(|(name, included)| Some((NotificationKind::named(name)?, *included)));
        known.fold(NotificationPreferences::default(), |set, (kind, included)| set.with(kind, included))
    }
}

/// Draw interval and commitment of an auction, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct PromotionBody {
    /// Milliseconds between two draws of the auction.
    every_ms: u32,
    /// SHA-256 of the seed of the draws, 64 hexadecimal digits.
    commitment: String,
}

impl From<Promotion> for PromotionBody {
    fn from(promotion: Promotion) -> PromotionBody {
        PromotionBody { every_ms: promotion.interval.0, commitment: promotion.commitment.to_string() }
    }
}

impl PromotionBody {
    pub(crate) fn read(self, kind: &'static str) -> Result<Promotion, DecodeError> {
        let commitment = Commitment::from_hex(&self.commitment);
        let commitment = commitment.ok_or_else(|| bad(kind, "commitment is not 64 hexadecimal digits"))?;
        Ok(Promotion { interval: DurationMs(self.every_ms), commitment })
    }
}

/// Draw options, in commands and events.
#[derive(Serialize, Deserialize)]
pub(crate) struct OptionsBody {
    /// New draw options, as a JSON list.
    options: String,
}

impl OptionsBody {
    pub(crate) fn encode(options: &PromoterOptions) -> Vec<u8> {
        encode(&OptionsBody { options: options.as_str().to_owned() })
    }

    pub(crate) fn read(self, kind: &'static str) -> Result<PromoterOptions, DecodeError> {
        options(kind, self.options)
    }
}

pub(crate) fn options(kind: &'static str, text: String) -> Result<PromoterOptions, DecodeError> {
    PromoterOptions::new(text).map_err(|error| bad(kind, format!("options {error}")))
}

/// Bid, in commands that are about one bid.
#[derive(Serialize, Deserialize)]
pub(crate) struct BidBody {
    /// Id of the bid that the command is for.
    bid: TextId,
}

impl BidBody {
    pub(crate) fn encode(bid: BidId) -> Vec<u8> {
        encode(&BidBody { bid: TextId(bid.0) })
    }

    pub(crate) fn bid(&self) -> BidId {
        BidId(self.bid.0)
    }
}

/// Reads who caused an event; absent in events of version 1, which did not record it.
pub(crate) fn actor(kind: &'static str, by: Option<String>) -> Result<Option<Actor>, DecodeError> {
    by.map(|by| parse_actor(&by)).transpose().map_err(|reason| bad(kind, reason))
}
