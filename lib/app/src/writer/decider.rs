//! Decides a batch of commands, in order and in memory.

mod batch;

pub use batch::{DecidedBatch, KnownOutcomes};

use super::active_users::ActiveUserCache;
use super::aggregate_cache::AggregateCache;
use super::close_clock::CloseClock;
use super::dead_letter::{CommandInfo, dead_letter, failure, panic_failure};
use super::dispatch::DecideFn;
use super::removals::{is_close, removals};
use super::snapshots::{Snapshot, SnapshotPolicy};
use crate::consume::stored_events::LoadError;
use crate::ports::commands::command_stream::{Failure, ReceivedCommand};
use crate::ports::events::event_store::{EventStore, NewEvent};
use auction_domain::auction::Status;
use auction_domain::refusal::UnknownSender;
use auction_domain::user::UserEvent;
use auction_domain::user_bar::BarEvent;
use auction_domain::{Actor, Details, RefusalInfo, Timestamp, UserId};
use auction_wire::{
    Command, CommandBody, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId,
};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use thiserror::Error;
use uuid::Uuid;

/// Configuration of a decider.
#[derive(Clone, Copy, Debug)]
pub struct DeciderConfig {
    /// Maximum number of cached aggregates.
    pub aggregates: NonZeroUsize,
    /// Maximum number of cached active users.
    pub active_users: NonZeroUsize,
    /// Function that decides a command.
    pub decide: DecideFn,
    /// When an auction gets a new snapshot.
    pub snapshots: SnapshotPolicy,
    /// Clock that a close must agree with.
    pub close_clock: CloseClock,
}

/// Reasons a batch cannot be decided. The state is uncertain afterwards: call [`Decider::rollback`].
#[derive(Debug, Error)]
pub enum DecideError {
    /// The state that the decisions need cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A command cannot be processed.
    #[error("command {0}: {error}", error = _1.error)]
    Failed(CommandId, Failure),
}

/// Decides the commands of one partition, each on the state after the previous one, whether or not that one
/// is stored yet.
pub struct Decider {
    partition: PartitionId,
    head: u64,
    decide_fn: DecideFn,
    close_clock: CloseClock,
    aggregates: AggregateCache,
    active_users: ActiveUserCache,
    snapshot_policy: SnapshotPolicy,
    /// Auctions that get a snapshot after this batch.
    snapshots_due: Vec<Uuid>,
    /// Number of aggregates and senders of the previous batch, which may not be stored yet.
    touched: usize,
}

impl Decider {
    /// Creates a decider with empty caches at the head of a partition.
    pub fn new(partition: PartitionId, head: u64, config: DeciderConfig) -> Decider {
        Decider {
            partition,
            head,
            decide_fn: config.decide,
            close_clock: config.close_clock,
            aggregates: AggregateCache::new(config.aggregates),
            active_users: ActiveUserCache::new(partition, config.active_users),
            snapshot_policy: config.snapshots,
            snapshots_due: Vec::new(),
            touched: 0,
        }
    }

    /// Returns the partition that this decider serves.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Returns the newest position that the state contains, stored or not.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Decides a batch, and advances the state and the head. If the append fails, call [`Decider::rollback`].
    pub async fn decide(
        &mut self,
        store: &mut impl EventStore,
        batch: &[ReceivedCommand],
        known: &KnownOutcomes,
    ) -> Result<DecidedBatch, DecideError> {
        self.load(store, batch).await?;
        let mut decided = DecidedBatch::new(self, batch.len());
        // Index of each command's outcome in `outcomes`.
        let mut decided_here: HashMap<CommandId, usize> = HashMap::with_capacity(batch.len());
        for delivery in batch {
            let Some(info) = CommandInfo::of(delivery) else {
                // Without a command id there is no outcome.
                decided.settlement.dead.extend(dead_letter(delivery, None));
                continue;
            };
            let id = info.id;
            let stored = known.already_decided.get(&id);
            let outcome = match (stored, decided_here.get(&id)) {
                (Some(outcome), _) => outcome,
                (None, Some(repeated)) => &decided.append.outcomes[*repeated],
                (None, None) => {
                    let failed = known.failed.get(&id);
                    let outcome = self.outcome(delivery, &info, failed, &mut decided.append.events)?;
                    decided_here.insert(id, decided.append.outcomes.len());
                    decided.commands.push(id);
                    decided.append.outcomes.push(outcome);
                    &decided.append.outcomes[decided.append.outcomes.len() - 1]
                }
            };
            match dead_letter(delivery, Some(outcome)) {
                Some(dead_letter) => decided.settlement.dead.push(dead_letter),
                None => decided.settlement.done.push((delivery.channel, delivery.entry)),
            }
            decided.settlement.decided.push(id);
            if !info.reply.is_empty() {
                decided.settlement.replies.push((info.reply.into_owned(), outcome.clone()));
            }
        }
        self.head += decided.append.events.len() as u64;
        decided.snapshots = self.take_snapshots();
        Ok(decided)
    }

