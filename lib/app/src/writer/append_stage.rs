//! The middle stage of a lane: batches are decided and stored, one after another. While one is being
//! stored, the next is decided on top of it; if the first is not stored after all, both are decided again.

use super::decider::{DecideError, DecidedBatch, Decider, KnownOutcomes};
use super::partition_writer::{Interruption, interruption};
use super::snapshots::SnapshotSender;
use super::stages::{ReadBatch, StoredBatch};
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::commands::command_stream::{Failure, FailureReason};
use crate::ports::events::event_store::{AppendResult, EventStore};
use std::collections::VecDeque;
use std::pin::pin;
use std::time::Instant;
use tokio::sync::mpsc;

/// The stage.
pub(super) struct AppendStage<'a, S> {
    desk: &'a mut Decider,
    /// For what decisions need.
    loading: &'a mut S,
    /// For appending: one append at a time, since one that stores refusals alone does not move the head,
    /// and could be passed by the next.
    appending: &'a mut S,
    to_settle: mpsc::Sender<StoredBatch>,
    snapshots: &'a SnapshotSender,
    /// To be decided before anything newer.
    redecide_queue: VecDeque<ReadBatch>,
    verdicts: KnownOutcomes,
}

/// A batch that is decided and not stored.
struct Ready {
    batch: ReadBatch,
    decided: DecidedBatch,
}

