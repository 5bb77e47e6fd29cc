//! The JSON of the operator endpoints: dead letters, parked events and stream statistics.

use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Answer to `GET /dead-letters`: ordered by partition, then the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    /// Dead letters of this page.
    pub dead_letters: Vec<DeadLetterView>,
    /// Path of the next page; absent on the last page. A page can be empty and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Dead letter: a command that could not be processed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// Name of the dead letter, such as `07/1795372100000-0`.
    pub dead_letter: String,
    /// Time at which the command was dead-lettered.
    pub dead_lettered_at: JsonTime,
    /// Stream that the command came from.
    pub stream: String,
    /// Entry id of the command on that stream.
    pub entry: String,
    /// Reason: `unreadable`, `panicked`, `process_crash` or `rejected`.
    pub reason: String,
    /// Error message of the failure.
    pub error: String,
    /// Id of the command; absent if it is unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Uuid>,
    /// Kind of the command; absent if the command is unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Id of the user or auction the command is for; absent if it is unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
}

/// Answer to `GET /dead-letters/{partition}/{entry}`: a dead letter with the fields of its command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterDetail {
    #[serde(flatten)]
    pub dead_letter: DeadLetterView,
    /// Fields of the original stream entry.
    pub fields: Vec<FieldView>,
}

/// Field of a stream entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    pub name: String,
    /// Value as text. A MessagePack body is shown as JSON, other binary values in hexadecimal.
    pub value: String,
}

/// Answer to requeueing a dead letter: the new stream entry of its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequeuedDeadLetter {
    /// Stream to which the command was added.
    pub stream: String,
    /// Entry id of the command on that stream.
    pub entry: String,
}

/// Answer to `GET /parked-events`: ordered by component, partition and position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedList {
    /// All users and auctions with parked events.
    pub parked: Vec<ParkedView>,
}

/// User or auction whose events a component has parked because it cannot process one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedView {
    /// Component that parked the events, such as `projector`.
    pub component: String,
    pub partition: u16,
    /// Id of the user or auction.
    pub key: Uuid,
    /// Position of the event that cannot be processed.
    pub position: u64,
    /// Version of the user or auction after that event.
    pub version: u64,
    /// Kind of that event.
    pub kind: String,
    /// Reason: `unreadable`, `panicked` or `refused`.
    pub reason: String,
    /// Error message of the failure.
    pub error: String,
    pub parked_at: JsonTime,
    /// Action that an operator requested and the component has not done yet: `retry` or `drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_action: Option<String>,
}

/// Answer to `GET /parked-events/{component}/{key}`: a parked user or auction with its pending events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParkedDetail {
    #[serde(flatten)]
    pub parked: ParkedView,
    /// The event that cannot be processed and the events after it, at most 1,000.
    pub pending_events: Vec<PendingEvent>,
}

/// Event that a component has not processed because it, or an earlier event of the same aggregate, is parked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PendingEvent {
    pub position: u64,
    /// Version of the user or auction after the event.
    pub version: u64,
    pub kind: String,
    /// Schema version of the body.
    pub schema: u16,
    /// Id of the command that caused the event.
    pub command: Uuid,
    /// Body as JSON; absent if it is unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

/// Answer to `GET /streams`: statistics of all streams. The figures of one stream are a consistent snapshot;
/// different streams are observed at slightly different times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamsView {
    /// Time of the observation by the clock of Redis, in milliseconds since 1970.
    pub observed_at_ms: u64,
    pub partitions: Vec<PartitionView>,
    /// Error of the event store; null if it answered. With an error, every `stored` is null.
    pub store_error: Option<String>,
}

/// Streams of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartitionView {
    /// Number of the partition.
    pub partition: u16,
    /// Position of the newest event on the event stream.
    pub published: u64,
    /// Position of the newest event in the event store.
    pub stored: Option<u64>,
    /// Number of dead letters.
    pub dead_letters: u64,
    pub streams: Vec<StreamView>,
}

/// Statistics of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamView {
    /// Redis key of the stream.
    pub stream: String,
    /// Number of entries on the stream.
    pub length: u64,
    /// Number of entries ever added, including trimmed ones.
    pub added: u64,
    /// Highest entry id that the stream ever had.
    pub last_id: String,
    /// Entries added per second; null if rates were not measured.
    pub added_per_second: Option<f64>,
    /// Consumer groups of the stream.
    pub groups: Vec<GroupView>,
}

/// Statistics of a consumer group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Name of the group: the component that reads the stream.
    pub group: String,
    /// Number of entries not delivered to any consumer yet.
    pub lag: u64,
    /// `false` if `lag` is a lower bound.
    pub lag_is_exact: bool,
    /// Number of entries delivered and not acknowledged.
    pub pending: u64,
    /// Age of the oldest entry that is not acknowledged, delivered or not.
    pub oldest_age_ms: Option<u64>,
    /// Entries acknowledged per second; null if rates were not measured.
    pub acked_per_second: Option<f64>,
    /// Process that works on the stream: the lease holder, else the active consumers.
    pub owner: String,
    /// Process that holds the lease of the partition.
    pub lease: Option<String>,
    pub consumers: Vec<ConsumerView>,
}

/// Process that reads a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumerView {
    /// Name of the process: host, process id and a random number.
    pub name: String,
    /// Number of entries delivered to this process and not acknowledged.
    pub pending: u64,
    /// Milliseconds since the process last read or claimed entries.
    pub idle_ms: u64,
}
