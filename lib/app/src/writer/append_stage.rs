//! The decide and append stage of a partition writer.
//!
//! While one batch is appended, the next one is decided speculatively on the state after it. If the append
//! fails, both are decided again.

use super::decider::{DecideError, DecidedBatch, Decider, KnownOutcomes};
use super::partition_writer::{Interruption, interruption};
use super::snapshots::SnapshotSender;
use super::stages::{ReadBatch, StoredBatch};
use super::unknown_kinds::{PartitionEnd, UnknownKinds};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::commands::command_stream::{Failure, FailureReason};
use crate::ports::events::event_store::{AppendResult, EventStore};
use std::collections::VecDeque;
use std::pin::pin;
use std::time::Instant;
use tokio::sync::mpsc;

pub(super) struct AppendStage<'a, S> {
    decider: &'a mut Decider,
    /// Connection for loading state.
    loading: &'a mut S,
    /// Connection for appending. There is one append at a time: a batch with refusals only does not move the
    /// head, so the next append could overtake it.
    appending: &'a mut S,
    to_settle: mpsc::Sender<StoredBatch>,
    snapshots: &'a SnapshotSender,
    unknown_kinds: &'a UnknownKinds,
    /// Batches to decide again, before newer ones.
    redecide_queue: VecDeque<ReadBatch>,
    known: KnownOutcomes,
}

/// Batch that is decided and not stored.
struct PendingAppend {
    batch: ReadBatch,
    decided: DecidedBatch,
}

