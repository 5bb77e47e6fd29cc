//! What operators see, as JSON: commands that could not be handled, events that wait, and how far everybody is.

use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// `GET /dead-letters`: by partition, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    /// One page of them.
    pub letters: Vec<DeadLetterView>,
    /// Where to go on: there may be more. A page can be empty and lead on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A command that could not be handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// Its name, such as `07/1795372100000-0`.
    pub letter: String,
    /// When it was put away.
    pub put_away_at: JsonTime,
    /// The stream that it came from.
    pub stream: String,
    /// Its entry id there.
    pub entry: String,
    /// Why: `unreadable`, `panicked`, `ended_its_process` or `rejected`.
    pub reason: String,
    /// What went wrong.
    pub error: String,
    /// Which command it was; absent if it does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Uuid>,
    /// Of which kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// For which user or auction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
}

/// `GET /dead-letters/{partition}/{entry}`: all there is to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterDetail {
    /// The letter.
    #[serde(flatten)]
    pub letter: DeadLetterView,
    /// What it was made of.
    pub fields: Vec<FieldView>,
}

/// A field of an entry, as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// As text; a body is decoded; what is no text is in hexadecimal.
    pub value: String,
}

/// A dead letter was sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequeuedDeadLetter {
    /// Onto which stream.
    pub stream: String,
    /// Its entry id there.
    pub entry: String,
}

/// `GET /parked`: by service, partition and position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedList {
    /// All of them.
    pub parked: Vec<ParkedView>,
}

/// A user or an auction that a service does not handle any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedView {
    /// Which service.
    pub service: String,
    /// In which partition.
    pub partition: u16,
    /// Which user or auction.
    pub key: Uuid,
    /// Position of the event that cannot be handled.
    pub position: u64,
    /// Its version.
    pub version: u64,
    /// Its kind.
    pub kind: String,
    /// Why: `unreadable`, `panicked` or `refused`.
    pub reason: String,
    /// What went wrong.
    pub error: String,
    /// Since when.
    pub parked_at: JsonTime,
    /// What the service was asked to do, and has not done yet: `retry` or `drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

/// `GET /parked/{service}/{key}`: with the events that wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedDetail {
    /// What is parked.
    #[serde(flatten)]
    pub parked: ParkedView,
    /// The event that cannot be handled, and those behind it; at most so many as are read at once.
    pub waiting: Vec<WaitingEvent>,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingEvent {
    /// Its position.
    pub position: u64,
    /// Its version.
    pub version: u64,
    /// Its kind.
    pub kind: String,
    /// The version of its form.
    pub schema: u16,
    /// The command that it follows from.
    pub command: Uuid,
    /// What it says; absent if it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

/// `GET /streams`: how far everybody is with every stream. Each stream by itself is seen at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamsView {
    /// When, by the clock of Redis, in milliseconds since 1970.
    pub at_ms: u64,
    /// Each partition.
    pub partitions: Vec<PartitionView>,
    /// Why the store could not be asked; then nothing is `stored`.
    pub store_is_away: Option<String>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartitionView {
    /// Which.
    pub partition: u16,
    /// Position of the newest event on its stream.
    pub published: u64,
    /// Position of the newest event in the store.
    pub stored: Option<u64>,
    /// So many commands could not be handled.
    pub dead_letters: u64,
    /// Its streams.
    pub streams: Vec<StreamView>,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamView {
    /// Its key.
    pub stream: String,
    /// So many entries are there.
    pub length: u64,
    /// So many there ever were.
    pub added: u64,
    /// The newest id that it ever had.
    pub last_id: String,
    /// Entries a second that came, if that is known.
    pub in_per_second: Option<f64>,
    /// Who reads it.
    pub groups: Vec<GroupView>,
}

/// A role that reads a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Which.
    pub group: String,
    /// So many entries were not delivered to anybody yet.
    pub lag: u64,
    /// Whether it is that many; else it is that many at least.
    pub lag_is_exact: bool,
    /// So many were delivered and not acknowledged.
    pub pending: u64,
    /// How old the oldest is that is not acknowledged, delivered or not.
    pub oldest_age_ms: Option<u64>,
    /// Entries a second that were acknowledged, if that is known.
    pub done_per_second: Option<f64>,
    /// Who works on it.
    pub owner: String,
    /// Who has the lease of the partition.
    pub lease: Option<String>,
    /// Who reads.
    pub consumers: Vec<ConsumerView>,
}

/// A process that reads a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumerView {
    /// Its name: host, process, and a random number.
    pub name: String,
    /// So many entries were delivered to it and not acknowledged.
    pub pending: u64,
    /// How long ago it last read or claimed.
    pub idle_ms: u64,
}