    /// Takes snapshots of the auctions that are due. They contain events that are not stored yet.
    fn take_snapshots(&mut self) -> Vec<Snapshot> {
        let position = self.head;
        let mut due = std::mem::take(&mut self.snapshots_due);
        due.sort_unstable();
        due.dedup();
        let mut snapshot = |key| {
            let state = self.aggregates.get(key).take_snapshot()?;
            Some(Snapshot { key, position, state })
        };
        due.into_iter().filter_map(&mut snapshot).collect()
    }

    /// Discards what was decided after `head`, since it is not stored. The aggregates of these batches are
    /// removed from the caches, and loaded again when they are needed.
    pub fn rollback<'a>(&mut self, head: u64, batches: impl Iterator<Item = &'a [ReceivedCommand]>) {
        self.head = head;
        self.snapshots_due.clear();
        let commands = batches.flatten().filter_map(|delivery| delivery.command.as_ref().ok());
        let keys: Vec<Uuid> = commands.map(|command| command.key).collect();
        keys.iter().for_each(|key| self.aggregates.remove(*key));
        self.active_users.rollback(keys.into_iter().map(UserId));
    }

    async fn load(
        &mut self,
        store: &mut impl EventStore,
        batch: &[ReceivedCommand],
    ) -> Result<(), LoadError> {
        // The entries of the previous batch are the most recently used. They stay, since they may not be
        // stored.
        self.aggregates.trim(self.touched);
        self.active_users.trim(self.touched);
        let commands = || batch.iter().filter_map(|delivery| delivery.command.as_ref().ok());
        let mut keys: Vec<_> = commands().map(|command| command.key).collect();
        keys.sort_unstable();
        keys.dedup();
        self.aggregates.load(store, &keys).await?;
        let mut senders: Vec<_> = commands().filter_map(|command| sender(command.actor)).collect();
        senders.sort_unstable();
        senders.dedup();
        self.touched = keys.len() + senders.len();
        let has_close = commands().any(is_close);
        Ok(self.active_users.load(store, &senders, has_close).await?)
    }

    /// Returns the outcome of a command that has none yet.
    fn outcome(
        &mut self,
        delivery: &ReceivedCommand,
        sender: &CommandInfo<'_>,
        failed: Option<&Failure>,
        events: &mut Vec<NewEvent>,
    ) -> Result<Outcome, DecideError> {
        let at = delivery.at();
        let result = match (&delivery.command, failed) {
            (Err(poison), _) => failure(&poison.failure),
            (Ok(_), Some(failed)) => failure(failed),
            (Ok(command), None) => {
                // A panic in one command must not stop the others.
                let result = catch_unwind(AssertUnwindSafe(|| self.result(command, at, events)));
                result.map_err(|panic| DecideError::Failed(command.id, panic_failure(&*panic)))?
            }
        };
        Ok(Outcome {
            command: sender.id,
            kind: sender.kind.to_string(),
            key: sender.key,
            fingerprint: sender.fingerprint,
            partition: self.partition,
            position: self.head + events.len() as u64,
            at,
            result,
        })
    }

    fn result(&mut self, command: &Command, at: Timestamp, events: &mut Vec<NewEvent>) -> OutcomeResult {
        let first = events.len();
        let decided_at = self.close_clock.decision_time(command, at);
        for removal in self.removals_before_close(command, decided_at) {
            match (self.decide_fn.0)(self.aggregates.get(command.key), &removal, decided_at) {
                Ok(removed) => self.apply_all(command, removed, at, events),
                // A defect: the removal is derived from the state.
                Err(refused) => {
                    tracing::error!(auction = %command.key, code = refused.code, "removal refused")
                }
            }
        }
        let result = match self.events_of(command, decided_at) {
            Ok(new) => {
                self.apply_all(command, new, at, events);
                self.accepted(command)
            }
            // Cancelled above, since its seller is barred.
            Err(_) if events.len() > first && self.is_cancelled(command) => self.accepted(command),
            Err(refused) => {
                let auction = self.aggregates.get(command.key).auction.as_ref();
                OutcomeResult::refused(refused, auction.map(|auction| auction.terms().currency))
            }
        };
        self.update_active_users(command, &events[first..]);
        result
    }

    fn events_of(&mut self, command: &Command, at: Timestamp) -> Result<Vec<Event>, RefusalInfo> {
        let unknown = sender(command.actor).is_some_and(|user| !self.active_users.is_active(user));
        if unknown && matches!(command.body, CommandBody::Auction(_)) {
            return Err(UnknownSender.into());
        }
        (self.decide_fn.0)(self.aggregates.get(command.key), command, at)
    }

    fn is_cancelled(&mut self, command: &Command) -> bool {
        let auction = self.aggregates.get(command.key).auction.as_ref();
        auction.is_some_and(|auction| auction.status() == Status::Cancelled)
    }

    fn removals_before_close(&mut self, command: &Command, at: Timestamp) -> Vec<Command> {
        let (aggregates, active_users) = (&mut self.aggregates, &self.active_users);
        let auction = aggregates.get(command.key).auction.as_ref().filter(|_| is_close(command));
        auction.map_or_else(Vec::new, |auction| {
            removals(auction, command, at, |user| active_users.is_barred(user))
        })
    }

    fn apply_all(&mut self, command: &Command, new: Vec<Event>, at: Timestamp, events: &mut Vec<NewEvent>) {
        for event in new {
            let next = self.head + events.len() as u64 + 1;
            let record = self.apply(command, &event, next, at);
            events.push(NewEvent { record, event, actor: command.actor });
        }
    }

    fn apply(&mut self, command: &Command, event: &Event, position: u64, at: Timestamp) -> EventRecord {
        let aggregate = self.aggregates.get(command.key);
        aggregate.apply(event, at);
        let body = event.encode();
        aggregate.count_event(body.len());
        if aggregate.is_snapshot_due(self.snapshot_policy) {
            self.snapshots_due.push(command.key);
        }
        EventRecord {
            position,
            key: command.key,
            version: aggregate.version(),
            kind: event.kind().to_owned(),
            schema: event.schema(),
            at,
            cause: command.id,
            trace: command.trace.clone(),
            body,
        }
    }

    fn accepted(&mut self, command: &Command) -> OutcomeResult {
        let aggregate = self.aggregates.get(command.key);
        let (details, currency) = match (&command.body, &aggregate.auction) {
            (CommandBody::Auction(body), Some(auction)) => {
                (body.details(auction), Some(auction.terms().currency))
            }
            (CommandBody::User(body), _) => (body.details(), None),
            (CommandBody::Promoter(body), _) => (body.details(), None),
            (CommandBody::Bar(body), _) => (body.details(), None),
            _ => (Details::new(), None),
        };
        OutcomeResult::accepted(aggregate.version(), currency, details)
    }

    /// Applies created, deleted and barred users, so that later commands see them.
    fn update_active_users(&mut self, command: &Command, events: &[NewEvent]) {
        for event in events {
            match &event.event {
                Event::User(UserEvent::UserCreated) => self.active_users.add(UserId(command.key)),
                Event::User(UserEvent::UserDeleted) => self.active_users.delete(UserId(command.key)),
                Event::Bar(BarEvent::UsersBarred { users }) => {
                    users.iter().for_each(|user| self.active_users.bar(*user));
                }
                Event::User(UserEvent::NotificationPreferencesChanged(_))
                | Event::Auction(_)
                | Event::Promoter(_) => {}
            }
        }
    }
}

fn sender(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::User(user) => Some(user),
        Actor::Operator(_) | Actor::Portal => None,
    }
}
