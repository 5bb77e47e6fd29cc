//! Retention: removes old stream entries, outcomes and deliveries.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::future::Future;
use std::time::Duration;

/// Trims the streams. After an error it can be used again.
pub trait StreamRetention: Send {
    /// Returns the time of the clock that stamps commands.
    fn now(&mut self) -> impl Future<Output = Result<Timestamp, Unavailable>> + Send;

    /// Removes commands that are older than `older_than` from the streams of a partition, if they are decided
    /// and acknowledged. Undecided commands stay, regardless of their age.
    fn trim_commands(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> impl Future<Output = Result<TrimmedCommands, Unavailable>> + Send;

    /// Removes events that are older than `older_than` from the event stream of a partition, whether or not
    /// they were consumed: the store has them. The last event stays, since it identifies the history that the
    /// stream belongs to.
    fn trim_events(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> impl Future<Output = Result<Trimmed, Unavailable>> + Send;
}

/// Result of one trim step. A step is short, and may leave removable entries for later steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Number of removed entries.
    pub removed: u64,
    /// Whether there may be more entries to remove.
    pub more: bool,
}

/// Result of one step of trimming commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrimmedCommands {
    /// Number of removed commands, and whether there are more.
    pub trimmed: Trimmed,
    /// Time of the oldest undecided command; `None` if every command is decided.
    pub oldest_undecided: Option<Timestamp>,
}

/// Deletes the outcomes of old commands.
pub trait OutcomeRetention: Send + Sync {
    /// Scans a part of all outcomes, and deletes those of commands that were received before `before`.
    ///
    /// The commands must also be older than `retention` by the store's own clock, so that a clock that jumped
    /// ahead deletes nothing early. `from` is [`DeletedOutcomes::next`] of the previous step, at first zero.
    fn delete_outcomes(
        &self,
        before: Timestamp,
        retention: Duration,
        from: u64,
    ) -> impl Future<Output = Result<DeletedOutcomes, Unavailable>> + Send;
}

/// Result of one step of deleting outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedOutcomes {
    /// Number of deleted outcomes.
    pub deleted: u64,
    /// Where the next step starts; zero after the last step of a scan, when a new scan starts.
    pub next: u64,
    /// Number of steps of a full scan.
    pub steps: u64,
}

/// Deletes finished deliveries of the outbox.
pub trait DeliveryRetention: Send + Sync {
    /// Deletes some deliveries that finished longer than `keep` ago, by the store's own clock. Pending
    /// deliveries stay.
    ///
    /// Returns the number of deleted deliveries. Call again until it is zero.
    fn delete_deliveries(&self, keep: Duration) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}