impl<'a, S: EventStore> AppendStage<'a, S> {
    pub(super) fn new(
        decider: &'a mut Decider,
        loading: &'a mut S,
        appending: &'a mut S,
        to_settle: mpsc::Sender<StoredBatch>,
        snapshots: &'a SnapshotSender,
        unknown_kinds: &'a UnknownKinds,
    ) -> AppendStage<'a, S> {
        let (redecide_queue, known) = (VecDeque::new(), KnownOutcomes::default());
        AppendStage {
            decider,
            loading,
            appending,
            to_settle,
            snapshots,
            unknown_kinds,
            redecide_queue,
            known,
        }
    }

    /// Decides and appends batches until the read stage ends.
    pub(super) async fn run(mut self, mut batches: mpsc::Receiver<ReadBatch>) -> Result<(), Interruption> {
        let mut pending = None;
        loop {
            pending = match pending.take() {
                Some(pending) => self.append(pending, &mut batches).await?,
                None => match next(&mut self.redecide_queue, &mut batches).await {
                    Some(batch) => {
                        let head = self.decider.head();
                        let decided = self.decider.decide(self.loading, &batch.deliveries, &self.known).await;
                        self.on_decided(batch, decided, head)?
                    }
                    None => return Ok(()),
                },
            };
        }
    }

    /// Appends a batch, and decides the next one meanwhile. Returns the next one.
    async fn append(
        &mut self,
        pending: PendingAppend,
        batches: &mut mpsc::Receiver<ReadBatch>,
    ) -> Result<Option<PendingAppend>, Interruption> {
        let began = Instant::now();
        let head = self.decider.head();
        let (appended, speculative) = {
            let AppendStage { decider, loading, appending, redecide_queue, known, .. } = self;
            let mut append = pin!(append(&mut **appending, &pending));
            tokio::select! {
                biased;
                appended = &mut append => (appended?, None),
                Some(batch) = next(redecide_queue, batches) => {
                    let deciding = decider.decide(&mut **loading, &batch.deliveries, known);
                    let (appended, decided) = tokio::join!(append, deciding);
                    (appended?, Some((batch, decided)))
                }
            }
        };
        if appended != AppendResult::Committed {
            self.on_append_failed(appended, pending, speculative.map(|(batch, _)| batch)).await?;
            return Ok(None);
        }
        self.on_committed(pending, began).await;
        match speculative {
            Some((batch, decided)) => self.on_decided(batch, decided, head),
            None => Ok(None),
        }
    }

    /// Processes the result of deciding a batch at `head`. If a command cannot be processed, its failure is
    /// recorded, and the batch is decided again.
    fn on_decided(
        &mut self,
        batch: ReadBatch,
        decided: Result<DecidedBatch, DecideError>,
        head: u64,
    ) -> Result<Option<PendingAppend>, Interruption> {
        match decided {
            Ok(decided) => Ok(Some(PendingAppend { batch, decided })),
            Err(DecideError::Load(error)) => {
                Err(match self.unknown_kinds.blocking(&batch.deliveries, &error) {
                    Some(command) => Interruption::Fatal(PartitionEnd::HandOver(command)),
                    None => interruption(error, self.decider.partition()),
                })
            }
            Err(DecideError::Failed(command, failure)) => {
                tracing::error!(partition = %self.decider.partition(), %command, error = failure.error, "command cannot be processed: dead-lettering");
                self.known.failed.insert(command, failure);
                self.decider.rollback(head, std::iter::once(batch.deliveries.as_slice()));
                self.redecide_queue.push_front(batch);
                Ok(None)
            }
        }
    }

    async fn on_committed(&mut self, PendingAppend { batch, mut decided }: PendingAppend, began: Instant) {
        decided.snapshots.drain(..).for_each(|snapshot| self.snapshots.offer(snapshot));
        let append = &decided.append;
        if !append.outcomes.is_empty() {
            let seconds = began.elapsed().as_secs_f64();
            instrumentation::batch_stored(
                append.partition,
                append.outcomes.len(),
                append.events.len(),
                seconds,
            );
        }
        self.known.forget(batch.deliveries.iter().filter_map(|delivery| delivery.command.as_ref().ok()));
        let stored = StoredBatch { settlement: decided.into_settlement(), settled: batch.settled };
        // If the settle stage has ended, it returns the error itself.
        let _ = self.to_settle.send(stored).await;
    }

    /// Finds out why an append failed, and schedules the batch and the one decided on it to be decided again.
    async fn on_append_failed(
        &mut self,
        appended: AppendResult,
        PendingAppend { batch, decided }: PendingAppend,
        speculative: Option<ReadBatch>,
    ) -> Result<(), Interruption> {
        let head = decided.append.expected_head;
        let touched = std::iter::once(&batch).chain(&speculative).map(|batch| batch.deliveries.as_slice());
        self.decider.rollback(head, touched);
        if let Some(speculative) = speculative {
            self.redecide_queue.push_front(speculative);
        }
        match appended {
            AppendResult::Committed => {} // handled by the caller
            AppendResult::HeadConflict => {
                return Err(Interruption::Conflict("store_head_moved"));
            }
            AppendResult::DuplicateCommand => {
                let here = self.decider.partition();
                let found = self.loading.outcomes(here, &decided.commands).await?;
                if found.iter().any(|outcome| outcome.position > head) {
                    return Err(Interruption::Conflict("command_decided_by_other"));
                }
                if found.is_empty() {
                    // A bid with this id exists, and retention has deleted its outcome.
                    let error = "the command was decided before, and retention deleted its outcome";
                    self.isolate(batch, &decided, error)?;
                } else {
                    let stored = found.into_iter().map(|found| (found.command, found));
                    self.known.already_decided.extend(stored);
                    self.redecide_queue.push_front(batch);
                }
            }
            AppendResult::Rejected(why) => self.isolate(batch, &decided, &why)?,
        }
        Ok(())
    }

    /// Halves a batch until the command that the store rejects is alone in it. Then records its failure.
    fn isolate(
        &mut self,
        mut batch: ReadBatch,
        decided: &DecidedBatch,
        why: &str,
    ) -> Result<(), Interruption> {
        if let [command] = decided.commands[..] {
            tracing::error!(partition = %self.decider.partition(), %command, error = why, "command rejected by the store: dead-lettering");
            let failure = Failure { reason: FailureReason::Rejected, error: why.to_owned() };
            if self.known.failed.insert(command, failure).is_some() {
                // The failure cannot be stored either. Retry until an operator fixes the cause.
                return Err(Unavailable::new("event store", why.to_owned()).into());
            }
        } else {
            let second = batch.deliveries.split_off(batch.deliveries.len() / 2);
            self.redecide_queue.push_front(ReadBatch { deliveries: second, settled: batch.settled.take() });
        }
        self.redecide_queue.push_front(batch);
        Ok(())
    }
}

/// Returns the next batch to decide. Cancel-safe.
async fn next(
    redecide_queue: &mut VecDeque<ReadBatch>,
    batches: &mut mpsc::Receiver<ReadBatch>,
) -> Option<ReadBatch> {
    match redecide_queue.pop_front() {
        Some(batch) => Some(batch),
        None => batches.recv().await,
    }
}

async fn append(
    store: &mut impl EventStore,
    PendingAppend { decided, .. }: &PendingAppend,
) -> Result<AppendResult, Unavailable> {
    let append = &decided.append;
    if !append.outcomes.is_empty() {
        return store.append(append).await;
    }
    // There is nothing to store, since no command arrived or all were decided before. Check for another
    // writer.
    let head = store.head(append.partition).await?;
    Ok(if head == append.expected_head { AppendResult::Committed } else { AppendResult::HeadConflict })
}