impl<'a, S: EventStore> AppendStage<'a, S> {
    pub(super) fn new(
        desk: &'a mut Decider,
        loading: &'a mut S,
        appending: &'a mut S,
        to_settle: mpsc::Sender<StoredBatch>,
        snapshots: &'a SnapshotSender,
    ) -> AppendStage<'a, S> {
        let (redecide_queue, verdicts) = (VecDeque::new(), KnownOutcomes::default());
        AppendStage { desk, loading, appending, to_settle, snapshots, redecide_queue, verdicts }
    }

    /// Stores what is read, until nothing more is.
    pub(super) async fn run(mut self, mut batches: mpsc::Receiver<ReadBatch>) -> Result<(), Interruption> {
        let mut ready = None;
        loop {
            ready = match ready.take() {
                Some(ready) => self.store(ready, &mut batches).await?,
                None => match next(&mut self.redecide_queue, &mut batches).await {
                    Some(batch) => {
                        let head = self.desk.head();
                        let decided = self.desk.decide(self.loading, &batch.deliveries, &self.verdicts).await;
                        self.ready(batch, decided, head)?
                    }
                    None => return Ok(()),
                },
            };
        }
    }

    /// Stores a batch, and meanwhile decides the next one on top of it. Returns that one.
    async fn store(
        &mut self,
        storing: Ready,
        batches: &mut mpsc::Receiver<ReadBatch>,
    ) -> Result<Option<Ready>, Interruption> {
        let began = Instant::now();
        let head = self.desk.head();
        let (appended, ahead) = {
            let AppendStage { desk, loading, appending, redecide_queue: again, verdicts, .. } = self;
            let mut append = pin!(append(&mut **appending, &storing));
            tokio::select! {
                biased;
                appended = &mut append => (appended?, None),
                Some(batch) = next(again, batches) => {
                    let deciding = desk.decide(&mut **loading, &batch.deliveries, verdicts);
                    let (appended, decided) = tokio::join!(append, deciding);
                    (appended?, Some((batch, decided)))
                }
            }
        };
        if appended != AppendResult::Committed {
            self.on_append_failed(appended, storing, ahead.map(|(batch, _)| batch)).await?;
            return Ok(None);
        }
        self.stored(storing, began).await;
        match ahead {
            Some((batch, decided)) => self.ready(batch, decided, head),
            None => Ok(None),
        }
    }

    /// What became of deciding a batch on this head. If one of its commands cannot be handled, it is
    /// known now, and the batch comes again.
    fn ready(
        &mut self,
        batch: ReadBatch,
        decided: Result<DecidedBatch, DecideError>,
        head: u64,
    ) -> Result<Option<Ready>, Interruption> {
        match decided {
            Ok(decided) => Ok(Some(Ready { batch, decided })),
            Err(DecideError::Load(error)) => Err(interruption(error, self.desk.partition())),
            Err(DecideError::Failed(command, failure)) => {
                tracing::error!(partition = %self.desk.partition(), %command, error = failure.error, "cannot be handled");
                self.verdicts.failed.insert(command, failure);
                self.desk.rollback(head, std::iter::once(batch.deliveries.as_slice()));
                self.redecide_queue.push_front(batch);
                Ok(None)
            }
        }
    }

    async fn stored(&mut self, Ready { batch, mut decided }: Ready, began: Instant) {
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
        self.verdicts.forget(batch.deliveries.iter().filter_map(|delivery| delivery.command.as_ref().ok()));
        let stored = StoredBatch { settlement: decided.settlement(), settled: batch.settled };
        // If the last stage has ended, it says why itself.
        let _ = self.to_settle.send(stored).await;
    }

    /// Finds out what stands in the way, and lets the batch, and the one decided on it, come again.
    async fn on_append_failed(
        &mut self,
        appended: AppendResult,
        Ready { batch, decided }: Ready,
        speculative: Option<ReadBatch>,
    ) -> Result<(), Interruption> {
        let head = decided.append.expected_head;
        let touched = std::iter::once(&batch).chain(&speculative).map(|batch| batch.deliveries.as_slice());
        self.desk.rollback(head, touched);
        if let Some(ahead) = speculative {
            self.redecide_queue.push_front(ahead);
        }
        match appended {
            AppendResult::Committed | AppendResult::StaleDeletions => self.redecide_queue.push_front(batch),
            AppendResult::HeadConflict => return Err(Interruption::Conflict("the head moved")),
            AppendResult::DuplicateCommand => {
                let found = self.loading.outcomes(&decided.commands).await?;
                let here = self.desk.partition();
                if found.iter().any(|outcome| outcome.partition == here && outcome.position > head) {
                    return Err(Interruption::Conflict("a command was decided beyond the head"));
                }
                if found.is_empty() {
                    // A bid of that id is there, and its outcome was deleted after its time.
                    self.isolate(batch, &decided, "was decided long ago; its outcome is no longer kept")?;
                } else {
                    let known = found.into_iter().map(|found| (found.command, found));
                    self.verdicts.already_decided.extend(known);
                    self.redecide_queue.push_front(batch);
                }
            }
            AppendResult::Rejected(why) => self.isolate(batch, &decided, &why)?,
        }
        Ok(self.desk.learn_deletions(self.loading).await?)
    }

    /// Halves a batch until the command is alone that the store does not take.
    fn isolate(
        &mut self,
        mut batch: ReadBatch,
        decided: &DecidedBatch,
        why: &str,
    ) -> Result<(), Interruption> {
        if let [command] = decided.commands[..] {
            tracing::error!(partition = %self.desk.partition(), %command, why, "rejected by the store");
            let failure = Failure { reason: FailureReason::Rejected, error: why.to_owned() };
            if self.verdicts.failed.insert(command, failure).is_some() {
                // Not even that it failed can be stored: somebody must look.
                return Err(Unavailable::new("postgres", why.to_owned()).into());
            }
        } else {
            let second = batch.deliveries.split_off(batch.deliveries.len() / 2);
            self.redecide_queue.push_front(ReadBatch { deliveries: second, settled: batch.settled.take() });
        }
        self.redecide_queue.push_front(batch);
        Ok(())
    }
}

/// What comes again, then what comes new. Nothing is lost if it is not waited for.
async fn next(again: &mut VecDeque<ReadBatch>, batches: &mut mpsc::Receiver<ReadBatch>) -> Option<ReadBatch> {
    match again.pop_front() {
        Some(batch) => Some(batch),
        None => batches.recv().await,
    }
}

async fn append(
    store: &mut impl EventStore,
    Ready { decided, .. }: &Ready,
) -> Result<AppendResult, Unavailable> {
    let append = &decided.append;
    if !append.outcomes.is_empty() {
        return store.append(append).await;
    }
    // Nothing to store: nothing came, or it was decided before. A writer beside us must not go unnoticed.
    let head = store.head(append.partition).await?;
    Ok(if head == append.expected_head { AppendResult::Committed } else { AppendResult::HeadConflict })
}
