//! What is old goes: entries of streams, and outcomes.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::future::Future;
use std::time::Duration;

/// Takes old entries from the streams. After an error it may be used again.
pub trait StreamRetention: Send {
    /// The clock that stamps commands.
    fn now(&mut self) -> impl Future<Output = Result<Timestamp, Unavailable>> + Send;

    /// Takes commands that are older than that from the streams of a partition, as far as they are decided
    /// and acknowledged. What is undecided stays, however old.
    fn trim_commands(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> impl Future<Output = Result<TrimmedCommands, Unavailable>> + Send;

    /// Takes events that are older than that from the event stream of a partition, whether they were read
    /// or not: the store has them. The last one stays, since it tells of which history the stream is.
    fn trim_events(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> impl Future<Output = Result<Trimmed, Unavailable>> + Send;
}

/// What a step of trimming came to. A step is short, and leaves a few entries for later ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// So many entries are gone.
    pub removed: u64,
    /// There may be more to take.
    pub more: bool,
}

/// What a step of trimming commands came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrimmedCommands {
    /// What went.
    pub trimmed: Trimmed,
    /// When the oldest command was received that is not decided.
    pub oldest_undecided: Option<Timestamp>,
}

/// Deletes old outcomes.
pub trait OutcomeRetention: Send + Sync {
    /// Looks through a part of all outcomes, and deletes those in it of commands that were received before
    /// `before`, by the store's own clock too: a clock that jumped ahead deletes nothing early. `from` is
    /// where the step before ended, at first zero.
    fn delete_outcomes(
        &self,
        before: Timestamp,
        retention: Duration,
        from: u64,
    ) -> impl Future<Output = Result<DeletedOutcomes, Unavailable>> + Send;
}

/// What a step of deleting outcomes came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedOutcomes {
    /// So many are gone.
    pub deleted: u64,
    /// Where the next step begins; zero if this one was the last, and all begins again.
    pub next: u64,
    /// How many steps a whole round takes.
    pub steps: u64,
}

/// Deletes what was sent, or given up.
pub trait DeliveryRetention: Send + Sync {
    /// Deletes some of those that were finished longer ago than that, by the store's own clock. Returns how many;
    /// there may be more if there are any. What is pending stays.
    fn delete_deliveries(&self, keep: Duration) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}
