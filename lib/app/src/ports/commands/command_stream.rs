//! The lane of a writer: commands in, events out, for one partition.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::{Channel, Command, CommandId, EventRecord, Outcome, PartitionId};
use std::future::Future;
use worker_runtime::EntryId;

/// Makes lanes.
pub trait CommandStreamConnector: Send + Sync {
    /// Reads commands.
    type Reader: CommandReader;
    /// Settles batches.
    type Settler: CommandSettler;

    /// Opens the lane of a partition on connections of its own, and takes over all commands that were
    /// delivered to anybody and not acknowledged. After an error of either half both are dropped and
    /// opened anew.
    fn open(
        &self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Settler), Unavailable>> + Send;

    /// The lane gave up its halves because a server was away or somebody else wrote. If this process ends
    /// before it opens the lane again, no command is to blame.
    fn on_interrupted(&self, partition: PartitionId) -> impl Future<Output = ()> + Send;
}

/// The half of a lane that commands come in through.
pub trait CommandReader: Send {
    /// The next commands in the order in which they must be decided; empty when none came in time. What
    /// earlier calls returned may not be settled yet; it does not come again. Commands that were delivered
    /// to anybody and not acknowledged come before newer ones, and creations before commands that came
    /// after them.
    fn read(&mut self) -> impl Future<Output = Result<Batch, Unavailable>> + Send;

    /// Waits until commands may have come that this lane has not seen, but not longer than a moment. Hands
    /// out nothing.
    fn wait(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Takes over all commands that were delivered to anybody and not acknowledged, as opening the lane
    /// does: they come next, also those that this lane was handed before.
    fn take_over(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Leaves the group. Nothing may be pending.
    fn leave_group(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The half of a lane that events go out through.
pub trait CommandSettler: Send {
    /// The newest position that the event stream ever had, asked now.
    fn stream_head(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// The newest event that lies on the event stream.
    fn last_event(&mut self) -> impl Future<Output = Result<LastEvent, Unavailable>> + Send;

    /// Publishes events behind `after`, if the stream still ends there. They follow it, unless the stream is
    /// empty: then it begins with them.
    fn publish(
        &mut self,
        after: u64,
        events: &[EventRecord],
    ) -> impl Future<Output = Result<PublishResult, Unavailable>> + Send;

    /// Publishes the events of a batch, acknowledges its commands and puts away its dead letters, all or
    /// nothing, if the stream still ends where the batch begins; and sends the outcomes to the ingresses
    /// that wait.
    fn settle(
        &mut self,
        batch: &Settlement,
    ) -> impl Future<Output = Result<PublishResult, Unavailable>> + Send;
}

/// Commands that were read in one go.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In the order in which they must be decided.
    pub deliveries: Vec<ReceivedCommand>,
    /// Must be settled before the next read: its one command may end this process.
    pub isolated: bool,
}

/// What an event stream ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastEvent {
    /// It is empty.
    None,
    /// An event.
    Event(Box<EventRecord>),
    /// Something that no writer put there, and why.
    Unrecognized(String),
}

/// One delivered entry.
#[derive(Clone, Debug)]
pub struct ReceivedCommand {
    /// Where it lay.
    pub channel: Channel,
    /// Its id; its milliseconds are the time of the command.
    pub entry: EntryId,
    /// What was read, or what is not to be handled.
    pub command: Result<Command, PoisonMessage>,
}

/// Names and values of an entry.
pub type RawFields = Vec<(Vec<u8>, Vec<u8>)>;

/// An entry that cannot be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonMessage {
    /// Why.
    pub failure: Failure,
    /// What it is made of.
    pub fields: RawFields,
}

/// Why a command could not be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind of trouble.
    pub reason: FailureReason,
    /// What went wrong, for whoever is to mend it.
    pub error: String,
}

/// What kinds of trouble there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// No command of ours, or of a kind or version that this program does not know.
    Unreadable,
    /// Handling it panicked.
    Panicked,
    /// The process ended again and again while it handled it.
    CrashedProcess,
    /// The store rejects what it comes to.
    Rejected,
}

impl FailureReason {
    /// Every reason there is.
    pub const ALL: [FailureReason; 4] = [
        FailureReason::Unreadable,
        FailureReason::Panicked,
        FailureReason::CrashedProcess,
        FailureReason::Rejected,
    ];

    /// Its name: in the outcome, in the dead letter, in metrics.
    pub fn name(self) -> &'static str {
        match self {
            FailureReason::Unreadable => "unreadable",
            FailureReason::Panicked => "panicked",
            FailureReason::CrashedProcess => "ended_its_process",
            FailureReason::Rejected => "rejected",
        }
    }
}

/// A command that goes to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// Where it lay.
    pub channel: Channel,
    /// Its entry id.
    pub entry: EntryId,
    /// Why: the name of a [`FailureReason`].
    pub reason: String,
    /// What went wrong.
    pub error: String,
    /// What it is made of.
    pub fields: RawFields,
}

impl ReceivedCommand {
    /// The time of the command: Redis's, when it was put on the stream.
    pub fn at(&self) -> Timestamp {
        Timestamp(i64::try_from(self.entry.ms).unwrap_or(i64::MAX))
    }
}

/// A batch that was stored and now leaves the lane.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// The position before its first event.
    pub after: u64,
    /// Its events.
    pub events: Vec<EventRecord>,
    /// The entries to acknowledge.
    pub done: Vec<(Channel, EntryId)>,
    /// The entries to acknowledge and put away.
    pub dead: Vec<NewDeadLetter>,
    /// What is decided, whoever waits: announced to every ingress.
    pub decided: Vec<CommandId>,
    /// Outcomes, and which ingress waits for each.
    pub replies: Vec<(String, Outcome)>,
}

impl Settlement {
    /// Whether there is nothing to settle.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.done.is_empty() && self.dead.is_empty() && self.replies.is_empty()
    }
}

/// Whether the event stream took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishResult {
    /// It did.
    Published,
    /// It did not: the stream does not end where the batch begins. Take over again.
    StreamMoved,
}
