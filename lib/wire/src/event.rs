//! Events, as they lie in Postgres and on the event streams.
//!
//! The id of a stream entry is `<position>-0`; partition and position name an event. Its fields:
//!
//! | field   | what |
//! |---------|------|
//! | `kind`  | such as `bid_placed` |
//! | `v`     | schema version of the body, from 1 |
//! | `key`   | id of the user or auction it is about, or of the promoter's settings |
//! | `ver`   | version of that aggregate after the event, from 1 |
//! | `at`    | time of the command, milliseconds since 1970 |
//! | `cause` | id of the command |
//! | `trace` | W3C traceparent of the command; empty when republished from Postgres |
//! | `body`  | MessagePack map with field names |

mod kinds;

use crate::CommandId;
use crate::fields::{DecodeError, Fields, RawFields};
use auction_domain::Timestamp;
use auction_domain::auction::AuctionEvent;
use auction_domain::promoter::PromoterEvent;
use auction_domain::user::UserEvent;
use uuid::Uuid;

/// Something that happened, and to which kind of aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To a user.
    User(UserEvent),
    /// To an auction.
    Auction(AuctionEvent),
    /// To the promoter's settings.
    Promoter(PromoterEvent),
}

impl Event {
    /// Its name, such as `bid_placed`.
    pub fn kind(&self) -> &'static str {
        kinds::kind(self)
    }

    /// The version of the schema that [`Event::encode`] writes.
    pub fn schema(&self) -> u16 {
        kinds::VERSION
    }

    /// Its body.
    pub fn encode(&self) -> Vec<u8> {
        kinds::encode(self)
    }

    /// Reads a body.
    pub fn decode(kind: &str, schema: u16, body: &[u8]) -> Result<Event, DecodeError> {
        kinds::decode(kind, schema, body)
    }
}

/// An event with its place in history, its body still encoded: how it is stored, published and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// From 1 without holes in its partition.
    pub position: u64,
    /// The user or auction.
    pub key: Uuid,
    /// Of that aggregate, from 1 without holes.
    pub version: u64,
    /// Such as `bid_placed`.
    pub kind: String,
    /// Schema version of the body.
    pub schema: u16,
    /// Time of the command.
    pub at: Timestamp,
    /// The command.
    pub cause: CommandId,
    /// W3C traceparent; may be empty.
    pub trace: String,
    /// MessagePack.
    pub body: Vec<u8>,
}

impl EventRecord {
    /// Reads the body.
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.kind, self.schema, &self.body)
    }

    /// The fields to write, without the position, which is the id of the entry.
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

    /// Reads the fields of the entry at that position.
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

    /// Whether both say the same; the trace is not part of history.
    pub fn same_history(&self, other: &EventRecord) -> bool {
        EventRecord { trace: String::new(), ..self.clone() }
            == EventRecord { trace: String::new(), ..other.clone() }
    }
}
