//! The lane of a writer: commands in, events out, for one partition.

use super::Unavailable;
use auction_domain::Timestamp;
use auction_wire::{Channel, Command, DecodeError, EventRecord, Outcome, PartitionId};
use std::future::Future;
use stream_worker::EntryId;

/// Makes lanes.
pub trait CommandLanes: Send + Sync {
    /// A lane.
    type Lane: CommandLane;

    /// Opens the lane of a partition on connections of its own, and takes over all commands that were
    /// delivered to anybody and not acknowledged.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Lane, Unavailable>> + Send;
}

/// One lane. After an error it is dropped and another one opened.
pub trait CommandLane: Send {
    /// The next commands in the order in which they must be decided; empty when none came in time.
    /// What the call before returned must be settled by now. Commands that were delivered to anybody and
    /// not acknowledged come before newer ones, and creations before commands that came after them.
    fn read(&mut self) -> impl Future<Output = Result<Vec<Delivery>, Unavailable>> + Send;

    /// The newest position that the event stream ever had, asked now.
    fn stream_head(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// The newest event that lies on the event stream.
    fn last_event(&mut self) -> impl Future<Output = Result<LastEvent, Unavailable>> + Send;

    /// Publishes events that follow `after`, if the stream still ends there.
    fn publish(
        &mut self,
        after: u64,
        events: &[EventRecord],
    ) -> impl Future<Output = Result<Published, Unavailable>> + Send;

    /// Publishes the events of a batch, acknowledges its commands and puts away what could not be read,
    /// all or nothing, if the stream still ends where the batch begins; and sends the outcomes to the
    /// ingresses that wait.
    fn settle(&mut self, batch: &Settlement) -> impl Future<Output = Result<Published, Unavailable>> + Send;

    /// Leaves the group. Nothing may be pending.
    fn leave(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// What an event stream ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastEvent {
    /// It is empty.
    None,
    /// An event.
    Event(Box<EventRecord>),
    /// Something that no writer put there, and why.
    NotOurs(String),
}

/// One delivered entry.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it lay.
    pub channel: Channel,
    /// Its id; its milliseconds are the time of the command.
    pub entry: EntryId,
    /// What was read, and what could not be.
    pub command: Result<Command, Unreadable>,
}

/// An entry that is no command.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Why.
    pub error: DecodeError,
    /// What it is made of.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Delivery {
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
    /// The entries to put away.
    pub unreadable: Vec<(Channel, EntryId, Unreadable)>,
    /// Outcomes, and which ingress waits for each.
    pub replies: Vec<(String, Outcome)>,
}

/// Whether the event stream took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It did.
    Done,
    /// It did not: the stream does not end where the batch begins. Take over again.
    StreamMoved,
}
