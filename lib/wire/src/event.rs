//! Events, as stored in Postgres and as entries of the event streams.
//!
//! The id of a stream entry is `<position>-0`; partition and position identify an event. Fields of an entry:
//!
//! | field   | meaning |
//! |---------|---------|
//! | `kind`  | kind of the event, such as `bid_placed` |
//! | `v`     | schema version of the body, from 1 |
//! | `key`   | id of the user, auction, promoter settings or bar it is about |
//! | `ver`   | version of that aggregate after the event, from 1 |
//! | `at`    | time of the command, milliseconds since 1970 |
//! | `cause` | id of the command that caused it |
//! | `trace` | W3C traceparent of the command; empty when republished from Postgres |
//! | `body`  | MessagePack map with field names |

use crate::CommandId;
use crate::body::{self, bad};
use crate::fields::{DecodeError, Fields, RawFields, check_version};
use auction_domain::auction::AuctionEvent;
use auction_domain::promoter::PromoterEvent;
use auction_domain::user::UserEvent;
use auction_domain::user_bar::BarEvent;
use auction_domain::{Amount, Timestamp};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Declares the kinds: `<module, which is the name of the kind>: <aggregate>(<variant of its events>) =>
/// (<what is encoded>)`. A module has the body of its kind with a text for each field, its schema version,
/// `encode`, `decode` with the upcasts from older versions, and samples. Stored events stay readable forever.
macro_rules! events {
    ($($kind:ident: $aggregate:ident($pattern:pat) => ($($field:expr),*),)+) => {
        $(mod $kind;)+

        /// Name and schema version of the kind that an event is written as.
        #[allow(unused_variables, reason = "the patterns bind what is encoded")]
        fn encoding(event: &Event) -> (&'static str, u16) {
            match event {
                $(Event::$aggregate($pattern) => (stringify!($kind), $kind::VERSION),)+
            }
        }

        fn encode(event: &Event) -> Vec<u8> {
            match event {
                $(Event::$aggregate($pattern) => $kind::encode($($field),*),)+
            }
        }

        fn decode(encoded: &EncodedEvent<'_>) -> Result<Event, DecodeError> {
            $(if encoded.kind == stringify!($kind) {
                check_version(encoded.kind, encoded.schema, $kind::VERSION)?;
                return $kind::decode(encoded).map(Event::$aggregate);
            })+
            Err(DecodeError::UnknownKind(encoded.kind.to_owned()))
        }

        /// Names of all kinds.
        pub const KINDS: &[&str] = &[$(stringify!($kind),)+];

        #[cfg(test)]
        pub(crate) fn samples() -> Vec<crate::golden::EventSample> {
            [$($kind::samples(),)+].concat()
        }
    };
}

events! {
    user_created: User(UserEvent::UserCreated) => (),
    user_deleted: User(UserEvent::UserDeleted) => (),
    subscriptions_changed: User(UserEvent::NotificationPreferencesChanged(preferences)) => (*preferences),
    auction_created: Auction(AuctionEvent::AuctionCreated { title, description, terms })
        => (title, description, terms),
    bid_placed: Auction(AuctionEvent::BidPlaced { bid, bidder, amount }) => (*bid, *bidder, *amount),
    bid_deleted: Auction(AuctionEvent::BidDeleted { bid, bidder }) => (*bid, *bidder),
    bid_doubled: Auction(AuctionEvent::BidDoubled { bid, bidder, effective }) => (*bid, *bidder, *effective),
    bid_voided: Auction(AuctionEvent::BidVoided { bid, bidder, reason, by }) => (*bid, *bidder, reason, *by),
    bids_retracted: Auction(AuctionEvent::BidsRetracted { bidder, bids }) => (*bidder, bids),
    auction_extended: Auction(AuctionEvent::AuctionExtended { ends_at }) => (*ends_at),
    auction_ended: Auction(AuctionEvent::AuctionEnded { ends_at, by }) => (*ends_at, *by),
    auction_cancelled: Auction(AuctionEvent::AuctionCancelled { by }) => (*by),
    winner_announced: Auction(AuctionEvent::WinnerAnnounced(winner)) => (winner),
    auction_closed_unsold: Auction(AuctionEvent::AuctionClosedUnsold { reason }) => (*reason),
    draw_held: Auction(AuctionEvent::DrawHeld(draw)) => (draw),
    draws_missed: Auction(AuctionEvent::DrawsMissed { first, last }) => (*first, *last),
    seed_revealed: Auction(AuctionEvent::SeedRevealed { seed }) => (*seed),
    promoter_settings_changed: Promoter(PromoterEvent::PromoterSettingsChanged { options, by }) => (options, *by),
    users_barred: Bar(BarEvent::UsersBarred { users }) => (users),
}

