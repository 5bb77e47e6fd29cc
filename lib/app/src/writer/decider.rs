//! A batch of commands is decided in order, in memory.

use super::active_users::{ActiveUserCache, UnknownSender};
use super::aggregate_cache::{AggregateCache, LoadError};
use super::dead_letter::{CommandInfo, dead_letter, failure, panic_failure};
use super::dispatch::DecideFn;
use super::snapshots::{Snapshot, SnapshotPolicy};
use crate::ports::Unavailable;
use crate::ports::commands::command_stream::{Failure, ReceivedCommand, Settlement};
use crate::ports::events::event_store::{AppendBatch, EventStore, NewEvent};
use auction_domain::user::UserEvent;
use auction_domain::{Actor, Details, Refused, Timestamp, UserId};
use auction_wire::{
    Command, CommandBody, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId,
};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use thiserror::Error;
use uuid::Uuid;

/// How much a lane keeps in memory.
#[derive(Clone, Copy, Debug)]
pub struct DeciderConfig {
    /// Users and auctions.
    pub aggregates: NonZeroUsize,
    /// Users known to exist.
    pub bidders: NonZeroUsize,
    /// What is decided by.
    pub rules: DecideFn,
    /// When auctions get snapshots.
    pub snapshots: SnapshotPolicy,
}

/// What is known of commands before they are decided.
#[derive(Debug, Default)]
pub struct KnownOutcomes {
    /// Stored outcomes of those that were decided before.
    pub already_decided: HashMap<CommandId, Outcome>,
    /// Those that cannot be handled.
    pub failed: HashMap<CommandId, Failure>,
}

impl KnownOutcomes {
    /// These are stored: nothing needs to be known of them any more.
    pub fn forget<'a>(&mut self, commands: impl Iterator<Item = &'a Command>) {
        if self.already_decided.is_empty() && self.failed.is_empty() {
            return;
        }
        for command in commands {
            self.already_decided.remove(&command.id);
            self.failed.remove(&command.id);
        }
    }
}

/// Why a batch could not be decided. The state is in doubt: call [`Desk::rollback`].
#[derive(Debug, Error)]
pub enum DecideError {
    /// What its decisions need.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// One of its commands cannot be handled.
    #[error("command {0}: {error}", error = _1.error)]
    Failed(CommandId, Failure),
}

/// Where the commands of one partition are decided, each on the state that the ones before leave behind,
/// whether they are stored already or not.
pub struct Decider {
    partition: PartitionId,
    head: u64,
    rules: DecideFn,
    aggregates: AggregateCache,
    bidders: ActiveUserCache,
    snapshot_rules: SnapshotPolicy,
    /// Auctions that are due for a snapshot after this batch.
    due: Vec<Uuid>,
    /// At most so many users and auctions were touched by the batch before, which may not be stored yet.
    touched: usize,
}

/// What a batch comes to, before it is stored.
#[derive(Debug)]
pub struct DecidedBatch {
    /// To store.
    pub append: AppendBatch,
    /// To settle once it is stored, but for the events.
    settlement: Settlement,
    /// The commands that have a new outcome.
    pub commands: Vec<CommandId>,
    /// To be kept once it is stored.
    pub(super) snapshots: Vec<Snapshot>,
}

impl DecidedBatch {
    fn new(desk: &Decider, size: usize) -> DecidedBatch {
        DecidedBatch {
            append: AppendBatch {
                partition: desk.partition,
                expected_head: desk.head,
                known_deletions: desk.bidders.known_deletions(),
                events: Vec::with_capacity(size),
                outcomes: Vec::with_capacity(size),
            },
            settlement: Settlement { after: desk.head, ..Settlement::default() },
            commands: Vec::with_capacity(size),
            snapshots: Vec::new(),
        }
    }

    /// It is stored: this is what is to be settled.
    pub fn settlement(self) -> Settlement {
        let events = self.append.events.into_iter().map(|event| event.record).collect();
        Settlement { events, ..self.settlement }
    }
}

impl Decider {
    /// A desk of a partition at its head, without any memory. `newest_deletion` was read before any user is
    /// looked up.
    pub fn new(partition: PartitionId, head: u64, newest_deletion: u64, limits: DeciderConfig) -> Decider {
        Decider {
            partition,
            head,
            rules: limits.rules,
            aggregates: AggregateCache::new(limits.aggregates),
            bidders: ActiveUserCache::new(newest_deletion, limits.bidders),
            snapshot_rules: limits.snapshots,
            due: Vec::new(),
            touched: 0,
        }
    }

    /// Whose desk it is.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The newest position that its state contains, stored or not.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Decides a batch. The state, and the head, are those after it; if it is not stored after all, call
    /// [`Desk::rollback`].
    pub async fn decide(
        &mut self,
        store: &mut impl EventStore,
        batch: &[ReceivedCommand],
        verdicts: &KnownOutcomes,
    ) -> Result<DecidedBatch, DecideError> {
        self.load(store, batch).await?;
        let mut decided = DecidedBatch::new(self, batch.len());
        // Where in `outcomes` the outcome of each command of this batch is.
        let mut decided_here: HashMap<CommandId, usize> = HashMap::with_capacity(batch.len());
        for delivery in batch {
            let Some(envelope) = CommandInfo::of(delivery) else {
                // Nobody can be told.
                decided.settlement.dead.extend(dead_letter(delivery, None));
                continue;
            };
            let id = envelope.id;
            let known = verdicts.already_decided.get(&id);
            let outcome = match (known, decided_here.get(&id)) {
                (Some(outcome), _) => outcome,
                (None, Some(repeated)) => &decided.append.outcomes[*repeated],
                (None, None) => {
                    let failed = verdicts.failed.get(&id);
                    let outcome = self.outcome(delivery, &envelope, failed, &mut decided.append.events)?;
                    decided_here.insert(id, decided.append.outcomes.len());
                    decided.commands.push(id);
                    decided.append.outcomes.push(outcome);
                    &decided.append.outcomes[decided.append.outcomes.len() - 1]
                }
            };
            match dead_letter(delivery, Some(outcome)) {
                Some(letter) => decided.settlement.dead.push(letter),
                None => decided.settlement.done.push((delivery.channel, delivery.entry)),
            }
            decided.settlement.decided.push(id);
            if !envelope.reply.is_empty() {
                decided.settlement.replies.push((envelope.reply.into_owned(), outcome.clone()));
            }
        }
        self.head += decided.append.events.len() as u64;
        decided.snapshots = self.take_snapshots();
        Ok(decided)
    }

