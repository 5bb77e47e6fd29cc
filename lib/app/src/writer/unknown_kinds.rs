//! Kinds and versions that this program does not know: a newer program wrote them.
//!
//! During a roll-out a writer can receive a command of such a kind, or load an auction with an event of such a
//! kind. It decides neither that command nor the ones after it, so that their order holds. It hands the
//! partition over to a newer writer, and leaves it alone until that command is decided. After a limited time
//! without a newer writer, the command is dead-lettered.

use super::partition_writer::WriterError;
use crate::consume::stored_events::LoadError;
use crate::ports::commands::command_stream::{CommandStreamConnector, ReceivedCommand};
use auction_wire::{Channel, PartitionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::EntryId;

/// Interval at which a writer that handed a partition over checks whether the command is decided.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum number of unknown kinds that a process waits for. Further ones do not wait.
const MAX_KINDS: usize = 1000;

/// Time for which this process waits for a newer writer, for each unknown kind. Clones share it, so that all
/// partitions of a process wait at the same time.
#[derive(Clone, Debug)]
pub struct UnknownKinds {
    max_wait: Duration,
    waits: Arc<Mutex<HashMap<String, Wait>>>,
}

#[derive(Debug)]
struct Wait {
    began: Instant,
    /// Last time that something of the kind was met.
    last_met: Instant,
}

/// Command that this writer cannot decide, but a newer writer can.
#[derive(Clone, Debug)]
pub struct UndecidableCommand {
    pub channel: Channel,
    pub entry: EntryId,
    /// Kind and version that this program does not know, as a decoding error names it.
    pub unknown: String,
}

/// Reasons a partition writer stops working on its partition.
#[derive(Debug)]
pub(super) enum PartitionEnd {
    Failed(WriterError),
    /// A newer writer must decide this command.
    HandOver(UndecidableCommand),
}

impl From<WriterError> for PartitionEnd {
    fn from(error: WriterError) -> PartitionEnd {
        PartitionEnd::Failed(error)
    }
}

impl UnknownKinds {
    /// Waits for at most this time; with zero, never.
    pub fn new(max_wait: Duration) -> UnknownKinds {
        UnknownKinds { max_wait, waits: Arc::default() }
    }

    /// Removes the first command of an unknown kind that still waits, and all commands after it. Returns that
    /// command.
    pub(super) fn split_off(&self, deliveries: &mut Vec<ReceivedCommand>) -> Option<UndecidableCommand> {
        let (at, command) = deliveries.iter().enumerate().find_map(|(at, delivery)| {
            let poison = delivery.command.as_ref().err().filter(|poison| poison.has_unknown_kind)?;
            Some((at, self.undecidable(delivery, &poison.failure.error)?))
        })?;
        deliveries.truncate(at);
        Some(command)
    }

    /// Returns the first command of a batch whose state cannot be loaded, if that is due to an event of an
    /// unknown kind that still waits.
    pub(super) fn blocking(
        &self,
        batch: &[ReceivedCommand],
        error: &LoadError,
    ) -> Option<UndecidableCommand> {
        match error {
            LoadError::Unreadable { error, .. } if error.is_unknown_kind() => {
                self.undecidable(batch.first()?, &error.to_string())
            }
            _ => None,
        }
    }

    fn undecidable(&self, delivery: &ReceivedCommand, unknown: &str) -> Option<UndecidableCommand> {
        let ReceivedCommand { channel, entry, .. } = *delivery;
        self.still_waits(unknown).then(|| UndecidableCommand { channel, entry, unknown: unknown.to_owned() })
    }

    /// Returns whether the time for this kind is not over. The time begins when the kind is first met, and again
    /// after a pause that is as long.
    fn still_waits(&self, unknown: &str) -> bool {
        let (now, mut waits) = (Instant::now(), self.waits());
        waits.retain(|_, wait| now - wait.last_met <= self.max_wait);
        if !waits.contains_key(unknown) && waits.len() >= MAX_KINDS {
            return false;
        }
        let wait = waits.entry(unknown.to_owned()).or_insert(Wait { began: now, last_met: now });
        wait.last_met = now;
        now - wait.began < self.max_wait
    }

    /// Records that another writer decides commands of this kind: the next one may wait for the whole time.
    fn known_elsewhere(&self, unknown: &str) {
        self.waits().remove(unknown);
    }

    fn waits(&self) -> MutexGuard<'_, HashMap<String, Wait>> {
        // The map is consistent after every operation, so a panic of another holder does no harm.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another writer has decided the command, or until the time for its kind is over.
    pub async fn wait_until_decided(
        &self,
        streams: &impl CommandStreamConnector,
        partition: PartitionId,
        command: &UndecidableCommand,
    ) {
        while self.still_waits(&command.unknown) {
            match streams.is_acknowledged(partition, command.channel, command.entry).await {
                Ok(true) => return self.known_elsewhere(&command.unknown),
                Ok(false) => {}
                Err(error) => tracing::debug!(%partition, %error, "cannot check for a newer writer"),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