/// Encoded body of an event, with its kind and schema version.
struct EncodedEvent<'a> {
    kind: &'static str,
    schema: u16,
    body: &'a [u8],
}

impl EncodedEvent<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        body::decode(self.kind, self.body)
    }

    fn amount(&self, minor_units: u64) -> Result<Amount, DecodeError> {
        Amount::new(minor_units).map_err(|error| bad(self.kind, error))
    }

    fn effective(&self, minor_units: u64) -> Result<Amount, DecodeError> {
        Amount::effective(minor_units).map_err(|error| bad(self.kind, error))
    }
}

/// Event, by kind of aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    User(UserEvent),
    Auction(AuctionEvent),
    Promoter(PromoterEvent),
    Bar(BarEvent),
}

impl Event {
    /// Returns the name of the kind, such as `bid_placed`.
    pub fn kind(&self) -> &'static str {
        encoding(self).0
    }

    /// Returns the schema version that [`Event::encode`] writes.
    pub fn schema(&self) -> u16 {
        encoding(self).1
    }

    /// Returns the MessagePack body.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads an event from a MessagePack body of this kind and schema version.
    pub fn decode(kind: &str, schema: u16, body: &[u8]) -> Result<Event, DecodeError> {
        let known = KINDS.iter().find(|known| **known == kind);
        let kind = *known.ok_or_else(|| DecodeError::UnknownKind(kind.to_owned()))?;
        decode(&EncodedEvent { kind, schema, body })
    }
}

/// Event with its position and version and a still encoded body, as it is stored, published and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Position in the partition, from 1, gap-free.
    pub position: u64,
    /// Id of the user, auction or promoter settings.
    pub key: Uuid,
    /// Version of that aggregate after the event, from 1, gap-free.
    pub version: u64,
    pub kind: String,
    /// Schema version of the body.
    pub schema: u16,
    /// Time of the command that caused the event.
    pub at: Timestamp,
    pub cause: CommandId,
    /// W3C traceparent; may be empty.
    pub trace: String,
    /// Encoded body: a MessagePack map with field names.
    pub body: Vec<u8>,
}

impl EventRecord {
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.kind, self.schema, &self.body)
    }

    /// Returns the fields of the stream entry. The position is not among them: it is the id of the entry.
    pub fn to_fields(&self) -> [(&'static str, Vec<u8>); 8] {
        [
            ("kind", self.kind.clone().into()),
            ("v", self.schema.to_string().into()),
            ("key", self.key.to_string().into()),
            ("ver", self.version.to_string().into()),
            ("at", self.at.0.to_string().into()),
            ("cause", self.cause.to_string().into()),
            ("trace", self.trace.clone().into()),
            ("body", self.body.clone()),
        ]
    }

    /// Reads a record from the fields of the stream entry at `position`.
    pub fn from_fields(
        position: u64,
        fields: &RawFields<impl AsRef<[u8]>>,
    ) -> Result<EventRecord, DecodeError> {
        let fields = Fields(fields);
        Ok(EventRecord {
            position,
            key: fields.id("key")?,
            version: fields.parse("ver")?,
            kind: fields.text("kind")?.to_owned(),
            schema: fields.parse("v")?,
            at: Timestamp(fields.parse("at")?),
            cause: CommandId(fields.id("cause")?),
            trace: fields.optional("trace")?.unwrap_or_default().to_owned(),
            body: fields.bytes("body")?.to_vec(),
        })
    }

    /// Returns whether both are the same event. The trace is not compared: it is empty on republished events.
    pub fn same_history(&self, other: &EventRecord) -> bool {
        EventRecord { trace: String::new(), ..self.clone() }
            == EventRecord { trace: String::new(), ..other.clone() }
    }
}