    /// The state, after a batch, of auctions that have grown enough. It holds what is not stored yet.
    fn take_snapshots(&mut self) -> Vec<Snapshot> {
        let position = self.head;
        let mut due = std::mem::take(&mut self.due);
        due.sort_unstable();
        due.dedup();
        let mut snapshot = |key| {
            let memento = self.aggregates.get(key).snapshot()?;
            Some(Snapshot { key, position, memento })
        };
        due.into_iter().filter_map(&mut snapshot).collect()
    }

    /// What was decided from this position on is not stored: the state of what it touched is that of
    /// something that did not happen.
    pub fn rollback<'a>(&mut self, head: u64, batches: impl Iterator<Item = &'a [ReceivedCommand]>) {
        self.head = head;
        self.due.clear();
        for command in batches.flatten().filter_map(|delivery| delivery.command.as_ref().ok()) {
            self.aggregates.forget(command.key);
            self.bidders.remove(UserId(command.key));
        }
    }

    /// Learns of users deleted elsewhere.
    pub async fn learn_deletions(&mut self, store: &mut impl EventStore) -> Result<(), Unavailable> {
        self.bidders.learn_deletions(store).await
    }

    async fn load(
        &mut self,
        store: &mut impl EventStore,
        batch: &[ReceivedCommand],
    ) -> Result<(), LoadError> {
        // What the batch before touched is the most recently used: it may not be stored yet, and stays.
        self.aggregates.trim(self.touched);
        self.bidders.trim(self.touched);
        let commands = || batch.iter().filter_map(|delivery| delivery.command.as_ref().ok());
        let mut keys: Vec<_> = commands().map(|command| command.key).collect();
        keys.sort_unstable();
        keys.dedup();
        self.aggregates.load(store, &keys).await?;
        let mut senders: Vec<_> = commands().filter_map(|command| sender(command.actor)).collect();
        senders.sort_unstable();
        senders.dedup();
        self.touched = keys.len() + senders.len();
        Ok(self.bidders.load(store, &senders).await?)
    }

    /// The outcome of a delivery that has none yet.
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
            (Ok(_), Some(failure_known)) => failure(failure_known),
            (Ok(command), None) => {
                // A bug in the rules of one command must not hold up all others.
                let result = catch_unwind(AssertUnwindSafe(|| self.result(command, at, events)));
                result.map_err(|panic| DecideError::Failed(command.id, panic_failure(&panic)))?
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
        let result = match self.events_of(command, at) {
            Err(refused) => {
                let auction = self.aggregates.get(command.key).auction.as_ref();
                OutcomeResult::refused(refused, auction.map(|auction| auction.terms().currency))
            }
            Ok(new) => {
                for event in new {
                    let next = self.head + events.len() as u64 + 1;
                    let record = self.apply(command, &event, next, at);
                    events.push(NewEvent { record, event, actor: command.actor });
                }
                self.accepted(command)
            }
        };
        self.note_users(command, &events[first..]);
        result
    }

    fn events_of(&mut self, command: &Command, at: Timestamp) -> Result<Vec<Event>, Refused> {
        let stranger = sender(command.actor).is_some_and(|user| !self.bidders.is_known(user));
        if stranger && matches!(command.body, CommandBody::Auction(_)) {
            return Err(UnknownSender.into());
        }
        (self.rules.0)(self.aggregates.get(command.key), command, at)
    }

    fn apply(&mut self, command: &Command, event: &Event, position: u64, at: Timestamp) -> EventRecord {
        let aggregate = self.aggregates.get(command.key);
        aggregate.apply(event, at);
        let body = event.encode();
        aggregate.grew(body.len());
        if aggregate.is_due(self.snapshot_rules) {
            self.due.push(command.key);
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
        let (facts, currency) = match (&command.body, &aggregate.auction) {
            (CommandBody::Auction(body), Some(auction)) => {
                (body.facts(auction), Some(auction.terms().currency))
            }
            (CommandBody::User(body), _) => (body.facts(), None),
            (CommandBody::Promoter(body), _) => (body.facts(), None),
            _ => (Details::new(), None),
        };
        OutcomeResult::accepted(aggregate.version(), currency, facts)
    }

    /// Later commands of the same batch see users created and deleted by earlier ones.
    fn note_users(&mut self, command: &Command, events: &[NewEvent]) {
        for event in events {
            match event.event {
                Event::User(UserEvent::UserCreated) => self.bidders.add(UserId(command.key)),
                Event::User(UserEvent::UserDeleted) => self.bidders.remove(UserId(command.key)),
                Event::User(UserEvent::SubscriptionsChanged(_)) | Event::Auction(_) | Event::Promoter(_) => {}
            }
        }
    }
}

fn sender(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::User(user) => Some(user),
        Actor::Operator | Actor::Portal => None,
    }
}
