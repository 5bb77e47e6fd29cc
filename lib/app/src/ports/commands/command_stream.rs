//! The command streams and the event stream of one partition, as its writer uses them: commands in, events
//! out.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::{Channel, Command, CommandId, EventRecord, Outcome, PartitionId};
use std::future::Future;
use worker_runtime::EntryId;

/// Opens the streams of a partition for a writer.
pub trait CommandStreamConnector: Send + Sync {
    /// Half that reads commands.
    type Reader: CommandReader;
    /// Half that publishes events and acknowledges commands.
    type Settler: CommandSettler;

    /// Opens both halves on dedicated connections, and takes over all unacknowledged commands of every
    /// consumer. After an error of either half, drop both and open them again.
    fn open(
        &self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Settler), Unavailable>> + Send;

    /// Returns whether a command that was delivered is acknowledged, or lost with its stream.
    fn is_acknowledged(
        &self,
        partition: PartitionId,
        channel: Channel,
        entry: EntryId,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Records that the writer dropped its halves because of an unavailable backend or a conflict.
    ///
    /// If this process ends before it opens the partition again, crash tracking counts no command as the
    /// cause. Best effort: if it fails, the worst effect is that a command is delivered alone later.
    fn on_interrupted(&self, partition: PartitionId) -> impl Future<Output = ()> + Send;
}

/// Reads the commands of one partition.
pub trait CommandReader: Send {
    /// Returns the next commands in the order in which they must be decided; empty if none arrived in time.
    ///
    /// Commands of earlier calls may still be unsettled; they are not returned again. Unacknowledged commands
    /// of any consumer come before newer ones, and creations before commands that were sent after them.
    fn read(&mut self) -> impl Future<Output = Result<Batch, Unavailable>> + Send;

    /// Waits until there may be commands that this reader has not seen, for a bounded time. Returns no
    /// commands.
    fn wait(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Takes over all unacknowledged commands of every consumer, as opening the partition does. The next
    /// reads return them, including those that this reader returned before.
    fn take_over(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Leaves the consumer group. All commands that were read must be settled.
    fn leave_group(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Publishes the events of one partition and acknowledges its commands.
pub trait CommandSettler: Send {
    /// Queries the newest position that the event stream ever had.
    fn stream_head(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Queries the last entry of the event stream.
    fn last_event(&mut self) -> impl Future<Output = Result<LastEvent, Unavailable>> + Send;

    /// Publishes events if the head of the event stream is `after`.
    ///
    /// The events must follow `after` without a gap, unless the stream is empty: then it starts with them.
    fn publish(
        &mut self,
        after: u64,
        events: &[EventRecord],
    ) -> impl Future<Output = Result<PublishResult, Unavailable>> + Send;

    /// Publishes the events of a batch, acknowledges its commands and stores its dead letters, all or
    /// nothing, if the head of the event stream is [`Settlement::after`]. Then sends the outcomes to the
    /// ingress processes that wait for them.
    fn settle(
        &mut self,
        batch: &Settlement,
    ) -> impl Future<Output = Result<PublishResult, Unavailable>> + Send;
}

/// Commands of one read.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Commands in the order in which they must be decided.
    pub deliveries: Vec<ReceivedCommand>,
    /// Whether the batch must be settled before the next read. Such a batch has one command, which is
    /// suspected of crashing its process.
    pub isolated: bool,
}

/// Last entry of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastEvent {
    /// The stream is empty.
    None,
    /// The last entry is an event.
    Event(Box<EventRecord>),
    /// The last entry was not written by a partition writer. The text says why.
    Unrecognized(String),
}

/// One delivered entry of a command stream.
#[derive(Clone, Debug)]
pub struct ReceivedCommand {
    /// Channel of the stream that has the entry.
    pub channel: Channel,
    /// Entry id; its milliseconds are the time of the command.
    pub entry: EntryId,
    /// The decoded command, or a poison message.
    pub command: Result<Command, PoisonMessage>,
}

/// Field names and values of a stream entry.
pub type RawFields = Vec<(Vec<u8>, Vec<u8>)>;

/// Entry that cannot be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonMessage {
    /// Why the entry cannot be processed.
    pub failure: Failure,
    /// Content of the entry.
    pub fields: RawFields,
    /// Whether its kind or version is unknown to this program, and a newer program may know it.
    pub has_unknown_kind: bool,
}

/// Why a command cannot be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Kind of failure, for outcomes and metrics.
    pub reason: FailureReason,
    /// Error text for the operator.
    pub error: String,
}

/// Reasons a command is dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The entry is not a command, or its kind or version is unknown to this program.
    Unreadable,
    /// Processing the command panicked.
    Panicked,
    /// Several processes ended while they processed the command.
    CrashedProcess,
    /// The store rejects the events or the outcome of the command.
    Rejected,
}

impl FailureReason {
    /// Every reason, for lookups by name.
    pub const ALL: [FailureReason; 4] = [
        FailureReason::Unreadable,
        FailureReason::Panicked,
        FailureReason::CrashedProcess,
        FailureReason::Rejected,
    ];

    /// Returns the name that outcomes, dead letters and metrics use.
    pub fn name(self) -> &'static str {
        match self {
            FailureReason::Unreadable => "unreadable",
            FailureReason::Panicked => "panicked",
            FailureReason::CrashedProcess => "process_crash",
            FailureReason::Rejected => "rejected",
        }
    }
}

/// Dead letter that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// Channel of the stream that has the entry.
    pub channel: Channel,
    /// Entry id of the command.
    pub entry: EntryId,
    /// Name of a [`FailureReason`].
    pub reason: String,
    /// Error text for the operator.
    pub error: String,
    /// Content of the entry.
    pub fields: RawFields,
}

impl ReceivedCommand {
    /// Returns the time of the command: when it was appended to its stream, by the clock of the streams.
    pub fn at(&self) -> Timestamp {
        Timestamp(i64::try_from(self.entry.ms).unwrap_or(i64::MAX))
    }
}

/// Stored batch, to be published and acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Position before the first event of the batch.
    pub after: u64,
    /// Events to publish, in order.
    pub events: Vec<EventRecord>,
    /// Entries to acknowledge without a dead letter.
    pub done: Vec<(Channel, EntryId)>,
    /// Entries to acknowledge and to store as dead letters.
    pub dead: Vec<NewDeadLetter>,
    /// Commands with an outcome, which are announced to every ingress.
    pub decided: Vec<CommandId>,
    /// Outcomes to send, each with the id of the ingress that waits for it.
    pub replies: Vec<(String, Outcome)>,
}

impl Settlement {
    /// Returns whether there is nothing to settle.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.done.is_empty() && self.dead.is_empty() && self.replies.is_empty()
    }
}

/// Result of a conditional write to the event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishResult {
    /// All of it was written.
    Published,
    /// Nothing was written: the head of the stream is not the expected one. The writer must take over again.
    StreamMoved,
}
